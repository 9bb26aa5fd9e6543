// The tree of word histories of one stream.
#pragma once

#include <cstdint>
#include <vector>

#include "numbering.h"

namespace decoder {

constexpr int kRoot = 0;  // what all live hypotheses share: the committed words

struct History {
  int parent = kRoot;  // its number is below this history's
  int word = kNone;    // the last word
  int context = 0;     // the number of the language model's state after it
  int depth = 0;       // words from the root
  int start = 0;       // the frames of the word's first and after its last label
  int end = 0;
  double lm = 0.0;           // weighted language-model score of all words
  double confidence = -1.0;  // of the word; below 0 until it is measured
};

class Histories {
 public:
  History& operator[](int history) { return all_[history]; }
  const History& operator[](int history) const { return all_[history]; }
  int size() const { return static_cast<int>(all_.size()); }

  // The history of one more word. It is new where its number is the size before; its scores are then the caller's.
  int extend(int parent, int word);

  // From below the root down to a history.
  std::vector<int> path(int history) const;

  // The ancestor at a depth, the history itself where it is not deeper.
  int lifted(int history, int depth) const;

  // The deepest history that is an ancestor of, or is, each of these.
  int shared(std::vector<int> histories) const;

  // Whether a history has, in the middle of the last word of another one, the same word.
  bool agree(int history, int other) const;

  // Keep what is from root down to the live histories; the new number of each history, kNone for those that are gone.
  std::vector<int> compact(const std::vector<int>& live, int root);

  // Give words other numbers.
  void rename_words(const std::vector<int>& numbers);

 private:
  static uint64_t key(int parent, int word) { return uint64_t(parent) << 32 | uint32_t(word); }
  void index_children();

  std::vector<History> all_ = std::vector<History>(1);
  Numbering children_;
};

}  // namespace decoder

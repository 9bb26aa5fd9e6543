// The CTC beam search over labels that spell words (see character_beam.py).
#pragma once

#include <algorithm>
#include <vector>

#include "search.h"

namespace decoder {

// Texts one after another, as code points; text i has letters[offset[i]] .. letters[offset[i + 1] - 1].
struct Texts {
  const uint32_t* letters;
  const int32_t* offset;
  int32_t count;
};

// What the labels add to a word, whether they begin one, and the known words, sorted: none where all may be known.
struct Spelling {
  Texts pieces;
  const uint8_t* opens;
  Texts known;
};

class CharacterSearch : public Search {
 public:
  // unknown_score: of the beginning of an unknown word of ordinary length. The spelling outlives the search.
  CharacterSearch(const Settings& settings, const Spelling& spelling, double unknown_score);

  // The code points of a word.
  std::vector<uint32_t> spelled(int word) const;

  size_t remembered() const override { return std::max(Search::remembered(), words_.size()); }

 protected:
  void spread(const double* frame) override;
  void settle() override;
  void complete() override;
  void rank_completed() override;
  std::vector<Candidate> live() const override;
  void renumber(const std::vector<int>& numbers) override;
  void forget_words() override;
  void rest() override;

 private:
  // A history, the letters after it and the last label.
  struct Hypothesis {
    int history;
    int word;  // the letters, as a number of words_; the first one is empty
    int last;
    int start;
    int end;
    int order;  // of those of the same rank the first is the better
    double log_prob;
    double rank;
  };

  // Letters: a prefix and one more.
  struct Word {
    int prefix;
    uint32_t letter;
    int length;
    int first, last;  // the known words that begin so: from the first up to but without the last
    double score;     // of the beginning of an unknown word, 0 of that of a known one
  };

  // A history that waits for an answer.
  struct Waiting {
    int history;
    int answer;
  };

  Hypothesis followed(const Hypothesis& before, int label, double log_prob);
  void add(const Hypothesis& hypothesis);
  int extended(const Hypothesis& hypothesis);
  int appended(int word, int label);
  int appended_letter(int word, uint32_t letter);
  int first_from(const Word& prefix, uint32_t letter) const;
  void take_answers();
  void prune();

  const Spelling spelling_;
  const double unknown_score_;
  std::vector<Hypothesis> beam_, merged_;
  std::vector<Word> words_;
  std::vector<Waiting> new_histories_;
  Numbering longer_, same_;
};

}  // namespace decoder

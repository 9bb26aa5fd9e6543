// The CTC prefix beam search through a pronunciation lexicon (see lexicon_beam.py).
#pragma once

#include <vector>

#include "search.h"

namespace decoder {

// The arrays of a lexicon.Lexicon, the look-ahead score of each node, and the most that each
// word scores without its context; they outlive the search.
struct Tree {
  const intptr_t* child_offset;
  const intptr_t* label;
  const intptr_t* word_offset;
  const intptr_t* word_ids;
  const double* lookahead;
  const double* highest;
  intptr_t nodes;
};

class LexiconSearch : public Search {
 public:
  LexiconSearch(const Settings& settings, const Tree& tree, bool recombine);

 protected:
  void spread(const double* frame) override;
  void settle() override;
  void complete() override {}
  void rank_completed() override;
  std::vector<Candidate> live() const override;
  std::vector<Candidate> shown() const override;
  void renumber(const std::vector<int>& numbers) override;
  void rest() override;

 private:
  // A history, a node and the last label, with the probabilities of the paths that end in blank and in that label.
  struct Hypothesis {
    int history;
    int node;
    int last;   // the number of labels at the start
    int start;  // the frame of the current word's first label
    double blank_mass;
    double label_mass;
    double score;  // ln of both masses, and the words' language-model scores
    double rank;   // score, and the best word to come
  };

  // A word that an arrival completes, where its score is, and what it may rank after it.
  struct Ending {
    int arrival;
    int word;
    int answer;
    double hope;
  };

  // The most probable part of a merged hypothesis; completed where it has just completed its last word.
  struct Part {
    double mass;
    bool completed;
  };

  void read_frame(const double* frame);
  void arrive();
  void stay();
  double floor() const;
  void find_endings();
  std::vector<Hypothesis> completions();
  void merge(const std::vector<Hypothesis>& completions);
  void add(const Hypothesis& hypothesis, bool completed);
  void set_times();
  void prune();
  void rescale();
  void rank(Hypothesis& hypothesis) const;
  uint64_t key(int first, const Hypothesis& hypothesis) const;
  Candidate candidate(const Hypothesis& one) const;
  bool is_leaf(int node) const { return tree_.child_offset[node] == tree_.child_offset[node + 1]; }

  const Tree tree_;
  const bool recombine_;
  double log_scale_ = 0.0;  // natural log of what the masses are to be multiplied by
  double floor_ = 0.0;      // what a hypothesis must rank to have a place before words are completed
  int blanks_ = 0;          // frames in a row in which the blank is likelier than not
  const double* log_probs_ = nullptr;
  std::vector<double> probs_;  // and that of the start's lack of a label, 0
  std::vector<int> usable_;    // the labels to follow in the frame, ascending
  std::vector<char> is_usable_;
  std::vector<Hypothesis> beam_, arrivals_, merged_;
  std::vector<Part> parts_;  // of merged_
  std::vector<Ending> endings_;
  std::vector<double> most_;  // of each history, the mass of its most probable hypothesis
  Numbering same_, futures_;
};

}  // namespace decoder

// What the two beam searches share: the way through the frames, questions to the language model, commitment of words,
// confidences, and the end of the sentence.
//
// A search never calls back. Where it needs scores that it does not know it stands still and has questions; the caller
// answers them and lets it run on. An answer is remembered until the caller has it forget.
#pragma once

#include <cstdint>
#include <vector>

#include "histories.h"

namespace decoder {

struct Settings {
  int32_t labels;
  int32_t blank;
  int32_t beam_width;
  int32_t frames_per_tick;    // frames between two commitments
  int32_t pause_frames;       // so many blank frames in a row are a pause
  double beam_prune_logp;     // natural logarithms, below 0
  double token_min_logp;
  double end_margin_logp;     // above 0: see LexiconSearch::shown
  double confidence_delay;    // in frames
  double commit_after;        // in frames
};

// What does a word score in a context, a language-model state that the caller numbers? The first context is 0.
struct Question {
  int32_t context;
  int32_t word;
};

struct Answer {
  double score = 0.0;
  int32_t context = 0;  // after the word
};

struct Step {
  int32_t word;
  int32_t start;  // frames
  int32_t end;
  double confidence;
};

// A hypothesis as ticks and callers see it; rank orders them.
struct Candidate {
  int32_t history;
  double acoustic;
  double lm;
  double rank;
};

class Search {
 public:
  explicit Search(const Settings& settings) : settings_(settings) {}
  virtual ~Search() = default;

  // Hand over log-probabilities (count, labels), none below the logarithm of the smallest double.
  void feed(const double* frames, int count);

  // There is nothing to come after what was fed: run once more, then score the sentence's end.
  void close() { stage_ = Stage::kComplete; }

  // The context of each complete hypothesis, and what the end of the sentence scores in it.
  std::vector<int32_t> final_contexts() const;
  void end(const double* scores);

  // Go on until there are questions or nothing is left to do; the questions.
  const std::vector<Question>& run();
  void answer(const Answer* answers);

  // One candidate, the best, for each history, best first.
  std::vector<Candidate> candidates() const;

  // The words of a history after the committed ones.
  std::vector<Step> words(int history) const { return steps(history, live()); }

  // The words that were committed since the last call.
  std::vector<Step> take_committed();

  int histories() const { return histories_.size(); }
  // How many answers are remembered, or words that were spelled.
  virtual size_t remembered() const { return answers_.size(); }

  // Drop all answers, and contexts that no live history has; the kept contexts, each now numbered by its place here.
  std::vector<int32_t> forget();

 protected:
  // Follow the labels of a frame, and ask for what is needed to rank where they lead.
  virtual void spread(const double* frame) = 0;
  // With the answers: rank and prune.
  virtual void settle() = 0;
  // At the end: complete the hypotheses' words, and ask for their scores.
  virtual void complete() = 0;
  // With the answers: rank the complete hypotheses, the end of the sentence left out, and drop the others.
  virtual void rank_completed() = 0;
  virtual std::vector<Candidate> live() const = 0;
  // Those that a caller may see before the end.
  virtual std::vector<Candidate> shown() const { return live(); }
  // Histories have other numbers; hypotheses whose number is kNone are dropped.
  virtual void renumber(const std::vector<int>& numbers) = 0;
  virtual void forget_words() {}
  // All that was fed has been searched: let go of what only a frame needs, for there are many streams.
  virtual void rest() = 0;

  // Where the answer to a question is, now or before settle() and rank_completed().
  int ask(int context, int word);
  const Answer& answered(int place) const { return answers_[place]; }

  const Settings settings_;
  Histories histories_;
  int frame_ = 0;  // the frame that is being searched, counted from the start of the stream

 private:
  enum class Stage { kSpread, kSettle, kComplete, kMerge, kDone };

  bool advance();
  bool next_frame();
  void merge_completed();
  void tick();
  void commit(const std::vector<Candidate>& beam, int root);
  double confidence(int history, const std::vector<Candidate>& beam) const;
  std::vector<Step> steps(int history, const std::vector<Candidate>& beam) const;

  Stage stage_ = Stage::kSpread;
  std::vector<double> fed_;
  size_t next_ = 0;  // where the next frame begins in fed_
  std::vector<Question> questions_;
  std::vector<int> asked_;  // where the answers to the questions belong
  std::vector<Answer> answers_;
  Numbering places_;
  std::vector<Step> committed_;
  std::vector<Candidate> final_;
};

// Whether a comes before b, in any order of hypotheses.
template <typename Ranked>
bool better(const Ranked& a, const Ranked& b) {
  return a.rank > b.rank;
}

// Empty a container, and give its memory back.
template <typename Container>
void drop(Container& container) {
  container = Container();
}

// ln(exp(a) + exp(b))
double log_sum(double a, double b);

}  // namespace decoder

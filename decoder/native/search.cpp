#include "search.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace decoder {

namespace {

const Candidate& best_of(const std::vector<Candidate>& beam) {
  return *std::min_element(beam.begin(), beam.end(), better<Candidate>);
}

std::vector<int> histories_of(const std::vector<Candidate>& beam) {
  std::vector<int> histories;
  for (const Candidate& one : beam) histories.push_back(one.history);
  return histories;
}

}  // namespace

void Search::feed(const double* frames, int count) {
  fed_.assign(frames, frames + size_t(count) * settings_.labels);
  next_ = 0;
}

const std::vector<Question>& Search::run() {
  while (questions_.empty() && advance()) {
  }
  if (questions_.empty()) rest();
  return questions_;
}

bool Search::advance() {
  switch (stage_) {
    case Stage::kSpread:
      return next_frame();
    case Stage::kSettle:
      settle();
      stage_ = Stage::kSpread;
      if (++frame_ % settings_.frames_per_tick == 0) tick();
      return true;
    case Stage::kComplete:
      complete();
      stage_ = Stage::kMerge;
      return true;
    case Stage::kMerge:
      rank_completed();
      merge_completed();
      stage_ = Stage::kDone;
      return true;
    default:
      return false;
  }
}

bool Search::next_frame() {
  if (next_ == fed_.size()) return false;
  spread(&fed_[next_]);
  next_ += settings_.labels;
  stage_ = Stage::kSettle;
  return true;
}

int Search::ask(int context, int word) {
  int& place = places_[uint64_t(uint32_t(context)) << 32 | uint32_t(word)];
  if (place == kNone) {
    place = static_cast<int>(answers_.size());
    answers_.emplace_back();
    asked_.push_back(place);
    questions_.push_back({context, word});
  }
  return place;
}

void Search::answer(const Answer* answers) {
  for (int place : asked_) answers_[place] = *answers++;
  asked_.clear();
  questions_.clear();
}

std::vector<int32_t> Search::forget() {
  std::vector<int32_t> kept;
  for (int history = 0; history < histories_.size(); ++history) kept.push_back(histories_[history].context);
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  for (int history = 0; history < histories_.size(); ++history) {
    int& context = histories_[history].context;
    context = static_cast<int>(std::lower_bound(kept.begin(), kept.end(), context) - kept.begin());
  }
  drop(answers_);
  drop(places_);
  forget_words();
  return kept;
}

// Of what has the same history there is one hypothesis at the end, with the probability of all.
void Search::merge_completed() {
  Numbering same;
  for (const Candidate& one : live()) {
    int& place = same[one.history];
    if (place == kNone) {
      place = static_cast<int>(final_.size());
      final_.push_back(one);
    } else {
      final_[place].acoustic = log_sum(final_[place].acoustic, one.acoustic);
    }
  }
}

std::vector<int32_t> Search::final_contexts() const {
  std::vector<int32_t> contexts;
  for (const Candidate& one : final_) contexts.push_back(histories_[one.history].context);
  return contexts;
}

void Search::end(const double* scores) {
  for (Candidate& one : final_) {
    one.lm += *scores++;
    one.rank = one.acoustic + one.lm;
  }
  std::stable_sort(final_.begin(), final_.end(), better<Candidate>);
  const double floor = final_.front().rank + settings_.beam_prune_logp;
  while (final_.back().rank < floor) final_.pop_back();
}

// At fixed frames: measure confidences, commit words, drop what disagrees with old ones.
void Search::tick() {
  std::vector<Candidate> beam = live();
  int old = best_of(beam).history;
  for (int history : histories_.path(old)) {
    if (histories_[history].end <= frame_ - settings_.confidence_delay) {
      histories_[history].confidence = confidence(history, beam);
    }
  }
  while (old != kRoot && histories_[old].end > frame_ - settings_.commit_after) old = histories_[old].parent;
  const auto disagrees = [&](const Candidate& one) {
    return histories_.lifted(one.history, histories_[old].depth) != old;
  };
  beam.erase(std::remove_if(beam.begin(), beam.end(), disagrees), beam.end());
  commit(beam, histories_.shared(histories_of(beam)));
}

void Search::commit(const std::vector<Candidate>& beam, int root) {
  const std::vector<Step> words = steps(root, beam);
  committed_.insert(committed_.end(), words.begin(), words.end());
  renumber(histories_.compact(histories_of(beam), root));
}

// The share of the hypotheses that agree with the last word of a history.
double Search::confidence(int history, const std::vector<Candidate>& beam) const {
  if (histories_[history].confidence >= 0) return histories_[history].confidence;
  const double highest = best_of(beam).rank;
  double agreeing = 0.0, total = 0.0;
  for (const Candidate& one : beam) {
    const double weight = std::exp(one.rank - highest);
    total += weight;
    if (histories_.agree(one.history, history)) agreeing += weight;
  }
  return agreeing / total;
}

std::vector<Step> Search::steps(int history, const std::vector<Candidate>& beam) const {
  std::vector<Step> steps;
  for (int step : histories_.path(history)) {
    const History& word = histories_[step];
    steps.push_back({word.word, word.start, word.end, confidence(step, beam)});
  }
  return steps;
}

std::vector<Candidate> Search::candidates() const {
  std::vector<Candidate> all = stage_ == Stage::kDone ? final_ : shown(), best;
  std::stable_sort(all.begin(), all.end(), better<Candidate>);
  Numbering seen;
  for (const Candidate& one : all) {
    int& place = seen[one.history];
    if (place != kNone) continue;
    place = static_cast<int>(best.size());
    best.push_back(one);
  }
  return best;
}

std::vector<Step> Search::take_committed() { return std::exchange(committed_, {}); }

double log_sum(double a, double b) {
  const double high = std::max(a, b), low = std::min(a, b);
  return high + std::log1p(std::exp(low - high));
}

}  // namespace decoder

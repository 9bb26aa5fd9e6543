#include "lexicon_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace decoder {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kContextGain = 2.0;    // a context that raises a word's score by more is unusual
constexpr double kImpossible = -1e300;  // less than any hypothesis ranks, more than the logarithm of 0

}  // namespace

LexiconSearch::LexiconSearch(const Settings& settings, const Tree& tree, bool recombine)
    : Search(settings), tree_(tree), recombine_(recombine), probs_(settings.labels + 1), is_usable_(settings.labels) {
  beam_.push_back({kRoot, 0, settings.labels, 0, 1.0, 0.0, 0.0, tree.lookahead[0]});
}

void LexiconSearch::spread(const double* frame) {
  read_frame(frame);
  arrivals_.clear();
  endings_.clear();
  arrive();
  stay();
  floor_ = floor();
  find_endings();
}

void LexiconSearch::settle() {
  if (!usable_.empty()) {  // else only blank and the repetition of labels can explain the frame
    merge(completions());
    set_times();
    prune();
  }
  rescale();
}

void LexiconSearch::read_frame(const double* frame) {
  log_probs_ = frame;
  blanks_ = frame[settings_.blank] > std::log(0.5) ? blanks_ + 1 : 0;
  const double highest = *std::max_element(frame, frame + settings_.labels);
  usable_.clear();
  for (int label = 0; label < settings_.labels; ++label) {
    probs_[label] = std::exp(frame[label]);
    is_usable_[label] =
        label != settings_.blank && (frame[label] >= settings_.token_min_logp || frame[label] == highest);
    if (is_usable_[label]) usable_.push_back(label);
  }
}

// Go on to the children of live nodes whose label is usable.
void LexiconSearch::arrive() {
  if (usable_.empty()) return;
  double floor = kImpossible;  // rises to the pruning threshold, if not to the whole beam's
  for (const Hypothesis& before : beam_) {
    const double both = before.blank_mass + before.label_mass;
    for (intptr_t child = tree_.child_offset[before.node]; child < tree_.child_offset[before.node + 1]; ++child) {
      const int label = static_cast<int>(tree_.label[child]);
      if (!is_usable_[label]) continue;
      // after the same label only paths that end in blank give a new one
      const bool again = label == before.last;
      const double mass = again ? before.blank_mass : both;
      const double score = (again ? before.score + std::log(mass / both) : before.score) + log_probs_[label];
      const double rank = score + tree_.lookahead[child];
      if (!(rank >= floor)) continue;
      floor = std::max(floor, rank + settings_.beam_prune_logp);
      const int start = before.node == 0 ? frame_ : before.start;
      arrivals_.push_back(
          {before.history, static_cast<int>(child), label, start, 0.0, mass * probs_[label], score, rank});
    }
  }
}

void LexiconSearch::stay() {
  for (Hypothesis& one : beam_) {
    one.blank_mass = (one.blank_mass + one.label_mass) * probs_[settings_.blank];
    one.label_mass *= probs_[one.last];
    rank(one);
  }
}

double LexiconSearch::floor() const {
  std::vector<double> ranks;
  ranks.reserve(beam_.size() + arrivals_.size());
  for (const Hypothesis& one : beam_) ranks.push_back(one.rank);
  for (const Hypothesis& one : arrivals_) ranks.push_back(one.rank);
  const double floor =
      std::max(*std::max_element(ranks.begin(), ranks.end()) + settings_.beam_prune_logp, kImpossible);
  if (ranks.size() <= size_t(settings_.beam_width)) return floor;
  const auto last = ranks.begin() + settings_.beam_width - 1;
  std::nth_element(ranks.begin(), last, ranks.end(), std::greater<double>());
  return std::max(floor, *last);
}

// The words that arrivals complete, but for those that only an unusual context could lift above the floor: rare words
// that sound like common ones, or like their beginnings.
void LexiconSearch::find_endings() {
  double best = -kInfinity;
  for (size_t i = 0; i < arrivals_.size(); ++i) {
    const Hypothesis& arrival = arrivals_[i];
    if (arrival.rank < floor_) continue;
    for (intptr_t place = tree_.word_offset[arrival.node]; place < tree_.word_offset[arrival.node + 1]; ++place) {
      const int word = static_cast<int>(tree_.word_ids[place]);
      const double hope = arrival.score + tree_.highest[word] + tree_.lookahead[0] + kContextGain;
      endings_.push_back({static_cast<int>(i), word, kNone, hope});
      best = std::max(best, hope);
    }
  }
  const double floor = std::min(floor_, best);  // lest nothing should be left
  const auto hopeless = [&](const Ending& end) { return end.hope < floor; };
  endings_.erase(std::remove_if(endings_.begin(), endings_.end(), hopeless), endings_.end());
  for (Ending& end : endings_) end.answer = ask(histories_[arrivals_[end.arrival].history].context, end.word);
}

// The arrivals at the end of words once more, with the word added to their history.
std::vector<LexiconSearch::Hypothesis> LexiconSearch::completions() {
  std::vector<Hypothesis> completions;
  double floor = -kInfinity;
  const auto score = [&](const Ending& end) { return arrivals_[end.arrival].score + answered(end.answer).score; };
  for (const Ending& end : endings_) floor = std::max(floor, score(end) + tree_.lookahead[0]);
  floor = std::min(floor, floor_);  // lest nothing should be left
  for (const Ending& end : endings_) {
    Hypothesis one = arrivals_[end.arrival];
    const Answer& answer = answered(end.answer);
    one.score = score(end);
    one.rank = one.score + tree_.lookahead[0];
    if (one.rank < floor) continue;
    const int parent = one.history, before = histories_.size();
    one.history = histories_.extend(parent, end.word);
    if (one.history == before) {
      histories_[one.history].lm = histories_[parent].lm + answer.score;
      histories_[one.history].context = answer.context;
    }
    one.node = 0;
    completions.push_back(one);
  }
  return completions;
}

// Add up what has the same history, node and last label.
void LexiconSearch::merge(const std::vector<Hypothesis>& completions) {
  same_.clear();
  merged_.clear();
  parts_.clear();
  for (const Hypothesis& one : beam_) {
    if (one.rank >= floor_) add(one, false);
  }
  for (const Hypothesis& one : arrivals_) {  // at a leaf there is nothing to come but its words
    if (one.rank >= floor_ && !is_leaf(one.node)) add(one, false);
  }
  for (const Hypothesis& one : completions) add(one, true);
}

void LexiconSearch::add(const Hypothesis& one, bool completed) {
  const Part part{one.blank_mass + one.label_mass, completed};
  int& place = same_[key(one.history, one)];
  if (place == kNone) {
    place = static_cast<int>(merged_.size());
    merged_.push_back(one);
    parts_.push_back(part);
    return;
  }
  Hypothesis& known = merged_[place];
  known.blank_mass += one.blank_mass;
  known.label_mass += one.label_mass;
  rank(known);
  if (part.mass >= parts_[place].mass) {
    parts_[place] = part;
    known.start = one.start;
  }
}

// A word's time is that of an arrival that outweighs what was there.
void LexiconSearch::set_times() {
  most_.assign(histories_.size(), 0.0);
  for (const Hypothesis& one : merged_) {
    most_[one.history] = std::max(most_[one.history], one.blank_mass + one.label_mass);
  }
  for (size_t i = 0; i < merged_.size(); ++i) {
    const Hypothesis& one = merged_[i];
    if (!parts_[i].completed || one.blank_mass + one.label_mass != most_[one.history]) continue;
    histories_[one.history].start = one.start;
    histories_[one.history].end = frame_ + 1;
  }
}

// Keep the best hypotheses; of those that the future cannot tell apart only the best, if so wanted.
void LexiconSearch::prune() {
  if (merged_.empty()) return;  // a language model that gives every word the probability 0: the beam stays
  const double floor =
      std::min_element(merged_.begin(), merged_.end(), better<Hypothesis>)->rank + settings_.beam_prune_logp;
  futures_.clear();
  beam_.clear();
  for (const Hypothesis& one : merged_) {
    if (one.rank < floor) continue;
    if (recombine_) {
      int& place = futures_[key(histories_[one.history].context, one)];
      if (place != kNone) {
        if (better(one, beam_[place])) beam_[place] = one;
        continue;
      }
      place = static_cast<int>(beam_.size());
    }
    beam_.push_back(one);
  }
  if (beam_.size() <= size_t(settings_.beam_width)) return;
  std::nth_element(beam_.begin(), beam_.begin() + settings_.beam_width, beam_.end(), better<Hypothesis>);
  beam_.resize(settings_.beam_width);
}

// Keep the masses from vanishing.
void LexiconSearch::rescale() {
  double scale = 0.0;
  for (const Hypothesis& one : beam_) scale = std::max(scale, one.blank_mass + one.label_mass);
  const double log_scale = std::log(scale);
  for (Hypothesis& one : beam_) {
    one.blank_mass /= scale;
    one.label_mass /= scale;
    one.score -= log_scale;
    one.rank -= log_scale;
  }
  log_scale_ += log_scale;
}

void LexiconSearch::rank(Hypothesis& one) const {
  one.score = std::log(one.blank_mass + one.label_mass) + histories_[one.history].lm;
  one.rank = one.score + tree_.lookahead[one.node];
}

uint64_t LexiconSearch::key(int first, const Hypothesis& one) const {
  return (uint64_t(first) * tree_.nodes + one.node) * (settings_.labels + 1) + one.last;
}

std::vector<Candidate> LexiconSearch::live() const {
  std::vector<Candidate> candidates;
  for (const Hypothesis& one : beam_) candidates.push_back(candidate(one));
  return candidates;
}

// Those at a word's end that are about as likely as the best, lest a word should wait until the next one has begun. In a
// pause all at a word's end: of the last word before it, all that will be heard has been.
std::vector<Candidate> LexiconSearch::shown() const {
  const double best = std::min_element(beam_.begin(), beam_.end(), better<Hypothesis>)->rank;
  const double floor = blanks_ >= settings_.pause_frames ? kImpossible : best - settings_.end_margin_logp;
  std::vector<Candidate> ended;
  for (const Hypothesis& one : beam_) {
    if (one.node == 0 && one.rank > floor) ended.push_back(candidate(one));
  }
  return ended.empty() ? live() : ended;
}

Candidate LexiconSearch::candidate(const Hypothesis& one) const {
  const double lm = histories_[one.history].lm;
  return {one.history, one.score - lm + log_scale_, lm, one.rank};
}

// Those at a word's end; where there are none the best one, its unfinished word left out.
void LexiconSearch::rank_completed() {
  const Hypothesis best = *std::min_element(beam_.begin(), beam_.end(), better<Hypothesis>);
  const auto unfinished = [](const Hypothesis& one) { return one.node != 0; };
  beam_.erase(std::remove_if(beam_.begin(), beam_.end(), unfinished), beam_.end());
  if (beam_.empty()) beam_.push_back(best);
}

void LexiconSearch::renumber(const std::vector<int>& numbers) {
  for (Hypothesis& one : beam_) one.history = numbers[one.history];
  const auto dead = [](const Hypothesis& one) { return one.history == kNone; };
  beam_.erase(std::remove_if(beam_.begin(), beam_.end(), dead), beam_.end());
}

void LexiconSearch::rest() {
  drop(arrivals_);
  drop(merged_);
  drop(parts_);
  drop(endings_);
  drop(same_);
  drop(futures_);
}

}  // namespace decoder

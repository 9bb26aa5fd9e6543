#include "character_search.h"

#include <algorithm>

namespace decoder {

namespace {

constexpr int kEmpty = 0;             // the word of no letters
constexpr double kUsualLength = 6.0;  // of an ordinary word; a longer unknown one costs in proportion

}  // namespace

CharacterSearch::CharacterSearch(const Settings& settings, const Spelling& spelling, double unknown_score)
    : Search(settings), spelling_(spelling), unknown_score_(unknown_score) {
  words_.push_back({kEmpty, 0, 0, 0, spelling.known.count, 0.0});
  beam_.push_back({kRoot, kEmpty, kNone, 0, 0, 0, 0.0, 0.0});
}

void CharacterSearch::spread(const double* frame) {
  const auto best = std::max_element(frame, frame + settings_.labels) - frame;
  same_.clear();
  merged_.clear();
  for (int label = 0; label < settings_.labels; ++label) {
    if (frame[label] < settings_.token_min_logp && label != best) continue;
    for (const Hypothesis& before : beam_) add(followed(before, label, frame[label]));
  }
}

void CharacterSearch::settle() {
  take_answers();
  for (Hypothesis& one : merged_) {
    one.rank = one.log_prob + histories_[one.history].lm + words_[one.word].score;
  }
  prune();
}

CharacterSearch::Hypothesis CharacterSearch::followed(const Hypothesis& before, int label, double log_prob) {
  Hypothesis after = before;
  after.last = label;
  after.log_prob += log_prob;
  if (label == settings_.blank) return after;
  after.end = frame_ + 1;
  if (label == before.last) return after;
  if (spelling_.opens[label]) {
    after.history = extended(before);
    after.word = kEmpty;
    after.start = frame_;
  } else if (before.word == kEmpty) {
    after.start = frame_;
  }
  after.word = appended(after.word, label);
  return after;
}

void CharacterSearch::add(const Hypothesis& one) {
  const uint64_t prefix = uint64_t(one.history) << 32 | uint32_t(one.word);
  int& place = same_[prefix * (settings_.labels + 1) + one.last];
  if (place == kNone) {
    place = static_cast<int>(merged_.size());
    merged_.push_back(one);
    merged_.back().order = place;
    return;
  }
  Hypothesis& known = merged_[place];
  if (one.log_prob > known.log_prob) {
    known.start = one.start;
    known.end = one.end;
  }
  known.log_prob = log_sum(known.log_prob, one.log_prob);
}

// The history and the word, if any, that a hypothesis has spelled after it.
int CharacterSearch::extended(const Hypothesis& one) {
  if (one.word == kEmpty) return one.history;
  const int before = histories_.size(), history = histories_.extend(one.history, one.word);
  if (history == before) {
    histories_[history].start = one.start;
    histories_[history].end = one.end;
    new_histories_.push_back({history, ask(histories_[one.history].context, one.word)});
  }
  return history;
}

int CharacterSearch::appended(int word, int label) {
  const Texts& pieces = spelling_.pieces;
  for (int place = pieces.offset[label]; place < pieces.offset[label + 1]; ++place) {
    word = appended_letter(word, pieces.letters[place]);
  }
  return word;
}

int CharacterSearch::appended_letter(int word, uint32_t letter) {
  int& longer = longer_[uint64_t(word) << 32 | letter];
  if (longer == kNone) {
    longer = static_cast<int>(words_.size());
    const Word& prefix = words_[word];
    Word made{word, letter, prefix.length + 1, first_from(prefix, letter), first_from(prefix, letter + 1), 0.0};
    if (spelling_.known.count > 0 && made.first == made.last) {
      made.score = unknown_score_ * std::max(1.0, made.length / kUsualLength);
    }
    words_.push_back(made);
  }
  return longer;
}

// Of the known words that begin with a prefix, the first whose next letter is this one or a later one.
int CharacterSearch::first_from(const Word& prefix, uint32_t letter) const {
  const Texts& known = spelling_.known;
  int first = prefix.first, last = prefix.last;
  while (first < last) {
    const int middle = first + (last - first) / 2;
    const int place = known.offset[middle] + prefix.length;
    const bool before = place == known.offset[middle + 1] || known.letters[place] < letter;
    (before ? first : last) = before ? middle + 1 : middle;
  }
  return first;
}

void CharacterSearch::take_answers() {
  for (const Waiting& one : new_histories_) {
    History& history = histories_[one.history];
    history.lm = histories_[history.parent].lm + answered(one.answer).score;
    history.context = answered(one.answer).context;
  }
  new_histories_.clear();
}

// Keep the best hypotheses, best first.
void CharacterSearch::prune() {
  const auto before = [](const Hypothesis& a, const Hypothesis& b) {
    return a.rank > b.rank || (a.rank == b.rank && a.order < b.order);
  };
  const double floor =
      std::min_element(merged_.begin(), merged_.end(), before)->rank + settings_.beam_prune_logp;
  const auto unlikely = [&](const Hypothesis& one) { return one.rank < floor; };
  merged_.erase(std::remove_if(merged_.begin(), merged_.end(), unlikely), merged_.end());
  const size_t kept = std::min(merged_.size(), size_t(settings_.beam_width));
  std::partial_sort(merged_.begin(), merged_.begin() + kept, merged_.end(), before);
  merged_.resize(kept);
  beam_.swap(merged_);
}

void CharacterSearch::complete() {
  for (Hypothesis& one : beam_) {
    one.history = extended(one);
    one.word = kEmpty;
  }
}

void CharacterSearch::rank_completed() {
  take_answers();
  for (Hypothesis& one : beam_) one.rank = one.log_prob + histories_[one.history].lm;
}

std::vector<Candidate> CharacterSearch::live() const {
  std::vector<Candidate> candidates;
  for (const Hypothesis& one : beam_) {
    candidates.push_back({one.history, one.log_prob, histories_[one.history].lm, one.rank});
  }
  return candidates;
}

void CharacterSearch::renumber(const std::vector<int>& numbers) {
  for (Hypothesis& one : beam_) one.history = numbers[one.history];
  const auto dead = [](const Hypothesis& one) { return one.history == kNone; };
  beam_.erase(std::remove_if(beam_.begin(), beam_.end(), dead), beam_.end());
}

std::vector<uint32_t> CharacterSearch::spelled(int word) const {
  std::vector<uint32_t> letters;
  for (; word != kEmpty; word = words_[word].prefix) letters.push_back(words_[word].letter);
  std::reverse(letters.begin(), letters.end());
  return letters;
}

// Keep the words of live hypotheses and histories, and their prefixes.
void CharacterSearch::forget_words() {
  std::vector<int> numbers(words_.size(), kNone);
  numbers[kEmpty] = kEmpty;
  const auto keep = [&](int word) {
    for (; numbers[word] == kNone; word = words_[word].prefix) numbers[word] = kEmpty;
  };
  for (const Hypothesis& one : beam_) keep(one.word);
  for (int history = 1; history < histories_.size(); ++history) keep(histories_[history].word);
  int kept = 0;
  longer_.clear();
  for (size_t word = 0; word < words_.size(); ++word) {  // a prefix comes before what is longer
    if (numbers[word] == kNone) continue;
    numbers[word] = kept;
    Word moved = words_[word];
    moved.prefix = numbers[moved.prefix];
    if (kept != kEmpty) longer_[uint64_t(moved.prefix) << 32 | moved.letter] = kept;
    words_[kept++] = moved;
  }
  words_.resize(kept);
  histories_.rename_words(numbers);
  for (Hypothesis& one : beam_) one.word = numbers[one.word];
}

void CharacterSearch::rest() {
  drop(merged_);
  drop(same_);
}

}  // namespace decoder

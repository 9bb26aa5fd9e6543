#include "histories.h"

#include <algorithm>

namespace decoder {

int Histories::extend(int parent, int word) {
  int& child = children_[key(parent, word)];
  if (child == kNone) {
    child = size();
    History history;
    history.parent = parent;
    history.word = word;
    history.depth = all_[parent].depth + 1;
    all_.push_back(history);
  }
  return child;
}

std::vector<int> Histories::path(int history) const {
  std::vector<int> steps;
  for (; history != kRoot; history = all_[history].parent) steps.push_back(history);
  std::reverse(steps.begin(), steps.end());
  return steps;
}

int Histories::lifted(int history, int depth) const {
  while (all_[history].depth > depth) history = all_[history].parent;
  return history;
}

int Histories::shared(std::vector<int> histories) const {
  int depth = all_[histories.front()].depth;
  for (int history : histories) depth = std::min(depth, all_[history].depth);
  for (int& history : histories) history = lifted(history, depth);
  for (;;) {
    std::sort(histories.begin(), histories.end());
    histories.erase(std::unique(histories.begin(), histories.end()), histories.end());
    if (histories.size() == 1) return histories.front();
    for (int& history : histories) history = all_[history].parent;
  }
}

bool Histories::agree(int history, int other) const {
  const History& word = all_[other];
  const double middle = (word.start + word.end) / 2.0;
  while (history != kRoot && all_[history].start > middle) history = all_[history].parent;
  return all_[history].word == word.word && all_[history].end >= middle;
}

std::vector<int> Histories::compact(const std::vector<int>& live, int root) {
  std::vector<int> numbers(all_.size(), kNone);
  numbers[root] = kRoot;
  for (int history : live) {
    for (; numbers[history] == kNone; history = all_[history].parent) numbers[history] = kRoot;
  }
  int kept = 0;
  for (int history = 0; history < size(); ++history) {  // a parent comes before its children
    if (numbers[history] == kNone) continue;
    numbers[history] = kept;
    History moved = all_[history];
    if (history != root) moved.parent = numbers[moved.parent];
    all_[kept++] = moved;
  }
  all_.resize(kept);
  all_[kRoot].parent = kRoot;
  all_[kRoot].word = kNone;
  const int above = all_[kRoot].depth;  // depths count from the root, lest they should overflow in a long stream
  for (History& history : all_) history.depth -= above;
  index_children();
  return numbers;
}

void Histories::rename_words(const std::vector<int>& numbers) {
  for (int history = 1; history < size(); ++history) all_[history].word = numbers[all_[history].word];
  index_children();
}

void Histories::index_children() {
  children_.clear();
  for (int history = 1; history < size(); ++history) {
    children_[key(all_[history].parent, all_[history].word)] = history;
  }
}

}  // namespace decoder

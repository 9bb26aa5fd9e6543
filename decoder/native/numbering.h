// Small numbers for keys: a hash table with open addressing that a search can empty for each frame at no cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace decoder {

constexpr int kNone = -1;

class Numbering {
 public:
  void clear() {
    ++age_;
    size_ = 0;
  }

  size_t size() const { return size_; }

  // The number of a key, kNone where it is new; the reference holds until the next call.
  int& operator[](uint64_t key) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    Slot& slot = find(key);
    if (slot.age != age_) {
      slot = {key, age_, kNone};
      ++size_;
    }
    return slot.number;
  }

 private:
  struct Slot {
    uint64_t key = 0;
    uint32_t age = 0;  // of another age than the table's: empty
    int number = kNone;
  };

  Slot& find(uint64_t key) {
    const size_t mask = slots_.size() - 1;
    size_t place = (key * 0x9E3779B97F4A7C15ull) >> shift_;  // Knuth's multiplicative hashing: the high bits are mixed
    while (slots_[place].age == age_ && slots_[place].key != key) place = (place + 1) & mask;
    return slots_[place];
  }

  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    --shift_;
    for (const Slot& slot : old) {
      if (slot.age == age_) find(slot.key) = slot;
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  int shift_ = 64 - 10;
  uint32_t age_ = 1;
  size_t size_ = 0;
};

}  // namespace decoder

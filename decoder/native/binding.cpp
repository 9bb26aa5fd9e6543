// The searches as C functions, for native_search.py. What a function points to holds until the next call of it.
#include <memory>

#include "character_search.h"
#include "lexicon_search.h"

using namespace decoder;

namespace {

// A search, and what Python was last shown of it.
struct Handle {
  std::unique_ptr<Search> search;
  std::vector<Candidate> candidates;
  std::vector<Step> words, committed;
  std::vector<int32_t> contexts;  // final or kept ones
  std::vector<uint32_t> letters;
};

template <typename Item>
const Item* shown(const std::vector<Item>& items, int* count) {
  *count = static_cast<int>(items.size());
  return items.data();
}

Handle* handle(Search* search) {
  auto* made = new Handle;
  made->search.reset(search);
  return made;
}

}  // namespace

extern "C" {

Handle* lexicon_search(const Settings* settings, const Tree* tree, int recombine) {
  return handle(new LexiconSearch(*settings, *tree, recombine != 0));
}

Handle* character_search(const Settings* settings, const Spelling* spelling, double unknown_score) {
  return handle(new CharacterSearch(*settings, *spelling, unknown_score));
}

void search_free(Handle* self) { delete self; }

void search_feed(Handle* self, const double* frames, int count) { self->search->feed(frames, count); }

void search_close(Handle* self) { self->search->close(); }

const Question* search_run(Handle* self, int* count) { return shown(self->search->run(), count); }

const int32_t* search_final_contexts(Handle* self, int* count) {
  return shown(self->contexts = self->search->final_contexts(), count);
}

void search_end(Handle* self, const double* scores) { self->search->end(scores); }

void search_answer(Handle* self, const Answer* answers) { self->search->answer(answers); }

const Candidate* search_candidates(Handle* self, int* count) {
  return shown(self->candidates = self->search->candidates(), count);
}

const Step* search_words(Handle* self, int history, int* count) {
  return shown(self->words = self->search->words(history), count);
}

const Step* search_take_committed(Handle* self, int* count) {
  return shown(self->committed = self->search->take_committed(), count);
}

int search_histories(Handle* self) { return self->search->histories(); }

int search_remembered(Handle* self) { return static_cast<int>(self->search->remembered()); }

const int32_t* search_forget(Handle* self, int* count) {
  return shown(self->contexts = self->search->forget(), count);
}

// Of a character search only.
const uint32_t* search_spelled(Handle* self, int word, int* count) {
  return shown(self->letters = static_cast<CharacterSearch&>(*self->search).spelled(word), count);
}

}  // extern "C"

"""Word pieces: a vocabulary of parts of words that spells every word, learnt by byte-pair encoding.

Sennrich et al., Neural machine translation of rare words with subword units (ACL 2016), on letters instead of bytes.
A piece that begins with OPENS begins a word, so a sentence's pieces have one reading.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from string import ascii_lowercase

OPENS = "▁"
"""The mark at the beginning of a word."""

BOUNDARY = 0
"""The number of the piece between two sentences; no word has it."""

LETTERS = ascii_lowercase + "'"
_ALPHABET = (*(OPENS + letter for letter in LETTERS), *LETTERS)
_REMEMBERED_WORDS = 100_000

Pair = tuple[str, str]


class WordPieces:
    """A vocabulary of pieces, those learnt first before the others; shared and immutable."""

    def __init__(self, pieces: Sequence[str]) -> None:
        """The pieces after BOUNDARY in the order of learn_pieces; ValueError where a letter or its mark is lacking."""
        self.pieces = tuple(pieces)
        self._numbers = {piece: number for number, piece in enumerate(self.pieces, BOUNDARY + 1)}
        if lacking := [piece for piece in _ALPHABET if piece not in self._numbers]:
            raise ValueError(f"the word pieces lack {lacking[0]!r}, so that not every word can be spelled")
        self._of_word = lru_cache(_REMEMBERED_WORDS)(self._spell)

    def __len__(self) -> int:
        """How many pieces there are, BOUNDARY among them."""
        return len(self.pieces) + 1

    def opens(self, number: int) -> bool:
        """Whether a piece begins a word."""
        return number != BOUNDARY and self.pieces[number - 1].startswith(OPENS)

    def encode(self, sentence: str) -> list[int]:
        """The numbers of a sentence's pieces, without BOUNDARY; ValueError names a word with another letter."""
        return [number for word in sentence.split() for number in self._of_word(word)]

    def _spell(self, word: str) -> tuple[int, ...]:
        """The pieces of a word: neighbours are joined as long as they make a piece, the earliest learnt first."""
        parts, unlearnt = list(_spelled(word)), len(self)
        while len(parts) > 1:
            ranks = [self._numbers.get(left + right, unlearnt) for left, right in pairwise(parts)]
            best = min(ranks)
            if best == unlearnt:
                break
            place = ranks.index(best)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        try:
            return tuple(self._numbers[part] for part in parts)
        except KeyError as error:
            raise ValueError(f"the word {word!r} has a character that is none of {LETTERS}") from error


def learn_pieces(counts: Mapping[str, int], size: int) -> WordPieces:
    """At most `size` pieces from the counts of words: the commonest pair of neighbours becomes one, again and again.

    Of pairs as common the first in the alphabet is taken, so the result depends on the counts alone. Raises ValueError
    for a size that has no room for the letters, and for a word with another character.
    """
    if size <= len(_ALPHABET) + 1:
        raise ValueError(f"{size} word pieces are too few: choose more than {len(_ALPHABET) + 1}")
    if wrong := [word for word in counts if not word or set(word) - set(LETTERS)]:
        raise ValueError(f"the word {wrong[0]!r} has a character that is none of {LETTERS}")
    merges = _Merges(counts)
    pieces = list(_ALPHABET)
    known = set(pieces)
    while len(pieces) + 1 < size and (pair := merges.commonest()):
        merges.join(pair)
        joined = "".join(pair)
        if joined not in known:  # other parts may have made the same piece
            known.add(joined)
            pieces.append(joined)
    return WordPieces(pieces)


def _spelled(word: str) -> tuple[str, ...]:
    return (OPENS + word[0], *word[1:])


class _Merges:
    """Words as pieces so far, and how often each pair of neighbours occurs in them."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._words = [(list(_spelled(word)), count) for word, count in counts.items()]
        self._pairs: Counter[Pair] = Counter()
        self._places: defaultdict[Pair, set[int]] = defaultdict(set)
        for number in range(len(self._words)):
            self._count(number, +1)
        self._heap = [(-count, pair) for pair, count in self._pairs.items()]
        heapq.heapify(self._heap)

    def commonest(self) -> Pair | None:
        """The pair that occurs most often; None where nothing is left to join."""
        while self._heap:
            count, pair = self._heap[0]
            if -count == self._pairs[pair] > 0:
                return pair
            heapq.heappop(self._heap)  # counted anew since
        return None

    def join(self, pair: Pair) -> None:
        """Make one piece of a pair wherever it occurs."""
        touched: set[Pair] = set()
        for number in self._places.pop(pair):
            touched |= self._count(number, -1)
            parts, _ = self._words[number]
            place = 0
            while place < len(parts) - 1:
                if (parts[place], parts[place + 1]) == pair:
                    parts[place : place + 2] = ["".join(pair)]
                place += 1
            touched |= self._count(number, +1)
        for changed in touched:
            if count := self._pairs[changed]:
                heapq.heappush(self._heap, (-count, changed))
            else:
                del self._pairs[changed]

    def _count(self, number: int, sign: int) -> set[Pair]:
        """Add a word's pairs, or take them away; which they are."""
        parts, count = self._words[number]
        pairs = list(pairwise(parts))
        for pair in pairs:
            self._pairs[pair] += sign * count
            if sign > 0:
                self._places[pair].add(number)
        return set(pairs)

"""The beam searches of decoder/native, C++ that is compiled when the package is installed, through ctypes."""

import ctypes
import weakref
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from decoder.lexicon import Lexicon
from decoder.search import SearchOptions
from decoder.types import Scores


class Step(NamedTuple):
    """A word of a hypothesis, and the frames of its first and after its last label."""

    word: int
    start: int
    end: int
    confidence: float


class Candidate(NamedTuple):
    """A hypothesis: the number of its words' history, natural-log scores, and what it is ordered by."""

    history: int
    acoustic: float
    lm: float
    rank: float


_TICK_S = 0.25
"""Between two commitments."""

# as in decoder/native/search.h
_NUMBER, _LETTER = np.dtype("i4"), np.dtype("u4")
_QUESTION = np.dtype([("context", "i4"), ("word", "i4")])
_ANSWER = np.dtype([("score", "f8"), ("context", "i4")], align=True)
_STEP = np.dtype([("word", "i4"), ("start", "i4"), ("end", "i4"), ("confidence", "f8")], align=True)
_CANDIDATE = np.dtype([("history", "i4"), ("acoustic", "f8"), ("lm", "f8"), ("rank", "f8")], align=True)


class Settings(ctypes.Structure):
    """What both searches are told; settings_of makes it."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in ("labels", "blank", "beam_width", "frames_per_tick", "pause_frames")),
        *(
            (name, ctypes.c_double)
            for name in (
                "beam_prune_logp",
                "token_min_logp",
                "end_margin_logp",
                "confidence_delay",
                "commit_after",
            )
        ),
    ]


class _Tree(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("child_offset", "label", "word_offset", "word_ids")),
        *((name, ctypes.c_void_p) for name in ("lookahead", "highest")),
        ("nodes", ctypes.c_ssize_t),
    ]


class _Texts(ctypes.Structure):
    _fields_ = [("letters", ctypes.c_void_p), ("offset", ctypes.c_void_p), ("count", ctypes.c_int32)]


class _Spelling(ctypes.Structure):
    _fields_ = [("pieces", _Texts), ("opens", ctypes.c_void_p), ("known", _Texts)]


def _load() -> ctypes.CDLL:
    """The compiled searches."""
    found = find_spec("decoder._native")
    if found is None or found.origin is None:
        raise ImportError("the decoder's C++ part is not built: install the program again with pip")
    library = ctypes.CDLL(found.origin)
    handle, number, count = ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int)
    for name, result, arguments in (
        ("lexicon_search", handle, (ctypes.POINTER(Settings), ctypes.POINTER(_Tree), number)),
        ("character_search", handle, (ctypes.POINTER(Settings), ctypes.POINTER(_Spelling), ctypes.c_double)),
        ("search_free", None, (handle,)),
        ("search_feed", None, (handle, handle, number)),
        ("search_close", None, (handle,)),
        ("search_final_contexts", handle, (handle, count)),
        ("search_end", None, (handle, handle)),
        ("search_run", handle, (handle, count)),
        ("search_answer", None, (handle, handle)),
        ("search_candidates", handle, (handle, count)),
        ("search_words", handle, (handle, number, count)),
        ("search_take_committed", handle, (handle, count)),
        ("search_histories", number, (handle,)),
        ("search_remembered", number, (handle,)),
        ("search_forget", handle, (handle, count)),
        ("search_spelled", handle, (handle, number, count)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_LIBRARY = _load()


class NativeSearch:
    """The search through one stream; sessions of several threads do not wait for each other."""

    def __init__(self, handle: int, arrays: Sequence[npt.NDArray[Any]]) -> None:
        self._handle = handle
        self._arrays = arrays  # what the search has pointers to
        # not when the program ends: a daemon thread may still be searching
        weakref.finalize(self, _LIBRARY.search_free, handle).atexit = False

    def feed(self, frames: Scores) -> None:
        """Hand over log-probabilities (T, V), finite."""
        frames = np.ascontiguousarray(frames)
        _LIBRARY.search_feed(self._handle, frames.ctypes.data, len(frames))

    def run(self) -> tuple[list[int], list[int]] | None:
        """Go on until scores are lacking or nothing is left to do: the contexts and words to answer for, if any.

        Contexts have numbers that the caller gives, the first one has 0.
        """
        questions = self._rows(_QUESTION, _LIBRARY.search_run)
        return (questions["context"].tolist(), questions["word"].tolist()) if len(questions) else None

    def answer(self, scores: Scores, contexts: Sequence[int]) -> None:
        """The scores (n,) of the words of the last run, each in its context, and the contexts after them."""
        rows = np.empty(len(scores), _ANSWER)
        rows["score"], rows["context"] = scores, contexts
        _LIBRARY.search_answer(self._handle, rows.ctypes.data)

    def close(self) -> None:
        """The sentence ends with the frames that were fed: run once more, then score the end."""
        _LIBRARY.search_close(self._handle)

    def final_contexts(self) -> list[int]:
        """The context of each complete hypothesis."""
        contexts: list[int] = self._rows(_NUMBER, _LIBRARY.search_final_contexts).tolist()
        return contexts

    def end(self, scores: Scores) -> None:
        """What the end of the sentence scores in each of the final contexts."""
        scores = np.ascontiguousarray(scores)
        _LIBRARY.search_end(self._handle, scores.ctypes.data)

    def candidates(self, n: int) -> list[Candidate]:
        """At most n hypotheses, the best one for each history, best first."""
        return [Candidate(*row) for row in self._rows(_CANDIDATE, _LIBRARY.search_candidates)[:n].tolist()]

    def words(self, history: int) -> list[Step]:
        """The words of a history after the committed ones."""
        return [Step(*row) for row in self._rows(_STEP, _LIBRARY.search_words, history).tolist()]

    def take_committed(self) -> list[Step]:
        """The words that were committed since the last call."""
        return [Step(*row) for row in self._rows(_STEP, _LIBRARY.search_take_committed).tolist()]

    @property
    def histories(self) -> int:
        """How many histories are kept."""
        return int(_LIBRARY.search_histories(self._handle))

    @property
    def remembered(self) -> int:
        """How many answers, or spelled beginnings of words, are remembered."""
        return int(_LIBRARY.search_remembered(self._handle))

    def forget(self) -> list[int]:
        """Drop the answers, and the contexts that no history is in; the rest, each now numbered by its place here.

        Words of a character search have other numbers from then on.
        """
        kept: list[int] = self._rows(_NUMBER, _LIBRARY.search_forget).tolist()
        return kept

    def spelled(self, word: int) -> str:
        """The letters of a word of a character search."""
        return "".join(map(chr, self._rows(_LETTER, _LIBRARY.search_spelled, word).tolist()))

    def _rows(self, kind: np.dtype[Any], function: Any, *arguments: int) -> npt.NDArray[Any]:
        """A copy of what a function points to."""
        count = ctypes.c_int()
        pointer = function(self._handle, *arguments, ctypes.byref(count))
        return np.frombuffer(ctypes.string_at(pointer, count.value * kind.itemsize) if count.value else b"", kind)


def lexicon_search(
    lexicon: Lexicon, lookahead: Scores, highest: Scores, settings: Settings, recombine: bool
) -> NativeSearch:
    """A search through a lexicon.

    lookahead (nodes,): the best score of a word to come at each node; highest (words,): the most that each word
    scores without its context.
    """
    arrays: list[npt.NDArray[Any]] = [
        *(
            np.ascontiguousarray(column, np.intp)
            for column in (lexicon.child_offset, lexicon.label, lexicon.word_offset, lexicon.word_ids)
        ),
        np.ascontiguousarray(lookahead),
        np.ascontiguousarray(highest),
    ]
    tree = _Tree(*(array.ctypes.data for array in arrays), lexicon.nodes)
    return NativeSearch(_LIBRARY.lexicon_search(settings, tree, recombine), arrays)


class Spelling:
    """How labels spell words: the piece that each adds, whether it opens a word, and the known words, sorted."""

    def __init__(self, pieces: Sequence[str], opens: Sequence[bool], known: Sequence[str] | None) -> None:
        """Without known words every word may be one."""
        self.opens = np.array(opens, np.uint8)
        self.arrays: list[npt.NDArray[Any]] = [self.opens]
        self.native = _Spelling(self._texts(pieces), self.opens.ctypes.data, self._texts(known or ()))

    def _texts(self, texts: Sequence[str]) -> _Texts:
        letters = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
        offset = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        self.arrays += [letters, offset]
        return _Texts(letters.ctypes.data, offset.ctypes.data, len(texts))


def character_search(spelling: Spelling, settings: Settings, unknown_score: float) -> NativeSearch:
    """A search over labels that spell words; unknown_score is that of the beginning of an unknown word."""
    handle = _LIBRARY.character_search(settings, spelling.native, unknown_score)
    return NativeSearch(handle, spelling.arrays)


def settings_of(options: SearchOptions, labels: int, blank: int, frame_duration_s: float) -> Settings:
    """The settings of a search, times in frames; words are committed at fixed frames, whatever the chunks."""
    return Settings(
        labels,
        blank,
        options.beam_width,
        max(1, round(_TICK_S / frame_duration_s)),
        max(1, round(options.pause_s / frame_duration_s)),
        options.beam_prune_logp,
        options.token_min_logp,
        options.end_margin_logp,
        options.confidence_delay_s / frame_duration_s,
        options.commit_after_s / frame_duration_s,
    )

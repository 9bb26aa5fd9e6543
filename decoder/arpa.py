"""Back-off n-gram models in memory, and as ARPA text.

The format is SRILM's ngram-format(5): base-10 logarithms, `probability<TAB>words<TAB>back-off weight` lines.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Logs = npt.NDArray[np.float32]

UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"
DATA, CLOSING = "\\data\\", "\\end\\"
_BLOCK = 50_000
"""Lines that are made at once."""
_SHORTEST_LINE = 4
"""Bytes of `0<TAB>a` and a line end."""
_HEAD = 4096
"""Bytes that hold the numbers of n-grams at the beginning of a file, and its last line at the end."""


@dataclass(frozen=True, slots=True)
class Ngrams:
    """All n-grams of one order, sorted by context and last word.

    contexts: (n,) the place of the first words among the n-grams one word shorter; 0 for single words.
    words: (n,) the last word's place in the vocabulary.
    log_probs, backoffs: (n,) to the base 10; the back-off weight is 0 where nothing follows.
    """

    contexts: Ids
    words: Ids
    log_probs: Logs
    backoffs: Logs

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, slots=True)
class BackoffModel:
    """A back-off n-gram model; the i-th of the single words is the i-th of the vocabulary."""

    vocabulary: tuple[str, ...]
    orders: tuple[Ngrams, ...]

    def keys(self, order: int) -> npt.NDArray[np.int64]:
        """(n,) One number for each n-gram of an order, ascending: its context's place and its last word."""
        ngrams = self.orders[order - 1]
        return ngrams.contexts.astype(np.int64) * len(self.vocabulary) + ngrams.words

    def find(self, order: int, contexts: Ids, words: Ids) -> Ids:
        """The places (m,) of n-grams of an order given by context and last word (m,); -1 where there is none."""
        known = self.keys(order)
        wanted = contexts.astype(np.int64) * len(self.vocabulary) + words
        if not len(known):
            return np.full(len(wanted), -1, np.int32)
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return np.where((contexts >= 0) & (known[places] == wanted), places, -1).astype(np.int32)

    def suffixes(self, order: int) -> Ids:
        """(n,) The place of each n-gram without its first word among the shorter ones; -1 where it is not there."""
        ngrams = self.orders[order - 1]
        if order == 1:
            return np.zeros(len(ngrams), np.int32)
        if order == 2:
            return ngrams.words
        return self.find(order - 1, self.suffixes(order - 1)[ngrams.contexts], ngrams.words)

    def columns(self, order: int, part: slice) -> Iterator[Ids]:
        """The words of a part of the n-grams of an order, last word first."""
        places = np.arange(len(self.orders[order - 1]), dtype=np.int32)[part]
        for ngrams in reversed(self.orders[:order]):
            yield ngrams.words[places]
            places = ngrams.contexts[places]


def write_arpa(model: BackoffModel, path: Path) -> None:
    """Write a model as ARPA text, apart first and then renamed; OSError if that fails."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as out:
            out.write(f"{DATA}\n")
            out.writelines(f"ngram {order}={len(ngrams)}\n" for order, ngrams in enumerate(model.orders, 1))
            for order in range(1, len(model.orders) + 1):
                out.write(f"\n\\{order}-grams:\n")
                out.writelines(_lines(model, order))
            out.write(f"\n{CLOSING}\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _lines(model: BackoffModel, order: int) -> Iterator[str]:
    ngrams = model.orders[order - 1]
    vocabulary = np.array(model.vocabulary, dtype=object)
    for start in range(0, len(ngrams), _BLOCK):
        part = slice(start, start + _BLOCK)
        columns = [vocabulary[words].tolist() for words in model.columns(order, part)]
        texts = map(" ".join, zip(*reversed(columns), strict=True))
        log_probs, backoffs = ngrams.log_probs[part].tolist(), ngrams.backoffs[part].tolist()
        if order == len(model.orders):
            yield from (f"{log_prob:.6f}\t{text}\n" for log_prob, text in zip(log_probs, texts, strict=True))
        else:
            rows = zip(log_probs, texts, backoffs, strict=True)
            yield from (f"{log_prob:.6f}\t{text}\t{backoff:.6f}\n" for log_prob, text, backoff in rows)


def is_arpa(path: Path) -> bool:
    """Whether a file begins as ARPA text does, after the empty line that SRILM writes."""
    with path.open("rb") as file:
        return file.read(_HEAD).lstrip().startswith(DATA.encode())


def check_arpa(path: Path) -> list[int]:
    """How many n-grams of each order an ARPA file says it has.

    ValueError where the file cannot hold so many or does not end as it must: it was cut.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8", "replace").lstrip().splitlines()
        file.seek(max(0, size - _HEAD))
        tail = file.read().decode("utf-8", "replace")
    if tail.rstrip().rpartition("\n")[2].strip() != CLOSING:
        raise ValueError(f"{path}: cut in the middle, the last line is not {CLOSING}: fetch or build it again")
    counts = _counts(head, path)
    if sum(counts) * _SHORTEST_LINE > size:
        raise ValueError(f"{path}: too short for the n-grams that its first lines promise: fetch or build it again")
    return counts


def _counts(lines: Iterable[str], path: Path) -> list[int]:
    """The numbers of `ngram 1=...` lines, which follow the first line."""
    counts: list[int] = []
    for line in islice(lines, 1, None):
        if not line.strip():
            break
        name, _, number = line.partition("=")
        if name.split() != ["ngram", str(len(counts) + 1)] or not number.strip().isdecimal():
            raise ValueError(f"{path}: not an ARPA file, {line[:60]!r} is not `ngram {len(counts) + 1}=NUMBER`")
        counts.append(int(number))
    if not counts or not counts[0]:
        raise ValueError(f"{path}: the language model is empty, it has no words: build it again")
    return counts


def read_arpa(path: Path) -> BackoffModel:
    """The model in an ARPA file; OSError if it cannot be read, ValueError with the place if it is not whole."""
    if not is_arpa(path):
        raise ValueError(f"{path}: not ARPA text; of a KenLM binary, give the ARPA file that it was made from")
    counts = check_arpa(path)
    try:
        with path.open(encoding="utf-8") as file:
            words, single = _read_order(file, 1, counts[0])
            model = BackoffModel(tuple(words), (Ngrams(*_single(counts[0]), *single),))
            numbers = {word: number for number, word in enumerate(words)}
            for order, count in enumerate(counts[1:], 2):
                words, logs = _read_order(file, order, count)
                ids = np.fromiter(map(numbers.__getitem__, words), np.int32, len(words)).reshape(count, order)
                model = BackoffModel(model.vocabulary, (*model.orders, _placed(model, ids, logs)))
    except KeyError as error:
        raise ValueError(f"{path}: {error} is in an n-gram but not among the single words: build it again") from error
    except ValueError as error:
        raise ValueError(f"{path}: damaged, {error}: fetch or build it again") from error
    return model


def _single(count: int) -> tuple[Ids, Ids]:
    """Contexts and words of single words."""
    return np.zeros(count, np.int32), np.arange(count, dtype=np.int32)


def _read_order(file: TextIO, order: int, count: int) -> tuple[list[str], tuple[Logs, Logs]]:
    """The words of all n-grams of the next section, one after the other, and their (n,) logarithms."""
    heading = f"\\{order}-grams:"
    for line in file:
        if line.rstrip() == heading:
            break
    words: list[str] = []
    log_probs, backoffs = np.zeros(count, np.float32), np.zeros(count, np.float32)
    for row, line in enumerate(islice(file, count)):
        fields = line.split()
        if len(fields) not in (order + 1, order + 2):
            raise ValueError(f"{line.rstrip()[:60]!r} is no {order}-gram")
        log_probs[row] = float(fields[0])
        words += fields[1 : order + 1]
        if len(fields) == order + 2:
            backoffs[row] = float(fields[-1])
    if len(words) != order * count:
        raise ValueError(f"it has fewer {order}-grams than it says")
    if not (np.isfinite(log_probs).all() and np.isfinite(backoffs).all()):
        raise ValueError(f"a logarithm of the {order}-grams is not finite")
    return words, (log_probs, backoffs)


def _placed(model: BackoffModel, ids: npt.NDArray[np.int32], logs: tuple[Logs, Logs]) -> Ngrams:
    """N-grams given by their words (n, order) as ones of the order after a model's last."""
    contexts = ids[:, 0]
    for order in range(2, ids.shape[1]):
        contexts = model.find(order, contexts, ids[:, order - 1])
    if (contexts < 0).any():
        words = " ".join(model.vocabulary[word] for word in ids[contexts.argmin()])
        raise ValueError(f"{words!r} begins with words that are no n-gram")
    order = np.lexsort((ids[:, -1], contexts))
    return Ngrams(contexts[order], ids[order, -1], logs[0][order], logs[1][order])

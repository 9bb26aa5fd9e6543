import gzip
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.lexicon import ROOT, Lexicon

LABELS = ("", "a", "b", "c")
ENTRIES = st.lists(
    st.tuples(st.sampled_from(["u", "v", "w", "x"]), st.lists(st.integers(1, 3), min_size=1, max_size=4)),
    min_size=1,
    max_size=12,
)


def spelled(lexicon: Lexicon) -> set[tuple[str, tuple[int, ...]]]:
    """The entries of a lexicon, read off its tree from the root down."""
    entries = set()
    open_nodes: list[tuple[int, tuple[int, ...]]] = [(ROOT, ())]
    while open_nodes:
        node, labels = open_nodes.pop()
        for word in lexicon.word_ids[lexicon.word_offset[node] : lexicon.word_offset[node + 1]]:
            entries.add((lexicon.words[word], labels))
        for child in range(lexicon.child_offset[node], lexicon.child_offset[node + 1]):
            assert lexicon.parent[child] == node
            open_nodes.append((child, (*labels, int(lexicon.label[child]))))
    return entries


@given(ENTRIES, ENTRIES)
def test_an_extended_tree_is_the_tree_of_all_entries(entries, more):
    extended, whole = Lexicon.build(entries).extended(more), Lexicon.build([*entries, *more])
    assert extended.words == whole.words
    for name in ("child_offset", "parent", "label", "word_offset", "word_ids", "level_offset"):
        assert getattr(extended, name).tolist() == getattr(whole, name).tolist(), name


@pytest.mark.parametrize("bad", [[], [("u", [])], [("", [1])], [("u", [-1])]])
def test_a_tree_is_not_extended_by_bad_entries(bad):
    with pytest.raises(ValueError, match=r"entries|not a pronunciation"):
        Lexicon.build([("u", [1])]).extended(bad)


@given(ENTRIES)
def test_the_tree_holds_exactly_the_entries(entries):
    lexicon = Lexicon.build(entries)
    expected = {(word, tuple(labels)) for word, labels in entries}
    assert spelled(lexicon) == expected
    assert len(lexicon.word_ids) == len(expected)
    prefixes = {labels[:n] for _, labels in expected for n in range(len(labels) + 1)}
    assert lexicon.nodes == len(prefixes)


@given(ENTRIES, st.integers(0, 100))
def test_lookahead_is_the_best_score_below(entries, seed):
    lexicon = Lexicon.build(entries)
    scores = np.random.default_rng(seed).normal(size=len(lexicon.words))
    best = lexicon.lookahead(scores)
    for node in range(lexicon.nodes):
        below = {node}
        for child in range(node + 1, lexicon.nodes):
            if lexicon.parent[child] in below:
                below.add(child)
        ids = [w for n in below for w in lexicon.word_ids[lexicon.word_offset[n] : lexicon.word_offset[n + 1]]]
        assert best[node] == max(scores[word] for word in ids)


@pytest.mark.parametrize("name", ["lexicon.txt", "lexicon.txt.gz"])
def test_reading(tmp_path, name):
    text = b"the\ta b\nthe\ta c\ncat\tc\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert spelled(Lexicon.read(path, LABELS)) == {("the", (1, 2)), ("the", (1, 3)), ("cat", (3,))}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("the\ta\ncat\tc q\n", "line 2: the entry of 'cat' has the label 'q'"),
        ("the a\n", "line 1: expected a word"),
        ("the\t\n", "line 1: expected a word"),
        ("the\ta\n\n", "line 2: expected a word"),
        ("", "the lexicon is empty"),
    ],
)
def test_bad_entries_are_named(tmp_path, text, message):
    path = tmp_path / "lexicon.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Lexicon.read(path, LABELS)


def test_bad_files(tmp_path):
    with pytest.raises(OSError, match="no such lexicon"):
        Lexicon.read(tmp_path / "none.txt", LABELS)
    for name, content in {
        "x.gz": b"not gzip",
        "y.gz": gzip.compress(b"the\ta\n" * 99)[:-9],
        "z.txt": b"\xff\xfe",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="not a UTF-8 text"):
            Lexicon.read(tmp_path / name, LABELS)


def test_bad_pronunciations():
    with pytest.raises(ValueError, match="'the'"):
        Lexicon.build([("the", [])])
    with pytest.raises(ValueError, match="'the'"):
        Lexicon.build([("the", [-1])])
    with pytest.raises(ValueError, match="empty"):
        Lexicon.build([])


def test_a_pronunciation_that_no_word_has():
    with pytest.raises(ValueError, match="'the' is longer than"):
        Lexicon.build([("a", [1]), ("the", [1] * 100_000)])


def test_eighty_thousand_words_are_read_well_within_a_second(tmp_path):
    labels = [f"l{i}" for i in range(47)]
    random = np.random.default_rng(0)
    lines = [
        f"word{i}\t{' '.join(labels[k] for k in random.integers(1, 47, random.integers(3, 12)))}\n"
        for i in range(80_000)
    ]
    path = tmp_path / "lexicon.txt"
    path.write_text("".join(lines))
    before = time.thread_time()  # the processor's time, as a busy machine is no fault of the reader
    lexicon = Lexicon.read(path, labels)
    assert time.thread_time() - before < 1.0
    assert len(lexicon.words) == 80_000

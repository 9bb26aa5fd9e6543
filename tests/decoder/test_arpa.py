import numpy as np
import pytest

from decoder.arpa import BackoffModel, check_arpa, is_arpa, read_arpa, write_arpa
from decoder.kneser_ney import estimate
from decoder.lm import NgramLM

SENTENCES = ["a bad cab", "a cab", "dad a bad dad", "bad bad cab"]


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "out.arpa"
    model = estimate(SENTENCES, 4).model
    write_arpa(model, path)
    read = read_arpa(path)
    assert read.vocabulary == model.vocabulary
    for one, other in zip(read.orders, model.orders, strict=True):
        assert np.array_equal(one.contexts, other.contexts)
        assert np.array_equal(one.words, other.words)
        assert one.log_probs == pytest.approx(other.log_probs, abs=1e-6)
        assert one.backoffs == pytest.approx(other.backoffs, abs=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["out.arpa"]
    assert NgramLM(path).order == 4


def test_another_order_of_the_lines_is_the_same_model(tiny_arpa, tmp_path):
    lines = tiny_arpa.read_text().splitlines()
    start = lines.index("\\2-grams:") + 1
    lines[start : start + 7] = lines[start : start + 7][::-1]
    shuffled = tmp_path / "shuffled.arpa"
    shuffled.write_text("\n".join(lines) + "\n")
    one, other = read_arpa(tiny_arpa), read_arpa(shuffled)
    assert all(np.array_equal(a.log_probs, b.log_probs) for a, b in zip(one.orders, other.orders, strict=True))


def test_places_of_contexts_and_suffixes(tiny_arpa):
    model = read_arpa(tiny_arpa)

    def words(order: int) -> list[str]:
        columns = list(model.columns(order, slice(None)))[::-1]
        return [" ".join(model.vocabulary[word] for word in row) for row in zip(*columns, strict=True)]

    for order in (2, 3):
        shorter = words(order - 1)
        contexts = [shorter[place] for place in model.orders[order - 1].contexts]
        assert contexts == [text.rpartition(" ")[0] for text in words(order)]
        suffixes = [shorter[place] if place >= 0 else None for place in model.suffixes(order)]
        expected = [text.partition(" ")[2] for text in words(order)]
        assert suffixes == [text if text in shorter else None for text in expected]


def test_counts_are_told_without_reading_the_rest(tiny_arpa, tmp_path):
    assert is_arpa(tiny_arpa)
    assert check_arpa(tiny_arpa) == [9, 7, 3]
    foreign = tmp_path / "foreign"
    foreign.write_bytes(bytes(10))
    assert not is_arpa(foreign)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.98])
def test_a_cut_file(tiny_arpa, tmp_path, share):
    content = tiny_arpa.read_bytes()
    path = tmp_path / "cut.arpa"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="cut in the middle"):
        read_arpa(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ngram 1=9", "ngram 1=999999999999", "too short"),
        ("ngram 1=9", "ngram 1=0", "empty"),
        ("ngram 2=7", "ngram 3=7", "not an ARPA"),
        ("ngram 3=3", "ngram 3=4", "3-gram"),
        ("-0.3\ta bad\t", "-0.3\tz bad\t", "'z' is in an n-gram"),
        ("-0.3\ta bad\t", "-0.3\tab bad\t", "'a bad cab' begins with"),
        ("-0.3\ta bad\t-0.3", "-0.3\ta bad cab a\t-0.3", "no 2-gram"),
        ("-0.3\ta bad\t", "x\ta bad\t", "could not convert"),
        ("-0.3\ta bad\t", "nan\ta bad\t", "not finite"),
        ("\\data\\", "data", "not ARPA text"),
    ],
)
def test_a_damaged_file_is_told_by_its_damage(tiny_arpa, tmp_path, old, new, message):
    path = tmp_path / "damaged.arpa"
    path.write_text(tiny_arpa.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message) as caught:
        read_arpa(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_failed_write_leaves_nothing(tmp_path):
    model = estimate(SENTENCES, 2).model
    broken = BackoffModel(model.vocabulary[:-1], model.orders)
    with pytest.raises(IndexError):
        write_arpa(broken, tmp_path / "out.arpa")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_line_before_the_first_one_as_srilm_writes_it(tiny_arpa, tmp_path):
    path = tmp_path / "srilm.arpa"
    path.write_text("\n" + tiny_arpa.read_text())
    assert is_arpa(path)
    assert check_arpa(path) == [9, 7, 3]
    assert read_arpa(path).vocabulary == read_arpa(tiny_arpa).vocabulary
    path.write_text(path.read_text()[:-10])
    with pytest.raises(ValueError, match="cut in the middle"):
        check_arpa(path)

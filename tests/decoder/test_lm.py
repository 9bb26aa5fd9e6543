import math

import pytest

from decoder.lm import NgramLM


def test_scores_are_natural_logarithms_of_the_arpa(tiny_arpa):
    lm = NgramLM(tiny_arpa)
    assert lm.order == 3
    first, state = lm.score(lm.bos_state(), "a")
    second, state = lm.score(state, "bad")
    third, state = lm.score(state, "cab")
    expected = [-0.4, -0.2, -0.1]
    assert [first, second, third] == pytest.approx([x * math.log(10) for x in expected], abs=1e-5)
    assert lm.eos(state) == pytest.approx((-0.1 - 0.5) * math.log(10), abs=1e-5)
    assert lm.unigrams(["a", "dad"]) == pytest.approx([-0.8 * math.log(10), -1.3 * math.log(10)], abs=1e-5)


def test_equal_contexts_are_equal_states(tiny_arpa):
    lm = NgramLM(tiny_arpa)
    by_one = lm.score(lm.score(lm.bos_state(), "dad")[1], "abba")[1]
    by_other = lm.score(lm.score(lm.bos_state(), "ab")[1], "abba")[1]
    assert by_one == by_other
    assert hash(by_one) == hash(by_other)
    assert by_one != lm.bos_state()


def test_unknown_words(tiny_arpa):
    lm = NgramLM(tiny_arpa)
    assert lm.known("bad")
    assert not lm.known("zebra")
    assert lm.unigrams(["zebra"])[0] == pytest.approx(-2.1 * math.log(10), abs=1e-5)


def test_a_vocabulary_limits_the_known_words(tiny_arpa):
    lm = NgramLM(tiny_arpa, ["bad", "cab", "zebra"])
    assert lm.known("bad")
    assert not lm.known("a")
    assert not lm.known("zebra")
    assert lm.known_words() == ["bad", "cab"]
    assert NgramLM(tiny_arpa).known_words() is None


def test_a_vocabulary_without_a_word_of_the_model(tiny_arpa):
    with pytest.raises(ValueError, match="none of the words"):
        NgramLM(tiny_arpa, ["zebra"])


def test_a_model_of_other_case_or_alphabet(tiny_arpa, tmp_path):
    shouted, foreign = tmp_path / "shouted.arpa", tmp_path / "foreign.arpa"
    text = tiny_arpa.read_text()
    shouted.write_text(text.replace("bad", "BAD").replace("cab", "CAB").replace("\ta", "\tA").replace(" a", " A"))
    foreign.write_text(text.replace("bad", "дом").replace("cab", "кот"))
    with pytest.raises(
        ValueError, match=r"none of the words of the vocabulary: it has 'BAD', build it from lower-case"
    ):
        NgramLM(shouted, ["bad", "cab"])
    with pytest.raises(ValueError, match="is it of another language"):
        NgramLM(foreign, ["bad", "cab"])


def test_some_words_in_capitals_are_warned_of(tiny_arpa, tmp_path, caplog):
    mixed = tmp_path / "mixed.arpa"
    mixed.write_text(tiny_arpa.read_text().replace("bad", "Bad"))
    lm = NgramLM(mixed, ["bad", "cab", "zebra"])
    assert not lm.known("bad")
    (warning,) = caplog.messages
    assert "1 words are unknown for their capitals: it has 'Bad'" in warning
    caplog.clear()
    NgramLM(tiny_arpa, ["bad", "cab", "zebra"])
    assert not caplog.messages


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(OSError, match="no such language model"):
        NgramLM(tmp_path / "none.arpa")
    with pytest.raises(OSError, match="not a file"):
        NgramLM(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"a text\n",
        bytes(range(256)) * 20,
        b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(100),
        b"mmap lm http://k\x97eafield.com/code format version 5\n\0" + bytes(100),
    ],
    ids=["text", "bytes", "cut binary", "damaged binary"],
)
def test_a_foreign_file(tmp_path, content):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a whole KenLM") as caught:
        NgramLM(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.98])
def test_a_cut_arpa(tiny_arpa, tmp_path, share):
    content = tiny_arpa.read_bytes()
    path = tmp_path / "cut.arpa"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="cut in the middle"):
        NgramLM(path)


@pytest.mark.parametrize("content", ["", "\\data\\\nngram 1=0\n\n\\1-grams:\n\n\\end\\\n"], ids=["nothing", "no words"])
def test_an_empty_model(tmp_path, content):
    path = tmp_path / "empty.arpa"
    path.write_text(content)
    with pytest.raises(ValueError, match="is empty"):
        NgramLM(path)


def test_scores_are_those_of_one_word_after_the_other(tiny_arpa):
    lm = NgramLM(tiny_arpa)
    words = ["a", "bad", "zebra", "cab"]
    states = [lm.bos_state(), lm.score(lm.bos_state(), "a")[1], lm.bos_state(), lm.score(lm.bos_state(), "dad")[1]]
    one_by_one = [lm.score(state, word) for state, word in zip(states, words, strict=True)]
    log_probs, after = lm.scores(states, words)
    assert log_probs.tolist() == pytest.approx([log_prob for log_prob, _ in one_by_one])
    assert after == [state for _, state in one_by_one]


def test_a_model_of_single_words_is_refused(tmp_path):
    path = tmp_path / "one.arpa"
    path.write_text("\\data\\\nngram 1=4\n\n\\1-grams:\n-1\t<unk>\n-99\t<s>\n-1\t</s>\n-1\ta\n\n\\end\\\n")
    with pytest.raises(ValueError, match="single words only"):
        NgramLM(path)

import shutil

import pytest

from models.recipes.data import phonemes
from models.recipes.data.phonemes import PHONEMES, WEAK_FORMS, fold, lexicon, pronounce

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def test_labels_are_the_42_phonemes() -> None:
    assert len(PHONEMES) == len(set(PHONEMES)) == 42
    assert PHONEMES[:3] == ("ɪ", "ə", "ɛ")  # the order is that of the checkpoints' outputs
    assert PHONEMES[-3:] == ("θ", "ʒ", "ð")


@pytest.mark.parametrize("sound", PHONEMES)
def test_phonemes_stay_themselves(sound: str) -> None:
    assert fold(sound) == (sound,)
    assert fold(f"ˈ{sound}_ˌ{sound}") == (sound, sound)


@pytest.mark.parametrize(("sound", "folded"), phonemes._FOLD.items())
def test_the_table_leads_to_phonemes(sound: str, folded: str) -> None:
    assert set(folded.split()) <= set(PHONEMES)
    assert sound not in PHONEMES
    assert fold(sound) == tuple(folded.split())


@pytest.mark.parametrize(
    ("ipa", "expected"),
    [
        ("h_ə_l_ˈoʊ", "h ə l oʊ"),
        ("w_ˈɜː_l_d", "w ɜː l d"),
        ("k_ˈɑːɹ", "k ɑː ɹ"),
        ("b_ˈʌ_ʔ_n̩", "b ʌ t ə n"),
        ("f_ˈaɪɚ", "f aɪ ɚ"),
        ("(en)h_aɪ(fr)", "h aɪ"),
        (" t_u:".replace(":", "ː") + " d ", "t uː d"),
        ("t͡ʃ_ɪ_ɲ", "tʃ ɪ n j"),
        ("", ""),
        ("_ _", ""),
    ],
)
def test_folding(ipa: str, expected: str) -> None:
    assert fold(ipa) == tuple(expected.split())


@pytest.mark.parametrize("ipa", ["ʘ", "k_ǃ_a", "7"])
def test_a_sound_without_a_place_is_named(ipa: str) -> None:
    with pytest.raises(ValueError, match=r"the phoneme '.+' of '.+' is not in the label set"):
        fold(ipa)


@pytest.mark.parametrize("word", WEAK_FORMS)
def test_weak_forms_are_phonemes(word: str) -> None:
    forms = WEAK_FORMS[word]
    assert len(forms) == len(set(forms)) >= 2
    assert {sound for form in forms for sound in form} <= set(PHONEMES)


@needs_espeak
def test_espeak_pronounces_words() -> None:
    found = pronounce(["hello", "world", "three"])
    assert found == {
        "hello": ("h", "ə", "l", "oʊ"),
        "world": ("w", "ɜː", "l", "d"),
        "three": ("θ", "ɹ", "iː"),
    }


@needs_espeak
def test_a_roman_numeral_is_said_without_the_word_roman() -> None:
    said = pronounce(["vi", "romance"])
    assert said["vi"] == ("s", "ɪ", "k", "s")
    assert said["romance"][:3] == ("ɹ", "oʊ", "m")


@needs_espeak
def test_words_that_espeak_cannot_say_are_left_out_and_no_others() -> None:
    assert pronounce(["cat", "", "fish"]) == {"cat": ("k", "æ", "t"), "fish": ("f", "ɪ", "ʃ")}


@needs_espeak
def test_a_lexicon_has_weak_forms_and_each_word_once() -> None:
    found = lexicon(["the", "cat", "cat", ""])
    assert list(found) == ["the", "cat", ""]
    assert found["the"] == (("ð", "ə"), ("ð", "iː"))
    assert found["cat"] == (("k", "æ", "t"),)
    assert found[""] == ()


def test_no_words_no_pronunciations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a synthesiser, for a recipe without transcripts."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert pronounce([]) == {}
    assert lexicon([]) == {}


def test_a_missing_synthesiser_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(OSError, match="apt-get install espeak-ng"):
        pronounce(["hello"])

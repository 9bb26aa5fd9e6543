"""The spelling-to-sound model that ships, on words that it has never seen."""

from itertools import islice

import pytest

from asr_app.library.models import DEFAULT_MODEL, LEXICON_FILE, SHIPPED
from asr_app.words.pronunciation import Pronouncer, Pronunciation
from models.g2p import FILES, G2p, load_g2p, read_lexicon
from models.recipes.texts.g2p import evaluate, split

ENGLISH = SHIPPED / DEFAULT_MODEL
HELD_OUT = 120
"""How many of the lexicon's held-out words are said here."""

NEW = {
    "backpropagation": "b æ k p ɹ ə p ə ɡ eɪ ʃ ə n",
    "biohacking": "b aɪ oʊ h æ k ɪ ŋ",
    "hashtagging": "h æ ʃ t æ ɡ ɪ ŋ",
    "haverbrook": "h æ v ɚ b ɹ ʊ k",
    "hendrickson": "h ɛ n d ɹ ɪ k s ə n",
    "instagrammer": "ɪ n s t ə ɡ ɹ æ m ɚ",
    "microservice": "m aɪ k ɹ oʊ s ɜː v ɪ s",
    "pendlebury": "p ɛ n d ə l b ɛ ɹ iː",
    "podcaster": "p ɑː d k æ s t ɚ",
    "quimby": "k w ɪ m b iː",
    "stormlight": "s t ɔː ɹ m l aɪ t",
    "thornbury": "θ ɔː ɹ n b ɛ ɹ iː",
    "tokenizer": "t oʊ k ə n aɪ z ɚ",
    "vaping": "v eɪ p ɪ ŋ",
    "whitlock": "w ɪ t l ɑː k",
    "zuckerberg": "z ʌ k ɚ b ɜː ɡ",
}
"""Words that the lexicon lacks, as espeak-ng says them."""

pytestmark = pytest.mark.skipif(
    not (ENGLISH / FILES.description).is_file(), reason="no spelling-to-sound model ships in this checkout"
)


def labels(text: str) -> Pronunciation:
    return tuple(text.split())


@pytest.fixture(scope="module")
def g2p() -> G2p:
    return load_g2p(ENGLISH)


@pytest.fixture(scope="module")
def forms() -> dict[str, tuple[str, ...]]:
    return read_lexicon(ENGLISH / LEXICON_FILE)


def test_words_that_training_held_out(g2p: G2p, forms: dict[str, tuple[str, ...]]) -> None:
    recipe = g2p.provenance["recipe"]
    lexicon = {word: tuple(map(labels, variants)) for word, variants in forms.items()}
    _, held_out = split(lexicon, recipe["held_out"], recipe["seed"])
    errors = evaluate(g2p, dict(islice(held_out.items(), HELD_OUT)))
    assert errors["labels"] < 8
    assert errors["words"] < 35


def test_words_that_the_lexicon_lacks(g2p: G2p, forms: dict[str, tuple[str, ...]]) -> None:
    assert not NEW.keys() & forms.keys()
    errors = evaluate(g2p, {word: (labels(said),) for word, said in NEW.items()})
    assert errors["labels"] < 12


def test_abbreviations_may_be_spelled() -> None:
    pronouncer = Pronouncer.load(ENGLISH)
    assert labels("ɛ m k j uː t iː t iː") in pronouncer.pronounce("mqtt")
    assert pronouncer.pronounce("NASA") == (*pronouncer.pronounce("nasa"), labels("ɛ n eɪ ɛ s eɪ"))


def test_the_model_is_small() -> None:
    assert sum(path.stat().st_size for path in ENGLISH.glob("g2p.*")) <= 1_200_000

import json
import random
import sys
from pathlib import Path

import pytest
import torch

from models.g2p import END, FILES, G2pConfig, Pronunciation, load_g2p
from models.recipes.texts import g2p as module
from models.recipes.texts.g2p import (
    IGNORED,
    LETTERS,
    Examples,
    G2pRecipe,
    evaluate,
    loss,
    read_g2p_recipe,
    split,
    train,
)

ENGLISH = Path(module.__file__).parents[1] / "g2p_english.toml"
SOUNDS = {"sh": "ʃ", "b": "b", "k": "k", "s": "s", "t": "t", "a": "æ", "i": "ɪ", "o": "ɑː"}
LABELS = tuple(sorted(set(SOUNDS.values()) | {"eɪ", "aɪ", "oʊ"}))
LONG = {"æ": "eɪ", "ɪ": "aɪ", "ɑː": "oʊ"}
TOY = G2pRecipe(
    "toy",
    epochs=14,
    batch_size=32,
    learning_rate=1e-2,
    warmup_steps=20,
    ema_decay=0.95,
    network=G2pConfig(16, 24, 1, 32),
)


def toy_language() -> dict[str, tuple[Pronunciation, ...]]:
    """Words of one or two syllables; a final e is silent and makes the vowel before it long."""
    choice = random.Random(0)
    lexicon = {}
    for _ in range(900):
        sounds = [choice.choice([s for s in SOUNDS if (s in "aio") == bool(place % 2)]) for place in range(3)]
        sounds = [*sounds, choice.choice("aio"), choice.choice("bkst")] if choice.random() < 0.6 else sounds
        said = [SOUNDS[sound] for sound in sounds]
        word = "".join(sounds)
        if choice.random() < 0.5:
            word, said[-2] = f"{word}e", LONG[said[-2]]
        lexicon[word] = (tuple(said),)
    return lexicon


def test_it_learns_a_spelling_rule() -> None:
    """Digraphs, a silent letter, and a vowel that depends on a letter two places later."""
    known, held_out = split(toy_language(), 0.1, 1)
    lines: list[str] = []
    g2p = train(known, LABELS, TOY, lines.append)
    losses = [json.loads(line)["loss"] for line in lines]
    assert len(losses) == TOY.epochs
    assert losses[-1] < 0.1 * losses[0]
    errors = evaluate(g2p, held_out)
    assert errors["labels"] < 3
    assert errors["words"] < 10
    assert g2p.pronounce("shobite")[0][0] == ("ʃ", "ɑː", "b", "aɪ", "t")


def test_a_words_side_of_the_split_is_its_own() -> None:
    lexicon = {f"w{letter}{other}": (("b",),) for letter in LETTERS for other in LETTERS}
    known, held_out = split(lexicon, 0.2, 1)
    assert known.keys() | held_out.keys() == lexicon.keys()
    assert not known.keys() & held_out.keys()
    assert len(held_out) == pytest.approx(0.2 * len(lexicon), rel=0.3)
    fewer = dict(list(lexicon.items())[::3])
    assert split(fewer, 0.2, 1)[1].keys() == held_out.keys() & fewer.keys()
    assert split(lexicon, 0.2, 2)[1].keys() != held_out.keys()


def test_batches_hold_every_pronunciation_once() -> None:
    lexicon = toy_language() | {"a": (("æ",), ("eɪ",))}
    examples = Examples(lexicon, LETTERS, LABELS)
    batches = examples.batches(50, torch.Generator().manual_seed(1))
    seen = []
    for words, targets in batches:
        assert len(words) == len(targets) <= 50
        for word, target in zip(words.tolist(), targets.tolist(), strict=True):
            labels = [label for label in target if label != IGNORED]
            assert labels[0] == labels[-1] == END
            seen.append(("".join(LETTERS[i] for i in word), tuple(LABELS[i - 1] for i in labels[1:-1])))
    assert sorted(seen) == sorted((word, said) for word, variants in lexicon.items() for said in variants)
    other = examples.batches(50, torch.Generator().manual_seed(2))
    assert any(a.shape != b.shape or not torch.equal(a, b) for (a, _), (b, _) in zip(batches, other, strict=True))


def test_padding_does_not_count() -> None:
    network = module.build_network(G2pConfig(8, 8, 1, 8), LETTERS, LABELS).eval()
    words, targets = torch.tensor([[0, 1, 2]]), torch.tensor([[END, 3, 4, END]])
    padded = torch.nn.functional.pad(targets, (0, 3), value=IGNORED)
    torch.testing.assert_close(loss(network, (words, padded)), loss(network, (words, targets)))


def test_the_rate_warms_up_and_decays() -> None:
    rates = [G2pRecipe("r").rate(step, 1000) for step in range(1001)]
    assert rates.index(max(rates)) == pytest.approx(100, abs=2)
    assert rates[0] < 0.02 * max(rates)
    assert rates[-1] == pytest.approx(0.01 * 4e-3)


def test_evaluation_takes_the_nearest_variant() -> None:
    class Fixed:
        def pronounce(self, word: str, beam: int) -> list[tuple[Pronunciation, float]]:
            return [(("b", "æ"), 0.5), (("b",), 0.4)]

    lexicon = {"x": (("t", "t", "t"), ("b", "æ")), "y": (("b",),), "z": (("s", "s", "s", "s"),)}
    assert evaluate(Fixed(), lexicon) == {"labels": 71.43, "words": 66.67, "variants": 33.33}  # type: ignore[arg-type]


def test_the_command_makes_the_same_files_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"{a}{b}{c}" for a in "bkt" for b in "aio" for c in "bkst"]
    lines = [f"{word}\t{' '.join(SOUNDS[letter] for letter in word)}\n" for word in words]
    (tmp_path / "lexicon.txt").write_text("".join(lines), encoding="utf-8")
    recipe = 'name = "tiny"\nepochs = 2\nheld_out = 0.3\n[network]\nembedding = 8\nencoder = 8\ndecoder = 8\n'
    (tmp_path / "tiny.toml").write_text(recipe)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        arguments = [tmp_path / "tiny.toml", "--lexicon", tmp_path / "lexicon.txt", "--output", tmp_path / name]
        monkeypatch.setattr(sys, "argv", ["g2p", *map(str, arguments)])
        module.main()
    assert len(capsys.readouterr().out.splitlines()) == 6
    for name in (FILES.description, FILES.weights):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    provenance = load_g2p(tmp_path / "first").provenance
    assert provenance["words"] + provenance["held_out_words"] == len(words)
    assert provenance["recipe"]["name"] == "tiny"


def test_a_run_needs_no_warm_up() -> None:
    recipe = G2pRecipe("r", warmup_steps=0)
    assert recipe.rate(0, 10) == recipe.learning_rate


@pytest.mark.parametrize(
    "content",
    ["", "name = ", "name = 'x'\ncolour = 1", "name = 'x'\n[network]\nwidth = 3", "name = 'x'\nepochs = '2'"],
)
def test_a_wrong_recipe_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"r\.toml"):
        read_g2p_recipe(path)


def test_the_english_recipe_is_read() -> None:
    assert read_g2p_recipe(ENGLISH).name == "g2p_english"

"""`asr lm train`: a run from text to model, and what a recipe and an output can have wrong."""

from pathlib import Path

import pytest

from asr_app.cli.lm_train import train
from asr_app.errors import ConfigError, OutputError
from models.lm import load_neural_lm

NGRAM = '[estimate]\nvocabulary = 40\n[[source]]\nname = "own"\npath = "own.txt"\n'
RECIPE = """
name = "tiny"
text = "ngram.toml"
pieces = 60
[network]
dim = 8
hidden = 8
[optimisation]
steps = 2
"""


def test_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ngram.toml").write_text(NGRAM)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "own.txt").write_text("Good morning.\nGood night.\n")
    for _ in range(2):  # the second time nothing is left to do
        train(tmp_path / "recipe.toml", tmp_path, tmp_path / "run", 1)
        assert f"the model is in {tmp_path / 'run' / 'model'}" in capsys.readouterr().out
    assert load_neural_lm(tmp_path / "run" / "model").provenance["steps"] == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read the recipe"),
        ('name = "a"', "missing 1 required"),
        (RECIPE + "epochs = 3", "unknown key 'epochs'"),
        (RECIPE, "ngram.toml: No such file or directory: check the name"),
    ],
)
def test_a_wrong_recipe(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "recipe.toml").write_text(content)
    with pytest.raises(ConfigError, match=message):
        train(tmp_path / "recipe.toml", tmp_path, tmp_path / "new")


def test_an_output_that_can_never_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file is not a folder"):
        train(tmp_path / "recipe.toml", tmp_path, tmp_path / "file" / "new")

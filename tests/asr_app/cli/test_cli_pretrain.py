"""`asr pretrain`: what a recipe and an output can have wrong; the runs have tests of their own."""

from pathlib import Path

import pytest

from asr_app.cli.pretrain import pretrain
from asr_app.errors import ConfigError, OutputError

LEAST = 'name = "a"\nseed = 1\nstores = []\nteacher_stores = []\ndev_stores = []\nnoise_stores = []\n[weights]\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read the recipe"),
        (LEAST, "must be one of the sections"),
        (LEAST + "[wav2vec]\nmasks = 3", "unknown key 'masks'"),
        (LEAST + "[wav2vec]", "finds nothing to train on"),
    ],
)
def test_a_wrong_recipe(tmp_path: Path, content: str | None, message: str) -> None:
    recipe = tmp_path / "recipe.toml"
    if content is not None:
        recipe.write_text(content)
    with pytest.raises(ConfigError, match=message):
        pretrain(recipe, tmp_path, tmp_path / "new")


def test_an_output_that_can_never_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file is not a folder"):
        pretrain(tmp_path / "recipe.toml", tmp_path, tmp_path / "file" / "new")

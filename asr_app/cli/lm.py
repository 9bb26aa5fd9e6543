"""`asr lm`: language models and lexicons."""

import lzma
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr_app.cli import lm_train
from asr_app.cli.messages import check_output_file, explained
from asr_app.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from decoder.arpa import BackoffModel

_UNREADABLE = (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError)
"""What a wrong recipe, missing file or damaged archive brings about."""

app = typer.Typer(help="Language models: word n-grams, and networks for the second pass.", no_args_is_help=True)
app.command("train")(lm_train.train)


@app.command()
def build(
    texts: Annotated[
        list[Path], typer.Argument(help="Your own texts (.txt, .md), or one recipe (.toml).", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", help="The model to write: ARPA of texts, binary of a recipe.")],
    data: Annotated[Path | None, typer.Option("--data", help="Folder of the texts that a recipe names.")] = None,
    tools: Annotated[
        Path | None, typer.Option("--tools", help="Folder of lmplz and build_binary (scripts/build-kenlm).")
    ] = None,
) -> None:
    """Build an n-gram language model from your own texts, or from a recipe."""
    is_recipe = any(path.suffix == ".toml" for path in texts)
    if is_recipe != (data is not None) or (is_recipe and len(texts) > 1):
        raise ConfigError("one recipe (.toml) needs --data FOLDER, texts need no --data: give the one or the other")
    _check_not_read(output, texts)
    check_output_file(output)
    try:
        typer.echo(_from_texts(texts, output, tools) if data is None else _from_recipe(texts[0], data, output, tools))
    except _UNREADABLE as error:
        raise ConfigError(explained(error)) from error


def _check_not_read(output: Path, files: list[Path]) -> None:
    """ConfigError where the result would take the place of what it is made from."""
    if output.resolve() in (file.resolve() for file in files):
        raise ConfigError(f"{output} would be overwritten, it is what is read: name another --output")


def _from_texts(texts: list[Path], output: Path, tools: Path | None) -> str:
    from decoder.personal_lm import build_personal_model, describe

    return describe(build_personal_model(texts, output, tools))


def _from_recipe(recipe: Path, data: Path, output: Path, tools: Path | None) -> str:
    from decoder.lm_build import build_language_model, describe

    return describe(build_language_model(recipe, data, output, tools, lambda line: typer.echo(line, err=True)))


@app.command()
def info(
    model: Annotated[Path, typer.Argument(help="A language model, ARPA or KenLM binary.", show_default=False)],
    text: Annotated[
        list[Path] | None, typer.Option("--text", help="Text to measure perplexity and unknown words on.")
    ] = None,
) -> None:
    """What a language model holds, and how well it predicts a text."""
    from decoder.lm import NgramLM
    from decoder.lm_info import describe, inspect
    from decoder.notes import read_sentences
    from decoder.perplexity import measure

    try:
        lm, held = NgramLM(model), inspect(model)
    except (OSError, ValueError) as error:
        raise CheckpointError(explained(error)) from error
    typer.echo(describe(held))
    for path in text or ():
        try:
            measured = measure(lm, filter(None, read_sentences(path)))
        except (OSError, ValueError) as error:
            raise ConfigError(explained(error)) from error
        if not measured.words:
            raise ConfigError(f"{path}: no words that can be read: give another text")
        share = f"{measured.unknown_percent:.2f} % of {measured.words} words unknown"
        typer.echo(f"{path}: perplexity {measured.perplexity:.1f}, {share}")


@app.command()
def prune(
    model: Annotated[Path, typer.Argument(help="An ARPA file.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", help="The ARPA file to write.")],
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Drop n-grams that change the perplexity less, such as 1e-8.")
    ] = None,
    size: Annotated[float | None, typer.Option("--size", help="Megabytes that the result may have.")] = None,
) -> None:
    """Make a language model smaller by leaving out what matters least."""
    _check_not_read(output, [model])
    check_output_file(output)

    from decoder.arpa import read_arpa, write_arpa
    from decoder.lm_prune import prune_to_size, prune_to_threshold

    try:
        whole = read_arpa(model)
        if threshold is not None and size is None:
            pruned = prune_to_threshold(whole, threshold)
        elif size is not None and threshold is None:
            pruned = prune_to_size(whole, size * 1e6)
        else:
            raise ValueError("asr lm prune: give either --threshold or --size")
        output.parent.mkdir(parents=True, exist_ok=True)
        write_arpa(pruned, output)
    except (OSError, ValueError) as error:
        raise ConfigError(explained(error)) from error
    typer.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB, {_ngrams(pruned)} of {_ngrams(whole)} n-grams")


def _ngrams(model: "BackoffModel") -> int:
    return sum(map(len, model.orders))


@app.command()
def lexicon(
    words: Annotated[Path, typer.Argument(help="Words, the first of each line; plain or gz.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", help="The lexicon to write, .txt.gz.")],
) -> None:
    """Pronounce a list of words by espeak-ng, for a model with phonemes."""
    _check_not_read(output, [words])
    check_output_file(output)

    from models.recipes.data.lexicon import write_lexicon

    try:
        kept, dropped = write_lexicon(words, output)
    except _UNREADABLE as error:
        raise ConfigError(explained(error)) from error
    typer.echo(f"{kept} words, {dropped} that cannot be pronounced left out")

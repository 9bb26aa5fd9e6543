"""Building a word n-gram model from a recipe: text, vocabulary, estimate, quantised trie, perplexity.

The estimate is interpolated modified Kneser-Ney (Heafield et al. 2013), done by KenLM's executables.
"""

import gzip
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from decoder.arpa import read_arpa, write_arpa
from decoder.lm import NgramLM
from decoder.lm_mix import mix
from decoder.lm_prune import prune_to_count
from decoder.lm_recipe import BinaryOptions, EstimateOptions, Recipe, load_recipe
from decoder.lm_text import (
    Progress,
    SourceText,
    choose_vocabulary,
    exclusion,
    read_sources,
    transcripts,
    write_training,
)
from decoder.perplexity import Perplexity, measure

WORDS_FILE = "words.txt.gz"
"""The vocabulary beside the binary: `word<TAB>count` lines, commonest first."""


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What became of the sentences of one source."""

    name: str
    sentences: int
    words: int
    unreadable: int
    excluded: int


@dataclass(frozen=True, slots=True)
class LanguageModelBuild:
    """A built model and what is known of it."""

    output: Path
    size_bytes: int
    vocabulary: int
    sources: tuple[SourceCount, ...]
    held_back: Mapping[str, Perplexity] = field(default_factory=dict)
    evaluated: Mapping[str, Perplexity] = field(default_factory=dict)


def find_tool(name: str, folder: Path | None) -> Path | None:
    """One of KenLM's executables, in a folder or on the PATH; None where it is not there."""
    found = shutil.which(name, path=None if folder is None else str(folder))
    return None if found is None else Path(found)


def find_tools(folder: Path | None) -> tuple[Path, Path]:
    """lmplz and build_binary, in a folder or on the PATH; FileNotFoundError says how to get them."""
    lmplz, build_binary = find_tool("lmplz", folder), find_tool("build_binary", folder)
    if lmplz is None or build_binary is None:
        where = f"in {folder}" if folder else "on the PATH"
        raise FileNotFoundError(
            f"KenLM's lmplz and build_binary are not {where}; "
            "build them with `scripts/build-kenlm FOLDER` and name that folder (--tools FOLDER)"
        )
    return lmplz, build_binary


def _run(command: Sequence[str], stdin: Path | None = None) -> None:
    """Run a KenLM executable; OSError with the last line it printed if it fails."""
    with (stdin or Path("/dev/null")).open("rb") as source:
        done = subprocess.run(command, stdin=source, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no message"]
        raise OSError(f"{Path(command[0]).name} failed ({done.returncode}): {said[-1]}")


def estimate_arpa(lmplz: Path, corpus: Path, vocabulary: Path | None, arpa: Path, options: EstimateOptions) -> None:
    """Estimate a back-off model, over the words of a file where one is given; OSError if lmplz fails."""
    prune = [str(cut) for cut in options.prune] or ["0"]
    command = [str(lmplz), "-o", str(options.order), "-S", options.memory, "-T", str(arpa.parent)]
    # Small or repeated text lacks the singletons that Kneser-Ney discounts are estimated from.
    command += ["--discount_fallback", "--prune", *prune, "--arpa", str(arpa)]
    if vocabulary is not None:
        command += ["--limit_vocab_file", str(vocabulary)]
    _run(command, stdin=corpus)


def write_binary(build_binary: Path, arpa: Path, output: Path, options: BinaryOptions) -> None:
    """Turn an ARPA file into KenLM's quantised trie, written apart and renamed; OSError if that fails."""
    part = output.with_name(f"{output.name}.part")
    bits = [
        "-q",
        str(options.probability_bits),
        "-b",
        str(options.backoff_bits),
        "-a",
        str(options.pointer_bits),
    ]
    try:
        _run([str(build_binary), *bits, "trie", str(arpa), str(part)])
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def write_words(vocabulary: Mapping[str, int], path: Path) -> None:
    """The vocabulary as `word<TAB>count` lines, gzip; the same bytes for the same words."""
    lines = "".join(f"{word}\t{count}\n" for word, count in vocabulary.items())
    path.write_bytes(gzip.compress(lines.encode("ascii"), mtime=0))


def _measure_held_back(model: NgramLM, texts: Sequence[SourceText]) -> dict[str, Perplexity]:
    lines = {text.name: text.held_back.read_text().splitlines() for text in texts}
    results = {name: measure(model, sentences) for name, sentences in lines.items() if sentences}
    return results | {"all": measure(model, (line for part in lines.values() for line in part))}


def _measure_manifests(model: NgramLM, recipe: Recipe, data_folder: Path) -> dict[str, Perplexity]:
    results = {}
    for pattern in recipe.evaluate.manifests:
        sentences = list(transcripts(data_folder, pattern, [recipe.evaluate.split]))
        results[Path(pattern).parent.name or pattern] = measure(model, sentences)
    return results


def _joined(recipe: Recipe, arpas: Sequence[Path], output: Path, progress: Progress) -> Path:
    """The ARPA file of all models of a recipe, mixed and pruned as it says."""
    if len(arpas) == 1 and not recipe.estimate.ngrams:
        return arpas[0]
    progress("mixing and pruning")
    model = mix([read_arpa(arpa) for arpa in arpas], [model.share for model in recipe.models])
    write_arpa(prune_to_count(model, recipe.estimate.ngrams) if recipe.estimate.ngrams else model, output)
    return output


def _build(
    recipe: Recipe, data_folder: Path, output: Path, work: Path, tools: Path | None, progress: Progress
) -> LanguageModelBuild:
    lmplz, build_binary = find_tools(tools)
    kept_out = exclusion(recipe.exclude, data_folder)
    texts = read_sources(recipe, data_folder, work, kept_out, progress)
    vocabulary = choose_vocabulary(texts, recipe)
    words, corpus = work / "vocabulary.txt", work / "corpus.txt"
    words.write_text("\n".join(vocabulary) + "\n")
    arpas: list[Path] = []
    for part in recipe.models:
        arpa = work / f"model-{len(arpas)}.arpa"
        own = [text for text in texts if text.model == part.name]
        write_training(own, recipe, vocabulary, kept_out, corpus)
        progress(f"estimating a {recipe.estimate.order}-gram of {len(vocabulary)} words {part.name}".rstrip())
        options = replace(recipe.estimate, prune=part.prune) if part.prune else recipe.estimate
        estimate_arpa(lmplz, corpus, words, arpa, options)
        arpas.append(arpa)
    arpa = _joined(recipe, arpas, work / "model.arpa", progress)
    progress(f"writing {output}")
    output.parent.mkdir(parents=True, exist_ok=True)
    write_binary(build_binary, arpa, output, recipe.binary)
    write_words(vocabulary, output.with_name(WORDS_FILE))
    progress("measuring perplexity")
    model = NgramLM(output)
    counts = (
        SourceCount(text.name, text.sentences, text.counts.total(), text.unreadable, text.excluded) for text in texts
    )
    return LanguageModelBuild(
        output=output,
        size_bytes=output.stat().st_size,
        vocabulary=len(vocabulary),
        sources=tuple(counts),
        held_back=_measure_held_back(model, texts),
        evaluated=_measure_manifests(model, recipe, data_folder),
    )


def build_language_model(
    recipe_path: Path,
    data_folder: Path,
    output: Path,
    tools: Path | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> LanguageModelBuild:
    """Build a language model and the list of its words (WORDS_FILE, in the same folder).

    recipe_path: a TOML recipe (decoder.lm_recipe); its paths are relative to data_folder.
    tools: the folder of lmplz and build_binary; without it they are looked for on the PATH.
    progress: called with a line of text at the start of each step.
    Raises ValueError for a wrong recipe, OSError for missing files or tools and for a failed tool.
    """
    recipe = load_recipe(recipe_path)
    with tempfile.TemporaryDirectory(prefix="asr-lm-") as work:
        return _build(recipe, data_folder, output, Path(work), tools, progress)


def describe(build: LanguageModelBuild) -> str:
    """The figures of a build as tables of plain text."""
    lines = [f"{build.output}: {build.size_bytes / 1e6:.1f} MB, {build.vocabulary} words", ""]
    lines.append(f"{'source':32} {'sentences':>10} {'words':>10} {'unreadable':>10} {'excluded':>8}")
    for source in build.sources:
        lines.append(
            f"{source.name:32} {source.sentences:10} {source.words:10} {source.unreadable:10} {source.excluded:8}"
        )
    for title, table in (("held-back text", build.held_back), ("transcripts", build.evaluated)):
        lines += ["", f"{title:32} {'sentences':>10} {'words':>10} {'unknown %':>10} {'perplexity':>10}"]
        for name, value in table.items():
            lines.append(
                f"{name:32} {value.sentences:10} {value.words:10}"
                f" {value.unknown_percent:10.2f} {value.perplexity:10.1f}"
            )
    return "\n".join(lines)

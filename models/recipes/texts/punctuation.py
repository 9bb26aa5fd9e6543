"""Training of the tagger: its encoder learns to guess hidden words, then all of it the labels of words."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.recipes.commands import command
from models.recipes.recipe import Optimisation, read_sections
from models.recipes.texts.label_scores import Counts, count_labels, macro_f1
from models.recipes.texts.mark_biases import Judged, best_biases
from models.recipes.texts.tagger_data import Corpus, Ints, TagBatch, TagBatches, prepare
from models.recipes.texts.tagger_depth import deepened
from models.recipes.texts.text_training import TextRun
from models.tagger import (
    HEADS,
    LOOK_AHEAD,
    MASK,
    PADDING,
    UNKNOWN,
    TaggerConfig,
    TaggerEncoder,
    TaggerNetwork,
    Vocabulary,
    WordTagger,
    load_tagger,
    save_tagger,
)

MODEL, TEXT, PRETRAINING, TRAINING = "model", "text", "pretraining", "training"
"""In the folder of a run: the model so far, the text, and the state and log of each of the two parts."""

_HIDDEN = 0.15
_SHORTEST = 400
"""Words of a piece of held-back text but the last: whole sentences until there are as many.

Few words are then near an end, where the network knows by their place that a sentence is over.
"""


@dataclass(frozen=True, slots=True)
class PunctuationRecipe:
    """Everything that decides what a run makes.

    sources: training words of each text. held_back: words of each for dev, and for test. groups: sources that are
    scored together. words: size of the vocabulary. batch_words: words a batch. weights: factors of the heads' losses.
    """

    name: str
    sources: dict[str, int]
    groups: dict[str, list[str]]
    seed: int = 1
    held_back: int = 20_000
    words: int = 12_000
    batch_words: int = 3200
    weights: dict[str, float] = field(default_factory=lambda: dict.fromkeys(HEADS, 1.0))
    network: TaggerConfig = field(default_factory=TaggerConfig)
    pretraining: Optimisation = field(default_factory=Optimisation)
    optimisation: Optimisation = field(default_factory=Optimisation)
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.weights) != set(HEADS):
            raise ValueError(f"weights must name the heads {', '.join(HEADS)}, not {', '.join(self.weights)}")
        for source in {source for group in self.groups.values() for source in group}:
            if source not in self.sources:
                raise ValueError(f"groups name {source!r}, which is none of the sources")

    def settings(self) -> dict[str, Any]:
        """What a state cannot be separated from, besides how it is optimised."""
        kept = asdict(self)
        for name in ("pretraining", "optimisation", "provenance", "groups"):
            del kept[name]
        return kept


def read_punctuation_recipe(path: Path) -> PunctuationRecipe:
    """A recipe file; ValueError names a key that it does not know or lacks."""
    sections = {"network": TaggerConfig, "pretraining": Optimisation, "optimisation": Optimisation}
    return read_sections(path, PunctuationRecipe, sections)


class MaskedWords(nn.Module):
    """BERT's masked language model (Devlin et al., 2019, section 3.1): hidden words are guessed from the others."""

    def __init__(self, encoder: TaggerEncoder, known: int) -> None:
        super().__init__()
        self.encoder, self.known = encoder, known
        self.contract = nn.Linear(encoder.config.dim, encoder.config.embedding)
        self.bias = nn.Parameter(torch.zeros(known))

    def loss(self, words: Tensor, random: np.random.Generator, look_ahead: int | None) -> Tensor:
        """Rows (B, T, FEATURES) -> mean negative log-likelihood, in nats, of the words that random hides.

        Of them 8 in 10 are MASK to the network, 1 in 10 another word, 1 in 10 themselves.
        """
        numbers = words[..., 0]
        fate = torch.from_numpy(random.random(numbers.shape))
        hidden = (fate < _HIDDEN) & (numbers > UNKNOWN)
        seen = words.clone()
        seen[hidden & (fate < 0.8 * _HIDDEN)] = torch.tensor([MASK, PADDING, PADDING, PADDING])
        swapped = hidden & (fate >= 0.9 * _HIDDEN)
        others = words[numbers > UNKNOWN]
        seen[swapped] = others[torch.from_numpy(random.integers(len(others), size=int(swapped.sum())))]
        vectors = functional.gelu(self.contract(self.encoder(seen, look_ahead)[hidden]))  # (N, E)
        logits = functional.linear(vectors, self.encoder.embedding.weight[: self.known], self.bias)
        return functional.cross_entropy(logits, numbers[hidden])


class PunctuationTrainer:
    """A run of a recipe in a folder.

    start: a tagger whose vocabulary and weights the run begins with, in place of the pre-training.
    """

    def __init__(
        self, recipe: PunctuationRecipe, corpus: Corpus, output: Path, start: WordTagger | None = None
    ) -> None:
        self.recipe, self.corpus, self.output = recipe, corpus, output
        self._start = start
        self._settings = recipe.settings() | ({"start": start.provenance} if start else {})
        self.vocabulary = start.vocabulary if start else vocabulary_of(corpus, recipe)
        self.batches = TagBatches(corpus, self.vocabulary, recipe.batch_words, recipe.seed)

    def run(self) -> None:
        """To the end, then the model; what is done already is not done again."""
        torch.manual_seed(self.recipe.seed)
        network = self._begun()
        run = TextRun(network, self.recipe.optimisation, self._settings, self.output / TRAINING)
        run.run(lambda step: self._losses(network, step), lambda: self._look(run))

    def _begun(self) -> TaggerNetwork:
        if self._start:
            return deepened(unbiased(self._start), self.recipe.network)
        network = TaggerNetwork(self.recipe.network, self.vocabulary.size)
        network.encoder.load_state_dict(self._pretrained())
        return network

    def _pretrained(self) -> dict[str, Tensor]:
        """The weights of an encoder that has learnt to guess hidden words."""
        encoder = TaggerEncoder(self.recipe.network, self.vocabulary.size)
        masked = MaskedWords(encoder, self.vocabulary.known)
        run = TextRun(masked, self.recipe.pretraining, self._settings, self.output / PRETRAINING)
        run.run(lambda step: self._masked_loss(masked, step), dict)
        weights = run.average.items()
        return {name.removeprefix("encoder."): value for name, value in weights if name.startswith("encoder.")}

    def _masked_loss(self, masked: MaskedWords, step: int) -> Mapping[str, Tensor]:
        random = np.random.default_rng([self.recipe.seed, 2, step])
        return {"masked": masked.loss(self.batches.of_step(step).words, random, look_ahead_of(step))}

    def _losses(self, network: TaggerNetwork, step: int) -> Mapping[str, Tensor]:
        batch = self.batches.of_step(self.recipe.pretraining.steps + step)
        losses = label_losses(network(batch.words, look_ahead_of(step)), batch)
        return {name: self.recipe.weights[name] * loss for name, loss in losses.items()}

    def _look(self, run: TextRun) -> dict[str, float]:
        """Write the model so far, with the biases of its marks that dev wants; its scores there."""
        save_tagger(self.output / MODEL, self._tagger(run))
        tagger = load_tagger(self.output / MODEL)
        judged = {
            f"{name}{kind}": judge(tagger, self.corpus, "dev", sources, ahead)
            for name, sources in self.recipe.groups.items()
            for kind, ahead in (("", None), (" live", LOOK_AHEAD))
        }
        biases = best_biases([heads["mark"] for heads in judged.values()])
        save_tagger(self.output / MODEL, with_biases(tagger, biases))
        figures: dict[str, float] = {}
        for name, heads in judged.items():
            scores = summary(counts_of({**heads, "mark": heads["mark"].biased(biases)}))
            figures |= {f"{name} {label}": value for label, value in scores.items()}
        return figures

    def _tagger(self, run: TextRun) -> WordTagger:
        """The averaged weights so far."""
        network = TaggerNetwork(self.recipe.network, self.vocabulary.size)
        network.load_state_dict(run.average)
        began: dict[str, Any] = {"pretraining_steps": self.recipe.pretraining.steps}
        if self._start:
            began = {"start": self._start.provenance}
        provenance = {"recipe": self.recipe.name, "seed": self.recipe.seed, "steps": run.step, **began}
        return WordTagger(self.recipe.network, self.vocabulary, network, provenance | self.recipe.provenance)


def look_ahead_of(step: int) -> int | None:
    """Every other batch is learnt as live text has it."""
    return LOOK_AHEAD if step % 2 else None


def label_losses(logits: Mapping[str, Tensor], batch: TagBatch) -> dict[str, Tensor]:
    """Mean negative log-likelihood of each head's labels, in nats."""
    return {
        name: functional.cross_entropy(logits[name].flatten(0, 1), batch.labels[..., place].flatten())
        for place, name in enumerate(HEADS)
    }


def vocabulary_of(corpus: Corpus, recipe: PunctuationRecipe) -> Vocabulary:
    """The commonest words of a corpus; every digit is a zero."""
    stream = corpus.stream("train")
    counts = np.bincount(stream.words, minlength=len(corpus.words))
    folded: Counter[str] = Counter()
    for word, count in zip(corpus.words, counts.tolist(), strict=True):
        folded["".join("0" if character.isdigit() else character for character in word.lower())] += count
    return Vocabulary([word for word, _ in folded.most_common(recipe.words)], recipe.network.affixes)


def held_back_pieces(corpus: Corpus, split: str, sources: list[str]) -> Iterator[tuple[list[str], Ints]]:
    """Whole sentences in a row, so many words of them: the words, and their labels (T, 3)."""
    for source in sources:
        stream = corpus.streams[f"{split}/{source}"]
        begin = 0
        for end in [*stream.starts[1:].tolist(), len(stream.words)]:
            if end - begin >= _SHORTEST or end == len(stream.words):
                yield [corpus.words[number] for number in stream.words[begin:end]], stream.labels[begin:end]
                begin = end


def judge(
    tagger: WordTagger, corpus: Corpus, split: str, sources: list[str], look_ahead: int | None
) -> dict[str, Judged]:
    """What a tagger says on a split of some sources, by head."""
    pieces = [
        (tagger.log_probs(words, look_ahead), labels) for words, labels in held_back_pieces(corpus, split, sources)
    ]
    return {
        name: Judged(
            np.concatenate([log_probs[name].numpy() for log_probs, _ in pieces]),
            np.concatenate([labels[:, place] for _, labels in pieces]),
        )
        for place, name in enumerate(HEADS)
    }


def counts_of(judged: Mapping[str, Judged]) -> dict[str, dict[str, Counts]]:
    """The counts of every label of every head."""
    return {
        name: count_labels(*([HEADS[name][one] for one in labels.tolist()] for labels in (heads.wanted, heads.found)))
        for name, heads in judged.items()
    }


def with_biases(tagger: WordTagger, biases: npt.NDArray[np.float32]) -> WordTagger:
    """A tagger whose marks are as much likelier, as its provenance says."""
    network = deepcopy(tagger.network)
    network.get_parameter("heads.mark.bias").add_(torch.from_numpy(biases))
    exact = [round(bias, 1) for bias in biases.tolist()]
    return replace(tagger, network=network, provenance={**tagger.provenance, "mark_biases": exact})


def unbiased(tagger: WordTagger) -> WordTagger:
    """A tagger without the biases that its provenance tells of."""
    biases = tagger.provenance.get("mark_biases", [0.0])
    return with_biases(tagger, -np.array(biases, np.float32))


def summary(counts: Mapping[str, Mapping[str, Counts]]) -> dict[str, float]:
    """F1 of the marks and their mean, of capitals, and of spans by their words."""
    marks = {"comma": ",", "full stop": ".", "question mark": "?"}
    figures = {name: counts["mark"].get(mark, Counts()).f1 for name, mark in marks.items()}
    figures["macro"] = macro_f1(counts["mark"], marks.values())
    figures["capital"] = counts["case"].get("capital", Counts()).f1
    figures["span"] = counts["span"].get("begins", Counts()).f1
    return figures


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@command
def main() -> None:
    """Command line: `python -m models.recipes.texts.punctuation RECIPE --texts FOLDER --lexicon FILE --output RUN`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--texts", type=Path, required=True, help="folder of the .txt.xz files")
    parser.add_argument("--lexicon", type=Path, required=True, help="pronunciations, for the simulated errors")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run; a stopped run goes on")
    parser.add_argument("--start", type=Path, help="folder of a tagger whose words and weights the run begins with")
    arguments = parser.parse_args()
    recipe = read_punctuation_recipe(arguments.recipe)
    start = load_tagger(arguments.start) if arguments.start else None
    corpus = prepare(
        recipe.sources, recipe.held_back, arguments.texts, arguments.lexicon, arguments.output / TEXT, _say
    )
    PunctuationTrainer(recipe, corpus, arguments.output, start).run()


if __name__ == "__main__":
    main()

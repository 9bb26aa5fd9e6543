"""Training of the tagger: its encoder learns to guess hidden words, then all of it the labels of words."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.recipes.label_scores import Counts, count_labels, macro_f1
from models.recipes.recipe import Optimisation, read_sections
from models.recipes.tagger_data import Corpus, Ints, TagBatch, TagBatches, prepare
from models.recipes.text_training import TextRun
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
"""Words of a piece of held-back text: whole sentences until there are as many.

Few words are then near an end, where the network knows by their place that a sentence is over.
"""
_LISTS = frozenset({"tatoeba-eng"})
"""Sentences in the order of their lengths, which would tell where they end: they are scored in another order."""


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
    """A run of a recipe in a folder."""

    def __init__(self, recipe: PunctuationRecipe, corpus: Corpus, output: Path) -> None:
        self.recipe, self.corpus, self.output = recipe, corpus, output
        self.vocabulary = vocabulary_of(corpus, recipe)
        self.batches = TagBatches(corpus, self.vocabulary, recipe.batch_words, recipe.seed)

    def run(self) -> None:
        """Both parts to their ends, then the model; what is done already is not done again."""
        torch.manual_seed(self.recipe.seed)
        encoder = TaggerEncoder(self.recipe.network, self.vocabulary.size)
        masked = MaskedWords(encoder, self.vocabulary.known)
        settings = self.recipe.settings()
        before = TextRun(masked, self.recipe.pretraining, settings, self.output / PRETRAINING)
        before.run(lambda step: self._masked_loss(masked, step), dict)
        network = TaggerNetwork(self.recipe.network, self.vocabulary.size)
        learnt = {name: value for name, value in before.average.items() if name.startswith("encoder.")}
        network.load_state_dict(learnt, strict=False)
        run = TextRun(network, self.recipe.optimisation, settings, self.output / TRAINING)
        run.run(lambda step: self._losses(network, step), lambda: self._look(run))

    def _masked_loss(self, masked: MaskedWords, step: int) -> Mapping[str, Tensor]:
        random = np.random.default_rng([self.recipe.seed, 2, step])
        return {"masked": masked.loss(self.batches.of_step(step).words, random, look_ahead_of(step))}

    def _losses(self, network: TaggerNetwork, step: int) -> Mapping[str, Tensor]:
        batch = self.batches.of_step(self.recipe.pretraining.steps + step)
        losses = label_losses(network(batch.words, look_ahead_of(step)), batch)
        return {name: self.recipe.weights[name] * loss for name, loss in losses.items()}

    def _look(self, run: TextRun) -> dict[str, float]:
        """Write the model so far; its scores on dev."""
        network = TaggerNetwork(self.recipe.network, self.vocabulary.size)
        network.load_state_dict(run.average)
        provenance = {"recipe": self.recipe.name, "seed": self.recipe.seed, "steps": run.step}
        provenance |= {"pretraining_steps": self.recipe.pretraining.steps, **self.recipe.provenance}
        tagger = WordTagger(self.recipe.network, self.vocabulary, network, provenance)
        save_tagger(self.output / MODEL, tagger)
        tagger = load_tagger(self.output / MODEL)
        figures: dict[str, float] = {}
        for name, sources in self.recipe.groups.items():
            for kind, ahead in (("", None), (" live", LOOK_AHEAD)):
                scores = summary(score(tagger, self.corpus, "dev", sources, ahead))
                figures |= {f"{name}{kind} {label}": value for label, value in scores.items()}
        return figures


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
        sentences = np.split(np.arange(len(stream.words)), stream.starts[1:])
        if source in _LISTS:
            np.random.default_rng(0).shuffle(sentences)
        places: list[int] = []
        for sentence in sentences:
            places += sentence.tolist()
            if len(places) >= _SHORTEST:
                yield [corpus.words[number] for number in stream.words[places]], stream.labels[places]
                places = []


def score(
    tagger: WordTagger, corpus: Corpus, split: str, sources: list[str], look_ahead: int | None
) -> dict[str, dict[str, Counts]]:
    """The counts of every label of every head on a split of some sources."""
    counts: dict[str, dict[str, Counts]] = {name: {} for name in HEADS}
    for words, labels in held_back_pieces(corpus, split, sources):
        for place, (name, log_probs) in enumerate(tagger.log_probs(words, look_ahead).items()):
            names = HEADS[name]
            wanted = [names[number] for number in labels[:, place]]
            found = [names[number] for number in log_probs.argmax(-1).tolist()]
            for label, more in count_labels(wanted, found).items():
                counts[name][label] = counts[name].get(label, Counts()) + more
    return counts


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


def main() -> None:
    """Command line: `python -m models.recipes.punctuation RECIPE --texts FOLDER --lexicon FILE --output RUN`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--texts", type=Path, required=True, help="folder of the .txt.xz files")
    parser.add_argument("--lexicon", type=Path, required=True, help="pronunciations, for the simulated errors")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run; a stopped run goes on")
    arguments = parser.parse_args()
    recipe = read_punctuation_recipe(arguments.recipe)
    corpus = prepare(
        recipe.sources, recipe.held_back, arguments.texts, arguments.lexicon, arguments.output / TEXT, _say
    )
    PunctuationTrainer(recipe, corpus, arguments.output).run()
    for name, sources in recipe.groups.items():
        scores = summary(score(load_tagger(arguments.output / MODEL), corpus, "test", sources, None))
        sys.stdout.write(json.dumps({name: scores}) + "\n")


if __name__ == "__main__":
    main()

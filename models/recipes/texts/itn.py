"""Training of the span writer on pairs of spoken and written expressions, made and found."""

import argparse
import random
import sys
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import ascii_letters, digits
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from models.recipes.commands import command
from models.recipes.recipe import Optimisation, read_sections
from models.recipes.texts.itn_pairs import Pair, found_spans, made, proteno
from models.recipes.texts.text_training import TextRun
from models.seq2seq import END, Seq2seq, Seq2seqConfig
from models.span_writer import Alphabets, SpanWriter, load_span_writer, save_span_writer

MODEL = "model"
CHARACTERS = ascii_letters + digits + " .,:;$£€%@_-+/°²³'#&"

IGNORED = -100
_SCORED = 200
"""Expressions of each kind that are scored on the way."""


@dataclass(frozen=True, slots=True)
class ItnRecipe:
    """Everything that decides what a run makes.

    made: share of a batch that is made, the rest is found in texts. held_back: share of the found expressions that
    are only scored. commonest: how many times an expression of the texts is counted at most. words: how many words
    have symbols of their own.
    """

    name: str
    seed: int = 1
    batch: int = 96
    made: float = 0.7
    held_back: float = 0.05
    commonest: int = 20
    words: int = 300
    network: Seq2seqConfig = field(default_factory=Seq2seqConfig)
    optimisation: Optimisation = field(default_factory=Optimisation)
    provenance: dict[str, Any] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """What a state cannot be separated from, besides how it is optimised."""
        kept = asdict(self)
        del kept["optimisation"], kept["provenance"]
        return kept


def read_itn_recipe(path: Path) -> ItnRecipe:
    """A recipe file; ValueError names a key that it does not know or lacks."""
    return read_sections(path, ItnRecipe, {"network": Seq2seqConfig, "optimisation": Optimisation})


Example = tuple[list[int], list[int]]
"""Symbols that are read, symbols that are to be written."""


def alphabets_of(pairs: Sequence[Pair], words: int) -> Alphabets:
    """The commonest spoken words of some pairs and of as many that are made."""
    choice = random.Random(1)
    spoken = [pair[0] for pair in pairs] + [made(choice)[0] for _ in pairs]
    counts = Counter(word for span in spoken for word in span.split() if len(word) > 1 and word.isalpha())
    return Alphabets([word for word, _ in counts.most_common(words)], CHARACTERS)


def example(alphabets: Alphabets, pair: Pair) -> Example | None:
    """A pair as symbols; None where the model cannot read or write it."""
    source, target = alphabets.read(pair[0]), alphabets.write(pair[1])
    return None if source is None or target is None else (source, target)


def is_held_back(spoken: str, share: float) -> bool:
    """Whether an expression is only scored; it does not depend on the other ones."""
    return zlib.crc32(spoken.encode()) < share * 2**32


class Pairs:
    """Training pairs of a recipe; which ones a step has depends on the seed alone."""

    def __init__(self, recipe: ItnRecipe, found: Sequence[tuple[str, str, int]]) -> None:
        self._recipe = recipe
        learnt = [one for one in found if not is_held_back(one[0], recipe.held_back)]
        if not learnt:
            raise ValueError("there are no written expressions to train on")
        self.alphabets = alphabets_of([(spoken, written) for spoken, written, _ in learnt], recipe.words)
        self.held_back = [(one[0], one[1]) for one in found if is_held_back(one[0], recipe.held_back)]
        self._pairs = [(spoken, written) for spoken, written, _ in learnt]
        self._weights = [min(count, recipe.commonest) for _, _, count in learnt]

    def of_step(self, step: int) -> list[Example]:
        """The examples of a step."""
        choice = random.Random(f"{self._recipe.seed} {step}")
        number = round(self._recipe.batch * self._recipe.made)
        pairs = [made(choice) for _ in range(number)]
        pairs += choice.choices(self._pairs, self._weights, k=self._recipe.batch - number)
        return [one for pair in pairs if (one := example(self.alphabets, pair))]


def losses(network: Seq2seq, examples: Sequence[Example]) -> dict[str, Tensor]:
    """Mean negative log-likelihood of a written character, in nats."""
    sources = [torch.tensor(source) for source, _ in examples]
    targets = [torch.tensor([END, *target, END]) for _, target in examples]
    mask = pad_sequence([torch.ones(len(source), dtype=torch.bool) for source in sources], True)
    padded = pad_sequence(targets, True, IGNORED)
    # what follows padding is padding and not counted
    logits = network(pad_sequence(sources, True), mask, padded[:, :-1].clamp_min(END))
    loss = functional.cross_entropy(logits.flatten(0, 1), padded[:, 1:].flatten(), ignore_index=IGNORED)
    return {"characters": loss}


def exact(writer: SpanWriter, pairs: Sequence[Pair], beam: int = 1) -> float:
    """The share of pairs that are written as they are to be."""
    right = 0
    for spoken, written in pairs:
        outputs = writer.search(spoken, beam)
        right += bool(outputs) and writer.alphabets.text(outputs[0].symbols) == written
    return right / max(1, len(pairs))


class ItnTrainer:
    """A run of a recipe in a folder."""

    def __init__(self, recipe: ItnRecipe, found: Sequence[tuple[str, str, int]], output: Path) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.output = recipe, output
        self.pairs = Pairs(recipe, found)
        self.network = self._new()
        self.loop = TextRun(self.network, recipe.optimisation, recipe.settings(), output)

    def _new(self) -> Seq2seq:
        alphabets = self.pairs.alphabets
        return Seq2seq(self.recipe.network, alphabets.sources, alphabets.targets)

    def run(self) -> None:
        """Train to the last step and write the model."""
        self.loop.run(lambda step: losses(self.network, self.pairs.of_step(step)), self._look)

    def _look(self) -> Mapping[str, float]:
        network = self._new()
        network.load_state_dict(self.loop.average)
        provenance = {"recipe": self.recipe.name, "seed": self.recipe.seed, "steps": self.loop.step}
        provenance |= self.recipe.provenance
        folder = self.output / MODEL
        save_span_writer(folder, SpanWriter(self.recipe.network, self.pairs.alphabets, network, provenance))
        writer = load_span_writer(folder)
        choice = random.Random("dev")
        new = [made(choice) for _ in range(_SCORED)]
        return {"exact found": exact(writer, self.pairs.held_back[:_SCORED]), "exact made": exact(writer, new)}


@command
def main() -> None:
    """Command line: `python -m models.recipes.texts.itn RECIPE --spans FILE --proteno FILE --output RUN`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--spans", type=Path, required=True, help="spans.jsonl of the tagger's text")
    parser.add_argument("--proteno", type=Path, required=True, help="aligned sentences, .jsonl.gz")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run; a stopped run goes on")
    arguments = parser.parse_args()
    found = [*found_spans(arguments.spans), *((*pair, 1) for pair in proteno(arguments.proteno))]
    trainer = ItnTrainer(read_itn_recipe(arguments.recipe), found, arguments.output)
    sys.stderr.write(f"{len(found)} expressions found, {len(trainer.pairs.held_back)} held back\n")
    trainer.run()


if __name__ == "__main__":
    main()

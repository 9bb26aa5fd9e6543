"""Training of the spelling-to-sound network on a lexicon; one process, one thread, some minutes."""

import argparse
import json
import math
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from string import ascii_lowercase

import torch
from torch import Tensor, nn
from torch.nn import functional

from decoder.metrics import ErrorCounts, align
from models.g2p import END, G2p, G2pConfig, G2pNetwork, Pronunciation, build_network, load_g2p, read_lexicon, save_g2p
from models.recipes.commands import command
from models.recipes.data.phonemes import PHONEMES
from models.recipes.loop.average import Average
from models.recipes.recipe import read_sections

LETTERS = ascii_lowercase + "'"

IGNORED = -100
"""The label that pads a target; cross_entropy leaves it out."""

Lexicon = Mapping[str, tuple[Pronunciation, ...]]
Batch = tuple[Tensor, Tensor]
"""Words of one length (B, L); END, their labels, END, then padding (B, T + 2)."""


@dataclass(frozen=True, slots=True)
class G2pRecipe:
    """What decides the result: AdamW with linear warm-up and cosine decay; the averaged weights are kept.

    held_out: share of the words that are only scored. ema_decay: of the weights, at each step.
    """

    name: str
    seed: int = 1
    held_out: float = 0.03
    epochs: int = 12
    batch_size: int = 256
    learning_rate: float = 4e-3
    warmup_steps: int = 100
    final_rate: float = 0.01
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    network: G2pConfig = field(default_factory=G2pConfig)

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step."""
        cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
        share = self.final_rate + (1 - self.final_rate) * cosine
        return self.learning_rate * min(1.0, (step + 1) / max(1, self.warmup_steps)) * share


def read_g2p_recipe(path: Path) -> G2pRecipe:
    """A recipe file; ValueError names a key that it does not know or lacks."""
    return read_sections(path, G2pRecipe, {"network": G2pConfig})


def learnable(path: Path) -> Lexicon:
    """A lexicon of words in LETTERS and pronunciations in PHONEMES; ValueError names what else there is in the file."""
    lexicon = {word: tuple(tuple(said.split()) for said in variants) for word, variants in read_lexicon(path).items()}
    for word, variants in lexicon.items():
        if not word or not set(word) <= set(LETTERS):
            raise ValueError(f"{path}: the word {word!r} has other characters than {LETTERS}")
        if unknown := {label for said in variants for label in said} - set(PHONEMES):
            raise ValueError(f"{path}: {word!r} is said with {min(unknown)!r}, which is none of the phonemes")
    return lexicon


def split(lexicon: Lexicon, share: float, seed: int) -> tuple[Lexicon, Lexicon]:
    """The words to learn and those held out; a word's side does not depend on the other words."""
    held = {word for word in lexicon if zlib.crc32(f"{seed} {word}".encode()) < share * 2**32}
    kept = {word: said for word, said in lexicon.items() if word not in held}
    return kept, {word: lexicon[word] for word in lexicon if word in held}


class Examples:
    """Every pronunciation of a lexicon as tensors, grouped by the word's length, so that no letter is padding."""

    def __init__(self, lexicon: Lexicon, letters: str, labels: tuple[str, ...]) -> None:
        place = {label: number for number, label in enumerate(labels, END + 1)}
        groups: dict[int, list[tuple[list[int], list[int]]]] = {}
        for word, variants in lexicon.items():
            spelled = [letters.index(letter) for letter in word]
            for said in variants:
                target = [END, *(place[label] for label in said), END]
                groups.setdefault(len(word), []).append((spelled, target))
        if not groups:
            raise ValueError("there are no words to learn")
        self._groups = [_tensors(group) for group in groups.values()]

    def batches(self, size: int, random: torch.Generator) -> list[Batch]:
        """All examples once, in random batches of words of one length and about as many labels."""
        made = []
        for words, targets in self._groups:
            lengths = (targets != IGNORED).sum(1)
            order = (lengths + 1.5 * torch.rand(len(lengths), generator=random)).argsort()
            made += [(words[part], targets[part, : lengths[part].max()]) for part in torch.split(order, size)]
        return [made[index] for index in torch.randperm(len(made), generator=random)]


def _tensors(examples: list[tuple[list[int], list[int]]]) -> Batch:
    targets = [torch.tensor(target) for _, target in examples]
    return torch.tensor([word for word, _ in examples]), nn.utils.rnn.pad_sequence(targets, True, IGNORED)


def loss(network: G2pNetwork, batch: Batch) -> Tensor:
    """Mean negative log-likelihood of a label, in nats."""
    words, targets = batch
    logits = network(words, targets[:, :-1].clamp_min(END))  # what follows padding is padding and not counted
    return functional.cross_entropy(logits.flatten(0, 1), targets[:, 1:].flatten(), ignore_index=IGNORED)


def train(lexicon: Lexicon, labels: tuple[str, ...], recipe: G2pRecipe, log: Callable[[str], None]) -> G2p:
    """Learn the lexicon; one JSON line an epoch to log."""
    torch.manual_seed(recipe.seed)
    random = torch.Generator().manual_seed(recipe.seed)
    examples = Examples(lexicon, LETTERS, labels)
    network = build_network(recipe.network, LETTERS, labels)
    average = Average(network, recipe.ema_decay)
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
    )
    step, steps = 0, recipe.epochs * len(examples.batches(recipe.batch_size, torch.Generator()))
    for epoch in range(recipe.epochs):
        total, batches = 0.0, examples.batches(recipe.batch_size, random)
        for batch in batches:
            optimiser.param_groups[0]["lr"] = recipe.rate(step, steps)
            value = loss(network, batch)
            value.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
            optimiser.step()
            optimiser.zero_grad()
            step += 1
            average.follow(step)
            total += value.item()
        log(json.dumps({"epoch": epoch + 1, "step": step, "loss": round(total / len(batches), 4)}))
    network.load_state_dict(average.weights)
    return G2p(recipe.network, LETTERS, labels, network.eval().requires_grad_(False))


def evaluate(g2p: G2p, lexicon: Lexicon, beam: int = 4) -> dict[str, float]:
    """Error rates in per cent of the best pronunciation against the nearest of a word's variants.

    labels: edits a label of the reference. words: those that equal none of their variants. variants: those
    of which no offered pronunciation does.
    """
    counts, wrong, missed = ErrorCounts(), 0, 0
    for word, variants in lexicon.items():
        said = [one for one, _ in g2p.pronounce(word, beam)]
        counts += min((align(variant, said[0]) for variant in variants), key=lambda one: one.errors)
        wrong += said[0] not in variants
        missed += not set(said) & set(variants)
    words = max(1, len(lexicon))
    rates = {"labels": counts.rate, "words": wrong / words, "variants": missed / words}
    return {name: round(100 * rate, 2) for name, rate in rates.items()}


@command
def main() -> None:
    """Command line: `python -m models.recipes.texts.g2p RECIPE.toml --lexicon LEXICON.txt.gz --output FOLDER`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--lexicon", type=Path, required=True, help="word, tab, labels; plain or gz")
    parser.add_argument("--output", type=Path, required=True, help="folder for the model's two files")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # sums in another order would give other weights
    started = time.process_time()
    recipe = read_g2p_recipe(arguments.recipe)
    known, held_out = split(learnable(arguments.lexicon), recipe.held_out, recipe.seed)
    g2p = train(known, PHONEMES, recipe, _say)
    save_g2p(arguments.output, g2p)
    errors = evaluate(load_g2p(arguments.output), held_out)  # what is shipped, in 16 bits, is what is scored
    provenance = {
        "recipe": asdict(recipe),
        "words": len(known),
        "held_out_words": len(held_out),
        "held_out_errors_percent": errors,
    }
    save_g2p(arguments.output, replace(g2p, provenance=provenance))
    _say(json.dumps({**errors, "cpu_minutes": round((time.process_time() - started) / 60, 1)}))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

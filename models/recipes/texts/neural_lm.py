"""Training of a neural language model on the text of an n-gram's recipe; resumable after a kill at any moment."""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from decoder.lm_recipe import load_recipe
from decoder.perplexity import Perplexity
from models.lm import LmConfig, LmNetwork, NeuralLm, load_neural_lm, save_neural_lm
from models.model_files import write_atomically
from models.recipes.loop.precision import autocast
from models.recipes.recipe import Optimisation, read_sections
from models.recipes.texts.neural_lm_text import IGNORED, MOST_PIECES, Batches, Text, TokenBatch, prepare
from models.recipes.texts.text_training import TextRun
from models.word_pieces import WordPieces

MODEL, TEXT, FIGURES = "model", "text", "perplexity.json"
"""In the folder of a run: the model so far, the text in pieces, and how well the last model predicts each source."""

_LOOK_EVERY = 20
"""While a run goes on, each so-many-th held-back sentence is measured: a second's work."""
_SENTENCES_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class NeuralLmRecipe:
    """Everything that decides what a run makes.

    text: the n-gram's recipe whose text is learnt, beside this one's file. pieces: size of the vocabulary.
    batch_tokens: pieces a batch. optimisation: rates, steps and averaging; what it says of speech has no meaning here.
    """

    name: str
    text: str
    seed: int = 1
    pieces: int = 4096
    batch_tokens: int = 8192
    network: LmConfig = field(default_factory=LmConfig)
    optimisation: Optimisation = field(default_factory=Optimisation)
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.pieces <= MOST_PIECES:
            raise ValueError(f"pieces must be 1 to {MOST_PIECES}, not {self.pieces}")

    def settings(self) -> dict[str, Any]:
        """What the state of a run cannot be separated from, beside the optimisation."""
        free = {"optimisation", "provenance"}
        return {key: value for key, value in asdict(self).items() if key not in free}


def read_neural_lm_recipe(path: Path) -> NeuralLmRecipe:
    """A recipe file; ValueError names a key that it does not know or lacks."""
    return read_sections(path, NeuralLmRecipe, {"network": LmConfig, "optimisation": Optimisation})


def train(path: Path, data: Path, output: Path, progress: Callable[[str], None]) -> Path:
    """Run a recipe file in a folder, or go on with it; the folder of the model.

    Raises OSError or ValueError where the recipe, its text or the folder's state is wrong.
    """
    recipe = read_neural_lm_recipe(path)
    text = prepare(load_recipe(path.parent / recipe.text), recipe.pieces, data, output / TEXT, progress)
    lm = train_on(text, recipe, output)
    write_figures(output / FIGURES, lm, text)
    return output / MODEL


def train_on(text: Text, recipe: NeuralLmRecipe, output: Path) -> NeuralLm:
    """Train on prepared text; the model that was written."""
    torch.manual_seed(recipe.seed)
    network = LmNetwork(recipe.network, len(text.pieces))
    run = TextRun(network, recipe.optimisation, recipe.settings(), output)
    batches = Batches(text, recipe.batch_tokens, recipe.seed)
    sample = [one for source in text.held_back.values() for one in source][::_LOOK_EVERY]

    def losses(step: int) -> dict[str, Tensor]:
        return {"loss": loss(network, batches.of_step(step))}

    def look() -> dict[str, float]:
        """Write the model so far, and tell how well it predicts some of the held-back text."""
        provenance = {"steps": run.step, "epochs": round(run.step / len(batches), 2), **recipe.provenance}
        lm = export(output / MODEL, recipe, text.pieces, run.average, provenance)
        return {"perplexity": measure(lm, sample, text.words).perplexity}

    run.run(losses, look)
    return load_neural_lm(output / MODEL)


def loss(network: LmNetwork, batch: TokenBatch) -> Tensor:
    """Mean negative log-likelihood of a piece, in nats."""
    with autocast(torch.device("cpu")):
        logits = network.logits(batch.inputs)
    return functional.cross_entropy(logits.flatten(0, 1).float(), batch.targets.flatten(), ignore_index=IGNORED)


def export(
    folder: Path, recipe: NeuralLmRecipe, pieces: WordPieces, weights: dict[str, Tensor], provenance: dict[str, Any]
) -> NeuralLm:
    """Write weights as a model; what was written, in 8 bits."""
    network = LmNetwork(recipe.network, len(pieces))
    network.load_state_dict(weights)
    about = {"recipe": recipe.name, "seed": recipe.seed, **provenance}
    save_neural_lm(folder, NeuralLm(recipe.network, pieces, network, about))
    return load_neural_lm(folder)


def measure(lm: NeuralLm, sentences: Iterable[str], known: frozenset[str]) -> Perplexity:
    """Perplexity per word and sentence end; words that are not known are left out, as decoder.perplexity does."""
    count = words = unknown = 0
    log_prob = 0.0
    ordered = sorted(sentences, key=len)  # of about one length in a batch
    for start in range(0, len(ordered), _SENTENCES_AT_ONCE):
        some = ordered[start : start + _SENTENCES_AT_ONCE]
        for sentence, (*scores, end) in zip(some, lm.word_scores(some), strict=True):
            spoken = sentence.split()
            count, words = count + 1, words + len(spoken)
            unknown += sum(word not in known for word in spoken)
            log_prob += end + sum(score for word, score in zip(spoken, scores, strict=True) if word in known)
    measured = words - unknown + count
    return Perplexity(count, words, unknown, math.exp(-log_prob / measured) if words > unknown else math.inf)


def write_figures(path: Path, lm: NeuralLm, text: Text) -> None:
    """Write the perplexities of every held-back source, of all together, and of each dev split, as JSON."""
    figures = {name: measure(lm, sentences, text.words) for name, sentences in text.held_back.items()}
    figures["all"] = measure(lm, (one for source in text.held_back.values() for one in source), text.words)
    figures |= {f"dev {name}": measure(lm, sentences, text.words) for name, sentences in text.dev.items()}
    write_atomically(path, (json.dumps({name: asdict(one) for name, one in figures.items()}, indent=1) + "\n").encode())

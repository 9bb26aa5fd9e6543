"""Which losses a recipe adds to CTC and the teacher's targets, and what every loss weighs at a step."""

from pathlib import Path

import torch

from models.recipes.data.samples import HEADS
from models.recipes.distillation import PosteriorTeacher
from models.recipes.recipe import Recipe
from models.recipes.student import Objective
from models.recipes.word_errors import ExpectedWordErrors


class Objectives:
    """The objectives of a recipe's sections, each from the step at which it begins.

    teacher: that of [distillation].
    """

    def __init__(self, recipe: Recipe, data: Path, device: torch.device) -> None:
        """Raise OSError or ValueError for a head that there is not, a teacher or lexicon that cannot be read."""
        heads = [head.name for head in HEADS]
        if unknown := [name for name in recipe.optimisation.head_weights if name not in heads]:
            raise ValueError(f"head_weights names {unknown[0]!r}: the heads are {', '.join(heads)}")
        self._recipe = recipe
        self.teacher = PosteriorTeacher(recipe.distillation, data, device) if recipe.distillation else None
        self._word_errors = ExpectedWordErrors(recipe.sequence, data) if recipe.sequence else None

    def at(self, step: int) -> list[Objective]:
        """What to compute at a step."""
        sequence = self._recipe.sequence
        word_errors = self._word_errors if sequence and step >= sequence.start_step else None
        return [objective for objective in (self.teacher, word_errors) if objective is not None]


def loss_weights(recipe: Recipe, step: int) -> dict[str, float]:
    """The factor of each loss that may occur at a step, by name; 0 for a head that the recipe does not weigh."""
    config, distillation, sequence = recipe.optimisation, recipe.distillation, recipe.sequence
    ctc = 1.0 if step >= config.teacher_steps else 0.0
    heads = {head.name: config.head_weights.get(head.name, 0.0) for head in HEADS}
    weights = {head: ctc * weight for head, weight in heads.items()}
    weights["teacher"] = config.teacher_weight
    if distillation is not None:
        weights |= {f"distilled {head}": distillation.weight * weight for head, weight in heads.items()}
    if sequence is not None and step >= sequence.start_step:
        weights = {name: sequence.interpolation * weight for name, weight in weights.items()}
        weights["word errors"] = sequence.weight
    return weights

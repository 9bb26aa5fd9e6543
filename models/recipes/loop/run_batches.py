"""The batches of a run: the ranks take turns in one plan, and a bar shows how far they are."""

from collections.abc import Generator
from typing import Generic, Protocol, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.recipes.data.batches import Audible, BatchPlan, Heard, Planned, prefetch
from models.recipes.loop.rank import Rank

_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


Made = TypeVar("Made", bound=Audible, covariant=True)


class Maker(Protocol[Planned, Made]):
    """Turns planned utterances into tensors."""

    def make(self, groups: list[list[Planned]], step: int) -> Made:
        """The batch of a step."""
        ...


class RunBatches(Generic[Planned, Heard]):
    """What one rank of a run hears."""

    def __init__(self, plan: BatchPlan[Planned], maker: Maker[Planned, Heard], rank: Rank) -> None:
        self.plan, self._maker, self._rank = plan, maker, rank

    def make(self, step: int) -> Heard:
        """This rank's batch of a step, in main memory. Steps must not go backwards."""
        number = step * self._rank.count + self._rank.number
        return self._maker.make(self.plan.batch(number), number)

    def of_steps(self, name: str, first: int, steps: int) -> Generator[Heard, None, None]:
        """The batches from a step to the run's last one, on the rank's device, made ahead.

        The bar moves on when the next batch is asked for.
        """
        with Progress(*_COLUMNS, disable=not self._rank.leads) as progress:
            task = progress.add_task(name, total=steps, completed=first)
            for batch in prefetch(self.make, range(first, steps)):
                yield batch.to(self._rank.device)
                progress.advance(task)

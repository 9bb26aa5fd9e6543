"""Sharing tasks out with Ray Data: actors hold the model, a task of a killed actor goes to another one.

docs.ray.io/en/latest/data: a block of rows is what is retried; here it is one recording, unless they are too many.
"""

import logging
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from asr_app.cluster.batch import ClusterError, Outcome
from asr_app.cluster.transcriber import Task, Transcriber, Work
from asr_app.errors import ConfigError

LOCAL = "local"
"""The address of a cluster that is this machine, for as long as the command runs."""

_BLOCKS = 10_000
"""More would keep the machine that shares them out from its work."""

_TRIES = 3  # of a task whose actor is ended: a recording that ends all of them is given up


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Ray cluster.

    ray: what load_ray gives. address: ray://host:port, host:port, or LOCAL.
    gpus: whether they are wanted, where the cluster has such.
    actors: at most; they share GPUs evenly. None is one for each GPU, or each core.
    """

    ray: ModuleType
    address: str
    work: Work
    gpus: bool
    actors: int | None = None

    def __call__(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Have tasks done; ClusterError where that cannot be."""
        if not tasks:
            return
        ray = self.ray
        try:
            ray.init(self.address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # Ray raises just that where its node does not start
            raise ClusterError(f"no Ray cluster at {self.address} ({error}): check it, or try again") from error
        try:
            sharer = ray.remote(num_cpus=0)(_Sharer).remote(self.work, tasks, self.gpus, self.actors)
            while outcome := ray.get(sharer.next.remote()):
                yield outcome
        except ray.exceptions.RayError as error:
            raise ClusterError(f"the cluster failed ({type(error).__name__}): go on with --resume") from error
        finally:
            ray.shutdown()


class _Sharer:
    """What drives Ray Data, as an actor of the cluster: from outside, through ray://, it cannot be driven."""

    def __init__(self, work: Work, tasks: Sequence[Task], gpus: bool, actors: int | None) -> None:
        self._outcomes = _outcomes(work, tasks, gpus, actors)

    def next(self) -> Outcome | None:
        """What became of the next task that is done; None after the last."""
        return next(self._outcomes, None)


def _outcomes(work: Work, tasks: Sequence[Task], gpus: bool, actors: int | None) -> Iterator[Outcome]:
    ray = load_ray()
    context = ray.data.DataContext.get_current()
    context.max_errored_blocks = -1  # a recording that no actor could do does not end the rest
    context.enable_progress_bars = False
    resources = ray.cluster_resources()
    cards = int(resources.get("GPU", 0)) if gpus else 0
    actors = actors or cards or max(1, int(resources.get("CPU", 1)))
    done = ray.data.from_items([{"task": task} for task in tasks], override_num_blocks=min(len(tasks), _BLOCKS)).map(
        Transcriber,
        fn_constructor_args=(work,),
        compute=ray.data.ActorPoolStrategy(
            size=min(actors, len(tasks)),
            max_tasks_in_flight_per_actor=1,  # a recording that ends its actor takes no other with it
        ),
        num_cpus=1,
        num_gpus=1 / math.ceil(actors / cards) if cards else 0,
        max_restarts=-1,
        max_task_retries=_TRIES - 1,
    )
    for row in done.iter_rows():
        yield Outcome(row["task"], row["duration_s"], row["error"])


def load_ray() -> ModuleType:
    """Ray, which reports to nobody; ConfigError where it is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import_module("ray.data")
        return import_module("ray")
    except ImportError as error:
        raise ConfigError(f"--cluster needs Ray Data ({error}): install asr-app[cluster]") from error

"""What `asr transcribe --cluster` does with its options: the same request, on Ray."""

from functools import partial

from asr_app.cli.options import load_recognizer
from asr_app.cli.transcribing import Hearing, Request, exit_code, progress_of, run_batch
from asr_app.cluster.batch import ClusterBatch, Target
from asr_app.cluster.places import find, whole
from asr_app.cluster.sharing import Cluster, load_ray
from asr_app.cluster.transcriber import Work
from asr_app.errors import ConfigError
from asr_app.files.batch import Listening
from asr_app.files.inputs import read_list


def carry_out(address: str, request: Request, listening: Listening, hearing: Hearing) -> int:
    """Transcribe what a request wants on the cluster of an address; the exit code. AsrError where nothing can be."""
    if request.watch or request.folder is None:
        raise ConfigError("--cluster transcribes a batch into an --output-dir: give one, and no --watch")
    names = [*request.names, *(read_list(request.list_from) if request.list_from else ())]
    target = Target(whole(request.folder), request.forms, request.overwrite, request.resume)
    settings = hearing.settings.model_copy(update={"threads": hearing.settings.threads or 1})
    load = partial(load_recognizer, settings, hearing.words)
    work = Work(load, hearing.write, listening, request.forms, hearing.alternatives)
    cluster = Cluster(load_ray(), address, work, gpus=settings.device != "cpu", actors=hearing.jobs)
    progress = progress_of(request)
    batch = ClusterBatch(target, cluster, progress)
    stopped = run_batch(lambda: batch.run(find(names, request.patterns)), batch.tally, progress)
    return exit_code(batch.tally, stopped)

"""What benchmarks share: running a command as a whole process, and one JSON line a run."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED_SPEECH = REPOSITORY.parent / "shared" / "speech"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took: seconds on the clock, seconds of processor, its most memory in MB, what it printed."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str


def run(command: list[str]) -> Usage:
    """Run a command to its end with one thread for arithmetic; CalledProcessError where it fails."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, env={**os.environ, **ONE_THREAD})
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        output.seek(0)
        text = output.read().decode()
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, text)


def test_recordings(corpus: str) -> list[Path]:
    """The recordings of a shared corpus's test split; exits with a reason where ../shared is absent."""
    manifest = SHARED_SPEECH / corpus / "manifest.jsonl"
    if not manifest.exists():
        sys.exit(f"no {manifest.relative_to(REPOSITORY.parent)}: this benchmark needs the shared recordings")
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return [manifest.parent / row["audio"] for row in rows if row["split"] == "test"]


def record(benchmark: str, figures: dict[str, object]) -> None:
    """Print one line of JSON with the commit and the machine."""
    described = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    commit = subprocess.run(described, capture_output=True, text=True, check=True).stdout.strip()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    sys.stdout.write(json.dumps({"benchmark": benchmark, "commit": commit, "machine": machine, **figures}) + "\n")

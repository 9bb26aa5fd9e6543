"""Which device computes: the one that a name asks for, or the best that is there."""

import torch

from asr_app.errors import DeviceError
from asr_app.options import DeviceName

_ABSENT = {
    "cuda": "no CUDA device is usable here: use --device cpu, or install a CUDA build of torch",
    "mps": "no GPU of Apple's is usable here: use --device cpu",
}


def choose_device(name: DeviceName) -> torch.device:
    """The torch device of a name; auto takes a GPU where there is one. DeviceError where it is not there."""
    there = [*(["cuda"] if torch.cuda.is_available() else []), *(["mps"] if torch.backends.mps.is_available() else [])]
    if name == "auto":
        return torch.device(there[0] if there else "cpu")
    if name != "cpu" and name not in there:
        raise DeviceError(_ABSENT[name])
    return torch.device(name)

"""Read tensors without running code from the file, and load them into modules completely or not at all."""

import os
import pickle
import warnings
import zipfile
import zlib
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import InputError


def read_checkpoint(path: str | os.PathLike) -> dict:
    """A torch checkpoint (.pt, .ckpt, g_########) as a dict, tensors on the CPU. Never runs code from the file."""
    path = Path(path)
    if not path.is_file():
        raise InputError("There is no checkpoint {path}.", path=path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols: the error below says it once
            data = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            "{path} holds more than tensors (code or foreign objects), or is damaged, and was not loaded: "
            "save its state_dict alone.",
            path=path,
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, OSError):
        data = None
    if data is None or not intact(path):
        raise InputError("{path} is not a PyTorch checkpoint, or is damaged.", path=path)
    if not isinstance(data, dict):
        raise InputError("{path} holds a {type}, not a dictionary of tensors.", path=path, type=type(data).__name__)
    return data


def intact(path: Path) -> bool:
    """Whether every tensor of a checkpoint matches its CRC-32, which PyTorch does not check. True for PyTorch's older
    format, which has none."""
    if not zipfile.is_zipfile(path):
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError):
        return False


def write_safetensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a .safetensors file with default permissions; safetensors' own writer makes it readable by the user
    alone."""
    from safetensors.torch import save

    path.write_bytes(save({name: t.contiguous() for name, t in tensors.items()}, metadata))


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file, floating-point ones as float32. Raises InputError if it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(
            "{path} is not a safetensors file that can be read ({reason}).", path=path, reason=error
        ) from None
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def load_exactly(module: nn.Module, tensors: dict[str, Tensor], source: str) -> None:
    """Load every tensor of `module` from `tensors`, in place.

    Raises InputError naming the first missing, extra, wrongly shaped or non-finite tensor. BatchNorm's
    num_batches_tracked, a counter of training steps, is ignored.
    """

    def counted(name: str) -> bool:
        return not name.endswith("num_batches_tracked")

    wanted = {name: t for name, t in module.state_dict().items() if counted(name)}
    given = {name: t for name, t in tensors.items() if counted(name)}
    if lacking := wanted.keys() - given.keys():
        raise InputError("{source} lacks tensor {names}.", source=source, names=_some(lacking))
    if unknown := given.keys() - wanted.keys():
        raise InputError("{source} has the unknown tensor {names}.", source=source, names=_some(unknown))
    for name, tensor in given.items():
        if tensor.shape != wanted[name].shape:
            raise InputError(
                "{source}: tensor {name} has shape {shape}, the model needs {wanted}.",
                source=source,
                name=name,
                shape=tuple(tensor.shape),
                wanted=tuple(wanted[name].shape),
            )
        # A finite sum has only finite terms, and is far faster than checking each.
        if not torch.isfinite(tensor.sum()) and not torch.isfinite(tensor).all():
            raise InputError("{source}: tensor {name} holds NaN or infinity.", source=source, name=name)
    module.load_state_dict(given, strict=False)


def _some(names: set[str], most: int = 3) -> str:
    """The first names, and the number of others."""
    more = f", +{len(names) - most}" if len(names) > most else ""
    return ", ".join(sorted(names)[:most]) + more

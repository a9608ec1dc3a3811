"""Tensors from files into modules: without running code from the file, and completely or not at all."""

import os
import pickle
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import InputError


def read_checkpoint(path: str | os.PathLike) -> dict:
    """A torch checkpoint (.pt, .ckpt, g_########) as a dict, tensors on the CPU. Never runs code from the file."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no checkpoint {path}.")
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path} holds more than tensors (code or foreign objects), or is damaged, and was not loaded: "
            "save its state_dict alone."
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, OSError, zipfile.BadZipFile):
        raise InputError(f"{path} is not a PyTorch checkpoint, or is damaged.") from None
    if not isinstance(data, dict):
        raise InputError(f"{path} holds a {type(data).__name__}, not a dictionary of tensors.")
    return data


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file, floating ones as float32."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is not a safetensors file that can be read ({error}).") from None
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def load_exactly(module: nn.Module, tensors: dict[str, Tensor], source: str) -> None:
    """Load every tensor of `module` from `tensors`, in place.

    Raises InputError naming the first missing, extra, wrongly shaped or non-finite tensor. BatchNorm's
    num_batches_tracked counts training steps and is not looked at.
    """

    def counted(name: str) -> bool:
        return not name.endswith("num_batches_tracked")

    wanted = {name: t for name, t in module.state_dict().items() if counted(name)}
    given = {name: t for name, t in tensors.items() if counted(name)}
    for problem, names in (("lacks", wanted.keys() - given.keys()), ("has the unknown", given.keys() - wanted.keys())):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise InputError(f"{source} {problem} tensor {min(names)}{more}.")
    for name, tensor in given.items():
        if tensor.shape != wanted[name].shape:
            raise InputError(
                f"{source}: tensor {name} has shape {tuple(tensor.shape)}, the model needs {tuple(wanted[name].shape)}."
            )
        if not torch.isfinite(tensor).all():
            raise InputError(f"{source}: tensor {name} holds NaN or infinity.")
    module.load_state_dict(given, strict=False)

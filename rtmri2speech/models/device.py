"""The device that networks run on: a CPU, a CUDA GPU, or Apple's GPU (mps)."""

import os
import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch

from ..errors import InputError

T = TypeVar("T")
VARIABLE = "RTMRI2SPEECH_DEVICE"  # in the environment: what "auto" means
NAMES = ("auto", "cpu", "cuda", "cuda:0", "mps")


def choose_device(asked: str = "auto") -> torch.device:
    """ "auto", "cpu", "cuda", "cuda:N" or "mps" -> the device. auto: that of the variable RTMRI2SPEECH_DEVICE, else a
    CUDA GPU if there is one, else the CPU.

    TF32 is off, so that a GPU's numbers are a CPU's but for the order of sums. Raises InputError for a device that is
    not there, with the reason.
    """
    name = asked.strip().lower()
    if name == "auto":
        name = os.environ.get(VARIABLE, "").strip().lower() or "auto"
    if name in ("auto", "cpu"):
        return _cuda(0) if name == "auto" and torch.cuda.is_available() else torch.device("cpu")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise InputError("There is no device mps: this is no Mac with a GPU that PyTorch can use.")
        return torch.device("mps")
    kind, _, number = name.partition(":")
    if kind not in ("cuda", "gpu") or (number and not number.isdecimal()):
        raise InputError("There is no device {asked!r}: give one of {known}.", asked=asked, known=", ".join(NAMES))
    return _cuda(int(number or 0))


def _cuda(number: int) -> torch.device:
    count = _cuda_devices()
    if number >= count:
        raise InputError(
            "There is no device cuda:{number}: the last one is cuda:{last}.", number=number, last=count - 1
        )
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda", number)


def _cuda_devices() -> int:
    """The number of CUDA devices, at least 1. Raises InputError with the reason why there is none."""
    if not torch.backends.cuda.is_built():
        raise InputError("This PyTorch was built without CUDA: docs/install.md tells how to install one with it.")
    if not torch.cuda.is_available():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.cuda.init()
            reason = "no GPU was found"
        except Exception as error:  # of the driver, of several classes
            reason = str(error).split(". ")[0].splitlines()[0].rstrip(".")
        raise InputError(
            "No CUDA device can be used: {reason}. Install or update the driver, or give --device cpu.", reason=reason
        )
    return torch.cuda.device_count()


def use_device(asked: str) -> None:
    """Let "auto" mean this device, in this process and those that it starts. Raises InputError as `choose_device`."""
    if asked != "auto":
        os.environ[VARIABLE] = str(choose_device(asked))


def in_parts(run: Callable[[np.ndarray], T], batch: np.ndarray) -> list[T]:
    """run(batch), or, where the device's memory does not suffice for that, of its halves in turn, and so on.

    Raises InputError if it does not suffice for one row.
    """
    try:
        return [run(batch)]
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise InputError("The device has too little memory for one frame: give --device cpu.") from None
    torch.cuda.empty_cache()  # outside the handler: the error holds what did not fit
    middle = len(batch) // 2
    return in_parts(run, batch[:middle]) + in_parts(run, batch[middle:])


def device_name(device: torch.device) -> str:
    """The device in words, such as "cpu" or "cuda:0 (NVIDIA H200)"."""
    if device.type == "cuda" and torch.cuda.is_available():
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)

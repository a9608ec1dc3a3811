"""Import timm without PyTorch's compiler, which timm and torchvision import for two names that are unused here: 140 MB
of memory, and seconds of every start.

Stand-ins take its place during the import only; later imports of the compiler get the real one.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import torch

__all__ = ["FeatureInfo", "timm"]

_COMPILER = "torch._dynamo"


@contextmanager
def _compiler_stood_in_for() -> Iterator[None]:
    compiler, utils = ModuleType(_COMPILER), ModuleType(f"{_COMPILER}.utils")
    compiler.disable = lambda fn=None, recursive=True, *, reason=None: fn  # type: ignore[attr-defined]
    utils.is_compile_supported = _is_compile_supported  # type: ignore[attr-defined]
    sys.modules |= {_COMPILER: compiler, utils.__name__: utils}
    try:
        yield
    finally:
        del sys.modules[_COMPILER], sys.modules[utils.__name__]


def _is_compile_supported(device_type: str) -> bool:
    from torch._dynamo.utils import is_compile_supported

    return is_compile_supported(device_type)


if _COMPILER not in sys.modules and "timm" not in sys.modules:
    try:
        with _compiler_stood_in_for():
            import timm
    except (ImportError, AttributeError):  # other versions need more of the compiler
        pass

import timm  # noqa: E402
from timm.models import FeatureInfo  # noqa: E402

assert torch  # imported first: the compiler is looked up in it

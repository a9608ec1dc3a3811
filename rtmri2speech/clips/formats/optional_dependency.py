"""Libraries of the extra [formats]."""

import importlib
from pathlib import Path
from types import ModuleType

from ...errors import InputError


def library(name: str, path: Path) -> ModuleType:
    """The module of this name. Raises InputError that names the package to install."""
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise InputError(
            "To read {path}, the package {package} is needed: pip install {package}.", path=path, package=package
        ) from None

"""The settings of a command: a YAML file of training/configs and arguments, through Hydra where it is installed."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rtmri2speech.errors import InputError
from rtmri2speech.mapping import build

from .console import plain_errors

CONFIGS = Path(__file__).parents[1] / "configs"


def read_yaml(path: str | os.PathLike) -> dict:
    """The settings of a YAML file, without Hydra's own entries. For machines that have no Hydra."""
    import yaml

    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("Cannot read the settings {path}: {reason}.", path=path, reason=error.strerror) from None
    except yaml.YAMLError as error:
        raise InputError("The settings {path} are not valid YAML: {reason}.", path=path, reason=error) from None
    if not isinstance(data, dict):
        raise InputError("The settings {path} are not a list of names and values.", path=path)
    return {name: value for name, value in data.items() if name not in ("hydra", "defaults")}


def run_command(command: Callable, cls, config_name: str) -> None:
    """Run command(settings), settings being `cls` made from training/configs/<config_name>.yaml and the arguments.

    The arguments are Hydra's: --config-name OTHER, setting=value. Where Hydra is not installed these two are
    understood without it. --restart is restart=true. Bad settings end with one line and exit code 2.
    """
    sys.argv[1:] = ["++restart=true" if argument == "--restart" else argument for argument in sys.argv[1:]]

    def run(values: Mapping[str, Any]) -> None:
        with plain_errors():
            command(build(cls, values))

    try:
        import hydra
        from hydra.errors import HydraException
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException
    except ImportError:
        with plain_errors():
            values = read_arguments(sys.argv[1:], config_name)
        return run(values)

    @hydra.main(version_base=None, config_path=str(CONFIGS), config_name=config_name)
    def with_hydra(config) -> None:
        run(OmegaConf.to_container(config, resolve=True))

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # raise, so that a mistyped setting can be told in one line
    with plain_errors():
        try:
            with_hydra()
        except (HydraException, OmegaConfBaseException) as error:
            raise InputError("{reason}", reason=str(error).splitlines()[0]) from None


def read_arguments(arguments: Sequence[str], config_name: str) -> dict:
    """["--config-name", "x", "a.b=1"] -> the settings of x.yaml with a.b replaced by 1 (a YAML value)."""
    import yaml

    rest = list(arguments)
    if "--config-name" in rest[:-1]:
        at = rest.index("--config-name")
        config_name = rest[at + 1]
        del rest[at : at + 2]
    values = read_yaml(CONFIGS / f"{config_name.removesuffix('.yaml')}.yaml")
    for argument in rest:
        name, equals, text = argument.partition("=")
        *path, last = name.lstrip("+").split(".")
        if not equals or not last:
            raise InputError("Cannot read the argument {argument!r}: write setting=value.", argument=argument)
        inner = values
        for step in path:
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                raise InputError("There is no setting called {name}.", name=name)
        try:
            inner[last] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise InputError("Cannot read the value of {argument!r}.", argument=argument) from None
    return values

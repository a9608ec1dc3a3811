"""The settings of a command: a YAML file of training/configs, and setting=value arguments that replace some of it."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from rtmri2speech.errors import InputError
from rtmri2speech.mapping import build

from .console import plain_errors

CONFIGS = Path(__file__).parents[1] / "configs"


class _Loader(yaml.SafeLoader):
    """YAML without its dates: run_dir=2026-12-01 is a name."""

    yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_yaml(path: str | os.PathLike) -> dict:
    """The settings of a YAML file; with `base: NAME` what it does not say is that of NAME.yaml beside it.

    Raises InputError if it cannot be read, or holds something else.
    """
    try:
        data = yaml.load(Path(path).read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise InputError("Cannot read the settings {path}: {reason}.", path=path, reason=error.strerror) from None
    except yaml.YAMLError as error:
        raise InputError("The settings {path} are not valid YAML: {reason}.", path=path, reason=error) from None
    if not isinstance(data, dict):
        raise InputError("The settings {path} are not a list of names and values.", path=path)
    base = data.pop("base", None)
    return _merged(read_yaml(Path(path).with_name(f"{base}.yaml")), data) if base else data


def _merged(base: dict, own: dict) -> dict:
    """Nested settings are merged, too."""
    both = {
        key: _merged(base[key], own[key])
        for key in own
        if isinstance(own[key], dict) and isinstance(base.get(key), dict)
    }
    return base | own | both


def run_command(command: Callable[[Any], object], cls: type, config_name: str) -> None:
    """Run command(settings), settings being `cls` made from training/configs/<config_name>.yaml and the arguments:
    setting=value, --config-name OTHER, --restart for restart=true. --help shows the file.

    Bad settings end with one line and exit code 2.
    """
    with plain_errors():
        if {"-h", "--help"} & set(sys.argv[1:]):
            print("Give settings as name=value, a nested one as a.b=value; --config-name OTHER for another file of")
            print(f"{CONFIGS}; --restart to begin anew. The settings and their defaults:\n")
            print((CONFIGS / f"{config_name}.yaml").read_text(encoding="utf-8"), end="")
            return
        command(build(cls, read_arguments(sys.argv[1:], config_name)))


def read_arguments(arguments: Sequence[str], config_name: str) -> dict:
    """["--config-name", "x", "a.b=1"] -> the settings of x.yaml with a.b replaced by 1 (a YAML value).

    A setting that the file does not have may be marked with "+", as in +sources.mine.folder=WAVS.
    """
    rest = ["restart=true" if argument == "--restart" else argument for argument in arguments]
    if "--config-name" in rest[:-1]:
        at = rest.index("--config-name")
        config_name = rest[at + 1]
        del rest[at : at + 2]
    values = read_yaml(CONFIGS / f"{config_name.removesuffix('.yaml')}.yaml")
    for argument in rest:
        name, equals, text = argument.partition("=")
        *path, last = name.lstrip("+").split(".")
        if not equals or not last or name.startswith("-"):
            raise InputError("Cannot read the argument {argument!r}: write setting=value.", argument=argument)
        inner = values
        for step in path:
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                raise InputError("There is no setting called {name}.", name=name)
        try:
            inner[last] = yaml.load(text, _Loader)
        except yaml.YAMLError:
            raise InputError("Cannot read the value of {argument!r}: put it in quotes.", argument=argument) from None
    return values

"""Settings from YAML or Hydra into frozen dataclasses: unknown, missing and wrongly typed names are errors."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from rtmri2speech.errors import InputError

from .console import plain_errors

CONFIGS = Path(__file__).parent / "configs"


def build(cls, values: Mapping[str, Any], where: str = ""):
    """A frozen dataclass, nested ones and mappings of them included, from a mapping such as a YAML file's.

    Lists become tuples; whole numbers are taken for decimals, and YAML's "1e-4" for the number it is.
    Raises InputError naming the setting.
    """
    if not isinstance(values, Mapping):
        raise InputError(
            "The settings {part} must be a list of names and values, not {values!r}.",
            part=where or cls.__name__,
            values=values,
        )
    hints, known = get_type_hints(cls), {f.name: f for f in fields(cls)}
    prefix = f"{where}." if where else ""
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(
            "There is no setting called {prefix}{name} (known: {known}).",
            prefix=prefix,
            name=unknown[0],
            known=", ".join(known),
        )
    arguments = {}
    for name, setting in known.items():
        if name in values and values[name] != "???":
            arguments[name] = _value(hints[name], values[name], prefix + name)
        elif setting.default is MISSING and setting.default_factory is MISSING:
            raise InputError("The setting {prefix}{name} is missing.", prefix=prefix, name=name)
    return cls(**arguments)


def _value(kind, value, where: str):
    if is_dataclass(kind):
        return build(kind, value, where)
    if get_origin(kind) is dict and is_dataclass(get_args(kind)[1]) and isinstance(value, Mapping):
        return {name: build(get_args(kind)[1], inner, f"{where}.{name}") for name, inner in value.items()}
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    types = tuple(get_origin(k) or k for k in kinds)
    if isinstance(value, (list, tuple)):
        value = tuple(tuple(v) if isinstance(v, (list, tuple)) else v for v in value)
    if float in types and isinstance(value, (int, str)) and not isinstance(value, bool):
        try:
            value = float(value)
        except ValueError:
            pass
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        names = " or ".join("nothing" if t is NoneType else t.__name__ for t in types)
        raise InputError("The setting {where} must be {names}, not {value!r}.", where=where, names=names, value=value)
    return value


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
    understood without it. Bad settings end with one line and exit code 2.
    """

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

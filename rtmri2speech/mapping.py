"""Frozen dataclasses from JSON or YAML; unknown, missing and wrongly typed fields are errors."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from .errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
_TO_BE_GIVEN = "???"  # Hydra's mark of a mandatory setting


def from_json(cls: type[T], data: Mapping[str, Any]) -> T:
    """The from_json of a dataclass: `build`, with the class's name in errors."""
    return build(cls, data, cls.__name__)


def build(cls: type[T], values: Mapping[str, Any], where: str = "") -> T:
    """A frozen dataclass, nested ones and mappings of them included, from a mapping such as a YAML file's.

    Lists become tuples; whole numbers become floats where needed, and so does YAML's "1e-4".
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
        if name in values and values[name] != _TO_BE_GIVEN:
            arguments[name] = _value(hints[name], values[name], prefix + name)
        elif setting.default is MISSING and setting.default_factory is MISSING:
            raise InputError("The setting {prefix}{name} is missing.", prefix=prefix, name=name)
    return cls(**arguments)


def _value(kind, value, where: str):
    if isinstance(kind, type) and is_dataclass(kind):
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

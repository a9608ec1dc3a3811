"""What every run of training keeps in its folder: settings.json, by which it is gone on with, and history.csv."""

import csv
import json
from collections.abc import Container, Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from pathlib import Path

from rtmri2speech.errors import InputError

SETTINGS = "settings.json"


def read_settings(run: Path, command: str) -> dict:
    """What the run of training.`command` was last started with. Raises InputError if the folder is not such a run."""
    try:
        return json.loads((Path(run) / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(
            "{run} is not a run of training.{command}: it has no settings.json that can be read.",
            run=run,
            command=command,
        ) from None


def require_same(run: Path, now, then: Mapping, *, free: Container[str] = (), prefix: str = "") -> None:
    """Raises InputError, naming the setting, if a run of other settings would be gone on with.

    now: a dataclass. then: what settings.json holds of it; a setting that is newer than the run had its default.
    free: the settings that may change, nested ones as "data.workers".
    """
    for field in fields(now):
        name, value = prefix + field.name, getattr(now, field.name)
        if name in free:
            continue
        if is_dataclass(value):
            before = then.get(field.name, {})
            if hasattr(value, "from_json"):  # which also knows the names that earlier versions wrote
                before = asdict(type(value).from_json(before))
            require_same(run, value, before, free=free, prefix=f"{name}.")
        elif _json(value) != (before := _json(then[field.name] if field.name in then else _default(field))):
            raise InputError(
                "The run in {run} was begun with {name} = {then}, not {now}: give that again, or another run_dir.",
                run=run,
                name=name,
                then=before,
                now=_json(value),
            )


def append_row(path: Path, row: Mapping[str, object]) -> None:
    """Add a row to a CSV file, which gets its header with the first one."""
    fresh = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row)
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def _default(field: Field):
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default


def _json(value):
    """The value as JSON gives it back: tuples are lists."""
    return json.loads(json.dumps(value, default=asdict))

"""TextGrid labels of a clip (Praat), whole or cut to a stretch of time."""

from os import PathLike
from pathlib import Path

from .atomic import replacing
from .errors import InputError

Interval = tuple[float, float, str]


def labels_of(clip: str | PathLike) -> Path | None:
    """The TextGrid of a clip's name beside it, or None."""
    beside = Path(clip).with_suffix(".TextGrid")
    return beside if beside.is_file() else None


def read_intervals(path: str | PathLike, tier: str | None = None) -> list[Interval]:
    """(from_s, to_s, label) of the intervals of a TextGrid's interval tier of this name; default: of its first one.

    Raises InputError if there is no tier of that name.
    """
    from parselmouth.praat import call

    grid = _read(path)
    for number in _interval_tiers(grid):
        if tier in (None, call(grid, "Get tier name", number)):
            numbers = range(1, call(grid, "Get number of intervals", number) + 1)
            asked = ("Get start time of interval", "Get end time of interval", "Get label of interval")
            return [tuple(call(grid, question, number, interval) for question in asked) for interval in numbers]
    if tier is not None:
        raise InputError("{path} has no interval tier called {tier!r}.", path=path, tier=tier)
    return []


def phone_tier(path: str | PathLike) -> str | None:
    """The name of the interval tier that holds the phones: "phones", "phone" or "segments", else the only one.

    None where it is not clear.
    """
    from parselmouth.praat import call

    grid = _read(path)
    names = [call(grid, "Get tier name", number) for number in _interval_tiers(grid)]
    known = [name for name in names if name.lower() in ("phones", "phone", "segments", "segment")]
    return known[0] if known else names[0] if len(names) == 1 else None


def _interval_tiers(grid) -> list[int]:
    from parselmouth.praat import call

    return [tier for tier in range(1, call(grid, "Get number of tiers") + 1) if call(grid, "Is interval tier", tier)]


def write_labels(path: str | PathLike, source: str | PathLike, from_s: float, to_s: float) -> None:
    """Write the TextGrid `source` cut to [from_s, to_s], its time then running from 0, as UTF-8.

    InputError if it is no TextGrid or lies wholly outside.
    """
    import parselmouth
    from parselmouth.praat import call

    grid = _read(source)
    start, end = max(from_s, call(grid, "Get start time")), min(to_s, call(grid, "Get end time"))
    if not start < end:
        raise InputError(
            "{name} has no labels from {start:.3f} to {end:.3f} s.", name=Path(source).name, start=from_s, end=to_s
        )
    cut = call(grid, "Extract part", start, end, "no")
    parselmouth.praat.run('Text writing preferences: "UTF-8"')
    with replacing(path) as temporary:
        cut.save(str(temporary), "TEXT")


def _read(path: str | PathLike):
    import parselmouth

    try:
        grid = parselmouth.read(str(path))
    except parselmouth.PraatError:
        grid = None
    if not isinstance(grid, parselmouth.TextGrid):
        raise InputError("{path} is not a TextGrid.", path=path)
    return grid

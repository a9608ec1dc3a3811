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


def read_intervals(path: str | PathLike) -> list[Interval]:
    """(from_s, to_s, label) of the intervals of a TextGrid's first interval tier."""
    from parselmouth.praat import call

    grid = _read(path)
    for tier in range(1, call(grid, "Get number of tiers") + 1):
        if call(grid, "Is interval tier", tier):
            numbers = range(1, call(grid, "Get number of intervals", tier) + 1)
            asked = ("Get start time of interval", "Get end time of interval", "Get label of interval")
            return [tuple(call(grid, question, tier, number) for question in asked) for number in numbers]
    return []


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

"""Praat's TextGrids of a clip, whole or cut to an interval."""

import re
import tempfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from ..errors import InputError
from ..files import atomic_write
from ..names import beside

Interval = tuple[float, float, str]
Remark = tuple[float, str]  # (at_s, text)


def labels_of(clip: str | PathLike) -> Path | None:
    """The TextGrid beside a clip, or None."""
    return beside(clip, ".TextGrid")


def read_intervals(path: str | PathLike, tier: str | None = None) -> list[Interval]:
    """(from_s, to_s, label) of a TextGrid's interval tier; default: the first one.

    Raises InputError without a tier of that name.
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


def read_labels(clip: str | PathLike) -> tuple[tuple[Interval, ...], tuple[Remark, ...]]:
    """The intervals and remarks of the TextGrid beside a clip; empty without one."""
    found = labels_of(clip)
    return (tuple(read_intervals(found)), tuple(read_remarks(found))) if found else ((), ())


def phone_tier(path: str | PathLike) -> str | None:
    """The name of the tier of phones: "phones", "phone" or "segments", else the only interval tier; None where it is
    ambiguous.
    """
    from parselmouth.praat import call

    grid = _read(path)
    names = [call(grid, "Get tier name", number) for number in _interval_tiers(grid)]
    known = [name for name in names if name.lower() in ("phones", "phone", "segments", "segment")]
    return known[0] if known else names[0] if len(names) == 1 else None


def _interval_tiers(grid) -> list[int]:
    from parselmouth.praat import call

    return [tier for tier in range(1, call(grid, "Get number of tiers") + 1) if call(grid, "Is interval tier", tier)]


def read_remarks(path: str | PathLike) -> list[Remark]:
    """(at_s, text) of a TextGrid's first point tier."""
    from parselmouth.praat import call

    grid = _read(path)
    for tier in range(1, call(grid, "Get number of tiers") + 1):
        if not call(grid, "Is interval tier", tier):
            numbers = range(1, call(grid, "Get number of points", tier) + 1)
            asked = ("Get time of point", "Get label of point")
            return [tuple(call(grid, question, tier, number) for question in asked) for number in numbers]
    return []


def write_labels(path: str | PathLike, source: str | PathLike, from_s: float, to_s: float) -> None:
    """Write the TextGrid `source` cut to [from_s, to_s], with time from 0, as UTF-8.

    Raises InputError if it is no TextGrid or lies wholly outside.
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
    with atomic_write(path) as temporary:
        cut.save(str(temporary), "TEXT")


def write_tiers(
    path: str | PathLike, intervals: Sequence[Interval], remarks: Sequence[Remark], from_s: float, to_s: float
) -> None:
    """Write a TextGrid of [from_s, to_s], with time from 0, as UTF-8: the tier "labels" and, if there are remarks, the
    point tier "remarks"."""
    import parselmouth
    from parselmouth.praat import call

    said = [(max(a, from_s) - from_s, min(b, to_s) - from_s, text) for a, b, text in intervals]
    said = [(a, b, text) for a, b, text in said if b - a > 1e-6]
    points = [(at_s - from_s, text) for at_s, text in remarks if from_s <= at_s <= to_s]
    names = ["labels", *(["remarks"] if points else [])]
    grid = parselmouth.TextGrid(0.0, to_s - from_s, tier_names=names, point_tier_names=names[1:])
    for edge in sorted({round(edge, 6) for a, b, _ in said for edge in (a, b)}):
        if 1e-6 < edge < to_s - from_s - 1e-6:
            call(grid, "Insert boundary", 1, edge)
    for a, b, text in said:
        number = call(grid, "Get interval at time", 1, (a + b) / 2)
        call(grid, "Set interval text", 1, number, text)
    for at_s, text in points:
        call(grid, "Insert point", 2, at_s, text)
    parselmouth.praat.run('Text writing preferences: "UTF-8"')
    with atomic_write(path) as temporary:
        grid.save(str(temporary), "TEXT")


def _read(path: str | PathLike):
    """A TextGrid of any program and system. Raises InputError if it is none, or its encoding is unknown.

    Praat silently skips numbers with a decimal comma, silently reads encodings other than UTF-8 and marked UTF-16 as
    Latin-1, and crashes on some counts; so the text is normalised first.
    """
    import parselmouth

    path = Path(path)
    wrong = InputError("{path} is not a TextGrid.", path=path)
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise InputError("Cannot read {path}: {reason}.", path=path, reason=error.strerror) from None
    if not stored.startswith(_PRAATS_OWN):
        try:
            stored = _plain(_text_of(stored, path)).encode("utf-8")
        except (IndexError, _Unexpected):
            raise wrong from None
    with tempfile.TemporaryDirectory(prefix="rtmri2speech-") as folder:
        copy = Path(folder) / "a.TextGrid"
        copy.write_bytes(stored)
        try:
            grid = parselmouth.read(str(copy))
        except (parselmouth.PraatError, RuntimeError):
            grid = None
    if not isinstance(grid, parselmouth.TextGrid):
        raise wrong
    return grid


_PRAATS_OWN = (b"ooBinaryFile", b'"Praat chronological TextGrid')
# Tokens of a TextGrid: strings, <flags>, and free-standing numbers. All else is comment.
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|<(\w+)>|(?<!\S)([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)(?!\S)')


class _Unexpected(Exception):
    """A token that no TextGrid has at this place."""


def _plain(text: str) -> str:
    """A TextGrid's text, long or short -> short, with decimal points. Raises _Unexpected or IndexError."""
    tokens = [(m.lastindex, m[m.lastindex or 0]) for m in _TOKEN.finditer(text)][::-1]

    def take(kind: int) -> str:
        found, value = tokens.pop()
        if found != kind:
            raise _Unexpected
        return value

    def string() -> str:
        return f'"{take(1)}"'

    def number() -> str:
        value = take(3).replace(",", ".")
        if not abs(float(value)) < 1e6:  # seconds
            raise _Unexpected
        return value

    def span() -> list[str]:
        times = [number(), number()]
        if not float(times[0]) < float(times[1]):
            raise _Unexpected
        return times

    def count() -> int:
        value = take(3)
        if not value.isdecimal() or int(value) > len(tokens):
            raise _Unexpected
        return int(value)

    heading = [string(), string()]
    if heading[1] != '"TextGrid"':
        raise _Unexpected
    lines = [f"File type = {heading[0]}", f"Object class = {heading[1]}", "", *span()]
    if take(2) != "exists":
        raise _Unexpected
    tiers = count()
    lines += ["<exists>", str(tiers)]
    for _ in range(tiers):
        kind = string()
        if kind not in ('"IntervalTier"', '"TextTier"'):
            raise _Unexpected
        lines += [kind, string(), *span()]
        lines.append(str(entries := count()))
        for _ in range(entries):
            lines += [*(span() if kind == '"IntervalTier"' else [number()]), string()]
    return "\n".join([*lines, ""])


_KANA = re.compile("[\u3041-\u30fe]")


def _text_of(stored: bytes, path: Path) -> str:
    """Text in UTF-8, UTF-16 with or without a mark, Shift-JIS or EUC-JP. Raises InputError for other encodings."""
    try:
        if stored[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return stored.decode("utf-16")
        if b"\0" in stored[:2]:
            return stored.decode("utf-16-be" if stored[:1] == b"\0" else "utf-16-le")
        return stored.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    # Japanese text has kana, and hardly any when decoded wrongly; other bytes are ambiguous.
    best, most = "", 0
    for code in ("cp932", "euc_jp"):
        try:
            text = stored.decode(code)
        except UnicodeDecodeError:
            continue
        if (count := len(_KANA.findall(text))) > most:
            best, most = text, count
    if not most:
        raise InputError("{path} is neither in UTF-8 nor in UTF-16: save it as UTF-8, as Praat can.", path=path)
    return best

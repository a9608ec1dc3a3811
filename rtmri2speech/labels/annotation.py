"""Editing of a tier of labels: contiguous intervals (from_s, to_s, text) from 0 to the end of the clip; pauses have an
empty text. Every function returns a new tier."""

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from .textgrid import Interval

Tier = tuple[Interval, ...]
SHORTEST_S = 0.005


def tier_of(intervals: Sequence[Interval], end_s: float) -> Tier:
    """A tier from intervals in any order, cut at the end; gaps become empty intervals.

    Raises InputError on an overlap.
    """
    found: list[Interval] = []
    last_s = 0.0
    for from_s, to_s, text in sorted(intervals):
        from_s, to_s = max(0.0, float(from_s)), min(float(to_s), end_s)
        if to_s - from_s < 1e-6:
            continue
        if from_s < last_s - 1e-6:
            raise InputError("Two labels overlap at {at:.3f} s.", at=from_s)
        if from_s > last_s + 1e-6:
            found.append((last_s, from_s, ""))
        found.append((max(from_s, last_s), to_s, text))
        last_s = to_s
    if end_s - last_s > 1e-6:
        found.append((last_s, end_s, ""))
    return tuple(found)


def with_boundary(tier: Tier, at_s: float) -> Tier:
    """Split the interval at a time; both parts keep its text. Raises InputError within SHORTEST_S of a boundary."""
    number = _around(tier, at_s)
    from_s, to_s, text = tier[number]
    if min(at_s - from_s, to_s - at_s) < SHORTEST_S:
        raise InputError("There is a boundary at {at:.3f} s already.", at=at_s)
    return (*tier[:number], (from_s, at_s, text), (at_s, to_s, text), *tier[number + 1 :])


def moved_boundary(tier: Tier, at_s: float) -> Tier:
    """Move the nearest boundary to a time. Raises InputError without a boundary, or past its neighbours."""
    number = _nearest(tier, at_s)
    (from_s, _, before), (_, to_s, after) = tier[number], tier[number + 1]
    if min(at_s - from_s, to_s - at_s) < SHORTEST_S:
        raise InputError("The boundary cannot be moved past its neighbours.")
    return (*tier[:number], (from_s, at_s, before), (at_s, to_s, after), *tier[number + 2 :])


def without_boundary(tier: Tier, at_s: float) -> Tier:
    """Remove the boundary nearest to a time; the merged interval has both texts. Raises InputError without one."""
    number = _nearest(tier, at_s)
    (from_s, _, before), (_, to_s, after) = tier[number], tier[number + 1]
    text = before if before == after else f"{before}{after}"
    return (*tier[:number], (from_s, to_s, text), *tier[number + 2 :])


def renamed(tier: Tier, at_s: float, text: str) -> Tier:
    """Change the text of the interval at a time."""
    number = _around(tier, at_s)
    return (*tier[:number], (*tier[number][:2], text.strip()), *tier[number + 1 :])


def _around(tier: Tier, at_s: float) -> int:
    return max(0, min(len(tier) - 1, int(np.searchsorted([to_s for _, to_s, _ in tier], at_s, side="right"))))


def _nearest(tier: Tier, at_s: float) -> int:
    """Index of the interval that ends at the nearest inner boundary."""
    if len(tier) < 2:
        raise InputError("There is no boundary yet: add one first.")
    return int(np.argmin([abs(to_s - at_s) for _, to_s, _ in tier[:-1]]))

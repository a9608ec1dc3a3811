"""Means over clips with confidence intervals: each clip counts once, however often it holds a phone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .accumulation import PICTURE, Tally
from .registration import common_head, laid, similarity

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over `clips` clips. low, high: its confidence interval at LEVEL (Student's t over clips), clipped to
    possible values; NaN for one clip."""

    mean: float
    low: float
    high: float
    clips: int


@dataclass(frozen=True)
class Phone:
    """Statistics of one phone. clips: names of those that hold it. frames: their total. shares: band -> region ->
    Estimate. amount: band -> Estimate. maps: band -> (PICTURE, PICTURE) mean over clips, 0 to 1. picture: mean frame.
    """

    label: str
    clips: tuple[str, ...]
    frames: int
    amount: dict[str, Estimate]
    shares: dict[str, dict[str, Estimate]]
    maps: dict[str, np.ndarray]
    picture: np.ndarray


def estimate(values: np.ndarray, least: float = 0.0, most: float = np.inf) -> Estimate:
    """The Estimate of one value a clip, from `least` to `most`; NaN values are ignored."""
    from scipy.stats import t

    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    if not len(known):
        return Estimate(np.nan, np.nan, np.nan, 0)
    mean = float(known.mean())
    if len(known) == 1:
        return Estimate(mean, np.nan, np.nan, 1)
    half = float(t.ppf((1 + LEVEL) / 2, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known)))
    return Estimate(mean, max(mean - half, least), min(mean + half, most), len(known))


def summarise(tallies: Mapping[str, Tally]) -> list[Phone]:
    """Every phone of the clips, sorted by label, registered to their common head."""
    some = next(iter(tallies.values()))
    head = common_head([tally.landmarks for tally in tallies.values()])
    placed = {name: similarity(tally.landmarks, head) for name, tally in tallies.items()}
    pictures = {name: laid(tally.picture, placed[name], PICTURE) for name, tally in tallies.items()}
    phones = []
    for label in sorted({phone for tally in tallies.values() for phone in tally.phones}):
        rows = {name: tally.phones.index(label) for name, tally in tallies.items() if label in tally.phones}
        own = {name: tallies[name] for name in rows}
        amount, shares, maps = {}, {}, {}
        for b, band in enumerate(some.bands):
            amount[band] = estimate(np.array([tally.amount[rows[name], b] for name, tally in own.items()]))
            of_band = np.array([tally.shares[rows[name], b] for name, tally in own.items()])
            shares[band] = {region: estimate(of_band[:, k], most=1.0) for k, region in enumerate(some.regions)}
            maps[band] = _mean([laid(tally.maps[rows[name], b], placed[name], PICTURE) for name, tally in own.items()])
        frames = int(sum(tally.frames[rows[name]] for name, tally in own.items()))
        picture = _mean([pictures[name] for name in own])
        phones.append(Phone(label, tuple(own), frames, amount, shares, maps, picture))
    return phones


def _mean(pictures: list[np.ndarray]) -> np.ndarray:
    """Mean of each pixel over the pictures that cover it; 0 where none does."""
    stacked = np.stack(pictures)
    there = np.isfinite(stacked)
    return (np.where(there, stacked, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)).astype(np.float32)

"""Sums of one labelled clip, phone by phone: mean maps, attribution, and its shares by region."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.region_attribution import SurfaceMasks, attribute_to_regions
from ..analysis.result import Analysis
from ..anatomy.regions import NAMES, Regions
from ..attribution.normalisation import display_grid
from ..clips.preprocessing import prepare_frames
from ..errors import InputError
from ..files import atomic_write
from ..labels.textgrid import Interval

# Labels of pauses.
PAUSES = {"", "sil", "sp", "spn", "pau", "pause", "silb", "sile", "_", "#", "<sil>", "<p:>", "<p>"}
PICTURE = 128  # pixels along a side of the mean picture
_LEAST_SHARE = 0.5  # least share of frames with a region for its landmark
LANDMARKS = NAMES[1:]


@dataclass(frozen=True)
class Tally:
    """Means of one clip over the frames of each phone: P phones, B bands.

    frames: (P,) number of explained frames. maps: (P, B, h, w) mean heatmap on the clip's own scale, 0 to 1, with faces
    to the left. amount: (P, B) mean attribution a frame. shares: (P, B, regions) its shares in `regions`; NaN without
    regions. picture: (PICTURE, PICTURE) mean frame, 0 to 1. landmarks: (len(LANDMARKS), 2) centroid of each region, x
    and y from 0 to 1; NaN where it is absent from most frames.
    """

    phones: tuple[str, ...]
    bands: tuple[str, ...]
    regions: tuple[str, ...]
    frames: np.ndarray
    maps: np.ndarray
    amount: np.ndarray
    shares: np.ndarray
    picture: np.ndarray
    landmarks: np.ndarray

    def save(self, path: Path) -> None:
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            arrays: dict[str, Any] = {name: np.asarray(value) for name, value in vars(self).items()}
            np.savez_compressed(file, **arrays)

    @classmethod
    def read(cls, path: Path) -> "Tally":
        with np.load(path, allow_pickle=False) as data:
            values: dict[str, Any] = {name: data[name] for name in data.files}
        for name in ("phones", "bands", "regions"):
            values[name] = tuple(map(str, values[name]))
        return cls(**values)


def phone_of_each_frame(intervals: Sequence[Interval], count: int, fps: float) -> list[str]:
    """The label at the midpoint of each of `count` frames; "" in pauses and without a label."""
    said = [""] * count
    for start_s, end_s, label in intervals:
        label = label.strip()
        if label.lower() not in PAUSES:
            for frame in range(max(0, int(np.ceil(start_s * fps - 0.5))), min(count, int(np.ceil(end_s * fps - 0.5)))):
                said[frame] = label
    return said


def accumulate(analysis: Analysis, regions: Regions, intervals: Sequence[Interval]) -> Tally:
    """The Tally of an analysed clip. regions: of the analysis' model_frames. Raises InputError if no labelled frame
    has speech."""
    count = len(analysis.mel_db)
    said = np.array(phone_of_each_frame(intervals, count, analysis.fps))
    explained = np.isin(np.arange(count), analysis.explained)
    phones = tuple(sorted({str(phone) for phone in said[explained]} - {""}))
    if not phones:
        raise InputError("No frame with a label holds speech.")
    bands = tuple(band.name for band in analysis.bands)
    usable, mirrored = regions.verdict.usable, regions.verdict.usable and regions.facing == "right"
    account = attribute_to_regions(analysis, SurfaceMasks(regions))
    names = tuple(account.bands[bands[0]].shares)
    frames = np.array([np.count_nonzero((said == phone) & explained) for phone in phones])
    maps, amount = [], np.empty((len(phones), len(bands)))
    shares = np.full((len(phones), len(bands), len(names)), np.nan)
    heats = {band: display_grid(analysis.cam[band], "clip", analysis.speech) for band in bands}
    for p, phone in enumerate(phones):
        rows = np.flatnonzero((said == phone) & explained)
        there = {band: rows[analysis.has_map(band)[rows]] for band in bands}
        none = np.full(next(iter(heats.values())).shape[1:], np.nan)
        maps.append([heats[band][there[band]].mean(axis=0) if len(there[band]) else none for band in bands])
        for b, band in enumerate(bands):
            attribution = account.bands[band]
            amount[p, b] = attribution.amount[there[band]].mean() if len(there[band]) else np.nan
            if usable:
                shares[p, b] = [np.nan if v is None else v for v in attribution.mean_shares(rows).values()]
    picture = prepare_frames(analysis.model_frames, PICTURE).mean(axis=0)
    landmarks = _landmarks(regions) if usable else np.full((len(LANDMARKS), 2), np.nan)
    heat = np.array(maps, np.float32)
    if mirrored:
        heat, picture = heat[..., ::-1], picture[:, ::-1]
        landmarks[:, 0] = 1 - landmarks[:, 0]
    return Tally(phones, bands, names, frames, heat, amount, shares, picture, landmarks)


def _landmarks(regions: Regions) -> np.ndarray:
    """(len(LANDMARKS), 2) median over frames of each region's centroid."""
    side = regions.labels.shape[1]
    centres = (np.arange(side) + 0.5) / side
    found = np.full((len(LANDMARKS), 2), np.nan)
    for k, name in enumerate(LANDMARKS):
        mask = regions.mask(name)
        size = mask.sum(axis=(1, 2))
        there = size > 0
        if there.mean() >= _LEAST_SHARE:
            x, y = mask.sum(axis=1)[there] @ centres, mask.sum(axis=2)[there] @ centres
            found[k] = np.median(np.stack([x, y], axis=1) / size[there, None], axis=0)
    return found

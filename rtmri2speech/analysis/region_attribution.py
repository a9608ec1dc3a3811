"""Attribution by region: each region's share of a band's attribution in every frame. Table, tracks, CSV and exports
are made from it.

    account = attribute_to_regions(analysis, SurfaceMasks(regions))  # or region -> (T, H, W) bool, the model's picture
    account.bands["F2"].shares["tongue_front"][12]   # its share of the attribution in frame 12
    account.bands["F2"].amount[12]             # the attribution of frame 12

The attribution of a frame is the positive part of its CAM. Its amount is the sum over the map's cells: to first order
what they add to the energy, in the energy's unit. Shares are computed on the map upsampled to the picture (linear, as a
cell is far larger than most articulators), within each frame's masks. Pixels in no region are "elsewhere"; the shares
of disjoint regions and elsewhere sum to 1.

Amount and shares are NaN in silent frames, unless the analysis shows silence, and where a tracked formant is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add

import cv2
import numpy as np

from ..anatomy.regions import Regions
from ..anatomy.surfaces import SURFACES, surface_labels
from ..attribution.targets import unit_of
from ..clips.frame_rate import clip_frame_of_each
from ..errors import InputError
from .result import Analysis

ELSEWHERE = "elsewhere"
# The disjoint regions of tables and tracks; other pixels are elsewhere.
NAMED_REGIONS = (
    "lips", "tongue", "velum", "jaw", "hard_palate", "pharynx_wall", "larynx", "airway", "brain", "spine",
)  # fmt: skip
ARTICULATORS = (*NAMED_REGIONS[: NAMED_REGIONS.index("airway")], "tongue_front", "tongue_back")
WEAK = 0.05  # strength of attribution below which no region is called leading
SHORTEST_LEAD = 2  # frames; a shorter lead is not a change
_CHUNK = 64  # frames at once: bounds the memory of masks as numbers


@dataclass(frozen=True)
class Change:
    """At `frame` the leading region changes from `origin` to `to`."""

    frame: int
    origin: str
    to: str


@dataclass(frozen=True)
class BandAttribution:
    """One band's attribution by region in T frames; NaN in frames without a map.

    amount: (T,) attribution in the whole picture, in `unit` (targets.unit_of). strength: (T,) the amount divided by its
    95th percentile over the clip, clipped to 0 to 1. shares: region, and ELSEWHERE -> (T,), 0 to 1.
    """

    amount: np.ndarray
    unit: str
    strength: np.ndarray
    shares: dict[str, np.ndarray]

    @property
    def leading(self) -> list[str | None]:
        """The region with the largest share in each frame; None below WEAK strength."""
        return self._leading_of(list(self.shares))

    def _leading_of(self, names: list[str]) -> list[str | None]:
        values = np.stack([self.shares[name] for name in names])
        told = (self.strength >= WEAK) & np.isfinite(values).all(axis=0)
        largest = np.nan_to_num(values).argmax(axis=0)
        return [names[k] if there else None for k, there in zip(largest, told, strict=True)]

    @property
    def changes(self) -> list[Change]:
        """Changes of the leading articulator that last SHORTEST_LEAD frames of speech or more.

        Air and elsewhere are left out, unless there is no articulator.
        """
        known = [name for name in self.shares if name in ARTICULATORS] or list(self.shares)
        led = [(frame, name) for frame, name in enumerate(self._leading_of(known)) if name is not None]
        found, origin = [], None
        for place, (frame, name) in enumerate(led):
            lead = [later for _, later in led[place : place + SHORTEST_LEAD]]
            if name == origin or lead != [name] * SHORTEST_LEAD:
                continue
            if origin is not None:
                found.append(Change(frame, origin, name))
            origin = name
        return found

    def mean_shares(self, frames: Sequence[int] | np.ndarray | None = None) -> dict[str, float | None]:
        """Each region's share of the summed attribution of these frames (None: all); None without attribution."""
        chosen = np.arange(len(self.amount)) if frames is None else np.asarray(frames, int)
        amount = np.nan_to_num(self.amount[chosen])
        if not amount.sum() > 0:
            return dict.fromkeys(self.shares)
        return {
            name: float(np.nan_to_num(share[chosen]) @ amount / amount.sum()) for name, share in self.shares.items()
        }


@dataclass(frozen=True)
class RegionAttribution:
    """silent: (T,) bool. time_s: (T,) start of each of the model's frames. source_frame, source_time_s: (T,) index and
    start of the clip's own frame at its midpoint. areas: region, and ELSEWHERE -> (T,) share of the picture. bands:
    name -> BandAttribution.
    """

    silent: np.ndarray
    time_s: np.ndarray
    source_frame: np.ndarray
    source_time_s: np.ndarray
    areas: dict[str, np.ndarray]
    bands: dict[str, BandAttribution]


@dataclass(frozen=True)
class RegionSums:
    """Sums of attribution by region in T frames, silent ones included: the only part that needs masks.

    amount: band -> (T,) sum of the CAM's positive part. within: band -> region, and ELSEWHERE -> (T,) its part of that
    sum. areas: region -> (T,) share of the picture.
    """

    amount: dict[str, np.ndarray]
    within: dict[str, dict[str, np.ndarray]]
    areas: dict[str, np.ndarray]

    def __add__(self, later: "RegionSums") -> "RegionSums":
        """Concatenates the sums of later frames."""
        within = {band: _joined(of_band, later.within[band]) for band, of_band in self.within.items()}
        return RegionSums(_joined(self.amount, later.amount), within, _joined(self.areas, later.areas))


def region_sums(masks: Mapping[str, np.ndarray], cams: Mapping[str, np.ndarray], count: int) -> RegionSums:
    """Sums of each band's CAM (count, h, w) by region, in chunks of frames. masks, errors: as attribute_to_regions."""
    found = []
    for first in range(0, count, _CHUNK):
        stop = min(first + _CHUNK, count)
        positive = {band: np.maximum(cam[first:stop], 0).astype(np.float64) for band, cam in cams.items()}
        within: dict[str, dict[str, np.ndarray]] = {band: {} for band in cams}
        areas = {}
        for region, drawn in with_elsewhere(_between(masks, first, stop, count), stop - first):
            areas[region] = np.broadcast_to(drawn.mean(axis=(1, 2)), stop - first)
            weights = {grid: cell_weights(drawn, *grid) for grid in {heat.shape[1:] for heat in positive.values()}}
            for band, heat in positive.items():
                within[band][region] = (heat * weights[heat.shape[1:]]).sum(axis=(1, 2))
        found.append(RegionSums({band: heat.sum(axis=(1, 2)) for band, heat in positive.items()}, within, areas))
    return reduce(add, found)


def _joined(earlier: Mapping[str, np.ndarray], later: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([values, later[name]]) for name, values in earlier.items()}


def _between(masks: Mapping[str, np.ndarray], first: int, stop: int, count: int) -> Mapping[str, np.ndarray]:
    """The masks of these of `count` frames alone."""
    if isinstance(masks, RegionMasks):
        return (
            replace(masks, regions=masks.regions.at(np.arange(first, stop))) if len(masks.regions) == count else masks
        )
    for name, drawn in masks.items():
        _check_mask(name, drawn, drawn.shape[1:], count)
    return {name: drawn[first:stop] if len(drawn) == count else drawn for name, drawn in masks.items()}


def attribute_to_regions(analysis: Analysis, masks: Mapping[str, np.ndarray]) -> RegionAttribution:
    """The attribution of an analysis by region.

    masks: name -> bool (T, H, W) of any size on the model's picture (preprocessing.prepare_frames), or (1, H, W) for a
    static region. Raises InputError where a mask does not fit the frames.
    """
    return attribution_of_sums(analysis, region_sums(masks, analysis.cam, len(analysis.mel_db)))


def attribution_of_sums(analysis: Analysis, places: RegionSums) -> RegionAttribution:
    """attribute_to_regions from sums computed before."""
    explained = np.zeros(len(analysis.mel_db), bool)
    explained[analysis.explained] = True
    units = {band.name: unit_of(band, analysis.energy) for band in analysis.bands}
    bands = {}
    for name, amount in places.amount.items():
        mapped = ~np.isnan(analysis.tracked_hz[name]) if name in analysis.tracked_hz else np.ones_like(explained)
        speech = analysis.speech[mapped[analysis.speech]]
        bands[name] = _evidence(amount, places.within[name], explained & mapped, speech, units[name])
    source_frame = clip_frame_of_each(analysis.clip, analysis.fps)
    return RegionAttribution(
        silent=analysis.silent,
        time_s=np.arange(len(analysis.mel_db)) / analysis.fps,
        source_frame=source_frame,
        source_time_s=analysis.clip.times_s[source_frame],
        areas=places.areas,
        bands=bands,
    )


def cell_weights(masks: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Share of each cell's attribution within a mask after upsampling: bool (T, H, W) -> (T, rows, columns), 0 to 1.

    The weights of linear interpolation with half-pixel alignment, as in cv2.resize, summed over the mask's pixels.
    """
    height, width = masks.shape[1:]
    down = cv2.resize(np.eye(rows, dtype=np.float32), (rows, height), interpolation=cv2.INTER_LINEAR)
    across = cv2.resize(np.eye(columns, dtype=np.float32), (columns, width), interpolation=cv2.INTER_LINEAR)
    down, across = down * (rows / height), across * (columns / width)
    # Columns first, for all frames at once: one large product is several times faster than many small ones.
    narrow = [
        (masks[k : k + _CHUNK].reshape(-1, width).astype(np.float32) @ across).reshape(-1, height, columns)
        for k in range(0, len(masks), _CHUNK)
    ]
    return np.concatenate([down.T @ part for part in narrow])


@dataclass(frozen=True)
class RegionMasks(Mapping):
    """The masks of NAMED_REGIONS, drawn lazily: all at once would fill the memory."""

    regions: Regions

    def __getitem__(self, name: str) -> np.ndarray:
        return self.regions.mask(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMED_REGIONS)

    def __len__(self) -> int:
        return len(NAMED_REGIONS)


@dataclass(frozen=True)
class SurfaceMasks(RegionMasks):
    """The masks of anatomy.surfaces.SURFACES: articulators with the air along them."""

    @cached_property
    def _labels(self) -> np.ndarray:
        return surface_labels(self.regions)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._labels == SURFACES.index(name)

    def __iter__(self) -> Iterator[str]:
        return iter(SURFACES)

    def __len__(self) -> int:
        return len(SURFACES)


def with_elsewhere(masks: Mapping[str, np.ndarray], count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yields each region's mask, then that of the pixels in none. Raises InputError for a mask that does not fit."""
    if not masks:
        raise InputError("There is no region to account for: give at least one.")
    size = next(iter(masks.values())).shape[1:]
    anywhere = np.zeros((1, *size), bool)
    for name, drawn in masks.items():
        _check_mask(name, drawn, size, count)
        drawn = drawn.astype(bool, copy=False)
        anywhere = anywhere | drawn
        yield name, drawn
    yield ELSEWHERE, ~anywhere


def _check_mask(name: str, drawn: np.ndarray, size: tuple[int, ...], count: int) -> None:
    if drawn.ndim != 3 or len(drawn) not in (1, count) or drawn.shape[1:] != size:
        raise InputError(
            "The mask of {name} is {shape}: one picture for each of the {count} frames is needed, all of one size.",
            name=name,
            shape=drawn.shape,
            count=count,
        )


def _evidence(
    amount: np.ndarray, within: Mapping[str, np.ndarray], explained: np.ndarray, speech: np.ndarray, unit: str
) -> BandAttribution:
    amount = np.where(explained, amount, np.nan)
    strong = np.percentile(amount[speech] if len(speech) else np.nan_to_num(amount), 95)
    strength = np.clip(np.nan_to_num(amount) / strong, 0, 1) if strong > 0 else np.zeros(len(amount))
    there = np.where(amount > 0, amount, np.nan)
    return BandAttribution(amount, unit, strength, {name: part / there for name, part in within.items()})

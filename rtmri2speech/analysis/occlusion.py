"""Occlusion ("Hide and listen"): occlude part of the picture, synthesise again, and measure the change.

Occlusion (M. Zeiler and R. Fergus, ECCV 2014) measures the model's output, unlike a heatmap. The model has never seen
an occluded picture: a change shows that it used the region, not how a speaker without it would sound.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import torch

from ..anatomy.polygons import Region, joint_mask
from ..anatomy.regions import Regions, members, on_clip
from ..attribution.band_targets import band_values
from ..clips.clip import Clip
from ..clips.disk_array import DiskArray, release_pages
from ..clips.masking import mean_picture, mixed
from ..errors import InputError
from ..files import atomic_write
from ..models.bundle import Bundle
from ..progress import UNSEEN, Progress
from ..spec import MelSpec
from ..speech.metrics import mcd
from .pipeline import analyse
from .region_attribution import NAMED_REGIONS, RegionMasks, RegionSums, attribution_of_sums, region_sums
from .result import Analysis

MANNERS = ("dark", "still")  # fill: zero, or the temporal mean
_AT_ONCE = 256  # frames a chunk: bounds the memory of a long clip
_MOST_JSON = 100_000
_RESCALED_LEVELS = 2  # gray levels of 255


@dataclass(frozen=True)
class Occlusion:
    """What to occlude, with which fill (`manner`, of MANNERS), at which strength (0 to 1), and in which frames.

    regions: static polygons. moving: names of anatomy's regions or groups, occluded as they move. stretch: interval,
    first and last of the model's frames, both included; None: the whole clip.
    """

    regions: tuple[Region, ...] = ()
    manner: str = "dark"
    strength: float = 1.0
    stretch: tuple[int, int] | None = None
    moving: tuple[str, ...] = ()

    def __post_init__(self):
        for name in self.moving:
            members(name)
        if not self.regions and not self.moving:
            raise InputError("Nothing is hidden yet: choose a region or draw one.")
        if self.manner not in MANNERS:
            raise InputError(
                "A region is hidden by {known}, not {given!r}.", known=" or ".join(MANNERS), given=self.manner
            )


@dataclass(frozen=True)
class OcclusionResult:
    """The analyses before and after an occlusion, and their difference.

    mask: (H, W) in [0, 1], or (T, H, W) where regions move. stretch: first and last occluded frame. change_db: band ->
    (T,), energy after minus before (tilt: dB per octave). A formant-tracking band keeps its track from before: NaN
    where that was not measured. spoken, silent: indices of the occluded frames with and without speech before.
    mean_change_db, mean_size_db: band -> mean change and mean absolute change over the spoken frames;
    silent_change_db, silent_size_db: over the silent ones; None without any such frame. mcd_db: mel-cepstral distortion
    over the spoken frames, None without any.
    rescaled_share: share of the occluded frames, 0 to 1, that lost their darkest or brightest level. The model scales
    each frame by these two levels, so there the rest of the picture changed, too.
    """

    before: Analysis
    after: Analysis
    hiding: Occlusion
    mask: np.ndarray
    stretch: tuple[int, int]
    change_db: dict[str, np.ndarray]
    spoken: np.ndarray
    silent: np.ndarray
    mean_change_db: dict[str, float | None]
    mean_size_db: dict[str, float | None]
    silent_change_db: dict[str, float | None]
    silent_size_db: dict[str, float | None]
    mcd_db: float | None
    rescaled_share: float

    def mask_at(self, frame: int) -> np.ndarray:
        """The mask of this frame: (H, W) in [0, 1]."""
        return self.mask if self.mask.ndim == 2 else self.mask[frame].astype(np.float32)

    @property
    def difference_db(self) -> np.ndarray:
        """(T, n_mels): the mel after minus that before."""
        return self.after.mel_db - self.before.mel_db

    @property
    def same(self) -> bool:
        """Whether both waveforms are identical, sample by sample."""
        return np.array_equal(self.before.audio, self.after.audio)


def occlude(
    bundle: Bundle,
    analysis: Analysis,
    hiding: Occlusion,
    progress: Progress = UNSEEN,
    anatomy: Regions | None = None,
    speak: bool = True,
    by: Callable[..., Analysis] = analyse,
) -> OcclusionResult:
    """Occlude regions of an analysed clip and analyse it again with the same bundle and settings, without maps.

    anatomy: the regions of the model's frames, needed for hiding.moving. speak: False skips the vocoder. by: analyse,
    or analyse_in_chunks for a clip that was analysed in chunks. progress: as for `analyse`. Raises InputError for a
    region outside the picture, a strength outside 0 to 1, or an interval outside the clip.
    """
    frames = analysis.model_frames
    first, last = (0, len(frames) - 1) if hiding.stretch is None else hiding.stretch
    if not 0 <= first <= last < len(frames):
        raise InputError(
            "There is no stretch from frame {first} to {last}: the clip has frames 0 to {end}.",
            first=first,
            last=last,
            end=len(frames) - 1,
        )
    hidden, mask, rescaled = _covered_up(frames, hiding, (first, last), anatomy)
    clip = Clip(hidden, np.arange(len(frames) + 1) / analysis.fps, source=analysis.clip.source)
    after = by(
        bundle,
        clip,
        settings=replace(analysis.settings, bands=()),  # nobody looks at the maps of an occluded clip
        original=analysis.original,
        speak=speak,
        view=analysis.view,
        progress=progress,
    )
    change_db = band_changes(bundle.mel, analysis, after)
    spoken = analysis.speech
    spoken = spoken[(spoken >= first) & (spoken <= last)]
    silent = np.setdiff1d(np.arange(first, last + 1), spoken)
    size_db = {name: np.abs(change) for name, change in change_db.items()}
    return OcclusionResult(
        before=analysis,
        after=after,
        hiding=hiding,
        mask=mask,
        stretch=(first, last),
        change_db=change_db,
        spoken=spoken,
        silent=silent,
        mean_change_db=mean_changes(change_db, spoken),
        mean_size_db=mean_changes(size_db, spoken),
        silent_change_db=mean_changes(change_db, silent),
        silent_size_db=mean_changes(size_db, silent),
        mcd_db=mcd(analysis.mel_db[spoken], after.mel_db[spoken]) if len(spoken) else None,
        rescaled_share=float(rescaled.mean()),
    )


@dataclass(frozen=True)
class RegionOcclusion:
    """The effect of occluding one moving region, over the occluded frames with speech.

    area: its mean share of the picture, 0 to 1. share: band -> its share of the attribution (None: no attribution).
    size_db, change_db: band -> mean absolute change and mean change of the energy. mcd_db: as in OcclusionResult.
    """

    name: str
    area: float
    share: dict[str, float | None]
    size_db: dict[str, float | None]
    change_db: dict[str, float | None]
    mcd_db: float


def occlude_each(
    bundle: Bundle,
    analysis: Analysis,
    anatomy: Regions,
    manner: str = "dark",
    strength: float = 1.0,
    stretch: tuple[int, int] | None = None,
    progress: Progress = UNSEEN,
    by: Callable[..., Analysis] = analyse,
) -> list[RegionOcclusion]:
    """Occlude each of the clip's regions (region_attribution.NAMED_REGIONS) in turn; sorted by MCD, largest first.

    by: as for `occlude`. Raises InputError as `occlude` does, and where the regions are unusable or the interval holds
    no speech.
    """
    if not anatomy.verdict.usable:
        raise InputError("There are no regions to hide: no head in profile was found.")
    first, last = (0, len(analysis.mel_db) - 1) if stretch is None else stretch
    spoken = analysis.speech[(analysis.speech >= first) & (analysis.speech <= last)]
    if not len(spoken):
        raise InputError("The model does not speak in these frames: there is nothing to compare.")
    places, areas = _places_and_areas(analysis, anatomy)
    account = attribution_of_sums(analysis, places)
    shares = {name: attribution.mean_shares(spoken) for name, attribution in account.bands.items()}
    there = [name for name in NAMED_REGIONS if areas[name].any()]
    rows = []
    for number, name in enumerate(there):
        asked = Occlusion((), manner, strength, stretch, (name,))
        part = progress.part(None, number / len(there), (number + 1) / len(there))
        hidden = occlude(bundle, analysis, asked, part, anatomy, speak=False, by=by)
        rows.append(
            RegionOcclusion(
                name,
                float(areas[name][spoken].mean()),
                {band: share[name] for band, share in shares.items()},
                hidden.mean_size_db,
                hidden.mean_change_db,
                hidden.mcd_db or 0.0,
            )
        )
    return sorted(rows, key=lambda row: -row.mcd_db)


def write_region_occlusions(path: Path, rows: Sequence[RegionOcclusion]) -> None:
    """Write a CSV file, a row per region: area_percent, mcd_db, and for each band NAME_share_percent (empty: no
    attribution), NAME_size_db and NAME_change_db."""
    bands = list(rows[0].share) if rows else []
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        of_band = [f"{band}_{what}" for band in bands for what in ("share_percent", "size_db", "change_db")]
        writer.writerow(["region", "area_percent", "mcd_db", *of_band])
        for row in rows:
            shares = {band: "" if share is None else 100 * share for band, share in row.share.items()}
            numbers = [value for band in bands for value in (shares[band], row.size_db[band], row.change_db[band])]
            writer.writerow([row.name, 100 * row.area, row.mcd_db, *numbers])


def _spans(count: int) -> Iterator[slice]:
    return (slice(first, min(first + _AT_ONCE, count)) for first in range(0, count, _AT_ONCE))


def _covered_up(
    frames: np.ndarray, hiding: Occlusion, stretch: tuple[int, int], anatomy: Regions | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The occluded frames, the mask as in OcclusionResult, and for each frame of the interval whether it lost its
    darkest or brightest level."""
    if hiding.moving and (anatomy is None or len(anatomy) != len(frames)):
        raise InputError("A region that moves can only be hidden once the clip's regions have been found.")
    drawn, (first, last) = joint_mask(hiding.regions, *frames.shape[1:]), stretch
    # the mean is over the whole clip, so that the fill does not depend on the interval
    instead = mean_picture(frames) if hiding.manner == "still" else np.zeros(frames.shape[1:], np.float32)
    changed, covered, rescaled, anything = DiskArray(), DiskArray(), [], False
    for span in _spans(len(frames)):
        shown, number = frames[span], np.arange(span.start, span.stop)
        mask = drawn if anatomy is None or not hiding.moving else _with_moving(drawn, hiding.moving, anatomy.at(number))
        anything = anything or bool(mask.any())
        made = np.array(shown)
        here = (number >= first) & (number <= last)
        made[here] = mixed(shown[here], instead, mask[here] if mask.ndim == 3 else mask, hiding.strength)
        rescaled.append(_is_rescaled(shown[here], made[here]))
        changed.add(made)
        if anatomy is not None and hiding.moving:
            covered.add(mask)
            release_pages(anatomy.labels)
        release_pages(frames)
    if not anything:
        raise InputError("The region lies outside the picture: move it back, or make it larger.")
    return changed.whole(), covered.whole() if hiding.moving else drawn, np.concatenate(rescaled)


def _with_moving(drawn: np.ndarray, moving: Sequence[str], anatomy: Regions) -> np.ndarray:
    """The union of the static mask (H, W) and the moving regions: (n, H, W) bool."""
    covered = np.repeat(drawn[None] >= 0.5, len(anatomy), axis=0)
    for name in moving:
        for t, mask in enumerate(anatomy.mask(name)):
            covered[t] |= on_clip(mask, drawn.shape) >= 0.5
    return covered


def _places_and_areas(analysis: Analysis, anatomy: Regions) -> tuple[RegionSums, dict[str, np.ndarray]]:
    """The sums of attribution by region, and region -> (T,) its share of the picture."""
    places, areas = [], []
    for span in _spans(len(anatomy)):
        here = anatomy.at(np.arange(span.start, span.stop))
        cams = {name: cam[span] for name, cam in analysis.cam.items()}
        places.append(region_sums(RegionMasks(here), cams, len(here)))
        areas.append({name: here.area(name) for name in NAMED_REGIONS})
        release_pages(anatomy.labels)
    return reduce(add, places), {name: np.concatenate([area[name] for area in areas]) for name in NAMED_REGIONS}


def band_changes(spec: MelSpec, before: Analysis, after: Analysis) -> dict[str, np.ndarray]:
    """Energy of each band in `after` minus that in `before`: band -> (T,), as OcclusionResult.change_db."""
    values = [
        band_values(spec, torch.from_numpy(made.mel_db), before.bands, before.tracked_hz) for made in (before, after)
    ]
    return {name: values[1][name] - db for name, db in values[0].items()}


def mean_changes(change_db: Mapping[str, np.ndarray], frames: np.ndarray) -> dict[str, float | None]:
    """Mean of each change over frames (indices); None without any frame, or without any that has the tracked
    formant."""
    there = {name: change[frames][~np.isnan(change[frames])] for name, change in change_db.items()}
    return {name: float(change.mean()) if len(change) else None for name, change in there.items()}


def read_occlusion(text: str, stretch: tuple[int, int] | None) -> Occlusion:
    """The occlusion that the page's drawing canvas asks for, as JSON:

        {"regions": ["tongue"], "own": [[[x, y], ...]], "manner": "dark", "strength": 1, "where": "clip" or "stretch"}

    regions are anatomy's and move; own polygons are static. `stretch`: the interval chosen in the explorer; None: the
    whole clip. Raises InputError for anything else, as the text comes from a browser.
    """
    asked = read_drawing(text)
    own = tuple(Region(f"own-{number}", polygon) for number, polygon in enumerate(asked["own"], 1))
    return Occlusion(
        own, asked["manner"], asked["strength"], stretch if asked["where"] == "stretch" else None, asked["regions"]
    )


def read_drawing(text: str) -> dict:
    """The drawing canvas' JSON with checked types. Raises InputError for anything else."""
    wrong = InputError("The drawing cannot be read: choose the region again.")
    if not isinstance(text, str) or len(text) > _MOST_JSON:
        raise wrong
    try:
        asked = json.loads(text)
        return {
            "regions": tuple(str(name) for name in asked["regions"]),
            "own": [tuple((float(x), float(y)) for x, y in polygon) for polygon in asked["own"]],
            "manner": str(asked["manner"]),
            "strength": float(asked["strength"]),
            "where": asked["where"],
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise wrong from None


def _is_rescaled(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    moved = [
        np.abs(level(before, axis=(1, 2)).astype(int) - level(after, axis=(1, 2))) > _RESCALED_LEVELS
        for level in (np.min, np.max)
    ]
    return moved[0] | moved[1]

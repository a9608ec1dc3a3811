"""evaluate_faithfulness(bundle, analysis, masks) -> FaithfulnessReport; __init__.py describes the tests."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce

import cv2
import numpy as np

from ...analysis.region_attribution import WEAK, BandAttribution, attribute_to_regions, cell_weights, with_elsewhere
from ...analysis.result import Analysis
from ...anatomy.regions import GROUPS
from ...attribution.formant_targets import tracked_bins
from ...attribution.targets import Target, target_of, tracked_energy
from ...errors import InputError
from ...models.bundle import Bundle
from ...progress import UNSEEN, Progress
from ...spec import Band
from ...speech.mel import centre_frequencies_hz
from . import randomisation
from .perturbation import ModelInput, Perturbation
from .rank_correlation import rank_correlation
from .report import (
    BLOCK_FRAMES,
    FEWEST_BLOCKS,
    FEWEST_FRAMES,
    MOST_FRAMES,
    RANDOMISED,
    SHARES,
    SIGNIFICANT,
    TENTH,
    TIMES,
    BandFaithfulness,
    Curves,
    FaithfulnessReport,
    RegionFaithfulness,
    localisation_weight,
)

RANDOM_DRAWS = 3  # random deletions of a tenth
_OF_ALL = 2 * len(SHARES) + RANDOM_DRAWS - 1 + randomisation.DRAWS * len(RANDOMISED)  # steps shared by all bands
_OF_EACH = 4 * len(SHARES)  # steps per band: most and least salient, deleted and inserted
_RESAMPLINGS = 1000
_MARGIN_SHARE = 1 / 64  # of the picture's width, occluded around a region, as its outline shows its shape
_INAUDIBLE_DB = 0.05  # least random change to divide by


def evaluate_faithfulness(
    bundle: Bundle,
    analysis: Analysis,
    masks: Mapping[str, np.ndarray] | None = None,
    *,
    most_frames: int = MOST_FRAMES,
    seed: int = 0,
    progress: Progress = UNSEEN,
) -> FaithfulnessReport:
    """Test the faithfulness of the maps of an analysis that this bundle made.

    masks: regions, as attribute_to_regions takes them, named as in anatomy.regions. progress: its stage is "trust".
    Only maps of a frame's own energy are tested (`testable_bands`). A formant-tracking band is tested where its formant
    was measured, and keeps its track during occlusion. Raises InputError where no band can be tested, and for maps of
    the objective "sequence".
    """
    if analysis.settings.objective != "frame":
        raise InputError("Only maps of the objective frame can be judged: each explains the energy of its own frame.")
    bands = testable_bands(analysis)
    if not bands:
        raise InputError(
            "Only maps of a band's energy can be judged, not those of its frequency, of a box, or of the spectrum's "
            "tilt."
        )
    picture = np.ones((1, analysis.frame_size, analysis.frame_size), bool)
    tract = _tract(masks or {})
    area = picture if tract is None else tract
    account = attribute_to_regions(analysis, masks or {"picture": picture})
    frames_of = _chosen(analysis, {band.name: account.bands[band.name] for band in bands}, most_frames)
    judged = {name: BandFaithfulness("untested", tuple(frames.tolist())) for name, frames in frames_of.items()}
    enough = {
        name: frames
        for name, frames in frames_of.items()
        if len(frames) >= FEWEST_FRAMES and len(_blocks(frames)) >= FEWEST_BLOCKS
    }
    if enough:
        frames = np.unique(np.concatenate(list(enough.values())))
        rows = {name: np.searchsorted(frames, own) for name, own in enough.items()}
        targets = {band.name: _energy_at(bundle, analysis, band) for band in bands}
        hiding = Perturbation(ModelInput(bundle, analysis), frames, targets, _at(area, frames))
        cams = {name: analysis.cam[name][own] for name, own in enough.items()}
        tell = _Counter(progress, _OF_ALL + len(masks or {}) + 1 + _OF_EACH * len(rows))
        shared = _SharedTrials(hiding, analysis.grid or 1, masks or {}, len(analysis.mel_db), seed, tell)
        likeness = randomisation.correlation_with_random_weights(hiding, rows, cams, seed, tell)
        for name in enough:
            band_trust = _judged(hiding, name, rows[name], cams[name], account.bands[name], shared, tell)
            judged[name] = replace(band_trust, random_weights=likeness[name])
    return FaithfulnessReport(
        judged, "picture" if tract is None else "tract", analysis.grid, localisation_weight(bundle)
    )


def testable_bands(analysis: Analysis) -> list[Band]:
    """The bands whose maps `evaluate_faithfulness` can test: energy of the frame itself, no boxes, no tilt."""
    if analysis.settings.objective != "frame":
        return []
    energy = [band for band in analysis.bands if band.of != "tilt" and band.from_s is None]
    return [band for band in energy if band.of == "loudness" or analysis.energy != "hz"]


def _energy_at(bundle: Bundle, analysis: Analysis, band: Band) -> Callable[[np.ndarray], Target]:
    """Function of frame indices -> target: the band's energy, for a formant-tracking band at its place in each
    frame."""
    if band.formant is None:
        return lambda frames: target_of(bundle.mel, band)
    bins, hz = tracked_bins(band, analysis.tracked_hz[band.name], bundle.mel), centre_frequencies_hz(bundle.mel)
    return lambda frames: tracked_energy(bins[frames], hz)


def _tract(masks: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Union of the masks of the vocal tract, bool (T, H, W) or (1, H, W); None without any."""
    tract = None
    for name in masks:
        if name in GROUPS or name in GROUPS["tract"]:
            tract = masks[name] if tract is None else tract | masks[name]
    return tract


def _chosen(analysis: Analysis, bands: Mapping[str, BandAttribution], most: int) -> dict[str, np.ndarray]:
    """Band -> up to `most` speech frames with attribution, evenly spread. Frames with attribution for every band come
    first, as their occlusions are computed once for all."""
    told = {name: analysis.speech[attribution.strength[analysis.speech] >= WEAK] for name, attribution in bands.items()}
    kept = _spread(reduce(np.intersect1d, told.values()), most)
    return {
        name: np.union1d(kept, _spread(np.setdiff1d(own, kept), most - len(kept))).astype(int)
        for name, own in told.items()
    }


def _spread(frames: np.ndarray, most: int) -> np.ndarray:
    return frames[np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int))]


def _at(masks: np.ndarray, frames: np.ndarray) -> np.ndarray:
    return masks[frames] if len(masks) > 1 else np.broadcast_to(masks, (len(frames), *masks.shape[1:]))


Changes = Mapping[str, np.ndarray]  # band -> change of its energy in each frame, dB


class _SharedTrials:
    """Occlusions that do not depend on the band: the regions, and random shares of the area.

    hidden: for each of SHARES, the changes of each draw: RANDOM_DRAWS for a tenth, on which the verdict rests, else
    one. revealed: for each of SHARES. regions: name -> (drawn, grown, changes), see _grown.
    """

    def __init__(self, hiding: Perturbation, grid: int, masks: Mapping[str, np.ndarray], count: int, seed: int, tell):
        rng = np.random.default_rng(seed)
        orders = rng.standard_normal((RANDOM_DRAWS, len(hiding.frames), grid, grid)).astype(np.float32)
        draws = [orders if share == SHARES[TENTH] else orders[:1] for share in SHARES]
        self.hidden: list[list[Changes]] = [
            [tell(hiding.change(hiding.first(order, share))) for order in some]
            for share, some in zip(SHARES, draws, strict=True)
        ]
        self.revealed: list[Changes] = [
            tell(hiding.change(hiding.area & ~hiding.first(orders[0], share))) for share in SHARES
        ]
        self.regions: dict[str, tuple[np.ndarray, np.ndarray, Changes]] = {}
        for name, drawn in with_elsewhere(masks, count) if masks else ():
            here = _at(drawn, hiding.frames)
            if here.any():
                grown = _grown(hiding, here)
                self.regions[name] = here, grown, tell(hiding.change(grown))


def _grown(hiding: Perturbation, drawn: np.ndarray) -> np.ndarray:
    """A region with a margin of _MARGIN_SHARE around it."""
    margin = 2 * round(_MARGIN_SHARE * hiding.scene.size) + 1
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin, margin))
    return np.stack([cv2.dilate(mask.astype(np.uint8), ellipse) > 0 for mask in hiding.enlarged(drawn)])


def _judged(
    hiding: Perturbation,
    name: str,
    rows: np.ndarray,
    cam: np.ndarray,
    attribution: BandAttribution,
    shared: _SharedTrials,
    tell: "_Counter",
) -> BandFaithfulness:
    """The tests of band `name` but model randomisation. rows: indices into hiding.frames. cam: their signed (k, h, w)
    maps."""
    hidden = {"random": [[draw[name][rows] for draw in draws] for draws in shared.hidden]}
    revealed = {"random": [change[name][rows] for change in shared.revealed]}
    for order, maps in (("hottest", cam), ("coldest", -cam)):
        first = [hiding.first(maps, share, rows) for share in SHARES]
        hidden[order] = [[tell(hiding.change(some, rows))[name]] for some in first]
        revealed[order] = [tell(hiding.change(hiding.area[rows] & ~some, rows))[name] for some in first]
    table = {
        region: _region(name, rows, cam, attribution.mean_shares(hiding.frames[rows])[region] or 0.0, *trial)
        for region, trial in shared.regions.items()
    }
    drop, at_random = -hidden["hottest"][TENTH][0], np.stack(hidden["random"][TENTH])
    more = drop + at_random.mean(axis=0)  # drop beyond that of random deletion
    blocks = _blocks(hiding.frames[rows])
    p, times = _sign_test(np.array([more[block].mean() > 0 for block in blocks])), _times(drop, at_random)
    better = p < SIGNIFICANT and drop.mean() > 0
    told = [trust for trust, _, _ in table.values()]
    signed, drops = [row[1] for row in table.values()], [row[2] for row in table.values()]
    return BandFaithfulness(
        verdict="faithful" if better and times >= TIMES else "weak" if better else "unfaithful",
        frames=tuple(hiding.frames[rows].tolist()),
        drop_db=float(drop.mean()),
        random_size_db=float(np.abs(at_random).mean()),
        times=times,
        times_interval=_interval(drop, at_random, blocks),
        right=float((more > 0).mean()),
        p=p,
        hidden=_curves(hidden),
        revealed=_curves(revealed),
        regions={region: trust for region, (trust, _, _) in table.items()} or None,
        rank_of_regions=rank_correlation([r.heat_share for r in told], [r.size_db for r in told]),
        rank_of_frames=rank_correlation(np.array(signed), np.array(drops)),
    )


class _Counter:
    """Passes values through and reports progress by their count."""

    def __init__(self, progress: Progress, total: int):
        self.progress, self.total, self.done = progress, total, 0

    def __call__(self, value=None):
        self.done += 1
        self.progress("trust", min(self.done, self.total), self.total)
        return value


def _region(
    name: str,
    rows: np.ndarray,
    cam: np.ndarray,
    heat_share: float,
    drawn: np.ndarray,
    grown: np.ndarray,
    changes: Changes,
) -> tuple[RegionFaithfulness, np.ndarray, np.ndarray]:
    """A row of the table, and for each frame the region's signed attribution and the drop of energy on its
    occlusion."""
    change = changes[name][rows]
    area, size = float(drawn[rows].mean()), float(np.abs(change).mean())
    signed = (cam * cell_weights(grown[rows], *cam.shape[1:])).sum(axis=(1, 2))
    per_percent = size / (100 * area) if area else 0.0
    return RegionFaithfulness(heat_share, area, float(change.mean()), size, per_percent), signed, -change


def _curves(changes: Mapping[str, list]) -> Curves:
    return Curves(**{f"{name}_db": tuple(float(np.mean(c)) for c in shares) for name, shares in changes.items()})


def _times(drop: np.ndarray, at_random: np.ndarray) -> float:
    return float(drop.mean() / max(np.abs(at_random).mean(), _INAUDIBLE_DB))


def _blocks(frames: np.ndarray) -> list[np.ndarray]:
    """Rows of frames grouped into blocks of BLOCK_FRAMES, each one observation."""
    return np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames // BLOCK_FRAMES)) + 1)


def _interval(drop: np.ndarray, at_random: np.ndarray, blocks: list[np.ndarray]) -> tuple[float, float]:
    """95 % bootstrap interval of `_times` over blocks."""
    draws = np.random.default_rng(0).integers(0, len(blocks), (_RESAMPLINGS, len(blocks)))
    drawn = (np.concatenate([blocks[block] for block in draw]) for draw in draws)
    low, high = np.percentile([_times(drop[rows], at_random[:, rows]) for rows in drawn], (2.5, 97.5))
    return float(low), float(high)


def _sign_test(right: np.ndarray) -> float:
    """One-sided p of a sign test against one half."""
    from scipy.stats import binomtest

    return float(binomtest(int(right.sum()), len(right), 0.5, alternative="greater").pvalue)

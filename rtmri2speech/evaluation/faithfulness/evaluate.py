"""evaluate_faithfulness(bundle, analysis, masks) -> FaithfulnessReport; __init__.py describes the tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

import cv2
import numpy as np

from ...analysis.region_attribution import (
    WEAK,
    BandAttribution,
    RegionMasks,
    attribute_to_regions,
    cell_weights,
    with_elsewhere,
)
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
from .perturbation import ModelInput, Perturbation, centre_of, edges_of, enlarged, first_of, widened
from .rank_correlation import rank_correlation
from .report import (
    BLOCK_FRAMES,
    FEWEST_BLOCKS,
    FEWEST_FRAMES,
    MOST_FRAMES,
    ORDERS,
    RANDOMISED,
    SHARES,
    TENTH,
    BandFaithfulness,
    Curves,
    DeletionTest,
    FaithfulnessReport,
    OutsideTract,
    RegionFaithfulness,
    localisation_weight,
)

RANDOM_DRAWS = 3  # random deletions of a tenth
_OUTSIDE_DRAWS = 2  # the same, of the outside, on which no verdict rests
OUTSIDE_SHARE = 1 / 32  # of the picture's width: nearer to the tract is not outside, as a map's cell is that wide
_MARGIN_SHARE = 1 / 64  # the same, occluded around a region, as its outline shows its shape
_RESAMPLINGS = 4000
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

    masks: regions, as attribute_to_regions takes them, named as in anatomy.regions; without any, only the whole picture
    is tested. progress: its stage is "trust".
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
    masks = masks or {}
    attribution = attribute_to_regions(
        analysis, masks or {"picture": np.ones((1, analysis.frame_size, analysis.frame_size), bool)}
    )
    frames_of = _chosen(analysis, {band.name: attribution.bands[band.name] for band in bands}, most_frames)
    results = {name: BandFaithfulness("untested", tuple(frames.tolist())) for name, frames in frames_of.items()}
    enough = {
        name: frames
        for name, frames in frames_of.items()
        if len(frames) >= FEWEST_FRAMES and len(_blocks(frames)) >= FEWEST_BLOCKS
    }
    if enough:
        frames = np.unique(np.concatenate(list(enough.values())))
        rows = {name: np.searchsorted(frames, own) for name, own in enough.items()}
        targets = {band.name: _energy_at(bundle, analysis, band) for band in bands}
        perturbation = Perturbation(ModelInput(bundle, analysis), frames, targets)
        cams = {name: analysis.cam[name][own] for name, own in enough.items()}
        areas = _areas(perturbation, masks)
        counter = _Counter(progress, _steps(areas, len(masks), len(rows)))
        shared = _shared_trials(perturbation, areas, analysis.grid or 1, masks, len(analysis.mel_db), seed, counter)
        likeness = randomisation.correlation_with_random_weights(perturbation, rows, cams, seed, counter)
        for name in enough:
            result = _tested(
                perturbation, name, rows[name], cams[name], attribution.bands[name], areas, shared, counter
            )
            results[name] = replace(result, random_weights=likeness[name])
    source = masks.regions.source if isinstance(masks, RegionMasks) else None
    return FaithfulnessReport(
        results,
        analysis.settings.method,
        analysis.settings.resolution,
        localisation_weight(bundle),
        source,
        analysis.view.name,
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
    """Union of the masks of the vocal tract, bool (T, H, W) or (1, H, W), without air apart from it, such as a sinus;
    None without any."""
    if isinstance(masks, RegionMasks):
        return without_detached(masks.regions.mask("tract"), masks.regions.mask("airway"))
    tract = None
    for name in masks:
        if name in GROUPS or name in GROUPS["tract"]:
            tract = masks[name] if tract is None else tract | masks[name]
    return tract


def without_detached(tract: np.ndarray, air: np.ndarray) -> np.ndarray:
    """A tract (T, H, W) without the pieces, connected over the clip, that are nothing but air (T, H, W)."""
    ever = np.array(tract.any(axis=0), np.uint8)
    pieces = cv2.connectedComponents(ever)[1]
    solid = (tract & ~air).any(axis=0)
    return tract & np.isin(pieces, np.unique(pieces[solid]))


def _chosen(analysis: Analysis, bands: Mapping[str, BandAttribution], most: int) -> dict[str, np.ndarray]:
    """Band -> up to `most` speech frames with attribution, evenly spread. Frames with attribution for every band come
    first, as their occlusions are computed once for all."""
    attributed = {
        name: analysis.speech[attribution.strength[analysis.speech] >= WEAK] for name, attribution in bands.items()
    }
    kept = _spread(reduce(np.intersect1d, attributed.values()), most)
    return {
        name: np.union1d(kept, _spread(np.setdiff1d(own, kept), most - len(kept))).astype(int)
        for name, own in attributed.items()
    }


def _spread(frames: np.ndarray, most: int) -> np.ndarray:
    return frames[np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int))]


def _at(masks: np.ndarray, frames: np.ndarray) -> np.ndarray:
    return masks[frames] if len(masks) > 1 else np.broadcast_to(masks, (len(frames), *masks.shape[1:]))


@dataclass(frozen=True)
class _Areas:
    """Where parts are occluded, each bool (n, size, size): tract and outside are None without regions of the tract."""

    whole: np.ndarray
    tract: np.ndarray | None
    outside: np.ndarray | None


def _areas(perturbation: Perturbation, masks: Mapping[str, np.ndarray]) -> _Areas:
    whole: np.ndarray = np.ones(perturbation.pictures.shape, bool)
    tract = _tract(masks)
    if tract is None:
        return _Areas(whole, None, None)
    tract = enlarged(_at(tract, perturbation.frames), whole.shape[-1])
    return _Areas(whole, tract, ~widened(tract, OUTSIDE_SHARE))


Changes = Mapping[str, np.ndarray]  # band -> change of its energy in each frame, dB


@dataclass(frozen=True)
class _TenthElsewhere:
    """Changes by a tenth of an area that does not depend on the map: RANDOM_DRAWS at random; steepest edges; centre."""

    random: list[Changes]
    edges: Changes
    centre: Changes


@dataclass(frozen=True)
class _SharedTrials:
    """Occlusions that do not depend on the band.

    whole, tract: of these areas. deleted, inserted: for each of SHARES of the whole picture at random. outside: random
    tenths of the outside. everything, rest: all of the outside, and all but it. regions: name -> (drawn, with a margin,
    changes).
    """

    whole: _TenthElsewhere
    deleted: list[list[Changes]]
    inserted: list[Changes]
    tract: _TenthElsewhere | None
    outside: list[Changes]
    everything: Changes
    rest: Changes
    regions: dict[str, tuple[np.ndarray, np.ndarray, Changes]]


def _steps(areas: _Areas, regions: int, bands: int) -> int:
    """Steps of a _Counter: shared by the bands, and of each band."""
    shared = 2 * len(SHARES) + RANDOM_DRAWS + 1 + randomisation.DRAWS * len(RANDOMISED)
    own = 4 * len(SHARES)
    if areas.tract is not None:
        shared, own = shared + RANDOM_DRAWS + _OUTSIDE_DRAWS + 4 + regions + 1, own + 2
    return shared + bands * own


def _shared_trials(
    perturbation: Perturbation,
    areas: _Areas,
    grid: int,
    masks: Mapping[str, np.ndarray],
    count: int,
    seed: int,
    counter: "_Counter",
) -> _SharedTrials:
    rng = np.random.default_rng(seed)
    shape = (RANDOM_DRAWS, len(perturbation.frames), grid, grid)
    orders = rng.standard_normal(shape).astype(np.float32)  # patches of the size of the map's cells
    edges = edges_of(perturbation.pictures, grid)

    def change(occluded: np.ndarray) -> Changes:
        return counter(perturbation.change(occluded))

    def random_tenths(area: np.ndarray, draws: int = RANDOM_DRAWS) -> list[Changes]:
        return [change(first_of(area, order, SHARES[TENTH])) for order in orders[:draws]]

    def elsewhere(area: np.ndarray) -> _TenthElsewhere:
        rivals = [change(first_of(area, order, SHARES[TENTH])) for order in (edges, centre_of(area))]
        return _TenthElsewhere(random_tenths(area), *rivals)

    whole = elsewhere(areas.whole)
    first = [first_of(areas.whole, orders[0], share) for share in SHARES]
    deleted = [whole.random if k == TENTH else [change(some)] for k, some in enumerate(first)]
    inserted = [change(~some) for some in first]
    if areas.tract is None or areas.outside is None:
        return _SharedTrials(whole, deleted, inserted, None, [], {}, {}, {})
    regions = {}
    for name, drawn in with_elsewhere(masks, count):
        here = _at(drawn, perturbation.frames)
        if here.any():
            grown = widened(enlarged(here, perturbation.scene.size), _MARGIN_SHARE)
            regions[name] = here, grown, change(grown)
    outside = random_tenths(areas.outside, _OUTSIDE_DRAWS)
    everything, rest = change(areas.outside), change(~areas.outside)
    return _SharedTrials(whole, deleted, inserted, elsewhere(areas.tract), outside, everything, rest, regions)


def _tested(
    perturbation: Perturbation,
    name: str,
    rows: np.ndarray,
    cam: np.ndarray,
    attribution: BandAttribution,
    areas: _Areas,
    shared: _SharedTrials,
    counter: "_Counter",
) -> BandFaithfulness:
    """The tests of band `name` but model randomisation. rows: indices into perturbation.frames. cam: their signed
    (k, h, w) maps."""

    def change(occluded: np.ndarray) -> np.ndarray:
        return counter(perturbation.change(occluded, rows))[name]

    frames, whole = perturbation.frames[rows], areas.whole[rows]
    deleted = {"random": [[draw[name][rows] for draw in draws] for draws in shared.deleted]}
    inserted = {"random": [[draw[name][rows]] for draw in shared.inserted]}
    for order, maps in (("most_salient", cam), ("least_salient", -cam)):
        first = [first_of(whole, maps, share) for share in SHARES]
        deleted[order] = [[change(some)] for some in first]
        inserted[order] = [[change(~some)] for some in first]
    whole_picture = _deletion_test(-deleted["most_salient"][TENTH][0], shared.whole, name, rows, frames)
    inside_tract = outside_tract = None
    if areas.tract is not None and areas.outside is not None and shared.tract is not None:
        drop = -change(first_of(areas.tract[rows], cam, SHARES[TENTH]))
        inside_tract = _deletion_test(drop, shared.tract, name, rows, frames)
        outside = areas.outside[rows]
        drop = -change(first_of(outside, cam, SHARES[TENTH]))
        outside_tract = _outside(drop, shared, name, rows, frames, _share_within(cam, outside))
    table = {
        region: _region(name, rows, cam, attribution.mean_shares(frames)[region] or 0.0, *trial)
        for region, trial in shared.regions.items()
    }
    rows_of_table = [row for row, _, _ in table.values()]
    signed, drops = [row[1] for row in table.values()], [row[2] for row in table.values()]
    return BandFaithfulness(
        verdict=whole_picture.verdict,
        frames=tuple(frames.tolist()),
        whole_picture=whole_picture,
        inside_tract=inside_tract,
        outside_tract=outside_tract,
        deletion=_curves(deleted),
        insertion=_curves(inserted),
        regions={region: row for region, (row, _, _) in table.items()} or None,
        rank_of_regions=rank_correlation(
            [r.attribution_share for r in rows_of_table], [-r.change_db for r in rows_of_table]
        ),
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


def _deletion_test(
    drop: np.ndarray, elsewhere: _TenthElsewhere, name: str, rows: np.ndarray, frames: np.ndarray
) -> DeletionTest:
    """drop: (k,) by the most salient tenth of an area; elsewhere: the changes by other tenths of it."""
    at_random = np.stack([draw[name][rows] for draw in elsewhere.random])
    edges, centre = (-float(changes[name][rows].mean()) for changes in (elsewhere.edges, elsewhere.centre))
    more = drop + at_random.mean(axis=0)  # drop beyond that of random deletion
    blocks = _blocks(frames)
    interval, advantage = _ratio_interval(drop, at_random, blocks), _interval(_resampled(more, blocks), len(blocks))
    ratio, drop_db = _ratio(drop, at_random), float(drop.mean())
    return DeletionTest(
        verdict=_verdict(ratio, interval[0], advantage[0], drop_db > max(edges, centre)),
        drop_db=drop_db,
        random_size_db=float(np.abs(at_random).mean()),
        ratio_to_random=ratio,
        interval=interval,
        advantage_db=advantage,
        edges_drop_db=edges,
        centre_drop_db=centre,
        right=float((more > 0).mean()),
    )


def _verdict(ratio: float, ratio_low: float, advantage_low: float, beats_others: bool) -> str:
    if ratio_low > 1 and beats_others:
        return "faithful"
    return "weak" if ratio > 1 and advantage_low > 0 else "unfaithful"


def _outside(
    drop: np.ndarray, shared: _SharedTrials, name: str, rows: np.ndarray, frames: np.ndarray, share: float
) -> OutsideTract:
    """drop: (k,) by the most salient tenth of the outside; share: of the attribution there."""
    everything, rest = (float(np.abs(changes[name][rows]).mean()) for changes in (shared.everything, shared.rest))
    at_random = np.stack([draw[name][rows] for draw in shared.outside])
    return OutsideTract(
        share_of_attribution=share,
        share_of_effect=everything / max(everything + rest, _INAUDIBLE_DB),
        everything_db=everything,
        tract_db=rest,
        effect_db=float(drop.mean()),
        ratio_to_random=_ratio(drop, at_random),
        interval=_ratio_interval(drop, at_random, _blocks(frames)),
    )


def _share_within(cam: np.ndarray, area: np.ndarray) -> float:
    """Share of the positive attribution of maps (k, h, w) within an area, bool (k, size, size)."""
    positive = np.maximum(cam, 0)
    within, whole = float((positive * cell_weights(area, *cam.shape[1:])).sum()), float(positive.sum())
    return within / whole if whole else 0.0


def _region(
    name: str,
    rows: np.ndarray,
    cam: np.ndarray,
    attribution_share: float,
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
    row = RegionFaithfulness(attribution_share, area, float(change.mean()), size, per_percent)
    return row, signed, -change


def _curves(changes: Mapping[str, list[list[np.ndarray]]]) -> Curves:
    """order -> for each of SHARES, the changes of each draw."""
    return Curves(**{f"{order}_db": tuple(float(np.mean(c)) for c in changes[order]) for order in ORDERS})


def _ratio(drop: np.ndarray, at_random: np.ndarray) -> float:
    size = float(np.abs(at_random).mean())
    return float(drop.mean()) / max(size, _INAUDIBLE_DB)


def _blocks(frames: np.ndarray) -> list[np.ndarray]:
    """Rows of frames grouped into blocks of BLOCK_FRAMES, each one observation."""
    return np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames // BLOCK_FRAMES)) + 1)


def _ratio_interval(drop: np.ndarray, at_random: np.ndarray, blocks: list[np.ndarray]) -> tuple[float, float]:
    """95 % interval of `_ratio`."""
    sizes = _resampled(np.abs(at_random).mean(axis=0), blocks)
    return _interval(_resampled(drop, blocks) / np.maximum(sizes, _INAUDIBLE_DB), len(blocks))


def _resampled(values: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    """Means of values over blocks drawn with replacement, the same blocks at every call: (_RESAMPLINGS,)."""
    draws = np.random.default_rng(0).integers(0, len(blocks), (_RESAMPLINGS, len(blocks)))
    sums, counts = np.array([[values[block].sum(), len(block)] for block in blocks]).T
    return sums[draws].sum(axis=1) / counts[draws].sum(axis=1)


def _interval(resampled: np.ndarray, blocks: int) -> tuple[float, float]:
    """95 % interval of resampled values: percentiles expanded for few blocks (T. Hesterberg, "What teachers should know
    about the bootstrap", American Statistician 69, 2015, section 5.3)."""
    from scipy.stats import norm, t

    tail = 100 * float(norm.cdf(np.sqrt(blocks / (blocks - 1)) * t.ppf(0.025, blocks - 1)))
    low, high = np.percentile(resampled, (tail, 100 - tail))
    return float(low), float(high)

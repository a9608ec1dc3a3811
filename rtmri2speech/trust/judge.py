"""judge(bundle, analysis, masks): the trust card of a clip's maps. What is measured is said in the package's text."""

from collections.abc import Mapping

import cv2
import numpy as np

from ..analysis import Analysis
from ..anatomy.regions import GROUPS
from ..errors import InputError
from ..evidence import HARDLY, BandEvidence, account_of, cell_weights, with_elsewhere
from ..mel import band_bins
from ..models.bundle import Bundle
from ..progress import UNSEEN, Progress
from ..targets import band_energy
from . import randomised
from .card import (
    FEWEST_FRAMES,
    RANDOMISED,
    SHARES,
    SIGNIFICANT,
    TENTH,
    TIMES,
    BandTrust,
    Curves,
    RegionTrust,
    TrustCard,
)
from .hiding import Hiding, Scene
from .ranks import rank_correlation

RANDOM_DRAWS = 3  # ways to hide at random
_RESAMPLINGS = 1000
_MARGIN_SHARE = 1 / 64  # of the picture's width around a hidden region: its outline is what shows its shape
_INAUDIBLE_DB = 0.05  # a change at random counts as at least this much: none is divided by


def judge(
    bundle: Bundle,
    analysis: Analysis,
    masks: Mapping[str, np.ndarray] | None = None,
    *,
    most_frames: int = 24,
    seed: int = 0,
    progress: Progress = UNSEEN,
) -> TrustCard:
    """Judge the maps of an analysis that this bundle made.

    masks: regions, as evidence.account_of takes them, named as in anatomy.regions. progress: its stage is "trust".
    Raises InputError for maps of the objective "sequence": a frame's own energy is not what those explain.
    """
    if analysis.objective != "frame":
        raise InputError("Only maps of the objective frame can be judged: each explains the energy of its own frame.")
    picture = np.ones((1, analysis.frame_size, analysis.frame_size), bool)
    tract = _tract(masks or {})
    area = picture if tract is None else tract
    account = account_of(analysis, masks or {"picture": picture})
    scene, judged = Scene(bundle, analysis), {}
    for number, band in enumerate(analysis.bands):
        part = progress.part("trust", number / len(analysis.bands), (number + 1) / len(analysis.bands))
        evidence = account.bands[band.name]
        frames = _chosen(analysis, evidence, most_frames)
        if len(frames) < FEWEST_FRAMES:
            judged[band.name] = BandTrust("untested", tuple(frames.tolist()))
            continue
        hiding = Hiding(scene, frames, band_energy(band_bins(bundle.mel, band)), _at(area, frames))
        regions = with_elsewhere(masks, len(scene)) if masks else ()
        within = {name: _at(drawn, frames) for name, drawn in regions}
        judged[band.name] = _judged(hiding, analysis.cam[band.name][frames], evidence, within, seed, part)
    focus = bundle.training.get("acoustic", {}).get("loss", {}).get("focus")
    return TrustCard(judged, "picture" if tract is None else "tract", analysis.grid, focus)


def _tract(masks: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """All that shapes speech together, bool (T, H, W) or (1, H, W); None without any."""
    tract = None
    for name in masks:
        if name in GROUPS or name in GROUPS["tract"]:
            tract = masks[name] if tract is None else tract | masks[name]
    return tract


def _chosen(analysis: Analysis, evidence: BandEvidence, most: int) -> np.ndarray:
    """Up to `most` speech frames with evidence for the band, spread over all such."""
    told = analysis.speech[evidence.strength[analysis.speech] >= HARDLY]
    return told[np.unique(np.linspace(0, len(told) - 1, min(most, len(told))).round().astype(int))]


def _at(masks: np.ndarray, frames: np.ndarray) -> np.ndarray:
    return masks[frames] if len(masks) > 1 else np.broadcast_to(masks, (len(frames), *masks.shape[1:]))


def _judged(
    hiding: Hiding,
    cam: np.ndarray,
    evidence: BandEvidence,
    regions: Mapping[str, np.ndarray],
    seed: int,
    progress: Progress,
) -> BandTrust:
    """cam: signed (n, h, w) of the hiding's frames. regions: name -> (n, h', w')."""
    rng = np.random.default_rng(seed)
    draws = [rng.standard_normal(cam.shape).astype(np.float32) for _ in range(RANDOM_DRAWS)]
    orders = {"hottest": [cam], "random": draws, "coldest": [-cam]}
    count = len(SHARES) * (5 + RANDOM_DRAWS) + len(regions) + randomised.DRAWS * len(RANDOMISED)
    tell = _Counter(progress, count)

    hidden, revealed = {}, {}
    for name, maps in orders.items():
        hidden[name] = [[tell(hiding.change(hiding.first(order, share))) for order in maps] for share in SHARES]
        rest = (hiding.area & ~hiding.first(maps[0], share) for share in SHARES)
        revealed[name] = [tell(hiding.change(outside)) for outside in rest]
    table = {name: tell(_region(hiding, cam, evidence, name, drawn)) for name, drawn in regions.items() if drawn.any()}
    likeness = randomised.likeness_with_random_weights(hiding, cam, seed, tell)

    drop, at_random = -hidden["hottest"][TENTH][0], np.stack(hidden["random"][TENTH])
    right = drop > -at_random.mean(axis=0)
    p, times = _sign_test(right), _times(drop, at_random)
    better = p < SIGNIFICANT and drop.mean() > 0
    verdict = "faithful" if better and times >= TIMES else "weak" if better else "unfaithful"
    told = [trust for trust, _, _ in table.values()]
    signed, drops = ([values[k] for values in table.values()] for k in (1, 2))
    return BandTrust(
        verdict=verdict,
        frames=tuple(hiding.frames.tolist()),
        drop_db=float(drop.mean()),
        random_size_db=float(np.abs(at_random).mean()),
        times=times,
        times_interval=_interval(drop, at_random, rng),
        right=float(right.mean()),
        p=p,
        hidden=_curves(hidden),
        revealed=_curves(revealed),
        regions={name: trust for name, (trust, _, _) in table.items()} or None,
        rank_of_regions=rank_correlation([r.heat_share for r in told], [r.size_db for r in told]),
        rank_of_frames=rank_correlation(signed, drops),
        random_weights=likeness,
    )


class _Counter:
    """Passes values through and tells how many of all have come."""

    def __init__(self, progress: Progress, total: int):
        self.progress, self.total, self.done = progress, total, 0

    def __call__(self, value=None):
        self.done += 1
        self.progress("trust", min(self.done, self.total), self.total)
        return value


def _region(
    hiding: Hiding, cam: np.ndarray, evidence: BandEvidence, name: str, drawn: np.ndarray
) -> tuple[RegionTrust, np.ndarray, np.ndarray]:
    """A row of the table, and for each frame the region's signed evidence and how much hiding it lowers the energy."""
    margin = 2 * round(_MARGIN_SHARE * hiding.scene.size) + 1
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin, margin))
    grown = np.stack([cv2.dilate(mask.astype(np.uint8), ellipse) > 0 for mask in hiding.enlarged(drawn)])
    change = hiding.change(grown)
    area, size = float(drawn.mean()), float(np.abs(change).mean())
    heat = evidence.mean_shares(hiding.frames)[name] or 0.0
    signed = (cam * cell_weights(grown, *cam.shape[1:])).sum(axis=(1, 2))
    return RegionTrust(heat, area, float(change.mean()), size, size / (100 * area)), signed, -change


def _curves(changes: Mapping[str, list]) -> Curves:
    return Curves(**{f"{name}_db": tuple(float(np.mean(c)) for c in shares) for name, shares in changes.items()})


def _times(drop: np.ndarray, at_random: np.ndarray) -> float:
    return float(drop.mean() / max(np.abs(at_random).mean(), _INAUDIBLE_DB))


def _interval(drop: np.ndarray, at_random: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """95 % of `_times` over frames drawn with replacement."""
    draws = rng.integers(0, len(drop), (_RESAMPLINGS, len(drop)))
    low, high = np.percentile([_times(drop[rows], at_random[:, rows]) for rows in draws], (2.5, 97.5))
    return float(low), float(high)


def _sign_test(right: np.ndarray) -> float:
    """How likely at least so many are right by chance, each with one half."""
    from scipy.stats import binomtest

    return float(binomtest(int(right.sum()), len(right), 0.5, alternative="greater").pvalue)

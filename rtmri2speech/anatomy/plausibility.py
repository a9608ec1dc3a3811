"""Plausibility of a segmentation as a midsagittal head: presence and relative positions of its regions."""

import numpy as np

from .regions import GROUPS, NAMES, Verdict

# (a, b, axis) for a face to the left: the centroid of a lies left of (0) or above (1) that of b.
_ORDER = (
    ("lower_lip", "tongue", 0), ("upper_lip", "tongue", 0), ("jaw", "tongue", 0), ("tongue", "pharynx_wall", 0),
    ("hard_palate", "velum", 0), ("hard_palate", "pharynx_wall", 0), ("lower_lip", "larynx", 0),
    ("upper_lip", "lower_lip", 1), ("hard_palate", "tongue", 1), ("upper_lip", "jaw", 1), ("velum", "larynx", 1),
    ("tongue", "larynx", 1), ("hard_palate", "larynx", 1),
)  # fmt: skip
_LOOKED_AT = 64  # frames tested, spread over the clip
_SMALLEST = 0.0006  # least share of the picture of a region that is present
_TRACT = [NAMES.index(name) for name in GROUPS["tract"]]
# Calibrated on phantoms (upright, turned, mirrored), noise, shapes and the real clips: docs/regions.md.
CLEAR = 0.8  # first pass: no need to try rotations
LOOK_AGAIN = 0.35  # first pass: enough for the second
PLAUSIBLE = 0.45
SURE = 0.6
MOSTLY = 0.25


def plausibility(labels: np.ndarray, confidence: np.ndarray) -> float:
    """0 to 1: share of the relations in _ORDER that hold, times the confidence of the vocal tract.

    labels: uint8 (h, w) of a face to the left; confidence: (regions,).
    """
    rows, columns = np.indices(labels.shape)
    flat, count = labels.ravel(), np.bincount(labels.ravel(), minlength=len(NAMES))
    there = count >= max(3, _SMALLEST * labels.size)
    if not there[_TRACT].any():
        return 0.0
    x, y = (np.bincount(flat, axis.ravel(), len(NAMES)) / np.maximum(count, 1) for axis in (columns, rows))
    held = []
    for a, b, axis in _ORDER:
        i, j = NAMES.index(a), NAMES.index(b)
        held.append(there[i] and there[j] and (x, y)[axis][i] < (x, y)[axis][j])
    return float(np.mean(held)) * float((confidence * count)[_TRACT].sum() / count[_TRACT].sum())


def verdict_of(labels: np.ndarray, confidence: np.ndarray) -> Verdict:
    """The verdict on a clip's regions. labels: (T, H, W) of a face to the left; confidence: (T, regions)."""
    some = np.unique(np.linspace(0, len(labels) - 1, _LOOKED_AT).round().astype(int))
    labels, confidence = labels[some, ::2, ::2], confidence[some]
    plausible = np.array([plausibility(*pair) for pair in zip(labels, confidence, strict=True)])
    if np.median(plausible) < PLAUSIBLE:
        return Verdict("not_a_head")
    missing = [
        name
        for name in GROUPS["tract"]
        if np.mean((labels == NAMES.index(name)).mean(axis=(1, 2)) < _SMALLEST) > 0.5 or _cut(labels, name)
    ]
    if missing:
        return Verdict("cut_off", {"missing": missing})
    tract = confidence[:, _TRACT].mean(axis=1)
    unsure = float(np.mean((tract < SURE) | (plausible < PLAUSIBLE)))
    return Verdict("uncertain", {"share": unsure}) if unsure > MOSTLY else Verdict("profile")


def _cut(labels: np.ndarray, name: str) -> bool:
    """Whether the picture's edge cuts the region. Airway and larynx may leave the picture."""
    if name in ("airway", "larynx", "pharynx_wall", "jaw"):
        return False
    region = labels == NAMES.index(name)
    edge = np.concatenate([region[:, 0], region[:, -1], region[:, :, 0], region[:, :, -1]], axis=1).sum()
    return bool(edge > 0.25 * np.sqrt(region.sum(axis=(1, 2))).sum())

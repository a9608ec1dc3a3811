"""Looks of the head that say nothing about the sound, varied region by region where the regions are known.

A model trained on few speakers knows them by the shape of the brain or the spine, and remembers what each of them says.
Here those parts change their level, shade and texture, vanish, or are another speaker's, from window to window; the
articulators keep their shape and only change their level. It comes before augment, the scanner's part.
"""

import cv2
import numpy as np

from ..preprocess.phantom_truth import ARTICULATORS, REGIONS

# Regions that do not speak. The airway stays dark, as air is.
BYSTANDERS = ("other tissue", "brain", "spine")
_SPEAKING = (*ARTICULATORS, "hard_palate", "pharynx_wall", "larynx")


def vary_regions(
    frames: np.ndarray,
    regions: np.ndarray,
    rng: np.random.Generator,
    strength: float = 1.0,
    stranger: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """uint8 (T, S, S) -> uint8 (T, S, S), the same draw for all frames of the window.

    regions: uint8 (T, S, S), indices into truth.REGIONS. strength: 0 changes nothing; 1 spans about what heads differ
    by. stranger: picture and regions (S, S) of another speaker, whose bystanders may take the place of this one's.
    """
    if strength == 0 or len(frames) == 0:
        return frames.copy()
    size = frames.shape[1]
    gain = _gains(rng, strength)
    shade = _field(rng, size, int(rng.integers(3, 9)), 0.5 * strength)
    texture = _field(rng, size, int(rng.integers(10, 40)), rng.uniform(0, 0.45) * strength)
    factor = np.exp(shade + texture)
    bystander = np.isin(np.arange(len(REGIONS)), [REGIONS.index(name) for name in BYSTANDERS])
    cut = _cut_out(rng, size) if rng.random() < 0.35 * min(1.0, strength) else None
    swap = stranger is not None and rng.random() < 0.35 * min(1.0, strength)
    out = np.empty_like(frames)
    for t, (frame, region) in enumerate(zip(frames, regions, strict=True)):
        beside = bystander[region]
        picture = frame.astype(np.float32)
        if swap:
            # Only where both heads have such tissue: the outline of the face and the tract stay this speaker's.
            other = beside & bystander[stranger[1]]
            picture[other] = stranger[0][other]
        picture *= gain[region]
        picture[beside] *= factor[beside]
        if cut is not None:
            picture[beside & cut[0]] = cut[1]
        out[t] = np.clip(picture, 0, 255)
    return out


def _gains(rng: np.random.Generator, strength: float) -> np.ndarray:
    """(regions,) float32 factor on each region's level; air and what is outside keep theirs."""
    gain = np.ones(len(REGIONS), np.float32)
    for name in _SPEAKING:
        gain[REGIONS.index(name)] = np.exp(strength * rng.normal(0, 0.15))
    for name in BYSTANDERS:
        gone = rng.random() < 0.2 * min(1.0, strength)
        gain[REGIONS.index(name)] = rng.uniform(0.0, 0.3) if gone else np.exp(strength * rng.normal(0, 0.35))
    return gain


def _field(rng: np.random.Generator, size: int, knots: int, deviation: float) -> np.ndarray:
    """(size, size) float32 smooth noise of about this deviation."""
    coarse = rng.normal(0, deviation, (knots, knots)).astype(np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def _cut_out(rng: np.random.Generator, size: int) -> tuple[np.ndarray, float]:
    """(size, size) bool, a tilted half or an ellipse of the picture; and the level that fills it."""
    y, x = np.mgrid[0:size, 0:size] / size - rng.uniform(0.2, 0.8, (2, 1, 1))
    if rng.random() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        inside = np.cos(angle) * x + np.sin(angle) * y > 0
    else:
        inside = (x / rng.uniform(0.1, 0.4)) ** 2 + (y / rng.uniform(0.1, 0.4)) ** 2 < 1
    return inside, float(rng.choice([0.0, rng.uniform(0, 160)]))

"""Pictures of the vocal tract's window, drawn from label maps under domain randomisation.

    clip_pictures(clips, views_of(clips), frames, seed, size)    # frames of one clip: one head, view and scanner

The window is that of rtmri2speech.anatomy.tract_window, by the label maps of the same head or clip. It is moved, turned
and stretched at random, its region errs as the segmenter does, and every tissue has a random brightness
(training.segmentation.domain_randomisation).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from rtmri2speech.anatomy.sources import region_of_class
from rtmri2speech.anatomy.tract_window import window_of
from rtmri2speech.clips.frame_view import TractView, standardised
from rtmri2speech.clips.preprocessing import blurred

from ..phantom.head import CLASSES
from ..segmentation.domain_randomisation import OVERSAMPLING, Appearance, ragged_nose, smooth_field
from .label_maps import Pictures

REGION_CELLS = 32  # across the window: how finely regions are learned
REGION = region_of_class(CLASSES)
_JOINED = 12  # label maps of a head that its window is of
_PIXELS = (34, 140)  # of a scanner, across the window


@dataclass(frozen=True, eq=False)
class Framing:
    """across, down: float32 (n, n), where on the label map each pixel of the window lies. weights: (size, size), as
    TractView.weights."""

    across: np.ndarray
    down: np.ndarray
    weights: np.ndarray

    def labels(self, labels: np.ndarray) -> np.ndarray:
        return cv2.remap(labels, self.across, self.down, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)


Views = Callable[[int], TractView]


def views_of(pictures: Pictures) -> Views:
    """The tract's view of each head or clip, made when first asked for."""

    @cache
    def of(group: int) -> TractView:
        own = np.flatnonzero(pictures.group == group)
        some = own[np.unique(np.linspace(0, len(own) - 1, _JOINED).round().astype(int))]
        return window_of(np.stack([pictures.labels(k) for k in some]), table=REGION)

    return of


def framing(view: TractView, rng: np.random.Generator, size: int) -> Framing:
    """The window as a segmenter might have found it, of a head that is a little different."""
    n = OVERSAMPLING * size
    y, x = (np.mgrid[0:n, 0:n].astype(np.float32) + 0.5) / n - 0.5
    angle, grown = np.deg2rad(rng.normal(0, 4)), np.exp(rng.normal(0, 0.05))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.array([[1, rng.normal(0, 0.05)], [0, 1]])
    linear = grown * turn @ shear @ np.diag(np.exp(rng.normal(0, 0.06, 2)))
    shift = 0.5 + rng.normal(0, 0.02, 2)
    bend = [
        smooth_field(rng, n, 4, 0.015) + smooth_field(rng, n, int(rng.integers(7, 13)), rng.uniform(0, 0.006))
        for _ in range(2)
    ]
    u = linear[0, 0] * x + linear[0, 1] * y + shift[0] + bend[0]
    v = linear[1, 0] * x + linear[1, 1] * y + shift[1] + bend[1]
    side, matrix = len(view.region), view.matrix
    across, down = (side * (matrix[k, 0] * u + matrix[k, 1] * v + matrix[k, 2]) - 0.5 for k in (0, 1))
    across, down = across.astype(np.float32), down.astype(np.float32)
    inside = cv2.remap(view.region.astype(np.float32), across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return Framing(across, down, _weights(inside >= 0.5, rng, size))


def _weights(inside: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """bool (n, n) -> float32 (size, size), its border moved smoothly and softened."""
    inside = cv2.resize(inside.astype(np.uint8), (size, size), interpolation=cv2.INTER_AREA)
    padded = np.pad(inside, 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - padded, cv2.DIST_L2, 3)
    wrong = rng.normal(0, 0.015) + smooth_field(rng, size, int(rng.integers(5, 14)), rng.uniform(0, 0.03))
    return np.clip((depth[1:-1, 1:-1] + size * wrong) / (size * rng.uniform(0.015, 0.035)), 0, 1).astype(np.float32)


def clip_pictures(
    clips: Pictures, views: Views, frames: np.ndarray, seed: tuple, size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each frame's picture float32 (size, size) in [0, 1], as TractView.seen gives it, and uint8 (REGION_CELLS, same)
    its regions. The frames of one clip: its view and scanner are one, its noise is new in every frame."""
    rng = np.random.default_rng([*seed, 1])
    framed = framing(views(int(clips.group[frames[0]])), rng, size)
    appearance = Appearance.drawn(rng, OVERSAMPLING * size, _PIXELS)
    ragged = np.random.default_rng([*seed, 2])
    turbinates, fresh = ragged.bit_generator.state, np.random.default_rng([*seed, 3])
    step = OVERSAMPLING * size // REGION_CELLS
    for index in frames:
        ragged.bit_generator.state = turbinates
        labels = ragged_nose(framed.labels(clips.labels(index)), ragged)
        shown = appearance.of(labels, fresh, size)
        regions = REGION[labels[step // 2 :: step, step // 2 :: step]]
        yield standardised(shown, framed.weights), regions


def without_shapes(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures (n, size, size) of `clip_pictures`, heavily blurred: as the baseline of layer integrated gradients blurs
    the window, or as the deletion test blurs the whole picture, of which the window shows about half."""
    plain = blurred(pictures)
    if rng.random() < 0.5:
        return plain
    plain = blurred(blurred(blurred(plain)))  # four blurs are one twice as wide
    return np.stack([standardised(b, (p != 0.5).astype(np.float32)) for b, p in zip(plain, pictures, strict=True)])

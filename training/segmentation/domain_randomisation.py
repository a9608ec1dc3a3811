"""A label map -> a picture as some scanner might have taken it, and the regions to be learned from it.

A phantom's own appearance is not learned: every tissue's brightness is drawn anew for every picture (SynthSeg:
Billot et al., Medical Image Analysis 86 (2023) 102789), and so are view, shape, coil, resolution and noise.
What no map can be told from (a mirrored, turned or missing head) is all "rest".
"""

import copy
from dataclasses import dataclass

import cv2
import numpy as np

from rtmri2speech.anatomy.sources import region_of_class

from ..phantom.head import CLASSES, LABEL
from ..phantom.scanner import SIGNAL

AIR = ("outside", "airway", "nasal_airway", "trachea")
BONE = ("hard_palate", "jaw_bone", "skull", "hyoid", "ligament")
TEETH = ("upper_teeth", "lower_teeth")
BRAIN = ("brain", "cerebellum", "brainstem", "ventricle", "csf")
SPINE = ("vertebra", "disc", "cord", "csf")
# Neighbours that some scanners show alike, and how often a picture does: (tissues, probability).
_ALIKE = (
    (("upper_lip", "lower_lip"), 0.6), (("upper_lip", "lower_lip", "tissue"), 0.25),
    (("tongue", "upper_lip", "lower_lip"), 0.3), (("tongue", "mouth_floor"), 0.4), (("tissue", "fat"), 0.5),
    (("velum", "palate_mucosa"), 0.4), (("tongue", "velum"), 0.4), (BRAIN, 0.4), (("brain", "ventricle"), 0.3),
    (("vertebra", "disc", "neck_muscle"), 0.25), (("vertebra", "neck_muscle", "fat"), 0.2), (("cord", "csf"), 0.3),
    (("pharynx_wall", "tissue", "neck_muscle"), 0.35), (("larynx", "glottis", "tissue"), 0.4),
    (("jaw_marrow", "tissue"), 0.3), (("jaw_marrow", "fat"), 0.3), (("gum", "tongue"), 0.4), (("marrow", "fat"), 0.4),
    (("skull", "marrow"), 0.2), (("hyoid", "mouth_floor", "tissue"), 0.4), (("tongue", "tissue", "mouth_floor"), 0.2),
    (("nasal_tissue", "airway"), 0.3), (("nasal_tissue", "tissue"), 0.2), (("ligament", "neck_muscle"), 0.5),
    (("hard_palate", "palate_mucosa"), 0.2), (("lower_lip", "jaw_marrow"), 0.1),
)  # fmt: skip
_TRACT_CENTRE = (0.365, 0.535)  # of the map: between lips and pharynx, palate and glottis
_TRACT_SIZE = 0.45
OVERSAMPLING = 2
_REGION = region_of_class(CLASSES)


@dataclass(frozen=True)
class Example:
    """picture: float32 (size, size), mean 0, deviation 1; regions: uint8 (4, size, size), of each pixel's quarters."""

    picture: np.ndarray
    regions: np.ndarray


def example(labels: np.ndarray, other: np.ndarray, rng: np.random.Generator, size: int, negative: float) -> Example:
    """One picture of a label map (S, S) and its regions.

    other: another moment of the same head, of which fast movement leaves a shadow now and then. negative: how often it
    is no head in profile that looks left. In every other picture the tract fills most of it: the segmenter's second
    look is such.
    """
    widest = 0.72 if rng.random() < 0.5 else 1.25
    twin = copy.deepcopy(rng)
    seen = view(labels, rng, OVERSAMPLING * size, widest)
    shadow = view(other, twin, OVERSAMPLING * size, widest) if rng.random() < 0.2 else None
    seen = ragged_nose(seen, rng)
    kind = rng.random()
    if kind < 0.3 * negative:
        seen, shadow = _shapes(rng, OVERSAMPLING * size), None
    picture = expose(seen, rng, size, shadow)
    regions = _REGION[seen]
    picture, regions = _bordered(picture, regions, rng)
    quarters = np.stack([regions[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    if kind < negative:
        quarters[:] = 0
        if kind > 0.5 * negative:
            picture = picture[:, ::-1]
        elif kind > 0.3 * negative:
            picture = np.rot90(picture, rng.integers(1, 4))
    picture = (picture - picture.mean()) / max(float(picture.std()), 1e-6)
    return Example(np.ascontiguousarray(picture, np.float32), quarters)


# ------------------------------------------------------------------------------------------------------------- shape


def view(labels: np.ndarray, rng: np.random.Generator, size: int, widest: float = 1.1) -> np.ndarray:
    """(S, S) -> (size, size): from the mouth alone to `widest` of the map, turned, stretched, bent."""
    field = float(np.exp(rng.uniform(np.log(0.42), np.log(widest))))
    tract = _TRACT_SIZE / field
    room = max(0.06, 0.5 - 0.42 * tract)
    at = 0.5 + rng.uniform(-room, room, 2)
    angle = np.deg2rad(np.clip(rng.normal(0, 9), -25, 25))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.diag(np.exp(rng.normal(0, 0.08, 2)))
    shear = np.array([[1, rng.normal(0, 0.06)], [0, 1]])
    linear = field * turn @ shear @ stretch
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    bend = [
        smooth_field(rng, size, 4, 0.025) + smooth_field(rng, size, int(rng.integers(7, 13)), rng.uniform(0, 0.009))
        for _ in range(2)
    ]
    x, y = x - np.float32(at[0]) + bend[0], y - np.float32(at[1]) + bend[1]
    n = len(labels)
    across = n * (_TRACT_CENTRE[0] + linear[0, 0] * x + linear[0, 1] * y)
    down = n * (_TRACT_CENTRE[1] + linear[1, 0] * x + linear[1, 1] * y)
    return cv2.remap(
        labels, across.astype(np.float32), down.astype(np.float32), cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT
    )


def whole_head(labels: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """(S, S) -> (size, size): the map as it was drawn, but for a little shift, turn and scale: most corpora's view."""
    n = len(labels)
    turn = cv2.getRotationMatrix2D((n / 2, n / 2), float(rng.normal(0, 2)), float(np.exp(rng.normal(0, 0.03))))
    turn[:, 2] += rng.normal(0, 0.01 * n, 2)
    turn = np.array([[size / n], [size / n]]) * turn
    return cv2.warpAffine(labels, turn, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)


def smooth_field(rng: np.random.Generator, size: int, knots: int, deviation: float) -> np.ndarray:
    """(size, size) float32, smooth, of about this deviation."""
    coarse = rng.normal(0, deviation, (knots, knots)).astype(np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def ragged_nose(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The nose's air spread into its lining here and there: turbinates look different in every head."""
    if rng.random() < 0.4:
        return labels
    eaten = smooth_field(rng, len(labels), int(rng.integers(20, 50)), 1.0) > rng.uniform(-1.0, 1.5)
    labels = labels.copy()
    labels[(labels == LABEL["nasal_tissue"]) & eaten] = LABEL["nasal_airway"]
    return labels


def _shapes(rng: np.random.Generator, size: int) -> np.ndarray:
    """(size, size) tissue classes in shapes of no head: ellipses, polygons, or nothing at all."""
    labels = np.zeros((size, size), np.uint8)
    if rng.random() < 0.4:  # rings within rings, as a head cut across
        centre, axes, angle = rng.uniform(0.35, 0.65, 2), rng.uniform(0.2, 0.48, 2), rng.uniform(0, 180)
        for share in np.sort(rng.uniform(0.1, 1, rng.integers(2, 7)))[::-1]:
            at, reach = (tuple(int(size * v) for v in pair) for pair in (centre, share * axes))
            cv2.ellipse(labels, at, reach, angle, 0, 360, int(rng.integers(len(CLASSES))), -1)
    for _ in range(rng.integers(0, 12)):
        points = size * (rng.uniform(0, 1, 2) + rng.uniform(-0.4, 0.4, (rng.integers(3, 9), 2)))
        if rng.random() < 0.5:
            axes = tuple(int(a) for a in size * rng.uniform(0.03, 0.4, 2))
            centre = tuple(int(c) for c in size * rng.uniform(0.2, 0.8, 2))
            cv2.ellipse(labels, centre, axes, rng.uniform(0, 180), 0, 360, int(rng.integers(len(CLASSES))), -1)
        else:
            cv2.fillPoly(labels, [points.astype(np.int32)], int(rng.integers(len(CLASSES))))
    return labels


# ------------------------------------------------------------------------------------------------------------- looks


def brightness(rng: np.random.Generator) -> np.ndarray:
    """(classes,) mean brightness of each tissue, about 0 to 1."""
    count = len(CLASSES)
    kind = rng.random()
    if kind < 0.45:
        level = rng.uniform(0.12, 1.0, count)
    elif kind < 0.75:  # soft tissues nearly alike
        level = rng.uniform(0.3, 0.8) * np.exp(rng.normal(0, rng.uniform(0.08, 0.3), count))
    else:
        level = np.array([SIGNAL[name] for name in CLASSES]) * np.exp(rng.normal(0, 0.25, count))
    for tissues, often in _ALIKE:
        if rng.random() < often:
            level[[LABEL[name] for name in tissues]] = level[LABEL[tissues[0]]]
    if rng.random() < 0.3:
        lip = level[LABEL["tongue"]] * rng.uniform(0.6, 1.0)
        level[[LABEL["upper_lip"], LABEL["lower_lip"]]] = lip
    _darken(level, BONE, rng.uniform(0, 0.25), 0.85, rng)
    _darken(level, TEETH, rng.uniform(0, 0.12), 0.92, rng)
    if rng.random() < 0.3:
        level[[LABEL[name] for name in BRAIN]] *= rng.uniform(1.1, 1.8)
    for tissues in (BRAIN, SPINE, ("neck_muscle", "tissue", "fat")):
        if rng.random() < 0.06:
            level[[LABEL[name] for name in tissues]] *= rng.uniform(0, 0.4)
    level[[LABEL[name] for name in AIR]] = rng.uniform(0, 0.1) * rng.uniform(0, 1)
    return level


def _darken(level: np.ndarray, tissues: tuple[str, ...], to: float, often: float, rng: np.random.Generator) -> None:
    for name in tissues:
        if rng.random() < often:
            level[LABEL[name]] = to * rng.uniform(0.5, 1.5)


def expose(
    labels: np.ndarray,
    rng: np.random.Generator,
    size: int,
    shadow: np.ndarray | None = None,
) -> np.ndarray:
    """Tissue classes (OVERSAMPLING * size, same) -> float32 (size, size) picture, in no particular unit.

    shadow: the classes a moment before or after, part of which the picture still shows.
    """
    return Appearance.drawn(rng, len(labels)).of(labels, rng, size, shadow)


@dataclass(frozen=True, eq=False)
class Appearance:
    """Tissues' brightness and a scanner, for label maps (n, n); of a clip, all frames share one.

    pixels: the scanner's, along a side.
    """

    level: np.ndarray
    share_of_shadow: float
    thick: tuple[int, float] | None
    texture: tuple[np.ndarray, np.ndarray]
    blur: float
    coil: np.ndarray
    pixels: int
    truncated: float | None
    streaks: np.ndarray | None
    noise: float
    clipped: float | None
    gamma: float
    interpolation: int

    @classmethod
    def drawn(cls, rng: np.random.Generator, n: int, pixels: tuple[int, int] = (44, 170)) -> "Appearance":
        """pixels: fewest and most along a side."""
        level = brightness(rng).astype(np.float32)
        across = int(np.exp(rng.uniform(*np.log(pixels))))
        return cls(
            level,
            rng.uniform(0.05, 0.35),
            None if rng.random() < 0.4 else (2 * int(rng.integers(1, 4)) + 1, rng.uniform(0.05, 0.4)),
            _texture(rng, n),
            rng.uniform(0.6, 2.6),
            _coil(rng, n),
            across,
            rng.uniform(0.62, 1.0) if rng.random() < 0.4 else None,
            rng.uniform(0, 0.1) * _streaks(rng, across) if rng.random() < 0.2 else None,
            rng.uniform(0, 0.12) * rng.uniform(0, 1),
            rng.uniform(93, 100) if rng.random() < 0.5 else None,
            np.exp(rng.normal(0, 0.3)),
            (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_AREA)[rng.integers(4)],
        )

    def of(
        self, labels: np.ndarray, rng: np.random.Generator, size: int, shadow: np.ndarray | None = None
    ) -> np.ndarray:
        """float32 (size, size); rng: of the noise. shadow: see `expose`."""
        picture = self.level[labels]
        if shadow is not None:
            picture = (1 - self.share_of_shadow) * picture + self.share_of_shadow * self.level[shadow]
        if self.thick:
            picture = _beside(picture, *self.thick)
        amount, field = self.texture
        picture = picture * np.exp(amount[labels] * field)
        picture = cv2.GaussianBlur(picture, (0, 0), self.blur) * self.coil
        small = cv2.resize(picture, (self.pixels, self.pixels), interpolation=cv2.INTER_AREA)
        if self.truncated:
            small = _truncated(small, self.truncated)
        top = float(np.percentile(small, 98)) + 1e-6
        if self.streaks is not None:
            small = small + top * self.streaks
        noise = self.noise * top * rng.standard_normal((2, *small.shape), np.float32)
        small = np.hypot(small + noise[0], noise[1])
        if self.clipped:
            small = np.minimum(small, np.percentile(small, self.clipped))
        small = (small / small.max()) ** self.gamma if small.max() > 0 else small
        return cv2.resize(small.astype(np.float32), (size, size), interpolation=self.interpolation)


def _beside(picture: np.ndarray, reach: int, share: float) -> np.ndarray:
    """A thick slice: beside its middle the air is narrower."""
    wider = cv2.dilate(picture, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    return np.where(picture < 0.12, (1 - share) * picture + share * np.minimum(wider, 0.5), picture).astype(np.float32)


def _texture(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """(256,) each tissue's share of it, and the field (n, n), both float32; air and, often, the brain are smooth."""
    amount = rng.uniform(0, 1, 256).astype(np.float32)
    amount[[LABEL[name] for name in AIR]] = 0
    if rng.random() < 0.6:
        amount[[LABEL[name] for name in BRAIN]] *= rng.uniform(0, 0.2)
    field = smooth_field(rng, n, int(rng.integers(5, 14)), rng.uniform(0, 0.4))
    return amount, field + smooth_field(rng, n, int(rng.integers(24, 90)), rng.uniform(0, 0.3))


def _coil(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, n) float32 sensitivity: a smooth field, or one coil near the face."""
    field = np.exp(smooth_field(rng, n, int(rng.integers(2, 5)), rng.uniform(0, 0.45)))
    if rng.random() < 0.25:
        y, x = np.mgrid[0:n, 0:n].astype(np.float32) / n
        reach = rng.uniform(0.25, 0.6, 2)
        near = np.exp(
            -(((x - rng.uniform(0.1, 0.6)) / reach[0]) ** 2) - (((y - rng.uniform(0.3, 0.8)) / reach[1]) ** 2)
        )
        field *= rng.uniform(0.03, 0.4) + near
    return field.astype(np.float32)


def _streaks(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, n) float32 waves that run straight or in arcs, as undersampled scans have them."""
    y, x = np.mgrid[0:n, 0:n].astype(np.float32) / n - rng.uniform(-1, 2, (2, 1, 1)).astype(np.float32)
    angle = rng.uniform(0, np.pi)
    along = np.hypot(x, y) if rng.random() < 0.5 else np.cos(angle) * x + np.sin(angle) * y
    return np.sin(2 * np.pi * rng.uniform(8, 40) * along) * np.clip(smooth_field(rng, n, 4, 0.7), 0, 1)


def _truncated(picture: np.ndarray, share: float) -> np.ndarray:
    """Only a disc of k-space, as spiral and radial scans sample it: ringing at edges."""
    n = len(picture)
    spectrum = np.fft.rfft2(picture)
    radius = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None])
    return np.abs(np.fft.irfft2(np.where(radius <= 0.5 * share, spectrum, 0), s=(n, n))).astype(np.float32)


def _bordered(picture: np.ndarray, regions: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Now and then black outside a rectangle or a disc, as padded pictures and round fields of view are."""
    kind, size = rng.random(), len(picture)
    if kind > 0.15:
        return picture, regions
    y, x = np.mgrid[0:size, 0:size] / size
    if kind < 0.05:
        black = np.hypot(x - 0.5, y - 0.5) > rng.uniform(0.46, 0.56)
    else:
        left, right, top, bottom = rng.uniform(0, 0.12, 4) * (rng.random(4) < 0.5)
        black = (x < left) | (x > 1 - right) | (y < top) | (y > 1 - bottom)
    large = np.repeat(np.repeat(black, OVERSAMPLING, 0), OVERSAMPLING, 1)
    return np.where(black, 0, picture), np.where(large, 0, regions).astype(np.uint8)

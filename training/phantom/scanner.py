"""Tissue classes -> MR-like pictures: signal and texture, thick slice, coil, finite k-space, Rician noise."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import fft

from .head import CLASSES, LABEL, MOVING_BOX_CM, Canvas, Outline, View, ellipse, paint_moving, paint_static
from .speaker import Speaker

SIZE = 256
LABEL_SIZE = 128
OVERSAMPLING = 2
# Instants within a frame that are painted and averaged: a scanner's picture is a mean over its interval.
INSTANTS = (1 / 6, 3 / 6, 5 / 6)
LATERAL_SHARE = 0.3  # of a slice about 1 cm thick, where the airway is narrower than in the middle

# Signal of each tissue in a T1-weighted gradient echo, 1 = the brightest fat.
SIGNAL = {
    "outside": 0.0, "tissue": 0.42, "fat": 0.85, "tongue": 0.56, "upper_lip": 0.72, "lower_lip": 0.72, "velum": 0.56,
    "hard_palate": 0.15, "palate_mucosa": 0.6, "pharynx_wall": 0.52, "jaw_bone": 0.14, "jaw_marrow": 0.52,
    "upper_teeth": 0.04, "lower_teeth": 0.04, "larynx": 0.44, "glottis": 0.62, "nasal_tissue": 0.38, "brain": 0.5,
    "cerebellum": 0.48, "brainstem": 0.54, "ventricle": 0.14, "skull": 0.10, "marrow": 0.62, "vertebra": 0.46,
    "disc": 0.27, "cord": 0.46, "csf": 0.16, "airway": 0.02, "nasal_airway": 0.03, "mouth_floor": 0.46,
    "trachea": 0.02, "gum": 0.5, "neck_muscle": 0.36, "ligament": 0.2, "hyoid": 0.2,
}  # fmt: skip
_FIXED = ("outside", "airway", "nasal_airway", "trachea", "upper_teeth", "lower_teeth")


def _noise_field(rng: np.random.Generator, size: int, blur: float) -> np.ndarray:
    """(size, size) smooth random field, mean 0 and deviation 1; `blur` in pixels; drawn coarsely where it is large."""
    coarse = max(1, int(blur // 3))
    n = -(-size // coarse)
    field = cv2.GaussianBlur(rng.standard_normal((n, n), np.float32), (0, 0), blur / coarse)
    field = cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC)
    return (field - field.mean()) / field.std()


def _texture(rng: np.random.Generator, labels: np.ndarray, view: View) -> np.ndarray:
    """(N, N) factor on the signal: gyri, foliation, muscle fibres, mottle; fixed to the head."""
    n, cm = len(labels), view.per_cm
    texture = 1 + 0.09 * _noise_field(rng, n, 0.15 * cm) + 0.08 * _noise_field(rng, n, 0.5 * cm)
    folds = _noise_field(rng, n, 0.26 * cm) + 0.5 * _noise_field(rng, n, 0.45 * cm)
    sulci = np.exp(-((folds / 0.28) ** 2))
    white = np.clip(_noise_field(rng, n, 0.7 * cm), -1, 1)
    brain = labels == LABEL["brain"]
    texture = np.where(brain, texture * (1 - 0.5 * sulci + 0.12 * white), texture)
    # Leaves of the cerebellum and fibres of the neck are stripes bent by noise.
    yy, xx = np.mgrid[0:n, 0:n].astype(np.float32) / cm
    bend = _noise_field(rng, n, 0.8 * cm)
    leaves = np.sin(2 * np.pi * (0.8 * xx + 1.9 * yy) + 1.5 * bend)
    texture = np.where(labels == LABEL["cerebellum"], texture * (1 + 0.22 * leaves), texture)
    fibres = np.sin(2 * np.pi * (1.6 * xx - 0.25 * yy) + 2.5 * bend)
    texture = np.where(labels == LABEL["neck_muscle"], texture * (1 + 0.16 * fibres), texture)
    loose = (labels == LABEL["tissue"]) | (labels == LABEL["nasal_tissue"])
    texture = np.where(loose, texture * (1 + 0.16 * _noise_field(rng, n, 0.22 * cm)), texture)
    return np.clip(texture, 0.2, 2).astype(np.float32)


def _coil(rng: np.random.Generator, size: int) -> np.ndarray:
    """(size, size) sensitivity of a face coil on the left and a weaker neck coil on the right."""
    yy, xx = np.mgrid[0:size, 0:size].astype(np.float32) / size
    x, y, reach = rng.uniform(0.2, 0.4), rng.uniform(0.5, 0.62), rng.uniform(0.35, 0.6)
    face = np.exp(-(((xx - x) / reach) ** 2) - (((yy - y) / (1.2 * reach)) ** 2))
    neck = np.exp(-(((xx - 0.85) / 0.3) ** 2) - (((yy - rng.uniform(0.5, 0.8)) / 0.4) ** 2))
    return (rng.uniform(0.35, 0.6) + 0.6 * face + rng.uniform(0.1, 0.35) * neck).astype(np.float32)


def _disc_filter(size: int, sharpness: float) -> np.ndarray:
    """(size, size//2+1) what a spiral or radial scan samples: a disc of k-space, gently apodised."""
    radius = np.hypot(fft.fftfreq(size)[:, None], fft.rfftfreq(size)[None, :]) / (0.5 * sharpness)
    return np.where(radius <= 1, np.exp(-0.6 * radius**2), 0).astype(np.float32)


@dataclass(frozen=True)
class HeadMotion:
    """Slow sway of the head in a clip: three sines each for the angle and the two shifts."""

    amplitude: np.ndarray  # (3,) rad, px, px
    hz: np.ndarray  # (3,)
    phase: np.ndarray  # (3,)
    pivot_px: np.ndarray  # (2,)

    @classmethod
    def drawn(cls, rng: np.random.Generator, view: View) -> "HeadMotion":
        amount = rng.uniform(0.2, 1.0)
        amplitude = amount * np.array([np.deg2rad(0.8), 0.09 * view.per_cm, 0.09 * view.per_cm])
        return cls(amplitude, rng.uniform(0.05, 0.35, 3), rng.uniform(0, 2 * np.pi, 3), view([-4.0, 2.0]))

    def at(self, t: float) -> np.ndarray:
        """(2, 3) from the resting head to the head at time t, in pixels of the oversampled picture."""
        a, dx, dy = self.amplitude * np.sin(2 * np.pi * self.hz * t + self.phase)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        return np.c_[turn, self.pivot_px - turn @ self.pivot_px + [dx, dy]]


class Scanner:
    """Everything of a speaker's pictures that does not change from frame to frame, and the camera for those that do."""

    def __init__(self, speaker: Speaker):
        cv2.setNumThreads(1)
        self.speaker = speaker
        rng = np.random.default_rng(speaker.looks_seed)
        n = SIZE * OVERSAMPLING
        self.view = View.of(speaker, n)
        self.labels = np.zeros((n, n), np.uint8)
        paint_static(Canvas(self.labels, self.view), speaker)
        self.box = self.view.box(MOVING_BOX_CM)
        self.signal = self._draw_signal(rng)
        texture = _texture(rng, self.labels, self.view)
        self.static = self.signal[self.labels] * texture
        self.static_texture = texture[self.box].copy()
        # The moving parts bring their own, finer texture: the static one would show the nose through the tongue.
        mottle = 1 + 0.07 * _noise_field(rng, n, 2.0) + 0.06 * _noise_field(rng, n, 7.0)
        fan = np.sin(70 * np.arctan2(*self._from_tongue_root()) + 2 * _noise_field(rng, n, 20.0))
        self.moving_texture = (mottle + 0.05 * fan)[self.box].astype(np.float32)
        self.moved = _moving_classes()
        self.coil = _coil(rng, SIZE)
        self.filter = _disc_filter(SIZE, speaker.sharpness)
        self.noise = self._noise_pool(rng)
        self.gain = 0.9 / self._bright_level()

    def _bright_level(self) -> float:
        """The signal that becomes nearly white: the 99th percentile of the head with a rough tongue and lips in it."""
        rough = self.labels.copy()
        canvas = Canvas(rough, self.view)
        canvas.fill(ellipse(2.8, 1.8, 2.4, 2.4), "tongue")
        canvas.fill(ellipse(6.3, 0.6, 0.7, 1.6), "lower_lip")
        canvas.fill(ellipse(5.0, 5.4, 1.2, 0.3), "fat")
        picture = self._expose(self.signal[rough], np.eye(3)[:2])
        return float(np.percentile(picture, 99.0))

    def _draw_signal(self, rng: np.random.Generator) -> np.ndarray:
        """(classes,) signal, each tissue a little off the table, the whole with the speaker's contrast."""
        signal = np.array([SIGNAL[name] for name in CLASSES], np.float32)
        varied = np.clip(signal * rng.normal(1, 0.12, len(signal)), 0, 1.1)
        varied = 0.45 * (varied / 0.45) ** self.speaker.contrast
        for name in _FIXED:
            varied[LABEL[name]] = SIGNAL[name]
        return varied.astype(np.float32)

    def _from_tongue_root(self) -> tuple[np.ndarray, np.ndarray]:
        n = self.view.size
        x, y = self.view([3.5, 4.0])
        yy, xx = np.mgrid[0:n, 0:n].astype(np.float32)
        return yy - y, xx - x

    def _noise_pool(self, rng: np.random.Generator, count: int = 12) -> np.ndarray:
        """(count, SIZE, SIZE) receiver noise, white within the sampled disc; frames take shifted pairs of these."""
        white = rng.standard_normal((count, SIZE, SIZE), np.float32)
        shaped = fft.irfft2(fft.rfft2(white) * self.filter, s=(SIZE, SIZE))
        return (self.speaker.noise * shaped / shaped.std()).astype(np.float32)

    def labels_of(self, outline: Outline) -> np.ndarray:
        """(rows, columns) classes within the moving box."""
        labels = self.labels[self.box].copy()
        origin = (self.box[1].start, self.box[0].start)
        paint_moving(Canvas(labels, self.view, origin), outline, self.speaker)
        return labels

    def _slice(self, labels: np.ndarray, glottis_open: float) -> np.ndarray:
        """(rows, columns) uint8, 200 = signal 1: most of a thick slice is the middle, some beside, with less air."""
        lut = np.round(self.signal * 200).astype(np.uint8)
        folds, air = self.signal[LABEL["glottis"]], self.signal[LABEL["airway"]]
        lut[LABEL["glottis"]] = round(200 * ((1 - glottis_open) * folds + glottis_open * air))
        table = np.zeros(256, np.uint8)
        table[: len(lut)] = lut
        middle = cv2.LUT(labels, table)
        reach = 2 * round(0.07 * self.view.per_cm) + 1
        beside = cv2.dilate(middle, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
        # Only air is narrower beside the middle: fat and bone do not spread into muscle.
        beside = cv2.min(beside, 110)
        cv2.copyTo(middle, cv2.compare(middle, 12, cv2.CMP_GE), beside)
        return cv2.addWeighted(middle, 1 - LATERAL_SHARE, beside, LATERAL_SHARE, 0)

    def _textured(self, slices: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
        """(rows, columns) float32 mean of the slices, with the texture of the tissues in `labels`."""
        texture = self.static_texture.copy()
        cv2.copyTo(self.moving_texture, cv2.LUT(labels, self.moved), texture)
        total = np.zeros(labels.shape, np.float32)
        for one in slices:
            cv2.accumulate(one, total)
        return cv2.multiply(total, texture, scale=1 / (200 * len(slices)))

    def _expose(self, tissue: np.ndarray, motion: np.ndarray) -> np.ndarray:
        """(SIZE, SIZE) noiseless picture of an oversampled tissue map with the head moved."""
        to_picture = _shrunk(motion, 1 / OVERSAMPLING)
        soft = cv2.GaussianBlur(tissue, (0, 0), 1.0)
        small = cv2.warpAffine(soft, to_picture, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return fft.irfft2(fft.rfft2(small * self.coil) * self.filter, s=(SIZE, SIZE))

    def frame(
        self, outlines: list[Outline], motion: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """One frame and its labels.

        outlines: the tract at each of INSTANTS; motion (2, 3) of the head. Returns uint8 (SIZE, SIZE) and
        uint8 (LABEL_SIZE, LABEL_SIZE), the labels at the middle of the interval.
        """
        painted = [self.labels_of(o) for o in outlines]
        tissue = self.static.copy()
        slices = [self._slice(p, o.glottis_open) for p, o in zip(painted, outlines, strict=True)]
        tissue[self.box] = self._textured(slices, painted[len(painted) // 2])
        signal = self._expose(tissue, motion)
        real, imaginary = self._noise_pair(rng)
        picture = np.hypot(signal + real, imaginary) * self.gain
        labels = self.labels.copy()
        labels[self.box] = painted[len(painted) // 2]
        shrink = _shrunk(motion, LABEL_SIZE / len(labels))
        border = {"flags": cv2.INTER_NEAREST, "borderMode": cv2.BORDER_REPLICATE}
        labels = cv2.warpAffine(labels, shrink, (LABEL_SIZE, LABEL_SIZE), **border)
        return np.clip(picture * 255, 0, 255).astype(np.uint8), labels

    def _noise_pair(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        first, second = rng.choice(len(self.noise), 2, replace=False)
        shifts = rng.integers(0, SIZE, (2, 2))
        return np.roll(self.noise[first], shifts[0], (0, 1)), np.roll(self.noise[second], shifts[1], (0, 1))


def _shrunk(motion: np.ndarray, factor: float) -> np.ndarray:
    """The (2, 3) motion of a picture followed by shrinking it, pixel centres at whole numbers."""
    return np.c_[motion[:, :2] * factor, motion[:, 2] * factor + 0.5 * factor - 0.5]


def _moving_classes() -> np.ndarray:
    """(256,) uint8, 255 for a class that is painted anew in every frame."""
    moved = np.zeros(256, np.uint8)
    for name in (
        "tongue", "upper_lip", "lower_lip", "velum", "jaw_bone", "jaw_marrow", "larynx", "glottis", "mouth_floor",
        "pharynx_wall", "gum", "hyoid", "palate_mucosa",
    ):  # fmt: skip
        moved[LABEL[name]] = 255
    return moved

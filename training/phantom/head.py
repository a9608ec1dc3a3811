"""A mid-sagittal head as a map of tissue classes: what VocalTractLab moves, and the head around it.

All points are in cm in the frame of VocalTractLab's unscaled speaker: x to the front, y down, the upper incisors at
(5.5, 0), the glottis near (-1.8, 9.2). The picture shows the face to the left, as real-time MRI is usually shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from rtmri2speech.anatomy.sources import TISSUES

from .speaker import Speaker

CLASSES = (
    "outside", "tissue", "fat", "tongue", "upper_lip", "lower_lip", "velum", "hard_palate", "palate_mucosa",
    "pharynx_wall", "jaw_bone", "jaw_marrow", "upper_teeth", "lower_teeth", "larynx", "glottis", "nasal_tissue",
    "brain", "cerebellum", "brainstem", "ventricle", "skull", "marrow", "vertebra", "disc", "cord", "csf", "airway",
    "nasal_airway", "mouth_floor", "trachea", "gum", "neck_muscle", "ligament", "hyoid",
)  # fmt: skip
LABEL = {name: k for k, name in enumerate(CLASSES)}
# What a reader of the picture would call the articulators: the regions of rtmri2speech.anatomy, but one for both lips.
REGIONS = {
    "tongue": TISSUES["tongue"],
    "lips": (*TISSUES["upper_lip"], *TISSUES["lower_lip"]),
    **{name: tissues for name, tissues in TISSUES.items() if name not in ("tongue", "upper_lip", "lower_lip")},
}
_SUBPIXEL_BITS = 4
# The part of the head that moves in speech: everything else is painted once.
MOVING_BOX_CM = ((-4.4, -3.9), (10.0, 14.5))
_CENTRE_CM = (-1.6, -0.2)


def smooth(points: Sequence, steps: int = 6) -> np.ndarray:
    """A Catmull-Rom curve (n, 2) through the points, `steps` to a span."""
    p = np.asarray(points, float)
    padded = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    neighbours = np.stack([padded[:-3], padded[1:-2], padded[2:-1], padded[3:]], 1)  # (spans, 4, 2)
    return np.concatenate([(_spline_weights(steps) @ neighbours).reshape(-1, 2), p[-1:]])


@lru_cache
def _spline_weights(steps: int) -> np.ndarray:
    """(steps, 4) weights of the four neighbouring points along a span."""
    t = np.arange(steps) / steps
    powers = np.stack([np.ones(steps), t, t**2, t**3], 1)
    return 0.5 * powers @ np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])


def ellipse(x: float, y: float, half_width: float, half_height: float, angle: float = 0.0) -> np.ndarray:
    """Points of an ellipse, turned by `angle` (rad)."""
    t = np.linspace(0, 2 * np.pi, 40)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.c_[half_width * np.cos(t), half_height * np.sin(t)] @ turn + [x, y]


@dataclass(frozen=True)
class View:
    """Where the scanner looks: (cm) -> pixels of a square picture of `size` pixels."""

    size: int
    matrix: np.ndarray  # (2, 3)

    @classmethod
    def of(cls, speaker: Speaker, size: int) -> "View":
        per_cm = size / speaker.field_of_view_cm
        a = np.deg2rad(speaker.tilt_deg)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        mirror = np.diag([-per_cm, per_cm])
        linear = mirror @ turn @ np.diag([speaker.scale_x, speaker.scale_y])
        centre = np.array(_CENTRE_CM) + [speaker.shift_x_cm, speaker.shift_y_cm]
        return cls(size, np.c_[linear, size / 2 - linear @ centre])

    @property
    def per_cm(self) -> float:
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(points, float) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def box(self, corners_cm) -> tuple[slice, slice]:
        """(rows, columns) that hold the rectangle between two corners."""
        (x0, y0), (x1, y1) = corners_cm
        p = self([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        low = np.clip(np.floor(p.min(0)).astype(int), 0, self.size)
        high = np.clip(np.ceil(p.max(0)).astype(int), 0, self.size)
        return slice(low[1], high[1]), slice(low[0], high[0])


class Canvas:
    """A label map to paint polygons on, given in cm."""

    def __init__(self, labels: np.ndarray, view: View, origin_px: tuple[int, int] = (0, 0)):
        self.labels, self.view, self.origin = labels, view, np.array(origin_px)

    def _points(self, points) -> np.ndarray:
        pixels = self.view(points) - self.origin
        return np.round(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)

    def fill(self, points, name: str) -> None:
        cv2.fillPoly(self.labels, [self._points(points)], LABEL[name], cv2.LINE_8, _SUBPIXEL_BITS)

    def line(self, points, name: str, width_cm: float) -> None:
        width = max(1, round(width_cm * self.view.per_cm))
        cv2.polylines(self.labels, [self._points(points)], False, LABEL[name], width, cv2.LINE_8, _SUBPIXEL_BITS)


# --------------------------------------------------------------------------------------------- what does not move


class _Cranium:
    """Points of the skull scaled about the hard palate: a child's braincase is large for its mouth."""

    def __init__(self, size: float):
        self.size = size

    def __call__(self, points) -> np.ndarray:
        centre = np.array([0.5, -3.0])
        return (np.asarray(points, float) - centre) * self.size + centre


def _face_profile(s: Speaker) -> list:
    """Forehead to the root of the upper lip."""
    return [
        [7.1, -7.4], [6.75, -6.3], [7.35, -5.0], [8.6 + s.nose, -2.95], [8.72 + s.nose, -2.5],
        [8.3 + 0.8 * s.nose, -2.1], [7.3, -1.85], [6.95, -1.35],
    ]  # fmt: skip


def paint_static(canvas: Canvas, s: Speaker) -> None:
    """The head without the moving parts: scalp, skull, brain, nose, spine, neck."""
    big = _Cranium(s.cranium)
    nape = s.nape
    back = big([[6.9, -9.6], [5.2, -12.0], [0.8, -13.6], [-4.6, -13.1], [-9.2, -10.4], [-11.1, -6.6], [-10.8, -3.2]])
    neck_back = [[-9.9 - 0.4 * nape, 0.2], [-9.5 - nape, 3.2], [-9.9 - nape, 7.5], [-11.2 - nape, 11], [-13, 15]]
    outline = np.vstack(
        [smooth(np.vstack([_face_profile(s)[::-1], back, neck_back])), [[0, 15.5], [0, 2], [5.5, -0.5]]]
    )
    canvas.fill(outline, "tissue")
    canvas.line(smooth(np.vstack([_face_profile(s)[::-1], back, neck_back])), "fat", 2 * s.fat)
    # The line above is centred on the skin: what lies outside is cut away again.
    outside = np.full_like(canvas.labels, 255)
    Canvas(outside, canvas.view).fill(outline, "tissue")
    canvas.labels[outside == 255] = LABEL["outside"]
    _paint_neck_back(canvas, s)
    _paint_skull(canvas, s, big)
    _paint_spine(canvas, s)
    _paint_nose(canvas, s, big)


def _paint_skull(canvas: Canvas, s: Speaker, big: _Cranium) -> None:
    vault = [[6.45, -7.3], [6.35, -9.4], [4.75, -11.5], [0.7, -12.95], [-4.4, -12.5], [-8.7, -9.9], [-10.4, -6.5]]
    vault += [[-10.1, -3.6], [-8.9, -1.9]]
    base = [[-6.6, -1.5], [-4.4, -1.75], [-3.3, -2.0], [-2.2, -3.6], [-1.3, -5.0], [0.9, -5.9], [3.4, -6.35]]
    skull = big(np.vstack([vault, base, [[5.6, -6.6]], vault[:1]]))
    canvas.fill(smooth(skull), "skull")
    canvas.line(smooth(big(vault)) * [0.985, 0.985], "marrow", 0.22)
    inner = big(
        [[6.0, -7.7], [5.85, -9.3], [4.4, -11.1], [0.6, -12.5], [-4.2, -12.0], [-8.25, -9.6], [-9.85, -6.4],
         [-9.5, -3.9], [-8.5, -2.5], [-6.5, -2.0], [-4.7, -2.2], [-3.9, -2.7], [-2.7, -4.2], [-1.9, -5.6],
         [-0.6, -5.75], [0.9, -6.4], [3.4, -6.9], [5.3, -7.1], [6.0, -7.7]]
    )  # fmt: skip
    canvas.fill(smooth(inner), "csf")
    brain = big(
        [[5.8, -7.8], [5.65, -9.2], [4.3, -10.9], [0.6, -12.25], [-4.1, -11.75], [-8.05, -9.5], [-9.6, -6.5],
         [-9.2, -5.6], [-6.0, -5.9], [-3.2, -6.6], [-1.2, -6.5], [0.9, -6.7], [3.4, -7.15], [5.2, -7.3], [5.8, -7.8]]
    )  # fmt: skip
    canvas.fill(smooth(brain), "brain")
    callosum = big([[2.4, -7.7], [2.9, -8.5], [1.6, -9.3], [-1.2, -9.6], [-3.6, -9.0], [-4.7, -8.0], [-4.4, -7.5]])
    canvas.fill(np.vstack([smooth(callosum), big([[-1.0, -7.6]])]), "ventricle")
    canvas.line(smooth(callosum), "brainstem", 0.55)
    canvas.fill(big(ellipse(-1.9, -7.6, 1.25, 0.75, 0.15)), "brainstem")
    cerebellum = big([[-5.0, -5.5], [-6.6, -5.7], [-8.7, -5.1], [-9.1, -3.9], [-8.2, -2.7], [-6.3, -2.4], [-5.3, -3.2]])
    canvas.fill(smooth(np.vstack([cerebellum, cerebellum[:1]])), "cerebellum")
    stem = big([[-2.2, -6.4], [-3.8, -6.4], [-4.6, -5.0], [-4.9, -3.0], [-5.0, -0.8], [-4.1, -0.8], [-3.95, -2.9]])
    stem = np.vstack([stem, big([[-3.1, -3.7], [-2.5, -4.6], [-2.8, -5.6], [-2.2, -6.4]])])
    canvas.fill(smooth(stem), "brainstem")
    canvas.fill(big(ellipse(-4.95, -4.4, 0.3, 0.6)), "ventricle")
    # Clivus and sphenoid: marrow around an air-filled sinus; the frontal sinus.
    clivus = big([[-1.35, -5.1], [-2.1, -4.1], [-3.3, -2.2], [-2.9, -1.8], [-1.7, -2.9], [-0.3, -3.8], [0.2, -4.4]])
    canvas.fill(smooth(np.vstack([clivus, clivus[:1]])), "marrow")
    canvas.fill(big(ellipse(0.55, -4.85, 1.05, 0.75, 0.3)), "nasal_airway")
    canvas.fill(big(ellipse(6.45, -7.6, 0.25, 0.75, 0.1)), "nasal_airway")


def _column(y: float, s: Speaker) -> float:
    """x of the vertebral bodies' centres: behind the pharynx, with the lordosis of the neck."""
    return -3.95 + s.spine - 0.16 * (y + 1) + 0.012 * (y - 5) ** 2 - 0.2


def _paint_spine(canvas: Canvas, s: Speaker) -> None:
    ys = np.linspace(-1.4, 15.5, 14)
    canal = np.array([[_column(y, s) - 1.6, y] for y in ys])
    canal[0] = [-4.55, -1.6]
    canvas.line(smooth(canal), "csf", 1.25)
    canvas.line(smooth(canal), "cord", 0.65)
    canvas.line(smooth(canal + [0.72, 0]), "ligament", 0.12)
    heights = [1.45 + 0.04 * k for k in range(8)]
    y = 1.9
    canvas.fill(ellipse(_column(-0.6, s) + 0.75, -0.65, 0.3, 0.5), "skull")
    canvas.fill(ellipse(_column(-0.6, s) + 0.75, -0.65, 0.19, 0.37), "vertebra")
    dens = np.array([[-0.3, -1.3], [0.15, -1.3], [0.45, 0.3], [0.75, 1.55], [-0.75, 1.6], [-0.6, 0.4], [-0.3, -1.3]])
    centre = np.array([_column(0.4, s), 0.1])
    canvas.fill(smooth(dens * 1.08) + centre, "skull")
    canvas.fill(smooth(dens * 0.93) + centre, "vertebra")
    for height in heights:
        slope = np.arctan(_column(y + height, s) - _column(y, s)) / height
        corner = np.array([[-0.74, 0.02], [-0.72, 0.93], [0.74, 0.97], [0.72, 0.08], [0.0, 0.0], [-0.74, 0.02]])
        body = np.c_[corner[:, 0], corner[:, 1] * height] @ np.array([[1, 0], [slope, 1]])
        at = np.array([_column(y, s), y])
        canvas.fill(np.array([[-0.7, -0.35], [0.7, -0.3], [0.7, 0.15], [-0.7, 0.1]]) + at, "disc")
        canvas.line(np.vstack([body, body[:1]]) + at, "skull", 0.09)
        canvas.fill(body + at, "vertebra")
        canvas.line(np.array([[-0.72, 0.5 * height], [-0.3, 0.5 * height]]) + at, "skull", 0.06)
        y += height + 0.28


def _paint_neck_back(canvas: Canvas, s: Speaker) -> None:
    nape = s.nape
    muscle = [[-6.4, -1.2], [-8.6, -0.9], [-8.9 - 0.6 * nape, 3], [-9.0 - 0.8 * nape, 7.5], [-10.2 - nape, 15.5]]
    canvas.fill(np.vstack([smooth(muscle), [[-6.0, 15.5], [-5.6, 5]]]), "neck_muscle")
    canvas.line(smooth([[-9.2, -1.2], [-8.4 - 0.4 * nape, 3], [-8.6 - 0.7 * nape, 8]]), "ligament", 0.15)
    for k, y in enumerate((-0.3, 2.0, 3.6, 5.3, 7.0, 8.9, 10.9, 12.8)):
        x = _column(y, s) - 3.2 - (0.5 if k in (1, 6, 7) else 0.0)
        canvas.fill(ellipse(x, y + 0.5, 1.0, 0.42, -0.45), "skull")
        canvas.fill(ellipse(x, y + 0.5, 0.87, 0.3, -0.45), "vertebra")
        canvas.fill(ellipse(x + 0.1, y + 1.35, 0.75, 0.2, -0.45), "fat")


def _paint_nose(canvas: Canvas, s: Speaker, big: _Cranium) -> None:
    cavity = [[0.3, -1.9], [0.2, -3.4], [0.9, -4.6], [3.2, -5.4], [5.6, -5.0], [7.2, -3.3], [7.4, -2.3], [6.0, -1.9]]
    canvas.fill(np.vstack([cavity, [[4.0, -1.6]], [[1.5, -1.4]]]), "nasal_tissue")
    # Turbinates between air passages; in some heads the slice runs through the septum and shows few of them.
    air = 0.1 + 0.14 * ((s.nose + 0.5) % 1.0)
    canvas.line(smooth([[0.2, -2.2], [2.4, -2.55], [4.5, -2.45], [6.7, -2.3]]), "nasal_airway", air)
    canvas.line(smooth([[0.3, -3.2], [2.4, -3.7], [4.6, -3.5], [6.9, -2.7]]), "nasal_airway", 0.8 * air)
    canvas.line(smooth([[1.0, -4.4], [3.0, -4.7], [5.0, -4.4]]), "nasal_airway", 0.6 * air)
    canvas.fill(ellipse(7.6 + 0.6 * s.nose, -2.25, 0.4, 0.16, 0.5), "nasal_airway")
    canvas.fill(big([[3.6, -6.9], [1.2, -6.2], [1.4, -5.5], [4.0, -5.6], [5.8, -6.2], [5.6, -6.8]]), "nasal_tissue")


# --------------------------------------------------------------------------------------------------- what moves


@dataclass(frozen=True)
class Outline:
    """VocalTractLab's mid-sagittal lines, (n, 2) cm in the unscaled frame, and how far the glottis is open (0 to 1)."""

    back_wall: np.ndarray  # 9 points: glottis up to the velum
    uvula: np.ndarray  # 8
    upper: np.ndarray  # 27: velum, palate, upper incisor, upper lip
    front_larynx: np.ndarray  # 5
    epiglottis: np.ndarray  # 8
    lower: np.ndarray  # 25: floor of the mouth, lower incisor, lower lip
    tongue: np.ndarray  # 37
    glottis_open: float

    @classmethod
    def of(cls, polylines: Sequence[np.ndarray], speaker: Speaker, glottis_open: float) -> "Outline":
        scale = np.array([speaker.scale_x, speaker.scale_y])
        return cls(*(p / scale for p in polylines[:7]), glottis_open)

    def mixed(self, other: "Outline", weight: float) -> "Outline":
        """This outline moved `weight` of the way to the other."""
        a, b = vars(self), vars(other)
        return Outline(*((1 - weight) * a[k] + weight * b[k] for k in a))


def paint_moving(canvas: Canvas, o: Outline, s: Speaker) -> None:
    """Lower face, mouth, throat, larynx, over the static head."""
    back, uvula, upper, front, lower = o.back_wall.copy(), o.uvula, o.upper, o.front_larynx, o.lower
    # VocalTractLab's wall bulges backward above the glottis; the real pharynx runs on smoothly to the arytenoids.
    back[2] = 0.45 * back[2] + 0.55 * back[1] + [-0.15, -0.15]
    back[1] = back[1] + [-0.02, 0.2]
    incisor = lower[15]
    jaw = incisor - np.array([5.2, 2.0])
    hyoid = front[4]
    neck = _paint_lower_face(canvas, o, s, jaw)
    top = back[8]
    velum_top = np.array(
        [upper[5] + [0, -s.palate], upper[3] + [0, -s.velum], upper[1] + [-0.1, -0.95 * s.velum],
         uvula[0] + [0.12, -0.55], uvula[0] + [-0.02, -0.1]]
    )  # fmt: skip
    roof = np.array([top - [0.05, 0], [top[0] - 0.1, -1.3], [-2.3, -2.35], [-1.2, -2.9], [0.25, -3.0]])
    canvas.fill(np.vstack([smooth(roof, 4), velum_top]), "nasal_airway")
    airway = [smooth(back[2:], 4), upper[:25], [[7.0, 0.5]], lower[24:9:-1], lower[9::-1], front[::-1], back[:2]]
    canvas.fill(np.vstack(airway), "airway")
    _paint_larynx(canvas, o, back, s)
    _paint_tongue(canvas, o, jaw, hyoid, neck)
    wall = np.vstack([smooth(back[2:], 4), smooth(roof[:3], 4)])
    canvas.fill(np.vstack([wall, (wall + [-0.45, -0.05])[::-1]]), "pharynx_wall")
    _paint_palate(canvas, o, s, velum_top)
    _paint_jaw_and_lips(canvas, o, jaw)


def _paint_lower_face(canvas: Canvas, o: Outline, s: Speaker, jaw: np.ndarray) -> list[np.ndarray]:
    """Chin, floor and front of the neck. Returns the points under the chin, which other parts lean on."""
    upper, lower = o.upper, o.lower
    chin = np.array([6.35 + s.chin, 4.3]) + jaw
    mental = np.array([6.15, 3.15]) + jaw
    below = np.array([4.7, 5.85]) + 0.65 * jaw
    angle = np.array([2.5 + 0.5 * s.neck, 6.5]) + 0.4 * jaw
    # The Adam's apple rides on the larynx, but never above the angle of chin and neck.
    apple = np.array([1.35 + 0.75 * s.neck, max(o.front_larynx[0][1] - 1.2, angle[1] + 1.2)])
    throat = [angle, apple, np.array([0.85 + s.neck, 11.5]), [0.6 + s.neck, 15.5]]
    lip = np.array([[6.95, -1.35], upper[26], upper[24], upper[22], [5.9, 0.2], [5.9, 1.5], lower[20], lower[22]])
    skin = smooth(np.vstack([lower[24:25], [mental], [chin], [np.array([6.0, 5.25]) + jaw], [below], throat]), 5)
    canvas.fill(np.vstack([lip, skin, [[-3.4, 15.5], [-3.0, 3.0], [-1.0, -0.9], [5.0, -1.7]]]), "tissue")
    # Fat under the skin: thick at and under the chin, thin on the neck.
    thick = np.interp(np.linspace(0, 1, len(skin)), [0, 0.25, 0.5, 0.7, 1], [0.1, 0.9, 1.5, 0.6, 0.4]) * s.fat
    along = np.gradient(skin, axis=0)
    inward = np.c_[-along[:, 1], along[:, 0]] / np.hypot(*along.T)[:, None]
    canvas.fill(np.vstack([skin, (skin + inward * thick[:, None])[::-1]]), "fat")
    return [below, throat[0]]


def _paint_larynx(canvas: Canvas, o: Outline, back: np.ndarray, s: Speaker) -> None:
    front = o.front_larynx
    hyoid = front[4]
    parted = 0.3 * o.glottis_open
    thyroid = [front[0] + [0.75, 0.5], hyoid + [0.35, 0.5], front[1] + [1.15, -0.2], front[0] + [0.8, -0.6]]
    canvas.fill(np.vstack([front[:4], [hyoid], thyroid[1:], thyroid[:1]]), "larynx")
    canvas.line([front[1] + [0.95, -0.3], front[0] + [0.75, 0.5]], "skull", 0.16)
    # Arytenoids and cricoid behind; the arytenoids draw back when the folds part.
    shift = np.array([-parted, 0.0])
    cricoid = [back[0] + [0.0, -0.2], back[1] + shift, back[2] + [0.25, 0] + 0.5 * shift, back[2] + [-0.1, 0.5]]
    canvas.fill(
        np.vstack([cricoid, [back[0] + [-0.75, 0.2]], [back[0] + [-0.7, 1.6]], [back[0] + [-0.2, 1.5]]]), "larynx"
    )
    canvas.fill(ellipse(*(back[0] + [-0.38, 0.75]), 0.22, 0.6, 0.1), "marrow")
    below = np.array([[front[0][0] + 0.4, 15.5], [back[0][0] + 0.25, 15.5]])
    canvas.fill(np.vstack([[back[0] + [0.02, 0.15]], [front[0] + [-0.02, 0.15]], below]), "trachea")
    # The folds fill the slice when they meet, and leave it to the air when they part: see scanner.tissue_lut.
    a, b = back[0] + [-0.02, 0] + shift, front[0] + [0.02, 0]
    canvas.fill([a + [0, -0.22], b + [0, -0.2], b + [0, 0.3], a + [0, 0.32]], "glottis")


def _paint_tongue(canvas: Canvas, o: Outline, jaw: np.ndarray, hyoid: np.ndarray, neck: list[np.ndarray]) -> None:
    lower, incisor = o.lower, o.lower[15]
    below, throat = neck
    floor = [lower[3:12], [incisor + [-0.4, 0.9]], [np.array([4.6, 4.2]) + jaw], [below + [-0.4, -0.5]]]
    canvas.fill(np.vstack([*floor, [throat + [-0.3, -0.4]], [hyoid + [0.7, 0.6]], [hyoid]]), "mouth_floor")
    canvas.line(smooth([np.array([4.4, 4.5]) + jaw, below + [-1.2, -0.75], hyoid + [0.8, 0.3]]), "gum", 0.12)
    canvas.fill(np.vstack([smooth(o.tongue, 3), lower[11:2:-1], [hyoid]]), "tongue")
    canvas.fill(smooth(np.vstack([o.epiglottis, o.epiglottis[:1]]), 4), "larynx")
    canvas.fill(ellipse(hyoid[0] + 0.35, hyoid[1] + 0.35, 0.42, 0.28, 0.6), "hyoid")


def _paint_palate(canvas: Canvas, o: Outline, s: Speaker, velum_top: np.ndarray) -> None:
    upper = o.upper
    palate = smooth(upper[5:13], 4)
    bone = np.vstack([upper[5], upper[7], upper[8] + [0.3, 0]]) + [0, -s.palate]
    maxilla = np.array([[5.2, -1.9], [5.9, -1.7]])
    canvas.fill(np.vstack([palate, [[5.55, 0]], [[5.9, -1.2]], maxilla[::-1], bone[::-1]]), "hard_palate")
    canvas.fill(smooth([[4.3, -1.5], [5.1, -0.85], [5.6, -1.1], [5.5, -1.65], [4.7, -1.85], [4.3, -1.5]]), "marrow")
    canvas.fill(np.vstack([upper[10:13], [[5.55, 0.0], [5.75, -1.0], [5.2, -1.1]]]), "gum")
    canvas.line(palate + [0, -0.08], "palate_mucosa", 0.2)
    canvas.fill(np.vstack([o.uvula, smooth(upper[:6], 4), velum_top[:1], smooth(velum_top, 4)]), "velum")


def _paint_jaw_and_lips(canvas: Canvas, o: Outline, jaw: np.ndarray) -> None:
    upper, lower, incisor = o.upper, o.lower, o.lower[15]
    mental = np.array([6.15, 3.15]) + jaw
    bone = np.array(
        [[4.55, 2.55], [5.2, 2.3], [5.45, 2.5], [5.75, 3.6], [5.6, 4.45], [5.0, 4.75], [4.5, 4.3], [4.35, 3.4]]
    )  # fmt: skip
    bone = smooth(np.vstack([bone, bone[:1]]), 5) + jaw
    canvas.fill(bone, "jaw_bone")
    canvas.fill(0.72 * bone + 0.28 * bone.mean(0), "jaw_marrow")
    canvas.fill(np.vstack([lower[12:16], [incisor + [-0.05, 0.75]], [incisor + [-0.35, 0.75]]]), "lower_teeth")
    canvas.fill(np.vstack([upper[[12, 15, 16, 17]], [[5.25, -0.75], [4.85, -0.75]]]), "upper_teeth")
    inner = [incisor + [0.45, 1.3], incisor + [0.25, 0.9]]
    canvas.fill(np.vstack([[incisor + [0.12, 0.1]], smooth(lower[16:25], 4), [mental], inner]), "lower_lip")
    canvas.fill(
        np.vstack([upper[17:18], smooth(upper[18:27], 4), [[6.95, -1.35], [6.2, -1.6], [5.75, -1.0]]]), "upper_lip"
    )

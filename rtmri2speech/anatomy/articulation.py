"""Articulation in numbers: how far apart the parts of the tract are, frame by frame, as labs measure it by hand.

Lengths are in pixels of the 256 px picture; `in_cm` takes them to centimetres where the size of the clip's own pixels
is known. Positions along the tract run from 0 at the glottis to 1 at the lips. NaN: what is needed is not in the frame.

    lip_aperture       smallest distance of the lips; 0 when closed
    lip_protrusion     how far the lips reach before the front of the hard palate
    tongue_palate      smallest distance of tongue and hard palate; tongue_palate_place: where on it, 0 its front
    tongue_velum       smallest distance of tongue and velum
    tongue_pharynx     smallest distance of tongue and pharynx wall; tongue_pharynx_place: how far up the wall, 0 below
    velum_opening      smallest distance of velum and pharynx wall: the way to the nose
    jaw_height         of the jaw's middle, along the head's own upward axis, from that of the hard palate (negative)
    larynx_height      the same of the larynx
    constriction       narrowest cross-distance between tongue and outer wall; constriction_place: where along the tract
    tract_length       along the middle of the airway, from the glottis to the lips
    cross_distances    (T, LINES) width of the airway on lines across the tract, from the glottis to the lips

The lines are Maeda's semipolar grid (Speech Communication 1 (1982) 199), laid once for a clip on its median anatomy and
moved with the hard palate.
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np

from .outlines import outline
from .regions import NAMES, SIZE, Regions, members

LINES = 32
_STEP_PX = 0.5  # along a line of the grid
_OUTER = ("pharynx_wall", "velum", "hard_palate", "upper_lip")
_TOUCHING_PX = 0.8  # outlines of regions that touch are no further apart
_SWAY_FRAMES = 15  # the hard palate's position is smoothed over so many: it moves with the head, not with speech


@dataclass(frozen=True)
class Articulation:
    """Measures of T frames, each (T,) float64 but cross_distances (T, LINES); see the module. grid: Grid or None."""

    lip_aperture: np.ndarray
    lip_protrusion: np.ndarray
    tongue_palate: np.ndarray
    tongue_palate_place: np.ndarray
    tongue_velum: np.ndarray
    tongue_pharynx: np.ndarray
    tongue_pharynx_place: np.ndarray
    velum_opening: np.ndarray
    jaw_height: np.ndarray
    larynx_height: np.ndarray
    constriction: np.ndarray
    constriction_place: np.ndarray
    tract_length: np.ndarray
    cross_distances: np.ndarray

    def in_cm(self, clip_pixel_mm: float, shape: tuple[int, int]) -> "Articulation":
        """Lengths in cm. clip_pixel_mm: side of the clip's own square pixels; shape: (height, width) of its frames."""
        cm = clip_pixel_mm / 10 * max(shape) / SIZE
        return Articulation(**{name: v if name.endswith("_place") else v * cm for name, v in vars(self).items()})

    def columns(self) -> dict[str, np.ndarray]:
        """Every measure (T,) by name, cross_distances as cross_01 to cross_32: for tables."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "cross_distances"}
        across = {f"cross_{k + 1:02d}": self.cross_distances[:, k] for k in range(self.cross_distances.shape[1])}
        return plain | across


@dataclass(frozen=True)
class Grid:
    """Lines across the tract of a face that looks left, glottis first.

    inner, outer: (LINES, 2) ends (x, y) in pixels of the picture, where the hard palate's middle is at `anchor`.
    """

    inner: np.ndarray
    outer: np.ndarray
    anchor: np.ndarray


def articulation(regions: Regions) -> Articulation:
    """Measure every frame. A face that looks right is measured as its mirror image."""
    labels = regions.labels if regions.facing == "left" else regions.labels[:, :, ::-1]
    anchors, up = _palate(labels)
    points = [_borders(frame) for frame in labels]
    near = [_distances(p) for p in points]
    columns = {name: np.array([n[name] for n in near]) for name in near[0]}
    columns["lip_protrusion"] = _protrusion(labels)
    columns["jaw_height"] = _height(labels, "jaw", anchors, up)
    columns["larynx_height"] = _height(labels, "larynx", anchors, up)
    grid = lay_grid(labels, anchors)
    if grid is None:
        nothing = np.full(len(labels), np.nan)
        along = dict.fromkeys(("constriction", "constriction_place", "tract_length"), nothing)
        return Articulation(**columns, **along, cross_distances=np.full((len(labels), LINES), np.nan))
    return Articulation(**columns, **_across(labels, grid, anchors))


# ------------------------------------------------------------------------------------------- smallest distances


def _borders(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Region -> points (n, 2) along its outlines, no further apart than about a pixel."""
    made = {}
    for name in ("tongue", "lower_lip", "upper_lip", "velum", "hard_palate", "pharynx_wall"):
        borders = outline(labels == NAMES.index(name), tolerance=0.0)
        made[name] = np.concatenate(borders) if borders else np.empty((0, 2), np.float32)
    return made


def _distances(points: dict[str, np.ndarray]) -> dict[str, float]:
    palate, wall = points["hard_palate"], points["pharynx_wall"]
    tongue_palate, at_palate = _nearest(points["tongue"], palate)
    tongue_pharynx, at_wall = _nearest(points["tongue"], wall)
    return {
        "lip_aperture": _nearest(points["lower_lip"], points["upper_lip"])[0],
        "tongue_palate": tongue_palate,
        "tongue_palate_place": _share(palate[:, 0], at_palate),
        "tongue_velum": _nearest(points["tongue"], points["velum"])[0],
        "tongue_pharynx": tongue_pharynx,
        "tongue_pharynx_place": 1 - _share(wall[:, 1], at_wall),
        "velum_opening": _nearest(points["velum"], wall)[0],
    }


def _nearest(a: np.ndarray, b: np.ndarray) -> tuple[float, int | None]:
    """Smallest distance of two borders, 0 where they touch, and the point of b where it is."""
    if not len(a) or not len(b):
        return np.nan, None
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    at = int(squared.min(axis=0).argmin())
    apart = float(np.sqrt(squared[:, at].min()))
    return apart if apart > _TOUCHING_PX else 0.0, at


def _share(values: np.ndarray, at: int | None) -> float:
    """Where a point lies between the smallest and the largest of them, 0 to 1."""
    if at is None or np.ptp(values) == 0:
        return np.nan
    return float((values[at] - values.min()) / np.ptp(values))


# ------------------------------------------------------------------------------------------------- heights, lips


def _palate(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, 2) middle of the hard palate, smoothed over time, and the head's upward direction (2,).

    The palate is the part of the tract that moves with the head alone; up is square to its length.
    """
    middles, tilts = [], []
    for mask in labels == NAMES.index("hard_palate"):
        rows, columns = np.nonzero(mask)
        if len(rows) < 20:
            middles.append([np.nan, np.nan])
            continue
        middles.append([columns.mean(), rows.mean()])
        covariance = np.cov(columns, rows)
        tilts.append(0.5 * np.arctan2(2 * covariance[0, 1], covariance[0, 0] - covariance[1, 1]))
    tilt = float(np.median(tilts)) if tilts else 0.0
    return _steadied(np.array(middles)), np.array([np.sin(tilt), -np.cos(tilt)])


def _steadied(points: np.ndarray) -> np.ndarray:
    """(T, 2) with gaps filled by the median, smoothed over _SWAY_FRAMES."""
    known = np.isfinite(points).all(axis=1)
    if not known.any():
        return points
    filled = np.where(known[:, None], points, np.median(points[known], axis=0))
    half = min(_SWAY_FRAMES, len(points)) // 2
    padded = np.pad(filled, ((half, half), (0, 0)), mode="edge")
    kernel = np.ones(2 * half + 1) / (2 * half + 1)
    return np.stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)], axis=1)


def _height(labels: np.ndarray, name: str, anchors: np.ndarray, up: np.ndarray) -> np.ndarray:
    return (_middles(labels, name) - anchors) @ up


def _middles(labels: np.ndarray, name: str) -> np.ndarray:
    """(T, 2) centroid of a region or group, NaN where it is not."""
    wanted = [NAMES.index(member) for member in members(name)]
    mask = np.isin(labels, wanted)
    count = mask.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        across = (mask.sum(axis=1) * np.arange(labels.shape[2])).sum(axis=1) / count
        down = (mask.sum(axis=2) * np.arange(labels.shape[1])).sum(axis=1) / count
    return np.stack([across, down], axis=1)


def _protrusion(labels: np.ndarray) -> np.ndarray:
    """(T,) from the front of the lips (the foremost tenth of their pixels) to that of the hard palate."""
    lips, palate = (_front(labels, name) for name in ("lips", "hard_palate"))
    return _steadied(np.stack([palate, palate], axis=1))[:, 0] - lips


def _front(labels: np.ndarray, name: str) -> np.ndarray:
    wanted = [NAMES.index(member) for member in members(name)]
    by_column = np.isin(labels, wanted).sum(axis=1)  # (T, columns)
    total = by_column.sum(axis=1)
    front = (by_column.cumsum(axis=1) < 0.1 * total[:, None]).sum(axis=1).astype(float)
    return np.where(total > 0, front, np.nan)


# ------------------------------------------------------------------------------------------------------ the grid


def lay_grid(labels: np.ndarray, anchors: np.ndarray) -> Grid | None:
    """The semipolar grid of a clip: level lines through the pharynx, a fan about the tongue, upright lines at the lips.

    Laid on the medians of the regions' places over the clip; None where the tract is not there.
    """
    tongue, lips, wall = (_median(_middles(labels, name)) for name in ("tongue", "lips", "pharynx_wall"))
    glottis = float(_median(_glottis(labels)[:, None])[0])
    if not np.isfinite([*tongue, *lips, *wall, glottis]).all() or glottis < tongue[1] + 4 or lips[0] > tongue[0]:
        return None
    reach = 1.35 * np.hypot(*(lips - tongue))
    below, around, before = LINES - 22, 14, 8
    level = np.linspace(glottis, tongue[1], below, endpoint=False)
    fan = np.linspace(0, 0.5 * np.pi + 0.35, around)
    rays = np.c_[np.cos(fan), -np.sin(fan)]
    start = tongue[0] + 0.6 * reach * rays[-1, 0]
    upright = np.linspace(start, lips[0], before + 1)[1:]
    fraction = np.linspace(0, 1, before + 1)[1:]
    inner = np.vstack(
        [
            np.c_[np.full(below, tongue[0] - 0.3 * reach), level],
            np.repeat(tongue[None], around, axis=0),
            np.c_[upright, (1 - fraction) * tongue[1] + fraction * (lips[1] + 0.35 * reach)],
        ]
    )
    outer = np.vstack(
        [
            np.c_[np.full(below, wall[0] + 0.3 * reach), level],
            tongue + reach * rays,
            np.c_[upright, np.full(before, lips[1] - 0.5 * reach)],
        ]
    )
    return Grid(inner, outer, _median(anchors))


def _median(points: np.ndarray) -> np.ndarray:
    """(T, n) -> (n,) median of what is finite, NaN where nothing is."""
    known = points[np.isfinite(points).all(axis=1)]
    return np.median(known, axis=0) if len(known) else np.full(points.shape[1], np.nan)


def _glottis(labels: np.ndarray) -> np.ndarray:
    """(T,) y of the glottis: where the airway between tongue and pharynx wall ends below, at the larynx."""
    tongue, wall, larynx = (_middles(labels, name) for name in ("tongue", "pharynx_wall", "larynx"))
    ends = np.full(len(labels), np.nan)
    for t, frame in enumerate(labels):
        if not np.isfinite([*tongue[t], *wall[t], *larynx[t]]).all():
            continue
        airway = (frame == NAMES.index("airway")).astype(np.uint8)
        _, pieces = cv2.connectedComponents(airway, connectivity=4)
        y = slice(int(tongue[t, 1]), int(larynx[t, 1]) + 1)
        x = slice(int(tongue[t, 0]), int(wall[t, 0]) + 1)
        seen = np.bincount(pieces[y, x].ravel())
        seen[0] = 0
        if len(seen) < 2 or not seen.any():
            continue
        ends[t] = np.flatnonzero((pieces == seen.argmax()).any(axis=1))[-1] + 1
    # Where the folds are not seen, the airway runs on into the trachea: such frames take the larynx' own height.
    apart = ends - larynx[:, 1]
    usual = np.nanmedian(np.where(np.abs(apart) < 30, apart, np.nan)) if np.isfinite(apart).any() else np.nan
    return np.where(np.abs(apart - usual) < 12, ends, larynx[:, 1] + usual)


def _across(labels: np.ndarray, grid: Grid, anchors: np.ndarray) -> dict[str, np.ndarray]:
    """Widths on the grid's lines and what follows from them."""
    runs = [_widths(frame, grid, anchor) for frame, anchor in zip(labels, anchors, strict=True)]
    widths, middles, by_tongue = (np.stack(values) for values in zip(*runs, strict=True))
    glottis, lips = _glottis(labels), _front(labels, "lips")
    length = np.array([_length(m, g, front) for m, g, front in zip(middles, glottis, lips, strict=True)])
    narrow = np.where(by_tongue, widths, np.inf)
    at = narrow.argmin(axis=1)
    found = np.isfinite(narrow.min(axis=1))
    return {
        "constriction": np.where(found, narrow.min(axis=1), np.nan),
        "constriction_place": np.where(found, at / (LINES - 1), np.nan),
        "tract_length": length,
        "cross_distances": widths,
    }


def _widths(labels: np.ndarray, grid: Grid, anchor: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(LINES,) width of the airway before the first outer wall; (LINES, 2) its middle; (LINES,) whether on the tongue.

    NaN where a line meets neither airway nor wall.
    """
    shift = anchor - grid.anchor
    longest = np.hypot(*(grid.outer - grid.inner).T).max()
    along = np.linspace(0, 1, int(longest / _STEP_PX) + 1)
    points = grid.inner[:, None] + along[None, :, None] * (grid.outer - grid.inner)[:, None] + shift
    columns, rows = np.clip(np.round(points - 0.5).astype(int), 0, SIZE - 1).transpose(2, 0, 1)
    met = labels[rows, columns]  # (LINES, samples)
    step = np.hypot(*(grid.outer - grid.inner).T) / (len(along) - 1)
    widths, middles = np.full(len(met), np.nan), np.full((len(met), 2), np.nan)
    on_tongue = np.zeros(len(met), bool)
    airway, tongue = NAMES.index("airway"), NAMES.index("tongue")
    outer = np.isin(met, [NAMES.index(name) for name in _OUTER])
    for k, line in enumerate(met):
        walls = np.flatnonzero(outer[k])
        if not len(walls):
            continue
        end = walls[0]
        inside = np.flatnonzero(~np.isin(line[:end], (airway, 0)))
        begin = inside[-1] + 1 if len(inside) else 0
        air = np.flatnonzero(line[begin:end] == airway)
        first, last = (begin + air[0], begin + air[-1] + 1) if len(air) else (end, end)
        widths[k] = (last - first) * step[k]
        middles[k] = points[k, min((first + last) // 2, len(line) - 1)]
        on_tongue[k] = first > 0 and line[first - 1] == tongue
    return widths, middles, on_tongue


def _length(middles: np.ndarray, glottis: float, lips: float) -> float:
    """From the glottis along the middles of the lines to the front of the lips, all in pixels."""
    path = middles[np.isfinite(middles).all(axis=1)]
    path = path[path[:, 1] <= glottis + 1] if len(path) else path
    if len(path) < LINES // 2 or not np.isfinite([glottis, lips]).all():
        return np.nan
    path = np.vstack([[path[0, 0], glottis], path, [lips, path[-1, 1]]])
    smooth = path.copy()
    smooth[1:-1] = (path[:-2] + path[1:-1] + path[2:]) / 3
    return float(np.hypot(*np.diff(smooth, axis=0).T).sum())

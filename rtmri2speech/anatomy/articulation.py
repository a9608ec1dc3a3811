"""Articulatory measures of every frame: distances, positions and widths of the vocal tract.

Lengths are in pixels of the 256 px picture; `in_cm` converts them, given the size of the clip's own pixels. Positions
along the tract run from 0 at the glottis to 1 at the lips. NaN: a region that the measure needs is missing.

    lip_aperture       smallest distance of the lips; 0 when closed
    lip_protrusion     distance of the lips' front before the front of the hard palate
    tongue_palate      smallest distance of tongue and hard palate; tongue_palate_place: position on it, 0 its front
    tongue_velum       smallest distance of tongue and velum
    tongue_pharynx     smallest distance of tongue and pharynx wall; tongue_pharynx_place: height on the wall, 0 below
    velum_opening      smallest distance of velum and pharynx wall (velopharyngeal port)
    jaw_height         of the jaw's centroid, along the head's upward axis, from the hard palate's (negative)
    larynx_height      the same for the larynx
    constriction       narrowest cross-distance between tongue and outer wall; constriction_place: its position
    tract_length       along the midline of the airway, from the glottis to the lips
    cross_distances    (T, LINES) width of the airway on grid lines, from the glottis to the lips

The lines are Maeda's semipolar grid (Speech Communication 1 (1982) 199), laid once on the clip's median anatomy and
moved with the hard palate.
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np

from .outlines import outline
from .regions import NAMES, SIZE, Regions

LINES = 32
_STEP_PX = 0.5  # sampling along a grid line
_FRAMES = 64  # frames a chunk: bounds the memory of samples along the lines
_NEAR_LARYNX_PX = 24.0  # largest distance of the glottis from the larynx' centroid
_BORDERED = ("tongue", "lower_lip", "upper_lip", "velum", "hard_palate", "pharynx_wall")
_OUTER = ("pharynx_wall", "velum", "hard_palate", "upper_lip")
_TOUCHING_PX = 0.8  # largest distance of the outlines of touching regions
# Where the tube begins and ends, as shares of the way from the lowest air to the front of the lips: between the folds,
# which close the air above them, and between the lips. Measured on VocalTractLab's centre lines.
_FOLDS_AT, _LIPS_AT = -0.012, 0.974
_SWAY_FRAMES = 15  # smoothing of the hard palate's position, which moves with the head, not with speech


@dataclass(frozen=True)
class Articulation:
    """Measures of T frames, each (T,) float64 but cross_distances (T, LINES); see the module."""

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
    """Lines across the vocal tract of a face to the left, glottis first.

    inner, outer: (LINES, 2) ends (x, y) in pixels of the picture, for a hard palate with its centroid at `anchor`.
    """

    inner: np.ndarray
    outer: np.ndarray
    anchor: np.ndarray


def articulation(regions: Regions) -> Articulation:
    """Measure every frame. A face to the right is mirrored first."""
    labels = regions.labels if regions.facing == "left" else np.ascontiguousarray(regions.labels[:, :, ::-1])
    middles = _middles(labels)
    anchors, up = _steadied(middles["hard_palate"]), _upward(labels)
    near = [_distances({name: _border(frame, name) for name in _BORDERED}) for frame in labels]
    columns = {name: np.array([n[name] for n in near]) for name in near[0]}
    lips = _front(labels, "lower_lip", "upper_lip")
    columns["lip_protrusion"] = _steadied(_front(labels, "hard_palate")[:, None])[:, 0] - lips
    columns["jaw_height"] = (middles["jaw"] - anchors) @ up
    columns["larynx_height"] = (middles["larynx"] - anchors) @ up
    glottis = _glottis(labels, middles)
    grid = lay_grid(middles, glottis, anchors)
    if grid is None:
        nothing = np.full(len(labels), np.nan)
        along = dict.fromkeys(("constriction", "constriction_place", "tract_length"), nothing)
        return Articulation(**columns, **along, cross_distances=np.full((len(labels), LINES), np.nan))
    return Articulation(**columns, **_along(labels, grid, anchors, glottis, lips))


# ------------------------------------------------------------------------------------------- smallest distances


def _border(labels: np.ndarray, name: str) -> np.ndarray:
    """Points (n, 2) along a region's outlines, at most a pixel apart."""
    borders = outline(labels == NAMES.index(name), tolerance=0.0)
    return np.concatenate(borders) if borders else np.empty((0, 2), np.float32)


def _distances(borders: dict[str, np.ndarray]) -> dict[str, float]:
    palate, wall = borders["hard_palate"], borders["pharynx_wall"]
    tongue_palate, at_palate = _nearest(borders["tongue"], palate)
    tongue_pharynx, at_wall = _nearest(borders["tongue"], wall)
    return {
        "lip_aperture": _nearest(borders["lower_lip"], borders["upper_lip"])[0],
        "tongue_palate": tongue_palate,
        "tongue_palate_place": _share(palate[:, 0], at_palate),
        "tongue_velum": _nearest(borders["tongue"], borders["velum"])[0],
        "tongue_pharynx": tongue_pharynx,
        "tongue_pharynx_place": 1 - _share(wall[:, 1], at_wall),
        "velum_opening": _nearest(borders["velum"], wall)[0],
    }


def _nearest(a: np.ndarray, b: np.ndarray) -> tuple[float, int | None]:
    """Smallest distance of two borders, 0 where they touch, and the point of b where it is."""
    if not len(a) or not len(b):
        return np.nan, None
    a, b = a - SIZE / 2, b - SIZE / 2  # small numbers: the squares below cancel
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    at = int(squared.min(axis=0).argmin())
    apart = float(np.sqrt(max(0.0, squared[:, at].min())))
    return apart if apart > _TOUCHING_PX else 0.0, at


def _share(values: np.ndarray, at: int | None) -> float:
    """Position of values[at] between their minimum and maximum, 0 to 1."""
    if at is None or np.ptp(values) == 0:
        return np.nan
    return float((values[at] - values.min()) / np.ptp(values))


# ------------------------------------------------------------------------------------------------- places, heights


def _middles(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Region, and "lips" -> (T, 2) centroid (x, y), NaN where absent. From every other row and column."""
    rows, columns = (2.0 * axis.ravel() + 0.5 for axis in np.indices((SIZE // 2, SIZE // 2)))
    sums = np.empty((len(labels), 3, len(NAMES)))
    for total, frame in zip(sums, labels[:, ::2, ::2], strict=True):
        flat = frame.ravel()
        for k, weights in enumerate((columns, rows, None)):
            total[k] = np.bincount(flat, weights, minlength=len(NAMES))
    of = {name: sums[:, :, k] for k, name in enumerate(NAMES)}
    of["lips"] = of["lower_lip"] + of["upper_lip"]
    with np.errstate(invalid="ignore", divide="ignore"):
        return {name: total[:, :2] / total[:, 2:] for name, total in of.items()}


def _upward(labels: np.ndarray) -> np.ndarray:
    """(2,) the head's upward direction: normal to the hard palate, median over the clip."""
    tilts = []
    for mask in labels[:, ::2, ::2] == NAMES.index("hard_palate"):
        rows, columns = np.nonzero(mask)
        if len(rows) > 5:
            covariance = np.cov(columns, rows)
            tilts.append(0.5 * np.arctan2(2 * covariance[0, 1], covariance[0, 0] - covariance[1, 1]))
    tilt = float(np.median(tilts)) if tilts else 0.0
    return np.array([np.sin(tilt), -np.cos(tilt)])


def _steadied(points: np.ndarray) -> np.ndarray:
    """(T, n) smoothed over _SWAY_FRAMES, with gaps filled by the median; unchanged without any value."""
    known = np.isfinite(points).all(axis=1)
    if not known.any():
        return points
    filled = np.where(known[:, None], points, np.median(points[known], axis=0))
    half = min(_SWAY_FRAMES, len(points)) // 2
    padded = np.pad(filled, ((half, half), (0, 0)), mode="edge")
    kernel = np.ones(2 * half + 1) / (2 * half + 1)
    return np.stack([np.convolve(column, kernel, "valid") for column in padded.T], axis=1)


def _front(labels: np.ndarray, *names: str) -> np.ndarray:
    """(T,) x of the foremost tenth of the regions' pixels, NaN where absent."""
    wanted = np.zeros(256, bool)
    wanted[[NAMES.index(name) for name in names]] = True
    by_column = wanted[labels[:, ::2]].sum(axis=1)  # (T, columns)
    total = by_column.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.cumsum(by_column, axis=1) / total
    at = (share < 0.1).sum(axis=1)
    # interpolated between the column before and the one that reaches the tenth
    reached = np.take_along_axis(share, np.minimum(at, SIZE - 1)[:, None], axis=1)[:, 0]
    before = np.where(at > 0, np.take_along_axis(share, np.maximum(at - 1, 0)[:, None], axis=1)[:, 0], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total[:, 0] > 0, at + (0.1 - before) / (reached - before), np.nan)


def _glottis(labels: np.ndarray, middles: dict[str, np.ndarray]) -> np.ndarray:
    """(T,) y of the glottis: the lower end of the airway between tongue and pharynx wall, at the larynx."""
    tongue, wall, larynx = (middles[name] for name in ("tongue", "pharynx_wall", "larynx"))
    ends = np.full(len(labels), np.nan)
    for t, frame in enumerate(labels):
        if not np.isfinite([*tongue[t], *wall[t], *larynx[t]]).all():
            continue
        _, pieces = cv2.connectedComponents((frame == NAMES.index("airway")).view(np.uint8), connectivity=4)
        y = slice(int(tongue[t, 1]), int(larynx[t, 1]) + 1)
        x = slice(int(tongue[t, 0]), int(wall[t, 0]) + 1)
        seen = np.bincount(pieces[y, x].ravel())
        if len(seen) < 2 or not seen[1:].any():
            continue
        ends[t] = np.flatnonzero((pieces == seen[1:].argmax() + 1).any(axis=1))[-1] + 1
    # Where the folds are invisible, the airway continues into the trachea: such frames take the larynx' height.
    apart = ends - larynx[:, 1]
    near = np.abs(apart) < _NEAR_LARYNX_PX
    usual = np.median(apart[near]) if near.any() else np.nan
    return np.where(np.abs(apart - usual) < _NEAR_LARYNX_PX / 2, ends, larynx[:, 1] + usual)


# ------------------------------------------------------------------------------------------------------ the grid


def lay_grid(middles: dict[str, np.ndarray], glottis: np.ndarray, anchors: np.ndarray) -> Grid | None:
    """The semipolar grid of a clip: horizontal lines in the pharynx, a fan about the tongue, vertical lines at the
    lips.

    It rests on median positions over the clip; None without a vocal tract.
    """
    tongue, lips, wall = (_median(middles[name]) for name in ("tongue", "lips", "pharynx_wall"))
    low = float(_median(glottis[:, None])[0])
    if not np.isfinite([*tongue, *lips, *wall, low]).all() or low < tongue[1] + 4 or lips[0] > tongue[0]:
        return None
    reach = 1.35 * np.hypot(*(lips - tongue))
    below, around, before = LINES - 22, 14, 8
    level = np.linspace(low, tongue[1], below, endpoint=False)
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
    """(T, n) -> (n,) median of finite values, NaN without any."""
    known = points[np.isfinite(points).all(axis=1)]
    return np.median(known, axis=0) if len(known) else np.full(points.shape[1], np.nan)


def _along(
    labels: np.ndarray, grid: Grid, anchors: np.ndarray, glottis: np.ndarray, lips: np.ndarray
) -> dict[str, np.ndarray]:
    """Widths on the grid lines and the measures derived from them."""
    pieces = [_widths(labels[k : k + _FRAMES], grid, anchors[k : k + _FRAMES]) for k in range(0, len(labels), _FRAMES)]
    widths, middles, by_tongue = (np.concatenate(values) for values in zip(*pieces, strict=True))
    length = np.array([_length(m, g, front) for m, g, front in zip(middles, glottis, lips, strict=True)])
    narrow = np.where(by_tongue, widths, np.inf)
    found = np.isfinite(narrow).any(axis=1)
    return {
        "constriction": np.where(found, narrow.min(axis=1), np.nan),
        "constriction_place": np.where(found, narrow.argmin(axis=1) / (LINES - 1), np.nan),
        "tract_length": length,
        "cross_distances": widths,
    }


def _widths(labels: np.ndarray, grid: Grid, anchors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(T, LINES) width of the airway before the first outer wall, NaN without a wall; (T, LINES, 2) its midpoint;
    (T, LINES) whether it begins at the tongue."""
    across = grid.outer - grid.inner
    count = int(np.hypot(*across.T).max() / _STEP_PX) + 1
    step = np.hypot(*across.T) / (count - 1)
    along = np.linspace(0, 1, count)
    points = grid.inner[:, None] + along[None, :, None] * across[:, None]  # (LINES, samples, 2)
    at = np.clip((points[None] + (anchors - grid.anchor)[:, None, None]).astype(int), 0, SIZE - 1)
    met = labels[np.arange(len(labels))[:, None, None], at[..., 1], at[..., 0]]  # (T, LINES, samples)
    place = np.arange(count)
    outer = _is(met, *_OUTER)
    # At the larynx its posterior part, behind the air, is the only outer wall.
    behind = _is(met, "larynx") & np.maximum.accumulate(_is(met, "airway"), axis=2)
    outer = np.where(outer.any(axis=2, keepdims=True), outer, behind)
    walled = outer.any(axis=2)
    end = outer.argmax(axis=2)[..., None]
    inside = ~_is(met, "airway", "rest") & (place < end)
    begin = np.where(inside, place + 1, 0).max(axis=2)[..., None]
    air = _is(met, "airway") & (place >= begin) & (place < end)
    some = air.any(axis=2)
    first = np.where(some, air.argmax(axis=2), end[..., 0])
    last = np.where(some, count - air[..., ::-1].argmax(axis=2), end[..., 0])
    widths = np.where(walled, (last - first) * step, np.nan)
    centre = np.minimum((first + last) // 2, count - 1)
    middles = points[np.arange(LINES), centre] + (anchors - grid.anchor)[:, None]
    middles[~walled] = np.nan
    before = np.take_along_axis(met, np.maximum(first - 1, 0)[..., None], axis=2)[..., 0]
    return widths, middles, walled & (first > 0) & (before == NAMES.index("tongue"))


def _is(labels: np.ndarray, *names: str) -> np.ndarray:
    table = np.zeros(256, bool)
    table[[NAMES.index(name) for name in names]] = True
    return table[labels]


def _length(middles: np.ndarray, glottis: float, lips: float) -> float:
    """Length from the glottis along the lines' midpoints to the front of the lips, in pixels."""
    path = _path(middles, glottis, lips)
    return np.nan if path is None else float(_along_path(path)[-1])


def _path(middles: np.ndarray, glottis: float, lips: float) -> np.ndarray | None:
    """(n, 2) the smoothed path from the glottis along the lines' midpoints to the front of the lips, or None."""
    path = middles[_above(middles, glottis)]
    if len(path) < LINES // 2 or not np.isfinite([glottis, lips]).all():
        return None
    path = np.vstack([[path[0, 0], glottis], path, [lips, path[-1, 1]]])
    smooth = path.copy()
    smooth[1:-1] = (path[:-2] + path[1:-1] + path[2:]) / 3
    return smooth


def _above(middles: np.ndarray, glottis: float) -> np.ndarray:
    """(LINES,) bool: the lines whose midpoint is known and not below the glottis."""
    return np.isfinite(middles).all(axis=1) & (middles[:, 1] <= glottis + 1)


def _along_path(path: np.ndarray) -> np.ndarray:
    """(n,) distance of each point from the first along the path, in pixels."""
    return np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])


# ------------------------------------------------------------------------------------------------- the midline


@dataclass(frozen=True)
class Midline:
    """The midline of the vocal tract in T frames, in equal stretches from the glottis to the lips; NaN where unknown.

    points: (T, stretches, 2) middle (x, y) of each stretch, in pixels of the 256 px picture. widths: (T, stretches) of
    the airway there. length: (T,) of the whole, in pixels.
    """

    points: np.ndarray
    widths: np.ndarray
    length: np.ndarray


def midline(regions: Regions, stretches: int) -> Midline:
    """The midline in every frame: through the middle of the airway on the lines of `lay_grid`."""
    mirrored = regions.facing != "left"
    labels = np.ascontiguousarray(regions.labels[:, :, ::-1]) if mirrored else regions.labels
    count = len(labels)
    points, widths = np.full((count, stretches, 2), np.nan), np.full((count, stretches), np.nan)
    length, middles = np.full(count, np.nan), _middles(labels)
    anchors, glottis = _steadied(middles["hard_palate"]), _glottis(labels, middles)
    lips, grid = _front(labels, "lower_lip", "upper_lip"), lay_grid(middles, glottis, anchors)
    for first in range(0, count, _FRAMES):
        if grid is None:
            break
        here = slice(first, first + _FRAMES)
        across, centres, _ = _widths(labels[here], grid, anchors[here])
        for t, (wide, centre) in enumerate(zip(across, centres, strict=True), start=first):
            path = _path(centre, glottis[t], lips[t])
            if path is None:
                continue
            known, along = wide[_above(centre, glottis[t])], _along_path(path)
            share = (np.arange(stretches) + 0.5) / stretches
            place = along[-1] * (share * (_LIPS_AT - _FOLDS_AT) + _FOLDS_AT)
            points[t] = np.stack([np.interp(place, along, axis) for axis in path.T], axis=1)
            widths[t] = np.interp(place, along, [known[0], *known, known[-1]])
            length[t] = along[-1]
    if mirrored:
        points[..., 0] = SIZE - points[..., 0]
    return Midline(points, widths, length)

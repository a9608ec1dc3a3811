"""FrameView: the part of a picture that a model sees, all of it or the window of the vocal tract.

The picture is a frame as `prepare_frames` makes it: padded to a square, size x size pixels, x to the right and y down
from 0 to 1. Attribution maps of what the model sees are laid back on the picture, so that a map always covers all of
it.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from .preprocessing import blurred, prepare_frames

_SOFT_SHARE = 0.012  # of the picture: width of the mask's soft border, inside it
_DEVIATIONS = 3.0  # of the window's brightness shown as 0 and 1
_FINER = 2  # cells of the picture per cell of the window, as a window is about half the picture


class FrameView:
    """The whole picture."""

    name = "full"

    def prepare(self, frames: np.ndarray, size: int) -> np.ndarray:
        """uint8 (T, H, W) -> the CNN's input, float32 (T, size, size) in [0, 1]."""
        return self.seen(prepare_frames(frames, size))

    def seen(self, pictures: np.ndarray) -> np.ndarray:
        """Whole pictures float32 (n, size, size) -> the CNN's input of the same shape."""
        return pictures

    def blurred(self, seen: np.ndarray) -> np.ndarray:
        """What the CNN sees (n, size, size), heavily blurred: the baseline of attribution against a blurred frame."""
        return blurred(seen)

    def on_picture(self, cams: np.ndarray) -> np.ndarray:
        """Maps (n, h, h) of what the CNN sees -> maps of the picture, with the same sums."""
        return cams

    def cells_on_picture(self, cells: int) -> int:
        """Cells along a side of `on_picture` for maps with so many."""
        return cells

    def cells_seen(self, cells: int) -> np.ndarray:
        """bool (cells, cells): which cells of a map of the picture can be other than 0."""
        return np.ones((cells, cells), bool)

    def box(self, cells: int) -> tuple[slice, slice]:
        """The rows and columns of the cells seen."""
        seen = self.cells_seen(cells)
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    def mask(self, size: int) -> np.ndarray | None:
        """bool (size, size) of the picture: what the CNN sees; None for all of it."""
        return None

    def to_json(self) -> dict:
        return {"view": self.name}


FULL = FrameView()


@dataclass(frozen=True, eq=False)
class TractView(FrameView):
    """The vocal tract's window: cut out, turned upright, facing left, scaled to the CNN's input; the rest is constant.

    region: bool (S, S) of the picture, what is seen. matrix: (2, 3), from the window's coordinates to the picture's,
    both from 0 to 1. In the window each frame has mean 0.5 and a deviation of 1/6 over the region; outside it is 0.5.
    So nothing outside the region changes the input.
    """

    region: np.ndarray
    matrix: np.ndarray
    name: str = field(default="tract", init=False)
    _operators: dict = field(default_factory=dict, init=False, repr=False)

    def seen(self, pictures: np.ndarray) -> np.ndarray:
        size = pictures.shape[-1]
        onto, weights, mask = self._in_pixels(size), self.weights(size), self.mask(size)
        # a border pixel of the window is interpolated from its neighbours: none of them lies outside
        within = (np.where(mask, picture, picture[mask].mean()) for picture in pictures)
        return np.stack([standardised(_warped(picture, onto, cv2.BORDER_REPLICATE), weights) for picture in within])

    def weights(self, size: int) -> np.ndarray:
        """float32 (size, size) of the window: 1 in the region, falling to 0 at its border, 0 outside."""
        return _warped(_softened(self.mask(size)), self._in_pixels(size), cv2.BORDER_CONSTANT)

    def blurred(self, seen: np.ndarray) -> np.ndarray:
        """Blurred within the region alone, so that the window's border is the same in both and attributed nothing."""
        weights = self.weights(seen.shape[-1])
        total = np.maximum(blurred(weights[None])[0], 1e-3)
        return (0.5 + weights * blurred(seen - np.float32(0.5)) / total).astype(np.float32)

    def on_picture(self, cams: np.ndarray) -> np.ndarray:
        cells = cams.shape[-1]
        side = self.cells_on_picture(cells)
        moved = self._operator(cells) @ cams.reshape(len(cams), -1).T
        return np.ascontiguousarray(moved.T, dtype=cams.dtype).reshape(len(cams), side, side)

    def cells_on_picture(self, cells: int) -> int:
        return _FINER * cells

    def cells_seen(self, cells: int) -> np.ndarray:
        return np.asarray(self._operator(cells // _FINER).sum(axis=1)).reshape(cells, cells) > 0

    def mask(self, size: int) -> np.ndarray:
        region = self.region.astype(np.float32)
        how = cv2.INTER_AREA if size < len(region) else cv2.INTER_LINEAR
        return cv2.resize(region, (size, size), interpolation=how) >= 0.5

    def corners(self) -> np.ndarray:
        """(4, 2): x, y of the window's corners on the picture, from the upper left, clockwise in the window."""
        square = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], float)
        return square @ self.matrix.T

    def to_json(self) -> dict:
        return {"view": self.name, "window": self.corners().round(4).tolist(), "share": float(self.region.mean())}

    def _in_pixels(self, size: int) -> np.ndarray:
        """The matrix from the window's pixel centres to the picture's, both size x size."""
        linear, shift = self.matrix[:, :2], size * self.matrix[:, 2]
        return np.column_stack([linear, shift + linear @ [0.5, 0.5] - 0.5])

    def _operator(self, cells: int):
        """Sparse (picture's cells, window's cells): a cell's value is spread over its pixels in the region. A cell
        without any gives it to the nearest that has some, as its receptive field reaches there."""
        if cells not in self._operators:
            from scipy.ndimage import distance_transform_edt
            from scipy.sparse import csr_array

            size, side = max(256, 4 * cells), self.cells_on_picture(cells)
            inside = _warped(self.mask(size).astype(np.float32), self._in_pixels(size), cv2.BORDER_CONSTANT) >= 0.5
            rows, columns = np.nonzero(inside)
            window_cell = (rows * cells // size) * cells + columns * cells // size
            centres = np.stack([columns + 0.5, rows + 0.5, np.full(len(rows), size)]) / size
            at = np.clip((self.matrix @ centres * side).astype(int), 0, side - 1)
            counts = np.bincount(window_cell, minlength=cells**2).reshape(cells, cells)
            nearest = distance_transform_edt(counts == 0, return_distances=False, return_indices=True)
            heir = (nearest[0] * cells + nearest[1]).ravel()
            spread = csr_array(
                (1 / counts.ravel()[window_cell], (at[1] * side + at[0], window_cell)), (side**2, cells**2)
            )
            gathered = csr_array((np.ones(cells**2), (heir, np.arange(cells**2))), (cells**2, cells**2))
            self._operators[cells] = (spread @ gathered).astype(np.float32)
        return self._operators[cells]


def standardised(window: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """float32 (size, size) -> the same with mean 0.5 and deviation 1/6 over the weights, 0.5 where they are 0."""
    total = max(float(weights.sum()), 1e-6)
    mean = float(np.vdot(weights, window)) / total
    deviation = float(np.sqrt(float(np.vdot(weights, (window - mean) ** 2)) / total))
    shown = np.clip((window - mean) / max(_DEVIATIONS * deviation, 1e-6), -1, 1)
    return np.float32(0.5) + np.float32(0.5) * weights * shown


def _warped(picture: np.ndarray, onto: np.ndarray, border: int) -> np.ndarray:
    return cv2.warpAffine(
        picture, onto, picture.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=border
    )


def _softened(mask: np.ndarray) -> np.ndarray:
    """bool (H, W) -> float32, rising from the border inwards."""
    padded = np.pad(mask.astype(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.minimum(depth / max(_SOFT_SHARE * len(mask), 1.0), 1.0).astype(np.float32)

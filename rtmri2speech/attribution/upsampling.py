"""The CNN's coarse grid (8x8 cells, or finer), enlarged to the size of a frame one frame at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import overload

import cv2
import numpy as np

from ..errors import InputError

_METHODS = {
    "cubic": cv2.INTER_CUBIC,
    "linear": cv2.INTER_LINEAR,
    "cells": cv2.INTER_NEAREST_EXACT,
    "thesis": cv2.INTER_LINEAR,
}
_THESIS_EPSILON = 1e-6  # keeps a map of next to nothing dark


@dataclass(frozen=True)
class UpsampledGrid:
    """Looks like an array (T, H, W), but computes each frame when it is asked for: [t] and iteration do, [first:stop],
    len and shape do not."""

    grids: np.ndarray
    size: tuple[int, int]
    method: str

    @property
    def shape(self) -> tuple[int, int, int]:
        return (len(self.grids), *self.size)

    def __len__(self) -> int:
        return len(self.grids)

    @overload
    def __getitem__(self, t: int, /) -> np.ndarray: ...

    @overload
    def __getitem__(self, t: slice, /) -> "UpsampledGrid": ...

    def __getitem__(self, t: int | slice, /) -> "np.ndarray | UpsampledGrid":
        if isinstance(t, slice):
            return replace(self, grids=self.grids[t])
        grid = np.asarray(self.grids[t], dtype=np.float32)
        height, width = self.size
        enlarged = cv2.resize(grid, (width, height), interpolation=_METHODS[self.method])
        if self.method == "thesis":
            enlarged -= enlarged.min()
            return enlarged / (enlarged.max() + np.float32(_THESIS_EPSILON))
        # The cubic overshoots; a picture must not claim more heat than any cell has.
        return np.clip(enlarged, grid.min(), grid.max())

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[t] for t in range(len(self)))


def upsample_grid(grids: np.ndarray, size: tuple[int, int] = (256, 256), method: str = "cubic") -> UpsampledGrid:
    """grids (T, h, w) -> (T, H, W) float32 frames, computed lazily; size is (H, W).

    Cell centres keep their place (half-pixel alignment, as in cv2.resize).
    method: "cubic" or "linear" (smooth), or "cells" (the raw cells, which is all the model knows); "thesis" is linear,
    and then brings each frame to its own minimum and maximum.
    """
    if method not in _METHODS:
        raise InputError("A grid is enlarged by {known}, not {given!r}.", known=", ".join(_METHODS), given=method)
    if grids.ndim != 3:
        raise InputError("The grids must have the shape (frames, rows, columns), not {shape}.", shape=grids.shape)
    return UpsampledGrid(grids, (size[0], size[1]), method)

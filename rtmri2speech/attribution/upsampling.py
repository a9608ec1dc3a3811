"""Upsampling of attribution maps to the size of a frame, lazily, one frame at a time."""

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
_THESIS_EPSILON = 1e-6  # keeps a nearly uniform map near zero


@dataclass(frozen=True)
class UpsampledGrid:
    """A lazy array (T, H, W): [t] and iteration compute a frame; [first:stop], len and shape compute nothing.

    mask: bool (H, W), outside which all frames are `nothing`; None: no mask.
    """

    grids: np.ndarray
    size: tuple[int, int]
    method: str
    mask: np.ndarray | None = None
    nothing: float = 0.0

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
        # Cubic interpolation overshoots; no pixel may exceed the range of the cells.
        enlarged = np.clip(enlarged, grid.min(), grid.max())
        return enlarged if self.mask is None else np.where(self.mask, enlarged, np.float32(self.nothing))

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[t] for t in range(len(self)))


def upsample_grid(grids: np.ndarray, size: tuple[int, int] = (256, 256), method: str = "cubic") -> UpsampledGrid:
    """grids (T, h, w) -> (T, H, W) float32 frames, computed lazily; size is (H, W).

    Half-pixel alignment, as in cv2.resize, keeps the cells' centres in place.
    method: "cubic" or "linear"; "cells": nearest neighbour, the map's true resolution; "thesis": linear, then each
    frame min-max scaled.
    """
    if method not in _METHODS:
        raise InputError("A grid is enlarged by {known}, not {given!r}.", known=", ".join(_METHODS), given=method)
    if grids.ndim != 3:
        raise InputError("The grids must have the shape (frames, rows, columns), not {shape}.", shape=grids.shape)
    return UpsampledGrid(grids, (size[0], size[1]), method)

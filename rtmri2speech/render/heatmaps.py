"""Checks of the arrays that overlay, slow motion and figures take."""

from collections.abc import Iterator, Mapping
from typing import Protocol, overload

import numpy as np

from ..errors import InputError
from .colour import BAND_MAPS

_SLOP = 1e-3  # tolerated rounding beyond [0, 1]


class Heatmaps(Protocol):
    """Heatmaps (T, H, W) in [0, 1]: an array, or an UpsampledGrid, which computes frames lazily."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, t: int, /) -> np.ndarray: ...

    @overload
    def __getitem__(self, t: slice, /) -> "Heatmaps": ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


def check_clip(frames: np.ndarray) -> None:
    """Raises InputError unless frames are uint8 (T, H, W) with T > 0."""
    if frames.ndim != 3 or frames.dtype != np.uint8:
        raise InputError(
            "Frames must be gray, 8-bit (frames, rows, columns), not {dtype} {shape}.",
            dtype=frames.dtype,
            shape=frames.shape,
        )
    if len(frames) == 0:
        raise InputError("There is no frame to show: the clip or the stretch is empty.")


def check_bands(heatmaps: Mapping[str, Heatmaps], count: int) -> None:
    """Raises InputError unless there are one to four sequences (T, H, W) of `count` frames and one aspect."""
    if not 1 <= len(heatmaps) <= len(BAND_MAPS):
        raise InputError("A picture shows the heatmaps of one to four bands, not {count}.", count=len(heatmaps))
    for label, heatmap in heatmaps.items():
        if len(heatmap.shape) != 3:
            raise InputError(
                "{label}: a heatmap sequence is (frames, rows, columns), not {shape}.",
                label=label,
                shape=tuple(heatmap.shape),
            )
        if heatmap.shape[0] != count:
            raise InputError(
                "{label}: the heatmap has {count} frames but the video has {wanted}; "
                "use the heatmap made from this very clip, one map per frame.",
                label=label,
                count=heatmap.shape[0],
                wanted=count,
            )
    if len({aspect(heatmap) for heatmap in heatmaps.values()}) > 1:
        raise InputError("The heatmaps differ in shape: use those made from the same clip.")


def aspect(heatmap: Heatmaps) -> float:
    """Width / height of the maps of a sequence (T, H, W)."""
    return heatmap.shape[-1] / heatmap.shape[-2]


def checked_heat(heatmap: Heatmaps, t: int, label: str) -> np.ndarray:
    """Frame t of a sequence as float32 in [0, 1]. Raises InputError for NaN, infinities or values outside."""
    heat = np.asarray(heatmap[t], dtype=np.float32)
    low, high = float(heat.min()), float(heat.max())
    if not np.isfinite(low + high):
        raise InputError(
            "{label}: the heatmap of frame {frame} holds values that are not numbers or not finite.",
            label=label,
            frame=t,
        )
    if low < -_SLOP or high > 1 + _SLOP:
        raise InputError(
            "{label}: the heatmap of frame {frame} goes from {low:g} to {high:g}; it must lie within 0 to 1.",
            label=label,
            frame=t,
            low=low,
            high=high,
        )
    return heat.clip(0, 1) if low < 0 or high > 1 else heat

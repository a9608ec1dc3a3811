"""Arrays of frames in a file of arrays: which array, the order of its axes, and its frame rate."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ...errors import InputError
from .gray import Frames, luma, to_uint8
from .recording import ClipLimits, checked_rate

_NAMES = ("frames", "mri", "recon", "image", "images", "video")  # names of an array of frames, in order of preference


def frames_of(names: Iterable[str], path: Path) -> str:
    """Name of the array of frames: a known name, or the only one. Raises InputError where it is ambiguous."""
    names = list(names)
    known = [name for wanted in _NAMES for name in names if name.rpartition("/")[2].lower() == wanted]
    if not names:
        raise InputError("{path} holds no array.", path=path)
    if not known and len(names) > 1:
        raise InputError(
            'It is not clear which array of {path} holds the frames ({names}): call it "frames".',
            path=path,
            names=", ".join(names),
        )
    return known[0] if known else names[0]


def stated(numbers: Mapping[str, object], wanted: str) -> float | None:
    """The positive number called `wanted`, ignoring case and underscores: "FrameRate" is "frame_rate"."""
    for name, value in numbers.items():
        if _plain(name) == _plain(wanted):
            number = np.asarray(value)
            if number.size == 1 and number.dtype.kind in "uif" and 0 < float(number.ravel()[0]) < np.inf:
                return float(number.ravel()[0])
    return None


def stated_fps(numbers: Mapping[str, object], path: Path) -> float | None:
    """The frame rate among the numbers; None without. Raises InputError if it is not a valid rate."""
    for name, value in numbers.items():
        if _plain(name) in ("fps", "framerate"):
            return checked_rate(value, path)
    return None


def _plain(name: str) -> str:
    return name.rpartition("/")[2].lower().replace("_", "")


def is_stack(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape can be a clip."""
    return len([side for side in shape if side != 1]) >= 3


def axes_of(shape: tuple[int, ...], *, matlab: bool, path: Path) -> tuple[int, ...]:
    """The axes (time, row, column) or (time, row, column, colour) of an array; axes of length 1 are ignored.

    matlab: time comes last, (rows, columns, frames) or (rows, columns, 3, frames); else first, (frames, rows, columns)
    or (frames, rows, columns, 3). If only another order gives square pictures, that order is used.
    """
    axes = [axis for axis, side in enumerate(shape) if side != 1]
    sides = [shape[axis] for axis in axes]
    order: tuple[int, ...]
    if len(axes) == 4 and sides[2 if matlab else 3] == 3:
        order = (3, 0, 1, 2) if matlab else (0, 1, 2, 3)
    elif len(axes) == 3:
        first, last = sides[1] == sides[2] != sides[0], sides[0] == sides[1] != sides[2]
        order = (2, 0, 1) if last or (matlab and not first) else (0, 1, 2)
    else:
        raise InputError(
            "{path} holds an array of shape {shape}: frames must be (T, H, W).", path=path, shape=tuple(shape)
        )
    return tuple(axes[k] for k in order)


def check_stack(shape: tuple[int, ...], itemsize: int, axes: tuple[int, ...], path: Path, limits: ClipLimits) -> None:
    """Raises InputError if an array, not yet read, is over the limits."""
    count, height, width = (shape[axis] for axis in axes[:3])
    Frames(path, limits).check(count, height, width, itemsize * (3 if len(axes) == 4 else 1))


def read_stack(array: np.ndarray, axes: tuple[int, ...], path: Path) -> np.ndarray:
    """An array -> uint8 (T, H, W): magnitude of complex values, luma of colours."""
    if array.dtype.names and len(array.dtype.names) == 2:
        array = array[array.dtype.names[0]] + 1j * array[array.dtype.names[1]]
    if array.dtype.kind == "c":
        array = np.abs(array)
    rest = [axis for axis in range(array.ndim) if axis not in axes]
    frames = array.transpose(*axes, *rest).reshape([array.shape[axis] for axis in axes])
    if len(axes) == 4:
        frames = np.stack([luma(frame) for frame in frames])
    return np.ascontiguousarray(to_uint8(frames, path))

"""MATLAB's .mat files: an array (rows, columns, frames), as MATLAB's own functions take a video.

mat5.py reads versions 5 to 7; h5py reads version 7.3, which is HDF5. A number called "fps" or "frame_rate" is the frame
rate, "pixel_mm" the pixel size.
"""

import struct
import zlib
from pathlib import Path

import numpy as np

from ...errors import InputError
from .hdf5 import numeric_arrays, opened
from .mat5 import variables
from .recording import ClipLimits, Recording, even_times, no_rate
from .stacks import axes_of, check_stack, frames_of, is_stack, read_stack, stated, stated_fps

SUFFIXES = {".mat"}


def read_matlab(path: Path, fps: float | None, limits: ClipLimits) -> Recording:
    """Raises InputError if the file cannot be read, holds no clip, or has no frame rate and `fps` is None."""
    with path.open("rb") as file:
        is_hdf5 = file.read(10) == b"MATLAB 7.3"
    array, numbers = (_from_hdf5 if is_hdf5 else _from_matlab)(path, limits)
    frames = read_stack(array, axes_of(array.shape, matlab=True, path=path), path)
    fps = fps or stated_fps(numbers, path)
    if fps is None:
        raise no_rate(path)
    details = {"codec": "mat", "pixel_format": str(array.dtype)}
    return Recording(frames, even_times(len(frames), fps), details, pixel_mm=stated(numbers, "pixel_mm"))


def _from_matlab(path: Path, limits: ClipLimits) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The array of frames, and the scalars, of a file of version 5 to 7."""
    try:
        known = {variable.name: variable for variable in variables(path)}
        frames = known[frames_of((name for name, one in known.items() if is_stack(one.shape)), path)]
        check_stack(frames.shape, frames.kind.itemsize, axes_of(frames.shape, matlab=True, path=path), path, limits)
        single = [one for one in known.values() if np.prod(one.shape) == 1]
        return frames.read(), {one.name: one.read() for one in single}
    except InputError:
        raise
    except (ValueError, struct.error, zlib.error, IndexError, OverflowError, MemoryError):
        raise InputError("{path} is not a MATLAB file that can be read.", path=path) from None


def _from_hdf5(path: Path, limits: ClipLimits) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The same for version 7.3, in MATLAB's order of axes, which the file reverses."""
    with opened(path) as file:
        known = numeric_arrays(file, path)
        name = frames_of((name for name, array in known.items() if is_stack(array.shape)), path)
        dataset = known[name]
        shape = dataset.shape[::-1]
        check_stack(shape, dataset.dtype.itemsize, axes_of(shape, matlab=True, path=path), path, limits)
        return dataset[()].T, {name: array[()] for name, array in known.items() if array.size == 1}

"""HDF5: ISMRMRD images, reconstructions as in USC's corpora, and plain arrays of frames.

ISMRMRD (Inati et al., Magnetic Resonance in Medicine 77 (2017) 411): a group, such as dataset/image_0, of data (frames,
channels, z, y, x) and a header with field of view and orientation. Its time stamps have no unit, so the rate must be
given.

A dataset called "recon" is MATLAB's, as in Lim et al., Scientific Data 8 (2021) 187: (frames, columns, rows). Others
are (frames, rows, columns). A number or attribute called "fps" or "frame_rate" is the frame rate, "pixel_mm" the pixel
size.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from .gray import Frames, squared_stack, to_uint8
from .optional_dependency import library
from .orientation import upright
from .recording import ClipLimits, Recording, even_times, no_rate, square_pixel
from .stacks import axes_of, check_stack, frames_of, is_stack, read_stack, stated, stated_fps

SUFFIXES = {".h5", ".hdf5", ".mrd"}


def read_hdf5(path: Path, fps: float | None, limits: ClipLimits) -> Recording:
    """Raises InputError if the file cannot be read, holds no clip, or has no frame rate and `fps` is None."""
    with opened(path) as file:
        known = numeric_arrays(file, path)
        numbers = {name: array[()] for name, array in known.items() if array.size == 1} | dict(file.attrs)
        stacks = {name: array for name, array in known.items() if is_stack(array.shape)}
        images = {name: array for name, array in stacks.items() if _header_of(array) is not None}
        name = frames_of(images or stacks, path)
        numbers |= dict(stacks[name].attrs)
        if fps is None and (fps := stated_fps(numbers, path)) is None:
            raise no_rate(path)
        if name in images:
            return _images(images[name], path, fps, limits)
        array = stacks[name]
        matlab = name.rpartition("/")[2] == "recon"
        shape = array.shape[::-1] if matlab else array.shape
        axes = axes_of(shape, matlab=matlab, path=path)
        check_stack(shape, array.dtype.itemsize, axes, path, limits)
        frames = read_stack(array[()].T if matlab else array[()], axes, path)
        details = {"codec": "hdf5", "pixel_format": str(array.dtype)}
        return Recording(frames, even_times(len(frames), fps), details, pixel_mm=stated(numbers, "pixel_mm"))


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file, open for reading; any failure becomes an InputError."""
    h5py = library("h5py", path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        raise InputError("{path} is not an HDF5 file that can be read.", path=path) from None


def numeric_arrays(file: Any, path: Path) -> dict[str, Any]:
    """Numeric datasets by name, in the file's order. Raises InputError for raw data, or values in other files."""
    known = {}

    def visit(name: str, item: Any) -> None:
        if not hasattr(item, "dtype"):
            return
        fields = item.dtype.names or ()
        if "traj" in fields:
            raise InputError(
                "{path} holds raw data as the scanner received it, no pictures: reconstruct it first.", path=path
            )
        if item.dtype.kind in "buifc" or (len(fields) == 2 and is_stack(item.shape)):
            if item.external or item.is_virtual:
                raise InputError("{path} refers to other files: save the frames in the file itself.", path=path)
            known[name] = item

    file.visititems(visit)
    return known


def _header_of(array: Any) -> Any:
    """The first header of ISMRMRD images; None for other arrays."""
    if array.name.rpartition("/")[2] != "data" or array.ndim != 5 or "header" not in array.parent:
        return None
    header = array.parent["header"]
    return header[0] if "field_of_view" in (header.dtype.names or ()) and len(header) else None


def _images(array: Any, path: Path, fps: float, limits: ClipLimits) -> Recording:
    count, channels, slices, height, width = array.shape
    if slices != 1:
        raise InputError("{path} shows {count} slices: a clip is one slice over time.", path=path, count=slices)
    Frames(path, limits).check(count, height, width, array.dtype.itemsize * channels)
    values = array[:, :, 0]
    if values.dtype.names:
        values = values[values.dtype.names[0]] + 1j * values[values.dtype.names[1]]
    # Coils are combined by the root of the sum of squares (Roemer et al. 1990), as scanners do.
    frames = values[:, 0] if channels == 1 else np.sqrt((np.abs(values) ** 2).sum(axis=1))
    frames = np.abs(frames) if frames.dtype.kind == "c" else frames
    header = _header_of(array)
    width_mm, height_mm = (float(header["field_of_view"][k]) / side for k, side in enumerate((width, height)))
    frames = squared_stack(to_uint8(frames, path), width_mm / height_mm if height_mm > 0 else 1.0, path, limits)
    frames, plane = upright(frames, down=header["phase_dir"], right=header["read_dir"])
    details = {"codec": "ismrmrd", "pixel_format": str(array.dtype), "plane": plane}
    pixel_mm = square_pixel(width_mm, height_mm)
    return Recording(frames, even_times(count, fps), details, pixel_mm=pixel_mm)

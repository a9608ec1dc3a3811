"""NIfTI-1 and -2 (.nii, .nii.gz): one slice over time. Only shape, scaling, sizes and orientation of the header are
read, no text."""

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from .gray import Frames, squared_stack, to_uint8
from .optional_dependency import library
from .orientation import upright
from .recording import ClipLimits, Recording, checked_rate, even_times, no_rate, square_pixel

SUFFIXES = {".nii"}
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
_MM = {"mm": 1.0, "meter": 1e3, "micron": 1e-3}
_TO_DICOM = np.array([-1.0, -1.0, 1.0])  # NIfTI's x points right and its y forward


def is_nifti(path: Path) -> bool:
    return path.name.lower().endswith((".nii", ".nii.gz"))


def read_nifti(path: Path, fps: float | None, limits: ClipLimits) -> Recording:
    """Raises InputError if the file cannot be read, is no clip, or has no frame rate and `fps` is None.

    With fps, the third axis is time where the file has no time axis.
    """
    nibabel = library("nibabel", path)
    from nibabel.filebasedimages import ImageFileError

    try:
        image = nibabel.load(path)
        fps = fps or _stated_fps(image, path)
        if fps is None:
            raise no_rate(path)
        time, plane = _axes(image.shape, path)
        columns, rows = (image.shape[axis] for axis in plane)
        scaled = (image.dataobj.slope, image.dataobj.inter) != (1.0, 0.0)
        stored = image.get_data_dtype()
        Frames(path, limits).check(image.shape[time], rows, columns, 4 if scaled else stored.itemsize)
        values = image.get_fdata(dtype=np.float32) if scaled else np.asanyarray(image.dataobj)
    except InputError:
        raise
    except (ImageFileError, OSError, EOFError, ValueError, TypeError, KeyError, ArithmeticError, AttributeError):
        raise InputError("{path} is not a NIfTI file that can be read.", path=path) from None
    values = np.moveaxis(values, time, 0).reshape(-1, columns, rows).transpose(0, 2, 1)
    frames = to_uint8(np.abs(values) if values.dtype.kind == "c" else values, path)
    width, height = (float(image.header.get_zooms()[axis]) for axis in plane)
    frames = squared_stack(frames, width / height if min(width, height) > 0 else 1.0, path, limits)
    name, header = None, image.header
    if header["sform_code"] > 0 or header["qform_code"] > 0:
        right, down = (image.affine[:3, axis] * _TO_DICOM for axis in plane)
        frames, name = upright(frames, down, right)
    mm = _MM.get(header.get_xyzt_units()[0])
    pixel_mm = square_pixel(width * mm, height * mm) if mm else None
    details = {"codec": "nifti", "pixel_format": str(stored), "plane": name}
    return Recording(frames, even_times(len(frames), fps), details, pixel_mm=pixel_mm)


def _stated_fps(image: Any, path: Path) -> float | None:
    """Frame rate from a frame's duration; None without a time axis, its unit, or a duration. Raises InputError for an
    impossible one."""
    unit = _SECONDS.get(image.header.get_xyzt_units()[1])
    if len(image.shape) < 4 or image.shape[3] == 1 or unit is None:
        return None
    frame_s = float(image.header["pixdim"][4]) * unit
    if frame_s == 0:
        return None
    return checked_rate(1 / frame_s, path)


def _axes(shape: tuple[int, ...], path: Path) -> tuple[int, list[int]]:
    """The time axis, and the two axes of the picture."""
    time = 3 if len(shape) > 3 and shape[3] > 1 else 2
    slices = [axis for axis in range(3) if axis != time and shape[axis] == 1]
    plane = [axis for axis in range(3) if axis not in (time, *slices[:1])]
    if len(shape) < 3 or int(np.prod(shape[4:])) != 1:
        raise InputError("{path} holds an array of shape {shape}: frames must be (T, H, W).", path=path, shape=shape)
    if len(plane) != 2:
        raise InputError("{path} shows {count} slices: a clip is one slice over time.", path=path, count=min(shape[:3]))
    return time, plane

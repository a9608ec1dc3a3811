"""DICOM: a folder with one series, a file a frame, or one file of many frames.

Of the headers only the elements named here are read. No name, number or date of a person is among them but PatientName,
which is compared with the name of the file or folder and then forgotten: outputs carry the file's name.
"""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...progress import Progress
from . import image_folder
from .gray import Frames, luma
from .optional_dependency import library
from .orientation import upright
from .recording import SMALLEST_SIDE, ClipLimits, Recording, even_times, no_rate, square_pixel

SUFFIXES = {".dcm", ".dicom", ".ima"}
_PICTURE = "Rows Columns NumberOfFrames SamplesPerPixel PhotometricInterpretation BitsStored".split()
_PICTURE += "PixelRepresentation RescaleSlope RescaleIntercept PixelSpacing".split()
_PICTURE += "ImageOrientationPatient ImagePositionPatient".split()
_PICTURE += "SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence".split()
_TIME = "FrameTime FrameTimeVector CineRate RecommendedDisplayFrameRate TemporalResolution".split()
_TIME += "AcquisitionDateTime AcquisitionTime TriggerTime".split()
_PLACE = ("SeriesInstanceUID", "InstanceNumber", "TemporalPositionIdentifier")
_PRIVATE = ("PatientName", "PatientIdentityRemoved")
_NEARLY_MM = 0.5  # frames of one slice lie no further apart


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def is_series(folder: Path) -> bool:
    """Whether a folder holds a DICOM file."""
    return next(_files(folder), None) is not None


def _files(folder: Path) -> Iterator[Path]:
    others = (file for file in sorted(folder.iterdir()) if file.suffix.lower() not in image_folder.SUFFIXES)
    return (file for file in others if file.is_file() and is_dicom(file))


def read_dicom(path: Path, fps: float | None, limits: ClipLimits, progress: Progress) -> Recording:
    """Read the frames in their order in time, rescaled as the header says, turned upright.

    Raises InputError if the series cannot be read whole, is none of one slice over time, or does not tell its rate and
    none is given; and if its name holds the patient's.
    """
    library("pydicom", path)
    files = list(_files(path)) if path.is_dir() else [path]
    frames = Frames(path, limits)
    frames.check(len(files), SMALLEST_SIDE, SMALLEST_SIDE)
    headers = [(file, header) for file in files if "Rows" in (header := _header(file, path))]
    if not headers:
        raise InputError("{path} holds no frame.", path=path)
    first = headers[0][1]
    _refuse_names(first, path)
    count = int(first.get("NumberOfFrames") or 1) if len(headers) == 1 else len(headers)
    frames.check(count, int(first.Rows), int(first.Columns), 2)
    if len(headers) == 1:
        parts = [_Part(first, k) for k in range(count)]
        times = even_times(count, fps) if fps else _times_of_file(first, parts)
    else:
        headers = _in_order(headers, path)
        parts = [_Part(header, 0) for _, header in headers]
        times = even_times(count, fps) if fps else _times_of_series(parts)
    _refuse_slices(parts, path)
    if times is None:
        raise no_rate(path)
    with _decoding(path):
        for k, (part, values) in enumerate(zip(parts, _pictures([file for file, _ in headers]), strict=True), 1):
            frames.add(part.gray(values))
            progress("reading", k, count)
    right, down = np.reshape([float(v) for v in parts[0].find("ImageOrientationPatient") or np.zeros(6)], (2, 3))
    stored = f"{'int' if first.get('PixelRepresentation') else 'uint'}, {first.get('BitsStored')} bits"
    turned, plane = upright(frames.stack(), down, right)
    height_mm, width_mm = (float(v) for v in parts[0].find("PixelSpacing") or (0, 0))
    details = {"codec": "dicom", "pixel_format": stored, "plane": plane}
    return Recording(turned, times, details, pixel_mm=square_pixel(width_mm, height_mm))


class _Part:
    """A frame: a file's only one, or one of many, for which functional groups can hold what a header holds."""

    def __init__(self, header: Any, number: int):
        self.header, self.number = header, number

    def find(self, keyword: str) -> Any:
        """The frame's own value, or that of all frames, or the header's; None where there is none."""
        groups = [
            *(self.header.get("PerFrameFunctionalGroupsSequence") or [])[self.number : self.number + 1],
            *(self.header.get("SharedFunctionalGroupsSequence") or [])[:1],
        ]
        for group in groups:
            for element in group:
                if element.VR == "SQ" and len(element.value) and keyword in element.value[0]:
                    return element.value[0].get(keyword)
        return self.header.get(keyword)

    def gray(self, values: np.ndarray) -> np.ndarray:
        """Stored values (H, W) or (H, W, 3) -> (H, W), rescaled, bright where there is signal."""
        if values.ndim == 3:
            values = luma(values)
        slope, intercept = (self.find(name) for name in ("RescaleSlope", "RescaleIntercept"))
        if self.header.get("PhotometricInterpretation") == "MONOCHROME1":  # a large value is dark
            top = -1 if self.header.PixelRepresentation else 2 ** int(self.header.BitsStored) - 1
            values = (top - values.astype(np.int64)).astype(values.dtype)
        if (slope, intercept) == (None, None) or (float(slope or 1), float(intercept or 0)) == (1.0, 0.0):
            return values
        return values.astype(np.float32) * np.float32(slope or 1) + np.float32(intercept or 0)


def _header(file: Path, path: Path) -> Any:
    """The elements named above."""
    import pydicom

    names = [*_PICTURE, *_TIME, *_PLACE, *_PRIVATE]
    with _decoding(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote values
        return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=names)


def _pictures(files: list[Path]) -> Iterator[np.ndarray]:
    from pydicom.pixels import iter_pixels

    for file in files:
        yield from iter_pixels(file)


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Whatever goes wrong becomes an InputError that names the folder: a file's name in it can be a person's."""
    from pydicom.errors import InvalidDicomError

    try:
        yield
    except InputError:
        raise
    except (NotImplementedError, RuntimeError):
        raise InputError(
            "{path} is compressed in a way that cannot be read here: save it uncompressed.", path=path
        ) from None
    except (InvalidDicomError, OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise InputError("{path} is damaged or no DICOM that can be read.", path=path) from None


def _refuse_names(header: Any, path: Path) -> None:
    """Raises InputError if the file's or folder's name holds the patient's: outputs would carry it."""
    if str(header.get("PatientIdentityRemoved") or "").upper() == "YES":
        return
    parts = re.findall(r"[^\W_]{3,}", str(header.get("PatientName") or "").casefold())
    if any(part.isalpha() and part in path.name.casefold() for part in parts):
        raise InputError(
            "This DICOM file's or folder's name holds the patient's, and outputs would carry it: rename it first."
        )


def _in_order(headers: list[tuple[Path, Any]], path: Path) -> list[tuple[Path, Any]]:
    """The files of a series by their number. Raises InputError if they are of several, or not numbered."""
    if len({header.get("SeriesInstanceUID") for _, header in headers}) > 1:
        raise InputError("{path} holds several DICOM series: leave one of them in the folder.", path=path)
    if any(int(header.get("NumberOfFrames") or 1) > 1 for _, header in headers):
        raise InputError("{path} holds several DICOM files of many frames: give one of them.", path=path)
    for keyword in ("InstanceNumber", "TemporalPositionIdentifier"):
        numbers = [header.get(keyword) for _, header in headers]
        if None not in numbers and len(set(numbers)) == len(numbers):
            return [pair for _, pair in sorted(zip(numbers, headers, strict=True), key=lambda entry: int(entry[0]))]
    raise InputError("{path}: the frames of this DICOM series are not numbered.", path=path)


def _refuse_slices(parts: list[_Part], path: Path) -> None:
    places = [part.find("ImagePositionPatient") for part in parts]
    known = np.array([[float(v) for v in place] for place in places if place is not None])
    if len(known) > 1 and np.ptp(known, axis=0).max() > _NEARLY_MM:
        raise InputError(
            "{path} shows {count} slices: a clip is one slice over time.",
            path=path,
            count=len(np.unique(known.round(1), axis=0)),
        )


# ------------------------------------------------------------------------------------------------------------- time


def _times_of_file(header: Any, parts: list[_Part]) -> np.ndarray | None:
    """(T + 1,) s. The time of each frame, or of all, or when each was taken, or how fast to show them."""
    count = len(parts)
    vector = header.get("FrameTimeVector")  # ms from the frame before; the first is 0
    if vector is not None and np.size(vector) == count and count > 1:
        steps = np.array([float(v) for v in vector])[1:] / 1000
        if (steps > 0).all():
            return np.concatenate([[0.0], np.cumsum(steps), [steps.sum() + np.median(steps)]])
    frame_ms = _positive(header.get("FrameTime"))
    taken = _steady(parts, "FrameAcquisitionDateTime", _clock_s) or _steady(parts, "FrameReferenceDateTime", _clock_s)
    shown_fps = _positive(header.get("CineRate")) or _positive(header.get("RecommendedDisplayFrameRate"))
    fps = (1000 / frame_ms if frame_ms else None) or taken or shown_fps
    return even_times(count, fps) if fps else None


def _times_of_series(parts: list[_Part]) -> np.ndarray | None:
    """(T + 1,) s, from the header's time of a frame, or from when the frames were taken."""
    frame_ms = _positive(parts[0].header.get("FrameTime")) or _positive(parts[0].header.get("TemporalResolution"))
    fps = (
        (1000 / frame_ms if frame_ms else None)
        or _steady(parts, "AcquisitionDateTime", _clock_s)
        or _steady(parts, "AcquisitionTime", _clock_s)
        or _steady(parts, "TriggerTime", lambda value: float(value) / 1000)
    )
    return even_times(len(parts), fps) if fps else None


def _positive(value: Any) -> float | None:
    return float(value) if value is not None and 0 < float(value) < np.inf else None


def _steady(parts: list[_Part], keyword: str, seconds: Callable[[Any], float]) -> float | None:
    """Frames per second from the moments they were taken at: their mean, as clocks are coarse. None unless every frame
    has one and each is later than the one before."""
    found = [part.find(keyword) for part in parts]
    if len(found) < 2 or any(value in (None, "") for value in found):
        return None
    moments = [seconds(value) for value in found]
    if any(later <= earlier for earlier, later in pairwise(moments)):
        return None
    return (len(moments) - 1) / (moments[-1] - moments[0])


def _clock_s(value: Any) -> float:
    """Seconds since midnight of a DICOM time HHMMSS.FFFFFF, or of a date and time that ends so."""
    digits = str(value)
    whole, _, fraction = re.sub(r"[+-]\d{4}$", "", digits).partition(".")
    hours, minutes, seconds = (int(whole[-6:][k : k + 2] or 0) for k in (0, 2, 4))
    return 3600 * hours + 60 * minutes + seconds + float(f"0.{fraction or 0}")

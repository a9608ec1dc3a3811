"""DICOM: a folder with one series, one frame a file, or one file of many frames.

Only the header elements named here are read. The only personal one is PatientName: it is compared with the name of the
file or folder, which outputs carry, and dropped.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...progress import Ended, Progress
from . import image_folder
from .gray import Frames, luma
from .optional_dependency import library
from .orientation import upright
from .recording import SMALLEST_SIDE, ClipLimits, Recording, even_times, no_rate, square_pixel

SUFFIXES = {".dcm", ".dicom", ".ima"}
_PICTURE = "Rows Columns NumberOfFrames SamplesPerPixel PhotometricInterpretation BitsStored".split()
_PICTURE += "PixelRepresentation RescaleSlope RescaleIntercept PixelSpacing".split()
_PICTURE += "ImageOrientationPatient ImagePositionPatient PixelAspectRatio ImageType ComplexImageComponent".split()
_PICTURE += "SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence".split()
_TIME = "FrameTime FrameTimeVector CineRate RecommendedDisplayFrameRate TemporalResolution".split()
_TIME += "AcquisitionDateTime AcquisitionTime TriggerTime FrameAcquisitionDateTime FrameReferenceDateTime".split()
_PLACE = ("SeriesInstanceUID", "InstanceNumber", "TemporalPositionIdentifier")
_PRIVATE = ("PatientName", "PatientIdentityRemoved")
_ASPECT = "PixelAspectRatio"
_COMPONENTS = {"M": "MAGNITUDE", "P": "PHASE", "R": "REAL", "I": "IMAGINARY"}
_COMPONENTS |= {name: name for name in _COMPONENTS.values()}
_DAY_S = 86400
_NEARLY_MM = 0.5  # largest distance of frames of one slice


def is_dicom(path: Path) -> bool:
    """Whether a file has DICOM's magic number, whatever its name."""
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
    """Read the frames in temporal order, rescaled by the header, upright.

    Raises InputError if the series cannot be read whole, is not one slice over time, or has no frame rate and `fps` is
    None; and if its name contains the patient's.
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
    one = len(headers) == 1
    count = (_Part(first, 0, path).count or 1) if one else len(headers)
    frames.check(count, int(first.Rows), int(first.Columns), 2)
    if one:
        stored = [_Part(first, k, path) for k in range(count)]
    else:
        headers = _in_order(headers, path)
        stored = [_Part(header, 0, path) for _, header in headers]
    shown, notes = _shown(stored, path)
    order = _order(shown) if one else list(range(len(shown)))
    parts = [shown[k] for k in order]
    in_order = order == list(range(count))
    times = even_times(len(parts), fps) if fps else _times_of_file(parts, in_order) if one else _times_of_series(parts)
    _refuse_slices(parts, path)
    if times is None:
        raise no_rate(path)
    height_mm, width_mm = parts[0].numbers("PixelSpacing", 2) or (0.0, 0.0)
    height, width = (height_mm, width_mm) if min(height_mm, width_mm) > 0 else parts[0].numbers(_ASPECT, 2) or (1, 1)
    scaled, kept = any(part.scaled for part in parts), set(map(id, parts))
    with _decoding(path):
        for k, (part, values) in enumerate(zip(stored, _pictures([file for file, _ in headers]), strict=True), 1):
            if id(part) in kept:
                frames.add(part.gray(values, scaled), width / height)
            progress("reading", k, count)
    right, down = np.reshape(parts[0].numbers("ImageOrientationPatient", 6) or np.zeros(6), (2, 3))
    kind = f"{'int' if first.get('PixelRepresentation') else 'uint'}, {first.get('BitsStored')} bits"
    stacked = frames.stack()
    turned, plane = upright(stacked if order == sorted(order) else stacked[order], down, right)
    details = {"codec": "dicom", "pixel_format": kind, "plane": plane}
    return Recording(turned, times, details, pixel_mm=square_pixel(width_mm, height_mm), notes=notes)


class _Part:
    """A frame: a file's only one, or one of many, whose functional groups may override the header."""

    def __init__(self, header: Any, number: int, path: Path):
        self.header, self.at, self.path = header, number, path

    @property
    def count(self) -> int:
        """Number of frames in its file; 0 where unknown."""
        return int(self.number("NumberOfFrames") or 0)

    @property
    def component(self) -> str:
        """Component of a complex image: "MAGNITUDE", "PHASE", "REAL" or "IMAGINARY"; "" where unknown."""
        told = [str(value).upper() for value in _several(self.find("ComplexImageComponent"))]
        told += [str(value).upper() for value in _several(self.find("FrameType") or self.find("ImageType"))[2:]]
        names = (_COMPONENTS.get(re.split("[_ ]", value)[0], "") for value in told)
        return next(filter(None, names), "")

    @property
    def scaled(self) -> bool:
        """Whether stored values need rescaling."""
        return self._scale != (1.0, 0.0)

    @property
    def _scale(self) -> tuple[float, float]:
        return self.number("RescaleSlope") or 1.0, self.number("RescaleIntercept") or 0.0

    def numbers(self, keyword: str, count: int | None = None) -> list[float] | None:
        """The value as numbers; None without a value. Raises InputError if it is not numeric, or not `count` values."""
        value = self.find(keyword)
        if value is None or value == "":
            return None
        try:
            numbers = [float(one) for one in _several(value)]
        except (ValueError, TypeError):
            numbers = []
        if not numbers or count not in (None, len(numbers)):
            raise self._malformed(keyword)
        return numbers

    def number(self, keyword: str) -> float | None:
        """The value as one number; see `numbers`."""
        found = self.numbers(keyword, 1)
        return found[0] if found else None

    def clock_s(self, keyword: str) -> float | None:
        """A time, or a date and time, in seconds since midnight; None without a value."""
        value = self.find(keyword)
        if value in (None, ""):
            return None
        try:
            return _clock_s(str(value))
        except ValueError:
            raise self._malformed(keyword) from None

    def _malformed(self, keyword: str) -> InputError:
        return InputError("{path} is malformed: its {keyword} cannot be read.", path=self.path, keyword=keyword)

    def find(self, keyword: str) -> Any:
        """The frame's own value, else that shared by all frames, else the header's; None without any. Raises InputError
        if it is malformed."""
        try:
            return self._find(keyword)
        except Exception:  # the library has many kinds
            raise self._malformed(keyword) from None

    def _find(self, keyword: str) -> Any:
        groups = [
            *(self.header.get("PerFrameFunctionalGroupsSequence") or [])[self.at : self.at + 1],
            *(self.header.get("SharedFunctionalGroupsSequence") or [])[:1],
        ]
        for group in groups:
            for element in group:
                if element.VR == "SQ" and len(element.value) and keyword in element.value[0]:
                    return element.value[0].get(keyword)
        return self.header.get(keyword)

    def gray(self, values: np.ndarray, scaled: bool) -> np.ndarray:
        """Stored values (H, W) or (H, W, 3) -> gray (H, W), signal bright. scaled: rescaled, as float32."""
        if values.ndim == 3:
            values = luma(values)
        if self.header.get("PhotometricInterpretation") == "MONOCHROME1":  # large values are dark
            top = -1 if self.header.PixelRepresentation else 2 ** int(self.header.BitsStored) - 1
            values = (top - values.astype(np.int64)).astype(values.dtype)
        if not scaled:
            return values
        slope, intercept = self._scale
        return values.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _header(file: Path, path: Path) -> Any:
    """The header elements named above."""
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
    """Any failure becomes an InputError that names the folder, as a file's name in it can be a person's."""
    try:
        yield
    except (InputError, MemoryError, Ended):
        raise
    except (NotImplementedError, RuntimeError):
        raise InputError(
            "{path} is compressed in a way that cannot be read here: save it uncompressed.", path=path
        ) from None
    except Exception:
        raise InputError("{path} is damaged or no DICOM that can be read.", path=path) from None


def _refuse_names(header: Any, path: Path) -> None:
    """Raises InputError if the file's or folder's name contains the patient's, as outputs would carry it."""
    if str(header.get("PatientIdentityRemoved") or "").upper() == "YES":
        return
    parts = re.findall(r"[^\W_]{3,}", str(header.get("PatientName") or "").casefold())
    if any(part.isalpha() and part in path.name.casefold() for part in parts):
        raise InputError(
            "This DICOM file's or folder's name holds the patient's, and outputs would carry it: rename it first."
        )


def _in_order(headers: list[tuple[Path, Any]], path: Path) -> list[tuple[Path, Any]]:
    """The files of a series sorted by instance number. Raises InputError for several series, or without numbers."""
    if len({header.get("SeriesInstanceUID") for _, header in headers}) > 1:
        raise InputError("{path} holds several DICOM series: leave one of them in the folder.", path=path)
    if any(_Part(header, 0, path).count > 1 for _, header in headers):
        raise InputError("{path} holds several DICOM files of many frames: give one of them.", path=path)
    for keyword in ("InstanceNumber", "TemporalPositionIdentifier"):
        numbers = [_Part(header, 0, path).number(keyword) for _, header in headers]
        if None not in numbers and len(set(numbers)) == len(numbers):
            return [pair for _, pair in sorted(zip(numbers, headers, strict=True), key=lambda entry: entry[0] or 0.0)]
    raise InputError("{path}: the frames of this DICOM series are not numbered.", path=path)


def _shown(parts: list[_Part], path: Path) -> tuple[list[_Part], tuple[InputError, ...]]:
    """The magnitude frames of a series that mixes components, and notes about it. Raises InputError for several kinds
    without magnitude."""
    of_kind = [part.component for part in parts]
    kinds = sorted(set(of_kind))
    if len(kinds) == 1:
        return parts, ()
    kept = [part for part, kind in zip(parts, of_kind, strict=True) if kind == "MAGNITUDE"]
    told = ", ".join(kind.lower() or "unknown" for kind in kinds)
    if not kept:
        raise InputError("{path} mixes pictures of several kinds ({kinds}): leave one of them.", path=path, kinds=told)
    note = InputError(
        "{path} mixes pictures of several kinds ({kinds}): those of magnitude, {count}, are taken.",
        path=path,
        kinds=told,
        count=len(kept),
    )
    return kept, (note,)


def _order(parts: list[_Part]) -> list[int]:
    """Temporal order of a file's frames: by acquisition time, else by number, else as stored."""
    for known in (
        [part.clock_s("FrameAcquisitionDateTime") for part in parts],
        [part.clock_s("FrameReferenceDateTime") for part in parts],
        [part.number("TemporalPositionIndex") for part in parts],
        [part.number("NominalCardiacTriggerDelayTime") for part in parts],
        [part.number("InStackPositionNumber") for part in parts],
    ):
        if None not in known and len(set(known)) == len(parts):
            return [int(k) for k in np.argsort(np.unwrap([value or 0.0 for value in known], period=_DAY_S))]
    return list(range(len(parts)))


def _refuse_slices(parts: list[_Part], path: Path) -> None:
    places = [part.numbers("ImagePositionPatient", 3) for part in parts]
    known = np.array([place for place in places if place is not None])
    if len(known) > 1 and np.ptp(known, axis=0).max() > _NEARLY_MM:
        raise InputError(
            "{path} shows {count} slices: a clip is one slice over time.",
            path=path,
            count=len(np.unique(known.round(1), axis=0)),
        )


# ------------------------------------------------------------------------------------------------------------- time


def _times_of_file(parts: list[_Part], as_stored: bool) -> np.ndarray | None:
    """(T + 1,) s, from the frames' durations, one duration for all, acquisition times, or the display rate."""
    first, count = parts[0], len(parts)
    vector = first.numbers("FrameTimeVector")  # ms from the frame before; the first is 0
    if vector is not None and len(vector) == count > 1 and as_stored:
        steps = np.array(vector)[1:] / 1000
        if (steps > 0).all():
            return np.concatenate([[0.0], np.cumsum(steps), [steps.sum() + np.median(steps)]])
    frame_ms = _positive(first, "FrameTime")
    shown_fps = _positive(first, "CineRate") or _positive(first, "RecommendedDisplayFrameRate")
    fps = (1000 / frame_ms if frame_ms else None) or _taken(parts) or shown_fps
    return even_times(count, fps) if fps else None


def _times_of_series(parts: list[_Part]) -> np.ndarray | None:
    """(T + 1,) s, from the header's frame duration, or from acquisition times."""
    frame_ms = _positive(parts[0], "FrameTime") or _positive(parts[0], "TemporalResolution")
    fps = (1000 / frame_ms if frame_ms else None) or _taken(parts)
    return even_times(len(parts), fps) if fps else None


def _positive(part: _Part, keyword: str) -> float | None:
    value = (part.numbers(keyword) or [0.0])[0]
    return value if 0 < value < np.inf else None


def _taken(parts: list[_Part]) -> float | None:
    """Frames per second from acquisition times; None where unknown."""
    clocks = ("FrameAcquisitionDateTime", "FrameReferenceDateTime", "AcquisitionDateTime", "AcquisitionTime")
    for clock in clocks:
        if fps := _steady([part.clock_s(clock) for part in parts]):
            return fps
    triggers_ms = [part.number("TriggerTime") for part in parts]
    return _steady([None if ms is None else ms / 1000 for ms in triggers_ms])


def _steady(moments_s: list[float | None]) -> float | None:
    """Mean rate of strictly increasing times, as clocks are coarse; None for others, or with a time missing."""
    known = [explorer_state for explorer_state in moments_s if explorer_state is not None]
    if len(known) < max(2, len(moments_s)):
        return None
    known = np.unwrap(known, period=_DAY_S).tolist()  # past midnight
    if any(later <= earlier for earlier, later in pairwise(known)):
        return None
    return (len(known) - 1) / (known[-1] - known[0])


def _clock_s(value: str) -> float:
    """Seconds since midnight of a DICOM time HHMMSS.FFFFFF or date and time, with or without a zone.

    Raises ValueError."""
    told = re.fullmatch(r"(?:\d{8})?(\d\d):?(\d\d)?:?(\d\d(?:\.\d*)?)?(?:[+-]\d{4})?\s*", value)
    if told is None:
        raise ValueError
    hours, minutes, seconds = (float(part or 0) for part in told.groups())
    if hours >= 24 or minutes >= 60 or seconds > 60:
        raise ValueError
    return 3600 * hours + 60 * minutes + seconds


def _several(value: Any) -> list:
    """A value of multiplicity one or more, as a list."""
    if value is None or isinstance(value, (str, bytes)):
        return [] if value is None else [value]
    try:
        return list(value)
    except TypeError:
        return [value]

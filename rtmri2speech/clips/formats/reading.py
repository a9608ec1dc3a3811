"""Choice of the reader for a file or folder."""

import errno
import warnings
from pathlib import Path

from ...errors import InputError
from ...progress import UNSEEN, Ended, Progress
from . import arrays, dicom, hdf5, image_folder, matlab, nifti, video
from .recording import ClipLimits, Recording

# Files of scanners and image-processing programs.
LAB_SUFFIXES = dicom.SUFFIXES | hdf5.SUFFIXES | matlab.SUFFIXES | nifti.SUFFIXES | image_folder.STACKS
# Files that count as clips in a folder of clips.
VIDEO_SUFFIXES = frozenset({".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"})


def is_lab_file(path: Path) -> bool:
    """Whether a file's suffix is one of LAB_SUFFIXES."""
    return path.suffix.lower() in LAB_SUFFIXES or nifti.is_nifti(path)


def is_video_file(path: Path) -> bool:
    """Whether a file's suffix is a video's; hidden files, such as macOS's ._clip.mp4, are not."""
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def no_clips(folder: Path) -> InputError:
    known = ", ".join(sorted(VIDEO_SUFFIXES))
    return InputError("The folder {path} holds no clip ({known}).", path=folder, known=known)


def is_video(path: Path) -> bool:
    """Whether a path is read as a video, with time stamps of its own."""
    other = path.is_dir() or path.suffix.lower() in arrays.SUFFIXES or is_lab_file(path)
    return not (other or dicom.is_dicom(path))


def read_recording(
    path: Path, fps: float | None, limits: ClipLimits, until_s: float | None = None, progress: Progress = UNSEEN
) -> Recording:
    """Read a file or folder. until_s: read only about the first until_s seconds of a video.

    Raises InputError if it cannot be read whole or is over the limits; libraries' own errors become one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries' warnings are for programmers and quote values
            return _read(path, fps, limits, until_s, progress)
    except (InputError, MemoryError, Ended):
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise InputError("The disk of this machine is full.") from None
        raise InputError("Cannot read {path}: {reason}.", path=path, reason=error.strerror or "damaged") from None
    except Exception as error:
        raise InputError("{path} is damaged or not what its name says: it cannot be read.", path=path) from error


def _read(path: Path, fps: float | None, limits: ClipLimits, until_s: float | None, progress: Progress) -> Recording:
    if not path.exists():
        raise InputError("There is no file or folder {path}.", path=path)
    if path.is_dir():
        if dicom.is_series(path):
            return dicom.read_dicom(path, fps, limits, progress)
        if fps is None:
            raise InputError(
                "{path} is a folder of frames: on the command line, give their frame rate with --fps.", path=path
            )
        return image_folder.read_pictures(path, fps, limits, progress)
    if path.stat().st_size == 0:
        raise InputError("{path} is empty.", path=path)
    suffix = path.suffix.lower()
    if suffix in image_folder.STACKS:
        return image_folder.read_stack(path, fps, limits, progress)
    if suffix in arrays.SUFFIXES:
        return arrays.read_array(path, fps, limits)
    if suffix in matlab.SUFFIXES:
        return matlab.read_matlab(path, fps, limits)
    if suffix in hdf5.SUFFIXES:
        return hdf5.read_hdf5(path, fps, limits)
    if nifti.is_nifti(path):
        return nifti.read_nifti(path, fps, limits)
    if suffix in dicom.SUFFIXES or dicom.is_dicom(path):
        return dicom.read_dicom(path, fps, limits, progress)
    return video.read_video(path, fps, limits, until_s, progress)

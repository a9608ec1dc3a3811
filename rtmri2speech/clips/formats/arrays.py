"""NumPy arrays: .npy and .npz."""

import zipfile
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...spec import MelSpec
from .gray import Frames, to_uint8
from .recording import ClipLimits, Recording, checked_rate, even_times
from .stacks import frames_of

SUFFIXES = {".npy", ".npz"}


def read_array(path: Path, fps: float | None, limits: ClipLimits) -> Recording:
    frames = Frames(path, limits)
    try:
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > 8 * limits.most_bytes:
                    raise InputError(
                        "{path} unpacks to more than {most:.0f} GiB.", path=path, most=8 * limits.most_bytes / 2**30
                    )
            with np.load(path, allow_pickle=False) as archive:
                array = archive[frames_of((name for name in archive.files if name != "fps"), path)]
                if fps is None and "fps" in archive.files:
                    fps = checked_rate(archive["fps"], path)
        else:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (InputError, MemoryError):
        raise
    except Exception:  # of zip, of zlib, of NumPy's own header, ...
        raise InputError("{path} is not a NumPy array file that can be read.", path=path) from None
    if array.ndim != 3:
        raise InputError(
            "{path} holds an array of shape {shape}: frames must be (T, H, W).", path=path, shape=array.shape
        )
    if not len(array):
        raise InputError("{path} holds no frame.", path=path)
    frames.check(*array.shape)
    stacked = np.ascontiguousarray(to_uint8(array, path))
    details = {"codec": path.suffix[1:].lower(), "pixel_format": str(array.dtype)}
    return Recording(stacked, even_times(len(stacked), fps or MelSpec().fps), details)

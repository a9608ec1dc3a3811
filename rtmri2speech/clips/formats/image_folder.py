"""A folder of numbered PNG or TIFF frames."""

import re
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...progress import Progress
from .gray import Frames
from .recording import SMALLEST_SIDE, ClipLimits, Recording, even_times

SUFFIXES = {".png", ".tif", ".tiff"}


def read_pictures(path: Path, fps: float, limits: ClipLimits, progress: Progress) -> Recording:
    import cv2

    numbered = {}
    for file in path.iterdir():
        digits = re.search(r"(\d+)$", file.stem)
        if file.suffix.lower() in SUFFIXES and digits:
            number = int(digits[1])
            if number in numbered:
                raise InputError("{path} has two frames with the number {number}.", path=path, number=number)
            numbered[number] = file
    if not numbered:
        raise InputError("{path} holds no numbered PNG or TIFF frames (such as clip_0000.png).", path=path)
    first, last = min(numbered), max(numbered)
    if len(numbered) != last - first + 1:
        missing = next(n for n in range(first, last) if n not in numbered)
        raise InputError(
            "{path}: frame number {number} is missing between {first} and {last}.",
            path=path,
            number=missing,
            first=first,
            last=last,
        )
    frames = Frames(path, limits)
    frames.check(len(numbered), SMALLEST_SIDE, SMALLEST_SIDE)
    for number in range(first, last + 1):
        file = numbered[number]
        picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
        if picture is None:
            raise InputError("{path} is not a picture that can be read.", path=file)
        frames.add(picture)
        progress("reading", number - first + 1, len(numbered))
    details = {
        "codec": numbered[first].suffix[1:].lower(),
        "pixel_format": "" if frames.first is None else str(frames.first.dtype),
    }
    stacked = frames.stack()
    return Recording(stacked, even_times(len(stacked), fps), details)

"""A folder of numbered PNG or TIFF frames, or a multi-page TIFF, one frame a page."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...progress import Progress
from .gray import Frames
from .recording import SMALLEST_SIDE, ClipLimits, Recording, checked_rate, even_times, no_rate

STACKS = {".tif", ".tiff"}
SUFFIXES = {".png"} | STACKS


def read_pictures(path: Path, fps: float, limits: ClipLimits, progress: Progress) -> Recording:
    numbered = {}
    for file in path.iterdir():
        digits = re.search(r"(\d+)$", file.stem)
        if file.suffix.lower() in SUFFIXES and digits and not file.name.startswith("."):
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
    return _recording(path, [numbered[number] for number in range(first, last + 1)], fps, limits, progress)


def read_stack(path: Path, fps: float | None, limits: ClipLimits, progress: Progress) -> Recording:
    """Read a multi-page TIFF. Raises InputError if it has no frame rate, as ImageJ's have, and `fps` is None."""
    from PIL import Image

    with Image.open(path) as image:
        described = str(getattr(image, "tag_v2", {}).get(270, ""))
        pages = getattr(image, "n_frames", 1)
    told = dict(re.findall(r"^(\w+)=(.*)$", described, re.MULTILINE)) if described.startswith("ImageJ=") else {}
    if int(told.get("images", pages)) != pages or int(told.get("channels", 1)) != 1:
        raise InputError("{path} is a stack of ImageJ's own kind: save it as a plain TIFF of one channel.", path=path)
    if fps is None and float(told.get("finterval", 0)) != 0:
        fps = checked_rate(1 / float(told["finterval"]), path)
    if fps is None:
        raise no_rate(path)
    return _recording(path, [path], fps, limits, progress)


def _recording(path: Path, files: list[Path], fps: float, limits: ClipLimits, progress: Progress) -> Recording:
    frames = Frames(path, limits)
    frames.check(len(files), SMALLEST_SIDE, SMALLEST_SIDE)
    for done, file in enumerate(files, 1):
        for picture in _pages(file, frames):
            frames.add(picture)
            progress("reading", done, len(files))
    details = {
        "codec": files[0].suffix[1:].lower(),
        "pixel_format": "" if frames.first is None else str(frames.first.dtype),
    }
    stacked = frames.stack()
    return Recording(stacked, even_times(len(stacked), fps), details)


def _pages(file: Path, frames: Frames) -> Iterator[np.ndarray]:
    """Yields the pages of a file, gray (H, W). frames: checks their size before they are decoded."""
    import cv2
    from PIL import Image

    how, pages = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH, 1
    unreadable = InputError("{path} is not a picture that can be read.", path=file)
    if file.suffix.lower() in STACKS:
        try:
            with Image.open(file) as image:
                pages = getattr(image, "n_frames", 1)
                frames.check(len(frames.frames) + pages, image.height, image.width)
        except InputError:
            raise
        except (OSError, ValueError, SyntaxError, EOFError):
            raise unreadable from None
    stored = np.fromfile(file, np.uint8)
    if pages == 1:
        picture = cv2.imdecode(stored, how)
        pictures = [] if picture is None else [picture]
    else:
        pictures = list(cv2.imdecodemulti(stored, how)[1])
    if len(pictures) != pages:
        raise unreadable
    yield from pictures

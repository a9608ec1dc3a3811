"""Chunks of PART frames for the explorer: pictures, outlines of regions, CAMs. A short clip's are sent with it; a long
clip's are files that the page fetches on demand."""

import base64
import json
import math
import os
import shutil
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path

import cv2
import numpy as np

from ...analysis.region_attribution import NAMED_REGIONS, RegionSums, SurfaceMasks, region_sums
from ...analysis.result import Analysis
from ...anatomy.articulation import articulation
from ...anatomy.outlines import outlines
from ...anatomy.regions import Regions
from ...clips.disk_array import release_pages
from ...clips.frame_view import FULL, FrameView
from ...progress import UNSEEN, Progress
from ...render.picture import padded_to

PART = 128  # frames a chunk; chunks of analysis/chunked.py are multiples
TILES = 8  # frames along a side of one sheet
JPEG_QUALITY = 92
JPEG_QUALITY_STORED = 85
LARGEST_SIDE = 256  # pixels of a frame on the page
MOST_PIXELS = 64_000_000  # of all frames sent at once, which the page holds uncompressed
OUTLINE_STEPS = 16_384  # steps of an outline's coordinates along a picture's side, in two bytes
MEASURES = ("lip_aperture", "tongue_palate", "tongue_pharynx", "velum_opening")

Cams = Mapping[str, np.ndarray]  # band -> signed (T, h, w), as in Analysis


@dataclass(frozen=True)
class Parts:
    """of: for each PART frames a chunk, or the path of its file. places: sums of attribution by region
    (analysis/region_attribution.py). measures: name -> articulatory measure (T,)."""

    of: tuple[dict | str, ...]
    places: RegionSums
    measures: dict[str, np.ndarray]

    def __add__(self, later: "Parts") -> "Parts":
        measures = {name: np.concatenate([values, later.measures[name]]) for name, values in self.measures.items()}
        return Parts(self.of + later.of, self.places + later.places, measures)

    def sent_at_once(self) -> "Parts":
        """The chunks, with files loaded."""
        read = (json.loads(Path(p).read_text(encoding="utf-8")) if isinstance(p, str) else p for p in self.of)
        return replace(self, of=tuple(read))


def shown_regions(regions: Regions) -> list[str]:
    return [name for name in NAMED_REGIONS if regions.verdict.usable]


def side_of(frames: np.ndarray, at_once: bool) -> int:
    """Side of the squares in which frames (T, H, W) are sent, pixels; at_once: all in one payload."""
    most = math.isqrt(MOST_PIXELS // len(frames)) if at_once else LARGEST_SIDE
    return min(max(frames.shape[1:]), LARGEST_SIDE, most)


def part_of(
    frames: np.ndarray, regions: Regions, cams: Cams, side: int, view: FrameView = FULL, quality: int = JPEG_QUALITY
) -> dict:
    """A chunk of up to PART frames uint8 (n, H, W), their regions and CAMs: sheets of square tiles, outlines, CAMs in
    the view's box.

    From numbers[starts[t * R + r]] on, each outline of region r in frame t has its number of points and their x, y in
    1 / OUTLINE_STEPS of the picture.
    """
    names = shown_regions(regions)
    # OpenCV releases the GIL
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = list(pool.map(lambda frame: outlines(regions, frame, names), range(len(regions))))
    numbers, starts, length = [np.empty(0)], [0], 0
    for of_frame in found:
        for name in names:
            for points in of_frame[name]:
                steps = np.clip(np.rint(points * OUTLINE_STEPS), 0, OUTLINE_STEPS)
                numbers.append(np.concatenate([[len(points)], steps.ravel()]))
                length += len(numbers[-1])
            starts.append(length)
    return {
        "images": _sheets(frames, side, quality),
        "numbers": _base64(np.concatenate(numbers).astype("<u2")),
        "starts": _base64(np.array(starts, "<u4")),
        "cams": [_base64(within_box(cam, view).astype("<f4")) for cam in cams.values()],
    }


def within_box(cam: np.ndarray, view: FrameView) -> np.ndarray:
    """A CAM (n, h, h) of the picture cut to what can be other than 0."""
    return cam[(slice(None), *view.box(cam.shape[-1]))]


def parts_of(analysis: Analysis, regions: Regions, store: "Store | None" = None, progress: Progress = UNSEEN) -> Parts:
    """All chunks of a clip, or of its analysed part.

    store: for the chunks of a long clip; None: they are sent with the clip.
    """
    frames, cams = analysis.model_frames, analysis.cam
    side = side_of(frames, at_once=store is None)
    made = []
    for first, stop in _spans(len(frames)) if store else [(0, len(frames))]:
        here = np.arange(first, stop)
        made.append(
            _parts(frames[first:stop], regions.at(here), _between(cams, first, stop), side, store, analysis.view)
        )
        release_pages(frames)
        release_pages(regions.labels)
        progress("packing", stop, len(frames))
    return reduce(add, made)


def _spans(count: int) -> list[tuple[int, int]]:
    return [(first, min(first + PART, count)) for first in range(0, count, PART)]


def _between(cams: Cams, first: int, stop: int) -> Cams:
    return {name: cam[first:stop] for name, cam in cams.items()}


def _parts(
    frames: np.ndarray, regions: Regions, cams: Cams, side: int, store: "Store | None", view: FrameView
) -> Parts:
    found, quality = [], JPEG_QUALITY_STORED if store else JPEG_QUALITY
    for first, stop in _spans(len(frames)):
        here = np.arange(first, stop)
        part = part_of(frames[first:stop], regions.at(here), _between(cams, first, stop), side, view, quality)
        found.append(store.part(part) if store else part)
    unknown = dict.fromkeys(MEASURES, np.full(len(frames), np.nan))
    measured = articulation(regions).columns() if regions.verdict.usable else unknown
    places = region_sums(SurfaceMasks(regions), cams, len(frames))
    return Parts(tuple(found), places, {name: measured[name] for name in MEASURES})


class Store:
    """A folder from which the page fetches chunks and sounds of a long clip; removed when garbage-collected."""

    def __init__(self, folder: Path):
        self.folder, self._count = folder, 0
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def part(self, part: dict) -> str:
        """Write it to a file; returns the path."""
        return self._keep("part", ".json", json.dumps(part).encode())

    def sound(self, wav: bytes | memoryview) -> str:
        return self._keep("sound", ".wav", wav)

    def _keep(self, name: str, suffix: str, data: bytes | memoryview) -> str:
        path = self.folder / f"{name}_{self._count:04d}{suffix}"
        self._count += 1
        path.write_bytes(data)
        return path.as_posix()


def pitch_of(side: int) -> int:
    """A tile must not share JPEG's 8 x 8 blocks with its neighbour."""
    return 8 * math.ceil(side / 8)


def _sheets(frames: np.ndarray, side: int, quality: int) -> list[str]:
    """uint8 (n, H, W) -> square tiles, padded with black, 8 x 8 to a JPEG."""
    images, pitch = [], pitch_of(side)
    for start in range(0, len(frames), TILES**2):
        tiles = frames[start : start + TILES**2]
        sheet = np.zeros((math.ceil(len(tiles) / TILES) * pitch, TILES * pitch), np.uint8)
        for k, frame in enumerate(tiles):
            square = padded_to(frame, 1.0)
            if square.shape != (side, side):
                square = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)
            top, left = k // TILES * pitch, k % TILES * pitch
            sheet[top : top + pitch, left : left + pitch] = np.pad(square, (0, pitch - side), mode="edge")
        images.append(_base64(cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]))
    return images


def _base64(data) -> str:
    return base64.b64encode(np.ascontiguousarray(data)).decode("ascii")

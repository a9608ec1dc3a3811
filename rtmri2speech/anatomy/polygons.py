"""Static articulator regions: polygons on the picture, and their masks.

Coordinates are normalised: x runs right and y down, both from 0 to 1. Pixel (row i, column j) covers x from j/width to
(j+1)/width. A JSON file holds

    {"regions": [{"name": "lips", "polygon": [[0.18, 0.28], [0.3, 0.28], [0.3, 0.44], [0.18, 0.44]]}]}
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError

_MOST_BYTES = 1_000_000
_MOST_REGIONS = 100
_MOST_POINTS = 1_000

Point = tuple[float, float]


@dataclass(frozen=True)
class Region:
    """A named polygon ((x, y), ...) in picture coordinates. Its part outside the picture is ignored."""

    name: str
    polygon: tuple[Point, ...]

    def __post_init__(self):
        if not isinstance(self.name, str) or re.fullmatch(r"[\w.-]{1,40}", self.name) is None:
            raise InputError(
                "A region's name is 1 to 40 letters, digits, '.', '_' or '-', not {name!r}.", name=self.name
            )
        if not 3 <= len(self.polygon) <= _MOST_POINTS:
            raise InputError(
                "Region {name} has {count} points: a polygon needs 3 to {most:,}.",
                name=self.name,
                count=len(self.polygon),
                most=_MOST_POINTS,
            )
        if not all(math.isfinite(value) for point in self.polygon for value in point):
            raise InputError("Region {name} has a point that is not finite: give x and y from 0 to 1.", name=self.name)
        if self.area < 1e-6:
            raise InputError("Region {name} encloses no area: its points lie on one line.", name=self.name)

    @property
    def area(self) -> float:
        """Area as a share of the picture, by the shoelace formula, parts outside the picture included."""
        x, y = np.array(self.polygon, np.float64).T
        return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)

    def shifted(self, dx: float, dy: float) -> "Region":
        """Shifted right by dx and down by dy, in widths and heights of the picture."""
        return Region(self.name, tuple((x + dx, y + dy) for x, y in self.polygon))

    def scaled(self, factor: float) -> "Region":
        """Scaled by `factor` about the centre of the picture, so that a set of regions keeps its arrangement."""
        if not (math.isfinite(factor) and factor > 0):
            raise InputError("A region can only be scaled by a number above 0, not {factor!r}.", factor=factor)
        return Region(self.name, tuple((0.5 + factor * (x - 0.5), 0.5 + factor * (y - 0.5)) for x, y in self.polygon))

    def mirrored(self) -> "Region":
        """Mirrored left to right, for a face to the right."""
        return Region(self.name, tuple((1 - x, y) for x, y in self.polygon))

    def placed(self, shift: Point, scale: float, mirror: bool) -> "Region":
        """Mirrored if asked for, then scaled, then shifted right and down by `shift`, to fit another head."""
        region = self.mirrored() if mirror else self
        return region.scaled(scale).shifted(*shift)


# Drawn by eye over three real clips of two speakers (68x68, chin to bridge of the nose) and four phantom speakers.
# A template, not a segmentation: the tongue moves through its region, neighbours overlap slightly, and each head needs
# the set shifted or scaled. Brain and spine are controls, as they produce no speech.
TEMPLATE = (
    Region("lips", ((0.17, 0.29), (0.30, 0.29), (0.32, 0.48), (0.27, 0.58), (0.17, 0.58))),
    Region(
        "tongue",
        ((0.29, 0.43), (0.38, 0.34), (0.54, 0.34), (0.64, 0.44), (0.67, 0.63), (0.54, 0.68), (0.36, 0.64)),
    ),
    Region("velum", ((0.48, 0.27), (0.57, 0.27), (0.69, 0.41), (0.68, 0.49), (0.61, 0.46), (0.50, 0.36))),
    Region("larynx", ((0.50, 0.66), (0.70, 0.66), (0.70, 0.87), (0.50, 0.87))),
    Region("jaw", ((0.20, 0.54), (0.32, 0.44), (0.36, 0.64), (0.31, 0.72), (0.20, 0.68))),
    Region("hard_palate", ((0.29, 0.29), (0.49, 0.26), (0.51, 0.35), (0.31, 0.38))),
    Region("pharynx_wall", ((0.66, 0.30), (0.74, 0.30), (0.76, 0.70), (0.69, 0.70))),
    Region("brain", ((0.42, 0.0), (1.0, 0.0), (1.0, 0.22), (0.72, 0.20))),
    Region("spine", ((0.77, 0.32), (0.97, 0.32), (0.97, 0.95), (0.79, 0.95))),
)


def find_regions(name_or_file: str) -> list[Region]:
    """The template's region of that name, or all regions of a JSON file, as `--region` takes them. Raises
    InputError."""
    named = [region for region in TEMPLATE if region.name == name_or_file]
    if named:
        return named
    if Path(name_or_file).suffix.lower() == ".json" or Path(name_or_file).exists():
        return read_regions(name_or_file)
    names = ", ".join(region.name for region in TEMPLATE)
    raise InputError(
        "There is no region called {name!r}: give one of {names}, or a JSON file.", name=name_or_file, names=names
    )


def read_regions(path: str | Path) -> list[Region]:
    """The regions of a JSON file. Raises InputError that says which region or part of the file is wrong."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError("Cannot read {path}: {reason}.", path=path, reason=error.strerror or error) from None
    if len(content) > _MOST_BYTES:
        raise InputError(
            "{path} is larger than {most:,} bytes: that is not a file of regions.", path=path, most=_MOST_BYTES
        )
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise InputError("{path} is not a JSON file of regions.", path=path) from None
    if not isinstance(data, dict) or not isinstance(data.get("regions"), list):
        raise InputError('{path} must hold an object with a list called "regions".', path=path)
    if not 1 <= len(data["regions"]) <= _MOST_REGIONS:
        raise InputError(
            "{path} holds {count} regions: give 1 to {most}.", path=path, count=len(data["regions"]), most=_MOST_REGIONS
        )
    regions = [_region_from_json(entry, path) for entry in data["regions"]]
    names = [region.name for region in regions]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                "{path} has more than one region called {name}: give each its own name.", path=path, name=name
            )
    return regions


def mask(region: Region, height: int, width: int) -> np.ndarray:
    """Share of each pixel that the region covers: (height, width) float32 in [0, 1]."""
    # Supersampled; small pictures (the 8x8 map) most, as each border counts most there.
    finer = max(4, 1024 // max(height, width))
    canvas = np.zeros((height * finer, width * finer), np.uint8)
    fraction_bits = 8
    corners = np.array(region.polygon, np.float64) * (width * finer, height * finer) - 0.5
    corners = np.clip(corners, -(2**20), 2**20)  # OpenCV's fixed-point coordinates end at 2**23 with 8 fraction bits
    cv2.fillPoly(canvas, [np.rint(corners * 2**fraction_bits).astype(np.int32)], 255, shift=fraction_bits)
    return cv2.resize(canvas.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) / 255


def joint_mask(regions: Iterable[Region], height: int, width: int) -> np.ndarray:
    """The union of several regions' masks: (height, width) float32 in [0, 1]."""
    joint = np.zeros((height, width), np.float32)
    for region in regions:
        joint = np.maximum(joint, mask(region, height, width))
    return joint


def _region_from_json(entry, path: Path) -> Region:
    if not isinstance(entry, dict) or set(entry) != {"name", "polygon"} or not isinstance(entry["polygon"], list):
        raise InputError('Each region in {path} needs a "name" and a "polygon", a list of [x, y] points.', path=path)
    name = entry["name"]
    for point in entry["polygon"]:
        if not isinstance(point, list) or len(point) != 2 or not all(type(value) in (int, float) for value in point):
            raise InputError(
                "Region {name!r} in {path} has a point that is not [x, y]: {point}.",
                name=name,
                path=path,
                point=json.dumps(point)[:60],
            )
        if not all(0 <= value <= 1 for value in point):
            raise InputError(
                "Region {name!r} in {path} has the point {point} outside the picture: "
                "x and y are shares of its width and height, from 0 to 1.",
                name=name,
                path=path,
                point=json.dumps(point)[:60],
            )
    try:
        return Region(name, tuple((float(x), float(y)) for x, y in entry["polygon"]))
    except InputError as error:
        raise InputError("{path}: {reason}", path=path, reason=error) from None

"""Regions that no network found: a phantom's own labels, and polygons that stay where they are."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..names import beside
from ..regions import TEMPLATE, Region, mask
from .regions import NAMES, REST, SIZE, Regions, smoothly_enlarged

# The phantom's tissue classes that make up each region (training.phantom.head.CLASSES).
TISSUES = {
    "tongue": ("tongue",),
    "lower_lip": ("lower_lip",),
    "upper_lip": ("upper_lip",),
    "velum": ("velum",),
    "jaw": ("jaw_bone", "jaw_marrow", "lower_teeth"),
    "hard_palate": ("hard_palate", "palate_mucosa", "upper_teeth"),
    "pharynx_wall": ("pharynx_wall",),
    "larynx": ("larynx", "glottis"),
    "airway": ("airway", "trachea", "nasal_airway"),
    "brain": ("brain", "cerebellum", "brainstem", "ventricle"),
    "spine": ("vertebra", "disc", "cord", "csf"),
}


def truth_beside(clip: str | Path) -> Path | None:
    """The <name>.truth.npz beside a clip, or None."""
    return beside(clip, ".truth.npz")


def region_of_class(classes: Iterable[str]) -> np.ndarray:
    """(256,) uint8: the index into NAMES of each of the phantom's classes."""
    owner = {tissue: NAMES.index(region) for region, tissues in TISSUES.items() for tissue in tissues}
    table = np.full(256, REST, np.uint8)
    for k, name in enumerate(classes):
        table[k] = owner.get(str(name), REST)
    return table


def regions_from_truth(path: str | Path, count: int, fps: float, shape: tuple[int, int]) -> Regions:
    """The labels of a phantom clip for `count` frames at `fps`, of its pictures of this (height, width).

    Raises InputError if the file is not a phantom's truth.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            table = region_of_class(data["classes"])
            labels, own_fps = data["labels"], float(data["fps"])
        at = np.minimum(((np.arange(count) + 0.5) / fps * own_fps).astype(int), len(labels) - 1)
        wanted = table[labels]
        if wanted.ndim != 3:
            raise ValueError("labels are not (T, H, W)")
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError("{path} is not the truth of a phantom clip ({error}).", path=path, error=error) from None
    enlarged = {k: smoothly_enlarged(wanted[k]) for k in np.unique(at)}
    return _certain(np.stack([enlarged[k] for k in at]), fps, shape, "truth")


def regions_from_template(
    count: int, fps: float, shape: tuple[int, int], polygons: Iterable[Region] = TEMPLATE
) -> Regions:
    """Polygons that stay where they are, the same in every frame; of "lips" the upper half is the upper lip.

    polygons: named as NAMES or "lips"; a later one lies over an earlier one. They are given on the clip's own frame.
    """
    height, width = shape
    side = max(shape)
    square = np.zeros((SIZE, SIZE), np.uint8)
    top, left = (side - height) // 2 / side, (side - width) // 2 / side
    rows = np.arange(SIZE)[:, None]
    for polygon in polygons:
        placed = Region(
            polygon.name, tuple((left + x * width / side, top + y * height / side) for x, y in polygon.polygon)
        )
        covered = mask(placed, SIZE, SIZE) >= 0.5
        if polygon.name == "lips":
            middle = np.mean([y for _, y in placed.polygon]) * SIZE
            square[covered & (rows < middle)] = NAMES.index("upper_lip")
            square[covered & (rows >= middle)] = NAMES.index("lower_lip")
        elif polygon.name in NAMES:
            square[covered] = NAMES.index(polygon.name)
    return _certain(np.repeat(square[None], count, axis=0), fps, shape, "template")


def _certain(labels: np.ndarray, fps: float, shape: tuple[int, int], source: str) -> Regions:
    there = np.stack([np.bincount(frame.ravel(), minlength=len(NAMES)) > 0 for frame in labels])
    return Regions(labels, fps, (shape[0], shape[1]), source, there.astype(np.float32))

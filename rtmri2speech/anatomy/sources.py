"""Sources of regions: the segmenter, a phantom's ground truth, and static polygons."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..clips.phantom_truth import truth_beside
from ..errors import InputError
from ..progress import UNSEEN, Progress
from .polygons import TEMPLATE, Region, mask
from .regions import NAMES, REST, SIZE, SOURCES, Regions, smoothly_enlarged
from .segmenter import segment_regions

# The phantom's tissue classes of each region (training.phantom.head.CLASSES).
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


def region_of_class(classes: Iterable[str]) -> np.ndarray:
    """(256,) uint8: index into NAMES of each of the phantom's classes."""
    owner = {tissue: NAMES.index(region) for region, tissues in TISSUES.items() for tissue in tissues}
    table = np.full(256, REST, np.uint8)
    for k, name in enumerate(classes):
        table[k] = owner.get(str(name), REST)
    return table


def regions_from_truth(path: str | Path, count: int, fps: float, shape: tuple[int, int]) -> Regions:
    """Ground-truth regions of a phantom clip for `count` frames at `fps`. shape: (height, width) of its frames.

    Raises InputError if the file is not a phantom's ground truth.
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
    """Static polygons, the same in every frame. "lips" is split into upper and lower lip at half its height.

    polygons: named as NAMES or "lips", on the clip's own frame; later ones cover earlier ones.
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


def regions_of(
    frames: np.ndarray, fps: float, recording: str | Path = "", source: str = "segmenter", progress: Progress = UNSEEN
) -> Regions:
    """Regions of uint8 frames (T, H, W) at `fps`. recording: the clip's file, beside which the ground truth lies.

    source: "segmenter", "truth" (phantoms only) or "template" (static polygons). Raises InputError without ground
    truth.
    """
    if source == "segmenter":
        return segment_regions(frames, fps, progress=progress)
    if source == "template":
        return regions_from_template(len(frames), fps, frames.shape[1:])
    if source != "truth":
        raise InputError("Regions come from {known}, not {given!r}.", known=" or ".join(SOURCES), given=source)
    truth = truth_beside(recording) if recording else None
    if truth is None:
        raise InputError(
            "{recording} has no truth: only phantoms have a <name>.truth.npz beside them.",
            recording=recording or "This clip",
        )
    return regions_from_truth(truth, len(frames), fps, frames.shape[1:])

"""Articulatory measures as a table, one row a frame."""

import csv
from pathlib import Path

import numpy as np

from ..files import atomic_write
from .articulation import articulation
from .regions import Regions


def measures(regions: Regions, pixel_mm: float | None = None) -> dict[str, np.ndarray]:
    """Column name -> measure of articulation (T,), NaN where undefined.

    Lengths are in pixels of the 256 px picture ("_px") and, given pixel_mm, the side of the clip's own pixels, also in
    cm ("_cm").
    """
    measured = articulation(regions)
    found = {name if name.endswith("_place") else f"{name}_px": v for name, v in measured.columns().items()}
    if pixel_mm is not None:
        in_cm = measured.in_cm(pixel_mm, regions.shape).columns()
        found |= {f"{name}_cm": values for name, values in in_cm.items() if not name.endswith("_place")}
    return found


def table(regions: Regions, times_s: np.ndarray, pixel_mm: float | None = None) -> tuple[list[str], np.ndarray]:
    """Column names and values (T, columns): frame, time_s, confidence of the regions, then every measure.

    times_s: (T,) start of each frame. pixel_mm: see `measures`.
    """
    found = measures(regions, pixel_mm)
    columns = [np.arange(len(regions)), times_s, regions.frame_confidence, *found.values()]
    return ["frame", "time_s", "confidence", *found], np.stack(columns, axis=1).astype(np.float64)


def write_table(path: str | Path, regions: Regions, times_s: np.ndarray, pixel_mm: float | None = None) -> None:
    """Write the table as CSV; undefined measures are empty cells."""
    names, values = table(regions, times_s, pixel_mm)
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(names)
        for row in values:
            rows.writerow([int(row[0]), *("" if np.isnan(v) else f"{v:.4f}" for v in row[1:])])

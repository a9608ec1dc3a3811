"""Articulation as a table: a row for each frame."""

import csv
from pathlib import Path

import numpy as np

from ..atomic import replacing
from .articulation import articulation
from .regions import Regions


def table(regions: Regions, times_s: np.ndarray, pixel_mm: float | None = None) -> tuple[list[str], np.ndarray]:
    """Columns' names and values (T, columns): frame, time_s, confidence of the regions, then every measure.

    times_s: (T,) start of each frame. Lengths are in pixels of the 256 px picture ("_px") and, where pixel_mm, the side
    of the clip's own pixels, is given, in cm too ("_cm"). NaN where a measure cannot be taken.
    """
    measured = articulation(regions)
    names, columns = ["frame", "time_s", "confidence"], [np.arange(len(regions)), times_s, regions.frame_confidence]
    kinds = [("_px", measured)]
    if pixel_mm is not None:
        kinds.append(("_cm", measured.in_cm(pixel_mm, regions.shape)))
    for suffix, values in kinds:
        for name, column in values.columns().items():
            if name.endswith("_place"):
                if suffix == "_px":
                    names.append(name)
                    columns.append(column)
                continue
            names.append(name + suffix)
            columns.append(column)
    return names, np.stack(columns, axis=1).astype(np.float64)


def write_table(path: str | Path, regions: Regions, times_s: np.ndarray, pixel_mm: float | None = None) -> None:
    """Write the table as CSV; an empty cell is a measure that cannot be taken."""
    names, values = table(regions, times_s, pixel_mm)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(names)
        for row in values:
            rows.writerow([int(row[0]), *("" if np.isnan(v) else f"{v:.4f}" for v in row[1:])])

"""Heatmap sequences as files: NAME.npy, float32 (T, H, W) in [0, 1], and NAME.json beside it saying what they are."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .analysis import Analysis
from .atomic import replacing
from .models.bundle import Bundle
from .progress import UNSEEN, Progress
from .spec import Band


def write_sequence(path: Path, heatmaps: Sequence[np.ndarray], progress: Progress = UNSEEN) -> None:
    """Write (T, H, W) to a .npy, one heatmap after the other: all at once would fill the memory, and a map into memory
    crashes the program instead of raising when the disk is full."""
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": heatmaps.shape}
        np.lib.format.write_array_header_1_0(file, header)
        for t, heatmap in enumerate(heatmaps):
            file.write(np.ascontiguousarray(heatmap, "<f4").data)
            progress("heatmaps", t + 1, len(heatmaps))


def sequence_record(
    analysis: Analysis, bundle: Bundle, video: str, band: Band, fps: float, start_frame: int = 0
) -> dict:
    """What heatmaps of `band` are, for the .json beside them. video: a file name; start_frame: of the first."""
    return {
        "video": video,
        "bundle": bundle.name,
        "bundle_sha256": bundle.sha256,
        "objective": analysis.objective,
        "energy": analysis.energy,
        "normalize": analysis.normalize,
        "silence": analysis.silence,
        "precision": analysis.precision,
        "fps": fps,
        "start_frame": start_frame,
        "band": band.to_json(),
    }


def write_record(sequence: Path, record: dict) -> None:
    """Write the .json beside a sequence."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    with replacing(sequence.with_suffix(".json")) as temporary:
        temporary.write_text(text, encoding="utf-8")

"""The regions of a clip by whichever way is asked for."""

from pathlib import Path

import numpy as np

from ..clips.phantom_truth import truth_beside
from ..errors import InputError
from ..progress import UNSEEN, Progress
from .regions import SOURCES, Regions
from .segmenter import segment_regions
from .sources import regions_from_template, regions_from_truth


def regions_of(
    frames: np.ndarray, fps: float, recording: str | Path = "", source: str = "segmenter", progress: Progress = UNSEEN
) -> Regions:
    """Regions of uint8 frames (T, H, W) at `fps`. recording: the clip's file, beside which the truth lies.

    source: "segmenter", "truth" (phantoms only) or "template" (polygons that do not move). Raises InputError where
    there is no truth.
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

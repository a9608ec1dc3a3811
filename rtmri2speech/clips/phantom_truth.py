"""The ground truth of a phantom clip: NAME.truth.npz beside it."""

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..names import beside
from ..speech.formant_tracks import COUNT


def truth_beside(clip: str | Path) -> Path | None:
    """The NAME.truth.npz beside a clip, or None."""
    return beside(clip, ".truth.npz")


def true_track(path: Path, times_s: np.ndarray) -> np.ndarray:
    """Resonances of the phantom's vocal tract, NaN where unvoiced. Raises InputError if the file is no ground truth."""
    try:
        with np.load(path, allow_pickle=False) as data:
            formants_hz, f0_hz, fps = data["formants_hz"], data["f0_hz"], float(data["fps"])
        at = np.minimum((times_s * fps).astype(int), len(f0_hz) - 1)
        return np.where(f0_hz[at, None] > 0, formants_hz[at, :COUNT], np.nan).astype(np.float64)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError("{path} is not the truth of a phantom clip ({error}).", path=path, error=error) from None

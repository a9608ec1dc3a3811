"""F0 of prepared recordings by Praat, measured once and kept beside them."""

from pathlib import Path

import numpy as np

from rtmri2speech.files import atomic_write
from rtmri2speech.speech.formants import measure_f0

STEP_S = 0.005
_FLOOR_HZ, _CEILING_HZ = 65.0, 500.0


def f0_of(samples: Path, rate: int) -> np.ndarray:
    """F0 in Hz, 0 where unvoiced, at (i + 1/2) * STEP_S of a prepared recording: (N,) float32. From <name>.f0 beside
    it, which is measured if it is missing or older than the recording."""
    kept = samples.with_suffix(".f0")
    if not (kept.is_file() and kept.stat().st_mtime >= samples.stat().st_mtime):
        waveform = np.load(samples)
        times_s = (np.arange(int(len(waveform) / rate / STEP_S)) + 0.5) * STEP_S
        hz = np.zeros(len(times_s))
        if len(waveform) / rate > 3 / _FLOOR_HZ:
            hz = np.nan_to_num(measure_f0(waveform, rate, times_s, _FLOOR_HZ, _CEILING_HZ))
        with atomic_write(kept) as temporary, temporary.open("wb") as file:
            np.save(file, hz.astype(np.float32))
    return np.load(kept)


def at_times(hz: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """F0 (N,) as of f0_of at other times (T,): 0 where unvoiced or outside, between voiced values by straight line."""
    place = times_s / STEP_S - 0.5
    nearest = np.rint(place).astype(int)
    inside = (nearest >= 0) & (nearest < len(hz))
    voiced = inside & (hz[np.clip(nearest, 0, len(hz) - 1)] > 0)
    known = np.flatnonzero(hz)
    return np.where(voiced, np.interp(place, known, hz[known]), 0.0) if len(known) else np.zeros(len(times_s))

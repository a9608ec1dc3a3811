"""What can be wrong with a recording: measures of its sound."""

import numpy as np

SILENT_DBFS = -60.0
CLIPPED_LEVEL = 0.999


def level_dbfs(samples: np.ndarray) -> float:
    """RMS level of (samples,) in dB re full scale; -inf for digital silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10 * np.log10(power) if power > 0 else -np.inf


def clipped_share(samples: np.ndarray) -> float:
    """Share of samples (0 to 1) in flat tops: equal neighbours at the sound's own largest value.

    Relative to the sound's own peak, because a clipped recording may have been scaled down afterwards.
    """
    size = np.abs(samples)
    pairs = (np.diff(samples) == 0) & (size[1:] >= CLIPPED_LEVEL * size.max(initial=0)) & (size[1:] > 0)
    return float((np.append(pairs, False) | np.append(False, pairs)).mean())

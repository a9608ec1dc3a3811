"""Alignment: the delay of a clip's sound after its pictures, estimated from the speech predicted from the pictures."""

import numpy as np

from ..errors import InputError

LONGEST_LAG_S = 0.5
# Least correlation of a reported estimate: the embedded clips reach 0.82 to 0.94 with the embedded bundle. Another
# phrase between two silences can reach as much, so it does not show that the sound belongs to the clip.
# Measured (python -m benchmarks.sync) on the embedded clips and 32 phantoms of other speakers, all in sync, with sound
# shifted by 13 known times up to 0.4 s: all 481 above SURE, error 3 ms in the median, below 16 ms in 95 %, 32 ms at
# most; no false delay in the 37 unshifted ones; above SURE with another clip's sound in 2 of 37.
SURE = 0.5
_RANGE_DB = 50.0


def speech_lag(predicted_db: np.ndarray, reference_db: np.ndarray, fps: float) -> tuple[float | None, float]:
    """Delay of the sound after the pictures, s, and its certainty (correlation, 0 to 1).

    predicted_db: the mel predicted from the pictures; reference_db: the mel of the sound; both (T, n_mels) at `fps`.
    The delay maximises their correlation, each bin's mean removed, over shifts of up to half a second. Resolution: one
    frame. The estimate is as good as the model; a model trained on late sound takes late sound for aligned. (None, 0.0)
    for under a second, or a constant mel.
    """
    if predicted_db.ndim != 2 or predicted_db.shape[1:] != reference_db.shape[1:]:
        raise InputError(
            "The mels have different bins: {one} and {other}.", one=predicted_db.shape, other=reference_db.shape
        )
    count = min(len(predicted_db), len(reference_db))
    if count < fps:
        return None, 0.0
    longest = min(round(LONGEST_LAG_S * fps), count // 3)
    predicted, reference = (_audible(mel[:count]) for mel in (predicted_db, reference_db))
    correlation = [
        _correlation(predicted[max(0, -k) : count - max(0, k)], reference[max(0, k) : count - max(0, -k)])
        for k in range(-longest, longest + 1)
    ]
    best = int(np.argmax(correlation))
    if correlation[best] <= 0:
        return None, 0.0
    return (best - longest) / fps, correlation[best]


def _audible(mel_db: np.ndarray) -> np.ndarray:
    """The mel clipped at 50 dB below its peak, as the level below is the recording's noise."""
    return np.maximum(mel_db.astype(np.float64), mel_db.max() - _RANGE_DB)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 1e-9 else 0.0

"""How much later a clip's sound is than its pictures, judged by the speech that the model hears in the pictures."""

import numpy as np

from ..errors import InputError

LONGEST_LAG_S = 0.5
# Correlation from which an estimate is worth telling: the embedded clips reach 0.82 to 0.94 with the embedded bundle.
# Another phrase between two silences can reach as much: it tells how far to shift, not whether it is the right sound.
# Measured (python -m benchmarks.sync) on the embedded clips and 32 phantoms of other speakers, all in sync, their sound
# moved by 13 known times up to 0.4 s: sure of all 481, error 3 ms in the middle, below 16 in 95 %, 32 at most; none of
# the 37 unmoved ones told otherwise; sure of another clip's sound in 2 of 37.
SURE = 0.5
_RANGE_DB = 50.0


def speech_lag(predicted_db: np.ndarray, reference_db: np.ndarray, fps: float) -> tuple[float | None, float]:
    """How much later the sound is than the pictures, s, and how sure that is (correlation, 0 to 1).

    predicted_db: the mel that a model made of the pictures; reference_db: the mel of the sound; both (T, n_mels) at
    `fps`. The two are shifted against each other by up to half a second either way; the answer is the shift at which
    they correlate best, each bin's mean removed. It is as good as the model: an untrained one correlates with nothing,
    and a model that was itself trained on late sound finds late sound right. (None, 0.0) for under a second, or for
    a mel that does not move. Resolution: one frame.
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
    """What lies more than 50 dB below the peak counts as silence: its level there is the recording's noise."""
    return np.maximum(mel_db.astype(np.float64), mel_db.max() - _RANGE_DB)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 1e-9 else 0.0

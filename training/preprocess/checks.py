"""What can be wrong with a recording: measures of its sound and of how picture and sound fit together."""

import numpy as np

SILENT_DBFS = -60.0
CLIPPED_LEVEL = 0.999
_LONGEST_OFFSET_S = 0.5


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


def audio_lag(frames: np.ndarray, mel_db: np.ndarray, fps: float) -> tuple[float | None, float]:
    """How much later the sound is than the picture, s, and how sure that is (correlation, 0 to 1).

    The pictures' change from frame to frame is compared with the sound's change of spectrum, shifted by up to half a
    second either way (peak of the normalised cross-correlation). frames (T, H, W) uint8, mel_db (T, n_mels).
    A rough estimate: below a correlation of 0.2 or so it means nothing. (None, 0.0) for a clip too short or still.
    """
    count = min(len(frames), len(mel_db))
    longest = min(round(_LONGEST_OFFSET_S * fps), count // 4)
    if longest < 1:
        return None, 0.0
    small = frames[:count, ::4, ::4].astype(np.float32)
    seen = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2))
    heard = np.abs(np.diff(np.maximum(mel_db[:count], mel_db.max() - 60), axis=0)).mean(axis=1)
    seen, heard = (x - x.mean() for x in (seen, heard))
    if seen.std() < 1e-6 or heard.std() < 1e-6:
        return None, 0.0
    scale = float(np.sqrt((seen @ seen) * (heard @ heard)))
    full = np.correlate(heard, seen, mode="full")[len(seen) - 1 - longest : len(seen) + longest] / scale
    best = int(full.argmax())
    return (best - longest) / fps, max(float(full[best]), 0.0)

"""Pauses of a clip: frames in which nobody speaks, and whose maps would explain nothing that was said.

The model's own silence (speech.mel.silent_frames) tells them where its sound follows the picture. A model that babbles
through the pauses of a recording that it does not understand is never silent; so pauses are also

- where the reference speech, if there is any, is silent, and
- without one, where the picture stands still: the pixels that move most in this clip move several times less than in
  the rest of it, for STILL_S or longer, and the model is hardly ever silent there. A vowel that is held longer than
  that is then taken for a pause.
"""

import cv2
import numpy as np
import torch

from ..spec import MelSpec
from ..speech.audio import Sound, resample
from ..speech.mel import SHORTEST_PAUSE_S, SPEECH_RANGE_DB, Scaler, mel_spectrogram_db, silent_frames

STILL_S = 0.25  # longer than the closure of a stop, or a vowel of fluent speech, stands still
_SIDE = 32  # pixels of the picture in which movement is measured: less is noise
_MOVING_SHARE = 0.05  # of the pixels: those that move most
_LAG_S = 0.15  # over which movement is measured
_SMOOTH_S = 0.26
_TIMES = 2.0  # least ratio of movement in speech to that in stillness
_FOLLOWED = 0.2  # share of the still frames in which a model that follows the picture is silent
_FLOOR_SHARE = 0.25  # of the reference's range above its noise: below this it is silent
_LEAST_RANGE_DB = 15.0  # of a reference that holds speech and pauses


def pauses(
    mel_db: np.ndarray, mel: MelSpec, scaler: Scaler, frames: np.ndarray, reference: Sound | None = None
) -> np.ndarray:
    """(T,) bool: the frames in which nobody speaks.

    mel_db: (T, n_mels) of the model; frames: uint8 (T, H, W) at its rate; reference: the reference speech, (samples,)
    and its rate, from the clip's start; beyond its end it tells nothing.
    """
    fps = mel.fps
    silent = silent_frames(mel_db, fps, scaler.faint_db)
    in_reference = np.zeros(len(silent), bool)
    if reference is not None:
        heard = silent_in(reference_mel_db(reference, mel, len(silent)), fps)
        in_reference[: len(heard)] = heard
    if in_reference.any():
        return silent | in_reference
    still = still_frames(frames, fps)
    babbles = still.any() and silent[still].mean() < _FOLLOWED
    return silent | still if babbles else silent


def reference_mel_db(reference: Sound, mel: MelSpec, count: int) -> np.ndarray:
    """The mel (at most `count`, n_mels) of a recording (samples,) and its rate; empty of one too short for a frame."""
    samples = resample(reference[0][: round((count + 1) / mel.fps * reference[1])], reference[1], mel.sample_rate)
    if len(samples) < mel.n_fft:
        return np.empty((0, mel.n_mels), np.float32)
    return mel_spectrogram_db(torch.from_numpy(samples), mel).numpy()[:count]


def silent_in(reference_db: np.ndarray, fps: float) -> np.ndarray:
    """Silent frames of a recording's mel (T, n_mels), which may hold noise: (T,) bool."""
    level = reference_db.mean(axis=1)
    if not len(level):
        return np.zeros(0, bool)
    floor, loud = np.percentile(level, (5, 95))
    if loud - floor < _LEAST_RANGE_DB:
        return np.zeros(len(level), bool)
    noisy = level < floor + _FLOOR_SHARE * (loud - floor)
    if floor < level.max() - SPEECH_RANGE_DB:  # the noise lies below all speech
        return silent_frames(reference_db, fps)
    return _long(noisy, round(2 * SHORTEST_PAUSE_S * fps))


def still_frames(frames: np.ndarray, fps: float) -> np.ndarray:
    """Frames uint8 (T, H, W) in which the picture stands still for STILL_S or longer, if the clip also moves: (T,)
    bool."""
    lag = max(1, round(_LAG_S * fps))
    if len(frames) < 2 * lag + round(STILL_S * fps):
        return np.zeros(len(frames), bool)
    small = np.stack([cv2.resize(frame, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for frame in frames])
    small = small.reshape(len(frames), -1).astype(np.float32)
    spread = small.std(axis=0)
    moving = small[:, spread >= np.quantile(spread, 1 - _MOVING_SHARE)]
    steps = np.sqrt(((moving[lag:] - moving[:-lag]) ** 2).mean(axis=1))
    movement = np.pad(steps, (lag // 2, lag - lag // 2), mode="edge")
    width = max(1, round(_SMOOTH_S * fps))
    movement = cv2.blur(movement[:, None], (1, width), borderType=cv2.BORDER_REPLICATE)[:, 0]
    threshold = _between(movement)
    low = movement < threshold
    if not low.any() or movement[~low].mean() < _TIMES * movement[low].mean():
        return np.zeros(len(frames), bool)
    return _long(low, round(STILL_S * fps))


def _between(values: np.ndarray) -> float:
    """The threshold that separates two classes best (N. Otsu, IEEE Transactions on Systems, Man, and Cybernetics 9,
    1979)."""
    candidates = np.unique(np.percentile(values, np.arange(2, 99)))
    apart = [_variance_between(values, threshold) for threshold in candidates]
    return float(candidates[int(np.argmax(apart))])


def _variance_between(values: np.ndarray, threshold: float) -> float:
    low = values < threshold
    if not low.any() or low.all():
        return 0.0
    return float(low.mean() * (1 - low.mean()) * (values[~low].mean() - values[low].mean()) ** 2)


def _long(chosen: np.ndarray, least: int) -> np.ndarray:
    """The runs of at least so many frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(int)))
    kept = np.zeros(len(chosen), bool)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        kept[start:stop] = stop - start >= least
    return kept

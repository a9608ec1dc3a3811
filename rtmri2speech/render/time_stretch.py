"""Time-stretching of speech at constant pitch."""

import subprocess

import numpy as np

from ..errors import InputError
from ..speech.audio import fit
from .encode import NO_WINDOW, ffmpeg_binary

MOST_SLOW = 100


def check_slow(slow: float) -> None:
    if not 1 <= slow <= MOST_SLOW:
        raise InputError("Slow motion takes a factor from 1 to {most}, not {given:g}.", most=MOST_SLOW, given=slow)


def stretch(audio: np.ndarray, rate: int, slow: float) -> np.ndarray:
    """audio (samples,) float32 -> (round(samples * slow),) float32, F0 and formants preserved.

    Rubber Band with its short window. Measured on four voices at 11,413 Hz, slow 2 to 10, against (in brackets)
    ffmpeg's atempo and librosa's phase vocoder: median F0 change 0.5-1.3 % (0.5-2.6 %, 1.1-7 %), harmonics-to-noise
    ratio within 4 dB of the source (up to 14 above, 7 below), speech early by at most 11 ms of source time.
    """
    check_slow(slow)
    if slow == 1 or len(audio) == 0:
        return np.asarray(audio, dtype=np.float32)
    sound = f"-f f32le -ar {rate} -ac 1".split()
    done = subprocess.run(
        [ffmpeg_binary(), "-loglevel", "error", *sound, "-i", "-", "-af", _filter(slow), *sound, "-"],
        input=np.asarray(audio, dtype="<f4").tobytes(),
        capture_output=True,
        check=False,
        **NO_WINDOW,
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()
        raise InputError("The audio cannot be slowed down; ffmpeg says: {reason}.", reason=reason)
    slowed = np.frombuffer(done.stdout, dtype="<f4").astype(np.float32)
    return fit(slowed, round(len(audio) * slow))


def _filter(slow: float) -> str:
    return f"rubberband=tempo={1 / slow:.9f}:window=short:formant=preserved"

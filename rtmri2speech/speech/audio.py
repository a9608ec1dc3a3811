"""Waveforms in and out: mono float32 in [-1, 1]."""

import os
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import replacing

Sound = tuple[np.ndarray, int]  # (samples,) float32, sampling rate in Hz


def read_audio(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """A sound file of any format libsndfile knows -> mono float32 (samples,), sampling rate in Hz.

    Channels are averaged. Raises InputError if the file cannot be read, is empty, or holds NaN or infinity.
    """
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise InputError("There is no sound file {path}.", path=path)
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError:
        raise InputError("{path} is not a sound file that can be read (WAV, FLAC, OGG, MP3).", path=path) from None
    mono = samples.mean(axis=1)
    if not len(mono):
        raise InputError("{path} holds no samples.", path=path)
    if not np.isfinite(mono).all():
        raise InputError("{path} holds samples that are not finite numbers.", path=path)
    return mono, rate


def write_audio(path: str | os.PathLike, samples: np.ndarray, rate: int) -> None:
    """Write (samples,) float in [-1, 1] as 16-bit audio in the format of the suffix (.wav, .flac, .ogg)."""
    import soundfile

    path = Path(path)
    if path.suffix.lower().lstrip(".").upper() not in soundfile.available_formats():
        raise InputError("Cannot write sound as {path!r}: give a name that ends in .wav or .flac.", path=path.name)
    with replacing(path) as temporary:
        try:
            soundfile.write(temporary, np.clip(samples, -1, 1), rate, subtype=None)
        except soundfile.SoundFileError as error:
            raise OSError(str(error)) from error


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """(samples,) at rate -> (round(samples * new_rate / rate),) float32 at new_rate, soxr's very high quality."""
    if rate == new_rate:
        return samples.astype(np.float32, copy=False)
    import soxr

    return soxr.resample(samples, rate, new_rate, quality="VHQ").astype(np.float32, copy=False)


def fit(samples: np.ndarray, length: int) -> np.ndarray:
    """(samples,) cut at the end, or lengthened by silence, to exactly (length,)."""
    return samples[:length] if len(samples) >= length else np.pad(samples, (0, length - len(samples)))

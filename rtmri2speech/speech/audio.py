"""Waveforms in and out: mono float32 in [-1, 1]."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..files import atomic_write

if TYPE_CHECKING:
    import soundfile

Sound = tuple[np.ndarray, int]  # (samples,) float32, sampling rate in Hz


def read_audio(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """A sound file of any format libsndfile knows -> mono float32 (samples,), sampling rate in Hz.

    Channels are averaged. Raises InputError if the file cannot be read whole, is empty, or holds NaN or infinity.
    """
    path = Path(path)
    with open_audio(path) as file:
        rate = file.samplerate
        blocks = [block.mean(axis=1) for block in read_blocks(file, path, 2**20)]
    mono = np.concatenate([np.empty(0, np.float32), *blocks])
    if not len(mono):
        raise InputError("{path} holds no samples.", path=path)
    if not np.isfinite(mono).all():
        raise InputError("{path} holds samples that are not finite numbers.", path=path)
    return mono, rate


@contextmanager
def open_audio(path: Path) -> "Iterator[soundfile.SoundFile]":
    """A sound file, open for reading. Raises InputError if it cannot be read."""
    import soundfile

    if not path.is_file():
        raise InputError("There is no sound file {path}.", path=path)
    try:
        file = soundfile.SoundFile(place_of(path))
    except (soundfile.SoundFileError, OSError, TypeError):
        raise InputError("{path} is not a sound file that can be read (WAV, FLAC, OGG, MP3).", path=path) from None
    with file:
        if file.frames >= _UNKNOWN_LENGTH:
            raise InputError("{path} does not tell how long it is: save it anew, as WAV or FLAC.", path=path)
        yield file


def read_blocks(file: "soundfile.SoundFile", path: Path, size: int) -> Iterator[np.ndarray]:
    """Yields float32 (n, channels) to the end. Raises InputError if the file is cut short or damaged."""
    import soundfile

    whole_s, there = _claimed_s(file, path), 0
    held: list[np.ndarray] = []
    try:  # in small pieces, as the one with the damage is lost whole
        while len(piece := file.read(min(_PIECE, size - sum(map(len, held))), dtype="float32", always_2d=True)):
            there += len(piece)
            held.append(piece)
            if sum(map(len, held)) == size:
                yield np.concatenate(held)
                held = []
    except soundfile.SoundFileError as error:
        if not whole_s:
            raise InputError("{path} is damaged: {reason}", path=path, reason=reason_of(error)) from None
    if held:
        yield np.concatenate(held)
    there_s = there / file.samplerate
    if there_s < whole_s - _ENDS_EARLY_S:
        raise cut_short(path, there_s, whole_s)
    if file.format == "OGG" and not _ogg_ends(path):
        raise InputError(
            "{path} is cut short: it ends after {there:.2f} s, within the sound.", path=path, there=there_s
        )


_SIZES = re.compile(r"^ *(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
_ENDS_EARLY_S = 0.02
_PIECE = 2**12
_UNKNOWN_LENGTH = 2**48
_UNKNOWN_SIZE = 2**31 - 2**12  # least size in the header of a file written to a pipe


def _claimed_s(file: "soundfile.SoundFile", path: Path) -> float:
    """Duration by the file's header, s; 0 where it has none."""
    if file.format == "MP3":
        with path.open("rb") as raw:
            begins = raw.read(2**16)
        if b"Xing" not in begins and b"Info" not in begins:
            return 0.0  # libsndfile guesses
    frames: float = file.frames
    for told, there in _SIZES.findall(file.extra_info):  # libsndfile counts the bytes present
        if int(there) < int(told) < _UNKNOWN_SIZE:
            frames = file.frames * int(told) / int(there)
    return frames / file.samplerate


def _ogg_ends(path: Path) -> bool:
    """Whether the last page of an Ogg file is marked as the last."""
    with path.open("rb") as raw:
        raw.seek(max(0, path.stat().st_size - 2**17))
        ends = raw.read()
    at = ends.rfind(b"OggS")
    return at < 0 or len(ends) < at + 6 or bool(ends[at + 5] & 4)


def write_audio(path: str | os.PathLike, samples: np.ndarray, rate: int) -> None:
    """Write (samples,) float in [-1, 1] as 16-bit audio in the format of the suffix (.wav, .flac, .ogg). Samples beyond
    make a WAV a float file, and are clipped in other formats."""
    import soundfile

    path = Path(path)
    if path.suffix.lower().lstrip(".").upper() not in soundfile.available_formats():
        raise InputError("Cannot write sound as {path!r}: give a name that ends in .wav or .flac.", path=path.name)
    beyond = bool(np.abs(samples).max(initial=0) > 1) and path.suffix.lower() == ".wav"
    with atomic_write(path) as temporary:
        try:
            soundfile.write(
                place_of(temporary), samples if beyond else np.clip(samples, -1, 1), rate, "FLOAT" if beyond else None
            )
        except soundfile.SoundFileError as error:
            raise OSError(reason_of(error)) from error


def place_of(path: Path) -> Path | bytes:
    """The path as soundfile accepts it: as bytes, where the name is not valid text."""
    return path if os.name == "nt" else os.fsencode(path)


def reason_of(error: Exception) -> str:
    """libsndfile's message without the name of the file, which is temporary."""
    return str(getattr(error, "error_string", error))


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """(samples,) at rate -> (round(samples * new_rate / rate),) float32 at new_rate, soxr's very high quality."""
    if rate == new_rate:
        return samples.astype(np.float32, copy=False)
    import soxr

    return soxr.resample(samples, rate, new_rate, quality="VHQ").astype(np.float32, copy=False)


def fit(samples: np.ndarray, length: int) -> np.ndarray:
    """(samples,) cut or padded with silence at the end: (length,)."""
    return samples[:length] if len(samples) >= length else np.pad(samples, (0, length - len(samples)))


def cut_short(path: Path, there_s: float, whole_s: float) -> InputError:
    return InputError(
        "{path} is cut short: {there:.2f} s of {whole:.2f} s are there, {missing:.2f} s are missing.",
        path=path,
        there=there_s,
        whole=whole_s,
        missing=whole_s - there_s,
    )

"""Restoration of an array, or of a file of any length in bounded memory; the restored file's comment labels it."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from ..assets import ASSETS
from ..errors import InputError
from ..files import atomic_write, refuse_overwriting_inputs
from ..progress import UNSEEN, Progress
from ..speech.audio import open_audio, place_of, read_blocks, reason_of
from . import classical
from .chunks import in_chunks

METHODS = {
    "classical": "periodic noise subtracted, the rest suppressed (signal processing, no model)",
    "neural": "speech made anew from restored HuBERT features (Miipher-2)",
}
DEFAULT_BUNDLE = ASSETS / "models" / "restore"
LOWEST_RATE = 4000
_CHUNK_S = 30.0
_BLOCK_S = 10.0
_LABEL = "Restored by rtmri2speech"


def restore(waveform: np.ndarray, rate: int, method: str = "classical", bundle=None) -> np.ndarray:
    """(samples,) -> (samples,) float32 at the same rate, with less noise. bundle: for method "neural" a
    RestorationBundle or a folder; None: the embedded one.

    The result is an estimate of the speech, not a recording: keep the original, and label the result. Raises InputError
    for a waveform that is empty, not mono or not finite.
    """
    waveform = np.asarray(waveform, np.float32)
    if waveform.ndim != 1 or not len(waveform):
        raise InputError(
            "A sound to restore must be mono and hold samples; this one has shape {shape}.", shape=waveform.shape
        )
    if not np.isfinite(waveform).all():
        raise InputError("The sound to restore holds samples that are not finite numbers.")
    if not waveform.any():
        return waveform.copy()
    process = _method(method, bundle)
    return np.concatenate(list(process(lambda: [waveform[:, None]], rate, 1)))[:, 0]


def restore_file(
    source: str | os.PathLike,
    output: str | os.PathLike,
    method: str = "classical",
    bundle=None,
    progress: Progress = UNSEEN,
) -> dict:
    """Restore a sound file into another of the same length, sampling rate, channels and, if the format can, bits.

    Memory does not grow with the length. The original is never overwritten; the new file's comment labels it as
    restored. Returns {duration_s, rate, channels, method, seconds, realtime_factor, clipped_from}, the last being the
    largest sample, where it was clipped.
    Raises InputError if the source is not a sound file, holds no samples or NaN, or the output cannot be written.
    """
    import soundfile

    source, output = Path(source), Path(output)
    start = time.perf_counter()
    with open_audio(source) as about:
        if not about.frames:
            raise InputError("{path} holds no samples.", path=source)
    refuse_overwriting_inputs([output], [source, bundle])
    kind = output.suffix.lower().lstrip(".").upper()
    if kind not in soundfile.available_formats():
        raise InputError("Cannot write sound as {name!r}: give a name that ends in .wav or .flac.", name=output.name)
    process = _method(method, bundle)

    def blocks() -> Iterator[np.ndarray]:
        return _blocks(source, round(_BLOCK_S * about.samplerate))

    subtype = _subtype(kind, about.subtype)
    whole = subtype not in ("FLOAT", "DOUBLE")
    silent = not any(block.any() for block in blocks())  # also checks that every block is finite before writing
    done = blocks() if silent else process(blocks, about.samplerate, about.channels)
    written, beyond = 0, 0.0
    with atomic_write(output) as temporary:
        try:
            with soundfile.SoundFile(
                place_of(temporary), "w", about.samplerate, about.channels, subtype, format=kind
            ) as file:
                file.comment = f"{_LABEL}, method {method}: an estimate of the speech, not the recording"
                for piece in done:
                    beyond = max(beyond, float(np.abs(piece).max(initial=0)))
                    file.write(np.clip(piece, -1, 1) if whole else piece)
                    written += len(piece)
                    progress("restoring", min(written, about.frames), about.frames)
        except soundfile.SoundFileError as error:
            raise OSError(reason_of(error)) from error
    seconds, duration_s = time.perf_counter() - start, written / about.samplerate
    return {
        "duration_s": duration_s,
        "rate": about.samplerate,
        "channels": about.channels,
        "method": method,
        "silent": silent,
        "clipped_from": beyond if whole and beyond > 1 else None,
        "seconds": seconds,
        "realtime_factor": seconds / duration_s,
    }


def restored_by(path: str | os.PathLike) -> str | None:
    """The label of restoration in a sound file's comment; None for a recording (or a lost comment)."""
    import soundfile

    try:
        with soundfile.SoundFile(place_of(Path(path))) as file:
            comment = file.comment
    except (soundfile.SoundFileError, OSError):
        return None
    return comment if comment.startswith(_LABEL) else None


def _method(method: str, bundle) -> Callable[[Callable[[], Iterable[np.ndarray]], int, int], Iterator[np.ndarray]]:
    """A function (start of a stream of (n, channels), rate, channels) -> restored stream."""
    if method == "classical":
        return _classical
    if method != "neural":
        raise InputError("The method is {known}, not {method!r}.", known=" or ".join(METHODS), method=method)
    from .model import RestorationBundle, load_restoration
    from .neural import restore_neural

    loaded = bundle if isinstance(bundle, RestorationBundle) else load_restoration(bundle or DEFAULT_BUNDLE)

    def process(blocks: Callable[[], Iterable[np.ndarray]], rate: int, channels: int) -> Iterator[np.ndarray]:
        _check_rate(rate)
        streams = [restore_neural(loaded.model, partial(_channel, blocks, c), rate) for c in range(channels)]
        return (np.stack(pieces, axis=1) for pieces in zip(*streams, strict=True))

    return process


def _channel(blocks: Callable[[], Iterable[np.ndarray]], number: int) -> Iterator[np.ndarray]:
    return (block[:, number] for block in blocks())


def _classical(blocks: Callable[[], Iterable[np.ndarray]], rate: int, channels: int) -> Iterator[np.ndarray]:
    _check_rate(rate)
    step = classical.grid(rate)

    def work(piece: np.ndarray) -> np.ndarray:
        with ThreadPoolExecutor(2) as pool:  # two channels at once, as each needs memory
            return np.stack(list(pool.map(lambda one: classical.restore_classical(one, rate), piece.T)), axis=1)

    chunk, context = (round(s * rate / step) * step for s in (_CHUNK_S, classical.CONTEXT_S))
    return in_chunks(blocks(), work, chunk, context)


def _check_rate(rate: int) -> None:
    if rate < LOWEST_RATE:
        raise InputError(
            "A sampling rate of {rate} Hz is too low for speech: at least {lowest_rate} Hz is needed.",
            rate=rate,
            lowest_rate=LOWEST_RATE,
        )


def _blocks(path: Path, size: int) -> Iterator[np.ndarray]:
    """Yields float32 (n, channels). Raises InputError at a block with NaN or infinity, or that cannot be decoded."""
    with open_audio(path) as file:
        for block in read_blocks(file, path, size):
            if not np.isfinite(block).all():
                raise InputError("{path} holds samples that are not finite numbers.", path=path)
            yield block


def _subtype(kind: str, source_subtype: str) -> str:
    """The source's sample format if the new file can hold it, else the best it can; never 8 bits."""
    import soundfile

    possible = soundfile.available_subtypes(kind)
    if source_subtype in possible and source_subtype in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"):
        return source_subtype
    if source_subtype in ("FLOAT", "DOUBLE", "PCM_32", "PCM_24"):
        return next(s for s in ("PCM_24", soundfile.default_subtype(kind)) if s in possible)
    return soundfile.default_subtype(kind)

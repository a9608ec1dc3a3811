"""Neural restoration of a stream of speech, in overlapping chunks."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import soxr
import torch

from .chunks import in_chunks
from .encoder import ENCODER_RATE
from .model import Restorer

CHUNK_S = 20.0
CONTEXT_S = 4.0  # the encoder's context beyond each end of a chunk
FADE_S = 0.5  # cross-fade of the features of neighbouring chunks
PAD_S = 0.5  # silence before and after the speech, without which an utterance's last sound can be lost
_VOCODER_FRAMES, _VOCODER_CONTEXT = 500, 32  # context beyond any HiFi-GAN's receptive field


def restore_neural(model: Restorer, blocks: Callable[[], Iterable[np.ndarray]], rate: int) -> Iterator[np.ndarray]:
    """A stream of (n,) float32 at `rate` -> restored chunks (n,) float32 at `rate`, with as many samples in all.

    blocks() starts the stream, which is read twice, first for its mean and variance. The level of the result is that of
    the model's training, not the recording's.
    """
    samples, mean, std = _moments(blocks())
    narrow_pad = _padding(model)
    heard = _padded(resampled(blocks(), rate, ENCODER_RATE), narrow_pad)
    if model.encoder.normalise:
        heard = ((block - np.float32(mean)) / np.float32(std) for block in heard)
    features = _features(model, heard)
    made = model.vocoder.config.hop_length
    spoken = in_chunks(features, lambda x: _speak(model, x), _VOCODER_FRAMES, _VOCODER_CONTEXT, made)
    spoken = _skipped(spoken, narrow_pad // model.encoder.hop * made)
    yield from _exactly(resampled(spoken, model.rate, rate), samples)


def resampled(blocks: Iterable[np.ndarray], rate: int, new_rate: int) -> Iterator[np.ndarray]:
    """A stream of (n,) float32 at another rate."""
    if rate == new_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, new_rate, 1, dtype="float32", quality="VHQ")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block, np.float32))
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _features(model: Restorer, heard: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Samples at 16 kHz -> features (T, C), with neighbouring chunks cross-faded."""
    hop = model.encoder.hop
    chunk, context, fade = (round(s * ENCODER_RATE / hop) for s in (CHUNK_S, CONTEXT_S, FADE_S))
    after: list[np.ndarray] = []  # the chunk before, continued over the fade

    def work(rows: np.ndarray) -> np.ndarray:
        made = _restored(model, rows)
        first = context if after else 0  # a chunk begins `context` frames early, except the first
        if after:
            span = min(fade, len(made) - first, len(after[0]))
            share = ((np.arange(span) + 0.5) / span)[:, None].astype(np.float32)
            made[first : first + span] = share * made[first : first + span] + (1 - share) * after[0][:span]
        after[:] = [made[first + chunk : first + chunk + fade].copy()]
        return made

    return in_chunks(_rows(heard, hop), work, chunk, context)


def _rows(blocks: Iterable[np.ndarray], hop: int) -> Iterator[np.ndarray]:
    """A stream of samples -> a stream of (n, hop), the last row padded with silence."""
    rest = np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // hop * hop
        if whole:
            yield rest[:whole].reshape(-1, hop)
        rest = rest[whole:]
    if len(rest):
        yield np.pad(rest, (0, hop - len(rest))).reshape(1, hop)


@torch.no_grad()
def _restored(model: Restorer, rows: np.ndarray) -> np.ndarray:
    """Samples (T, hop) -> features (T, C)."""
    device = next(model.parameters()).device
    heard = torch.from_numpy(np.ascontiguousarray(rows.reshape(1, -1), np.float32)).to(device)
    return model.encoder.restored(heard)[0].cpu().numpy()


@torch.no_grad()
def _speak(model: Restorer, features: np.ndarray) -> np.ndarray:
    device = next(model.parameters()).device
    return model.speak(torch.from_numpy(np.ascontiguousarray(features)).to(device)[None])[0].cpu().numpy()


def _moments(blocks: Iterable[np.ndarray]) -> tuple[int, float, float]:
    """Count, mean and standard deviation of a stream of samples; 1 for the deviation of silence."""
    count, total, squares = 0, 0.0, 0.0
    for block in blocks:
        count += len(block)
        total += float(block.sum(dtype=np.float64))
        squares += float(np.square(block, dtype=np.float64).sum())
    mean = total / max(count, 1)
    variance = squares / max(count, 1) - mean**2
    return count, mean, float(np.sqrt(variance)) if variance > 1e-14 else 1.0


def _padding(model: Restorer) -> int:
    """Whole frames of silence, at 16 kHz."""
    return round(PAD_S * ENCODER_RATE / model.encoder.hop) * model.encoder.hop


def _padded(blocks: Iterable[np.ndarray], samples: int) -> Iterator[np.ndarray]:
    yield np.zeros(samples, np.float32)
    yield from blocks
    yield np.zeros(samples, np.float32)


def _skipped(blocks: Iterable[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """The stream without its first `count` samples."""
    for block in blocks:
        taken = min(count, len(block))
        count -= taken
        if taken < len(block):
            yield block[taken:]


def _exactly(blocks: Iterable[np.ndarray], samples: int) -> Iterator[np.ndarray]:
    """The stream cut or padded with silence to `samples` samples."""
    for block in blocks:
        if samples and len(block):
            yield block[:samples]
            samples -= min(samples, len(block))
    if samples:
        yield np.zeros(samples, np.float32)

"""Batches of (mel, waveform) segments. A batch depends on the seed and its number alone, for exact resuming."""

import numpy as np
import torch
from torch import Tensor

from rtmri2speech.errors import InputError
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import mel_spectrogram_db

from ..preprocess.recordings import Recording


class VocoderSegments:
    """Draws segments from recordings, by duration times weight.

    extra_mels_weight: the share of draws that pair the waveform with its predicted mel, taken from the recordings
    that have one; the other draws, from all recordings, use the mel of the waveform itself.
    gain_db: (low, high); each segment is made louder or softer by a random gain, mel and waveform alike.
    """

    def __init__(
        self,
        recordings: list[Recording],
        spec: MelSpec,
        *,
        frames: int,
        batch_size: int,
        seed: int,
        extra_mels_weight: float = 0.0,
        gain_db: tuple[float, float] = (0.0, 0.0),
    ):
        predicted = [r for r in recordings if r.mel is not None]
        if not 0 <= extra_mels_weight <= 1:
            raise InputError(
                "extra_mels_weight must lie between 0 and 1, not {extra_mels_weight}.",
                extra_mels_weight=extra_mels_weight,
            )
        if extra_mels_weight and not predicted:
            raise InputError("extra_mels_weight is set, but no source has predicted mels: give one its folder `mels`.")
        self.spec, self.frames, self.batch_size, self.seed = spec, frames, batch_size, seed
        self.extra_mels_weight, self.gain_db = extra_mels_weight, gain_db
        self._true, self._predicted = (recordings, _shares(recordings)), (predicted, _shares(predicted))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Batch number `step`: mel_db (B, frames, n_mels) and waveform (B, frames * hop_length), float32."""
        random = np.random.default_rng([self.seed, step])
        mels, waveforms = zip(*(self._draw(random) for _ in range(self.batch_size)), strict=True)
        return torch.stack(mels), torch.stack(waveforms)

    def _draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        use_predicted = random.random() < self.extra_mels_weight
        recordings, shares = self._predicted if use_predicted else self._true
        recording = recordings[random.choice(len(recordings), p=shares)]
        predicted = np.load(recording.mel, mmap_mode="r") if use_predicted else None
        available = recording.samples // self.spec.hop_length
        available = available if predicted is None else min(available, len(predicted))
        first = int(random.integers(max(1, available - self.frames + 1)))
        gain_db = random.uniform(*self.gain_db)
        mel, waveform = segment(recording, first, self.frames, self.spec)
        if predicted is not None:
            chosen = torch.from_numpy(np.array(predicted[first : first + self.frames], dtype=np.float32))
            mel[: len(chosen)] = chosen
        return mel + gain_db, waveform * 10 ** (gain_db / 20)


def segment(recording: Recording, first: int, frames: int, spec: MelSpec) -> tuple[Tensor, Tensor]:
    """`frames` mel frames from number `first`, as in the mel of the whole recording, and the samples they stand for.

    Returns mel_db (frames, n_mels) and waveform (frames * hop_length,); beyond the recording's end it is silent.
    """
    hop = spec.hop_length
    # Context on both sides, so that the analysis windows see the recording's own samples and not a mirror image.
    context = -(-spec.n_fft // hop)
    start = max(0, first - context)
    samples = np.load(recording.path, mmap_mode="r")[start * hop : (first + frames + context) * hop]
    samples = np.pad(samples, (0, max(0, (first + frames - start) * hop - len(samples))))
    waveform = torch.from_numpy(np.array(samples, dtype=np.float32))
    mel = mel_spectrogram_db(waveform, spec)[first - start :][:frames]
    return mel, waveform[(first - start) * hop :][: frames * hop]


def _shares(recordings: list[Recording]) -> np.ndarray:
    """Each recording's probability: its duration times its weight."""
    mass = np.array([r.samples * r.weight for r in recordings], dtype=np.float64)
    return mass / mass.sum() if len(mass) else mass

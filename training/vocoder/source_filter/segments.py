"""Batches of (mel, F0, waveform) segments. A batch depends on the seed and its number alone, for exact resuming.

Recordings are prepared at a higher rate than the mel's and read faster or slower, so that a few speakers become many,
with their spectra filled up to the mel's top. What the vocoder is given differs from what was recorded as it will when
it is used: a mel without harmonics, blurred and wrong; F0 once a frame; another F0, or none.
"""

from dataclasses import dataclass

import numpy as np
import soxr
import torch
from torch import Tensor

from rtmri2speech.models.ddsp import f0_at_steps
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import mel_spectrogram_db, spectral_envelope

from ...preprocess.recordings import Recording
from .config import Draws
from .f0 import at_times, f0_of

F0_KINDS = ("own", "other", "whispered")
_RATE_MARGIN = 4 / 3  # rate of prepared recordings over the mel's: reading slower than 3/4 would leave the top empty
_DISTURBED_COEFFICIENTS = 8  # of the envelope: errors of a predicted mel are smooth over frequency
_DISTURBED_FRAMES = 4.0  # and over time


def prepared_rate(spec: MelSpec) -> int:
    """Sampling rate of the recordings that segments are read from."""
    return round(spec.sample_rate * _RATE_MARGIN)


@dataclass(frozen=True)
class Batch:
    """mel_db (B, T, n_mels); f0_hz (B, T * steps), 0 where unvoiced; waveform (B, T * hop_length); own_hz
    (B, T * steps): that of the waveform. kind (B,): of F0_KINDS, what f0_hz is of it."""

    mel_db: Tensor
    f0_hz: Tensor
    waveform: Tensor
    own_hz: Tensor
    kind: Tensor

    def of(self, kind: str) -> Tensor:
        """(B,) bool: the segments of this kind."""
        return self.kind == F0_KINDS.index(kind)


class SourceFilterSegments:
    """Draws segments from recordings, by duration times weight."""

    def __init__(
        self, recordings: list[Recording], draws: Draws, spec: MelSpec, steps: int, *, frames: int, envelope: int
    ):
        self.recordings, self.draws, self.spec, self.steps = recordings, draws, spec, steps
        self.frames, self.envelope = frames, envelope
        mass = np.array([r.samples * r.weight for r in recordings], np.float64)
        self.shares = mass / mass.sum()
        self.f0_hz = [f0_of(r.path, prepared_rate(spec)) for r in recordings]

    def batch(self, seed: int, step: int, size: int) -> Batch:
        random = np.random.default_rng([seed, step])
        mels, f0, waveforms, own, kinds = zip(*(self._draw(random) for _ in range(size)), strict=True)
        stack = lambda rows: torch.from_numpy(np.stack(rows).astype(np.float32))  # noqa: E731
        return Batch(stack(mels), stack(f0), stack(waveforms), stack(own), torch.tensor(kinds))

    def _draw(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
        draws = self.draws
        index = int(random.choice(len(self.recordings), p=self.shares))
        rate = self._rate(random, self.f0_hz[index])
        waveform, own_hz, mel_db = self._read(index, rate, random)
        f0_hz = own_hz
        kind, given = random.random(2)
        other = draws.whispered <= given < draws.whispered + draws.other_f0
        if other or kind < draws.envelope + draws.disturbed:
            mel_db = spectral_envelope(mel_db, self.envelope)
            if kind >= draws.envelope:
                mel_db = self._disturbed(mel_db, random)
            level = random.uniform(-10, 10)  # the floor is absolute, recordings are normalised
            mel_db = np.maximum(mel_db, draws.floor_db + level)
        if given < draws.whispered:
            f0_hz = np.zeros_like(f0_hz)
        elif other:
            f0_hz = self._other(f0_hz, random)
        elif given < draws.whispered + draws.other_f0 + draws.by_frame:
            f0_hz = self._by_frame(f0_hz)
        asked = "whispered" if given < draws.whispered else "other" if other else "own"
        return mel_db, f0_hz, waveform, own_hz, F0_KINDS.index(asked)

    def _rate(self, random: np.random.Generator, f0_hz: np.ndarray) -> float:
        """A factor of speed, with the median F0 kept in draws.f0_hz."""
        low, high = self.draws.rates
        if f0_hz.any():
            median = np.median(f0_hz[f0_hz > 0])
            low, high = (np.clip(x, low, high) for x in (self.draws.f0_hz[0] / median, self.draws.f0_hz[1] / median))
            low, high = max(low, self.draws.rates[0]), max(low, high)
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    def _read(self, index: int, rate: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Waveform (frames * hop_length,), F0 (frames * steps,) and mel of a piece of a recording, read at a rate."""
        spec, recording = self.spec, self.recordings[index]
        hop, context = spec.hop_length, -(-spec.n_fft // spec.hop_length)
        read_rate = prepared_rate(spec) * rate
        ratio = read_rate / spec.sample_rate  # samples of the recording for one of the waveform
        wanted = int(np.ceil((self.frames + 2 * context) * hop * ratio)) + 8
        first = int(random.integers(max(1, recording.samples - wanted + 1)))
        samples = np.array(np.load(recording.path, mmap_mode="r")[first : first + wanted], np.float32)
        samples = np.pad(samples, (0, wanted - len(samples)))
        heard = soxr.resample(samples, read_rate, spec.sample_rate)[: (self.frames + 2 * context) * hop]
        mel_db = mel_spectrogram_db(torch.from_numpy(heard), spec).numpy()[context : context + self.frames]
        step = hop / self.steps
        place = context * hop + (np.arange(self.frames * self.steps) + 0.5) * step
        f0_hz = rate * at_times(self.f0_hz[index], (first + place * ratio) / prepared_rate(spec))
        return heard[context * hop : (context + self.frames) * hop], f0_hz, mel_db

    def _disturbed(self, mel_db: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """The mel with errors that are smooth over time and frequency, and blurred over time."""
        from scipy.fft import idct
        from scipy.ndimage import gaussian_filter1d

        blurred = gaussian_filter1d(mel_db, random.uniform(0, 1.0), axis=0)
        cepstra = np.zeros_like(mel_db)
        drawn = random.standard_normal((len(mel_db), _DISTURBED_COEFFICIENTS))
        smooth = gaussian_filter1d(drawn, random.uniform(0.5, _DISTURBED_FRAMES), axis=0)
        cepstra[:, :_DISTURBED_COEFFICIENTS] = smooth / max(1e-6, smooth.std())
        error = idct(cepstra, norm="ortho", axis=1)
        return blurred + random.uniform(0, self.draws.error_db) * error / max(1e-6, error.std())

    def _by_frame(self, f0_hz: np.ndarray) -> np.ndarray:
        """F0 as the vocoder makes it of one value a frame."""
        return f0_at_steps(f0_hz[self.steps // 2 :: self.steps], self.frames, self.steps)

    def _other(self, f0_hz: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """A falling F0 of another height where the recording is voiced, once a frame."""
        low, high = np.log2(self.draws.f0_hz)
        fall = np.linspace(0.5, -0.5, len(f0_hz)) * random.uniform(0, 0.4)
        return np.where(self._by_frame(f0_hz) > 0, np.exp2(random.uniform(low, high) + fall), 0.0)

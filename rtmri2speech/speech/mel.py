"""Waveform -> dB mel spectrogram, and the scaler that standardises it. Needs only numpy and torch.

The filterbank is Slaney's (M. Slaney, Auditory Toolbox, 1998: linear below 1 kHz, logarithmic above, filters of unit
area), tested against librosa's. librosa's own would cost each command 1.4 s of CPU time and 126 MB, as it imports numba
and scipy.signal.
"""

import itertools
import json
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..errors import InputError
from ..files import atomic_write, write_json
from ..spec import Band, MelSpec

POWER_FLOOR = 1e-10
SPEECH_RANGE_DB = 40.0  # below the loudest frame; softer frames are silent
SHORTEST_PAUSE_S = 0.1  # longer than a stop's closure in the mel, whose window of 0.18 s fills both ends of a pause
_FRAMES_AT_ONCE = 1024  # bounds the memory of a long sound: a frame's spectrum takes eight times its samples
_LINEAR_HZ_PER_MEL = 200.0 / 3
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz):
    hz = np.asarray(hz, dtype=np.float64)
    log_part = _BREAK_HZ / _LINEAR_HZ_PER_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ_PER_MEL, log_part)


def _mel_to_hz(mel):
    mel = np.asarray(mel, dtype=np.float64)
    break_mel = _BREAK_HZ / _LINEAR_HZ_PER_MEL
    return np.where(
        mel < break_mel,
        mel * _LINEAR_HZ_PER_MEL,
        _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, break_mel) - break_mel)),
    )


def _edges_hz(spec: MelSpec) -> np.ndarray:
    """(n_mels + 2,) corner frequencies of the triangular filters, Hz."""
    low, high = _hz_to_mel(spec.fmin_hz), _hz_to_mel(spec.top_hz)
    return _mel_to_hz(np.linspace(low, high, spec.n_mels + 2))


def centre_frequencies_hz(spec: MelSpec) -> np.ndarray:
    """(n_mels,) peak frequency of each mel filter, Hz."""
    return _edges_hz(spec)[1:-1]


@lru_cache(maxsize=8)
def filterbank(spec: MelSpec) -> np.ndarray:
    """(n_mels, n_fft // 2 + 1) weights on the power spectrum, float64."""
    edges = _edges_hz(spec)
    bins_hz = np.arange(spec.n_fft // 2 + 1) * spec.sample_rate / spec.n_fft
    rising = (bins_hz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins_hz) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]


def band_bins(spec: MelSpec, band: Band) -> np.ndarray:
    """Indices of the mel bins whose centre frequency lies in the band, both limits included.

    All bins for a whole spectrum. Raises InputError when the band reaches beyond the mel's range or holds no bin.
    """
    if band.whole:
        return np.arange(spec.n_mels)
    if band.low_hz < spec.fmin_hz or band.high_hz > spec.top_hz:
        raise InputError(
            "{band} reaches beyond the mel's range ({fmin_hz:g}-{top_hz:g} Hz).",
            band=band.label,
            fmin_hz=spec.fmin_hz,
            top_hz=spec.top_hz,
        )
    centres = centre_frequencies_hz(spec)
    bins = np.flatnonzero((centres >= band.low_hz) & (centres <= band.high_hz))
    if not len(bins):
        nearest = centres[np.abs(centres - (band.low_hz + band.high_hz) / 2).argmin()]
        raise InputError(
            "{band} holds no mel bin of this bundle: widen it (the nearest bin is at {hz:.0f} Hz).",
            band=band.label,
            hz=nearest,
        )
    return bins


def within(spec: MelSpec, band: Band) -> Band:
    """The band; one of the whole spectrum gets the mel's limits."""
    return band if not band.whole else replace(band, low_hz=spec.fmin_hz, high_hz=spec.top_hz)


def mel_spectrogram_db(waveform: torch.Tensor, spec: MelSpec) -> torch.Tensor:
    """Power mel spectrogram in dB (10 log10, floor -100 dB, no top_db cut-off).

    waveform: (samples,) or (batch, samples) at spec.sample_rate, float.
    Returns (T, n_mels) or (batch, T, n_mels), T = samples // hop_length for layout "centred" and
    1 + (samples - n_fft) // hop_length for layout "thesis". Differentiable.
    Raises InputError if the waveform is shorter than the layout needs.
    """
    x = waveform if waveform.dim() == 2 else waveform[None]
    padding = (spec.n_fft - spec.hop_length) // 2 if spec.layout == "centred" else 0
    shortest = padding + 1 if spec.layout == "centred" else spec.n_fft
    if x.shape[-1] < max(shortest, spec.hop_length):
        raise InputError(
            "The audio has {samples} samples ({seconds:.3f} s); a mel spectrogram needs at least {least}.",
            samples=x.shape[-1],
            seconds=x.shape[-1] / spec.sample_rate,
            least=max(shortest, spec.hop_length),
        )
    x = torch.cat([x[:, :1], x[:, 1:] - spec.preemphasis * x[:, :-1]], dim=1)
    if padding:
        x = torch.nn.functional.pad(x[:, None], (padding, padding), mode="reflect")[:, 0]
    window = torch.hann_window(spec.win_length, periodic=True, dtype=x.dtype, device=x.device)
    weights = torch.from_numpy(filterbank(spec)).to(x)
    count, parts = 1 + (x.shape[-1] - spec.n_fft) // spec.hop_length, []
    for first in range(0, count, _FRAMES_AT_ONCE):
        last = min(first + _FRAMES_AT_ONCE, count) - 1
        heard = x[:, first * spec.hop_length : last * spec.hop_length + spec.n_fft]
        stft = torch.stft(
            heard, spec.n_fft, spec.hop_length, spec.win_length, window, center=False, return_complex=True
        )
        parts.append(weights @ (stft.real**2 + stft.imag**2))
    db = 10 * torch.log10(torch.cat(parts, dim=-1).clamp_min(POWER_FLOOR)).transpose(1, 2)
    return db if waveform.dim() == 2 else db[0]


def spectral_envelope(mel_db: np.ndarray, coefficients: int) -> np.ndarray:
    """Spectral envelope of (T, n_mels) dB, by its first cepstral coefficients (orthonormal DCT-II): float32.

    16 of 64 coefficients keep the formants and drop the harmonics of F0.
    """
    from scipy.fft import dct, idct

    cepstrum = dct(np.asarray(mel_db, np.float64), norm="ortho", axis=1)
    cepstrum[:, coefficients:] = 0
    return idct(cepstrum, norm="ortho", axis=1).astype(np.float32)


def write_mel(path: str | os.PathLike, mel_db: np.ndarray) -> None:
    """Write a mel (T, n_mels) as .npy."""
    if Path(path).suffix != ".npy":
        raise InputError("Cannot write {path}: give a name that ends in .npy.", path=path)
    with atomic_write(path) as temporary:
        np.save(temporary, mel_db)


def speech_frames(mel_db: np.ndarray, range_db: float) -> np.ndarray:
    """Indices of the frames of (T, n_mels) whose mean level is within `range_db` of the loudest frame's."""
    level = mel_db.mean(axis=1)
    return np.flatnonzero(level > level.max() - range_db)


def silent_frames(mel_db: np.ndarray, fps: float, faint_db: float = -np.inf) -> np.ndarray:
    """Silent frames of a mel (T, n_mels): (T,) bool.

    They are pauses outside `speech_frames` by SPEECH_RANGE_DB, of SHORTEST_PAUSE_S or more, or of any length at the
    clip's ends. Shorter ones, such as weak consonants and stop closures, count as speech. faint_db: a clip whose
    loudest frame has a lower mean level is silent throughout.
    """
    silent = np.ones(len(mel_db), bool)
    if mel_db.mean(axis=1).max() < faint_db:
        return silent
    silent[speech_frames(mel_db, SPEECH_RANGE_DB)] = False
    edges = np.flatnonzero(np.diff(silent)) + 1
    for start, end in itertools.pairwise(edges):  # between two changes, so not at the clip's ends
        if silent[start] and end - start < SHORTEST_PAUSE_S * fps:
            silent[start:end] = False
    return silent


@dataclass(frozen=True)
class Scaler:
    """Per-bin mean and standard deviation of the training mels, dB; each (n_mels,) float32.

    count_frames: number of training frames, where known.
    """

    mean: np.ndarray
    std: np.ndarray
    count_frames: int | None = None

    def __post_init__(self):
        for name in ("mean", "std"):
            try:
                value = np.asarray(getattr(self, name), dtype=np.float32)
            except (TypeError, ValueError):
                raise InputError("The scaler's {name} is not a list of numbers.", name=name) from None
            object.__setattr__(self, name, value)
        if self.mean.ndim != 1 or self.mean.shape != self.std.shape:
            raise InputError("The scaler's mean and std must be lists of numbers of the same length.")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std).all() and (self.std > 0).all()):
            raise InputError("The scaler holds a value that is not finite, or a deviation that is not positive.")

    @classmethod
    def fit(cls, mels: list[np.ndarray]) -> "Scaler":
        """The scaler of a list of (T, n_mels) dB mels. A constant bin gets standard deviation 1."""
        frames = np.concatenate(mels).astype(np.float64)
        std = frames.std(axis=0)
        return cls(frames.mean(axis=0), np.where(std < 1e-6, 1.0, std), len(frames))

    @classmethod
    def read(cls, path: str | os.PathLike, n_mels: int) -> "Scaler":
        """Read scaler.json: {"mean": [...], "std": [...], "count_frames": N}, the last being optional.

        Raises InputError if it is not one of n_mels bins.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise InputError("Cannot read the scaler {path}: {reason}.", path=path, reason=error.strerror) from None
        except ValueError:
            raise InputError("The scaler {path} is not a JSON file.", path=path) from None
        if not isinstance(data, dict) or not {"mean", "std"} <= set(data):
            raise InputError('The scaler {path} must hold the lists "mean" and "std".', path=path)
        count = data.get("count_frames")
        scaler = cls(data["mean"], data["std"], count if isinstance(count, int) else None)
        if len(scaler.mean) != n_mels:
            raise InputError(
                "The scaler {path} is for {bins} mel bins, the model has {wanted}.",
                path=path,
                bins=len(scaler.mean),
                wanted=n_mels,
            )
        return scaler

    def write(self, path: str | os.PathLike) -> None:
        """Write scaler.json."""
        count = {} if self.count_frames is None else {"count_frames": self.count_frames}
        write_json(path, {"mean": self.mean.tolist(), "std": self.std.tolist(), **count})

    @property
    def faint_db(self) -> float:
        """Mean level, dB, that the loudest frame of any speech exceeds: one deviation below the training mean."""
        return float((self.mean - self.std).mean())

    def standardise(self, mel_db):
        """(..., n_mels) dB -> mean 0, std 1. numpy or torch."""
        mean, std = self._like(mel_db)
        return (mel_db - mean) / std

    def to_db(self, standardised):
        """(..., n_mels) standardised -> dB. numpy or torch."""
        mean, std = self._like(standardised)
        return standardised * std + mean

    def _like(self, x):
        if isinstance(x, torch.Tensor):
            return torch.from_numpy(self.mean).to(x), torch.from_numpy(self.std).to(x)
        return self.mean, self.std

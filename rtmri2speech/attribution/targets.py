"""Targets: the numbers of the mel that a map explains. Each is a pure, differentiable function of the dB mel.

energy = band_energy(bins)             # bins: mel.band_bins(spec, band)
energy(mel_db)                         # (T, n_mels) -> (T,) dB
band_frequency(bins, hz)(mel_db)       # (T,) Hz: spectral centroid within the band
box_energy(bins, 40, 47)(mel_db)       # () dB: energy of a time-frequency region, frames 40 to 46
contrast(bins, (40, 42), (60, 62))(mel_db)  # () dB: spectral distance of an interval from a reference interval
tracked_energy(bins, hz)(mel_db)       # (T,) dB: bins (T, n_mels) differ by frame, as around a formant
loudness(mel_db), tilt(hz)(mel_db)     # (T,) dB; (T,) dB per octave
target_of(spec, band, "db")(mel_db)    # (T,) in unit_of(band, "db"): target of a band without an interval
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..spec import Band, MelSpec
from ..speech.mel import band_bins, centre_frequencies_hz

Target = Callable[[Tensor], Tensor]  # dB mel (..., T, n_mels) -> (..., T)
TWO_SIDED = ("Hz", "dB per octave")  # units of targets whose maps are shown with both signs: what raises and lowers
_LN10_OVER_10 = float(np.log(10) / 10)


def band_energy(bins: np.ndarray, energy: str = "db") -> Target:
    """Energy of mel bins in each frame. "power": the sum of 10^(dB/10) over the bins. "db": 10 log10 of that sum."""
    if energy not in ("db", "power"):
        raise InputError("The energy of a band is taken as {known}, not {given!r}.", known="db or power", given=energy)

    def value(mel_db: Tensor) -> Tensor:
        nepers = mel_db[..., torch.from_numpy(bins).to(mel_db.device)] * _LN10_OVER_10
        return nepers.exp().sum(dim=-1) if energy == "power" else nepers.logsumexp(dim=-1) / _LN10_OVER_10

    return value


def band_frequency(bins: np.ndarray, mel_hz: np.ndarray) -> Target:
    """Spectral centroid of mel bins in each frame, Hz: the power-weighted mean of their centres, mel_hz (n_mels,)."""

    def value(mel_db: Tensor) -> Tensor:
        shares = (mel_db[..., torch.from_numpy(bins).to(mel_db.device)] * _LN10_OVER_10).softmax(dim=-1)
        return shares @ torch.as_tensor(mel_hz[bins], dtype=shares.dtype, device=shares.device)

    return value


def box_energy(bins: np.ndarray, first: int, stop: int) -> Target:
    """Energy of a time-frequency region, one number in dB: power summed over the bins and frames [first, stop)."""

    def value(mel_db: Tensor) -> Tensor:
        return band_energy(bins)(mel_db[..., first:stop, :]).mul(_LN10_OVER_10).logsumexp(dim=-1) / _LN10_OVER_10

    return value


def contrast(bins: np.ndarray, a: tuple[int, int], b: tuple[int, int]) -> Target:
    """Contrastive target: Euclidean distance of the mean dB spectra of two intervals, (first, stop) each; one number.

    The difference is projected on its own direction, held fixed, so that its gradient is that of the distance. It is
    symmetric in a and b.
    """

    def value(mel_db: Tensor) -> Tensor:
        chosen = mel_db[..., torch.from_numpy(bins).to(mel_db.device)]
        difference = chosen[..., slice(*a), :].mean(dim=-2) - chosen[..., slice(*b), :].mean(dim=-2)
        fixed = difference.detach()
        return (difference * fixed).sum(dim=-1) / fixed.norm(dim=-1).clamp_min(1e-9)

    return value


def tracked_energy(bins: np.ndarray, mel_hz: np.ndarray, energy: str = "db") -> Target:
    """Energy, or with "hz" the spectral centroid, of bins (T, n_mels) bool that differ by frame; 0 without any bin."""
    known = torch.from_numpy(bins.any(axis=1))
    chosen = torch.from_numpy(bins | ~bins.any(axis=1, keepdims=True))  # with no bin at all, the gradient would be NaN

    def value(mel_db: Tensor) -> Tensor:
        nepers = (mel_db * _LN10_OVER_10).masked_fill(~chosen.to(mel_db.device), -torch.inf)
        if energy == "hz":
            found = nepers.softmax(dim=-1) @ torch.as_tensor(mel_hz, dtype=mel_db.dtype, device=mel_db.device)
        else:
            found = nepers.exp().sum(dim=-1) if energy == "power" else nepers.logsumexp(dim=-1) / _LN10_OVER_10
        return torch.where(known.to(mel_db.device), found, 0)

    return value


def loudness(mel_db: Tensor) -> Tensor:
    """Level of each frame: energy of all bins, dB, with the mel's pre-emphasis. It is not loudness in sones."""
    return (mel_db * _LN10_OVER_10).logsumexp(dim=-1) / _LN10_OVER_10


def tilt(mel_hz: np.ndarray) -> Target:
    """Spectral tilt of each frame, dB per octave: least-squares slope over log frequency, with the mel's pre-emphasis.

    A less negative tilt sounds brighter. As Praat's "Ltas: Report spectral trend" by least squares on a logarithmic
    scale (P. Boersma and D. Weenink, praat.org), which is per decade.
    """
    octaves = np.log2(mel_hz) - np.log2(mel_hz).mean()
    weights = octaves / (octaves**2).sum()

    def value(mel_db: Tensor) -> Tensor:
        return mel_db @ torch.as_tensor(weights, dtype=mel_db.dtype, device=mel_db.device)

    return value


def target_of(spec: MelSpec, band: Band, energy: str = "db") -> Target:
    """Target of a band without an interval. energy: "db", "power" or "hz"; level and tilt ignore it.

    Raises InputError for a band outside the mel.
    """
    bins, hz = band_bins(spec, band), centre_frequencies_hz(spec)
    if band.whole:
        return loudness if band.of == "loudness" else tilt(hz)
    return band_frequency(bins, hz) if energy == "hz" else band_energy(bins, energy)


def unit_of(band: Band, energy: str) -> str:
    """Unit of a band's target."""
    if band.stretch is not None or band.of == "loudness":
        return "dB"
    return "dB per octave" if band.of == "tilt" else {"db": "dB", "power": "power", "hz": "Hz"}[energy]

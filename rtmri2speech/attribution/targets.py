"""What a map explains: a number of the mel. Each target is a pure, differentiable function of the dB mel.

energy = band_energy(bins)             # bins: mel.band_bins(spec, band)
energy(mel_db)                         # (T, n_mels) -> (T,) dB
band_frequency(bins, hz)(mel_db)       # (T,) Hz: where the band's energy lies; what pushes a formant up or down
box_energy(bins, 40, 47)(mel_db)       # () dB: of just these frames and bins, frames 40 to 46
contrast(bins, (40, 42), (60, 62))(mel_db)  # () dB: how far the sound at the first frames is from that at the second
along(bins, hz)(mel_db)                # (T,) dB: of other bins in each frame, bins (T, n_mels), as around a formant
loudness(mel_db), tilt(hz)(mel_db)     # (T,) dB; (T,) dB per octave
target_of(spec, band, "db")(mel_db)    # (T,): what a band that is no box asks about, in unit_of(band, "db")
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..spec import Band, MelSpec
from ..speech.mel import band_bins, centre_frequencies_hz

Target = Callable[[Tensor], Tensor]  # dB mel (..., T, n_mels) -> (..., T)
TWO_SIDED = ("Hz", "dB per octave")  # units of what is no amount: its maps tell what raises it, and what lowers it
_LN10_OVER_10 = float(np.log(10) / 10)


def band_energy(bins: np.ndarray, energy: str = "db") -> Target:
    """Energy of some mel bins in each frame. "power": the sum of 10^(dB/10) over them. "db": 10 log10 of that sum."""
    if energy not in ("db", "power"):
        raise InputError("The energy of a band is taken as {known}, not {given!r}.", known="db or power", given=energy)

    def value(mel_db: Tensor) -> Tensor:
        nepers = mel_db[..., torch.from_numpy(bins).to(mel_db.device)] * _LN10_OVER_10
        return nepers.exp().sum(dim=-1) if energy == "power" else nepers.logsumexp(dim=-1) / _LN10_OVER_10

    return value


def band_frequency(bins: np.ndarray, mel_hz: np.ndarray) -> Target:
    """Centre of gravity of some mel bins in each frame, Hz: their centres mel_hz (n_mels,), weighed by power."""

    def value(mel_db: Tensor) -> Tensor:
        shares = (mel_db[..., torch.from_numpy(bins).to(mel_db.device)] * _LN10_OVER_10).softmax(dim=-1)
        return shares @ torch.as_tensor(mel_hz[bins], dtype=shares.dtype, device=shares.device)

    return value


def box_energy(bins: np.ndarray, first: int, stop: int) -> Target:
    """Energy of some bins in the frames from `first` to before `stop`, dB: one number, of power summed over both."""

    def value(mel_db: Tensor) -> Tensor:
        return band_energy(bins)(mel_db[..., first:stop, :]).mul(_LN10_OVER_10).logsumexp(dim=-1) / _LN10_OVER_10

    return value


def contrast(bins: np.ndarray, a: tuple[int, int], b: tuple[int, int]) -> Target:
    """What sets the mean sound of the frames a = (first, stop) apart from that of the frames b: one number, dB.

    The difference of the two mean spectra along itself, held fixed: its length, and what makes it longer, whichever of
    the two has more there. Asked the other way round it is the same.
    """

    def value(mel_db: Tensor) -> Tensor:
        chosen = mel_db[..., torch.from_numpy(bins).to(mel_db.device)]
        difference = chosen[..., slice(*a), :].mean(dim=-2) - chosen[..., slice(*b), :].mean(dim=-2)
        fixed = difference.detach()
        return (difference * fixed).sum(dim=-1) / fixed.norm(dim=-1).clamp_min(1e-9)

    return value


def tracked_energy(bins: np.ndarray, mel_hz: np.ndarray, energy: str = "db") -> Target:
    """Energy, or frequency with energy "hz", of other mel bins in each frame: bins (T, n_mels) bool. 0 without any."""
    known = torch.from_numpy(bins.any(axis=1))
    chosen = torch.from_numpy(bins | ~bins.any(axis=1, keepdims=True))  # of no bin at all, the slope would be NaN

    def value(mel_db: Tensor) -> Tensor:
        nepers = (mel_db * _LN10_OVER_10).masked_fill(~chosen.to(mel_db.device), -torch.inf)
        if energy == "hz":
            found = nepers.softmax(dim=-1) @ torch.as_tensor(mel_hz, dtype=mel_db.dtype, device=mel_db.device)
        else:
            found = nepers.exp().sum(dim=-1) if energy == "power" else nepers.logsumexp(dim=-1) / _LN10_OVER_10
        return torch.where(known.to(mel_db.device), found, 0)

    return value


def loudness(mel_db: Tensor) -> Tensor:
    """Energy of all bins in each frame, dB. A level of the sound, pre-emphasised as the mel is, and not in sones."""
    return (mel_db * _LN10_OVER_10).logsumexp(dim=-1) / _LN10_OVER_10


def tilt(mel_hz: np.ndarray) -> Target:
    """Slope of each frame's spectrum over the logarithm of frequency: dB per octave, by least squares over the bins.

    Less falling is brighter. As Praat's "Ltas: Report spectral trend" by least squares on a logarithmic scale (P.
    Boersma and D. Weenink, praat.org), there per decade; of the mel's bins, so with its pre-emphasis.
    """
    octaves = np.log2(mel_hz) - np.log2(mel_hz).mean()
    weights = octaves / (octaves**2).sum()

    def value(mel_db: Tensor) -> Tensor:
        return mel_db @ torch.as_tensor(weights, dtype=mel_db.dtype, device=mel_db.device)

    return value


def target_of(spec: MelSpec, band: Band, energy: str = "db") -> Target:
    """What is asked of a band that is no box. energy: "db", "power" or "hz"; loudness and tilt are what they are in
    each.

    Raises InputError for a band outside the mel.
    """
    bins, hz = band_bins(spec, band), centre_frequencies_hz(spec)
    if band.whole:
        return loudness if band.of == "loudness" else tilt(hz)
    return band_frequency(bins, hz) if energy == "hz" else band_energy(bins, energy)


def unit_of(band: Band, energy: str) -> str:
    """The unit of that."""
    if band.stretch is not None or band.of == "loudness":
        return "dB"
    return "dB per octave" if band.of == "tilt" else {"db": "dB", "power": "power", "hz": "Hz"}[energy]

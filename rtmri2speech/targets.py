"""What a map explains: a number of the mel. Each target is a pure, differentiable function of the dB mel.

energy = band_energy(bins)      # bins: mel.band_bins(spec, band)
energy(mel_db)                  # (T, n_mels) -> (T,) dB
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from .errors import InputError

Target = Callable[[Tensor], Tensor]  # dB mel (..., T, n_mels) -> (..., T)
ENERGIES = ("db", "power")
_LN10_OVER_10 = float(np.log(10) / 10)


def band_energy(bins: np.ndarray, energy: str = "db") -> Target:
    """Energy of some mel bins in each frame. "power": the sum of 10^(dB/10) over them. "db": 10 log10 of that sum."""
    if energy not in ENERGIES:
        raise InputError(
            "The energy of a band is taken as {known}, not {given!r}.", known=" or ".join(ENERGIES), given=energy
        )

    def value(mel_db: Tensor) -> Tensor:
        nepers = mel_db[..., torch.from_numpy(bins).to(mel_db.device)] * _LN10_OVER_10
        return nepers.exp().sum(dim=-1) if energy == "power" else nepers.logsumexp(dim=-1) / _LN10_OVER_10

    return value

"""Losses of the source-filter vocoder that do not compare harmonics: on waveforms (B, L), for any F0 or none."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import filterbank

_BANDS = 24
_BAND_WINDOWS = (256, 512, 1024)
_RANGE = 1e-6  # of power, below a segment's mean: fainter is as good as silent
_WINDOW_S = 0.0256  # ESTOI's own, of 256 samples at 10 kHz
_SEGMENT = 30  # frames, 384 ms
_MASKED_DB = 30.0
_LOWEST_HZ, _THIRDS = 150.0, 15


def band_loss(real: Tensor, fake: Tensor, sample_rate: int) -> Tensor:
    """Mean absolute difference, in nepers, of the power in mel bands wider than two harmonics' distance."""
    total = torch.zeros((), device=real.device)
    floor = _RANGE * real.square().mean(dim=1)[:, None, None] + 1e-9
    for size in _BAND_WINDOWS:
        weights = _mel_bands(sample_rate, size).to(real)
        there, made = (weights @ _power(x, size, size // 4) / size for x in (real, fake))
        total = total + l1_loss((made + floor).log(), (there + floor).log()) / 2
    return total / len(_BAND_WINDOWS)


def intelligibility_loss(real: Tensor, fake: Tensor, sample_rate: int) -> Tensor:
    """1 - ESTOI, without its removal of silent frames: J. Jensen and C. H. Taal, IEEE/ACM TASLP 24 (2016)."""
    size = round(_WINDOW_S * sample_rate)
    weights = _third_octaves(sample_rate, size).to(real)
    correlated = []
    for x in (real, fake):
        bands = ((weights @ _power(x, size, size // 2)) + 1e-8).sqrt()  # (B, 15, T)
        segments = bands.unfold(2, _SEGMENT, _SEGMENT // 3).transpose(1, 2)  # (B, n, 15, 30)
        correlated.append(_normalised(_normalised(segments, 3), 2))
    return 1 - (correlated[0] * correlated[1]).sum(dim=2).mean()


def constancy_loss(gains_db: Tensor, wanted_db: Tensor, voiced: Tensor) -> Tensor:
    """Mean absolute difference of both sources' filters (B, N, 2, n_mels), 10 dB being 1, where voiced (B, N).

    What lies _MASKED_DB below the louder source in its band is not heard and counts as if it lay just there.
    """
    floor = wanted_db.amax(dim=2, keepdim=True) - _MASKED_DB
    apart = (gains_db.maximum(floor) - wanted_db.maximum(floor)).abs().mean(dim=(2, 3)) / 10
    return (apart * voiced).sum() / voiced.sum().clamp_min(1)


def _normalised(x: Tensor, dim: int) -> Tensor:
    x = x - x.mean(dim=dim, keepdim=True)
    return x / (x.square().sum(dim=dim, keepdim=True) + 1e-8).sqrt()


def _power(x: Tensor, size: int, hop: int) -> Tensor:
    stft = torch.stft(x, size, hop, size, torch.hann_window(size, device=x.device), return_complex=True)
    return stft.real.square() + stft.imag.square()


@lru_cache(maxsize=8)
def _mel_bands(sample_rate: int, size: int) -> Tensor:
    spec = MelSpec(sample_rate=sample_rate, n_fft=size, win_length=size, hop_length=size // 4, n_mels=_BANDS)
    weights = torch.from_numpy(filterbank(spec)).float()
    return weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-9)


@lru_cache(maxsize=8)
def _third_octaves(sample_rate: int, size: int) -> Tensor:
    hz = torch.arange(size // 2 + 1) * sample_rate / size
    centres = _LOWEST_HZ * 2 ** (torch.arange(_THIRDS) / 3)
    lower, upper = ((hz - centres[:, None] * 2 ** (side / 6)).abs().argmin(dim=1) for side in (-1, 1))
    bins = torch.arange(len(hz))
    return ((bins >= lower[:, None]) & (bins < upper[:, None])).float()

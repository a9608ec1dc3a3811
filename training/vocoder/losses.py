"""Losses of vocoder training: pure functions on waveforms (B, L) and on the discriminators' outputs."""

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from rtmri2speech.models.hifigan import VOCODER_INPUTS, vocoder_input
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import mel_spectrogram_db

from .discriminators import Output

# Noise of about -80 dB re full scale. Whether a pause is digital silence or fainter than that is no matter.
_MAGNITUDE_FLOOR = 1e-3


def discriminator_loss(real: list[Output], fake: list[Output]) -> Tensor:
    """Least squares GAN (Mao et al. 2017): real scores towards 1, generated ones towards 0; of all discriminators."""
    return sum((1 - r).square().mean() + f.square().mean() for (r, _), (f, _) in zip(real, fake, strict=True))


def adversarial_loss(fake: list[Output]) -> Tensor:
    """Least squares GAN, the generator's side: generated scores towards 1, summed over discriminators."""
    return sum((1 - score).square().mean() for score, _ in fake)


def feature_matching_loss(real: list[Output], fake: list[Output]) -> Tensor:
    """Mean absolute difference of each feature map, summed over maps and discriminators."""
    return sum(
        l1_loss(f, r.detach())
        for (_, real_maps), (_, fake_maps) in zip(real, fake, strict=True)
        for r, f in zip(real_maps, fake_maps, strict=True)
    )


def mel_loss(real: Tensor, fake: Tensor, spec: MelSpec, kind: str) -> Tensor:
    """Mean absolute difference of the mels in the reference implementation's unit, ln of the magnitude mel.

    Floored where the generator's input of this kind is: it cannot make what it is not shown.
    """
    to_ln_magnitude = VOCODER_INPUTS[kind] / VOCODER_INPUTS["ln_magnitude"]
    return to_ln_magnitude * l1_loss(*(vocoder_input(mel_spectrogram_db(x, spec), kind) for x in (fake, real)))


def stft_loss(real: Tensor, fake: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Multi-resolution STFT loss: spectral convergence plus L1 of the log magnitude, mean over window sizes.

    sizes: window lengths in samples; the hop is a quarter of each. R. Yamamoto, E. Song and J.-M. Kim, "Parallel
    WaveGAN", ICASSP 2020.
    """
    total = torch.zeros((), device=real.device)
    for size in sizes:
        real_magnitude, fake_magnitude = _magnitude(real, size), _magnitude(fake, size)
        difference = real_magnitude - fake_magnitude
        convergence = difference.norm(dim=(1, 2)) / real_magnitude.norm(dim=(1, 2)).clamp_min(_MAGNITUDE_FLOOR)
        total = total + convergence.mean() + l1_loss(fake_magnitude.log(), real_magnitude.log())
    return total / len(sizes)


def _magnitude(x: Tensor, size: int) -> Tensor:
    """(B, L) -> (B, bins, frames), floored so that its logarithm and its gradient stay finite."""
    window = torch.hann_window(size, device=x.device, dtype=x.dtype)
    stft = torch.stft(x, size, size // 4, size, window, return_complex=True)
    return (stft.real.square() + stft.imag.square()).clamp_min(_MAGNITUDE_FLOOR**2).sqrt()

"""HiFi-GAN's discriminators (Kong, Kim and Bae, NeurIPS 2020), of any width.

Module names follow the reference implementation (jik876/hifi-gan), so that its do_######## checkpoints fit at width 1.
Each returns a score map and its feature maps; `width` scales all channel counts.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from rtmri2speech.errors import InputError
from rtmri2speech.models.hifigan import LAYOUTS

_SLOPE = 0.1
Output = tuple[Tensor, list[Tensor]]  # a discriminator's scores (B, n) and the feature maps on the way to them


@dataclass(frozen=True)
class DiscriminatorConfig:
    """periods: of the multi-period discriminator. scales: of the multi-scale one; 0 for none. width: of both.

    layout "hifigan" is HiFi-GAN's own; "thesis" the thesis', whose period discriminators have twice the padding.
    """

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    scales: int = 3
    width: float = 1.0
    layout: str = "hifigan"

    def __post_init__(self):
        if self.layout not in LAYOUTS:
            known = ", ".join(LAYOUTS)
            raise InputError("discriminators.layout is one of {known}, not {given!r}.", known=known, given=self.layout)


def _scaled(width: float, *channels: int) -> list[int]:
    return [max(16, 16 * round(c * width / 16)) for c in channels]  # a multiple of 16, the largest number of groups


class PeriodDiscriminator(nn.Module):
    """Looks at every `period`-th sample: (B, 1, L) -> score (B, n) and feature maps."""

    def __init__(self, period: int, width: float = 1.0, padding: int = 2):
        super().__init__()
        self.period = period
        channels = [1, *_scaled(width, 32, 128, 512, 1024, 1024)]
        shapes = zip(channels[:-1], channels[1:], (3, 3, 3, 3, 1), (padding,) * 4 + (2,), strict=True)
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(before, after, (5, 1), (stride, 1), (around, 0)))
            for before, after, stride, around in shapes
        )
        self.conv_post = weight_norm(nn.Conv2d(channels[-1], 1, (3, 1), 1, (1, 0)))

    def forward(self, x: Tensor) -> Output:
        missing = -x.shape[-1] % self.period
        x = pad(x, (0, missing), mode="reflect") if missing else x
        x = x.unflatten(-1, (-1, self.period))
        return _output(self.convs, self.conv_post, x)


class ScaleDiscriminator(nn.Module):
    """Looks at the waveform as it is: (B, 1, L) -> score (B, n) and feature maps."""

    def __init__(self, norm=weight_norm, width: float = 1.0):
        super().__init__()
        a, b, c, d = _scaled(width, 128, 256, 512, 1024)
        shapes = (  # in, out, kernel, stride, groups
            (1, a, 15, 1, 1),
            (a, a, 41, 2, 4),
            (a, b, 41, 2, 16),
            (b, c, 41, 4, 16),
            (c, d, 41, 4, 16),
            (d, d, 41, 1, 16),
            (d, d, 5, 1, 1),
        )
        self.convs = nn.ModuleList(
            norm(nn.Conv1d(before, after, kernel, stride, kernel // 2, groups=groups))
            for before, after, kernel, stride, groups in shapes
        )
        self.conv_post = norm(nn.Conv1d(d, 1, 3, 1, 1))

    def forward(self, x: Tensor) -> Output:
        return _output(self.convs, self.conv_post, x)


class MultiPeriodDiscriminator(nn.Module):
    """One PeriodDiscriminator a period. (B, 1, L) -> the output of each."""

    def __init__(self, periods: tuple[int, ...] = (2, 3, 5, 7, 11), width: float = 1.0, padding: int = 2):
        super().__init__()
        self.discriminators = nn.ModuleList(PeriodDiscriminator(p, width, padding) for p in periods)

    def forward(self, x: Tensor) -> list[Output]:
        return [discriminator(x) for discriminator in self.discriminators]


class MultiScaleDiscriminator(nn.Module):
    """The waveform, and averages of it at half the rate of the one before. (B, 1, L) -> the output of each.

    The first uses spectral normalisation, the others weight normalisation.
    """

    def __init__(self, scales: int = 3, width: float = 1.0):
        super().__init__()
        self.discriminators = nn.ModuleList(
            ScaleDiscriminator(weight_norm if i else spectral_norm, width) for i in range(scales)
        )
        self.pool = nn.AvgPool1d(4, 2, padding=2)

    def forward(self, x: Tensor) -> list[Output]:
        outputs = []
        for i, discriminator in enumerate(self.discriminators):
            x = self.pool(x) if i else x
            outputs.append(discriminator(x))
        return outputs


class Discriminators(nn.Module):
    """Both kinds as one network: (B, 1, L) -> a list of (score, feature maps)."""

    def __init__(self, config: DiscriminatorConfig = DiscriminatorConfig()):
        super().__init__()
        # The reference implementation's optimiser holds msd before mpd: the same order lets its state be loaded.
        self.msd = MultiScaleDiscriminator(config.scales, config.width)
        self.mpd = MultiPeriodDiscriminator(config.periods, config.width, 4 if config.layout == "thesis" else 2)

    def forward(self, x: Tensor) -> list[Output]:
        return self.mpd(x) + self.msd(x)


def _output(convs: nn.ModuleList, conv_post: nn.Module, x: Tensor) -> Output:
    features = []
    for conv in convs:
        x = leaky_relu(conv(x), _SLOPE)
        features.append(x)
    x = conv_post(x)
    features.append(x)
    return torch.flatten(x, 1), features

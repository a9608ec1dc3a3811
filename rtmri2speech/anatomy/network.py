"""The segmenter's network: a U-Net (Ronneberger et al., MICCAI 2015) with additive skip connections."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, pixel_shuffle, pixel_unshuffle

from ..errors import InputError
from ..mapping import from_json
from .regions import NAMES


@dataclass(frozen=True)
class SegmenterConfig:
    """Hyperparameters of a Segmenter. size: side of its square input, pixels; widths: channels of each level, finest
    first.

    fold: factor of space-to-depth at the input and depth-to-space at the output, so that the finest and most expensive
    level is computed at size / fold.
    """

    size: int = 96
    widths: tuple[int, ...] = (32, 48, 64, 96, 128)
    fold: int = 2
    regions: tuple[str, ...] = NAMES

    def __post_init__(self):
        coarsest = self.fold * 2 ** (len(self.widths) - 1)
        if len(self.widths) < 2 or self.fold < 1 or self.size % coarsest or min(self.widths) < 1:
            raise InputError(
                "A segmenter of {levels} levels needs pictures of a multiple of {coarsest} pixels, not {size}.",
                levels=len(self.widths),
                coarsest=coarsest,
                size=self.size,
            )

    to_json = asdict

    @classmethod
    def from_json(cls, data: dict) -> "SegmenterConfig":
        return from_json(cls, data)


def _convolution(a: int, b: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True))


class Segmenter(nn.Module):
    """Pictures (N, 1, size, size) of mean 0 and deviation 1 -> logits (N, regions, size, size)."""

    def __init__(self, config: SegmenterConfig = SegmenterConfig()):
        super().__init__()
        self.config = config
        widths, blocks = config.widths, config.fold**2
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(a, b), _convolution(b, b))
            for a, b in zip((blocks, *widths), widths, strict=False)
        )
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in zip(widths, widths[1:], strict=False))
        self.up = nn.ModuleList(_convolution(a, a) for a in widths[:-1])
        self.head = nn.Conv2d(widths[0], blocks * len(config.regions), 1)

    def forward(self, pictures: Tensor) -> Tensor:
        levels = [self.down[0](pixel_unshuffle(pictures, self.config.fold))]
        for down in self.down[1:]:
            levels.append(down(max_pool2d(levels[-1], 2)))
        x = levels.pop()
        for narrow, up in zip(reversed(self.narrow), reversed(self.up), strict=True):
            x = up(interpolate(narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False) + levels.pop())
        return pixel_shuffle(self.head(x), self.config.fold)


def soft_cross_entropy_and_dice(logits: Tensor, quarters: Tensor, weights: Tensor) -> Tensor:
    """Mean of cross-entropy (class weights (K,)) and 1 - Dice over the batch. quarters: int64 (N, 4, H, W).

    Labels are at twice the resolution: the four quarters of a pixel give soft targets at borders.
    """
    share = torch.zeros_like(logits).scatter_add_(1, quarters, torch.full_like(quarters, 0.25, dtype=logits.dtype))
    log_p = logits.log_softmax(1)
    weighted = share * weights[:, None, None]
    cross_entropy = -(weighted * log_p).sum() / weighted.sum()
    p = log_p.exp()
    overlap, total = (p * share).sum((0, 2, 3)), (p + share).sum((0, 2, 3))
    return cross_entropy + 1 - ((2 * overlap + 1) / (total + 1)).mean()

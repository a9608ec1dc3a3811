"""The thesis' acoustic loss: a weighted, masked squared error of the mel, of its motion, and of its latest frame.

The name MaskedMSEMAE is the thesis': the squared error trains the model, the absolute error per band is logged
(`band_mae_db`). What the thesis leaves open is settled here: every term is a weighted mean (divided by the sum of its
weights, so the loss keeps its scale while the weights ramp), the motion and latest-frame terms carry the bin weights,
and a difference counts only where all frames it is made of are valid.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rtmri2speech.errors import InputError

TRACT_ENOUGH = 0.25


@dataclass(frozen=True)
class LossConfig:
    """Weights at the end of the ramp; they start from 1 (bins, frames) and from the first number of each pair.

    bin_weights: (first bin, weight) of each stretch of mel bins. frame_weights: of a window's first frames.
    delta, delta_delta, latest: (start, end) weight of each term. ramp_steps: optimiser steps from start to end.
    articulation: weight of the squared error of a phantom's known articulation, read off the CNN's features of each
    frame by a linear layer that is thrown away; it teaches the CNN what to look for. 0: off.
    focus: weight of the share of the CNN's last maps that lies outside a phantom's vocal tract: it teaches the CNN
    where to look (the idea: Ross, Hughes and Doshi-Velez 2017, "Right for the right reasons"). 0: off.
    """

    bin_weights: tuple[tuple[int, float], ...] = ((0, 2.0), (6, 3.0), (16, 2.4), (32, 1.6), (48, 1.8))
    frame_weights: tuple[float, ...] = (1.6, 1.45, 1.3, 1.2, 1.15, 1.1, 1.05, 1.02)
    delta: tuple[float, float] = (0.3, 0.45)
    delta_delta: tuple[float, float] = (0.1, 0.15)
    latest: tuple[float, float] = (0.2, 0.4)
    ramp_steps: int = 120_000
    articulation: float = 0.0
    focus: float = 0.0

    def __post_init__(self):
        firsts = [first for first, _ in self.bin_weights]
        if not firsts or firsts[0] != 0 or firsts != sorted(set(firsts)):
            raise InputError("loss.bin_weights must start at bin 0 and rise: [[0, 2.0], [6, 3.0], ...].")
        if self.ramp_steps < 0:
            raise InputError("loss.ramp_steps must not be negative.")


class MaskedMSEMAE(nn.Module):
    """loss(predicted, target, mask, step) -> scalar. See the module's text and LossConfig."""

    def __init__(self, config: LossConfig = LossConfig(), n_mels: int = 64):
        super().__init__()
        if config.bin_weights[-1][0] >= n_mels:
            raise InputError(
                "loss.bin_weights names bin {bin}, the mel has {n_mels} bins.",
                bin=config.bin_weights[-1][0],
                n_mels=n_mels,
            )
        self.config = config
        bins = torch.ones(n_mels)
        for first, weight in config.bin_weights:
            bins[first:] = weight
        self.register_buffer("bins", bins, persistent=False)
        self.register_buffer("frames", torch.tensor(config.frame_weights, dtype=torch.float32), persistent=False)

    def ramp(self, step: int) -> float:
        """How far the weights are from start (0) to end (1)."""
        return min(step / self.config.ramp_steps, 1.0) if self.config.ramp_steps else 1.0

    def forward(self, predicted: Tensor, target: Tensor, mask: Tensor, step: int) -> Tensor:
        """predicted, target (B, T, n_mels) standardised mel; mask (B, T) true where a target exists; step >= 0."""
        predicted, target = predicted.float(), target.float()
        ramp = self.ramp(step)
        bins = 1 + ramp * (self.bins - 1)
        frames = torch.ones(mask.shape[1], device=mask.device)
        head = min(len(self.frames), mask.shape[1])
        frames[:head] = 1 + ramp * (self.frames[:head] - 1)

        error = predicted - target
        valid = mask.float()
        loss = _weighted_mean_square(error, valid * frames, bins)
        for (start, end), order in ((self.config.delta, 1), (self.config.delta_delta, 2)):
            if error.shape[1] > order:
                moving = torch.diff(error, n=order, dim=1)
                both = valid.unfold(1, order + 1, 1).amin(dim=-1)
                loss = loss + (start + ramp * (end - start)) * _weighted_mean_square(moving, both, bins)
        start, end = self.config.latest
        return loss + (start + ramp * (end - start)) * _weighted_mean_square(error, _latest(mask), bins)


def _weighted_mean_square(error: Tensor, frames: Tensor, bins: Tensor) -> Tensor:
    """Mean of error**2 (B, T, n_mels) under the weights frames (B, T) times bins (n_mels,); 0 if all weights are."""
    total = frames.sum() * bins.sum()
    return (error.square() * bins * frames[..., None]).sum() / total.clamp_min(1e-8)


def _latest(mask: Tensor) -> Tensor:
    """(B, T) float: 1 at the last valid frame of each window, 0 elsewhere."""
    later = mask.long().flip(1).cumsum(1).flip(1)
    return (mask.bool() & (later == 1)).float()


def outside_share(maps: Tensor, tract: Tensor) -> Tensor:
    """The share of the maps' absolute activation in cells that the vocal tract hardly touches: scalar in [0, 1].

    maps (N, C, h, w); tract (N, g, g), the share of each cell of the picture that the tract covers. A cell counts as
    inside in full from TRACT_ENOUGH of it on: the lips cover few cells by half.
    """
    covered = nn.functional.adaptive_avg_pool2d(tract, maps.shape[-2:])
    outside = 1 - (covered / TRACT_ENOUGH).clamp(max=1)
    activity = maps.float().abs().mean(dim=1)
    return ((activity * outside).sum(dim=(1, 2)) / activity.sum(dim=(1, 2)).clamp_min(1e-8)).mean()


def band_mae_db(
    predicted: Tensor, target: Tensor, mask: Tensor, bins: Mapping[str, np.ndarray], std_db: Tensor
) -> dict[str, Tensor]:
    """Mean absolute error in dB inside each band, over the valid frames (0 if there are none): name -> scalar.

    predicted, target (B, T, n_mels) standardised; std_db (n_mels,) the scaler's deviation; bins: mel bins by name.
    """
    error = ((predicted.float() - target.float()).abs() * std_db)[mask.bool()]
    frames = max(len(error), 1)
    return {name: error[:, torch.as_tensor(indices)].mean(dim=1).sum() / frames for name, indices in bins.items()}

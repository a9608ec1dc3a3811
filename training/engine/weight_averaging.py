"""Averaged weights: of a network over its last steps, smoother than any one of them at no cost in training (B. T.
Polyak and A. B. Juditsky, SIAM J. Control Optim. 1992), and of several runs of one start (M. Wortsman et al., "Model
soups", ICML 2022).
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from rtmri2speech.errors import InputError


@torch.no_grad()
def average(averaged: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the averaged weights, and the statistics of BatchNorm, by 1 - keep of the way to the network's, in place."""
    for old, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


def require_shares(runs: Sequence, shares: Sequence[float]) -> None:
    """Raises InputError unless every run has a share and they add up to 1."""
    if len(runs) != len(shares) or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise InputError("Give each run a share; together they are 1.")


def mean_weights(several: Sequence[Mapping[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """state_dicts of one shape -> their mean, each by its share; float32. Of counters the first's."""
    return {
        name: torch.stack([share * one[name].float() for share, one in zip(shares, several, strict=True)]).sum(dim=0)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in several[0].items()
    }

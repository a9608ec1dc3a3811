"""A network's weights averaged over its last steps: smoother than any one of them, at no cost in training.

B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 1992.
"""

import torch
from torch import nn


@torch.no_grad()
def average(averaged: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the averaged weights, and the statistics of BatchNorm, by 1 - keep of the way to the network's, in place."""
    for old, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)

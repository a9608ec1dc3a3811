"""Generator against discriminators: one step of the discriminators, and what they teach the generator."""

import torch
from torch import Tensor, nn

from .losses import adversarial_loss, discriminator_loss, feature_matching_loss


def train_discriminators(
    discriminators: nn.Module, optimiser: torch.optim.Optimizer, real: Tensor, fake: Tensor
) -> Tensor:
    """One step on waveforms (B, L); returns the loss. No gradient reaches what made `fake`."""
    discriminators.requires_grad_(True)
    loss = discriminator_loss(discriminators(real[:, None]), discriminators(fake.detach()[:, None]))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


def generator_losses(discriminators: nn.Module, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """What the discriminators teach the generator: {"adversarial", "feature_matching"} of waveforms (B, L).

    Turns the discriminators' own gradients off, which are not wanted here: not to compute them saves time.
    """
    discriminators.requires_grad_(False)
    with torch.no_grad():
        real_outputs = discriminators(real[:, None])
    fake_outputs = discriminators(fake[:, None])
    return {
        "adversarial": adversarial_loss(fake_outputs),
        "feature_matching": feature_matching_loss(real_outputs, fake_outputs),
    }

"""Averaged weights against the average by hand."""

import torch

from training.engine.weight_averaging import average


def test_the_average_of_constant_steps_is_their_exponential_mean():
    averaged, network = torch.nn.BatchNorm1d(1), torch.nn.BatchNorm1d(1)
    torch.nn.init.zeros_(averaged.weight)
    expected = 0.0
    for value in (1.0, 2.0, 4.0):
        torch.nn.init.constant_(network.weight, value)
        network.running_mean.fill_(value)
        network.num_batches_tracked.add_(1)
        average(averaged, network, 0.75)
        expected = 0.75 * expected + 0.25 * value
    assert averaged.weight.item() == expected == averaged.running_mean.item()
    assert averaged.num_batches_tracked.item() == 3 and network.weight.item() == 4.0

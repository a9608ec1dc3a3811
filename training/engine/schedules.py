"""How a learning rate goes on with the number of optimiser steps made, from 0. Each begins with a linear warm-up."""

import math


def cosine(step: int, *, lr: float, warmup_steps: int, total_steps: int, min_lr: float) -> float:
    """Up from 0 in warmup_steps, then down to min_lr along half a cosine until total_steps.

    I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017; no restarts here.
    """
    if step < warmup_steps:
        return lr * (step + 1) / warmup_steps
    gone = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return min_lr + (lr - min_lr) * 0.5 * (1 + math.cos(math.pi * gone))


def linear(step: int, *, lr: float, warmup_steps: int, total_steps: int) -> float:
    """Up from 0 in warmup_steps, then down in a straight line to a tenth at total_steps."""
    rise = (step + 1) / max(1, warmup_steps)
    fall = 1 - 0.9 * (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return lr * min(rise, fall)

"""Training in numbered steps on one device: the loop that all trainings but the acoustic model's share.

What a step draws depends on the seed and the step's number alone, so a run needs to remember nothing but its networks,
its optimisers and that number to go on exactly as if it had not been stopped. (The acoustic model goes over its corpus
in epochs, on several devices if there are some, and stops by its validation: a Lightning run, see training.acoustic.)
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rtmri2speech.errors import InputError
from rtmri2speech.models.device import choose_device as device_of
from rtmri2speech.models.device import device_name

from .run_folder import append_row


@dataclass(frozen=True)
class Intervals:
    """Every how many steps a run reports, validates and saves. It does each at its last step, too."""

    log_every: int
    validate_every: int
    checkpoint_every: int

    def __post_init__(self):
        if min(self.log_every, self.validate_every, self.checkpoint_every) < 1:
            raise InputError("log_every, validate_every and checkpoint_every must be at least 1.")


def train_loop(
    run: Path,
    steps: range,
    advance: Callable[[int], Mapping[str, float]],
    intervals: Intervals,
    *,
    save: Callable[[int], object],
    validate: Callable[[], Mapping[str, float]] | None = None,
    part: str = "train",
    before: int = 0,
    history: bool = False,
) -> None:
    """Make each of `steps`: advance(number) trains and returns figures, whose means are reported at intervals.

    save(number of steps made) writes a checkpoint. validate() returns figures, too, reported under "val". A report is a
    line on the screen and one in the TensorBoard files of the run folder, which count on from `before`, the steps of
    earlier parts of the run; with `history`, each validation is also a row of history.csv, beside the latest means.
    """
    if not steps:
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(run / "tensorboard", purge_step=before + steps.start + 1) as board:
        since, figures, means = time.monotonic(), [], {}
        for step in steps:
            figures.append(advance(step))
            done, last = step + 1, step + 1 == steps.stop
            if done % intervals.log_every == 0 or last:
                means = {name: float(np.mean([f[name] for f in figures if name in f])) for name in figures[-1]}
                speed = {"steps_per_s": len(figures) / (time.monotonic() - since)}
                _report(board, part, done, means | speed, before)
                since, figures = time.monotonic(), []
            if validate and (done % intervals.validate_every == 0 or last):
                scores = validate()
                _report(board, "val", done, scores, before)
                if history:
                    append_row(run / "history.csv", {"step": done} | means | scores)
                since = time.monotonic()
            if done % intervals.checkpoint_every == 0 or last:
                save(done)


def _report(board, part: str, step: int, values: Mapping[str, float], before: int) -> None:
    for name, value in values.items():
        board.add_scalar(f"{part}/{name}", value, before + step)
    print(f"{part} {step}: " + "  ".join(f"{name} {value:.4g}" for name, value in values.items()), flush=True)


def require_finite(loss: torch.Tensor, part: str, step: int) -> None:
    """Raises InputError, before the networks learn from it, if the loss is not a number."""
    if not torch.isfinite(loss):
        raise InputError(
            "The loss is not finite at step {step} of {part}: lower lr, or check the recordings.", step=step, part=part
        )


def descend(
    loss: torch.Tensor, *optimisers: torch.optim.Optimizer, clip: float, step: int, part: str = "train"
) -> None:
    """One step of each optimiser down the gradient, its norm clipped. Raises InputError if the loss is not a number."""
    require_finite(loss, part, step)
    for optimiser in optimisers:
        optimiser.zero_grad()
    loss.backward()
    for optimiser in optimisers:
        torch.nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], clip)
        optimiser.step()


def set_lr(lr: float, *optimisers: torch.optim.Optimizer) -> None:
    """Let the next step of each be made at this learning rate."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = lr


def choose_device(asked: str) -> torch.device:
    """The device, as rtmri2speech.models.device.choose_device; it is printed. "gpu" is "cuda"."""
    device = device_of(asked)
    print(f"device: {device_name(device)}", flush=True)
    return device

"""Training in numbered steps on one device: the loop that the vocoder, the restoration and its encoder share.

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


@dataclass(frozen=True)
class Rhythm:
    """Every how many steps a run reports, validates and saves. It does each at its last step, too."""

    log_every: int
    validate_every: int
    checkpoint_every: int

    def __post_init__(self):
        if min(self.log_every, self.validate_every, self.checkpoint_every) < 1:
            raise InputError("log_every, validate_every and checkpoint_every must be at least 1.")


def run_steps(
    run: Path,
    steps: range,
    advance: Callable[[int], Mapping[str, float]],
    rhythm: Rhythm,
    *,
    save: Callable[[], None],
    validate: Callable[[], Mapping[str, float]] | None = None,
    part: str = "train",
    before: int = 0,
) -> None:
    """Make each of `steps`: advance(number) trains and returns figures, whose means are told now and then.

    validate() returns figures, too, told under "val". Told are a line on the screen and TensorBoard's files in the run
    folder, which counts on from `before`, the steps of earlier parts of the run.
    """
    if not steps:
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(run / "tensorboard", purge_step=before + steps.start + 1) as board:
        since, figures = time.monotonic(), []
        for step in steps:
            figures.append(advance(step))
            made, last = step + 1, step + 1 == steps.stop
            if made % rhythm.log_every == 0 or last:
                means = {name: float(np.mean([f[name] for f in figures if name in f])) for name in figures[-1]}
                means["steps_per_s"] = len(figures) / (time.monotonic() - since)
                _tell(board, part, made, means, before)
                since, figures = time.monotonic(), []
            if validate and (made % rhythm.validate_every == 0 or last):
                _tell(board, "val", made, validate(), before)
                since = time.monotonic()
            if made % rhythm.checkpoint_every == 0 or last:
                save()


def _tell(board, part: str, step: int, values: Mapping[str, float], before: int) -> None:
    for name, value in values.items():
        board.add_scalar(f"{part}/{name}", value, before + step)
    print(f"{part} {step}: " + "  ".join(f"{name} {value:.4g}" for name, value in values.items()), flush=True)


def require_finite(loss: torch.Tensor, part: str, step: int) -> None:
    """Raises InputError, before the networks learn from it, if the loss is not a number."""
    if not torch.isfinite(loss):
        raise InputError(
            "The loss is not finite at step {step} of {part}: lower lr, or check the recordings.", step=step, part=part
        )


def set_lr(lr: float, *optimisers: torch.optim.Optimizer) -> None:
    """Let the next step of each be made at this learning rate."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = lr


def choose_device(asked: str) -> torch.device:
    """ "auto" (a GPU if there is one), "cpu", or a name of PyTorch's such as "cuda:1"; "gpu" is "cuda"."""
    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device({"gpu": "cuda"}.get(asked, asked))
    except RuntimeError:
        raise InputError("There is no device called {asked!r}: give auto, cpu or cuda.", asked=asked) from None

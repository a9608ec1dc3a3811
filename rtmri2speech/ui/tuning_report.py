"""The report of learning from recordings as HTML in both languages at once: the held-out error as it falls, and the
scores before and after."""

from collections.abc import Sequence

from ..finetuning import Finetuned
from ..finetuning.tuning import FIGURES
from .report import render

_WIDTH, _HEIGHT, _EDGE = 300, 90, 6  # of the chart, in its own units
_LOWER_IS_BETTER = ("mae_F1_db", "mae_F2_db")


def tuning_report(errors: Sequence[tuple[int, float]], made: Finetuned | None = None) -> str:
    """errors: (step, held-out error) so far. made: the result, once it is there."""
    rows = [] if made is None else [_row(name, made.before[name], made.after[name]) for name in FIGURES]
    (step, now), first = errors[-1], errors[0][1]
    return render(
        "tuning.html",
        width=_WIDTH,
        height=_HEIGHT,
        points=_points(errors),
        now={"step": step, "share": f"{100 * now / first:.0f}"},
        rows=rows,
        verdict=None if made is None else "learn_better" if made.better else "learn_worse",
        data=None if made is None else _data(made),
    )


def _points(errors: Sequence[tuple[int, float]]) -> str:
    last, most = max(1, errors[-1][0]), max(error for _, error in errors)
    along = [_EDGE + step / last * (_WIDTH - 2 * _EDGE) for step, _ in errors]
    down = [_EDGE + (1 - error / most) * (_HEIGHT - 2 * _EDGE) for _, error in errors]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(along, down, strict=True))


def _row(name: str, before: float | None, after: float | None) -> dict:
    cells, better = ["–" if value is None else f"{value:.2f}".replace("-", "−") for value in (before, after)], None
    if before is not None and after is not None and cells[0] != cells[1]:
        better = int((after > before) != (name in _LOWER_IS_BETTER))
    return {"name": name, "cells": cells, "better": better}


def _data(made: Finetuned) -> dict[str, str | int]:
    (count, seconds), (held, held_s) = made.learnt, made.held_out
    return {
        "count": count,
        "seconds": f"{seconds:.0f}",
        "held": held,
        "held_s": f"{held_s:.0f}",
        "step": made.best_step,
    }

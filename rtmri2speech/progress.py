"""Progress of long work: one value for the whole core. Commands draw it with tqdm, the page with Gradio."""

from collections.abc import Callable
from dataclasses import dataclass


class Ended(Exception):
    """Raised by `show` to end the work, as on cancellation. The input is not at fault."""


@dataclass(frozen=True)
class Progress:
    """Calls `show(stage, done, total)` at each step. stage: a key of the page's texts.

    `show` may raise `Ended` to cancel the work. Composite work gives each of its parts a `part`, by weight:

        read(path, progress.part("reading", 0, 0.1))
        analyse(bundle, clip, progress=progress.part(None, 0.1, 1))
    """

    show: Callable[[str, float, float], None]

    def __call__(self, stage: str, done: float, total: float = 1.0) -> None:
        self.show(stage, done, total)

    def part(self, stage: str | None, start: float, end: float) -> "Progress":
        """Progress of a part of this work, from the share `start` to `end`. stage: replaces the part's own stages;
        None keeps them."""

        def show(own: str, done: float, total: float) -> None:
            self.show(own if stage is None else stage, start + (end - start) * (done / total if total else 1.0), 1.0)

        return Progress(show)


UNSEEN = Progress(lambda stage, done, total: None)

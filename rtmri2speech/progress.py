"""How far long work is: one value for the whole core. Commands draw it with tqdm, the page with Gradio."""

from collections.abc import Callable
from dataclasses import dataclass


class Ended(Exception):
    """Ends the work from within `show`, such as when nobody wants it any longer. It is no fault of what is read."""


@dataclass(frozen=True)
class Progress:
    """Tells `show(stage, done, total)` of each step: a stage (a key of the page's texts) and how much of all is done.

    `Ended` raised by `show` ends the work: this is how it is cancelled. Work that consists of parts gives each a
    `part` of its own progress, by weight:

        read(path, progress.part("reading", 0, 0.1))
        analyse(bundle, clip, progress=progress.part(None, 0.1, 1))
    """

    show: Callable[[str, float, float], None]

    def __call__(self, stage: str, done: float, total: float = 1.0) -> None:
        self.show(stage, done, total)

    def part(self, stage: str | None, start: float, end: float) -> "Progress":
        """Progress of a piece of this work, which takes from the share `start` to the share `end` of it.

        stage: what the piece is called here, whatever it says itself; None: what it says itself.
        """

        def show(own: str, done: float, total: float) -> None:
            self.show(own if stage is None else stage, start + (end - start) * (done / total if total else 1.0), 1.0)

        return Progress(show)


UNSEEN = Progress(lambda stage, done, total: None)

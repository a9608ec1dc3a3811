"""Output of commands over many clips: a line for each as it is done, and a summary."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from ..errors import InputError
from ..names import readable


class Done(Protocol):
    """Outcome of a clip: "made", "kept" or "left out" for the reason."""

    @property
    def name(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def notes(self) -> str: ...


Outcome = TypeVar("Outcome", bound=Done)


def told(outcomes: Iterator[Outcome], count: int, made: Callable[[Outcome], str]) -> list[Outcome]:
    """All outcomes, each printed on a line as it is ready. made: the text of one that was made."""
    known = []
    for outcome in outcomes:
        known.append(outcome)
        said = {"made": made, "kept": lambda _: "made before"}.get(outcome.status, lambda o: f"left out: {o.reason}")
        notes = f" (note: {outcome.notes})" if outcome.notes else ""
        print(readable(f"{len(known)}/{count} {outcome.name}: {said(outcome)}{notes}"))
    return known


def left_out_of(outcomes: list[Outcome]) -> list[Outcome]:
    """The outcomes left out. Raises InputError if all were."""
    left_out = [outcome for outcome in outcomes if outcome.status == "left out"]
    if len(left_out) == len(outcomes):
        raise InputError(
            "None of the {count} clips can be used; {name}: {reason}",
            count=len(outcomes),
            name=left_out[0].name,
            reason=left_out[0].reason,
        )
    return left_out

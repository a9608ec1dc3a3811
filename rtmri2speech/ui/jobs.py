"""Cancellation of work in another thread: the work checks at each step of its progress."""

from collections.abc import Callable
from threading import Event

from ..progress import Ended


class Stopped(Ended):
    """The job was cancelled."""


class Jobs:
    """At most one job a session."""

    def __init__(self):
        self._stops: dict[str, Event] = {}

    def start(self, session: str) -> Callable[[], None]:
        """Start a job and end the session's older one; returns a function that raises Stopped once the job ends."""
        self.stop(session)
        stop = self._stops[session] = Event()

        def check() -> None:
            if stop.is_set():
                raise Stopped

        return check

    def stop(self, session: str) -> None:
        """End the session's job, if it has one."""
        if session in self._stops:
            self._stops.pop(session).set()

"""Stopping work that runs in another thread: the work asks, at each step of its progress, whether to go on."""

from collections.abc import Callable
from threading import Event

from ..progress import Ended


class Stopped(Ended):
    """The person who started the work no longer wants it."""


class Jobs:
    """At most one job a session."""

    def __init__(self):
        self._stops: dict[str, Event] = {}

    def start(self, session: str) -> Callable[[], None]:
        """A new job: a function that raises Stopped once the job is to end. An older job of the session ends."""
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

"""Parallel work on many clips in several processes; a failure loses its own clip only."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..errors import InputError


class Named(Protocol):
    """A task on one clip."""

    @property
    def name(self) -> str: ...


Task = TypeVar("Task", bound=Named)
Outcome = TypeVar("Outcome")
_ENDED = "its process was ended: is there too little memory?"


def over_processes(
    make: Callable[..., Outcome],
    left_out: Callable[[str, str], Outcome],
    tasks: Sequence[Task],
    bundle: Path | None,
    choices: object,
    jobs: int,
) -> Iterator[Outcome]:
    """Yields make(task, bundle, choices) for each task as it is ready; left_out(name, reason) for one that fails.

    make and left_out: module-level functions. bundle: its folder; each process loads it once. jobs: processes; -1: one
    a core. Raises InputError for an invalid number of jobs.
    """
    jobs = (os.cpu_count() or 1) if jobs == -1 else jobs
    if jobs < 1:
        raise InputError("The number of jobs is at least 1, or -1 for one a core, not {given}.", given=jobs)
    waiting = list(tasks)
    while waiting:
        left = list(waiting)
        count = min(jobs, len(waiting))
        threads = max(1, (os.cpu_count() or 1) // count)
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(count, spawn, _start, (threads, bundle, choices, make, left_out))
        try:
            futures: dict[Future, Task] = {pool.submit(_work, task): task for task in waiting}
            for future in as_completed(futures):
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    continue
                left.remove(futures[future])
                yield outcome
        finally:
            pool.shutdown(cancel_futures=True)
        waiting = left
        if waiting and jobs == 1:  # in order, so the first without a result ended the process
            yield left_out(waiting.pop(0).name, _ENDED)
        jobs = 1


_mine: dict[str, Any] = {}  # state of this worker process


def _start(threads: int, bundle: Path | None, choices: object, make, left_out) -> None:
    import torch

    from ..models.load import load_bundle

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # except during a task, so that an idle process ends quietly
    torch.set_num_threads(threads)
    _mine.update(make=make, left_out=left_out, bundle=load_bundle(bundle), choices=choices)


def _work(task: Named) -> Any:
    return attempt(
        lambda: _mine["make"](task, _mine["bundle"], _mine["choices"]),
        lambda reason: _mine["left_out"](task.name, reason),
    )


def attempt(work: Callable[[], Outcome], failed: Callable[[str], Outcome]) -> Outcome:
    """work(), or failed(reason) for bad input, too little memory, or a fault of this program."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return work()
    except KeyboardInterrupt:
        reason = "stopped"
    except InputError as error:
        reason = str(error)
    except MemoryError:
        reason = "This machine has too little memory for this clip: cut it first."
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    finally:
        signal.signal(signal.SIGINT, handler)
    return failed(" ".join(reason.split()))

"""Work on many things over several processes, in which one that fails costs itself only."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from .errors import InputError

Task = TypeVar("Task")
Result = TypeVar("Result")
ENDED = "its process was ended: is there too little memory?"


def over_processes(
    work: Callable[[Task], Result], tasks: Sequence[Task], jobs: int, start: Callable[..., None], given: tuple = ()
) -> Iterator[tuple[Task, Result | None]]:
    """work(task) for each, as results are known; None where its process was ended from outside, as for want of memory.

    jobs: processes; -1 for one a core. start(*given) is called in each before its first task.
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
        pool = ProcessPoolExecutor(count, spawn, _start, (threads, start, given))
        try:
            futures: dict[Future, Task] = {pool.submit(work, task): task for task in waiting}
            for future in as_completed(futures):
                try:
                    result = future.result()
                except BrokenProcessPool:
                    continue
                left.remove(futures[future])
                yield futures[future], result
        finally:
            pool.shutdown(cancel_futures=True)
        waiting = left
        if waiting and jobs == 1:  # in order, so the first without a result is the one that ended it
            yield waiting.pop(0), None
        jobs = 1


def _start(threads: int, start: Callable[..., None], given: tuple) -> None:
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # but for the time of a task, so that a waiting process ends quietly
    torch.set_num_threads(threads)
    start(*given)


def attempt(work: Callable[[], Result], failed: Callable[[str], Result]) -> Result:
    """work(), or failed(reason): bad input, too little memory, or a fault of this program, which is one task's only."""
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

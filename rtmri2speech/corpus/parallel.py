"""Parallel work on many clips in several processes; a failure loses its own clip only."""

import signal
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from loky import BrokenProcessPool, ProcessPoolExecutor, as_completed, cpu_count

from ..errors import InputError

_QUIET = (signal.SIGINT, signal.SIG_IGN)  # but for the time of a task, so that a waiting process ends quietly
_ENDED = "its process was ended: is there too little memory?"


def over_processes(
    make: Callable[..., Any],
    left_out: Callable[[str, str], Any],
    tasks: Sequence[Any],
    bundle: Path | None,
    choices: object,
    jobs: int,
) -> Iterator[Any]:
    """Yields make(task, bundle, choices) for each task as it is ready; left_out(name, reason) for one that fails.

    make and left_out: module-level functions. Tasks and results have a name. bundle: its folder; each process loads it
    once. jobs: processes; -1: one a core. Raises InputError for an invalid number of jobs.
    """
    jobs = cpu_count() if jobs == -1 else jobs
    if jobs < 1:
        raise InputError("The number of jobs is at least 1, or -1 for one a core, not {given}.", given=jobs)
    waiting = {task.name: task for task in tasks}
    while waiting:
        count = min(jobs, len(waiting))
        threads = {"OMP_NUM_THREADS": str(max(1, cpu_count() // count))}
        pool = ProcessPoolExecutor(count, initializer=signal.signal, initargs=_QUIET, env=threads)
        futures = [pool.submit(attempt, choices, make, left_out, task, bundle) for task in waiting.values()]
        try:
            for future in as_completed(futures):
                if isinstance(future.exception(), BrokenProcessPool):
                    continue
                outcome = future.result()
                del waiting[outcome.name]
                yield outcome
        finally:
            for future in futures:
                future.cancel()
            pool.shutdown()
        if waiting and jobs == 1:  # in order, so the first without a result is the one that ended it
            name = next(iter(waiting))
            del waiting[name]
            yield left_out(name, _ENDED)
        jobs = 1


@lru_cache(maxsize=1)
def _loaded(bundle: Path | None) -> Any:
    from ..models.load import load_bundle

    return load_bundle(bundle)


def attempt(choices, make, left_out, task, bundle: Path | None):
    """make(task, bundle, choices), or left_out after bad input, too little memory, or a fault of this program."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return make(task, _loaded(bundle), choices)
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
    return left_out(task.name, " ".join(reason.split()))

"""Best of several runs, the contestants taking turns so that a disturbance hits all of them."""

import time
from collections.abc import Callable, Mapping


def best_seconds(contestants: Mapping[str, Callable[[], object]], repeats: int = 5) -> dict[str, float]:
    """name -> the shortest time of `repeats` runs, after one run to warm up."""
    for work in contestants.values():
        work()
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(repeats):
        for name, work in contestants.items():
            start = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - start)
    return best

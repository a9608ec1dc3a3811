"""Long recordings in overlapping chunks: bounded memory, with the result of the whole."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np


def in_chunks(
    blocks: Iterable[np.ndarray],
    work: Callable[[np.ndarray], np.ndarray],
    chunk: int,
    context: int,
    scale: int = 1,
) -> Iterator[np.ndarray]:
    """Apply `work` to a stream (n, ...) in chunks: `chunk` rows with up to `context` more on either side.

    work makes `scale` rows of each row; the context is cut off its result. The joined result equals work(whole stream)
    if work's receptive field is within `context`. Chunks start at multiples of gcd(chunk, context).
    """
    held, start, at = None, 0, 0  # rows from number `start` on; `at`: the next row of the result
    for block in chain(blocks, [None]):
        if block is not None:
            held = block if held is None else np.concatenate([held, block])
        if held is None:
            return
        while at < start + len(held):
            end = at + chunk
            if block is not None and start + len(held) < end + context:
                break
            done = work(held[: end + context - start])
            yield done[(at - start) * scale : (min(end, start + len(held)) - start) * scale]
            at = min(end, start + len(held))
            drop = max(0, at - context - start)
            held, start = held[drop:], start + drop

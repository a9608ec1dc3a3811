"""Long recordings in overlapping pieces: bounded memory, and the result of the whole."""

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
    """Apply `work` to a stream (n, ...) piece by piece: `chunk` rows with up to `context` more on either side.

    work makes `scale` rows of each row; of each piece's result the middle is passed on, so all of them joined are as
    long as the stream times scale, and equal work(whole stream) where work looks no further than `context`. Pieces
    start at multiples of gcd(chunk, context).
    """
    held, start, at = None, 0, 0  # rows from number `start` on; `at`: the next row to be passed on
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

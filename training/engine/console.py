"""What every command of the training package does with bad input: one line on stderr, exit code 2."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rtmri2speech.errors import InputError


@contextmanager
def plain_errors() -> Iterator[None]:
    """An InputError becomes one line on stderr and exit code 2; Ctrl+C exit code 130. Other errors pass through."""
    try:
        yield
    except InputError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        raise SystemExit(130) from None

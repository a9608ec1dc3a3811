"""What every command of the training package does with bad input: one line on stderr, exit code 2."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rtmri2speech.errors import InputError


@contextmanager
def plain_errors() -> Iterator[None]:
    """An InputError, or the system's refusal of a file, becomes one line on stderr and exit code 2; Ctrl+C exit code
    130. Other errors pass through."""
    hook, threading.excepthook = threading.excepthook, _quiet_about_files
    try:
        yield
    except InputError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror or error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print(
            "stopped; nothing half-written is left. Give the same command again: a run goes on from its last "
            "checkpoint, other work from what is finished.",
            file=sys.stderr,
        )
        raise SystemExit(130) from None
    finally:
        threading.excepthook = hook


def _quiet_about_files(raised: threading.ExceptHookArgs) -> None:
    """TensorBoard writes in a thread of its own and raises what went wrong there once more in ours."""
    if not issubclass(raised.exc_type, OSError):
        threading.__excepthook__(raised)

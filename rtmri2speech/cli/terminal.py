"""Terminal output of commands: progress, results, and errors on one line."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from os import PathLike
from typing import TYPE_CHECKING, Any

import typer
from typer.exceptions import TyperException

from ..errors import InputError
from ..names import readable
from ..progress import Progress

if TYPE_CHECKING:
    from ..clips.clip import Clip
    from ..models.bundle import Bundle


def new_app(**settings) -> typer.Typer:
    """A Typer application with plain help, no traceback, and -h for --help."""
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


def run(app: typer.Typer, arguments: list[str] | None, name: str) -> int:
    """Run an application under this name (arguments None: sys.argv's); returns the exit code: 0, 2 for bad input, 130
    when stopped by the user."""
    for stream in (sys.stdout, sys.stderr):  # a name that is not valid text in this encoding is written escaped
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(arguments, prog_name=name, standalone_mode=False) or 0
        if code == 130:  # Typer's answer to SIGINT
            print(f"{name}: stopped; nothing half-written is left.", file=sys.stderr)
        return code
    except InputError as error:
        message = str(error)
    except TyperException as error:
        message = error.format_message()
    except MemoryError:
        message = "This machine has too little memory for this clip: cut it first."
    print(readable(f"{name}: {' '.join(message.split())}"), file=sys.stderr)
    return 2


def renamed(name: str, command: Callable) -> Callable:
    """A command under its former name: it prints the new one and runs."""

    @wraps(command)
    def again(*args, **options):
        print(f"{name!r} is now called {command.__name__!r}.", file=sys.stderr)
        return command(*args, **options)

    return again


@contextmanager
def progress_bar(title: str = "") -> Iterator[Progress]:
    """A progress bar on stderr, if that is a terminal; yields its Progress."""
    from tqdm import tqdm

    layout = "{desc} {percentage:3.0f} %|{bar}| {elapsed}"
    with tqdm(total=1.0, desc=title, leave=False, disable=not sys.stderr.isatty(), bar_format=layout) as bar:

        def show(stage: str, done: float, total: float) -> None:
            bar.set_description(f"{title} {stage}".strip(), refresh=False)
            bar.update(done / total - bar.n)

        yield Progress(show)


def read_clip(path: str | PathLike, **choices: Any) -> "Clip":
    """clip.read_clip, with its notes on stderr."""
    from ..clips.clip import read_clip as read

    clip = read(path, **choices)
    for note in clip.notes:
        tell(f"{path}: {note}")
    return clip


def tell(sentence: str) -> None:
    """Print a note on stderr, as programs read stdout."""
    print(readable(f"note: {' '.join(sentence.split())}"), file=sys.stderr)


def tell_of_letters(language: str, *drawn: str) -> None:
    """Note a missing Japanese font, if figures in this language or with these texts need one."""
    from ..render.fonts import lacking

    if lacking(language, *drawn):
        tell("no Japanese font is installed: figures and videos are in English, Japanese in them is in Latin letters.")


def print_json(report: dict) -> None:
    """Print a report as JSON on stdout."""
    print(json.dumps(report, indent=1, ensure_ascii=False))


def warning(bundle: "Bundle") -> str:
    """Text to add to a result of an untrained bundle."""
    return "  (untrained bundle: the result means nothing)" if bundle.kind == "untrained" else ""


def peak_memory_mb() -> float | None:
    """Peak resident memory of this process, MiB; None on Windows, which Python's library does not support."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)

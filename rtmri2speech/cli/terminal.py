"""How commands speak to the person at the terminal: progress, results, and errors on one line."""

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
    """A Typer application of this project's style: plain help, no traceback, -h as well as --help."""
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


def run(app: typer.Typer, arguments: list[str] | None, name: str) -> int:
    """Run an application under this name (arguments None: those of the process); gives the exit code: 0, 2 for bad
    input, 130 when stopped by the user."""
    for stream in (sys.stdout, sys.stderr):  # a name whose bytes are no text, or are none here, is written somehow
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
    """The command under a name that it had before: it says the new one, and does the same."""

    @wraps(command)
    def again(*args, **options):
        print(f"{name!r} is now called {command.__name__!r}.", file=sys.stderr)
        return command(*args, **options)

    return again


@contextmanager
def progress_bar(title: str = "") -> Iterator[Progress]:
    """A bar on stderr, when that is a terminal. Gives the Progress that it draws."""
    from tqdm import tqdm

    layout = "{desc} {percentage:3.0f} %|{bar}| {elapsed}"
    with tqdm(total=1.0, desc=title, leave=False, disable=not sys.stderr.isatty(), bar_format=layout) as bar:

        def show(stage: str, done: float, total: float) -> None:
            bar.set_description(f"{title} {stage}".strip(), refresh=False)
            bar.update(done / total - bar.n)

        yield Progress(show)


def read_clip(path: str | PathLike, **choices: Any) -> "Clip":
    """clip.read_clip, which also tells what was amiss with the file, on stderr."""
    from ..clips.clip import read_clip as read

    clip = read(path, **choices)
    for note in clip.notes:
        tell(f"{path}: {note}")
    return clip


def tell(sentence: str) -> None:
    """What is worth knowing of a result, on stderr: programs read stdout."""
    print(readable(f"note: {' '.join(sentence.split())}"), file=sys.stderr)


def tell_of_letters(language: str, *drawn: str) -> None:
    """That there is no Japanese font, if figures in this language or with these texts need one."""
    from ..render.fonts import lacking

    if lacking(language, *drawn):
        tell("no Japanese font is installed: figures and videos are in English, Japanese in them is in Latin letters.")


def print_json(report: dict) -> None:
    """On stdout."""
    print(json.dumps(report, indent=1, ensure_ascii=False))


def warning(bundle: "Bundle") -> str:
    """What to add to a result of this bundle."""
    return "  (untrained bundle: the result means nothing)" if bundle.kind == "untrained" else ""


def peak_memory_mb() -> float | None:
    """Peak resident memory of this process, MiB; None on Windows, where Python's library does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)

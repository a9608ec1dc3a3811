"""A run of training.regions -> a segmenter's folder with its MODEL_CARD.md.

    python -m training.regions.publish RUN -o assets/models/regions [--judged figures.json]

--judged: what `python -m training.judge.regions --json` wrote of this segmenter; its figures go into the card.
"""

import json
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from rtmri2speech.anatomy.model import SegmenterBundle
from rtmri2speech.anatomy.network import Segmenter, SegmenterConfig
from rtmri2speech.errors import InputError
from rtmri2speech.models.weights import load_exactly, read_checkpoint

from ..console import plain_errors


def read_run(run: Path) -> tuple[Segmenter, dict]:
    """The averaged network of a run's newest checkpoint, and its settings with the step it stands at.

    Raises InputError if the folder is not a run with a checkpoint.
    """
    try:
        settings = json.loads((run / "settings.json").read_text(encoding="utf-8"))
        network = Segmenter(SegmenterConfig(settings["size"], tuple(settings["widths"]), settings["fold"]))
    except (OSError, ValueError, KeyError) as error:
        raise InputError("{run} is not a run of training.regions ({reason}).", run=run, reason=error) from None
    state = read_checkpoint(run / "last.pt")
    load_exactly(network, state["averaged"], str(run / "last.pt"))
    return network, {k: v for k, v in settings.items() if k not in ("run_dir", "maps")} | {"step": state["step"]}


def command(
    run: Annotated[Path, Argument(metavar="RUN", help="A run folder of training.regions.")],
    output: Annotated[Path, Option("-o", "--output", help="Folder to make.")],
    name: Annotated[str | None, Option(help="Default: the name of the folder.")] = None,
) -> None:
    """Make a folder for rtmri2speech.anatomy.segmenter."""
    with plain_errors():
        network, training = read_run(run)
        SegmenterBundle(name or output.name, network, training).save(output)
    print(f"{output} is ready: python -m rtmri2speech regions CLIP -o OUT.mp4")


if __name__ == "__main__":
    typer.run(command)

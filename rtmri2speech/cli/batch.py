"""A folder of clips: batch."""

from pathlib import Path
from typing import Annotated

import typer

from .many import left_out_of, told
from .options import (
    BandsOption,
    BundleOption,
    EnergyOption,
    MethodOption,
    NormalizeOption,
    ObjectiveOption,
    PrecisionOption,
    ResolutionOption,
    settings_asked,
)
from .terminal import tell_of_letters, warning


def batch(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of clips, with subfolders.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into, one folder for each clip.")],
    bundle: BundleOption = None,
    make: Annotated[
        list[str] | None, typer.Option(help="speech, heatmaps or export, repeatable; default: all.")
    ] = None,
    formant_band: BandsOption = None,
    objective: ObjectiveOption = "frame",
    energy: EnergyOption = "db",
    normalize: NormalizeOption = "clip",
    method: MethodOption = None,
    resolution: ResolutionOption = None,
    language: Annotated[str, typer.Option(help="Language of captions and figures: en or ja.")] = "en",
    precision: PrecisionOption = "fp32",
    jobs: Annotated[int, typer.Option(help="Processes on this machine; -1: one a core. Each takes about 1 GB.")] = 1,
):
    """Write speech, heatmaps and exports of a folder of clips.

    Finished clips are kept. Exit code 1: some were left out.
    """
    from ..corpus.batch import PARTS, Choices, run_batch, tasks_of, write_table
    from ..models.load import load_bundle

    loaded = load_bundle(bundle)  # raises before any process starts
    asked = settings_asked(
        *(loaded, formant_band, method, resolution),
        objective=objective,
        energy=energy,
        normalize=normalize,
        precision=precision,
    )
    choices, note = Choices(tuple(make) if make else PARTS, asked, language), warning(loaded)
    tasks = tasks_of(folder, output, bundle)
    tell_of_letters(language, *(task.name for task in tasks))
    outcomes = told(run_batch(tasks, bundle, choices, jobs), len(tasks), lambda o: f"{o.duration_s} s in {o.took_s} s")
    write_table(output / "batch.csv", outcomes)
    left_out = left_out_of(outcomes)
    print(f"{output}: {len(tasks) - len(left_out)} clips, {len(left_out)} left out{note}")
    raise typer.Exit(1 if left_out else 0)

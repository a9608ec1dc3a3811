"""A folder of clips: batch."""

from pathlib import Path
from typing import Annotated

import typer

from .many import left_out_of, told
from .options import AnalysisOptions, BundleOption, analysis_options
from .terminal import tell_of_letters, warning


@analysis_options("formant_band", "objective", "energy", "normalize", "method", "resolution", "precision", "device")
def batch(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of clips, with subfolders.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into, one folder for each clip.")],
    asked: AnalysisOptions,
    bundle: BundleOption = None,
    make: Annotated[
        list[str] | None, typer.Option(help="speech, heatmaps or export, repeatable; default: all.")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of captions and figures: en or ja.")] = "en",
    jobs: Annotated[int, typer.Option(help="Processes on this machine; -1: one a core. Each takes about 1 GB.")] = 1,
):
    """Write speech, heatmaps and exports of a folder of clips.

    Finished clips are kept. Exit code 1: some were left out.
    """
    from ..corpus.batch import PARTS, Choices, run_batch, tasks_of, write_table
    from ..models.load import load_bundle

    loaded = load_bundle(bundle)  # raises before any process starts
    choices, note = Choices(tuple(make) if make else PARTS, asked.settings(loaded), language), warning(loaded)
    tasks = tasks_of(folder, output, bundle)
    tell_of_letters(language, *(task.name for task in tasks))
    outcomes = told(run_batch(tasks, bundle, choices, jobs), len(tasks), lambda o: f"{o.duration_s} s in {o.took_s} s")
    write_table(output / "batch.csv", outcomes)
    left_out = left_out_of(outcomes)
    print(f"{output}: {len(tasks) - len(left_out)} clips, {len(left_out)} left out{note}")
    raise typer.Exit(1 if left_out else 0)

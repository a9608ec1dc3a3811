"""Attribution over a corpus by phone: survey."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .many import left_out_of, told
from .options import AnalysisOptions, BundleOption, analysis_options
from .terminal import warning


@analysis_options("formant_band", "energy", "method", "resolution", "against", "precision", "device")
def survey(
    clips: Annotated[Path, typer.Argument(metavar="CLIPS", help="Folder of clips, with subfolders.")],
    labels: Annotated[Path, typer.Option(help="Folder of TextGrids of the clips' names, with subfolders.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.")],
    asked: AnalysisOptions,
    bundle: BundleOption = None,
    tier: Annotated[
        str | None, typer.Option(help="Tier of phones; default: phones or segments, or the only one.")
    ] = None,
    regions: Annotated[
        str, typer.Option(help="Source of the regions: segmenter, truth (of phantoms) or template.")
    ] = "segmenter",
    language: Annotated[Literal["en", "ja"], typer.Option(help="Language of survey.html.")] = "en",
    jobs: Annotated[int, typer.Option(help="Processes on this machine; -1: one a core. Each takes about 1 GB.")] = 1,
):
    """Write mean maps and attribution by phone over a corpus.

    Shares by region have confidence intervals over clips. Finished clips are kept. Exit code 1: some were left out.
    """
    from ..corpus.survey import Choices, run_survey, tasks_of, write_survey
    from ..models.load import load_bundle

    loaded = load_bundle(bundle)  # raises before any process starts
    settings = asked.settings(loaded)
    choices, note = Choices(settings, regions, tier), warning(loaded)
    tasks = tasks_of(clips, labels, output, bundle)
    outcomes = told(run_survey(tasks, bundle, choices, jobs), len(tasks), lambda o: f"{o.frames} frames")
    left_out = left_out_of(outcomes)
    phones = write_survey(output, tasks, outcomes, settings.bands, language)
    print(f"{output}: {len(phones)} phones in {len(tasks) - len(left_out)} clips, {len(left_out)} left out{note}")
    raise typer.Exit(1 if left_out else 0)

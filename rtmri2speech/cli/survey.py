"""A corpus at once, phone by phone: survey."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .many import left_out_of, told
from .options import AnalysisOptions, BundleOption, analysis_options
from .terminal import warning


@analysis_options("formant_band", "energy", "method", "resolution", "against", "precision")
def survey(
    clips: Annotated[Path, typer.Argument(metavar="CLIPS", help="Folder of clips, and of folders of clips.")],
    labels: Annotated[Path, typer.Option(help="Folder of TextGrids of the clips' names, in any folders below it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.")],
    asked: AnalysisOptions,
    bundle: BundleOption = None,
    tier: Annotated[
        str | None, typer.Option(help="The TextGrids' tier of phones; default: phones or segments, or the only one.")
    ] = None,
    regions: Annotated[str, typer.Option(help="segmenter, truth (of phantoms) or template.")] = "segmenter",
    language: Annotated[Literal["en", "ja"], typer.Option(help="Of survey.html, the page to look at.")] = "en",
    jobs: Annotated[int, typer.Option(help="Processes on this machine; -1: one a core. Each takes about 1 GB.")] = 1,
):
    """Mean maps and shares of the attribution per phone and region over a corpus, with intervals of confidence over
    clips. What is done already stays; exit code 1: some clips were left out."""
    from ..corpus.survey import Choices, run_survey, tasks_of, write_survey
    from ..models.load import load_bundle

    loaded = load_bundle(bundle)  # says what is wrong with it before any process starts
    settings = asked.settings(loaded)
    choices, note = Choices(settings, regions, tier), warning(loaded)
    tasks = tasks_of(clips, labels, output, bundle)
    outcomes = told(run_survey(tasks, bundle, choices, jobs), len(tasks), lambda o: f"{o.frames} frames")
    left_out = left_out_of(outcomes)
    phones = write_survey(output, tasks, outcomes, settings.bands, language)
    print(f"{output}: {len(phones)} phones in {len(tasks) - len(left_out)} clips, {len(left_out)} left out{note}")
    raise typer.Exit(1 if left_out else 0)

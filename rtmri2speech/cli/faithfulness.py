"""Faithfulness of a clip's maps to the model: faithfulness."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import AnalysisOptions, BundleOption, FpsOption, JsonOption, VideoArgument, analysis_options
from .terminal import print_json, progress_bar, read_clip, warning

if TYPE_CHECKING:
    from ..evaluation.faithfulness import BandFaithfulness, FaithfulnessReport


@analysis_options("formant_band", "method", "resolution", "grid", "against", "precision", "device")
def faithfulness(
    video: VideoArgument,
    asked: AnalysisOptions,
    bundle: BundleOption = None,
    regions: Annotated[
        Literal["segmenter", "truth", "template", "none"],
        typer.Option(help="Source of the regions; the verdict on the whole picture does not depend on it."),
    ] = "segmenter",
    frames: Annotated[int, typer.Option(min=6, help="Largest number of speech frames to test.")] = 24,
    fps: FpsOption = None,
    as_json: JsonOption = False,
):
    """Test the faithfulness of a clip's maps to the model (default: the page's maps, layer-ig).

    Deletion over the whole picture and inside the tract, what the model takes from outside it, occlusion of each
    region, and model randomisation.
    """
    from ..analysis.chunked import analyse_clip
    from ..analysis.region_attribution import SurfaceMasks
    from ..anatomy.sources import regions_of
    from ..evaluation.faithfulness import evaluate_faithfulness
    from ..models.load import load_bundle

    loaded = load_bundle(bundle)
    if asked.method is None and asked.grid is None and asked.against is None:
        asked = replace(asked, method="layer-ig")
    settings = asked.settings(loaded)
    with progress_bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.05))
        part = progress.part(None, 0.05, 0.2)
        result = analyse_clip(loaded, clip, settings=settings, speak=False, progress=part)
        found = None
        if regions != "none":
            found = regions_of(result.model_frames, result.fps, video, regions, progress.part(None, 0.2, 0.3))
        usable = found is not None and found.verdict.usable
        masks = SurfaceMasks(found) if found is not None and usable else None
        report = evaluate_faithfulness(loaded, result, masks, most_frames=frames, progress=progress.part(None, 0.3, 1))
    if as_json:
        origin = {"clip": video.name, "bundle": loaded.name, "bundle_sha256": loaded.sha256}
        print_json(origin | {"regions": found.provenance() if found else None} | report.to_json())
        return
    if found is not None and not usable:
        print(found.verdict.sentence)
    print("\n".join(_lines(report)) + warning(loaded))


def _lines(report: "FaithfulnessReport") -> Iterator[str]:
    yield f"Maps: {report.method}, {report.resolution} x {report.resolution} cells."
    for name, result in report.bands.items():
        yield f"{name}: {result.verdict.upper()}"
        yield from (f"  {sentence}" for sentence in report.sentences(name))
        yield from _figures(result)
        yield ""
    yield report.training_sentence()


def _figures(result: "BandFaithfulness") -> Iterator[str]:
    from ..evaluation.faithfulness import SHARES
    from ..evaluation.faithfulness.report import ORDERS

    curves = [(what, of) for what, of in (("deletion", result.deletion), ("insertion", result.insertion)) if of]
    if curves:
        yield "  change in dB, share of the picture:" + "".join(f"{share:>8.0%}" for share in SHARES)
    for what, of in curves:
        for order in ORDERS:
            values = "".join(f"{db:>+8.2f}" for db in getattr(of, f"{order}_db"))
            yield f"    {what + ', ' + order.replace('_', ' '):<31}{values}"
    for part, kinds in (result.random_weights or {}).items():
        yield f"  random {part:<14} rank correlation {kinds['signed']:+.2f}, of the magnitude {kinds['absolute']:+.2f}"
    if result.regions:
        yield f"  {'region':<14}{'attribution':>13}{'area':>7}{'change dB':>11}{'size dB':>9}{'per 1 % of area':>17}"
        for region, row in sorted(result.regions.items(), key=lambda item: -item[1].attribution_share):
            yield (
                f"  {region:<14}{row.attribution_share:>13.1%}{row.area_share:>7.1%}{row.change_db:>+11.2f}"
                f"{row.size_db:>9.2f}{row.size_db_per_percent:>17.2f}"
            )
        ranks = (("regions", result.rank_of_regions), ("regions and frames", result.rank_of_frames))
        shown = ", ".join(f"over {what} {value:+.2f}" for what, value in ranks if value is not None)
        yield f"  rank correlation of attribution and drop: {shown or '-'}"

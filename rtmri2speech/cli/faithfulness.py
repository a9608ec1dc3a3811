"""Faithfulness of a clip's maps to the model: faithfulness."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import AnalysisOptions, BundleOption, FpsOption, JsonOption, VideoArgument, analysis_options
from .terminal import print_json, progress_bar, read_clip, warning

if TYPE_CHECKING:
    from ..evaluation.faithfulness import BandFaithfulness, FaithfulnessReport


@analysis_options("formant_band", "method", "resolution", "grid", "against", "precision")
def faithfulness(
    video: VideoArgument,
    asked: AnalysisOptions,
    bundle: BundleOption = None,
    regions: Annotated[
        Literal["segmenter", "truth", "template", "none"] | None,
        typer.Option(help="Source of the regions to occlude; default: truth of a phantom, else segmenter."),
    ] = None,
    frames: Annotated[int, typer.Option(min=6, help="Largest number of speech frames to test.")] = 24,
    fps: FpsOption = None,
    as_json: JsonOption = False,
):
    """Test the faithfulness of a clip's maps to the model.

    Deletion and insertion, occlusion of each region, and model randomisation.
    """
    from ..analysis.chunked import analyse_clip
    from ..analysis.region_attribution import RegionMasks
    from ..anatomy.sources import regions_of
    from ..clips.phantom_truth import truth_beside
    from ..evaluation.faithfulness import evaluate_faithfulness
    from ..models.load import load_bundle

    loaded = load_bundle(bundle)
    settings = asked.settings(loaded)
    source = regions or ("truth" if truth_beside(video) else "segmenter")
    with progress_bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.05))
        told = progress.part(None, 0.05, 0.2)
        result = analyse_clip(loaded, clip, settings=settings, speak=False, progress=told)
        found = None
        if source != "none":
            told = progress.part(None, 0.2, 0.3)
            found = regions_of(result.model_frames, result.fps, video, source, told)
        usable = found is not None and found.verdict.usable
        masks = RegionMasks(found) if found is not None and usable else None
        card = evaluate_faithfulness(loaded, result, masks, most_frames=frames, progress=progress.part(None, 0.3, 1))
    if as_json:
        origin = {"clip": video.name, "bundle": loaded.name, "bundle_sha256": loaded.sha256}
        print_json(origin | {"regions": found.provenance() if found else None} | card.to_json())
        return
    if found is not None and not usable:
        print(found.verdict.sentence)
    print("\n".join(_lines(card)) + warning(loaded))


def _lines(card: "FaithfulnessReport") -> Iterator[str]:
    for name, judged in card.bands.items():
        yield f"{name}: {judged.verdict.upper()}. {card.sentence(name)}"
        if caution := card.caution(name):
            yield f"  {caution}"
        if judged.verdict != "untested":
            yield from _figures(judged)
        yield ""
    yield card.training_sentence()


def _figures(judged: "BandFaithfulness") -> Iterator[str]:
    from ..evaluation.faithfulness import SHARES

    low, high = judged.times_interval or (float("nan"), float("nan"))
    right = f"right in {judged.right:.0%} of frames, p {judged.p:.2g}"
    yield f"  {judged.times:.2f} times (95 % interval {low:.2f} to {high:.2f}); {right}"
    yield "  change in dB, share of the area:" + "".join(f"{share:>8.0%}" for share in SHARES)
    for what, curves in (("hidden", judged.hidden), ("revealed", judged.revealed)):
        for order in ("hottest", "random", "coldest"):
            values = "".join(f"{db:>+8.2f}" for db in getattr(curves, f"{order}_db"))
            yield f"    {what + ', ' + order + ' first':<30}{values}"
    for part, kinds in (judged.random_weights or {}).items():
        yield f"  random {part:<14} rank correlation {kinds['signed']:+.2f}, of the magnitude {kinds['absolute']:+.2f}"
    if judged.regions:
        yield f"  {'region':<14}{'heat':>7}{'area':>7}{'change dB':>11}{'size dB':>9}{'per 1 % of area':>17}"
        for region, trust in sorted(judged.regions.items(), key=lambda row: -row[1].heat_share):
            yield (
                f"  {region:<14}{trust.heat_share:>7.1%}{trust.area_share:>7.1%}{trust.change_db:>+11.2f}"
                f"{trust.size_db:>9.2f}{trust.size_db_per_percent:>17.2f}"
            )
        ranks = (("regions", judged.rank_of_regions), ("regions and frames", judged.rank_of_frames))
        told = ", ".join(f"over {what} {value:+.2f}" for what, value in ranks if value is not None)
        yield f"  rank correlation of heat and change: {told or '-'}"

"""Fine-tuning of a bundle on recordings with sound: finetune."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..files import refuse_overwriting_inputs
from .options import BundleOption, DeviceOption, FpsOption, JsonOption
from .terminal import print_json, progress_bar, warning

if TYPE_CHECKING:
    from ..finetuning import Finetuned, Recording
    from ..models.bundle import Bundle


def finetune(
    clips: Annotated[
        list[Path], typer.Argument(metavar="CLIP...", help="Clips with sound, or with a .wav of the same name.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Bundle folder to make.")],
    bundle: BundleOption = None,
    hold_out: Annotated[
        list[Path] | None,
        typer.Option("--hold-out", metavar="CLIP", help="Held-out clip, repeatable; default: the last fifth."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Largest number of steps; early stopping by the held-out error.")] = 200,
    cnn: Annotated[bool, typer.Option("--cnn", help="Then train the CNN, too: minutes in place of seconds.")] = False,
    shift_ms: Annotated[float, typer.Option("--shift-ms", help="Delay of the sound after the pictures, ms.")] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bundle on the same machine.")] = 0,
    fps: FpsOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
):
    """Fine-tune a bundle on your own recordings with sound.

    The CNN is frozen (without --cnn), the temporal model is trained, in seconds. Scores are on held-out recordings,
    before and after. Exit code 1: nothing was gained, and nothing is written.
    """
    from ..evaluation.speech_quality import read_with_sound
    from ..finetuning import FinetuneSettings, prepare, split
    from ..finetuning import finetune as tuned_on
    from ..finetuning.card import card_of
    from ..finetuning.recordings import speakers_beside
    from ..finetuning.tuning import CNN_STEPS
    from ..models.load import load_bundle
    from ..names import same_name

    paths = [*clips, *(hold_out or ())]
    refuse_overwriting_inputs([output], [*paths, bundle])
    settings, speakers = (
        FinetuneSettings(steps=steps, seed=seed, cnn_steps=CNN_STEPS if cnn else 0),
        speakers_beside(paths),
    )
    loaded = load_bundle(bundle)
    with progress_bar() as progress:
        edges = [0.5 * k / len(paths) for k in range(len(paths) + 1)]
        recordings = []
        for path, first, last in zip(paths, edges, edges[1:], strict=False):
            clip = read_with_sound(path, progress.part(None, first, first), fps=fps)
            speaker = speakers.get(same_name(path.stem), "")
            part = progress.part("features", first, last)
            recordings.append(prepare(loaded, clip, path.stem, shift_ms, speaker, part))
        learnt, held_out = split(recordings, [path.stem for path in hold_out or ()])
        made = tuned_on(loaded, learnt, held_out, settings, progress.part(None, 0.5, 0.9))
        verdicts = _verdicts(loaded, made, held_out[0]) if made.better else None
    report = made.to_json() | {
        "from": loaded.name,
        "bundle": str(output) if made.better else None,
        "verdicts": verdicts,
    }
    if made.better:
        made.bundle.save(output, half=loaded.stored_as_half, card=card_of(made, loaded, verdicts))
    if as_json:
        print_json(report)
    else:
        print(_summary(made, output, loaded))
    raise typer.Exit(0 if made.better else 1)


def _verdicts(before: "Bundle", made: "Finetuned", recording: "Recording") -> dict[str, tuple[str, str]]:
    """Band -> verdict on its maps of a held-out recording, by the initial and by the fine-tuned bundle."""
    from ..analysis.pipeline import analyse
    from ..analysis.region_attribution import SurfaceMasks
    from ..anatomy.sources import regions_of
    from ..evaluation.faithfulness import evaluate_faithfulness

    clip, regions, found = recording.analysis.clip, None, []
    for bundle in (before, made.bundle):
        analysis = analyse(bundle, clip, method="layer-ig", speak=False)
        regions = regions or regions_of(analysis.model_frames, analysis.fps)
        masks = SurfaceMasks(regions) if regions.verdict.usable else None
        report = evaluate_faithfulness(bundle, analysis, masks)
        found.append({name: band.verdict for name, band in report.bands.items()})
    return {name: (found[0][name], found[1][name]) for name in found[0]}


def _summary(made: "Finetuned", output: Path, before: "Bundle") -> str:
    from ..finetuning.card import table_of

    count, seconds = made.learnt
    if not made.better:
        return (
            f"Nothing was gained on the recordings held out by learning from {count} ({seconds:.1f} s): "
            f"the bundle {before.name} stays as it is, and nothing is written."
        )
    return f"{output}: {count} recordings, {seconds:.1f} s, {made.best_step} steps{warning(before)}\n{table_of(made)}"

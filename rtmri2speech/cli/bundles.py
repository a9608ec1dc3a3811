"""Description of clips and bundles, conversion of checkpoints, adaptation to a scanner: info, convert, adapt."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..files import refuse_overwriting_inputs
from .options import BundleOption, DeviceOption, FpsOption, JsonOption
from .terminal import print_json, progress_bar, read_clip, tell, warning


def info(
    path: Annotated[Path, typer.Argument(metavar="VIDEO|BUNDLE", help="A clip or a bundle folder.")],
    fps: FpsOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
):
    """Describe a clip or a bundle."""
    from .describe import describe_bundle, describe_clip

    if (path / "bundle.json").is_file():
        from ..models.load import load_bundle

        report = describe_bundle(load_bundle(path))
    else:
        with progress_bar() as progress:
            report = describe_clip(read_clip(path, fps=fps, progress=progress))
    if as_json:
        print_json(report)
    else:
        for name, value in report.items():
            print(f"{name.replace('_', ' '):<20} {json.dumps(value, ensure_ascii=False).strip(chr(34))}")


def convert(
    acoustic: Annotated[Path, typer.Option(help="The thesis' acoustic checkpoint (.pt).")],
    scaler: Annotated[Path, typer.Option(help="scaler.json of its training data.")],
    vocoder: Annotated[Path, typer.Option(help="HiFi-GAN generator (g_########).")],
    vocoder_config: Annotated[Path, typer.Option(help="config.json of the vocoder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Bundle folder to make.")],
    vocoder_input: Annotated[
        str | None,
        typer.Option(help="ln_power (thesis) or ln_magnitude (HiFi-GAN's own code); default: by the file's layout."),
    ] = None,
    vocoder_layout: Annotated[
        Literal["hifigan", "thesis"] | None,
        typer.Option(help="The generator's layout, needed only if its weight norm was removed."),
    ] = None,
    layout: Annotated[
        Literal["thesis", "centred"], typer.Option(help="Framing of the mels that the checkpoint was trained on.")
    ] = "thesis",
    half: Annotated[bool, typer.Option("--half", help="Store the weights as float16.")] = False,
):
    """Convert the thesis' and HiFi-GAN's checkpoints to a bundle."""
    from ..models.convert import THESIS_MEL
    from ..models.convert import convert as made_from

    refuse_overwriting_inputs([output], [acoustic, scaler, vocoder, vocoder_config])
    mel = replace(THESIS_MEL, layout=layout)
    made = made_from(
        acoustic,
        scaler,
        vocoder,
        vocoder_config,
        mel=mel,
        vocoder_input=vocoder_input,
        vocoder_layout=vocoder_layout,
        name=output.name,
    )
    made.save(output, half=half)
    if other := made.training.get("vocoder_config_tells"):
        tell(
            f"{vocoder_config} tells another mel than the acoustic model's ({'; '.join(other)}): unless the vocoder "
            "was fine-tuned on the model's, its speech is wrong."
        )
    shape = made.vocoder.to_json()
    print(f"{output}: bundle {made.name}, vocoder of layout {shape['layout']}, input {shape['input']}")


def adapt(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP...", help="Clips of the new scanner; sound is ignored.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Bundle folder to make.")],
    bundle: BundleOption = None,
    share: Annotated[float, typer.Option(help="Weight of the clips' statistics, above 0 to 1.")] = 1.0,
    fps: FpsOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
):
    """Adapt a bundle to an unseen scanner.

    The CNN's BatchNorm statistics are recomputed from these clips; no weight changes.
    """
    from ..analysis.domain_adaptation import adapt as fitted_to
    from ..models.load import load_bundle

    refuse_overwriting_inputs([output], [*clips, bundle])
    loaded = load_bundle(bundle)
    with progress_bar() as progress:
        edges = [0.3 * k / len(clips) for k in range(len(clips) + 1)]
        parts = [progress.part(None, a, b) for a, b in zip(edges, edges[1:], strict=False)]
        read = [read_clip(path, fps=fps, progress=part) for path, part in zip(clips, parts, strict=True)]
        made, record = fitted_to(loaded, read, share, progress.part(None, 0.3, 1))
    made.save(output, half=loaded.stored_as_half)
    if as_json:
        print_json(record.to_json() | {"bundle": str(output), "from": loaded.name})
        return
    print(
        f"{output}: {record.layers} layers fitted to {record.frames} frames of {len(clips)} clips; means moved by "
        f"{record.mean_shift:.2f} deviations, their deviations by a factor of {record.spread:.2f}{warning(loaded)}"
    )

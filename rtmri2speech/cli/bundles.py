"""What clips and bundles are, and bundles of old checkpoints: info, convert."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..atomic import never_onto
from .options import FpsOption, JsonOption
from .terminal import print_json, progress_bar


def info(
    path: Annotated[Path, typer.Argument(metavar="VIDEO|BUNDLE", help="A clip or a bundle folder.")],
    fps: FpsOption = None,
    as_json: JsonOption = False,
):
    """Say what a clip or a bundle is."""
    from ..describe import describe_bundle, describe_clip

    if (path / "bundle.json").is_file():
        from ..models.load import load_bundle

        report = describe_bundle(load_bundle(path))
    else:
        from ..clip import read_clip

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
        typer.Option(help="ln_power (thesis) or ln_magnitude (HiFi-GAN's own code); default: by the kind of file."),
    ] = None,
    vocoder_layout: Annotated[
        Literal["hifigan", "thesis"] | None,
        typer.Option(help="Whose generator it is, where its weight norm was removed; other files show it."),
    ] = None,
    layout: Annotated[
        Literal["thesis", "centred"], typer.Option(help="Framing of the mels that the checkpoint was trained on.")
    ] = "thesis",
    half: Annotated[bool, typer.Option("--half", help="Store the weights as float16.")] = False,
):
    """Turn checkpoints of the thesis' code and of HiFi-GAN into a bundle."""
    from ..models.convert import THESIS_MEL
    from ..models.convert import convert as made_from

    never_onto([output], [acoustic, scaler, vocoder, vocoder_config])
    mel = replace(THESIS_MEL, layout=layout)
    how = {"mel": mel, "vocoder_input": vocoder_input, "vocoder_layout": vocoder_layout, "name": output.name}
    made = made_from(acoustic, scaler, vocoder, vocoder_config, **how)
    made.save(output, half=half)
    print(f"{output}: bundle {made.name}, vocoder of layout {made.vocoder.config.layout}, input {made.vocoder_input}")

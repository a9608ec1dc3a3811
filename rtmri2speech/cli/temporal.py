"""Temporal attribution of a band: temporal."""

from typing import Annotated

import typer

from ..errors import InputError
from ..files import refuse_overwriting_inputs
from .options import BundleOption, DeviceOption, FpsOption, JsonOption, OutFile, VideoArgument
from .terminal import print_json, progress_bar, read_clip, warning


def temporal(
    video: VideoArgument,
    output: OutFile,
    bundle: BundleOption = None,
    formant_band: Annotated[
        str, typer.Option("--formant-band", "--target", help="NAME:LOW-HIGH in Hz, loudness or tilt.")
    ] = "F2:900-2500",
    fps: FpsOption = None,
    device: DeviceOption = "auto",
    json: JsonOption = False,
):
    """Write each frame's contribution to each frame's energy.

    Temporal attribution by gradient x input.
    By the output's suffix: .npy: contributions float32 (T, T) in dB (of tilt: per octave), row: frame of the sound,
    column: frame of the picture; .png, .svg or .pdf: figure of their shares.
    """
    import numpy as np

    from ..analysis.pipeline import view_of
    from ..attribution.temporal import temporal_attribution
    from ..clips.frame_rate import retime
    from ..files import atomic_write
    from ..models.load import load_bundle
    from ..render.figure_size import FORMATS
    from ..render.temporal import temporal_figure
    from ..spec import Band

    refuse_overwriting_inputs([output], [video, bundle])
    kind = output.suffix.lower()[1:]
    if kind not in ("npy", *FORMATS):
        raise InputError(
            "The output is a file of {known}, not {output}.", known=", ".join(("npy", *FORMATS)), output=output
        )
    band, loaded = Band.parse(formant_band), load_bundle(bundle)
    with progress_bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.1))
        view = view_of(loaded, retime(clip, loaded.fps))
        made = temporal_attribution(loaded, clip, band, progress.part(None, 0.1, 1), view)
    if kind == "npy":
        with atomic_write(output) as temporary, temporary.open("wb") as file:
            np.save(file, made.contributions)
    else:
        temporal_figure(output, made)
    speech = np.flatnonzero(~made.silent)
    if json:
        lags = made.by_lag(10) if len(speech) else None
        print_json(
            {"band": band.to_json(), "frames": len(made.silent), "speech_frames": len(speech)}
            | ({"mean": made.parts(speech), "share_by_lag_-10_to_10": lags.tolist()} if lags is not None else {})
        )
    elif len(speech):
        print(f"{output}: {band.label} in speech comes {made.told(speech)}{warning(loaded)}")
    else:
        print(f"{output}: nobody speaks in this clip{warning(loaded)}")

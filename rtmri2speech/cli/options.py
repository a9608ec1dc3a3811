"""Arguments and options shared by commands."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand

from ..attribution.methods import DEFAULT_METHOD, METHODS, method_of_grid
from ..errors import InputError

if TYPE_CHECKING:
    from ..analysis.settings import AnalysisSettings
    from ..models.bundle import Bundle

VideoArgument = Annotated[
    Path,
    typer.Argument(
        metavar="VIDEO",
        help="A video, a folder of numbered frames, .npy, .npz, DICOM, .nii, .mat or .h5.",
    ),
]
BundleOption = Annotated[
    Path | None, typer.Option("--bundle", help="Bundle folder, or an embedded one's name; default: phantom.")
]
FpsOption = Annotated[float | None, typer.Option("--fps", help="Frame rate, for files without one or to replace it.")]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="fp32 (reproducible), bf16, or auto (bf16 where the hardware has it).")
]
PitchOption = Annotated[str | None, typer.Option(help="Mean F0: 120 (Hz), or -3st relative to the predicted level.")]
IntonationOption = Annotated[
    str | None, typer.Option(help="F0 contour: declining, flat, or original (of the clip's own sound).")
]
WhisperOption = Annotated[bool, typer.Option("--whisper", help="Whispered: no F0.")]
FitOption = Annotated[bool, typer.Option("--fit", help="Adapt the bundle to this clip's pictures first, as adapt.")]
OutFile = Annotated[Path, typer.Option("-o", "--output", help="File to write.")]
SilenceOption = Annotated[str, typer.Option("--silence", help="hide or show the heatmaps of silent frames.")]
MethodOption = Annotated[
    str | None,
    typer.Option("--method", help=f"Attribution method: {', '.join(METHODS)}; default: {DEFAULT_METHOD}."),
]
ResolutionOption = Annotated[
    int | None,
    typer.Option("--resolution", help="Cells along a side of the maps: 8, 16 or 32; default: the method's."),
]
# Deprecated.
GridOption = Annotated[int | None, typer.Option("--grid", hidden=True, help="Use --method and --resolution.")]
AgainstOption = Annotated[str | None, typer.Option("--against", hidden=True, help="Use --method.")]
ObjectiveOption = Annotated[
    str, typer.Option("--objective", help="frame: each frame's own energy. sequence: its mean over the clip.")
]
EnergyOption = Annotated[
    str, typer.Option("--energy", help="Target: the band's energy in db or power, or hz, its spectral centroid.")
]
NormalizeOption = Annotated[str, typer.Option("--normalize", help="Scale of the heatmaps: one per clip or per frame.")]
AlphaOption = Annotated[float, typer.Option("--alpha", help="Opacity of the most salient pixels, 0 to 1.")]
ColourOption = Annotated[
    list[str] | None, typer.Option("--colour-map", help="Matplotlib colour map, one per band (jet is the thesis').")
]
BandsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--formant-band",
        "--target",
        metavar="TARGET",
        help="Target of the maps, repeatable; default: F1:300-900 and F2:900-2500. Band, Hz: NAME:LOW-HIGH. "
        "Time-frequency region, s: NAME:LOW-HIGH@FROM-TO. Contrast with a reference interval: "
        "NAME:LOW-HIGH@FROM-TO~FROM-TO. Whole spectrum: loudness (dB) or tilt (dB per octave). Formant-tracking band, "
        "half-width in Hz: NAME:formant2+-200, of the synthesised speech; NAME:formant2/original, of the reference "
        "speech; NAME:formant2/truth, of a phantom.",
    ),
]
SizeOption = Annotated[
    tuple[int, int], typer.Option("--resize", metavar="WIDTH HEIGHT", help="Size of the video; frames are padded.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


class ManyFrames(TyperCommand):
    """Accepts several numbers after --target-frames: --target-frames 60 90."""

    def parse_args(self, ctx, args):
        expanded, taking = [], False
        for arg in args:
            if taking and arg.isdigit():
                if expanded[-1] != "--target-frames":
                    expanded.append("--target-frames")
                expanded.append(arg)
            else:
                taking = arg == "--target-frames"
                expanded.append(arg)
        return super().parse_args(ctx, expanded)


def settings_asked(
    bundle: "Bundle",
    targets: list[str] | None,
    method: str | None,
    resolution: int | None,
    grid: int | None = None,
    against: str | None = None,
    **choices,
) -> "AnalysisSettings":
    """The settings of a command's options. targets: as of --target; None: F1 and F2.

    grid, against: deprecated options. choices: other fields of AnalysisSettings. Raises InputError for an invalid
    option.
    """
    from ..analysis.settings import settings_of
    from ..spec import Band

    if grid is not None or against is not None:
        if method is not None or resolution is not None:
            raise InputError("--method and --resolution stand in for --grid and --against: leave those out.")
        method, resolution = method_of_grid(grid, against or "nothing", bundle.acoustic, bundle.frames.size)
    bands = [Band.parse(text) for text in targets] if targets else None
    return settings_of(bands, method=method or DEFAULT_METHOD, resolution=resolution, **choices)

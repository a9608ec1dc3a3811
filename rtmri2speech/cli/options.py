"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

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
FpsOption = Annotated[
    float | None, typer.Option("--fps", help="Frame rate, where the file does not tell it, or in its place.")
]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="fp32 (the same everywhere), bf16, or auto (bf16 where the hardware has it).")
]
PitchOption = Annotated[str | None, typer.Option(help="Mean F0: 120 (Hz), or -3st from the one that fits.")]
IntonationOption = Annotated[str | None, typer.Option(help="declining, flat, or original: F0 of the clip's own sound.")]
WhisperOption = Annotated[bool, typer.Option("--whisper", help="Without a voice.")]
FitOption = Annotated[bool, typer.Option("--fit", help="Fit the bundle to this clip's pictures first, as adapt does.")]
OutFile = Annotated[Path, typer.Option("-o", "--output", help="File to write.")]
SilenceOption = Annotated[
    str, typer.Option("--silence", help="hide or show the heatmaps of frames in which the model is silent.")
]
GridOption = Annotated[
    int | None, typer.Option("--grid", help="Cells along a side of the maps: 8, 16 or 32; finer ones take longer.")
]
AgainstOption = Annotated[
    str,
    typer.Option(
        "--against", help="blur: heat is what shapes add that a blurred frame lacks. nothing: plain Grad-CAM, HiResCAM."
    ),
]
AlphaOption = Annotated[float, typer.Option("--alpha", help="Opacity of the hottest pixels, 0 to 1.")]
ColourOption = Annotated[
    list[str] | None, typer.Option("--colour-map", help="Matplotlib colour map, one per band (jet is the thesis').")
]
BandsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--formant-band",
        "--target",
        metavar="TARGET",
        help="What is explained, repeatable; default F1:300-900 and F2:900-2500. A band: NAME:LOW-HIGH in Hz. A box, "
        "in seconds: NAME:LOW-HIGH@FROM-TO. What sets it apart from another stretch: NAME:LOW-HIGH@FROM-TO~FROM-TO. "
        "Of the whole spectrum: loudness (dB) or tilt (dB per octave). A formant, followed frame by frame, in Hz on "
        "either side: NAME:formant2+-200, of the synthesised speech; NAME:formant2/original, or /truth of a phantom.",
    ),
]
SizeOption = Annotated[
    tuple[int, int], typer.Option("--resize", metavar="WIDTH HEIGHT", help="Size of the video; nothing is stretched.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


class ManyFrames(TyperCommand):
    """Lets --target-frames take several numbers at once: --target-frames 60 90."""

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

"""Arguments and options shared by commands."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand

from ..attribution.methods import DEFAULT_METHOD, METHODS, method_of_grid
from ..errors import InputError

if TYPE_CHECKING:
    from ..analysis.settings import AnalysisSettings
    from ..models.bundle import Bundle
    from ..spec import Band
    from ..speech.voice import Voice

VideoArgument = Annotated[
    Path,
    typer.Argument(
        metavar="VIDEO",
        help="A video, a folder of numbered frames, .npy, .npz, DICOM, .nii, .mat or .h5.",
    ),
]
BundleOption = Annotated[
    Path | None, typer.Option("--bundle", help="Bundle folder, or an embedded one's name; default: tract.")
]
FpsOption = Annotated[float | None, typer.Option("--fps", help="Frame rate, for files without one or to replace it.")]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="fp32 (reproducible), bf16, or auto (bf16 where the hardware has it).")
]
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="DEVICE",
        callback=lambda asked: _use_device(asked),
        help="Device of the networks: cpu, cuda, cuda:1, mps, or auto (a CUDA GPU if there is one, else the CPU).",
    ),
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


def _use_device(asked: str) -> str:
    if asked != "auto":
        from ..models.device import use_device

        use_device(asked)
    return asked


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


@dataclass(frozen=True)
class AnalysisOptions:
    """A command's options of its analysis; see `analysis_options`.

    grid, against: deprecated options.
    """

    formant_band: BandsOption = None
    objective: ObjectiveOption = "frame"
    energy: EnergyOption = "db"
    normalize: NormalizeOption = "clip"
    silence: SilenceOption = "hide"
    method: MethodOption = None
    resolution: ResolutionOption = None
    grid: GridOption = None
    against: AgainstOption = None
    precision: PrecisionOption = "fp32"
    device: DeviceOption = "auto"

    @property
    def bands(self) -> list["Band"] | None:
        """None: F1 and F2. Raises InputError for an invalid target."""
        from ..spec import Band

        return [Band.parse(text) for text in self.formant_band] if self.formant_band else None

    def settings(self, bundle: "Bundle", voice: "Voice | None" = None) -> "AnalysisSettings":
        """The settings of the options. Raises InputError for an invalid option."""
        from ..analysis.settings import settings_of

        method, resolution = self.method, self.resolution
        if self.grid is not None or self.against is not None:
            if method is not None or resolution is not None:
                raise InputError("--method and --resolution stand in for --grid and --against: leave those out.")
            shape = bundle.acoustic, bundle.frames.size
            method, resolution = method_of_grid(self.grid, self.against or "nothing", *shape)
        kept = {name: getattr(self, name) for name in ("objective", "energy", "normalize", "silence", "precision")}
        return settings_of(self.bands, method=method or DEFAULT_METHOD, resolution=resolution, voice=voice, **kept)


ANALYSIS = tuple(signature(AnalysisOptions).parameters)


def analysis_options(*names: str) -> Callable[[Callable], Callable]:
    """Decorate a command whose parameter `asked` holds the AnalysisOptions of these names."""

    def decorate(command: Callable) -> Callable:
        parameters = list(signature(command).parameters.values())
        place = [parameter.name for parameter in parameters].index("asked")
        shared = signature(AnalysisOptions).parameters
        parameters[place : place + 1] = [shared[name] for name in names]

        @wraps(command)
        def with_options(**given):
            asked = AnalysisOptions(**{name: given.pop(name) for name in names})
            return command(asked=asked, **given)

        with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return with_options

    return decorate

"""Attribution maps of a clip, and their exports: gradcam, export, segment."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..attribution.methods import DEFAULT_METHOD
from ..errors import InputError
from ..files import refuse_overwriting_inputs
from .options import (
    ANALYSIS,
    AlphaOption,
    AnalysisOptions,
    BundleOption,
    ColourOption,
    FitOption,
    FpsOption,
    IntonationOption,
    OutFile,
    PitchOption,
    VideoArgument,
    WhisperOption,
    analysis_options,
)
from .terminal import progress_bar, read_clip, tell_of_letters, warning

if TYPE_CHECKING:
    from ..analysis.result import Analysis


@analysis_options(*ANALYSIS)
def gradcam(
    video: VideoArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.")],
    asked: AnalysisOptions,
    bundle: BundleOption = None,
    target_frames: Annotated[
        list[int] | None, typer.Option("--target-frames", metavar="N ...", help="Frames to draw as PNG: 60 90.")
    ] = None,
    thesis: Annotated[
        bool,
        typer.Option(
            "--thesis",
            help="The thesis' maps: Grad-CAM, objective sequence, energy power, normalize frame, silence show; "
            "linear upsampling.",
        ),
    ] = False,
    per: Annotated[
        Literal["model", "clip"],
        typer.Option(help="One heatmap per frame of the model (27.17 a second) or of the clip."),
    ] = "model",
    alpha: AlphaOption = 0.7,
    colour_map: ColourOption = None,
    dpi: Annotated[int, typer.Option(min=50, max=600, help="Resolution of the PNG figures.")] = 150,
    fps: FpsOption = None,
):
    """Write each band's heatmaps and figures.

    .npy of every frame, .png of their average and of target frames.
    """
    from ..analysis.chunked import analyse_clip
    from ..export.grad_cam_files import FigureOptions, gradcam_files, write_gradcam
    from ..models.load import load_bundle
    from ..spec import DEFAULT_BANDS

    if thesis:
        maps: dict[str, Any] = {"method": DEFAULT_METHOD, "resolution": None, "grid": None, "against": None}
        asked = replace(asked, objective="sequence", energy="power", normalize="frame", silence="show", **maps)
    bands = asked.bands or DEFAULT_BANDS
    drawing = FigureOptions(tuple(target_frames or ()), alpha, tuple(colour_map or ()), dpi, as_thesis=thesis)
    drawing.colour_map_of_each(bands)  # raises before the clip is analysed
    refuse_overwriting_inputs(gradcam_files(output, bands, drawing.target_frames), [video, bundle])
    loaded = load_bundle(bundle)
    settings = asked.settings(loaded)
    with progress_bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.1))
        told = progress.part(None, 0.1, 0.7)
        result = analyse_clip(loaded, clip, settings=settings, speak=False, progress=told)
        count = write_gradcam(output, result, loaded, drawing, per, progress.part(None, 0.7, 1))
    print(
        f"{output}: {count} heatmaps of {', '.join(band.label for band in bands)}{_followed(result)}{warning(loaded)}"
    )


def _followed(result: "Analysis") -> str:
    """A sentence for each formant-tracking band: in how many frames its formant was measured."""
    told = ""
    for name, track_hz in result.tracked_hz.items():
        there = sum(hz == hz for hz in track_hz)
        told += f"\n{name}: its formant was measured in {there} of {len(track_hz)} frames; the others have no map"
    return told


@analysis_options(*ANALYSIS)
def export(
    video: VideoArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Zip to write.")],
    asked: AnalysisOptions,
    bundle: BundleOption = None,
    regions: Annotated[
        str, typer.Option(help="Source of the regions: segmenter, truth (of a phantom) or template.")
    ] = "segmenter",
    corrections: Annotated[Path | None, typer.Option(help="Corrected regions (.json), of an earlier export.")] = None,
    stretch: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="FIRST LAST", help="Interval in frames, both included; default: all."),
    ] = None,
    frame: Annotated[int, typer.Option(help="Frame of the single-frame figure.")] = 0,
    layout: Annotated[str, typer.Option(help="Video layout: overlay, side-by-side, bands or heatmap.")] = "overlay",
    side: Annotated[int, typer.Option(help="Height of the video in pixels.")] = 512,
    slow: Annotated[float, typer.Option(help="Slow-motion factor, 1 to 10; the pitch is kept.")] = 1.0,
    sound: Annotated[str, typer.Option(help="Sound of the video: synthesised, original or none.")] = "synthesised",
    alpha: AlphaOption = 0.7,
    colour_map: ColourOption = None,
    combine: Annotated[str, typer.Option(help="Combination of bands in a pixel: max or mean.")] = "max",
    reference: Annotated[Path | None, typer.Option(help="Sound file of the reference speech.")] = None,
    reference_later: Annotated[
        float, typer.Option(metavar="MS", help="Delay of the reference speech after the pictures.")
    ] = 0.0,
    language: Annotated[str, typer.Option(help="Language of captions and figures: en or ja.")] = "en",
    show: Annotated[
        list[str] | None,
        typer.Option(help="Add to the video, repeatable: outlines (of regions), labels, spectrogram."),
    ] = None,
    figures: Annotated[list[str] | None, typer.Option(help="Formats of figures, repeatable: png, svg, pdf.")] = None,
    width_cm: Annotated[float | None, typer.Option(help="Width of figures; default: by their content.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Add the faithfulness report (trust.json).")] = False,
    reach: Annotated[bool, typer.Option("--reach", help="Add temporal attribution of each band.")] = False,
    pitch: PitchOption = None,
    intonation: IntonationOption = None,
    whisper: WhisperOption = False,
    fit: FitOption = False,
    fps: FpsOption = None,
):
    """Write videos, figures, traces and speech into one zip."""
    from ..analysis.chunked import analyse_clip
    from ..analysis.domain_adaptation import adapt
    from ..analysis.reference import earlier
    from ..anatomy.corrections import corrected, read_corrections
    from ..anatomy.sources import regions_of
    from ..export.writer import ExportOptions, ExportSource, write_zip
    from ..labels.textgrid import labels_of
    from ..models.load import load_bundle
    from ..speech.audio import read_audio
    from ..speech.voice import asked_voice

    refuse_overwriting_inputs([output], [video, labels_of(video), reference, bundle, corrections])
    if reference_later and not reference:
        raise InputError("--reference-later moves the sound given as --reference: give both.")
    colours = tuple(colour_map) if colour_map else None
    voice = asked_voice(pitch, intonation, whisper)
    look = ExportOptions(
        *(None, colours, alpha, combine, layout, side, sound, slow, stretch, language),
        show=tuple(show or ()),
        figures=tuple(figures or ("png",)),
        width_cm=width_cm,
    )
    original = earlier(read_audio(reference), reference_later / 1000) if reference else None
    changes = read_corrections(corrections) if corrections else ()
    loaded = load_bundle(bundle)
    with progress_bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.05))
        if fit:
            loaded, _ = adapt(loaded, [clip])
        settings, told = asked.settings(loaded, voice), progress.part(None, 0.05, 0.4)
        result = analyse_clip(loaded, clip, settings=settings, original=original, progress=told)
        found = regions_of(result.model_frames, result.fps, video, regions, progress.part(None, 0.4, 0.5))
        regions_shown, moved = corrected(found, changes), reference_later
        tell_of_letters(language, video.stem)
        subject = ExportSource(video.stem, result, regions_shown, loaded, video, original, reference, moved)
        write_zip(output, subject, look, frame, progress.part(None, 0.5, 1), trust=trust, reach=reach)
    print(f"{output}: everything of {video.name}{_followed(result)}{warning(loaded)}")


def segment(
    sequence: Annotated[Path, typer.Argument(metavar="SEQ.npy", help="A heatmap sequence (T, H, W).")],
    from_s: Annotated[float, typer.Option("--from", help="Start, s.")],
    to_s: Annotated[float, typer.Option("--to", help="End, s.")],
    output: OutFile,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second; default: from the sequence's .json, or 27.1738.")
    ] = None,
):
    """Cut an interval out of a heatmap sequence."""
    from ..export.heatmap_files import files_of, read_sequence

    refuse_overwriting_inputs(files_of(output), files_of(sequence))
    part = read_sequence(sequence, fps).cut(from_s, to_s)
    part.write(output)
    print(f"{output}: {len(part)} frames from frame {part.start_frame} on")

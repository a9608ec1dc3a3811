"""The command line: python -m rtmri2speech COMMAND --help

Bad input ends with exit code 2 and one line on stderr. Heavy packages are imported inside the commands, so that --help
answers at once.
"""

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from .atomic import never_onto
from .errors import InputError


class _ManyFrames(TyperCommand):
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


app = typer.Typer(
    name="rtmri2speech",
    help="From a real-time MRI clip of a speaking vocal tract to speech, and to what drove each formant band.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

VideoArgument = Annotated[
    Path, typer.Argument(metavar="VIDEO", help="A video, a folder of numbered frames, or a .npy/.npz array (T, H, W).")
]
BundleOption = Annotated[Path | None, typer.Option("--bundle", help="Bundle folder; default: the embedded one.")]
FpsOption = Annotated[
    float | None, typer.Option("--fps", help="Frame rate of a folder of frames or an array; else from the file.")
]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="auto (bf16 where the hardware has it), fp32 or bf16.")
]
OutFile = Annotated[Path, typer.Option("-o", "--output", help="File to write.")]
SilenceOption = Annotated[
    str, typer.Option("--silence", help="hide or show the heatmaps of frames in which the model is silent.")
]
AlphaOption = Annotated[float, typer.Option("--alpha", help="Opacity of the hottest pixels, 0 to 1.")]
ColourOption = Annotated[
    list[str] | None, typer.Option("--colour-map", help="Matplotlib colour map, one per band (jet is the thesis').")
]
SizeOption = Annotated[
    tuple[int, int], typer.Option("--resize", metavar="WIDTH HEIGHT", help="Size of the video; nothing is stretched.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


@app.command()
def synth(
    video: VideoArgument,
    output: OutFile,
    bundle: BundleOption = None,
    mel: Annotated[Path | None, typer.Option("--mel", help="Also write the dB mel (T, 64) as .npy.")] = None,
    pitch: Annotated[str | None, typer.Option(help="Mean F0: 120 (Hz), or -3st from the one that fits.")] = None,
    intonation: Annotated[
        str | None, typer.Option(help="declining, flat, or original: F0 of the clip's own sound.")
    ] = None,
    whisper: Annotated[bool, typer.Option("--whisper", help="Without a voice.")] = False,
    fps: FpsOption = None,
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
):
    """Synthesise the speech of a clip. Pitch and intonation are for bundles that carry a voice; they are a choice."""
    from .analysis import analyse
    from .audio import write_audio
    from .clip import read_clip
    from .models.load import load_bundle
    from .voice import asked_voice

    never_onto([output, mel], [video, bundle])
    voice = asked_voice(pitch, intonation, whisper)
    loaded = load_bundle(bundle)
    with _bar() as progress:
        start = time.perf_counter()
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.1))
        decode_s = time.perf_counter() - start
        how = {"precision": precision, "voice": voice, "progress": progress.part(None, 0.1, 1)}
        result = analyse(loaded, clip, bands=(), **how)
        total_s = time.perf_counter() - start
    write_audio(output, result.audio, result.sample_rate)
    if mel:
        _save_array(mel, result.mel_db)
    if as_json:
        report = {
            "frames": len(result.mel_db),
            "fps": result.fps,
            "duration_s": clip.duration,
            "clip_frames": len(clip.frames),
            "clip_fps": clip.fps,
            "bundle": loaded.name,
            "bundle_kind": loaded.kind,
            "precision": result.precision,
            "seconds": {
                "decode": decode_s,
                "acoustic": result.seconds["acoustic"],
                "vocoder": result.seconds["vocoder"],
                "total": total_s,
            },
            "realtime_factor": total_s / clip.duration,
            "peak_memory_mb": _peak_memory_mb(),
        }
        _print(report)
    else:
        print(f"{output}: {clip.duration:.2f} s of speech in {total_s:.2f} s{_warning(loaded)}")


@app.command(cls=_ManyFrames)
def gradcam(
    video: VideoArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.")],
    bundle: BundleOption = None,
    formant_band: Annotated[
        list[str] | None, typer.Option(help="NAME:LOW-HIGH in Hz, repeatable; default F1:300-900 and F2:900-2500.")
    ] = None,
    target_frames: Annotated[
        list[int] | None, typer.Option("--target-frames", metavar="N ...", help="Frames to draw as PNG: 60 90.")
    ] = None,
    objective: Annotated[
        str, typer.Option(help="frame: each frame's own energy. sequence: its mean over the clip.")
    ] = "frame",
    energy: Annotated[str, typer.Option(help="db or power.")] = "db",
    normalize: Annotated[str, typer.Option(help="Scale of the heatmaps: one per clip or per frame.")] = "clip",
    silence: SilenceOption = "hide",
    thesis: Annotated[
        bool,
        typer.Option(
            "--thesis", help="The thesis' maps: objective sequence, energy power, normalize frame, silence show."
        ),
    ] = False,
    per: Annotated[
        str, typer.Option(help="One heatmap per model frame (27.17 a second) or per frame of the clip: model or clip.")
    ] = "model",
    alpha: AlphaOption = 0.7,
    colour_map: ColourOption = None,
    dpi: Annotated[int, typer.Option(min=50, max=600, help="Of the PNG figures.")] = 150,
    fps: FpsOption = None,
    precision: PrecisionOption = "auto",
):
    """Write the Grad-CAM heatmaps of each band: every frame (.npy), their average and chosen frames (.png)."""
    import numpy as np

    from .analysis import analyse
    from .atomic import filling
    from .clip import read_clip
    from .models.load import load_bundle
    from .render.figures import average_figure, frame_figure
    from .sequence import sequence_record, write_record, write_sequence
    from .spec import DEFAULT_BANDS, Band

    if thesis:
        objective, energy, normalize, silence = "sequence", "power", "frame", "show"
    if per not in ("model", "clip"):
        raise InputError("--per is model or clip, not {per!r}.", per=per)
    bands = [Band.parse(text) for text in formant_band] if formant_band else DEFAULT_BANDS
    colours = colour_map * len(bands) if colour_map and len(colour_map) == 1 else colour_map
    if colours and len(colours) != len(bands):
        raise InputError(
            "Give one colour map for all bands or one for each of the {count}, not {given}.",
            count=len(bands),
            given=len(colours),
        )
    drawn = [f"frame{frame:04d}.png" for frame in target_frames or ()]
    parts = ["sequence.npy", "sequence.json", "average.png", *drawn]
    never_onto((output / f"gradcam_{band.name}_{part}" for band in bands for part in parts), [video, bundle])
    loaded = load_bundle(bundle)
    with _bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.1))
        how = {"silence": silence, "precision": precision, "speak": False, "progress": progress.part(None, 0.1, 1)}
        result = analyse(loaded, clip, bands, objective, energy, normalize, **how)
    rows = result.of_clip_frame if per == "clip" else np.arange(len(result.mel_db))
    frames, rate = (clip.frames, clip.fps) if per == "clip" else (result.model_frames, result.fps)
    averaged = np.isin(rows, result.explained)
    averaged = averaged if averaged.any() else ~averaged
    for frame in target_frames or ():
        if not 0 <= frame < len(rows):
            raise InputError(
                "There is no frame {frame} to draw: the sequence has frames 0 to {last}.",
                frame=frame,
                last=len(rows) - 1,
            )
    video_name = Path(clip.source).name
    with filling(output) as folder, _bar() as progress:
        for number, band in enumerate(bands):
            path = folder / f"gradcam_{band.name}_sequence.npy"
            heat = result.heatmap_frames(band.name)
            heat = replace(heat, grids=heat.grids[rows])
            part = progress.part(None, number / len(bands), (number + 1) / len(bands))
            write_sequence(path, heat, part.part(None, 0, 0.8))
            part("figures", 0.8)
            maps = {band.label: heat}
            look = {"alpha": alpha, "dpi": dpi, "colour_maps": [colours[number]] if colours else None}
            heat_averaged = {band.label: replace(heat, grids=heat.grids[averaged])}
            average_figure(folder / f"gradcam_{band.name}_average.png", frames[averaged], heat_averaged, **look)
            for frame in target_frames or ():
                name = f"gradcam_{band.name}_frame{frame:04d}.png"
                frame_figure(folder / name, frames, maps, frame, rate, **look)
            write_record(path, sequence_record(result, loaded, video_name, band, rate))
    print(f"{output}: {len(rows)} heatmaps of {', '.join(band.label for band in bands)}{_warning(loaded)}")


@app.command()
def export(
    video: VideoArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Zip to write.")],
    bundle: BundleOption = None,
    formant_band: Annotated[
        list[str] | None, typer.Option(help="NAME:LOW-HIGH in Hz, repeatable, four at most; default F1 and F2.")
    ] = None,
    objective: Annotated[str, typer.Option(help="frame or sequence, as for gradcam.")] = "frame",
    energy: Annotated[str, typer.Option(help="db or power.")] = "db",
    normalize: Annotated[str, typer.Option(help="Scale of the heatmaps: one per clip or per frame.")] = "clip",
    silence: SilenceOption = "hide",
    stretch: Annotated[
        tuple[int, int] | None, typer.Option(metavar="FIRST LAST", help="Frames, both included; default: all.")
    ] = None,
    frame: Annotated[int, typer.Option(help="The frame that is drawn as a figure.")] = 0,
    layout: Annotated[str, typer.Option(help="Of the video: overlay, side-by-side or heatmap.")] = "overlay",
    side: Annotated[int, typer.Option(help="Height of the video in pixels.")] = 512,
    slow: Annotated[float, typer.Option(help="Slow the video down, 1 to 10 times; the pitch stays.")] = 1.0,
    sound: Annotated[str, typer.Option(help="Of the video: synthesised, original or none.")] = "synthesised",
    alpha: AlphaOption = 0.7,
    colour_map: ColourOption = None,
    combine: Annotated[str, typer.Option(help="How several bands share a pixel: max or mean.")] = "max",
    reference: Annotated[Path | None, typer.Option(help="Sound file of the original speech.")] = None,
    language: Annotated[str, typer.Option(help="Of captions and figures: en or ja.")] = "en",
    fps: FpsOption = None,
    precision: PrecisionOption = "auto",
):
    """Write everything of a clip into one zip: videos, figures, traces, heatmaps, speech, and where they come from."""
    from .analysis import analyse
    from .audio import read_audio
    from .clip import read_clip
    from .export import Look, Subject, write_zip
    from .labels import labels_of
    from .models.load import load_bundle
    from .spec import DEFAULT_BANDS, Band

    never_onto([output], [video, labels_of(video), reference, bundle])
    bands = [Band.parse(text) for text in formant_band] if formant_band else DEFAULT_BANDS
    colours = tuple(colour_map) if colour_map else None
    look = Look(None, colours, alpha, combine, layout, side, sound, slow, stretch, language)
    original = read_audio(reference) if reference else None
    loaded = load_bundle(bundle)
    with _bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.05))
        how = {"silence": silence, "precision": precision, "progress": progress.part(None, 0.05, 0.4)}
        result = analyse(loaded, clip, bands, objective, energy, normalize, **how)
        subject = Subject(video.stem, result, loaded, video, original, reference)
        write_zip(output, subject, look, frame, progress.part(None, 0.4, 1))
    print(f"{output}: everything of {video.name}{_warning(loaded)}")


@app.command()
def segment(
    sequence: Annotated[Path, typer.Argument(metavar="SEQ.npy", help="A heatmap sequence (T, H, W).")],
    from_s: Annotated[float, typer.Option("--from", help="Seconds.")],
    to_s: Annotated[float, typer.Option("--to", help="Seconds.")],
    output: OutFile,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second; default: from the sequence's .json, or 27.1738.")
    ] = None,
):
    """Cut a stretch out of a heatmap sequence."""
    from .render.segment import segment as cut
    from .sequence import write_record
    from .spec import MelSpec

    never_onto(_with_record(output), _with_record(sequence))
    whole, record = _load_sequence(sequence), _record_of(sequence)
    rate = fps or record.get("fps") or MelSpec().fps
    part = cut(whole, from_s, to_s, rate)
    start_frame = (part.ctypes.data - whole.ctypes.data) // whole.strides[0] + record.get("start_frame", 0)
    _save_array(output, part)
    write_record(output, record | {"fps": rate, "start_frame": start_frame})
    print(f"{output}: {len(part)} frames from frame {start_frame} on")


@app.command()
def slowmo(
    video: VideoArgument,
    sequence: Annotated[Path, typer.Option("--sequence", help="Heatmaps (n, H, W) from gradcam or segment.")],
    output: OutFile,
    start_frame: Annotated[
        int | None,
        typer.Option(help="The frame that the first heatmap belongs to; default: from the sequence's .json, or 0."),
    ] = None,
    fps: Annotated[float, typer.Option(help="Pictures a second in the video.")] = 5.0,
    repeat: Annotated[int, typer.Option(help="How many times each frame is shown.")] = 4,
    alpha: AlphaOption = 0.7,
    resize: SizeOption = (512, 512),
    colour_map: ColourOption = None,
    label: Annotated[str | None, typer.Option(help="Legend; default: from the sequence's .json.")] = None,
    clip_fps: Annotated[
        float | None, typer.Option("--clip-fps", help="Frame rate of a folder of frames or an array.")
    ] = None,
):
    """Render a stretch of heatmaps over the clip as a slow video."""
    from .render.slowmo import slowmo as render

    never_onto([output], [video, *_with_record(sequence)])
    heatmap, record = _load_sequence(sequence), _record_of(sequence)
    start_frame = record.get("start_frame", 0) if start_frame is None else start_frame
    clip = _read(video, clip_fps)
    frames, rate = _frames_at(clip, record.get("fps"), len(heatmap))
    with _bar() as progress:
        made = render(
            output,
            frames,
            rate,
            heatmap,
            label or _label_of(sequence),
            start_frame=start_frame,
            fps=fps,
            repeat=repeat,
            alpha=alpha,
            size=resize,
            colour_maps=colour_map,
            progress=progress,
        )
    print(f"{output}: {made.size[0]}x{made.size[1]}, {made.duration_s:.2f} s")


@app.command()
def overlay(
    video: VideoArgument,
    heatmap: Annotated[Path, typer.Option("--heatmap", help="Heatmaps (T, H, W) from gradcam.")],
    output: OutFile,
    heatmap2: Annotated[Path | None, typer.Option("--heatmap2", help="A second band's heatmaps.")] = None,
    audio: Annotated[
        str, typer.Option("--audio", help="A sound file (such as synth wrote), original, or none.")
    ] = "original",
    alpha: AlphaOption = 0.7,
    resize: SizeOption = (512, 512),
    slow: Annotated[float, typer.Option(help="How many times slower; the pitch is kept.")] = 1.0,
    layout: Annotated[str, typer.Option(help="overlay or side-by-side.")] = "overlay",
    combine: Annotated[str, typer.Option(help="Where both bands are hot: max or mean.")] = "max",
    colour_map: ColourOption = None,
    fps: FpsOption = None,
):
    """Render the heatmaps over the clip as a video with sound."""
    from .audio import read_audio
    from .render.overlay import overlay as render

    files = [heatmap] if heatmap2 is None else [heatmap, heatmap2]
    never_onto([output], [video, audio, *(place for file in files for place in _with_record(file))])
    labels = [_label_of(path) for path in files]
    if len(set(labels)) < len(labels):
        labels = [f"{text} ({path.name})" for text, path in zip(labels, files, strict=True)]
    maps = {text: _load_sequence(path) for text, path in zip(labels, files, strict=True)}
    clip = _read(video, fps)
    sound, sound_rate = None, None
    if audio == "original":
        sound, sound_rate = clip.audio, clip.audio_rate
    elif audio != "none":
        sound, sound_rate = read_audio(audio)
    frames, rate = _frames_at(clip, _record_of(heatmap).get("fps"), len(next(iter(maps.values()))))
    with _bar() as progress:
        made = render(
            output,
            frames,
            rate,
            maps,
            layout=layout,
            size=resize,
            alpha=alpha,
            colour_maps=colour_map,
            combine=combine,
            audio=sound,
            audio_rate=sound_rate,
            slow=slow,
            progress=progress,
        )
    print(f"{output}: {made.size[0]}x{made.size[1]}, {made.duration_s:.2f} s")


@app.command()
def mask(
    video: VideoArgument,
    region: Annotated[str, typer.Option(help="lips, tongue, velum, larynx, ..., or a JSON file of polygons.")],
    output: OutFile,
    strength: Annotated[float, typer.Option(help="Share of intensity taken away: 0.3 keeps 70 %, 1 blackens.")] = 0.3,
    shift: Annotated[
        tuple[float, float], typer.Option(metavar="DX DY", help="Move the region right and down, in picture widths.")
    ] = (0.0, 0.0),
    scale: Annotated[float, typer.Option(help="Enlarge the region about the picture's centre.")] = 1.0,
    mirror: Annotated[bool, typer.Option("--mirror", help="For faces that look right.")] = False,
    fps: FpsOption = None,
):
    """Dim a region of the clip, to hear what the model makes of it without that region."""
    import numpy as np

    from .regions import dim, find_regions
    from .regions import mask as drawn
    from .render.encode import even_size, write_video

    never_onto([output], [video, region])
    regions = find_regions(region)
    clip = _read(video, fps)
    height, width = clip.frames.shape[1:]
    cover = np.zeros((height, width), np.float32)
    for part in regions:
        part = part.mirrored() if mirror else part
        cover = np.maximum(cover, drawn(part.scaled(scale).shifted(*shift), height, width))
    if not cover.any():
        raise InputError(
            "The region {region} lies outside the picture: move it back with --shift and --scale.", region=region
        )
    frames = dim(clip.frames, cover, strength)
    even_width, even_height = even_size((width, height))
    frames = np.pad(frames, ((0, 0), (0, even_height - height), (0, even_width - width)), mode="edge")
    with _bar() as progress:
        write_video(
            output,
            (np.repeat(frame[:, :, None], 3, axis=2) for frame in frames),
            len(frames),
            (even_width, even_height),
            clip.fps,
            clip.audio,
            clip.audio_rate,
            progress,
        )
    print(f"{output}: {', '.join(part.name for part in regions)} dimmed to {100 * (1 - strength):.0f} %")


@app.command()
def evaluate(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Clips with sound, or folders of such clips.")],
    bundle: BundleOption = None,
    as_json: JsonOption = False,
):
    """Score the synthesised speech of clips that have sound; a .wav of the same name beside a clip is its sound."""
    from .evaluation import CANDIDATES, evaluate_clip, mean_over_clips
    from .models.load import load_bundle

    loaded = load_bundle(bundle)
    files = [file for path in paths for file in _clips_in(path)]
    results = {}
    for number, file in enumerate(files):
        with _bar(f"{number + 1}/{len(files)} {file.name}") as progress:
            clip = _with_sound(file, progress.part(None, 0, 0.1))
            results[str(file)] = evaluate_clip(loaded, clip, progress.part(None, 0.1, 1))
    means = mean_over_clips(list(results.values()))
    if as_json:
        _print({"bundle": loaded.name, "clips": results, "mean": means})
        return
    metrics = list(means["synthesis"])
    for file, result in [*results.items(), ("mean", means)]:
        print(f"{file}{_warning(loaded) if file == 'mean' else ''}")
        for candidate, meaning in CANDIDATES.items():
            values = "  ".join(f"{metric} {_number(result[candidate][metric])}" for metric in metrics)
            print(f"  {candidate:<15} {values}   ({meaning})")


@app.command()
def info(
    path: Annotated[Path, typer.Argument(metavar="VIDEO|BUNDLE", help="A clip or a bundle folder.")],
    fps: FpsOption = None,
    as_json: JsonOption = False,
):
    """Say what a clip or a bundle is."""
    report = _bundle_info(path) if (path / "bundle.json").is_file() else _clip_info(_read(path, fps))
    if as_json:
        _print(report)
    else:
        for name, value in report.items():
            print(f"{name.replace('_', ' '):<20} {json.dumps(value, ensure_ascii=False).strip(chr(34))}")


@app.command()
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
    from .models.convert import THESIS_MEL
    from .models.convert import convert as made_from

    never_onto([output], [acoustic, scaler, vocoder, vocoder_config])
    mel = replace(THESIS_MEL, layout=layout)
    how = {"mel": mel, "vocoder_input": vocoder_input, "vocoder_layout": vocoder_layout, "name": output.name}
    made = made_from(acoustic, scaler, vocoder, vocoder_config, **how)
    made.save(output, half=half)
    print(f"{output}: bundle {made.name}, vocoder of layout {made.vocoder.config.layout}, input {made.vocoder_input}")


@app.command()
def restore(
    sound: Annotated[Path, typer.Argument(metavar="IN.wav", help="A recording (WAV, FLAC, OGG, MP3) of any length.")],
    output: OutFile,
    method: Annotated[
        str | None,
        typer.Option(help="classical (default) or neural; with --bundle, neural. docs/restoration.md compares them."),
    ] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Restoration bundle for the neural method.")] = None,
    as_json: JsonOption = False,
):
    """Take scanner noise off a recording. The result is an estimate: keep the original, and measure on that."""
    from .restore import restore_file

    if bundle and method == "classical":
        raise InputError("The classical method takes no bundle: leave out --bundle, or choose --method neural.")
    never_onto([output], [sound, bundle])
    with _bar() as progress:
        report = restore_file(sound, output, method or ("neural" if bundle else "classical"), bundle, progress)
    if as_json:
        _print(report | {"peak_memory_mb": _peak_memory_mb()})
    elif report["silent"]:
        print(f"{output}: {report['duration_s']:.2f} s of silence, as in the recording: there was nothing to restore")
    else:
        done = f"{output}: {report['duration_s']:.2f} s restored in {report['seconds']:.2f} s ({report['method']})"
        demonstration = method == "neural" and not bundle
        print(done + "; the embedded bundle is a demonstration, far worse than classical" * demonstration)


# ------------------------------------------------------------------------------------------------------------ parts


def _read(path: Path, fps: float | None = None):
    from .clip import read_clip

    with _bar() as progress:
        return read_clip(path, fps=fps, progress=progress)


def _with_sound(path: Path, progress):
    """The clip; without a sound track of its own, with the .wav of the same name beside it."""
    from .audio import read_audio
    from .clip import read_clip

    clip = read_clip(path, progress=progress)
    beside = path.with_suffix(".wav")
    if clip.audio is None and beside.is_file():
        audio, rate = read_audio(beside)
        return replace(clip, audio=audio, audio_rate=rate)
    return clip


def _clips_in(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    suffixes = {".mp4", ".mkv", ".avi", ".mov", ".webm"}
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in suffixes)
    if not found:
        raise InputError("The folder {path} holds no clip ({known}).", path=path, known=", ".join(sorted(suffixes)))
    return found


def _frames_at(clip, fps: float | None, count: int):
    """The clip's frames at the rate of its `count` heatmaps, and that rate; without a record, the clip's own rate where
    it has as many frames, else the model's."""
    from . import timeline
    from .spec import MelSpec

    if fps is None:
        fps = clip.fps if len(clip.frames) == count else MelSpec().fps
    if abs(clip.fps - fps) < 1e-6:
        return clip.frames, clip.fps
    return timeline.retime(clip, fps), fps


def _load_sequence(path: Path):
    import numpy as np

    if not path.is_file():
        raise InputError("There is no heatmap file {path}.", path=path)
    try:
        sequence = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise InputError("{path} is not a NumPy file that can be read.", path=path) from None
    if not isinstance(sequence, np.ndarray) or sequence.ndim != 3 or sequence.dtype.kind != "f":
        raise InputError("{path} does not hold heatmaps: a float array (frames, rows, columns) is needed.", path=path)
    return sequence


def _with_record(sequence: Path) -> list[Path]:
    """A heatmap sequence and the .json of its name, which says what it is."""
    return [sequence, sequence.with_suffix(".json")]


def _record_of(sequence: Path) -> dict:
    """What gradcam or segment wrote about the sequence, in the .json of its name; empty where there is none."""
    try:
        record = json.loads(sequence.with_suffix(".json").read_text(encoding="utf-8"))
        return record if isinstance(record, dict) and "start_frame" in record else {}
    except (OSError, ValueError):
        return {}


def _label_of(sequence: Path) -> str:
    from .spec import Band

    band = _record_of(sequence).get("band")
    return Band.from_json(band).label if band else sequence.stem


def _save_array(path: Path, array) -> None:
    import numpy as np

    from .atomic import replacing

    if path.suffix != ".npy":
        raise InputError("Cannot write {path}: give a name that ends in .npy.", path=path)
    with replacing(path) as temporary:
        np.save(temporary, array)


def _clip_info(clip) -> dict:
    from . import timeline
    from .spec import MelSpec

    rows, columns = clip.padding
    rate = MelSpec().fps
    return {
        "kind": "clip",
        "file": clip.source,
        **clip.details,
        "frames": len(clip.frames),
        "width": clip.frames.shape[2],
        "height": clip.frames.shape[1],
        "fps": round(clip.fps, 4),
        "constant_rate": clip.constant_rate,
        "duration_s": round(clip.duration, 4),
        "audio_rate": clip.audio_rate,
        "audio_s": None if clip.audio is None else round(len(clip.audio) / clip.audio_rate, 4),
        "padding": f"{rows} black rows and {columns} black columns make the picture square before the model",
        "model_frames": timeline.frame_count(clip, rate),
        "model_fps": round(rate, 4),
        "retimed": not timeline.at_rate(clip, rate),
    }


def _bundle_info(folder: Path) -> dict:
    from .models.bundle import KINDS
    from .models.load import load_bundle

    bundle = load_bundle(folder)
    return {
        "kind": "bundle",
        "name": bundle.name,
        "bundle_kind": bundle.kind,
        "meaning": KINDS[bundle.kind],
        "description": bundle.description,
        "mel": bundle.mel.to_json(),
        "frames": bundle.frames.to_json(),
        "fps": bundle.fps,
        "acoustic": bundle.acoustic.config.to_json(),
        "acoustic_parameters": sum(p.numel() for p in bundle.acoustic.parameters()),
        "vocoder": bundle.vocoder.config.to_json(),
        "vocoder_parameters": sum(p.numel() for p in bundle.vocoder.parameters()),
        "vocoder_input": bundle.vocoder_input,
        "training": bundle.training,
        "sha256": bundle.sha256,
    }


def _warning(bundle) -> str:
    return "  (untrained bundle: the result means nothing)" if bundle.kind == "untrained" else ""


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _print(report: dict) -> None:
    print(json.dumps(report, indent=1, ensure_ascii=False))


def _peak_memory_mb() -> float | None:
    """Peak resident memory of this process, MiB; None on Windows, where Python's library does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


@contextmanager
def _bar(title: str = ""):
    """A progress bar on stderr, when that is a terminal. Gives the Progress that it shows."""
    from tqdm import tqdm

    from .progress import Progress

    layout = "{desc} {percentage:3.0f} %|{bar}| {elapsed}"
    with tqdm(total=1.0, desc=title, leave=False, disable=not sys.stderr.isatty(), bar_format=layout) as bar:

        def show(stage: str, done: float, total: float) -> None:
            bar.set_description(f"{title} {stage}".strip(), refresh=False)
            bar.update(done / total - bar.n)

        yield Progress(show)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code: 0, 2 for bad input, 130 when stopped by the user."""
    try:
        code = app(arguments, prog_name="rtmri2speech", standalone_mode=False) or 0
        if code == 130:  # Typer's answer to SIGINT
            print("rtmri2speech: stopped; nothing half-written is left.", file=sys.stderr)
        return code
    except InputError as error:
        message = str(error)
    except TyperException as error:
        message = error.format_message()
    except MemoryError:
        message = "This machine has too little memory for this clip: cut it first."
    print(f"rtmri2speech: {' '.join(message.split())}", file=sys.stderr)
    return 2

"""Videos of heatmaps over a clip, and of a clip with a region dimmed: slowmo, overlay, mask."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from ..files import refuse_overwriting_inputs
from .options import AlphaOption, ColourOption, FpsOption, OutFile, SizeOption, VideoArgument
from .regions import SourceOption
from .terminal import progress_bar, read_clip


def slowmo(
    video: VideoArgument,
    sequence: Annotated[Path, typer.Option("--sequence", help="Heatmaps (n, H, W) from gradcam or segment.")],
    output: OutFile,
    start_frame: Annotated[
        int | None,
        typer.Option(help="Frame of the first heatmap; default: from the sequence's .json, or 0."),
    ] = None,
    fps: Annotated[float, typer.Option(help="Frame rate of the video.")] = 5.0,
    repeat: Annotated[int, typer.Option(help="Repetitions of each frame.")] = 4,
    alpha: AlphaOption = 0.7,
    resize: SizeOption = (512, 512),
    colour_map: ColourOption = None,
    label: Annotated[str | None, typer.Option(help="Legend; default: from the sequence's .json.")] = None,
    clip_fps: Annotated[
        float | None, typer.Option("--clip-fps", help="Frame rate of a folder of frames or an array.")
    ] = None,
):
    """Render heatmaps over an interval as a slow video."""
    from ..export.heatmap_files import files_of, read_sequence
    from ..render.slowmo import slowmo as render

    refuse_overwriting_inputs([output], [video, *files_of(sequence)])
    heat = read_sequence(sequence)
    with progress_bar() as progress:
        clip = read_clip(video, fps=clip_fps, progress=progress.part(None, 0, 0.1))
        frames, rate = heat.frames_of(clip)
        made = render(
            output,
            frames,
            rate,
            heat.frames,
            label or heat.label,
            start_frame=heat.start_frame if start_frame is None else start_frame,
            fps=fps,
            repeat=repeat,
            alpha=alpha,
            size=resize,
            colour_maps=colour_map,
            progress=progress.part(None, 0.1, 1),
        )
    print(f"{output}: {made.size[0]}x{made.size[1]}, {made.duration_s:.2f} s")


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
    slow: Annotated[float, typer.Option(help="Slow-motion factor; the pitch is kept.")] = 1.0,
    layout: Annotated[str, typer.Option(help="overlay or side-by-side.")] = "overlay",
    combine: Annotated[str, typer.Option(help="Combination of both bands in a pixel: max or mean.")] = "max",
    colour_map: ColourOption = None,
    fps: FpsOption = None,
):
    """Render the heatmaps over the clip as a video with sound."""
    from ..export.heatmap_files import files_of, read_sequence
    from ..render.overlay import overlay as render
    from ..speech.audio import read_audio

    files = [heatmap] if heatmap2 is None else [heatmap, heatmap2]
    refuse_overwriting_inputs([output], [video, audio, *(place for file in files for place in files_of(file))])
    heats = [read_sequence(file) for file in files]
    labels = [heat.label for heat in heats]
    if len(set(labels)) < len(labels):
        labels = [f"{label} ({file.name})" for label, file in zip(labels, files, strict=True)]
    given = None if audio in ("original", "none") else read_audio(audio)
    with progress_bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.1))
        sound, sound_rate = (clip.audio, clip.audio_rate) if audio == "original" else given or (None, None)
        frames, rate = heats[0].frames_of(clip)
        made = render(
            output,
            frames,
            rate,
            {label: heat.frames for label, heat in zip(labels, heats, strict=True)},
            layout=layout,
            size=resize,
            alpha=alpha,
            colour_maps=colour_map,
            combine=combine,
            audio=sound,
            audio_rate=sound_rate,
            slow=slow,
            progress=progress.part(None, 0.1, 1),
        )
    print(f"{output}: {made.size[0]}x{made.size[1]}, {made.duration_s:.2f} s")


def mask(
    video: VideoArgument,
    region: Annotated[
        str,
        typer.Option(help="lips, tongue, velum, larynx, ..., moving with the speaker, or a JSON file of polygons."),
    ],
    output: OutFile,
    strength: Annotated[float, typer.Option(help="Share of intensity removed: 0.3 keeps 70 %, 1 blackens.")] = 0.3,
    shift: Annotated[
        tuple[float, float], typer.Option(metavar="DX DY", help="Move the region right and down, in picture widths.")
    ] = (0.0, 0.0),
    scale: Annotated[float, typer.Option(help="Enlarge polygons about the picture's centre.")] = 1.0,
    mirror: Annotated[bool, typer.Option("--mirror", help="Mirror polygons, for faces that look right.")] = False,
    source: SourceOption = "segmenter",
    fps: FpsOption = None,
):
    """Dim a region of the clip as it moves."""
    from ..anatomy.corrections import shifted
    from ..anatomy.polygons import find_regions, joint_mask
    from ..anatomy.sources import regions_of
    from ..clips.masking import check_strength, dim
    from ..render.encode import write_gray_video

    refuse_overwriting_inputs([output], [video, region])
    check_strength(strength)
    moves = source != "template" and region.lower()[-5:] != ".json"
    if moves and (scale != 1 or mirror):
        raise InputError("--scale and --mirror place polygons: add --source template.")
    placed = [] if moves else [part.placed(shift, scale, mirror) for part in find_regions(region)]
    with progress_bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.3))
        if moves:
            found = shifted(regions_of(clip.frames, clip.fps, video, source, progress.part(None, 0.3, 1)), *shift)
            covered = found.mask_on_clip(region)
        else:
            covered = joint_mask(placed, *clip.frames.shape[1:])
    if moves and not found.verdict.usable:
        raise InputError("{video}: {reason}", video=video, reason=found.verdict.sentence)
    if not covered.any():
        raise InputError(
            "The region {region} lies outside the picture: move it back with --shift and --scale.", region=region
        )
    frames = dim(clip.frames, covered, strength)
    with progress_bar() as progress:
        write_gray_video(output, frames, clip.fps, clip.audio, clip.audio_rate, progress)
    names = ", ".join(part.name for part in placed) or region
    print(f"{output}: {names} dimmed to {100 * (1 - strength):.0f} %")

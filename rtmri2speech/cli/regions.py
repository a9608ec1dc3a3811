"""Regions of every frame, and articulatory measures: regions."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from ..files import refuse_overwriting_inputs
from .options import DeviceOption, FpsOption, JsonOption, OutFile, VideoArgument
from .terminal import print_json, progress_bar, read_clip

SourceOption = Annotated[
    str,
    typer.Option(help="segmenter (every frame), truth (of a phantom) or template (static polygons)."),
]


def regions(
    video: VideoArgument,
    output: OutFile,
    source: SourceOption = "segmenter",
    pixel_size: Annotated[
        float | None,
        typer.Option(
            "--pixel-size", help="Side of the clip's own pixels in mm, for lengths in cm; default: from the file."
        ),
    ] = None,
    segmenter: Annotated[
        Path | None, typer.Option("--segmenter", help="Folder of a tuned segmenter; default: the embedded one.")
    ] = None,
    learn: Annotated[
        Path | None,
        typer.Option("--learn", metavar="CORRECTIONS", help="Tune the segmenter to this file; -o is its new folder."),
    ] = None,
    fps: FpsOption = None,
    device: DeviceOption = "auto",
    json: JsonOption = False,
):
    """Segment the vocal tract in every frame.

    Regions: tongue, lips, velum, jaw, palate, pharynx, larynx and airway.
    By the output's suffix: .npy: labels uint8 (T, 256, 256); .mp4: the clip with outlines; .csv: articulatory measures
    of every frame. --learn tunes the segmenter to five or more frames of the clip that were corrected by hand
    (CORRECTIONS: NAME_regions.json of an export); the last fifth of them is held out. Exit code 1: nothing was gained,
    and nothing is written.
    """
    import numpy as np

    from ..anatomy.regions import NAMES
    from ..anatomy.segmenter import segment_regions
    from ..anatomy.segmenter_bundle import load_segmenter
    from ..anatomy.sources import regions_of
    from ..anatomy.table import write_table
    from ..files import atomic_write
    from ..render.encode import even_size, write_video
    from ..render.outlines import outlined_frames

    refuse_overwriting_inputs([output], [video, learn, segmenter])
    if learn is not None:
        return _learn(video, output, learn, segmenter, fps, json)
    kind = output.suffix.lower()
    if kind not in (".npy", ".mp4", ".csv"):
        raise InputError("The output of regions is a .npy, .mp4 or .csv file, not {output}.", output=output)
    if pixel_size is not None and not 0 < pixel_size <= 20:
        raise InputError("The size of a pixel must be above 0 and at most 20 mm, not {size:g}.", size=pixel_size)
    with progress_bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.1))
        told = progress.part(None, 0.1, 0.8)
        if segmenter is not None:
            if source != "segmenter":
                raise InputError("--segmenter is for --source segmenter, not {source}.", source=source)
            found = segment_regions(clip.frames, clip.fps, load_segmenter(segmenter), progress=told)
        else:
            found = regions_of(clip.frames, clip.fps, video, source, told)
        if not found.verdict.usable:
            raise InputError("{video}: {reason}", video=video, reason=found.verdict.sentence)
        if kind == ".npy":
            with atomic_write(output) as temporary:
                np.save(temporary, found.labels)
        elif kind == ".csv":
            write_table(output, found, clip.times_s[:-1], pixel_size or clip.pixel_mm)
        else:
            height, width = clip.frames.shape[1:]
            side = 512
            size = even_size((round(width * side / max(height, width)), round(height * side / max(height, width))))
            pictures = (_to_size(picture, size) for picture in outlined_frames(clip.frames, found, side))
            write_video(
                output,
                pictures,
                len(clip.frames),
                size,
                clip.fps,
                clip.audio,
                clip.audio_rate,
                progress.part(None, 0.8, 1),
            )
    if json:
        shares = {name: round(float(found.area(name).mean()), 5) for name in NAMES[1:]}
        sure = {name: round(float(v), 3) for name, v in zip(NAMES, found.confidence.mean(axis=0), strict=True)}
        print_json(
            found.provenance()
            | {"frames": len(found), "labels": list(NAMES), "mean_area": shares, "mean_confidence": sure}
        )
    else:
        print(f"{output}: {len(found)} frames. {found.verdict.sentence}")


def _learn(video: Path, output: Path, learn: Path, segmenter: Path | None, fps: float | None, as_json: bool) -> None:
    """Tune a segmenter to the corrections of a clip, and write it if it is better on what is held out."""
    from ..anatomy.corrections import corrected, read_corrections
    from ..anatomy.segmenter import segment_regions
    from ..anatomy.segmenter_bundle import load_segmenter
    from ..anatomy.tuning import tune_segmenter
    from ..clips.frame_rate import retime
    from ..spec import MelSpec

    corrections, start = read_corrections(learn), load_segmenter(segmenter)
    with progress_bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.05))
        rate = MelSpec().fps  # corrections are of the model's frames
        frames = retime(clip, rate)
        found = segment_regions(frames, rate, start, progress=progress.part(None, 0.05, 0.2))
        if not found.verdict.usable:
            raise InputError("{video}: {reason}", video=video, reason=found.verdict.sentence)
        made = tune_segmenter(start, frames, corrected(found, corrections), progress=progress.part(None, 0.2, 1))
    if made.better:
        made.segmenter.save(output)
    if as_json:
        print_json(made.to_json() | {"segmenter": str(output) if made.better else None})
    else:
        figures = f"Dice of the {len(made.held_out)} corrected frames held out: {made.before:.3f} -> {made.after:.3f}"
        print(f"{output}: {figures}" if made.better else f"Nothing was gained, and nothing is written. {figures}")
    raise typer.Exit(0 if made.better else 1)


def _to_size(picture, size: tuple[int, int]):
    import numpy as np

    width, height = size
    rows, columns = height - picture.shape[0], width - picture.shape[1]
    return np.pad(picture, ((0, rows), (0, columns), (0, 0)), mode="edge")

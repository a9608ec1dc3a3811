"""Regions of every frame, and articulatory measures: regions."""

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
    fps: FpsOption = None,
    device: DeviceOption = "auto",
    json: JsonOption = False,
):
    """Segment the vocal tract in every frame.

    Regions: tongue, lips, velum, jaw, palate, pharynx, larynx and airway.
    By the output's suffix: .npy: labels uint8 (T, 256, 256); .mp4: the clip with outlines; .csv: articulatory measures
    of every frame.
    """
    import numpy as np

    from ..anatomy.regions import NAMES
    from ..anatomy.sources import regions_of
    from ..anatomy.table import write_table
    from ..files import atomic_write
    from ..render.encode import even_size, write_video
    from ..render.outlines import outlined_frames

    refuse_overwriting_inputs([output], [video])
    kind = output.suffix.lower()
    if kind not in (".npy", ".mp4", ".csv"):
        raise InputError("The output of regions is a .npy, .mp4 or .csv file, not {output}.", output=output)
    if pixel_size is not None and not 0 < pixel_size <= 20:
        raise InputError("The size of a pixel must be above 0 and at most 20 mm, not {size:g}.", size=pixel_size)
    with progress_bar() as progress:
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.1))
        found = regions_of(clip.frames, clip.fps, video, source, progress.part(None, 0.1, 0.8))
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


def _to_size(picture, size: tuple[int, int]):
    import numpy as np

    width, height = size
    rows, columns = height - picture.shape[0], width - picture.shape[1]
    return np.pad(picture, ((0, rows), (0, columns), (0, 0)), mode="edge")

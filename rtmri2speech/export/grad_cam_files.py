"""The files of the command gradcam: for each band the heatmaps of every frame, their average, and chosen frames.

gradcam_F1_sequence.npy, .json   float32 (T, size, size) in [0, 1], and their record (export/heatmap_files.py)
gradcam_F1_average.png           their average over the speech frames
gradcam_F1_frame0060.png         a chosen frame
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ..analysis.result import Analysis
from ..attribution.upsampling import UpsampledGrid, upsample_grid
from ..errors import InputError
from ..files import atomic_folder
from ..models.bundle import Bundle
from ..progress import UNSEEN, Progress
from ..render.colour import SIGNED
from ..render.figures import average_figure, frame_figure
from ..spec import Band
from .heatmap_files import HeatSequence, files_of, origin_of


@dataclass(frozen=True)
class FigureOptions:
    """target_frames: frames that get a figure. colour_maps: one for each band or one for all; None: the defaults. dpi:
    of the figures. as_thesis: upsample and scale maps as the thesis' program, from the CAM's positive part, ignoring
    the analysis' normalize.
    """

    target_frames: tuple[int, ...] = ()
    alpha: float = 0.7
    colour_maps: tuple[str, ...] | None = None
    dpi: int = 150
    as_thesis: bool = False

    def colour_map_of_each(self, bands: Sequence[Band]) -> list[list[str] | None]:
        """For each band the colour maps of its figures. Raises InputError unless there is one, or one for each."""
        given = self.colour_maps
        if not given:
            return [None] * len(bands)
        if len(given) not in (1, len(bands)):
            raise InputError(
                "Give one colour map for all bands or one for each of the {count}, not {given}.",
                count=len(bands),
                given=len(given),
            )
        return [[name] for name in (given * len(bands) if len(given) == 1 else given)]


def gradcam_files(folder: Path, bands: Sequence[Band], target_frames: Sequence[int] = ()) -> list[Path]:
    """The paths of all files that `write_gradcam` writes."""
    files = []
    for band in bands:
        files += files_of(folder / f"gradcam_{band.name}_sequence.npy")
        files += [folder / _average_name(band), *(folder / _frame_name(band, frame) for frame in target_frames)]
    return files


def write_gradcam(
    folder: Path,
    analysis: Analysis,
    bundle: Bundle,
    drawing: FigureOptions | None = None,
    per: Literal["model", "clip"] = "model",
    progress: Progress = UNSEEN,
) -> int:
    """Write the files of an analysis into a folder, all or none; returns the number of heatmaps of each band.

    Figures of a two-sided band show both signs, heatmaps the positive part. per: one heatmap for each of the model's
    frames or of the clip's. Raises InputError for a target frame outside the clip, or an invalid colour map or opacity.
    """
    drawing = drawing or FigureOptions()
    bands, colours = analysis.bands, drawing.colour_map_of_each(analysis.bands)
    rows = analysis.of_clip_frame if per == "clip" else np.arange(len(analysis.mel_db))
    frames, fps = (analysis.clip.frames, analysis.clip.fps) if per == "clip" else (analysis.model_frames, analysis.fps)
    for frame in drawing.target_frames:
        if not 0 <= frame < len(rows):
            raise InputError(
                "There is no frame {frame} to draw: the sequence has frames 0 to {last}.",
                frame=frame,
                last=len(rows) - 1,
            )
    averaged = np.isin(rows, analysis.explained)
    averaged = averaged if averaged.any() else ~averaged
    origin = origin_of(analysis, bundle, Path(analysis.clip.source).name)
    with atomic_folder(folder) as temporary:
        for number, (band, colour_maps) in enumerate(zip(bands, colours, strict=True)):
            part = progress.part(None, number / len(bands), (number + 1) / len(bands))
            heat = _thesis_heatmaps(analysis, band) if drawing.as_thesis else analysis.heatmap_frames(band.name)
            heat = replace(heat, grids=heat.grids[rows])
            sequence = HeatSequence(heat, fps, band=band, origin=origin)
            sequence.write(temporary / f"gradcam_{band.name}_sequence.npy", part.part(None, 0, 0.8))
            part("figures", 0.8)
            look = {"alpha": drawing.alpha, "dpi": drawing.dpi, "colour_maps": colour_maps}
            if analysis.two_sided(band) and not drawing.as_thesis:
                heat, look["colour_maps"] = replace(heat, grids=analysis.shown_frames(band).grids[rows]), [SIGNED]
            heat_averaged = {band.label: replace(heat, grids=heat.grids[averaged])}
            counted = {band.label: analysis.has_map(band.name)[rows[averaged]]}
            average_figure(temporary / _average_name(band), frames[averaged], heat_averaged, counted, **look)
            for frame in drawing.target_frames:
                frame_figure(temporary / _frame_name(band, frame), frames, {band.label: heat}, frame, fps, **look)
    return len(rows)


def _thesis_heatmaps(analysis: Analysis, band: Band) -> UpsampledGrid:
    size = (analysis.frame_size, analysis.frame_size)
    return upsample_grid(np.maximum(analysis.cam[band.name], 0), size, "thesis")


def _average_name(band: Band) -> str:
    return f"gradcam_{band.name}_average.png"


def _frame_name(band: Band, frame: int) -> str:
    return f"gradcam_{band.name}_frame{frame:04d}.png"

"""Heatmap sequences: read, write, cut, and match with their clip. NAME.npy holds float32 (T, H, W) in [0, 1], NAME.json
beside it their record."""

import json
import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..clips import frame_rate
from ..clips.clip import Clip
from ..errors import InputError
from ..files import atomic_write, read_record
from ..names import readable
from ..progress import UNSEEN, Progress
from ..spec import Band, MelSpec

if TYPE_CHECKING:  # reading a sequence needs no network packages
    from ..analysis.result import Analysis
    from ..models.bundle import Bundle
    from ..render.heatmaps import Heatmaps


@dataclass(frozen=True, eq=False)
class HeatSequence:
    """Heatmaps of consecutive frames of a clip.

    frames: (T, H, W) in [0, 1]: an array, a memory map, or an UpsampledGrid. fps: frames per second, None where
    unknown. start_frame: index in the clip, at this rate, of the first heatmap. band, origin (origin_of): what the
    heatmaps explain and come from, where known. name: of the file.
    """

    frames: "Heatmaps"
    fps: float | None = None
    start_frame: int = 0
    band: Band | None = None
    origin: dict = field(default_factory=dict)
    name: str = ""

    def __post_init__(self):
        if len(self.frames.shape) != 3:
            raise InputError(
                "A heatmap sequence has the shape (frames, rows, columns), not {shape}.", shape=self.frames.shape
            )
        if self.fps is not None and not (math.isfinite(self.fps) and self.fps > 0):
            raise InputError("The frame rate must be above 0, not {fps:g}.", fps=self.fps)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def label(self) -> str:
        """The label in a legend."""
        return self.band.label if self.band else self.name

    @property
    def record(self) -> dict:
        """The content of the .json beside the heatmaps."""
        band = {"band": self.band.to_json()} if self.band else {}
        return self.origin | {"fps": self.fps, "start_frame": self.start_frame} | band

    def cut(self, from_s: float, to_s: float) -> "HeatSequence":
        """The frames whose midpoint (t + 1/2) / fps lies in [from_s, to_s]; a view. fps None: the model's rate.

        Raises InputError if the times are reversed, outside the sequence, or have no frame between them.
        """
        fps, count = self.fps or MelSpec().fps, len(self.frames)
        if not (math.isfinite(from_s) and math.isfinite(to_s) and 0 <= from_s < to_s):
            raise InputError(
                "Give two times in seconds, the earlier first, from 0 on; not {first:g} to {last:g}.",
                first=from_s,
                last=to_s,
            )
        # Half a frame of tolerance, as displayed durations are rounded.
        if to_s > (count + 0.5) / fps:
            raise InputError(
                "The sequence lasts {seconds:.3f} s ({frames} frames): no cut at {at:g} s.",
                seconds=count / fps,
                frames=count,
                at=to_s,
            )
        first, stop = (min(count, math.ceil(round(time * fps - 0.5, 6))) for time in (from_s, to_s))
        if first >= stop:
            raise InputError(
                "No frame lies between {first:g} and {last:g} s: a frame lasts {seconds:.3f} s.",
                first=from_s,
                last=to_s,
                seconds=1 / fps,
            )
        return replace(self, frames=np.asarray(self.frames)[first:stop], fps=fps, start_frame=self.start_frame + first)

    def frames_of(self, clip: Clip) -> tuple[np.ndarray, Fraction | float]:
        """The clip's frames, uint8 (T, H, W), at the heatmaps' rate, and that rate. Without `fps` it is the clip's own
        if the numbers of frames match, else the model's."""
        own = clip.fps if len(clip.frames) == len(self.frames) else MelSpec().fps
        fps = own if self.fps is None else self.fps
        if abs(clip.fps - fps) < 1e-6:
            return clip.frames, clip.fps
        return frame_rate.retime(clip, fps), fps

    def write(self, path: Path, progress: Progress = UNSEEN) -> None:
        """Write both files, complete or not at all."""
        if path.suffix != ".npy":
            raise InputError("Cannot write {path}: give a name that ends in .npy.", path=path)
        with atomic_write(path) as heatmaps, atomic_write(path.with_suffix(".json")) as record:
            write_heatmaps(heatmaps, self.frames, progress)
            record.write_text(json.dumps(self.record, indent=1, ensure_ascii=False), encoding="utf-8")


def files_of(sequence: Path) -> list[Path]:
    """The paths of the heatmaps and of their .json."""
    return [sequence, sequence.with_suffix(".json")]


def read_sequence(path: Path, fps: float | None = None) -> HeatSequence:
    """The heatmaps of a .npy, memory-mapped, with the record in the .json beside them. fps: replaces its rate.

    A .json of another origin than gradcam, export or segment is ignored. Raises InputError for an invalid file.
    """
    if not path.is_file():
        raise InputError("There is no heatmap file {path}.", path=path)
    try:
        heatmaps = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise InputError("{path} is not a NumPy file that can be read.", path=path) from None
    if not isinstance(heatmaps, np.ndarray) or heatmaps.ndim != 3 or heatmaps.dtype.kind != "f":
        raise InputError("{path} does not hold heatmaps: a float array (frames, rows, columns) is needed.", path=path)
    origin = _record_of(path.with_suffix(".json"))
    own_fps, start_frame, band = origin.pop("fps", None), origin.pop("start_frame", 0), origin.pop("band", None)
    band = Band.from_json(band) if band else None
    return HeatSequence(heatmaps, own_fps if fps is None else fps, start_frame, band, origin, path.stem)


def _record_of(path: Path) -> dict:
    record = read_record(path)
    if "start_frame" not in record:
        return {}
    fps, start_frame = record.get("fps"), record["start_frame"]
    rate = fps is None or (isinstance(fps, int | float) and math.isfinite(fps) and fps > 0)
    if not rate or not isinstance(start_frame, int) or start_frame < 0:
        raise InputError("{path} is damaged: its fps or start_frame is not one of a heatmap sequence.", path=path)
    return record


def write_heatmaps(path: Path, heatmaps: "Heatmaps", progress: Progress = UNSEEN) -> None:
    """Write (T, H, W) to a .npy, one heatmap at a time: all at once would fill the memory, and a memory map crashes the
    process when the disk is full."""
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": heatmaps.shape}
        np.lib.format.write_array_header_1_0(file, header)
        for t, heatmap in enumerate(heatmaps):
            file.write(np.ascontiguousarray(heatmap, "<f4").data)
            progress("heatmaps", t + 1, len(heatmaps))


def origin_of(analysis: "Analysis", bundle: "Bundle", video: str) -> dict:
    """The origin of heatmaps: the name of the clip's file, the bundle, and the settings."""
    return (
        {"video": readable(video), "bundle": bundle.name, "bundle_sha256": bundle.sha256}
        | analysis.settings.to_json()
        | ({"followed_hz": analysis.followed} if analysis.tracked_hz else {})
    )

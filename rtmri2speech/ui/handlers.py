"""What the page does, as plain functions that work without Gradio."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..analysis import Analysis, analyse
from ..audio import read_audio
from ..clip import ClipLimits, read_clip
from ..models.bundle import Bundle
from ..render.overlay import overlay
from .explorer.payload import payload

PAGE_LIMITS = ClipLimits(longest_s=120.0, most_frames=12_000)

# progress(share done of all, stage: a key of texts.py without "stage_"). An exception from it ends the work.
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Result:
    """An analysed clip and what the frame explorer shows of it."""

    name: str
    analysis: Analysis
    payload: str


def open_clip(bundle: Bundle, path: Path, reference: Path | None, progress: Progress) -> Result:
    """Analyse the clip at `path`. reference: a sound file of the original speech; default: the clip's own sound.

    Raises InputError on a clip or sound that cannot be used.
    """
    sound = read_audio(reference) if reference else None
    clip = read_clip(path, limits=PAGE_LIMITS, progress=lambda done, total: progress(0.1 * done / total, "reading"))
    if sound is None and clip.audio is not None:
        sound = (clip.audio, clip.audio_rate)
    analysis = analyse(bundle, clip, progress=lambda stage, share: progress(0.1 + 0.8 * share, stage))
    progress(0.95, "packing")
    return Result(path.stem, analysis, payload(analysis, bundle.mel, path.stem, sound))


def write_overlay(analysis: Analysis, video: Path, progress: Progress) -> None:
    """Write the clip under the heatmaps of its bands, with the synthesised speech, as an mp4."""
    maps = {band.label: analysis.heatmap_frames(band.name) for band in analysis.bands}
    overlay(
        video,
        analysis.model_frames,
        analysis.fps,
        maps,
        audio=analysis.audio,
        audio_rate=analysis.sample_rate,
        progress=lambda done, total: progress(done / total, "video"),
    )

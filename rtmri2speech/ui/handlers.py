"""What the page does, as plain functions that work without Gradio."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..analysis import Analysis, analyse
from ..attention import display_grid
from ..clip import ClipLimits, read_clip
from ..models.bundle import Bundle
from ..render.grid import upsample_grid
from ..render.overlay import band_picture, overlay

PAGE_LIMITS = ClipLimits(longest_s=120.0, most_frames=12_000)
PANEL = 360  # pixels of one picture beside the others


def run(bundle: Bundle, path: Path, video: Path, progress: Callable[[float, str], None]) -> Analysis:
    """Analyse the clip at `path` and write its overlay video to `video`. progress(share, stage); raises InputError."""
    clip = read_clip(path, limits=PAGE_LIMITS, progress=lambda done, total: progress(0.05 * done / total, "reading"))
    analysis = analyse(bundle, clip, progress=lambda stage, share: progress(0.05 + 0.75 * share, stage))
    maps = {band.label: _heat(analysis, band.name) for band in analysis.bands}
    overlay(
        video,
        analysis.model_frames,
        analysis.fps,
        maps,
        audio=analysis.audio,
        audio_rate=analysis.sample_rate,
        progress=lambda done, total: progress(0.8 + 0.2 * done / total, "video"),
    )
    return analysis


def frame_picture(analysis: Analysis, frame: int) -> np.ndarray:
    """The plain frame beside one picture per band under its heatmap: RGB uint8 (H, W, 3)."""
    caption = f"frame {frame}   {frame / analysis.fps:.3f} s"
    panels = []
    for number, band in enumerate(analysis.bands):
        heat = _heat(analysis, band.name)[frame]
        layout, width = ("side-by-side", 2 * PANEL) if number == 0 else ("overlay", PANEL)
        picture = band_picture((width, PANEL), {band.label: heat[None]}, layout, 0.7, None, "max")
        panels.append(picture.draw(analysis.model_frames[frame], [heat], caption))
    return np.hstack(panels)


def frame_numbers(analysis: Analysis, frame: int) -> str:
    """One line about a frame: its time, and each band's energy in dB (of the predicted mel)."""
    bands = [f"{band.label}: {analysis.band_db[band.name][frame]:.1f} dB" for band in analysis.bands]
    return " · ".join([f"**{frame}**", f"{frame / analysis.fps:.3f} s", *bands])


def _heat(analysis: Analysis, band: str):
    side = analysis.frame_size
    return upsample_grid(display_grid(analysis.cam[band], analysis.normalize), (side, side))

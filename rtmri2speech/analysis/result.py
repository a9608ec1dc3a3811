"""Analysis: the speech, the mel and each band's attribution of a clip."""

from dataclasses import dataclass, field, replace

import numpy as np

from ..attribution.normalisation import display_grid, signed_grid
from ..attribution.targets import TWO_SIDED, unit_of
from ..attribution.upsampling import UpsampledGrid, upsample_grid
from ..clips import frame_rate
from ..clips.clip import Clip
from ..clips.frame_view import FULL, FrameView
from ..clips.preprocessing import prepare_frames
from ..spec import Band
from ..speech.audio import Sound
from .settings import AnalysisSettings


@dataclass(frozen=True)
class Analysis:
    """A model's analysis of a clip. T counts frames at the model's rate, `fps`.

    settings: as used: bands with their limits in this clip, the resolution and the precision.
    audio: float32 (T * hop_length,) in [-1, 1] at sample_rate. mel_db: (T, n_mels).
    silent: (T,) bool, frames in which the model does not speak. f0_hz: (T,) the F0 contour used, 0 in unvoiced frames;
    None where no harmonics were added to the mel (speech/voice.py). It is a choice, not a finding.
    cam: band name -> signed (T, h, w), of the whole picture also where the model sees a part. band_db: band name ->
    (T,), energy of the predicted mel in the band, dB. view: the part of the picture that the model saw.
    engine: what ran the CNN. seconds: stage -> time taken.
    tracked_hz: formant-tracking band -> (T,) its formant, NaN in frames without it, which have no map.
    level_hz: the F0 level that fits the vocal tract, None where nothing is voiced. original: the reference speech.
    features: (T, C), spatial means of the CNN's last maps; None for a clip analysed in chunks.
    """

    clip: Clip
    settings: AnalysisSettings
    engine: str
    frame_size: int
    model_frames: np.ndarray
    audio: np.ndarray
    sample_rate: int
    mel_db: np.ndarray
    fps: float
    silent: np.ndarray
    f0_hz: np.ndarray | None
    cam: dict[str, np.ndarray]
    band_db: dict[str, np.ndarray]
    seconds: dict[str, float]
    level_hz: float | None = None
    original: Sound | None = None
    tracked_hz: dict[str, np.ndarray] = field(default_factory=dict)
    features: np.ndarray | None = None
    view: FrameView = FULL

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands explained, with their limits in this clip."""
        return self.settings.bands

    @property
    def energy(self) -> str:
        """settings.energy: "db", "power" or "hz"."""
        return self.settings.energy

    @property
    def frames(self) -> np.ndarray:
        """The whole frames, padded to a square and scaled, float32 (T, size, size) in [0, 1]; computed at each call."""
        return prepare_frames(self.model_frames, self.frame_size)

    @property
    def seen(self) -> np.ndarray:
        """The frames as the model saw them, float32 (T, size, size) in [0, 1]; computed at each call."""
        return self.view.prepare(self.model_frames, self.frame_size)

    def heatmap(self, band: str) -> np.ndarray:
        """The positive part of the band's CAM for display: float32 (T, size, size) in [0, 1]; computed at each call.

        Silent frames are zero, unless `silence` is "show", as their maps would explain silence.
        """
        return np.stack(list(self.heatmap_frames(band)))

    def heatmap_frames(self, band: str) -> UpsampledGrid:
        """heatmap(), computed lazily, frame by frame."""
        grid = display_grid(self.cam[band], self.settings.normalize, self.speech)
        grid[np.setdiff1d(np.arange(len(grid)), self.explained)] = 0
        return self._on_picture(grid, 0.0)

    def two_sided(self, band: Band) -> bool:
        """Whether the band's maps are shown with both signs (targets.TWO_SIDED)."""
        return unit_of(band, self.energy) in TWO_SIDED

    def shown_frames(self, band: Band) -> UpsampledGrid:
        """The frames that pictures show: heatmap_frames or, for a two-sided band, both signs in [0, 1] with zero
        attribution at 0.5 (render.colour.SIGNED)."""
        if not self.two_sided(band):
            return self.heatmap_frames(band.name)
        grid = 0.5 + 0.5 * signed_grid(self.cam[band.name], self.settings.normalize, self.speech)
        grid[np.setdiff1d(np.arange(len(grid)), self.explained)] = 0.5
        return self._on_picture(grid, 0.5)

    def _on_picture(self, grid: np.ndarray, nothing: float) -> UpsampledGrid:
        """The grid upsampled to the picture; `nothing` where the model does not see it."""
        size = (self.frame_size, self.frame_size)
        return replace(upsample_grid(grid, size), mask=self.view.mask(self.frame_size), nothing=nothing)

    @property
    def speech(self) -> np.ndarray:
        """Indices of the frames with speech; their attribution sets the scale of the heatmaps."""
        return np.flatnonzero(~self.silent)

    @property
    def explained(self) -> np.ndarray:
        """Indices of the frames whose maps are shown and averaged."""
        return np.arange(len(self.silent)) if self.settings.silence == "show" else self.speech

    def has_map(self, band: str) -> np.ndarray:
        """(T,) bool: frames whose map of this band is shown and averaged: those `explained` in which a tracked formant
        was measured."""
        there = np.zeros(len(self.silent), bool)
        there[self.explained] = True
        return there & ~np.isnan(self.tracked_hz[band]) if band in self.tracked_hz else there

    @property
    def followed(self) -> dict[str, list[float | None]]:
        """tracked_hz for JSON, None in place of NaN."""
        return {
            name: [None if np.isnan(hz) else round(float(hz), 1) for hz in track]
            for name, track in self.tracked_hz.items()
        }

    @property
    def grid(self) -> int | None:
        """Cells along a side of the maps; None without any."""
        return next((cam.shape[-1] for cam in self.cam.values()), None)

    @property
    def of_clip_frame(self) -> np.ndarray:
        """For each frame of the clip as recorded, the index of the model's frame that holds its midpoint."""
        return frame_rate.model_frame_of_each(self.clip, self.fps)

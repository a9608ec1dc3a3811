"""A band's attribution along the vocal tract beside what acoustics says, for phantoms, whose area functions are known.

    tract = read_tract(path, analysis)                       # the phantom's truth beside its clip
    tract.sensitivity(bundle.mel, analysis.bands)["F2"][12]  # (STRETCHES,) of frame 12, glottis first
    tract.attribution(analysis.cam["F2"])[12]

The sensitivity is the change of the band's energy in dB per unit of log area of a stretch (speech/tube_acoustics.py).
The band is heard as the model's mel hears it: a typical voice (source_power), pre-emphasis, the mel's filters.

The attribution of a stretch is the sum of the signed map over the pixels nearest to it on the tract's midline, up to
NEAR_CM beyond the airway, so that both of its walls belong to it. Signs are compared with signs. A map with a blurred
baseline explains what the picture adds to one in which grey fills the airway. What it adds is the airway itself, so the
attribution of a stretch is its sensitivity times how far the blur had closed it. That factor is positive but unknown:
it changes sizes, and with them the ranks of magnitudes, more than it changes signs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..anatomy.articulation import Midline, midline
from ..anatomy.regions import SIZE
from ..anatomy.sources import regions_from_truth
from ..clips.phantom_truth import TrueTube, true_tube
from ..spec import Band, MelSpec
from ..speech.mel import band_bins, filterbank
from ..speech.tube_acoustics import band_levels, in_equal_stretches, piriform_fossae, source_power
from .result import Analysis

STRETCHES = 40
NEAR_CM = 0.4
_GRID = 128  # pixels along a side of the picture on which stretches are told apart


@dataclass(frozen=True)
class TrueTract:
    """A phantom's vocal tract in T frames. known: (T,) bool, frames that can be compared: voiced, oral, with a midline.
    places: uint8 (T, _GRID, _GRID), each pixel's stretch, STRETCHES for none."""

    tube: TrueTube
    midline: Midline
    known: np.ndarray
    places: np.ndarray

    def sensitivity(self, mel: MelSpec, bands: Sequence[Band]) -> dict[str, np.ndarray]:
        """Band (one of `comparable`) -> (T, STRETCHES) dB per unit of log area, glottis first; NaN in frames not
        known."""
        out = {band.name: np.full((len(self.known), STRETCHES), np.nan) for band in bands}
        if not bands or not self.known.any():
            return out
        hz, weights = _heard(mel, bands)
        lengths, areas = self.tube.lengths_cm[self.known], self.tube.areas_cm2[self.known]
        _, slopes = band_levels(lengths, areas, hz, weights, piriform_fossae(float(lengths.sum(axis=1).mean())))
        for band, of_band in zip(bands, in_equal_stretches(slopes, lengths, STRETCHES).swapaxes(0, 1), strict=True):
            out[band.name][self.known] = of_band
        return out

    def attribution(self, cam: np.ndarray) -> np.ndarray:
        """(T, STRETCHES) sum of a map (T, h, w) over each stretch, glottis first."""
        return np.stack([self._sums(one, place) for one, place in zip(cam, self.places, strict=True)])

    @staticmethod
    def _sums(cam: np.ndarray, places: np.ndarray) -> np.ndarray:
        large = cv2.resize(cam.astype(np.float32), (_GRID, _GRID), interpolation=cv2.INTER_LINEAR)
        sums = np.bincount(places.ravel(), large.ravel(), minlength=STRETCHES + 1)[:STRETCHES]
        return sums * (cam.size / large.size)


def comparable(analysis: Analysis) -> list[Band]:
    """The bands whose maps acoustics can be asked about: of the energy in dB, between fixed limits, in the frame."""
    if analysis.settings.objective != "frame" or analysis.energy != "db":
        return []
    return [band for band in analysis.bands if not (band.of or band.stretch)]


def read_tract(truth: Path, analysis: Analysis) -> TrueTract:
    """The tract of a phantom at the model's frames. Raises InputError if the file is no ground truth of a phantom."""
    count, shape = len(analysis.mel_db), analysis.clip.frames.shape[1:]
    tube = true_tube(truth, (np.arange(count) + 0.5) / analysis.fps)
    line = midline(regions_from_truth(truth, count, analysis.fps, shape), STRETCHES)
    known = tube.oral & np.isfinite(line.length)
    return TrueTract(tube, line, known, _places(line, tube.lengths_cm.sum(axis=1)))


def _places(line: Midline, tract_cm: np.ndarray) -> np.ndarray:
    centres = (np.indices((_GRID, _GRID))[::-1].reshape(2, -1).T + 0.5) * SIZE / _GRID  # (x, y) of each pixel
    out = np.full((len(line.length), len(centres)), STRETCHES, np.uint8)
    for places, points, widths, length, cm in zip(out, line.points, line.widths, line.length, tract_cm, strict=True):
        if not np.isfinite(length):
            continue
        squared = (centres**2).sum(axis=1)[:, None] - 2 * centres @ points.T + (points**2).sum(axis=1)
        nearest = squared.argmin(axis=1)
        apart = np.sqrt(np.maximum(squared.min(axis=1), 0))
        near = apart <= widths[nearest] / 2 + NEAR_CM * length / cm
        places[near] = nearest[near]
    return out.reshape(-1, _GRID, _GRID)


def _heard(mel: MelSpec, bands: Sequence[Band]) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (F,) in Hz, and the weight of each band (bands, F) on the power of the tract's transfer function."""
    hz = np.arange(1, mel.n_fft // 2 + 1) * mel.sample_rate / mel.n_fft
    filters = np.stack([filterbank(mel)[band_bins(mel, band)].sum(axis=0) for band in bands])[:, 1:]
    emphasis = np.abs(1 - mel.preemphasis * np.exp(-2j * np.pi * hz / mel.sample_rate)) ** 2
    used = filters.any(axis=0)
    return hz[used], (filters * emphasis * source_power(hz))[:, used]


def share_of(values: np.ndarray) -> np.ndarray:
    """(..., STRETCHES) each stretch's share of the sum of magnitudes, with its sign; 0 where all are."""
    whole = np.abs(values).sum(axis=-1, keepdims=True)
    return values / np.where(whole == 0, 1, whole)

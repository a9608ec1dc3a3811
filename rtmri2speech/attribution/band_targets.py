"""The target of each band, and its energy in a mel."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ..spec import Band, MelSpec
from ..speech.mel import band_bins, centre_frequencies_hz
from .formant_targets import TrackedBand, tracked_bins
from .targets import Target, band_energy, box_energy, contrast, target_of, tracked_energy


def band_energies(
    spec: MelSpec, mel_db: torch.Tensor, bands: Sequence[Band], formants_hz: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Energy of each band: name -> (T,) dB, NaN where a formant-tracking band has no formant.

    mel_db: (T, n_mels). formants_hz: formant-tracking band -> (T,) Hz.
    """
    hz, found = centre_frequencies_hz(spec), {}
    for band in bands:
        if band.formant:
            formant_hz = formants_hz[band.name]
            energy = tracked_energy(tracked_bins(band, formant_hz, spec), hz)(mel_db).cpu().numpy()
            found[band.name] = np.where(np.isnan(formant_hz), np.float32(np.nan), energy)
        else:
            found[band.name] = band_energy(band_bins(spec, band))(mel_db).cpu().numpy()
    return found


def band_values(
    spec: MelSpec, mel_db: torch.Tensor, bands: Sequence[Band], formants_hz: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """band_energies, with the tilt itself (dB per octave) for a tilt band."""
    slopes = {band.name: target_of(spec, band)(mel_db).cpu().numpy() for band in bands if band.of == "tilt"}
    return band_energies(spec, mel_db, bands, formants_hz) | slopes


def targets_of(
    spec: MelSpec,
    bands: Sequence[Band],
    tracked: Mapping[str, TrackedBand],
    energy: str,
    objective: str,
    fps: float,
    count: int,
) -> tuple[dict[str, Target], dict[str, str]]:
    """Target and objective of each band, by name, for a clip of `count` frames at `fps`.

    tracked: the formant-tracking bands. A time-frequency box is one number a clip: its objective is always "sequence".
    """
    targets: dict[str, Target] = {}
    objectives = {}
    for band in bands:
        objectives[band.name] = objective
        if band.name in tracked:
            targets[band.name] = tracked_energy(tracked[band.name].bins, centre_frequencies_hz(spec), energy)
        elif band.stretch is not None:
            here = frames_of(*band.stretch, fps, count)
            than = None if band.than is None else frames_of(*band.than, fps, count)
            bins, objectives[band.name] = band_bins(spec, band), "sequence"
            targets[band.name] = box_energy(bins, *here) if than is None else contrast(bins, here, than)
        else:
            targets[band.name] = target_of(spec, band, energy)
    return targets, objectives


def frames_of(from_s: float, to_s: float, fps: float, count: int) -> tuple[int, int]:
    """(first, stop) of the frames whose midpoints lie in an interval; at least the frame at the interval's midpoint."""
    first, stop = round(from_s * fps), min(round(to_s * fps), count)
    if first < stop:
        return first, stop
    middle = min(int((from_s + to_s) / 2 * fps), count - 1)
    return middle, middle + 1

"""Formant tracks of a sound, a value a frame.

Formants are measured in the voiced frames of voiced speech and in all speech frames of a whisper. A resonance wider
than WIDEST_HZ is not a formant.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .audio import Sound
from .formants import CEILING_FEMALE_HZ, FORMANTS, WINDOW_S, formant_ceiling, measure_f0, measure_formants

if TYPE_CHECKING:  # an analysis needs tracks itself
    pass

COUNT = 3
# It drops about half of the embedded phantoms' unvoiced speech frames, and hardly any voiced ones. In a whisper, 9 of
# 10 measured F2 are then within 15 % of the ground truth; without it, within 27 %.
WIDEST_HZ = 500.0


@dataclass(frozen=True)
class FormantTrack:
    """hz: (T, COUNT) float64, NaN where not measured. whispered: measured in a whisper."""

    hz: np.ndarray
    whispered: bool = False


def ceiling_of(sound: Sound, times_s: np.ndarray) -> float | None:
    """The formant ceiling for the speaker's F0, Hz; None where nothing is voiced."""
    if _is_too_short(sound):
        return None
    f0_hz = measure_f0(*sound, times_s)
    return formant_ceiling(f0_hz) if np.isfinite(f0_hz).any() else None


def measured_track(
    sound: Sound, times_s: np.ndarray, ceiling_hz: float | None, whispered: bool, silent: np.ndarray
) -> FormantTrack:
    """The formant track of a sound at times_s (T,); NaN where `silent` (T,) and, unless whispered, where unvoiced.

    Below a Nyquist frequency lower than the speaker's ceiling, proportionally fewer formants are sought.
    """
    found = np.full((len(times_s), COUNT), np.nan)
    if not _is_too_short(sound):
        ceiling_hz = ceiling_hz or ceiling_of(sound, times_s) or CEILING_FEMALE_HZ
        own_hz = min(ceiling_hz, sound[1] / 2)
        poles = max(1.0, round(2 * FORMANTS * own_hz / ceiling_hz) / 2)  # Praat takes halves
        found = measure_formants(*sound, times_s, own_hz, poles, voiced_only=not whispered, widest_hz=WIDEST_HZ)[
            :, :COUNT
        ]
    found[silent] = np.nan
    return FormantTrack(found, whispered)


def _is_too_short(sound: Sound) -> bool:
    return len(sound[0]) <= 2 * WINDOW_S * sound[1]

"""Formants and F0 of a waveform, measured by Praat, and the nearest vowel.

These are measurements of the sound, not the fixed F1 and F2 bands whose energy the heatmaps explain.

Sources: P. Boersma and D. Weenink, Praat (praat.org), manual pages "Sound: To Formant (burg)..." and
"Sound: To Pitch (raw ac)..."; Y. Jadoul et al., "Introducing Parselmouth", J. Phonetics 71 (2018).
"""

from collections.abc import Mapping

import numpy as np

from ..errors import InputError

CEILING_MALE_HZ = 5000.0
CEILING_FEMALE_HZ = 5500.0
FORMANTS = 5  # pole pairs below the ceiling
WINDOW_S = 0.025  # Praat's effective length
_VOICE_BOUNDARY_HZ = 160.0

# Means over 4,306 vowels of words spoken by native male speakers: C.-H. Jo, doctoral thesis, Kyoto University,
# table 4.3 (winnie.kuis.kyoto-u.ac.jp/members/chjo/main/node104.html). Vowel -> (F1, F2).
JAPANESE_MALE_VOWELS_HZ = {
    "a": (753.0, 1385.0),
    "i": (315.0, 2172.0),
    "u": (367.0, 1332.0),
    "e": (500.0, 1947.0),
    "o": (520.0, 997.0),
}


def measure_f0(
    waveform: np.ndarray, rate: int, times_s: np.ndarray, floor_hz: float = 75.0, ceiling_hz: float = 600.0
) -> np.ndarray:
    """F0 at each time, Hz: (samples,) -> (T,) float64, NaN where the frame is unvoiced.

    Praat's autocorrelation method with its standard settings.
    Raises InputError for a waveform that is not finite or shorter than three periods of the floor (40 ms at 75 Hz).
    """
    times_s = _times(times_s)
    if not 0 < floor_hz < ceiling_hz:
        raise InputError(
            "The pitch floor ({low:g} Hz) must lie between 0 and the ceiling ({high:g} Hz).",
            low=floor_hz,
            high=ceiling_hz,
        )
    sound = _sound(waveform, rate, shortest_s=3 / floor_hz)
    pitch = sound.to_pitch_ac(pitch_floor=floor_hz, pitch_ceiling=ceiling_hz)
    return np.array([pitch.get_value_at_time(t) for t in times_s], np.float64)


def measure_formants(
    waveform: np.ndarray,
    rate: int,
    times_s: np.ndarray,
    ceiling_hz: float | None = None,
    formants: float = FORMANTS,
    window_s: float = WINDOW_S,
    preemphasis_from_hz: float = 50.0,
    voiced_only: bool = True,
    widest_hz: float = np.inf,
) -> np.ndarray:
    """F1 to F4 at each time, Hz: (samples,) -> (T, 4) float64, NaN where none was found or the frame is unvoiced.

    Praat's Burg method with its standard settings: `formants` pole pairs below `ceiling_hz`, Gaussian window of
    `window_s` (Praat's effective length), pre-emphasis from 50 Hz. The ceiling should suit the length of the vocal
    tract: 5000 Hz for most men, 5500 Hz for most women; None chooses by the median F0 (`formant_ceiling`).
    voiced_only False: unvoiced frames are measured too, for whispered vowels, whose formants lie a little higher and
    scatter more. widest_hz: a pole pair with a larger bandwidth is NaN.
    Raises InputError for a bad waveform, or a ceiling above half the sample rate, which Praat would silently lower.
    """
    times_s = _times(times_s)
    sound = _sound(waveform, rate, shortest_s=2 * window_s)
    f0_hz = measure_f0(waveform, rate, times_s)
    if ceiling_hz is None:
        ceiling_hz = min(formant_ceiling(f0_hz), rate / 2)
    if not 0 < ceiling_hz <= rate / 2:
        raise InputError(
            "The formant ceiling ({hz:g} Hz) must lie between 0 and half the sample rate ({most:g} Hz).",
            hz=ceiling_hz,
            most=rate / 2,
        )
    track = sound.to_formant_burg(
        max_number_of_formants=formants,
        maximum_formant=ceiling_hz,
        window_length=window_s,
        pre_emphasis_from=preemphasis_from_hz,
    )
    asked = [(number, t) for t in times_s for number in (1, 2, 3, 4)]
    measured = np.array([track.get_value_at_time(*one) for one in asked], np.float64).reshape(-1, 4)
    if np.isfinite(widest_hz):
        widths = np.array([track.get_bandwidth_at_time(*one) for one in asked], np.float64).reshape(-1, 4)
        measured[~(widths <= widest_hz)] = np.nan
    if voiced_only:
        measured[np.isnan(f0_hz)] = np.nan
    return measured


def formant_ceiling(f0_hz: np.ndarray) -> float:
    """The formant ceiling for a voice, Hz, from its F0 contour (T,) with NaN where unvoiced.

    5000 Hz below a median F0 of 160 Hz, else 5500 Hz (also when nothing is voiced). F0 is only a rough indicator of
    vocal tract length: set the ceiling yourself where the speaker is known.
    """
    voiced = f0_hz[np.isfinite(f0_hz)]
    return CEILING_MALE_HZ if voiced.size and np.median(voiced) < _VOICE_BOUNDARY_HZ else CEILING_FEMALE_HZ


def bark(frequency_hz: np.ndarray | float) -> np.ndarray | float:
    """Critical-band rate, Bark. H. Traunmüller, J. Acoust. Soc. Am. 88 (1990) 97, z = 26.81 f / (1960 + f) - 0.53."""
    return 26.81 * frequency_hz / (1960.0 + frequency_hz) - 0.53


def nearest_vowel(
    f1_hz: float, f2_hz: float, reference: Mapping[str, tuple[float, float]] = JAPANESE_MALE_VOWELS_HZ
) -> tuple[str, float] | None:
    """The vowel of `reference` (name -> (F1, F2) in Hz) nearest to a measurement, and its distance in Bark.

    Euclidean distance in the (F1, F2) plane with both axes in Bark, where equal steps are about equally audible
    (after A. Syrdal and H. Gopal, J. Acoust. Soc. Am. 79 (1986) 1086, who compare vowels by Bark differences).
    None when F1 or F2 is NaN. Speakers differ in vocal tract length: prefer a reference of the same speaker, or at
    least the same sex.
    """
    if not reference:
        raise InputError("A vowel reference needs at least one vowel with its F1 and F2.")
    if np.isnan(f1_hz) or np.isnan(f2_hz):
        return None
    distances = {
        vowel: float(np.hypot(bark(f1_hz) - bark(f1), bark(f2_hz) - bark(f2))) for vowel, (f1, f2) in reference.items()
    }
    vowel = min(distances, key=distances.__getitem__)
    return vowel, distances[vowel]


def _times(times_s: np.ndarray) -> np.ndarray:
    times_s = np.asarray(times_s, np.float64)
    if times_s.ndim != 1 or not np.isfinite(times_s).all():
        raise InputError("Measurement times must be a list of finite numbers, in seconds.")
    return times_s


def _sound(waveform: np.ndarray, rate: int, shortest_s: float):
    import parselmouth  # imported here: `--help` and synthesis never need Praat

    waveform = np.asarray(waveform, np.float64)
    if waveform.ndim != 1 or not np.isfinite(waveform).all():
        raise InputError("A waveform to measure must be mono and hold finite numbers only.")
    if not rate > 0:
        raise InputError("The sample rate must be above 0, not {rate!r}.", rate=rate)
    if waveform.size <= shortest_s * rate:
        raise InputError(
            "The sound lasts {seconds:.3f} s, too short to measure: give more than {least:.3f} s.",
            seconds=waveform.size / rate,
            least=shortest_s,
        )
    return parselmouth.Sound(waveform, sampling_frequency=rate)

"""Formants and F0 against synthetic vowels of known resonances and against real Japanese vowels."""

import numpy as np
import pytest
import scipy.signal
import soundfile
import soxr

from rtmri2speech.errors import InputError
from rtmri2speech.speech.formants import bark, formant_ceiling, measure_f0, measure_formants, nearest_vowel

# Steady moments of its /a i u e o/, found in the spectrogram.
VOWEL_TIMES_S = {"a": 0.15, "i": 0.34, "u": 0.475, "e": 0.56, "o": 0.64}


def synthetic_vowel(formants_hz, f0_hz, rate, seconds=0.6):
    """Source and filter: glottal pulses falling 6 dB per octave through one two-pole resonator a formant."""
    samples = int(seconds * rate)
    sound = np.zeros(samples)
    sound[(np.arange(0, seconds, 1 / f0_hz) * rate).astype(int)] = 1
    sound = scipy.signal.lfilter([1], [1, -0.97], sound)
    for frequency, bandwidth in zip(formants_hz, (60, 80, 120, 160, 200), strict=False):
        radius = np.exp(-np.pi * bandwidth / rate)
        sound = scipy.signal.lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * frequency / rate), radius**2], sound)
    return 0.5 * sound / np.abs(sound).max()


@pytest.mark.parametrize("rate", [11413, 22050])
@pytest.mark.parametrize(
    ("formants_hz", "f0_hz", "ceiling_hz"),
    [
        ((700, 1200, 2500, 3500, 4500), 110, 5000.0),
        ((300, 2200, 2900, 3600, 4600), 120, 5000.0),
        ((500, 1000, 2500, 3400, 4400), 100, None),
        ((480, 2050, 2800, 3900, 4900), 200, 5500.0),
    ],
)
def test_synthetic_vowels_have_the_formants_they_were_made_with(rate, formants_hz, f0_hz, ceiling_hz):
    sound = synthetic_vowel(formants_hz, f0_hz, rate)
    times_s = np.linspace(0.15, 0.45, 13)
    measured = np.median(measure_formants(sound, rate, times_s, ceiling_hz=ceiling_hz), axis=0)
    # A harmonic every F0 limits what any method can find: half of one for F1, 4 % above.
    assert abs(measured[0] - formants_hz[0]) < f0_hz / 2
    np.testing.assert_allclose(measured[1:3], formants_hz[1:3], rtol=0.04)


def test_f0_of_pulses_and_of_their_absence():
    rate = 11413
    times_s = np.linspace(0.1, 0.5, 9)
    np.testing.assert_allclose(measure_f0(synthetic_vowel((500, 1500, 2500), 123, rate), rate, times_s), 123, rtol=0.01)
    noise = np.random.default_rng(0).standard_normal(rate)
    assert np.isnan(measure_f0(noise, rate, times_s)).all()
    assert np.isnan(measure_f0(np.zeros(rate), rate, times_s)).all()


def test_formants_are_nan_where_the_voice_stops():
    rate = 11413
    vowel = synthetic_vowel((700, 1200, 2500, 3500), 120, rate)
    hiss = 0.01 * np.random.default_rng(0).standard_normal(vowel.size)
    measured = measure_formants(np.concatenate([vowel, hiss]), rate, np.array([0.3, 0.9, 30.0]))
    assert np.isfinite(measured[0, :3]).all()
    assert np.isnan(measured[1:]).all()


def test_a_whispered_vowel_has_formants_where_they_are_asked_for():
    rate = 11413
    pulse = np.zeros(rate)
    pulse[0] = 1.0
    for hz in (700, 1200, 2600, 3500):
        radius = np.exp(-np.pi * 80 / rate)
        pulse = scipy.signal.lfilter([1.0], [1.0, -2 * radius * np.cos(2 * np.pi * hz / rate), radius**2], pulse)
    whisper = np.convolve(np.random.default_rng(0).standard_normal(2 * rate), pulse)[: 2 * rate]
    times_s = np.linspace(0.3, 1.7, 60)
    assert np.isnan(measure_formants(whisper, rate, times_s)).mean() > 0.7
    measured = measure_formants(whisper, rate, times_s, voiced_only=False)[:, :2]
    assert np.isfinite(measured).all()
    np.testing.assert_allclose(np.median(measured, axis=0), (700, 1200), rtol=0.1)


def test_no_times_give_no_rows():
    assert measure_formants(np.ones(5000), 11413, np.array([])).shape == (0, 4)


@pytest.mark.parametrize("model_rate", [False, True])
def test_recorded_japanese_vowels(shared, model_rate):
    sound, rate = soundfile.read(shared / "speech" / "world_vaiueo" / "vaiueo2d.flac")
    if model_rate:
        sound, rate = soxr.resample(sound, rate, 11413), 11413
    times_s = np.array(list(VOWEL_TIMES_S.values()))
    measured = dict(zip(VOWEL_TIMES_S, measure_formants(sound, rate, times_s), strict=True))
    f1 = {vowel: values[0] for vowel, values in measured.items()}
    f2 = {vowel: values[1] for vowel, values in measured.items()}
    assert f1["a"] > f1["o"] > f1["u"] and f1["a"] > f1["e"] > f1["i"]  # open vowels have a high F1
    assert f2["i"] > f2["e"] > f2["u"] > f2["o"]  # front vowels have a high F2
    for vowel in VOWEL_TIMES_S:
        assert nearest_vowel(f1[vowel], f2[vowel])[0] == vowel


def test_nearest_vowel_measures_in_bark():
    # Traunmueller's formula: 1000 Hz is 8.53 Bark, 500 Hz is 4.92 Bark.
    assert bark(1000.0) == pytest.approx(8.527, abs=1e-3)
    assert bark(500.0) == pytest.approx(4.919, abs=1e-3)
    vowel, distance = nearest_vowel(500.0, 1000.0, {"low": (500.0, 500.0), "high": (500.0, 1600.0)})
    # 600 Hz up is fewer Bark than 500 Hz down.
    assert vowel == "high"
    assert distance == pytest.approx(bark(1600.0) - bark(1000.0))
    assert nearest_vowel(np.nan, 1000.0) is None
    with pytest.raises(InputError, match="at least one vowel"):
        nearest_vowel(500.0, 1000.0, {})


def test_ceiling_follows_the_voice():
    assert formant_ceiling(np.array([np.nan, 110.0, 120.0])) == 5000
    assert formant_ceiling(np.array([np.nan, 210.0, 220.0])) == 5500
    assert formant_ceiling(np.full(3, np.nan)) == 5500


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(waveform=np.zeros((2, 9000))), "mono"),
        (dict(waveform=np.full(9000, np.nan)), "finite"),
        (dict(waveform=np.zeros(20)), "too short"),
        (dict(waveform=np.zeros(0)), "too short"),
        (dict(rate=0), "rate"),
        (dict(times_s=np.array([np.nan])), "times"),
        (dict(ceiling_hz=8000.0), "ceiling"),
    ],
)
def test_bad_input_is_one_sentence(change, words):
    arguments = dict(waveform=np.ones(9000), rate=11413, times_s=np.array([0.1])) | change
    with pytest.raises(InputError, match=words):
        measure_formants(**arguments)

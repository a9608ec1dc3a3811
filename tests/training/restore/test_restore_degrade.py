"""Scanner noise and degradation against what they are meant to be."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from rtmri2speech.errors import InputError
from training.restore.codecs import CODECS, coded
from training.restore.degrade import Degradation, Degrader, band_limited, clipped, levelled, mixed
from training.restore.noise import draw_scanner, scanner_noise
from training.restore.rooms import draw_room, reverberate

RATE = 16_000


def sound(**changes):
    quiet = {"scatter": 0.0, "ventilation_db": -80.0, "pump_db": -80.0, "drift": 0.0, "clock": 0.0}
    return replace(draw_scanner(np.random.default_rng(3)), **(quiet | {"top_hz": 6000.0} | changes))


def speech(seconds: float = 1.5) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 25))
    return (0.2 * buzz * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)


@pytest.mark.parametrize("turn", [1, 13])
def test_energy_lies_on_the_lines_of_the_sequence(turn):
    """Nearly all at multiples of 1 / (turn * TR); with interleaves, much of it between the multiples of 1 / TR."""
    tr_s = 0.006
    noise = scanner_noise(sound(tr_s=tr_s, turn=turn), 8 * RATE, RATE, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(noise * np.hanning(len(noise)))) ** 2
    hz = np.fft.rfftfreq(len(noise), 1 / RATE)

    def share(spacing: float) -> float:
        return power[np.abs(hz - spacing * np.round(hz / spacing)) < 0.5].sum() / power.sum()

    assert share(1 / (turn * tr_s)) > 0.99
    assert share(1 / tr_s) > 0.99 if turn == 1 else share(1 / tr_s) < 0.9


def test_scatter_cannot_be_foreseen_and_the_clock_shifts_the_lines():
    steady = scanner_noise(sound(tr_s=0.006, turn=1), 2 * RATE, RATE, np.random.default_rng(0))
    uneven = scanner_noise(sound(tr_s=0.006, turn=1, scatter=0.3), 2 * RATE, RATE, np.random.default_rng(0))
    period = 96  # samples

    def left(x):
        return np.std(x[period:] - x[:-period]) / np.std(x)

    assert left(steady) < 0.01 and left(uneven) > 0.1
    late = scanner_noise(sound(tr_s=0.006, turn=1, clock=1e-3), 2 * RATE, RATE, np.random.default_rng(0))
    assert left(late) > 5 * left(steady)


def test_noise_ends_at_its_bandwidth_and_has_rms_1():
    noise = scanner_noise(sound(top_hz=2500.0), 4 * RATE, RATE, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(noise)) ** 2
    hz = np.fft.rfftfreq(len(noise), 1 / RATE)
    assert power[hz > 4000].sum() < 1e-3 * power.sum()
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0])
def test_the_ratio_is_the_one_asked_for(snr_db):
    clean, noise = speech(), np.random.default_rng(0).standard_normal(len(speech()))
    added = mixed(clean, noise, snr_db) - clean
    assert 10 * np.log10(np.mean(clean**2) / np.mean(added**2)) == pytest.approx(snr_db, abs=0.01)


def test_a_room_rings_on_and_keeps_the_time():
    response = draw_room(np.random.default_rng(1), RATE, (0.3, 0.3))
    assert response[0] == 1 and 0 < np.abs(response[1600:]).max() < 0.3
    click = np.zeros(8000, np.float32)
    click[1000] = 1
    heard = reverberate(click, response)
    assert np.abs(heard).argmax() == 1000 and not heard[:990].any() < 1e-6
    assert len(heard) == 8000


@pytest.mark.parametrize("name", CODECS)
def test_codecs_lose_something_and_keep_the_time(name):
    clean = speech() * 0.5
    made = coded(clean, RATE, name, (CODECS[name].bits_per_s or (None,))[0])
    assert len(made) == len(clean)
    middle = slice(3000, -3000)
    assert 0.8 < np.corrcoef(made[middle], clean[middle])[0, 1] < 0.999999
    lags = range(-40, 41)
    best = max(lags, key=lambda lag: float(np.dot(made[3000 + lag : -3000 + lag], clean[middle])))
    assert abs(best) <= 2


def test_band_limits_clipping_and_level():
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.1
    power = np.abs(np.fft.rfft(band_limited(noise, RATE, 300, 3000))) ** 2
    assert power[6000:].mean() < 1e-4 * power[500:2500].mean() and power[:100].mean() < 0.1 * power[500:2500].mean()
    top = np.abs(noise).max()
    assert np.abs(clipped(noise, 6.0)).max() == pytest.approx(top * 10 ** (-6 / 20), rel=1e-5)
    assert np.abs(levelled(noise, 40.0)).max() <= 0.99
    np.testing.assert_allclose(levelled(noise, -20.0), 0.1 * noise, rtol=1e-5)


def test_the_same_seed_gives_the_same_sound_and_another_seed_another():
    degrader, again = (Degrader(Degradation(rooms=3), RATE, seed=5) for _ in range(2))
    clean = speech()
    for k in range(6):
        first, second = (d(clean, np.random.default_rng(k)) for d in (degrader, again))
        np.testing.assert_array_equal(first, second)
        assert first.shape == clean.shape and first.dtype == np.float32 and np.abs(first).max() <= 1
    assert not np.array_equal(first, degrader(clean, np.random.default_rng(99)))


def test_nothing_asked_for_changes_nothing():
    none = Degradation(
        noise_share=0, room_share=0, band_limit_share=0, clipping_share=0, codec_share=0, level_db=(0.0, 0.0)
    )
    clean = speech()
    np.testing.assert_array_equal(Degrader(none, RATE, 0)(clean, np.random.default_rng(0)), clean)


def test_ones_own_scanner_is_used(tmp_path):
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE)
    soundfile.write(tmp_path / "mine.wav", 0.5 * tone, RATE)
    only = Degradation(
        noise_share=1, noise_folder=str(tmp_path), noise_folder_share=1, late_start_share=0, room_share=0,
        band_limit_share=0, clipping_share=0, codec_share=0, snr_db=(0.0, 0.0), level_db=(0.0, 0.0),
    )  # fmt: skip
    clean = 0.1 * speech()
    added = Degrader(only, RATE, 0)(clean, np.random.default_rng(0)) - clean
    assert np.abs(np.fft.rfft(added)).argmax() == 1500  # 1000 Hz in 1.5 s


def test_bad_settings_and_noises_are_refused(tmp_path):
    with pytest.raises(InputError, match="snr_db"):
        Degradation(snr_db=(10.0, 0.0))
    with pytest.raises(InputError, match="codec_share"):
        Degradation(codec_share=2.0)
    soundfile.write(tmp_path / "short.wav", np.ones(100), RATE)
    with pytest.raises(InputError, match="short.wav"):
        Degrader(Degradation(noise_folder=str(tmp_path), rooms=1), RATE, 0)

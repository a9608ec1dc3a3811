"""The classical restoration against signals whose parts are known."""

import numpy as np
import pytest

from rtmri2speech.restore import classical
from rtmri2speech.restore.chunks import in_chunks
from rtmri2speech.speech.metrics import si_sdr

RATE = 8000


def comb(seconds: float, tr_s: float = 0.00607, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Exactly periodic noise: harmonics of 1/tr with fixed random amplitudes and phases, RMS 1."""
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    harmonics = np.arange(1, int(0.45 * rate * tr_s))
    phases, amplitudes = random.uniform(0, 6.28, len(harmonics)), random.exponential(1, len(harmonics))
    lines = zip(harmonics, amplitudes, phases, strict=True)
    x = sum(a * np.cos(2 * np.pi * k / tr_s * t + p) for k, a, p in lines)
    return x / np.sqrt(np.mean(x**2))


def voice(seconds: float, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """A voice-like buzz: F0 wanders by a few per cent as in speech, loudness comes and goes; RMS 1."""
    random = np.random.default_rng(seed)
    n = round(seconds * rate)
    knots = np.arange(0, n + 400, 400)
    wander = np.interp(np.arange(n), knots, random.normal(0, 1.5, len(knots)).cumsum())
    phase = 2 * np.pi * np.cumsum(120 + wander) / rate
    x = sum(np.cos(k * phase) / k for k in range(1, 20))
    x = x * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * np.arange(n) / rate))
    return x / np.sqrt(np.mean(x**2))


def level_db(x: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(x)) + 1e-20)


def test_periodic_noise_alone_disappears():
    x = comb(12.0)
    assert level_db(classical.subtract_lines(x, RATE)[RATE:-RATE]) < level_db(x) - 30


def test_periodic_noise_with_a_drifting_clock_disappears():
    x = comb(12.0, tr_s=0.00607 * (1 + 3e-5))
    assert level_db(classical.subtract_lines(x, RATE)[RATE:-RATE]) < level_db(x) - 30


def test_voice_alone_stays():
    x = voice(12.0)
    assert si_sdr(x, classical.subtract_lines(x, RATE)) > 12


def test_voice_is_freed_from_louder_periodic_noise():
    x = voice(12.0)
    noisy = x + 2 * comb(12.0)
    middle = slice(RATE, -RATE)
    assert si_sdr(x[middle], noisy[middle]) < -5
    assert si_sdr(x[middle], classical.subtract_lines(noisy, RATE)[middle]) > 8


def test_steady_hiss_is_turned_down_and_bursts_of_voice_stay():
    random = np.random.default_rng(1)
    x = voice(12.0)
    x[(np.arange(len(x)) // RATE) % 2 == 0] = 0
    noisy = x + 0.1 * random.standard_normal(len(x))
    done = classical.suppress_noise(noisy, RATE, -20.0)
    silent = slice(4 * RATE + 800, 5 * RATE - 800)
    assert level_db(done[silent]) < level_db(noisy[silent]) - 12
    assert si_sdr(x, done) > si_sdr(x, noisy) + 1


@pytest.mark.parametrize("gain", [1e-3, 1.0])
def test_loudness_does_not_matter(gain):
    noisy = voice(5.0) + comb(5.0)
    quiet, usual = (classical.restore_classical(g * noisy, RATE) for g in (gain, 1.0))
    np.testing.assert_allclose(quiet, gain * usual, atol=1e-4 * gain)


@pytest.mark.parametrize("samples", [1, 5, 63, 64, 65, 3000])
def test_very_short_sounds_keep_their_length(samples):
    done = classical.restore_classical(np.ones(samples, np.float32), RATE)
    assert done.shape == (samples,) and np.isfinite(done).all()


@pytest.mark.parametrize("rate", [4000, 11413, 22050, 48000])
def test_analysis_without_change_is_the_sound_itself(rate):
    x = np.random.default_rng(0).standard_normal(rate)
    hop = classical.grid(rate)
    np.testing.assert_allclose(classical._joined(classical._frames(x, hop), hop, len(x)), x, atol=1e-10)


@pytest.mark.slow
def test_pieces_give_the_result_of_the_whole():
    rate, seconds = 4000, 75.0
    hiss = 0.1 * np.random.default_rng(2).standard_normal(round(seconds * rate))
    noisy = voice(seconds, rate) + comb(seconds, rate=rate) + hiss
    whole = classical.restore_classical(noisy, rate)
    step = classical.grid(rate)
    chunk, context = round(20 * rate / step) * step, round(classical.CONTEXT_S * rate / step) * step
    blocks = np.split(noisy, np.arange(7919, len(noisy), 7919))
    pieces = list(in_chunks(blocks, lambda x: classical.restore_classical(x, rate), chunk, context))
    assert len(pieces) == 4
    joined = np.concatenate(pieces)
    assert len(joined) == len(whole)
    assert level_db(joined - whole) < level_db(whole) - 60


def test_chunks_pass_on_every_row_once_whatever_the_blocks():
    rows = np.arange(1000)[:, None]
    seen = []

    def work(piece):
        seen.append(len(piece))
        return np.repeat(piece, 3, axis=0)

    for size in (1, 7, 100, 333, 1000, 5000):
        blocks = np.split(rows, range(size, len(rows), size))
        out = np.concatenate(list(in_chunks(blocks, work, 100, 30, scale=3)))
        np.testing.assert_array_equal(out, np.repeat(rows, 3, 0))
        assert max(seen) <= 160
    assert list(in_chunks([], lambda x: x, 10, 5)) == []

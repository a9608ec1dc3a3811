"""Metrics against analytic cases, the packages they rest on, and real speech made steadily worse."""

import json
import math
import sys

import numpy as np
import pytest
import soundfile
import soxr
from pystoi import stoi as pystoi

from rtmri2speech.errors import InputError
from rtmri2speech.speech import metrics
from rtmri2speech.speech.formants import measure_f0

N_MELS = 64


@pytest.fixture(scope="module")
def speech(shared):
    """Three seconds of a real utterance at the model's rate, and the rate."""
    sound, rate = soundfile.read(shared / "speech" / "ljspeech" / "LJ001-0004.flac")
    return soxr.resample(sound, rate, 11413)[: 3 * 11413], 11413


def noisy(sound, snr_db, seed=0):
    noise = np.random.default_rng(seed).standard_normal(sound.size)
    return sound + noise * np.sqrt(np.mean(sound**2) / np.mean(noise**2) / 10 ** (snr_db / 10))


def random_mel(frames=50, seed=0):
    return np.random.default_rng(seed).normal(-40, 10, (frames, N_MELS))


def cosine(m):
    return np.cos(np.pi * m * (np.arange(N_MELS) + 0.5) / N_MELS)


# --- mels -----------------------------------------------------------------------------------------------------------


def test_mcd_of_a_known_offset_in_one_coefficient():
    delta = 0.1  # in natural-log magnitude, so 0.1 * 20 / ln(10) dB
    mel = random_mel()
    moved = mel + delta * 20 / math.log(10) * cosine(1)
    assert metrics.mcd(mel, mel) == 0
    assert metrics.mcd(mel, moved) == pytest.approx(10 / math.log(10) * math.sqrt(2) * delta)


def test_mcd_is_the_rms_difference_in_db_of_the_smoothed_spectra():
    mel = random_mel()
    difference = 3 * cosine(2) - 2 * cosine(7)
    assert metrics.mcd(mel, mel + difference) == pytest.approx(np.sqrt(np.mean(difference**2)))


def test_mcd_ignores_loudness_and_detail_beyond_its_order():
    mel = random_mel()
    assert metrics.mcd(mel, mel + 7.0) == pytest.approx(0, abs=1e-9)
    assert metrics.mcd(mel, mel + 5 * cosine(13)) == pytest.approx(0, abs=1e-9)
    assert metrics.mcd(mel, mel + 5 * cosine(13), order=13) == pytest.approx(5 / math.sqrt(2))


def test_mcd_needs_mels_of_the_same_frames():
    mel = random_mel()
    with pytest.raises(InputError, match="shape"):
        metrics.mcd(mel, np.repeat(mel, 2, axis=0))


def test_band_mae_counts_its_own_bins_only():
    mel = random_mel()
    moved = mel.copy()
    moved[:, 4:10] += 3
    moved[:, 10:20] -= 5
    bins = {"F1": np.arange(4, 10), "F2": np.arange(10, 30)}
    assert metrics.band_mae(mel, moved, bins) == pytest.approx({"F1": 3.0, "F2": 2.5})
    for wrong in ([], [64], [-1]):
        with pytest.raises(InputError, match="F9"):
            metrics.band_mae(mel, moved, {"F9": np.array(wrong, int)})


def test_shape_correlation_sees_the_moving_shape_alone():
    mel = random_mel()
    loudness = np.random.default_rng(1).normal(0, 20, (50, 1))
    channel = np.random.default_rng(2).normal(0, 20, (1, N_MELS))
    assert metrics.spectral_shape_correlation(mel, 3 * mel + loudness + channel) == pytest.approx(1)
    assert metrics.spectral_shape_correlation(mel, -mel) == pytest.approx(-1)
    assert abs(metrics.spectral_shape_correlation(mel, random_mel(seed=3))) < 0.1
    assert metrics.spectral_shape_correlation(mel, np.zeros_like(mel) + loudness + channel) is None


def test_loudness_correlation_sees_the_level_alone():
    level = np.sin(np.arange(50) / 5)[:, None]
    mel = level + cosine(1)  # the shape does not change the mean over bins
    assert metrics.loudness_correlation(mel, 2 * level + 5 * cosine(4) - 30) == pytest.approx(1)
    assert metrics.loudness_correlation(mel, -level + cosine(1)) == pytest.approx(-1)
    assert metrics.loudness_correlation(mel, np.broadcast_to(cosine(3), mel.shape)) is None


def test_evaluate_mels_names_every_metric():
    mel = random_mel()
    result = metrics.evaluate_mels(mel, mel + 1.0, {"F1": np.arange(4, 10)})
    assert result == pytest.approx(
        {"mcd_db": 0.0, "mae_F1_db": 1.0, "spectral_shape_correlation": 1.0, "loudness_correlation": 1.0}, abs=1e-9
    )


# --- waveforms ------------------------------------------------------------------------------------------------------


def test_si_sdr_of_orthogonal_distortion():
    t = np.arange(8000) / 8000
    reference, distortion = np.sin(2 * np.pi * 100 * t), np.cos(2 * np.pi * 100 * t)
    for gain in (1, 0.01, -5):
        assert metrics.si_sdr(reference, gain * (reference + 0.1 * distortion) + 0.3) == pytest.approx(20)
    assert metrics.si_sdr(reference, 0.5 * reference) == math.inf
    assert metrics.si_sdr(reference, 0 * reference) is None


def test_f0_rmse_of_two_tones():
    rate = 11413
    t = np.arange(rate) / rate
    times_s = np.arange(0.1, 0.9, 0.01)
    low, high = (
        measure_f0(sum(np.sin(2 * np.pi * f0 * n * t) / n for n in range(1, 9)), rate, times_s) for f0 in (100, 110)
    )
    assert metrics.f0_rmse(low, high) == pytest.approx(10, abs=0.1)
    assert metrics.f0_rmse(low, low) == 0
    assert metrics.voicing_error(low, high) == 0


def test_f0_is_compared_where_both_are_voiced():
    nan = np.nan
    reference, candidate = np.array([100, 100, nan, nan, 200.0]), np.array([103, nan, 150, nan, 204.0])
    assert metrics.f0_rmse(reference, candidate) == pytest.approx(math.sqrt((9 + 16) / 2))
    assert metrics.voicing_error(reference, candidate) == pytest.approx(2 / 5)
    assert metrics.f0_rmse(reference, np.full(5, nan)) is None


def test_stoi_is_pystoi_at_10_khz(speech):
    sound, rate = speech
    reference, candidate = soxr.resample(sound, rate, 10_000), soxr.resample(noisy(sound, 3), rate, 10_000)
    for ours, extended in ((metrics.stoi, False), (metrics.estoi, True)):
        expected = pystoi(reference, candidate, 10_000, extended=extended)
        assert ours(reference, candidate, 10_000) == pytest.approx(expected)
        # pystoi's own, much slower resampling from 11,413 Hz
        native = pystoi(sound, noisy(sound, 3), rate, extended=extended)
        assert ours(sound, noisy(sound, 3), rate) == pytest.approx(native, abs=5e-3)


def test_identity_is_perfect(speech):
    sound, rate = speech
    result = metrics.evaluate_waveforms(sound, rate, sound, rate)
    assert result["stoi"] == pytest.approx(1) and result["estoi"] == pytest.approx(1)
    assert result["pesq_nb"] == pytest.approx(4.549, abs=0.001)  # the highest value of P.862.1
    assert result["pesq_wb"] == pytest.approx(4.644, abs=0.001)  # the highest value of P.862.2
    assert result["f0_rmse_hz"] == 0 and result["voicing_error"] == 0
    assert result["si_sdr_db"] is None  # infinite
    json.dumps(result, allow_nan=False)


def test_every_metric_falls_as_noise_rises(speech):
    sound, rate = speech
    results = [metrics.evaluate_waveforms(sound, rate, noisy(sound, snr), rate) for snr in (30, 15, 0)]
    for name in ("stoi", "estoi", "pesq_nb", "pesq_wb", "si_sdr_db"):
        best, middle, worst = (result[name] for result in results)
        assert best > middle > worst, name
    assert results[2]["voicing_error"] > results[0]["voicing_error"]
    assert results[1]["si_sdr_db"] == pytest.approx(15, abs=0.3)


def test_level_rate_and_a_little_length_do_not_matter(speech):
    sound, rate = speech
    plain = metrics.evaluate_waveforms(sound, rate, noisy(sound, 25), rate)
    other = metrics.evaluate_waveforms(sound, rate, soxr.resample(noisy(sound, 25), rate, 22050)[:-2000] * 0.02, 22050)
    for name, tolerance in (("stoi", 0.01), ("estoi", 0.02), ("pesq_nb", 0.1), ("f0_rmse_hz", 2), ("si_sdr_db", 0.5)):
        assert other[name] == pytest.approx(plain[name], abs=tolerance), name


def test_recordings_of_other_length_are_refused(speech):
    sound, rate = speech
    with pytest.raises(InputError, match="3.00 s and the candidate 2.50 s"):
        metrics.evaluate_waveforms(sound, rate, sound[: int(2.5 * rate)], rate)
    metrics.evaluate_waveforms(sound[: 2 * rate], rate, sound[: int(1.5 * rate)], rate, length_tolerance_s=1)


def test_silence(speech):
    sound, rate = speech
    with pytest.raises(InputError, match="silent"):
        metrics.evaluate_waveforms(0 * sound, rate, sound, rate)
    result = metrics.evaluate_waveforms(sound, rate, 0 * sound, rate)
    assert result["pesq_nb"] is result["pesq_wb"] is result["f0_rmse_hz"] is result["si_sdr_db"] is None
    assert result["stoi"] == pytest.approx(0, abs=0.01)
    assert 0.2 < result["voicing_error"] <= 1
    assert metrics.stoi(sound[:2000], sound[:2000], rate) is None
    assert metrics.stoi(sound[:100], sound[:100], rate) is None


def test_pesq_without_the_package_or_without_speech(speech, monkeypatch):
    sound, rate = speech
    assert metrics.pesq_wb(np.zeros(rate), sound[:rate], rate) is None
    assert metrics.pesq_nb(sound[:1000], sound[:1000], rate) is None
    monkeypatch.setitem(sys.modules, "pesq", None)
    assert metrics.pesq_nb(sound, sound, rate) is None


def test_pesq_survives_many_utterances():
    # P.862's reference code has room for 50 utterances and overruns it in silence: 80 bursts crash it in one piece.
    rate = 8000
    rng = np.random.default_rng(0)
    burst = np.concatenate([np.sin(np.arange(3600) * 0.3) * np.hanning(3600), np.zeros(4400)])
    reference = np.tile(burst, 80) + 1e-5 * rng.standard_normal(80 * rate)
    assert 1 <= metrics.pesq_nb(reference, reference + 0.01 * rng.standard_normal(reference.size), rate) < 4.5


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [np.zeros(64), np.zeros((0, 64)), np.full((3, 64), np.nan), np.zeros((4, 64))])
def test_bad_mels(wrong):
    mel = np.zeros((3, 64))
    for metric in (metrics.mcd, metrics.spectral_shape_correlation, metrics.loudness_correlation):
        with pytest.raises(InputError):
            metric(mel, wrong)


@pytest.mark.parametrize("wrong", [np.zeros((2, 50)), np.zeros(0), np.full(100, np.inf), np.zeros(99)])
def test_bad_waveforms(wrong):
    sound = np.ones(100)
    for metric in (metrics.si_sdr, lambda a, b: metrics.stoi(a, b, 8000), lambda a, b: metrics.pesq_nb(a, b, 8000)):
        with pytest.raises(InputError):
            metric(sound, wrong)


def test_bad_contours():
    for wrong in (np.zeros(3), np.array([100.0, np.inf, np.nan]), np.full(4, 100.0)):
        with pytest.raises(InputError):
            metrics.f0_rmse(np.full(3, 100.0), wrong)

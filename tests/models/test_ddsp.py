"""The source-filter vocoder: its sources are white, it says what the mel says before any training, and chunks join."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rtmri2speech.errors import InputError
from rtmri2speech.models import vocoding
from rtmri2speech.models.ddsp import DdspConfig, SourceFilter, f0_at_steps
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.vocoder import vocoder_of
from rtmri2speech.models.vocoding import vocode
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.formants import measure_f0
from rtmri2speech.speech.mel import mel_spectrogram_db, spectral_envelope
from tests.conftest import make_bundle

SPEC = MelSpec()
TINY = DdspConfig(channels=16, fine_channels=8)


@pytest.fixture(scope="module")
def untrained():
    return SourceFilter(TINY).begin().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def lively(untrained):
    """One whose network does say something."""
    torch.manual_seed(0)
    vocoder = SourceFilter(TINY).begin().eval().requires_grad_(False)
    torch.nn.init.normal_(vocoder.last.weight, 0, 0.3)
    return vocoder


def formants(frames: int) -> np.ndarray:
    """A smooth mel (frames, 64) in dB with two moving peaks."""
    bins, t = np.arange(64), np.linspace(0, 1, frames)[:, None]
    peaks = [18 * np.exp(-(((bins - c - w * t) / 6) ** 2)) for c, w in ((8, 6), (40, -12))]
    return spectral_envelope(-45 - 0.2 * bins + sum(peaks), 16)


def power_db(x: np.ndarray) -> np.ndarray:
    return 20 * np.log10(np.abs(np.fft.rfft(x * np.hanning(len(x)))) + 1e-9)


def test_pulses_are_equal_harmonics_up_to_nyquist_and_of_power_1(untrained):
    pulses = untrained.pulses(torch.full((1, 7 * 27), 200.0))[0].numpy()
    assert np.mean(pulses**2) == pytest.approx(1, abs=0.03)
    spectrum, hz = power_db(pulses), np.arange(len(pulses) // 2 + 1) * SPEC.sample_rate / len(pulses)
    lines = np.array([spectrum[np.abs(hz - 200 * k) < 20].max() for k in range(1, 28)])
    assert np.ptp(lines) < 1.6  # the window alone makes 1.4 dB of this
    between = np.abs((hz + 100) % 200 - 100) > 50
    assert spectrum[between].max() < lines.min() - 40 and spectrum[hz < 40].max() < lines.min() - 40


def test_pulses_sound_where_there_is_f0_and_a_frame_beyond(untrained):
    f0_hz = torch.zeros(1, 7 * 10)
    f0_hz[0, 28:42] = 150.0
    sounding = untrained.pulses(f0_hz)[0].reshape(10, 420).abs().amax(dim=1) > 0
    assert sounding.nonzero()[:, 0].tolist() == [3, 4, 5, 6]
    assert not untrained.pulses(torch.zeros(1, 70)).any()


def test_the_noise_is_white_and_steadier_than_noise_by_chance(untrained):
    noise = untrained.noise
    assert noise.square().mean() == pytest.approx(1) and abs(float(noise.mean())) < 1e-4
    chance = torch.randn(len(noise), generator=torch.Generator().manual_seed(1))
    spread = {}
    for name, x in (("noise", noise), ("chance", chance)):
        spectra = torch.stft(x, 288, 72, 288, torch.hann_window(288), return_complex=True)[4:-4].abs()
        spread[name] = float((20 * spectra.clamp_min(1e-3).log10()).std())
        assert np.ptp(10 * np.log10(spectra.square().mean(dim=1).numpy())) < 1.5
    assert spread["noise"] < 0.7 * spread["chance"]


def test_it_says_the_mel_before_any_training(untrained):
    mel_db = formants(60)
    for f0_hz, expected in ((torch.full((60,), 110.0), -1.0), (None, -12.0)):  # the sources' balance at the start
        samples = untrained.speak(torch.from_numpy(mel_db), f0_hz)
        made = spectral_envelope(mel_spectrogram_db(samples, SPEC).numpy(), 16)
        difference = (made - mel_db)[5:-5, 2:]
        assert difference.mean() == pytest.approx(expected, abs=0.7) and difference.std() < 1.5
        assert abs(float(samples.mean())) < 1e-5


def test_sudden_speech_makes_no_thump_below_it(lively):
    mel_db = torch.from_numpy(formants(60))
    mel_db[:30] -= 60
    spectrum = power_db(lively.speak(mel_db, torch.full((60,), 150.0)).numpy()[20 * 420 : 40 * 420])
    hz = np.arange(len(spectrum)) * SPEC.sample_rate / len(spectrum) / 2
    assert spectrum[hz < 20].max() < spectrum[(hz > 140) & (hz < 160)].max() - 30


def test_a_louder_mel_is_a_louder_waveform_and_nothing_else(lively):
    mel_db, f0_hz = torch.from_numpy(formants(30)) - 20, torch.full((30,), 200.0)
    soft, loud = lively.speak(mel_db, f0_hz), lively.speak(mel_db + 6, f0_hz)
    torch.testing.assert_close(loud, soft * 10 ** (6 / 20), atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("per_frame", [None, 1, 7])
def test_chunks_are_spoken_as_the_whole_clip_would_be(lively, monkeypatch, per_frame):
    bundle = replace(make_bundle(), vocoder=lively)
    mel_db = torch.from_numpy(formants(100))
    f0_hz = None if per_frame is None else np.linspace(90, 210, 100 * per_frame)
    if f0_hz is not None:
        f0_hz[30 * per_frame : 45 * per_frame] = 0
    whole = vocode(bundle, mel_db, f0_hz=f0_hz)
    monkeypatch.setattr(vocoding, "_CHUNK", 17)
    np.testing.assert_allclose(vocode(bundle, mel_db, f0_hz=f0_hz), whole, atol=1e-6)
    assert np.abs(whole).max() > 1e-3


def test_without_f0_it_whispers_always_the_same(lively):
    mel_db = torch.from_numpy(formants(40))
    whispered = lively.speak(mel_db)
    assert torch.equal(whispered, lively.speak(mel_db, torch.zeros(40)))
    times_s = np.arange(0.1, 1.4, 0.01)
    heard = [measure_f0(lively.speak(mel_db, f0).numpy(), 11413, times_s) for f0 in (None, torch.full((40,), 120.0))]
    assert np.isfinite(heard[0]).mean() < 0.4 and np.isfinite(heard[1]).mean() > 0.8


def test_its_pitch_is_the_one_asked_for(untrained):
    samples = untrained.speak(torch.from_numpy(formants(54)), torch.full((54,), 137.0)).numpy()
    spectrum = power_db(samples)
    low = np.arange(len(spectrum)) * SPEC.sample_rate / len(samples)
    peak = low[(low > 120) & (low < 160)][spectrum[(low > 120) & (low < 160)].argmax()]
    assert peak == pytest.approx(137, abs=1)


def test_f0_between_frames_is_joined_in_octaves_and_held_at_ends():
    steps = f0_at_steps(np.array([0.0, 100.0, 200.0, 0.0]), 4, 3)
    assert steps[[0, 1, 2, 9, 10, 11]].tolist() == [0] * 6
    assert steps[[3, 4, 7, 8]].tolist() == pytest.approx([100, 100, 200, 200])
    assert steps[5] == pytest.approx(100 * 2 ** (1 / 3)) and steps[6] == pytest.approx(100 * 2 ** (2 / 3))
    fine = np.arange(12.0)
    assert f0_at_steps(fine, 4, 3) is fine and not f0_at_steps(np.zeros(4), 4, 3).any()


def test_a_bundle_with_it_is_saved_and_loaded(lively, tmp_path):
    replace(make_bundle(), vocoder=lively).save(tmp_path / "b", half=True)
    loaded = load_bundle(tmp_path / "b").vocoder
    mel_db, f0_hz = torch.from_numpy(formants(20)), torch.full((20,), 120.0)
    assert loaded.config == TINY
    torch.testing.assert_close(loaded.speak(mel_db, f0_hz), lively.speak(mel_db, f0_hz), atol=2e-3, rtol=0.05)


def test_impossible_shapes_are_refused():
    for wrong in ({"steps": 11}, {"steps": 1}, {"channels": 0}, {"dilations": [1, 0]}):
        with pytest.raises(InputError, match="vocoder's"):
            vocoder_of({"kind": "ddsp", **TINY.to_json(), **wrong})

"""A bundle speaks at the F0 that is asked for; a vocoder without F0 gets harmonics in its mel, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.vocoding import vocode
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.formants import measure_f0
from rtmri2speech.speech.mel import centre_frequencies_hz, mel_spectrogram_db, spectral_envelope
from rtmri2speech.speech.voice import Voice, VoicingProbe, add_harmonics, asked_voice, f0_contour, pulse_train
from tests.conftest import make_bundle

SPEC = MelSpec()
FPS = SPEC.fps


@pytest.fixture(scope="module")
def clip():
    from pathlib import Path

    return read_clip(sorted((Path(__file__).parents[2] / "assets" / "clips").glob("*.mp4"))[0])


@pytest.fixture(scope="module")
def whispering():
    return replace_voice(load_bundle(), None)


@pytest.fixture(scope="module")
def voiced_bundle(whispering):
    """Always voiced, at 150 Hz."""
    hidden = whispering.acoustic.config.rnn_hidden
    return replace_voice(whispering, VoicingProbe(np.zeros((2, hidden)), [1.0, np.log2(150.0)]))


def replace_voice(bundle, voice):
    return replace(bundle, voice=voice)


@pytest.mark.parametrize(
    "voice",
    [
        Voice(whisper=True),
        Voice(),
        Voice(intonation="flat"),
        Voice(pitch_hz=123.4, intonation="original"),
        Voice(semitones=-2.5),
        Voice(semitones=4),
    ],
)
def test_a_voice_is_told_as_the_options_that_ask_for_it(voice):
    words = voice.options
    given = dict(zip(words[::2], words[1::2], strict=False))
    assert asked_voice(given.get("--pitch"), given.get("--intonation"), "--whisper" in words) == voice


def test_the_envelope_keeps_the_first_cepstral_coefficients():
    bins, levels = np.arange(64) + 0.5, np.random.default_rng(0).normal(0, 12, (9, 64, 1))
    waves = levels * np.cos(np.pi / 64 * np.arange(64)[:, None] * bins)
    assert np.allclose(spectral_envelope(waves.sum(axis=1), 16), waves[:, :16].sum(axis=1), atol=1e-4)
    assert np.allclose(spectral_envelope(waves.sum(axis=1), 99), waves.sum(axis=1), atol=1e-4)


def test_the_embedded_vocoder_sings_what_is_asked_for(whispering, clip):
    """Over the true envelope of a clip's own speech: Praat hears the F0 that was asked for, and little without it."""
    sound = resample(clip.audio, clip.audio_rate, SPEC.sample_rate)
    smooth = spectral_envelope(mel_spectrogram_db(torch.from_numpy(sound), SPEC).numpy(), 16)
    times = (np.arange(len(smooth)) + 0.5) / FPS
    voiced = np.isfinite(measure_f0(sound, SPEC.sample_rate, times))
    asked = np.where(voiced, np.linspace(220, 160, len(smooth)), 0)
    sung = vocode(whispering, torch.from_numpy(smooth), f0_hz=asked)
    heard = measure_f0(sung, SPEC.sample_rate, times)
    whispered = measure_f0(vocode(whispering, torch.from_numpy(smooth)), SPEC.sample_rate, times)
    assert np.isfinite(heard[voiced]).mean() > 0.85 > 0.6 > np.isfinite(whispered[voiced]).mean()
    assert np.nanmedian(np.abs(heard - asked)[voiced]) < 5


def test_a_vocoder_without_f0_gets_harmonics_in_its_mel(monkeypatch):
    bundle, given = make_bundle(), []
    speak = lambda _, mel, *f0: given.append((mel, f0)) or mel.new_zeros(12600)  # noqa: E731
    monkeypatch.setattr(type(bundle.vocoder), "speak", speak)
    smooth, f0_hz = np.full((30, 64), -30.0, np.float32), np.where(np.arange(30) < 25, 300.0, 0.0)
    vocode(bundle, torch.from_numpy(smooth), f0_hz=f0_hz)
    ((mel, f0),) = given
    assert np.array_equal(mel.numpy(), add_harmonics(smooth, f0_hz, SPEC)) and f0[0] is None
    levels = np.interp(np.arange(300, 1350, 150), centre_frequencies_hz(SPEC), mel[:25].numpy().mean(axis=0))
    assert (levels[::2] > -27).all() and (levels[1::2] < -33).all()  # at 300, 600, ... Hz, and between


def test_unvoiced_frames_and_the_envelope_stay_as_they_are():
    smooth = np.random.default_rng(1).normal(-30, 3, (30, 64)).astype(np.float32)
    f0_hz = np.where(np.arange(30) < 15, 120.0, 0.0)
    made = add_harmonics(smooth, f0_hz, SPEC)
    assert np.array_equal(made[15:], smooth[15:])
    assert np.abs(made[:15] - smooth[:15]).max() > 3
    assert np.allclose(spectral_envelope(made, 16), spectral_envelope(smooth, 16), atol=1e-3)


def test_pulses_repeat_with_the_period_that_was_asked_for():
    waveform = pulse_train(np.full(40, 11413 / 100), SPEC)
    assert np.allclose(waveform[2000:2100], waveform[2100:2200], atol=1e-3)
    spectrum = np.abs(np.fft.rfft(waveform[:11400]))
    assert set(np.flatnonzero(spectrum > 0.5 * spectrum.max()) % 114) == {0}


def test_melodies():
    voiced = np.zeros(100, bool)
    voiced[5:40] = voiced[60:95] = True
    declining = f0_contour(Voice(), voiced, 120.0, FPS)
    assert (declining[~voiced] == 0).all()
    for phrase in (declining[5:40], declining[60:95]):
        assert (np.diff(phrase) < 0).all()
        assert 12 * np.log2(phrase[0] / phrase[-1]) == pytest.approx(3)
        assert np.exp(np.log(phrase).mean()) == pytest.approx(120, rel=1e-3)
    octave = f0_contour(Voice(intonation="flat", semitones=12), voiced, 120.0, FPS)
    assert np.allclose(octave[voiced], 240)
    assert np.allclose(f0_contour(Voice(intonation="flat", pitch_hz=90), voiced, 120.0, FPS)[voiced], 90)
    sung = np.where(np.arange(100) % 7 < 5, np.linspace(100, 200, 100), np.nan)
    own = f0_contour(Voice(intonation="original"), voiced, 120.0, FPS, sung)
    assert np.allclose(own[voiced], np.linspace(100, 200, 100)[voiced], rtol=0.01)
    higher = f0_contour(Voice(intonation="original", pitch_hz=300), voiced, 120.0, FPS, sung)
    assert np.median(higher[voiced]) == pytest.approx(300, rel=0.01)
    with pytest.raises(InputError, match="no voiced sound"):
        f0_contour(Voice(intonation="original"), voiced, 120.0, FPS, np.full(100, np.nan))


def test_a_bundle_with_a_voice_is_heard_at_the_pitch_asked_for(voiced_bundle, clip):
    for voice, hz in ((Voice(intonation="flat"), 150), (Voice(intonation="flat", pitch_hz=220), 220)):
        analysis = analyse(voiced_bundle, clip, bands=(), voice=voice)
        speaking = np.flatnonzero(analysis.f0_hz > 0)
        assert set(speaking) <= set(analysis.speech)
        heard = measure_f0(analysis.audio, analysis.sample_rate, (speaking + 0.5) / analysis.fps)
        assert np.nanmedian(np.abs(heard - hz)) < 5


@pytest.mark.slow
def test_other_bundles_and_whispers_are_bit_by_bit_what_they_were(whispering, voiced_bundle, clip):
    before = analyse(whispering, clip, bands=())
    assert np.array_equal(before.audio, vocode(whispering, torch.from_numpy(before.mel_db)))
    whispered = analyse(voiced_bundle, clip, bands=(), voice=Voice(whisper=True))
    assert np.array_equal(whispered.audio, before.audio) and whispered.f0_hz is None
    assert np.array_equal(analyse(voiced_bundle, clip, bands=()).mel_db, before.mel_db)
    with pytest.raises(InputError, match="carries no voice"):
        analyse(whispering, clip, bands=(), voice=Voice(pitch_hz=120))


def test_a_bundle_says_how_it_speaks_where_nobody_asks(voiced_bundle, clip):
    readout = voiced_bundle.voice
    whispers = replace_voice(voiced_bundle, VoicingProbe(readout.weight, readout.bias, "whisper"))
    assert analyse(whispers, clip, bands=()).f0_hz is None
    flat = analyse(whispers, clip, bands=(), voice=Voice(intonation="flat")).f0_hz
    assert flat.max() == pytest.approx(150, rel=1e-3)
    assert VoicingProbe.from_json(whispers.voice.to_json()).default == "whisper"
    with pytest.raises(InputError, match="intonation"):
        VoicingProbe(readout.weight, readout.bias, "sad")


def test_a_voice_is_kept_in_the_bundles_folder(voiced_bundle, whispering, tmp_path):
    voiced_bundle.save(tmp_path / "voiced")
    kept = load_bundle(tmp_path / "voiced").voice
    assert np.array_equal(kept.weight, voiced_bundle.voice.weight) and np.array_equal(
        kept.bias, voiced_bundle.voice.bias
    )
    with pytest.raises(InputError, match="another acoustic model"):
        replace_voice(whispering, VoicingProbe(np.zeros((2, 3)), [0, 7]))


def test_words_for_a_voice():
    assert asked_voice(None, None, False) is None
    assert asked_voice("120", None, False) == Voice(pitch_hz=120)
    assert asked_voice("-3st", "flat", False) == Voice(semitones=-3, intonation="flat")
    assert asked_voice(None, None, True).whisper
    for bad in (("high", None), ("20", None), (None, "sad")):
        with pytest.raises(InputError):
            asked_voice(*bad, False)

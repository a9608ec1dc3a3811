"""The panel "Voice" without Gradio: the clip is spoken as asked, by the bundle as it is or fitted to the clip."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from rtmri2speech.analysis.domain_adaptation import adapt
from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.reference import earlier
from rtmri2speech.errors import InputError
from rtmri2speech.progress import UNSEEN
from rtmri2speech.speech.audio import write_audio
from rtmri2speech.speech.voice import Voice, VoicingProbe
from rtmri2speech.ui.report import voice_report
from rtmri2speech.ui.resynthesis import MANNERS, asked_of, resynthesise
from rtmri2speech.ui.session import open_clip
from rtmri2speech.ui.texts import TEXTS
from rtmri2speech.ui.whisper_button import other_voice
from tests.conftest import lively_bundle, moving_frames, write_mp4

FRAMES = moving_frames(70, 64, 64)


@pytest.fixture(scope="module")
def voiced():
    """Always voiced, at 128 Hz where nothing is asked for."""
    bundle = lively_bundle(FRAMES[:30])
    readout = VoicingProbe(np.zeros((2, bundle.acoustic.config.rnn_hidden)), [1.0, 7.0], "whisper")
    return replace(bundle, voice=readout)


@pytest.fixture(scope="module")
def result(voiced, tmp_path_factory):
    file = write_mp4(tmp_path_factory.mktemp("speaking") / "disc.mp4", FRAMES, Fraction(11413, 420))
    return open_clip(voiced, file, None, UNSEEN, regions="template")


def test_controls_ask_for_a_voice():
    assert asked_of("bundle", 120.0, 3) is None and asked_of("whisper", 120.0, 3) == Voice(whisper=True)
    assert asked_of("flat", None, -2) == Voice(semitones=-2.0, intonation="flat")
    assert asked_of("declining", 100, 12) == Voice(pitch_hz=200.0, intonation="declining")
    assert {asked_of(name, None, 0) for name in MANNERS} == {
        None,
        Voice(whisper=True),
        *(Voice(intonation=name) for name in ("declining", "flat", "original")),
    }
    with pytest.raises(InputError, match="pitch is from"):
        asked_of("flat", 400, 12)


def test_a_voice_changes_the_sound_and_nothing_else(voiced, result):
    made = resynthesise(voiced, result, asked_of("flat", None, 0), fit=False)
    now = made.result.analysis
    speaking = ~now.silent
    assert np.allclose(now.f0_hz[speaking], 128, rtol=1e-5) and result.analysis.f0_hz is None
    assert np.array_equal(now.mel_db, result.analysis.mel_db) and not np.array_equal(now.audio, result.analysis.audio)
    assert made.result.again and not result.again and made.result.fitted is None and made.adaptation is None
    assert made.comparison.first is result.analysis and made.result.payload != result.payload
    back = resynthesise(voiced, made.result, None, fit=False)
    assert np.array_equal(back.result.analysis.audio, result.analysis.audio) and back.result.again


def test_a_fitted_bundle_speaks_as_adapt_makes_it(voiced, result):
    made = resynthesise(voiced, result, None, fit=True)
    fitted, record = adapt(voiced, [result.analysis.clip])
    assert made.adaptation == record
    assert np.allclose(made.result.analysis.mel_db, analyse(fitted, result.analysis.clip).mel_db, atol=1e-4)
    assert made.result.fitted.training["adapted"]["from"] == voiced.name
    # what it is compared with is the fitted one, if that spoke last
    again = resynthesise(voiced, made.result, Voice(), fit=False)
    assert again.comparison.first is made.result.analysis and again.result.fitted is None
    assert not again.comparison.same_acoustic


def test_what_cannot_be_spoken_is_refused(voiced, result):
    with pytest.raises(InputError, match="no voiced sound of its own"):
        resynthesise(voiced, result, Voice(intonation="original"), fit=False)
    with pytest.raises(InputError, match="carries no voice"):
        resynthesise(replace(voiced, voice=None), result, Voice(), fit=False)


def test_the_report_tells_pitch_and_fit(voiced, result):
    told = voice_report(resynthesise(voiced, result, asked_of("flat", 200.0, 0), fit=False).comparison, None)
    assert "200 Hz" in told and TEXTS["en"]["voice_told_plain"] in told and TEXTS["ja"]["voice_told_plain"] in told
    made = resynthesise(voiced, result, Voice(whisper=True), fit=True)
    told = voice_report(made.comparison, made.adaptation)
    assert "whispers" in told and "70 frames" in told and f"{made.adaptation.mean_shift:.2f}" in told
    assert TEXTS["en"]["voice_no_scores"] in told


def test_speech_that_follows_a_reference_follows_it_where_it_is_moved(voiced, tmp_path, monkeypatch):
    """Else the zip's own command, which moves the reference first, would make another sound."""
    monkeypatch.setattr("rtmri2speech.analysis.pipeline.pauses", lambda mel, *_: np.zeros(len(mel), bool))
    file = write_mp4(tmp_path / "disc.mp4", FRAMES, Fraction(11413, 420))
    times_s = np.arange(int(16000 * 2.6)) / 16000
    phase = 2 * np.pi * np.cumsum(np.linspace(100, 220, len(times_s))) / 16000
    write_audio(tmp_path / "theirs.wav", 0.3 * np.sign(np.sin(phase)) * np.abs(np.sin(phase)), 16000)
    result = open_clip(voiced, file, tmp_path / "theirs.wav", UNSEEN, regions="template")
    sung = resynthesise(voiced, result, Voice(intonation="original"), fit=False).result
    moved = sung.with_shift(voiced, 400.0, UNSEEN)
    reference = earlier(sung.given, 0.4)
    expected = analyse(voiced, sung.analysis.clip, settings=sung.analysis.settings, original=reference)
    np.testing.assert_allclose(moved.analysis.f0_hz, expected.f0_hz)
    np.testing.assert_allclose(moved.analysis.audio, expected.audio, atol=1e-5)
    assert not np.allclose(moved.analysis.f0_hz, sung.analysis.f0_hz)


def test_one_button_goes_from_voice_to_whisper_and_back(voiced, result):
    speaking = replace(voiced, voice=replace(voiced.voice, default="flat"))
    spoken = resynthesise(speaking, result, None, fit=False).result
    for bundle, shown, expected in (
        (speaking, spoken, Voice(whisper=True)),
        (speaking, result, None),
        (voiced, result, Voice()),  # its own default whispers
        (replace(voiced, voice=None), result, Voice()),  # which is refused, and said why
    ):
        assert other_voice(bundle, shown) == expected

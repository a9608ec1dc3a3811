"""A clip analysed in pieces against the same clip analysed as a whole, and arrays that grow into files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtmri2speech.analysis import chunked
from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.settings import AnalysisSettings
from rtmri2speech.clips import disk_array, frame_rate
from rtmri2speech.clips.clip import Clip, ClipLimits, read_clip
from rtmri2speech.clips.disk_array import DiskArray, release_pages
from rtmri2speech.clips.formats.video import claimed_duration_s
from rtmri2speech.errors import InputError
from rtmri2speech.models.load import load_bundle
from rtmri2speech.spec import Band
from rtmri2speech.speech.formant_tracks import measured_track
from rtmri2speech.speech.voice import VoicingProbe
from tests.conftest import lively_bundle, moving_frames, write_mp4

CLIPS = Path(__file__).parents[2] / "assets" / "clips"


def in_pieces(bundle, clip, monkeypatch, first, piece):
    monkeypatch.setattr(chunked, "FIRST", first)
    monkeypatch.setattr(chunked, "CHUNK", piece)
    frames = frame_rate.retime(clip, bundle.fps)
    spans = chunked.spans_of(len(frames))
    found = list(chunked.analyse_chunks(bundle, clip, frames, AnalysisSettings()))
    return spans, chunked.joined(bundle, clip, frames, found)


@pytest.mark.slow
def test_pieces_of_the_embedded_model_are_the_whole(monkeypatch):
    """Three embedded clips one after the other, cut in the midst of speech: what the neighbours leave out is faint."""
    bundle = load_bundle()
    frames = np.concatenate([read_clip(path).frames for path in sorted(CLIPS.glob("*.mp4"))[:3]])
    clip = Clip(frames, np.arange(len(frames) + 1) / bundle.fps)
    whole = analyse(bundle, clip)
    spans, parts = in_pieces(bundle, clip, monkeypatch, 70, 80)
    assert len(spans) == 3 and len(parts.mel_db) == len(whole.mel_db) and len(parts.audio) == len(whole.audio)
    off_db = np.abs(parts.mel_db - whole.mel_db)
    assert off_db.mean() < 0.05 and np.quantile(off_db, 0.99) < 0.5
    for name, cam in whole.cam.items():
        assert np.abs(parts.cam[name] - cam).max() < 0.1 * np.abs(cam).max()
    np.testing.assert_array_equal(parts.silent, whole.silent)


def test_a_voice_goes_on_across_pieces_without_a_click(monkeypatch):
    """Each piece is spoken with pulses of another phase: here, with another constant."""
    frames, calls = moving_frames(70), []
    bundle = replace(lively_bundle(frames[:40]), voice=VoicingProbe(np.zeros((2, 32)), [1.0, 7.0], "flat"))
    clip = Clip(frames, np.arange(71) / bundle.fps)

    def spoken(bundle, mel_db, *_):
        calls.append(1)
        return np.full(420 * len(mel_db), float(len(calls)), np.float32)

    monkeypatch.setattr("rtmri2speech.analysis.pipeline.vocode", spoken)
    _, parts = in_pieces(bundle, clip, monkeypatch, 31, 17)
    steps = np.diff(parts.audio)
    assert steps.max() < 0.01 and parts.audio[[0, -1]].tolist() == [1, 4]
    assert np.flatnonzero(steps > 1e-6).max() == 65 * 420 + 127 and np.ptp(parts.audio[31 * 420 + 128 : 48 * 420]) == 0
    whispering = replace(bundle, voice=replace(bundle.voice, default="whisper"))
    assert np.diff(in_pieces(whispering, clip, monkeypatch, 31, 17)[1].audio).max() == 1  # noise has no phase


def test_each_piece_hears_its_own_part_of_the_original(monkeypatch):
    monkeypatch.setattr(chunked, "FIRST", 40)
    monkeypatch.setattr(chunked, "CHUNK", 40)
    frames, heard = moving_frames(120), []
    bundle = lively_bundle(frames[:40])
    clip = Clip(frames, np.arange(121) / bundle.fps)
    whole = chunked.analyse

    def listening(*others, original=None, **choices):
        heard.append(original)
        return whole(*others, original=original, **choices)

    monkeypatch.setattr(chunked, "analyse", listening)
    sound = np.arange(round(clip.duration * 1000), dtype=np.float32), 1000
    made = chunked.analyse_in_chunks(bundle, clip, settings=AnalysisSettings(), original=sound)
    expected = [(0, 40 + chunked.CONTEXT), (0, 120), (80 - chunked.CONTEXT, 120)]
    assert [(part[0], part[-1] + 1) for part, _ in heard] == [
        tuple(round(max(0, frame) / bundle.fps * 1000) for frame in span) for span in expected
    ]
    assert made.original is sound


@pytest.mark.parametrize("track", ["truth", "synthesised"])
def test_a_formant_is_followed_from_piece_to_piece(monkeypatch, tmp_path, track):
    """Also through a piece that has none."""
    for name in ("FIRST", "CHUNK"):
        monkeypatch.setattr(chunked, name, 40)
    monkeypatch.setattr(chunked, "CONTEXT", 4)
    frames = moving_frames(120)
    bundle = lively_bundle(frames[:40])
    f2_hz = np.where(np.arange(120) // 40 == 1, np.nan, np.linspace(900, 2400, 120))
    truth = {"formants_hz": np.stack([f2_hz] * 3, axis=1), "f0_hz": np.where(np.isnan(f2_hz), 0.0, 120.0)}
    np.savez(tmp_path / "a.truth.npz", fps=bundle.fps, **truth)
    clip = Clip(frames, np.arange(121) / bundle.fps, source=str(tmp_path / "a.mp4"))
    asked = [Band.parse("F:formant1/synthesised" if track == "synthesised" else "F:formant2+-200/truth")]
    made = chunked.analyse_in_chunks(bundle, clip, settings=AnalysisSettings(asked, silence="show"), speak=False)
    found = made.tracked_hz["F"]
    assert found.shape == (120,) and np.isfinite(found).any()
    if track == "truth":
        np.testing.assert_allclose(found, f2_hz)
    else:
        times_s = (np.arange(44) + 0.5) / bundle.fps
        spoken = analyse(bundle, a_stretch(clip, 0, 44), (), silence="show")
        sound = spoken.audio, spoken.sample_rate
        own = measured_track(sound, times_s, None, spoken.f0_hz is None, spoken.silent).hz[:40, 0]
        np.testing.assert_allclose(found[:40], own)
    there = np.isfinite(found)
    assert not made.cam["F"][~there].any() and made.cam["F"][there].any(axis=(1, 2)).all()
    assert (np.isnan(made.band_db["F"]) == ~there).all()
    assert (made.bands[0].low_hz, made.bands[0].high_hz) == (
        max(0, np.nanmin(found) - 200),
        min(bundle.mel.top_hz, np.nanmax(found) + 200),
    )
    again = chunked.analyse_in_chunks(bundle, clip, settings=made.settings, speak=False, formants_hz=made.tracked_hz)
    np.testing.assert_array_equal(again.cam["F"], made.cam["F"])
    with pytest.raises(InputError, match="no formant to follow"):
        asked = AnalysisSettings([Band.parse("F2:formant2/truth")])
        chunked.analyse_in_chunks(bundle, replace(clip, source=nowhere(tmp_path, bundle)), settings=asked)


def a_stretch(clip, first, stop):
    return Clip(clip.frames[first:stop], clip.times_s[first : stop + 1] - clip.times_s[first])


def nowhere(folder, bundle):
    """A clip whose phantom never has a voice."""
    np.savez(folder / "b.truth.npz", formants_hz=np.full((120, 3), 1000.0), f0_hz=np.zeros(120), fps=bundle.fps)
    return str(folder / "b.mp4")


def test_the_beginning_is_a_clip_of_its_own(monkeypatch):
    frames = moving_frames(200)
    bundle = lively_bundle(frames[:40])
    sound = np.zeros(8000 * 5, np.float32)
    clip = Clip(frames, np.arange(201) / (1.5 * bundle.fps), sound, 8000)  # not the model's rate
    at_rate = frame_rate.retime(clip, bundle.fps)
    made = chunked.ChunkedAnalysis(bundle, AnalysisSettings())
    parts = [made.chunk(clip, at_rate, *span) for span in ((0, 40), (40, 90))]
    begun = chunked.joined(bundle, clip, at_rate, parts)
    assert len(begun.mel_db) == 90 == frame_rate.frame_count(begun.clip, bundle.fps)
    assert begun.clip.duration == pytest.approx(90 / bundle.fps)
    assert len(begun.clip.audio) == pytest.approx(8000 * begun.clip.duration, abs=1)
    assert len(begun.of_clip_frame) == len(begun.clip.frames) == 135
    assert begun.of_clip_frame.max() == 89


def test_a_large_array_lies_in_a_file(monkeypatch):
    monkeypatch.setattr(disk_array, "LARGEST_IN_MEMORY", 10_000)
    rows, rng = DiskArray(), np.random.default_rng(0)
    expected = rng.integers(0, 255, (40, 30, 30), np.uint8)
    for k in range(0, 40, 4):
        rows.add(expected[k : k + 4])
        np.testing.assert_array_equal(rows.whole(), expected[: k + 4])
    found = rows.whole()
    assert isinstance(found, np.memmap) and not found.flags.writeable and len(rows) == 40
    release_pages(found[3:])
    del rows
    np.testing.assert_array_equal(found, expected)


def test_only_the_beginning_of_a_video_is_read(tmp_path):
    path = write_mp4(tmp_path / "x.mp4", moving_frames(120), fps=30)
    assert claimed_duration_s(path) == pytest.approx(4.0, abs=0.1)
    begun, whole = read_clip(path, until_s=1.0), read_clip(path)
    assert 1.0 <= begun.duration < 2.5 and len(whole.frames) == 120
    np.testing.assert_array_equal(begun.frames, whole.frames[: len(begun.frames)])
    (tmp_path / "no.mp4").write_bytes(b"no video")
    assert claimed_duration_s(tmp_path / "no.mp4") is None


def test_a_clip_in_a_file_is_the_same(tmp_path, monkeypatch):
    path = write_mp4(tmp_path / "x.mp4", moving_frames(30), fps=30)
    plain = read_clip(path, limits=ClipLimits())
    monkeypatch.setattr(disk_array, "LARGEST_IN_MEMORY", 1000)
    mapped = read_clip(path)
    assert isinstance(mapped.frames, np.memmap)
    np.testing.assert_array_equal(mapped.frames, plain.frames)


def test_a_flat_melody_has_one_pitch_in_all_chunks(monkeypatch):
    """The level that fits the vocal tract is read once: a readout of the pictures would give each chunk another."""
    frames = np.concatenate([moving_frames(60), moving_frames(60, seed=5) // 2])
    bundle = lively_bundle(frames)
    rng = np.random.default_rng(0)
    weight = np.stack([np.zeros(32), rng.normal(0, 0.3, 32)])
    bundle = replace(bundle, voice=VoicingProbe(weight, [1.0, 7.0], "flat"))
    clip = Clip(frames, np.arange(121) / bundle.fps)
    monkeypatch.setattr("rtmri2speech.analysis.pipeline.pauses", lambda mel, *_: np.zeros(len(mel), bool))
    for name in ("FIRST", "CHUNK"):
        monkeypatch.setattr(chunked, name, 40)
    monkeypatch.setattr(chunked, "CONTEXT", 0)
    apart = [analyse(bundle, Clip(frames[k : k + 40], clip.times_s[:41]), []).f0_hz for k in (0, 40, 80)]
    assert np.ptp([f0_hz.max() for f0_hz in apart]) > 1  # so they differ
    f0_hz = chunked.analyse_in_chunks(bundle, clip, settings=AnalysisSettings(bands=())).f0_hz
    np.testing.assert_allclose(f0_hz, apart[0].max(), rtol=1e-6)

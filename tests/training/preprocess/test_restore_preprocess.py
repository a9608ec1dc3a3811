"""Cleaning a corpus' sound: the originals stay, what was restored says so, and is never taken by accident."""

import json

import numpy as np
import soundfile

from rtmri2speech.restore import restore, restore_file
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import mel_spectrogram_db
from tests.training.preprocess.test_preprocess import record, run
from training.preprocess.dataset import Corpus
from training.preprocess.sample import Settings


def hissing(seconds: float, rate: int) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    speech = 0.3 * np.sin(2 * np.pi * 180 * t) * (np.sin(2 * np.pi * 2 * t) > 0)
    return (speech + 0.05 * np.random.default_rng(0).standard_normal(len(t))).astype(np.float32)


def corpus_of(folder):
    seconds = 60 * 420 / 11413
    record(folder, "s00_a", count=60, rate=11413, samples=hissing(seconds, 11413))
    return folder


def test_the_mel_is_that_of_the_restored_sound_and_says_so(tmp_path):
    corpus = corpus_of(tmp_path / "c")
    before = (corpus / "s00_a.wav").read_bytes()
    meta, _ = run(corpus, tmp_path / "out", Settings(restore="classical"))
    sound, rate = soundfile.read(corpus / "s00_a.wav", dtype="float32")
    import torch

    wanted = mel_spectrogram_db(torch.from_numpy(restore(sound, rate)), MelSpec()).numpy()
    made = np.load(tmp_path / "out" / "samples" / "s00_a" / "mel_db.npy")
    np.testing.assert_allclose(made[: len(wanted)], wanted[: len(made)], atol=0.05)
    assert meta["restored"] == "classical" and meta["utterances"]["s00_a"]["restored"] == "classical"
    assert "s00_a" in Corpus.read(tmp_path / "out").restored
    assert (corpus / "s00_a.wav").read_bytes() == before


def test_without_the_option_nothing_is_restored_and_old_samples_are_kept(tmp_path):
    corpus = corpus_of(tmp_path / "c")
    meta, _ = run(corpus, tmp_path / "out")
    assert meta["restored"] is None and "restored" not in meta["utterances"]["s00_a"]
    assert Corpus.read(tmp_path / "out").restored == ()
    origin = json.loads((tmp_path / "out" / "samples" / "s00_a" / "source.json").read_text())["origin"]
    assert "restore" not in origin["settings"]


def test_a_restored_file_is_left_out_unless_allowed(tmp_path):
    corpus = corpus_of(tmp_path / "c")
    record(corpus, "s00_b", count=60, rate=11413, samples=hissing(60 * 420 / 11413, 11413))
    restore_file(corpus / "s00_b.wav", tmp_path / "restored.wav")
    (tmp_path / "restored.wav").replace(corpus / "s00_b.wav")
    meta, _ = run(corpus, tmp_path / "out")
    assert list(meta["utterances"]) == ["s00_a"] and "allow_restored" in meta["skipped"]["s00_b"]
    meta, _ = run(corpus, tmp_path / "allowed", Settings(allow_restored=True))
    assert "Restored by" in meta["utterances"]["s00_b"]["restored"]

"""The embedded default: it is there, it is what it says, and it is better than knowing only the mean."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rtmri2speech import analyse, load_bundle, read_clip
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.mel import mel_spectrogram_db
from rtmri2speech.speech.metrics import loudness_correlation, mcd

ASSETS = Path(__file__).parents[1] / "assets"
CLIPS = sorted((ASSETS / "clips").glob("*.mp4"))


@pytest.fixture(scope="module")
def default():
    return load_bundle()


def test_default_bundle(default):
    assert default.kind == "trained" and default.frames.size == 256
    card = (default.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    for heading in ("## Data", "## Metrics", "## Limits", "## Licence", "## How to reproduce"):
        assert heading in card
    assert all(file.stat().st_size < 40_000_000 for file in default.folder.iterdir())


def test_the_default_sees_the_tract_and_another_bundle_the_whole_picture(default):
    other = load_bundle("phantom")
    assert (default.frames.view, other.frames.view) == ("tract", "full")
    assert default.mel == other.mel and default.voice and other.voice
    assert other.vocoder.takes_f0 and other.voice.default == "declining"
    assert all(bundle.description and bundle.description_ja for bundle in (default, other))


def test_clips_have_sound_and_truth():
    assert 4 <= len(CLIPS) <= 6
    for path in CLIPS:
        clip = read_clip(path)
        assert clip.frames.shape[1:] == (256, 256) and abs(clip.fps - 11413 / 420) < 1e-3
        assert abs(len(clip.audio) / clip.audio_rate - clip.duration) < 0.1
        with np.load(path.with_suffix(".truth.npz")) as truth:
            assert len(truth["labels"]) == len(clip.frames)
        assert path.with_suffix(".TextGrid").is_file()


@pytest.mark.slow
def test_default_speaks_better_than_the_mean_mel(default):
    gains, loudness = [], []
    for path in CLIPS:
        clip = read_clip(path)
        analysis = analyse(default, clip)
        assert analysis.cam["F1"].shape == (len(clip.frames), 16, 16)  # 8 x 8 of the window, on the picture
        audio = resample(clip.audio, clip.audio_rate, 11413)[: len(clip.frames) * 420]
        truth = mel_spectrogram_db(torch.from_numpy(audio), default.mel).numpy()
        count = min(len(truth), len(analysis.mel_db))
        truth, mel = truth[:count], analysis.mel_db[:count]
        speech = truth.mean(axis=1) > truth.mean(axis=1).max() - 40
        mean = np.tile(default.scaler.mean, (count, 1))
        gains.append(mcd(truth[speech], mean[speech]) - mcd(truth[speech], mel[speech]))
        loudness.append(loudness_correlation(np.maximum(truth, -60), mel))
    assert np.mean(gains) > 0.5
    assert np.mean(loudness) > 0.5


@pytest.mark.slow
def test_the_pauses_of_the_embedded_clips_are_silent_and_their_consonants_are_not(default):
    """Against the phones that were synthesised; the mel's window blurs what is near their borders."""
    for path in CLIPS:
        analysis = analyse(default, read_clip(path), bands=(), speak=False)
        with np.load(path.with_suffix(".truth.npz")) as truth:
            phones = list(zip(truth["phones"], truth["phone_start_s"], truth["phone_end_s"], strict=True))
        spoken = [(start, end) for phone, start, end in phones if phone.strip("_ ")]
        times_s = (np.arange(len(analysis.silent)) + 0.5) / analysis.fps
        inside = np.any([(times_s > start) & (times_s < end) for start, end in spoken], axis=0)
        near = np.any([(times_s > start - 0.15) & (times_s < end + 0.15) for start, end in spoken], axis=0)
        assert (~near).sum() > 5 and inside.sum() > 15
        assert analysis.silent[~near].all()
        assert not analysis.silent[inside].any()
        assert analysis.silent[~inside].sum() > 0.7 * (~inside).sum()

"""Learning from recordings without Gradio: what is allowed, what is kept, and what the report says."""

import zipfile
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from rtmri2speech.errors import InputError
from rtmri2speech.export import provenance
from rtmri2speech.finetuning import Finetuned, FinetuneSettings, tuning
from rtmri2speech.models.load import load_bundle
from rtmri2speech.progress import UNSEEN
from rtmri2speech.speech.audio import write_audio
from rtmri2speech.ui.resynthesis import resynthesise
from rtmri2speech.ui.session import PAGE_LIMITS, open_clip
from rtmri2speech.ui.tuning import MOST_CLIPS, kept, learn
from rtmri2speech.ui.tuning_report import tuning_report
from tests.conftest import lively_bundle, moving_frames, write_mp4
from tests.finetuning.test_finetuning import speaking

QUICK = FinetuneSettings(steps=10, batch=4, window=40, lr=3e-3, judge_every=5)
FIGURES = dict.fromkeys(tuning.FIGURES, 0.5)


@pytest.fixture(scope="module")
def base():
    return lively_bundle(moving_frames(30, 64, 64))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Three clips and their sounds, as uploads lie: each in a folder of its own."""
    folder, found = tmp_path_factory.mktemp("uploads"), []
    for seed in range(3):
        clip = speaking(seed)
        for name in ("pictures", "sound"):
            (folder / name / str(seed)).mkdir(parents=True)
        found.append(write_mp4(folder / "pictures" / str(seed) / f"{seed}.mp4", clip.frames, Fraction(11413, 420)))
        write_audio(folder / "sound" / str(seed) / f"{seed}.wav", clip.audio, 11413)
        found.append(folder / "sound" / str(seed) / f"{seed}.wav")
    return found


def learned(base, paths, **limits) -> tuple[list[tuple[int, float]], Finetuned]:
    steps, errors = learn(base, paths, replace(PAGE_LIMITS, **limits), UNSEEN, QUICK), []
    while True:
        try:
            errors.append(next(steps))
        except StopIteration as done:
            return errors, done.value


@pytest.fixture(scope="module")
def made(base, clips):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tuning, "_figures", lambda *_: FIGURES)
        return learned(base, clips)


def test_it_learns_from_clips_and_sounds_of_one_name(made):
    errors, result = made
    assert [step for step, _ in errors] == [0, 5, 10] and tuple(errors) == result.errors
    assert result.better and (result.learnt[0], result.held_out[0]) == (2, 1)


def test_what_is_kept_speaks_as_what_was_made_and_is_named_in_exports(base, made, clips, tmp_path):
    _, result = made
    tuned = kept(result, base, "phantom", tmp_path)
    with zipfile.ZipFile(tuned.archive) as archive:
        archive.extractall(tmp_path / "elsewhere")
    assert "## Measured" in (tmp_path / "elsewhere" / "phantom-tuned" / "MODEL_CARD.md").read_text(encoding="utf-8")
    again = load_bundle(tmp_path / "elsewhere" / "phantom-tuned")
    before = open_clip(base, clips[0], None, UNSEEN, regions="template")
    now = resynthesise(base, before, None, fit=False, tuned=tuned.bundle)
    np.testing.assert_allclose(now.result.analysis.mel_db, now.comparison.second.mel_db)
    assert not np.allclose(now.result.analysis.mel_db, before.analysis.mel_db, atol=0.1)
    assert now.result.fitted is tuned.bundle and tuned.bundle.onnx is None
    assert provenance._bundle_folder(now.result.fitted) == ("phantom-tuned", False)
    back = resynthesise(base, now.result, None, fit=False)
    assert back.result.fitted is None
    np.testing.assert_allclose(back.result.analysis.mel_db, before.analysis.mel_db, atol=1e-3)
    for name, tensor in again.acoustic.state_dict().items():
        assert np.array_equal(tensor.numpy(), tuned.bundle.acoustic.state_dict()[name].numpy())


def test_it_is_bounded(base, clips, monkeypatch):
    with pytest.raises(InputError, match="2 to 20 clips, not 1"):
        learned(base, clips[:2])
    with pytest.raises(InputError, match=f"not {MOST_CLIPS + 1}"):
        learned(base, [clips[0]] * (MOST_CLIPS + 1))
    with pytest.raises(InputError, match="no sound to learn from"):
        learned(base, [path for path in clips if path.suffix == ".mp4"])
    monkeypatch.setattr("rtmri2speech.ui.tuning.MOST_TOGETHER_S", 3.0)
    with pytest.raises(InputError, match="more than 3 s together"):
        learned(base, clips)


def test_the_report_says_what_was_gained(made):
    errors, result = made
    going_on = tuning_report(errors[:2])
    assert "<table>" not in going_on and "after 5 steps" in going_on
    better = replace(result, before=FIGURES, after=FIGURES | {"estoi": 0.6, "mae_F1_db": 0.4})
    said = tuning_report(errors, better)
    assert said.count("<b>0.60</b>") == 2 and said.count("<b>0.40</b>") == 2  # in both languages
    assert "Better: kept for this session." in said and "Learned from 2 clips" in said
    assert "Not better on what was held out" in tuning_report(errors, replace(result, best_step=0))

"""The measures of training.evaluation on cases whose answer is known."""

import copy
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.anatomy.polygons import TEMPLATE, mask
from rtmri2speech.anatomy.regions import NAMES, Regions
from rtmri2speech.clips.clip import Clip, read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.faithfulness.report import RANDOMISED
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import mel_spectrogram_db
from training.evaluation import copy_synthesis, domain_shift, localisation, mouth_opening, vowels
from training.preprocess.phantom_clips import find_phantoms, sound_of

FPS = 11413 / 420


def localised(bundle, frames, labels) -> localisation.Case:
    clip = Clip(frames, np.arange(len(frames) + 1) / bundle.fps)
    analysis = analyse(bundle, clip, bands=localisation.BANDS, silence="show", speak=False)
    certain = np.ones((len(frames), len(NAMES)), np.float32)
    return localisation.Case(analysis, Regions(labels, bundle.fps, (64, 64), "truth", certain), np.arange(len(frames)))


def test_occlusion_changes_its_region_only():
    pictures = np.random.default_rng(0).random((2, 64, 64), np.float32)
    velum = np.zeros((2, 256, 256), bool)
    velum[0, 80:120, 80:120] = velum[1, 160:200, 80:120] = True
    hidden = localisation.occluded(pictures, velum)
    changed = hidden != pictures
    assert changed[0, 20:30, 20:30].mean() > 0.9 and changed[1, 40:50, 20:30].mean() > 0.9
    assert not changed[0, 34:].any() and not changed[1, :36].any()
    assert hidden[0, 22:28, 22:28].std() < 0.3 * pictures[0, 22:28, 22:28].std()


def test_the_tables_of_a_model_that_hears_one_corner(bundle):
    """A bundle whose CNN is replaced by the levels of an 8x8 picture attends to, and depends on, what it is given."""

    class Corner(torch.nn.Module):
        """One map that shows the picture where the tongue is, its lower half negative, and nothing elsewhere."""

        feature_info = SimpleNamespace(info=[{"reduction": bundle.frames.size // 8, "module": ""}])

        def forward(self, x):
            small = torch.nn.functional.adaptive_max_pool2d(x, 8)
            shown = torch.zeros_like(small)
            shown[..., :4, :4] = small[..., :4, :4] * torch.tensor([1.0, 1.0, -0.5, -0.5])[:, None]
            return [shown.repeat(1, bundle.acoustic.channels, 1, 1)]

    model = copy.deepcopy(bundle.acoustic)
    model.cnn = Corner()
    judged = replace(bundle, acoustic=model, folder=None)
    frames = np.full((6, 64, 64), 100, np.uint8)
    frames[:, :32, :32] = np.random.default_rng(0).integers(0, 255, (6, 32, 32))
    labels = np.full((6, 256, 256), NAMES.index("brain"), np.uint8)
    labels[:, :128, :128] = NAMES.index("tongue")
    case = localised(judged, frames, labels)
    changes = localisation.occlusion_table(judged, [case])
    assert changes["tongue"]["F1"] > 3 * changes["brain"]["F1"] and changes["velum"]["F1"] == 0
    assert changes["tongue"]["area"] == pytest.approx(0.25)
    table = localisation.attribution_table(judged, [case])
    assert table["area"]["tongue"] == pytest.approx(0.25) and table["area"]["articulators"] == pytest.approx(0.25)
    for shares in table["trained"].values():  # 0.9: linear enlargement carries the cells at the edge over it
        assert shares["tongue"] > 0.9 and shares["tract"] == shares["tongue"]
        assert shares["likeness"] == pytest.approx(1)
    assert list(table) == ["area", "trained", localisation.ALIKE, *(f"random: {part}" for part in RANDOMISED)]


def test_frames_count_by_their_attribution_or_alike(bundle, monkeypatch):
    """A strong frame on the tongue and a weak one on the brain; cases count by their speech frames."""
    labels = np.full((2, 256, 256), NAMES.index("brain"), np.uint8)
    labels[0] = NAMES.index("tongue")
    case = localised(bundle, np.zeros((2, 64, 64), np.uint8), labels)
    analysis = replace(case.analysis, cam={"F1": np.array([[[9.0]], [[1.0]]])})
    monkeypatch.setattr(localisation, "randomised_models", lambda *_: ())
    whole = replace(case, analysis=analysis)
    table = localisation.attribution_table(bundle, [whole])
    assert table["trained"]["F1"]["tongue"] == pytest.approx(0.9)
    assert table[localisation.ALIKE]["F1"]["tongue"] == pytest.approx(0.5)
    weak = replace(whole, speech=np.array([1]))
    assert localisation.attribution_table(bundle, [whole, weak])["trained"]["F1"]["tongue"] == pytest.approx(0.6)


def test_a_clip_without_truth_is_told(tmp_path):
    with pytest.raises(InputError, match="no phantom clips"):
        find_phantoms([tmp_path])


# ------------------------------------------------------------------------------------------------------------- vowels


def vowel(f0, formants, rate=16000, seconds=0.3):
    """Pulses through resonances: (samples,)."""
    n = int(rate * seconds)
    x = np.zeros(n)
    x[:: rate // f0] = 1.0
    for hz in formants:
        radius, angle = np.exp(-np.pi * 70 / rate), 2 * np.pi * hz / rate
        y = np.zeros(n)
        for k in range(n):
            y[k] = x[k] + 2 * radius * np.cos(angle) * y[k - 1] - radius**2 * y[k - 2]
        x = y
    return 0.5 * x / np.abs(x).max()


def test_vowels_are_measured_where_the_truth_has_them(tmp_path):
    true = {"a": (700, 1300, 2600), "i": (400, 1900, 2900)}
    sound = np.concatenate([vowel(100, f) for f in true.values()])
    np.savez(
        tmp_path / "c.truth.npz",
        phones=np.array(["_", "a", "i:"]),
        phone_start_s=np.array([0.0, 0.0, 0.3]),
        phone_end_s=np.array([0.0, 0.3, 0.6]),
    )
    times = vowels.vowel_times(tmp_path / "c.mkv")
    assert [name for name, _ in times] == ["a", "i"] and np.median(times[1][1]) == pytest.approx(0.45)
    found = vowels.measured(sound, 16000, times, 5000.0)
    for (f1, f2), formants in zip(found, true.values(), strict=True):
        assert f1 == pytest.approx(formants[0], rel=0.12) and f2 == pytest.approx(formants[1], rel=0.12)
    reference = vowels.true_vowels(times, found)
    assert set(reference) == {"a", "i"}


def test_a_whisper_is_measured_only_where_it_is_asked_for():
    noise = 0.1 * np.random.default_rng(0).normal(size=16000)
    (pair,) = vowels.measured(noise, 16000, [("a", np.array([0.4, 0.5, 0.6]))], 5000.0)
    assert np.isnan(pair).all()
    (whispered,) = vowels.measured(noise, 16000, [("a", np.linspace(0.3, 0.7, 9))], 5000.0, voiced_only=False)
    assert np.isfinite(whispered).all()
    with pytest.raises(InputError, match="can be measured"):
        vowels.true_vowels([("a", np.zeros(3))], [pair])


# -------------------------------------------------------------------------------------------------------------- mouth


def test_a_mouth_that_opens_darkens_its_region():
    lips = next(r for r in TEMPLATE if r.name == "lips")
    inside = mask(lips, 64, 64) > 0.5
    frames = np.full((3, 64, 64), 100, np.uint8)
    frames[1][inside] = 10
    values = mouth_opening.mouth_opening(frames, lips)
    assert values[1] > values[0] and values[0] == pytest.approx(values[2])


def test_the_opening_is_compared_with_other_lags():
    rng = np.random.default_rng(0)
    course = np.convolve(rng.normal(size=400), np.ones(6) / 6, "same")
    together = mouth_opening.against_chance(course, course + 0.5 * rng.normal(size=400) * course.std(), FPS)
    assert together.correlation > 0.7 and together.share_above == 0
    apart = [mouth_opening.against_chance(course, rng.normal(size=400), FPS).share_above for _ in range(20)]
    assert 0.2 < np.mean(apart) < 0.8
    with pytest.raises(InputError, match="too few"):
        mouth_opening.against_chance(course[:20], course[:20], FPS)


# ----------------------------------------------------------------------------------------------------------- transfer


def test_variants_keep_frames_and_change_what_they_say():
    frames = np.zeros((2, 100, 100), np.uint8)
    frames[:, 45:56, 31:42] = 200  # at the vocal tract
    frames[:, 5:15, 70:90] = 150  # brain
    for name, change in domain_shift.VARIANTS.items():
        varied = change(frames)
        assert varied.shape == frames.shape and varied.dtype == np.uint8, name
        assert (name == "as it is") == bool((varied == frames).all()), name
        np.testing.assert_array_equal(change(frames), varied)  # fixed, so that models can be compared
    close = domain_shift.mouth_only(frames)
    assert (close > 150).sum() > 2 * (frames > 150).sum() and close[:, :20].max() < 50
    assert (domain_shift.far_away(frames) > 150).sum() < 0.8 * (frames > 150).sum()


def test_transfer_measures_each_variant(bundle, tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (40, 64, 64)).astype(np.uint8)
    np.save(tmp_path / "a.npy", frames)
    clip = read_clip(tmp_path / "a.npy", fps=FPS)
    assert isinstance(clip, Clip)
    table = domain_shift.transfer(bundle, [(clip, rng.normal(0, 0.1, 40 * 420), 11413)])
    assert list(table) == list(domain_shift.VARIANTS)
    assert all(-1 <= row["shape"] <= 1 for row in table.values())


def test_the_level_in_pauses_is_told_against_speech(bundle, monkeypatch):
    """Half of the clip is silent; a model that is 30 dB softer there, in one of two, and one that is not."""
    sound = np.concatenate([np.zeros(20 * 420), np.random.default_rng(0).normal(0, 0.1, 20 * 420)]).astype(np.float32)
    clip = Clip(
        frames=np.zeros((40, 64, 64), np.uint8), times_s=np.arange(41) / FPS, audio=None, audio_rate=None, source=""
    )
    mel_db = np.random.default_rng(1).normal(-20, 1, (40, 64)).astype(np.float32)
    mel_db[:18] -= 30
    monkeypatch.setattr(domain_shift, "analyse", lambda *_, **__: SimpleNamespace(mel_db=mel_db))
    table = domain_shift.transfer(bundle, [(clip, sound, 11413)])
    assert 25 < table["as it is"]["pause_db"] < 31


def test_the_sound_beside_a_silent_video_is_taken(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(100, 0.25), 8000)
    clip = Clip.__new__(Clip)
    object.__setattr__(clip, "audio", None)
    samples, rate = sound_of(tmp_path / "a.mkv", clip)
    assert rate == 8000 and samples.shape == (100,)
    with pytest.raises(InputError, match="no sound"):
        sound_of(tmp_path / "b.mkv", clip)


# ----------------------------------------------------------------------------------------------------- copy-synthesis


@pytest.fixture
def vowels_recorded(tmp_path):
    speech = np.concatenate([vowel(100 + 10 * k, (700, 1300), rate=11413, seconds=0.25) for k in range(6)])
    (tmp_path / "speech").mkdir()
    soundfile.write(tmp_path / "speech" / "a.wav", speech, 11413, subtype="FLOAT")
    return tmp_path / "speech" / "a.wav", speech.astype(np.float32)


def test_copy_synthesis_is_judged_against_the_recording(vowels_recorded):
    """What gives back the recording is perfect, what gives noise is not, and what says nothing has no figure."""
    path, speech = vowels_recorded
    noise = np.random.default_rng(0).normal(0, 0.1, len(speech)).astype(np.float32)
    given = []
    speakers = {
        "perfect": lambda original, mel_db, f0: given.append((mel_db, f0)) or original,
        "noise": lambda original, mel_db, f0: noise,
        "own": lambda original, mel_db, f0: original if f0 == "own" else None,
    }
    means = copy_synthesis.judge(speakers, [path], MelSpec())
    assert min(means["perfect"].values()) > 0.999 and max(means["noise"].values()) < 0.6
    assert set(means["perfect"]) == {f"{m} {f}" for m in ("mel", "envelope") for f in ("own", "declining", "whisper")}
    assert set(means["own"]) == {"mel own", "envelope own"}
    full, smooth = (np.abs(np.diff(given[k][0], axis=1)).mean() for k in (0, 3))
    assert smooth < 0.7 * full and [f0 for _, f0 in given[:3]] == ["own", "declining", "whisper"]


def test_its_contours_are_the_recordings_own_one_that_falls_and_none(vowels_recorded):
    speech, frames = vowels_recorded[1], len(vowels_recorded[1]) // 420
    own = copy_synthesis.contour(speech, MelSpec(), frames, "own", 7)
    assert len(own) == 7 * frames and own[7 * frames // 12] == pytest.approx(100, rel=0.02)
    assert own[-7 * frames // 12] == pytest.approx(150, rel=0.02)
    falling = copy_synthesis.contour(speech, MelSpec(), frames, "declining", 7)
    voiced = falling[falling > 0]
    assert len(falling) == frames and voiced[0] / voiced[-1] == pytest.approx(2 ** (3 / 12), rel=0.01)
    assert np.median(voiced) == pytest.approx(np.median(own[own > 0]), rel=0.05)
    assert copy_synthesis.contour(speech, MelSpec(), frames, "whisper", 7) is None


def test_griffin_lim_gives_the_mel_back(vowels_recorded):
    speech = vowels_recorded[1]
    mel_db = mel_spectrogram_db(torch.from_numpy(speech), MelSpec()).numpy()
    made = copy_synthesis.griffin_lim(speech, mel_db, MelSpec())
    again = mel_spectrogram_db(torch.from_numpy(made), MelSpec()).numpy()
    assert len(made) == 420 * len(mel_db)
    assert np.abs(again - mel_db)[4:-4].mean() < 4


def test_copy_synthesis_names_what_it_judged(vowels_recorded, bundle_folder, capsys):
    copy_synthesis.main(vowels_recorded[0].parent, bundle=[bundle_folder], without_baselines=True, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["recordings"] == 1 and list(told["estoi"]) == [str(bundle_folder)]
    copy_synthesis.main(vowels_recorded[0].parent, bundle=[bundle_folder])
    rows = capsys.readouterr().out.splitlines()
    assert [row[:11].strip() for row in rows[2:4]] == ["mel alone", "Griffin-Lim"]
    with pytest.raises(SystemExit):
        copy_synthesis.main(vowels_recorded[0].parent, bundle=[bundle_folder], last=1.5)


# -------------------------------------------------------------------------------------------------------------- voice


def test_a_voice_is_judged_against_what_was_asked_and_against_the_clips_own_sound(monkeypatch):
    """Pulses at 150 Hz, 2 Hz beside what was asked for, against the same pulses: nothing wrong but that distance."""
    from rtmri2speech.spec import MelSpec
    from rtmri2speech.speech.voice import pulse_train
    from training.evaluation import intonation

    sung = pulse_train(np.full(40, 150.0), MelSpec())
    result = SimpleNamespace(audio=sung, sample_rate=11413, fps=FPS, f0_hz=np.full(40, 148.0))
    monkeypatch.setattr(intonation, "analyse", lambda *_, **__: result)
    silent = Clip(np.zeros((40, 64, 64), np.uint8), np.arange(41) / FPS)
    monkeypatch.setattr(intonation, "read_clip", lambda path: silent)
    monkeypatch.setattr(intonation, "sound_of", lambda path, clip: (sung, 11413))
    rows = intonation.judge(SimpleNamespace(mel=MelSpec()), None)
    assert set(rows) == {"whisper", "declining", "flat", "original"}
    assert rows["flat"]["asked_hz"] == pytest.approx(2, abs=0.3)
    assert rows["flat"]["voicing_error"] == 0 and rows["flat"]["f0_rmse_hz"] == pytest.approx(0, abs=1e-6)

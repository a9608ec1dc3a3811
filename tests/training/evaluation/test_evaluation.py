"""The measures of training.evaluation on cases whose answer is known."""

import copy

import numpy as np
import pytest
import soundfile
import torch

from rtmri2speech.anatomy.polygons import TEMPLATE, mask
from rtmri2speech.attribution.grad_cam import gradients, last_cams
from rtmri2speech.attribution.targets import band_energy
from rtmri2speech.clips.clip import Clip, read_clip
from rtmri2speech.errors import InputError
from training.evaluation import copy_synthesis, domain_shift, localisation, mouth_opening, vowels
from training.preprocess.phantom_clips import find_phantoms, sound_of
from training.preprocess.phantom_truth import REGIONS

FPS = 11413 / 420


def test_the_share_of_attention_is_that_of_the_cells():
    cells = np.zeros((2, len(REGIONS), 2, 2))
    tongue, brain = REGIONS.index("tongue"), REGIONS.index("brain")
    cells[:, tongue] = [[1, 0.5], [0, 0]]
    cells[:, brain] = [[0, 0.5], [1, 1]]
    cam = np.array([[[3.0, 1.0], [0.0, -9.0]], [[0.0, 0.0], [-1.0, -1.0]]])
    shares = localisation.region_shares(cam, cells)  # the second frame has no positive attention
    assert shares[tongue] == pytest.approx((3 + 0.5) / 4) and shares[brain] == pytest.approx(0.5 / 4)


def test_frames_count_by_their_heat_or_alike():
    cells = np.zeros((2, len(REGIONS), 1, 2))
    tongue, brain = REGIONS.index("tongue"), REGIONS.index("brain")
    cells[:, tongue], cells[:, brain] = [[1, 0]], [[0, 1]]
    cam = np.array([[[9.0, 0.0]], [[0.0, 1.0]]])  # a hot frame on the tongue, a cold one on the brain
    assert localisation.region_shares(cam, cells)[tongue] == pytest.approx(0.9)
    assert localisation.region_shares(cam, cells, frames_alike=True)[tongue] == pytest.approx(0.5)


def test_cells_add_up_and_follow_the_regions():
    regions = np.zeros((1, 16, 16), np.uint8)
    regions[0, :8, :8] = REGIONS.index("tongue")
    regions[0, 8:12, 8:] = REGIONS.index("brain")
    cells = localisation.cells_of(regions, 2, 2)
    np.testing.assert_allclose(cells.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(cells[0, REGIONS.index("tongue")], [[1, 0], [0, 0]])
    np.testing.assert_allclose(cells[0, REGIONS.index("brain")], [[0, 0], [0, 0.5]])


def test_occlusion_changes_its_region_only():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (2, 64, 64)).astype(np.uint8)
    regions = np.zeros((2, 64, 64), np.uint8)
    regions[0, 20:30, 20:30] = REGIONS.index("velum")
    regions[1, 40:50, 20:30] = REGIONS.index("velum")
    hidden = localisation.occluded(frames, regions, "velum")
    changed = hidden != frames
    assert changed[0, 20:30, 20:30].mean() > 0.9 and changed[1, 40:50, 20:30].mean() > 0.9
    assert not changed[0, 34:].any() and not changed[1, :36].any()
    assert hidden[0, 22:28, 22:28].std() < 0.3 * frames[0, 22:28, 22:28].std()


def test_randomisation_goes_from_the_output_to_the_picture(bundle):
    before = {name: tensor.clone() for name, tensor in bundle.acoustic.state_dict().items()}
    changed = []
    for _, model in localisation.randomised(bundle.acoustic):
        after = model.state_dict()
        changed.append({name.split(".")[0] for name in before if not torch.equal(before[name], after[name])})
    assert changed[0] == {"head"} and changed[1] == {"head", "rnn"} and changed[2] == {"head", "rnn", "cnn"}
    assert all(torch.equal(t, bundle.acoustic.state_dict()[name]) for name, t in before.items())


def test_the_tables_of_a_model_that_hears_one_corner(bundle):
    """A bundle whose CNN is replaced by the levels of an 8x8 picture attends to, and depends on, what it is given."""

    class Corner(torch.nn.Module):
        """One map that shows the picture where the tongue is, and nothing elsewhere."""

        def forward(self, x):
            small = torch.nn.functional.adaptive_max_pool2d(x, 8)
            shown = torch.zeros_like(small)
            shown[..., :4, :4] = small[..., :4, :4]
            return [shown.repeat(1, bundle.acoustic.channels, 1, 1)]

    judged = copy.copy(bundle)
    judged.acoustic = copy.deepcopy(bundle.acoustic)
    judged.acoustic.cnn = Corner()
    rng = np.random.default_rng(0)
    frames = np.full((6, 64, 64), 100, np.uint8)
    frames[:, :32, :32] = rng.integers(0, 255, (6, 32, 32))
    regions = np.full((6, 64, 64), REGIONS.index("brain"), np.uint8)
    regions[:, :32, :32] = REGIONS.index("tongue")
    case = localisation.Case("x", frames, regions, np.arange(6))
    changes = localisation.occlusion_table(judged, [case])
    assert changes["tongue"]["F1"] > 3 * changes["brain"]["F1"] and changes["velum"]["F1"] == 0
    targets = {"F1": band_energy(np.arange(8, 20))}
    maps, features = localisation.features_of(judged, frames)
    cam = last_cams(gradients(judged.acoustic, judged.scaler, features, targets), maps)["F1"]
    shares = localisation.region_shares(cam, localisation.cells_of(regions, 8, 8))
    assert shares[REGIONS.index("tongue")] == pytest.approx(1.0) or not np.isfinite(shares).any()


def test_likeness_of_maps():
    a = np.random.default_rng(0).normal(size=(3, 8, 8))
    assert localisation.map_likeness(a, 2 * a + 5) == pytest.approx(1)
    assert localisation.map_likeness(a, -a) == pytest.approx(-1)
    assert localisation.map_likeness(a, np.ones_like(a)) == 0


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
    from types import SimpleNamespace

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


def test_copy_synthesis_is_judged_against_the_recording(bundle, tmp_path, monkeypatch):
    """A vocoder that gives back the recording is perfect, one that gives noise is not."""
    rng = np.random.default_rng(0)
    speech = np.concatenate([vowel(100 + 10 * k, (700, 1300), rate=11413, seconds=0.25) for k in range(6)])
    soundfile.write(tmp_path / "a.wav", speech, 11413, subtype="FLOAT")
    original = speech.astype(np.float32)[: len(speech) // 420 * 420]
    monkeypatch.setattr(copy_synthesis, "vocode", lambda _, mel: original[: 420 * len(mel)])
    assert copy_synthesis.copy_synthesis(bundle, tmp_path / "a.wav")["stoi"] > 0.999
    noise = rng.normal(0, 0.1, len(original)).astype(np.float32)
    monkeypatch.setattr(copy_synthesis, "vocode", lambda _, mel: noise[: 420 * len(mel)])
    assert copy_synthesis.copy_synthesis(bundle, tmp_path / "a.wav")["stoi"] < 0.6
    mels = []
    monkeypatch.setattr(copy_synthesis, "vocode", lambda _, mel: mels.append(mel.numpy()) or noise[: 420 * len(mel)])
    for envelope in (None, 16):
        copy_synthesis.copy_synthesis(bundle, tmp_path / "a.wav", envelope)
    full, smooth = (np.abs(np.diff(mel, axis=1)).mean() for mel in mels)
    assert smooth < 0.7 * full


# -------------------------------------------------------------------------------------------------------------- voice


def test_a_voice_is_judged_against_what_was_asked_and_against_the_clips_own_sound(monkeypatch):
    """Pulses at 150 Hz, 2 Hz beside what was asked for, against the same pulses: nothing wrong but that distance."""
    from types import SimpleNamespace

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

"""Targets against plain formulas and against autograd over the whole model in float64."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from rtmri2speech.analysis.formants import formant_tracks
from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.region_attribution import attribute_to_regions
from rtmri2speech.attribution.band_targets import frames_of
from rtmri2speech.attribution.targets import band_frequency, box_energy, contrast, loudness, tilt
from rtmri2speech.clips.clip import Clip
from rtmri2speech.errors import InputError
from rtmri2speech.spec import F1, F2, Band
from rtmri2speech.speech.mel import band_bins, centre_frequencies_hz
from tests.conftest import moving_frames

T, MEL = 9, torch.from_numpy(np.random.default_rng(0).normal(-30, 12, (9, 64)))


def test_targets_are_their_formulas():
    bins, hz, power = np.arange(10, 30), np.geomspace(100, 5000, 64), 10 ** (MEL.numpy() / 10)
    inside = power[:, bins]
    np.testing.assert_allclose(band_frequency(bins, hz)(MEL), (inside * hz[bins]).sum(1) / inside.sum(1))
    np.testing.assert_allclose(box_energy(bins, 2, 5)(MEL), 10 * np.log10(inside[2:5].sum()))
    np.testing.assert_allclose(loudness(MEL), 10 * np.log10(power.sum(1)))
    np.testing.assert_allclose(tilt(hz)(MEL), [np.polyfit(np.log2(hz), frame, 1)[0] for frame in MEL.numpy()])
    apart = MEL.numpy()[1:3][:, bins].mean(0) - MEL.numpy()[6:7][:, bins].mean(0)
    np.testing.assert_allclose(contrast(bins, (1, 3), (6, 7))(MEL), np.linalg.norm(apart))


def test_what_separates_two_sounds_is_explained_along_their_difference():
    mel, bins = MEL.clone().requires_grad_(True), np.arange(64)
    contrast(bins, (0, 1), (8, 9))(mel).backward()
    along = (MEL[0] - MEL[8]) / (MEL[0] - MEL[8]).norm()
    np.testing.assert_allclose(mel.grad[0], along)
    np.testing.assert_allclose(mel.grad[8], -along)
    assert not mel.grad[1:8].any()


def oracle(bundle, frames, value):
    """Grad-CAM of a number, or of each frame's own, by autograd through the whole network in float64."""
    model = copy.deepcopy(bundle.acoustic).double()
    maps = model.cnn(torch.from_numpy(frames)[:, None].double())[-1].requires_grad_(True)
    mel = model.mel_from_features(maps.mean(dim=(2, 3))[None])[0]
    mean, std = (torch.from_numpy(x.astype(np.float64)) for x in (bundle.scaler.mean, bundle.scaler.std))
    found = value(10 ** ((mel * std + mean) / 10))
    if found.dim() == 0:
        (grad,) = torch.autograd.grad(found, maps)
    else:
        grad = torch.stack([torch.autograd.grad(one, maps, retain_graph=True)[0][t] for t, one in enumerate(found)])
    return (grad.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1).detach().numpy()


def assert_equal(cam, expected):
    assert np.abs(expected).max() > 0 and np.linalg.norm(cam - expected) < 1e-3 * np.linalg.norm(expected)


def test_maps_of_a_box_tell_what_every_frame_gave_to_that_sound(bundle, clip):
    box = Band("a", 700, 1500, 3 / bundle.fps, 6 / bundle.fps)
    made = analyse(bundle, clip, [F1, box], silence="show", speak=False)
    bins = torch.from_numpy(band_bins(bundle.mel, box))
    assert_equal(made.cam["a"], oracle(bundle, made.frames, lambda power: 10 * torch.log10(power[3:6, bins].sum())))
    assert np.abs(made.cam["a"][[2, 6]]).max() > 0  # the frames beside it matter, too
    alone = analyse(bundle, clip, [F1], silence="show", speak=False)
    np.testing.assert_array_equal(made.cam["F1"], alone.cam["F1"])
    assert made.bands[1].to_json() == {
        "name": "a",
        "low_hz": 700,
        "high_hz": 1500,
        "from_s": box.from_s,
        "to_s": box.to_s,
    }


def test_maps_of_a_contrast_tell_what_one_sound_has_that_the_other_has_not(bundle, clip):
    asked = Band("ab", 300, 2500, 1 / bundle.fps, 3 / bundle.fps, 6 / bundle.fps, 7 / bundle.fps)
    made = analyse(bundle, clip, [asked], silence="show", speak=False)
    bins = torch.from_numpy(band_bins(bundle.mel, asked))

    def apart(power):
        db = 10 * torch.log10(power[:, bins])
        return (db[1:3].mean(0) - db[6]).norm()

    assert_equal(made.cam["ab"], oracle(bundle, made.frames, apart))
    text = str(Band("ab", 300, 2500, 0.1, 0.2, 0.3, 0.4))
    assert text == "ab:300-2500@0.1-0.2~0.3-0.4" and str(Band.parse(text)) == text
    assert Band.from_json(asked.to_json()) == asked and "against" in asked.label
    with pytest.raises(InputError, match="two different stretches"):
        Band.parse("a:300-900@0.1-0.2~0.1-0.2")
    with pytest.raises(InputError, match="compares a frame with itself"):
        analyse(bundle, clip, [Band("a", 300, 900, 0.001, 0.002, 0.003, 0.004)], silence="show", speak=False)


def test_maps_of_a_frequency_tell_what_pushes_it_up_and_down(bundle, clip):
    made = analyse(bundle, clip, [F2], energy="hz", silence="show", speak=False)
    bins = band_bins(bundle.mel, F2)
    hz = torch.from_numpy(centre_frequencies_hz(bundle.mel)[bins])
    assert_equal(made.cam["F2"], oracle(bundle, made.frames, lambda p: (p[:, bins] * hz).sum(1) / p[:, bins].sum(1)))
    assert made.cam["F2"].min() < 0 < made.cam["F2"].max()


def test_maps_of_loudness_and_tilt(bundle, clip):
    asked = [Band.parse("loudness"), Band.parse("slope:tilt")]
    made = analyse(bundle, clip, asked, energy="power", silence="show", speak=False)  # they keep their own units
    octaves = torch.from_numpy(np.log2(centre_frequencies_hz(bundle.mel)))
    line = torch.stack([torch.ones(64, dtype=torch.float64), octaves], dim=1)

    def slope(power):
        return torch.linalg.lstsq(line, 10 * torch.log10(power).T).solution[1]

    assert_equal(made.cam["loudness"], oracle(bundle, made.frames, lambda power: 10 * torch.log10(power.sum(1))))
    assert_equal(made.cam["slope"], oracle(bundle, made.frames, slope))
    account = attribute_to_regions(made, {"all": np.ones((1, 64, 64), bool)})
    assert [account.bands[name].unit for name in made.cam] == ["dB", "dB per octave"]
    assert [band.high_hz for band in made.bands] == [bundle.mel.top_hz] * 2
    finer = analyse(bundle, clip, asked, silence="show", speak=False, method="hirescam", resolution=16).cam["slope"]
    assert finer.shape == (T, 16, 16) and finer.any()


def test_loudness_and_tilt_are_written_and_read():
    assert [str(Band.parse(text)) for text in ("loudness", " a : tilt")] == ["loudness", "a:tilt"]
    assert Band.from_json(Band.parse("a:tilt").to_json()) == Band.parse("a:tilt")
    for text in ("loud", "a:slope", "tilt@0.1-0.2"):
        with pytest.raises(InputError, match="Cannot read the band"):
            Band.parse(text)


@pytest.fixture
def phantom(bundle, tmp_path):
    """A clip whose truth says where its formants are: F2 rises, and is missing in two frames."""
    formants = np.stack([np.full(T, 500.0), np.linspace(900, 2100, T), np.full(T, np.nan)], axis=1)
    voice = np.where(np.isin(np.arange(T), [3, 4]), 0.0, 120.0)  # no formant without it
    np.savez(tmp_path / "a.truth.npz", formants_hz=formants, f0_hz=voice, fps=bundle.fps)
    return Clip(moving_frames(T), np.arange(T + 1) / bundle.fps, source=str(tmp_path / "a.mp4")), np.where(
        voice > 0, formants[:, 1], np.nan
    )


@pytest.mark.parametrize("energy", ["db", "power", "hz"])
def test_maps_follow_a_formant_frame_by_frame(bundle, phantom, energy):
    clip, f2 = phantom
    made = analyse(bundle, clip, [F1, Band.parse("F2:formant2+-250/truth")], energy=energy, silence="show", speak=False)
    hz = torch.from_numpy(centre_frequencies_hz(bundle.mel))

    def value(power):
        values = []
        for frame, formant in zip(power, f2, strict=True):
            near = (hz - formant).abs() <= 250
            there = frame[near].sum() if near.any() else frame.sum() * 0 + 1
            found = {"db": 10 * torch.log10(there), "power": there, "hz": (frame * hz)[near].sum() / there}
            values.append(found[energy])
        return torch.stack(values)

    assert_equal(made.cam["F2"], oracle(bundle, made.frames, value))
    assert not made.cam["F2"][[3, 4]].any() and np.abs(made.cam["F2"][5]).max() > 0
    np.testing.assert_allclose(made.tracked_hz["F2"], f2)
    assert np.isnan(made.band_db["F2"]).tolist() == np.isnan(f2).tolist()
    assert made.bands[1].low_hz == pytest.approx(650) and made.bands[1].high_hz == pytest.approx(2350)
    attribution = attribute_to_regions(made, {"all": np.ones((1, 64, 64), bool)}).bands["F2"]
    assert np.isnan(attribution.amount).tolist() == np.isnan(f2).tolist() and np.isfinite(attribution.strength).all()


def test_a_formant_that_is_known_is_not_measured_again(bundle, phantom):
    clip, f2 = phantom
    band = Band.parse("F2:formant2+-250/original")  # of which there is none
    given = analyse(bundle, clip, [band], formants_hz={"F2": f2}, silence="show", speak=False)
    measured = analyse(bundle, clip, [replace(band, track="truth")], silence="show", speak=False)
    np.testing.assert_array_equal(given.cam["F2"], measured.cam["F2"])
    np.testing.assert_array_equal(given.tracked_hz["F2"], f2)
    nowhere = analyse(bundle, clip, [band], formants_hz={"F2": np.full(T, np.nan)}, silence="show", speak=False)
    assert not nowhere.cam["F2"].any() and np.isnan(nowhere.band_db["F2"]).all()


def test_formants_of_the_synthesised_speech_are_followed(bundle, clip):
    heard = analyse(bundle, clip, [], silence="show")
    asked = analyse(bundle, clip, [Band.parse("formant1")], silence="show", speak=False)
    expected = formant_tracks(heard)["synthesised"].hz[:, 0]
    found = asked.tracked_hz["formant1"]
    np.testing.assert_allclose(found[~np.isnan(found)], expected[~np.isnan(found)])
    assert np.isfinite(found).any() and not len(asked.audio)


def test_a_band_without_a_formant_is_a_sentence(bundle, clip, phantom):
    for text, told in (
        ("F3:formant3/truth", "The band F3 has no formant to follow"),
        ("F2:formant2+-1/truth", "holds no mel bin of this bundle around its formant"),
        ("formant2/original", "no original speech"),
    ):
        with pytest.raises(InputError, match=told):
            analyse(bundle, phantom[0], [Band.parse(text)], speak=False)
    with pytest.raises(InputError, match="has no truth"):
        analyse(bundle, clip, [Band.parse("formant2/truth")], speak=False)
    for text in ("formant4", "formant2+-0", "formant2/heard", "a:formant2@0.1-0.2"):
        with pytest.raises(InputError):
            Band.parse(text)


def test_a_followed_formant_is_written_and_read():
    texts = ("F2:formant2", "formant3+-150", "a:formant1+-120/truth", "formant2/original")
    assert [str(Band.parse(text)) for text in texts] == list(texts)
    band = Band.parse("a:formant1+-120/truth")
    assert Band.from_json(band.to_json()) == band and (band.formant, band.width_hz, band.track) == (1, 120, "truth")


def test_a_box_is_written_and_read():
    box = Band.parse(" ka : 900 - 2500 @ 0.4-0.65")
    assert (
        box == Band("ka", 900, 2500, 0.4, 0.65) and str(box) == "ka:900-2500@0.4-0.65" and Band.parse(str(box)) == box
    )
    assert box.label == "ka (900-2500 Hz, 0.4-0.65 s)" and str(F1) == "F1:300-900" and "from_s" not in F1.to_json()
    assert Band.from_json(box.to_json()) == box and Band.from_json(F1.to_json()) == F1
    for text in ("a:1-2@3", "a:1-2@5-4", "a:1-2@4-4"):
        with pytest.raises(InputError):
            Band.parse(text)


def test_a_box_takes_the_frames_whose_middle_lies_in_it():
    assert frames_of(0.0, 1.0, 10, 50) == (0, 10) and frames_of(0.96, 1.14, 10, 50) == (10, 11)
    assert frames_of(1.01, 1.03, 10, 50) == (10, 11) and frames_of(4.98, 9, 10, 50) == (49, 50)


def test_a_box_without_anything_to_explain_is_a_sentence(bundle, clip, monkeypatch):
    with pytest.raises(InputError, match="begins after the clip's end: it lasts 0.33 s"):
        analyse(bundle, clip, [Band("a", 700, 1500, 2, 3)], speak=False)
    monkeypatch.setattr("rtmri2speech.analysis.pipeline.pauses", lambda mel, *_: np.arange(len(mel)) < 4)
    with pytest.raises(InputError, match="Nobody speaks in the box a"):
        analyse(bundle, clip, [Band("a", 700, 1500, 0, 0.1)], speak=False)
    assert analyse(bundle, clip, [Band("a", 700, 1500, 0, 0.1)], silence="show", speak=False).cam["a"].any()

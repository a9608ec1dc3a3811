"""The mel against librosa, and the choice of bins against the filterbank itself."""

import numpy as np
import pytest
import soundfile
import torch

from rtmri2speech.errors import InputError
from rtmri2speech.spec import F1, F2, Band, FrameSpec, MelSpec
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.mel import (
    Scaler,
    band_bins,
    centre_frequencies_hz,
    filterbank,
    mel_spectrogram_db,
    silent_frames,
)


@pytest.fixture(scope="module")
def speech(shared):
    samples, rate = soundfile.read(shared / "speech" / "ljspeech" / "LJ001-0002.flac", dtype="float32")
    return resample(samples, rate, 11413)


def librosa_db(y, spec, pad):
    import librosa

    y = np.append(y[0], y[1:] - spec.preemphasis * y[:-1])
    power = librosa.feature.melspectrogram(
        y=np.pad(y, pad, mode="reflect"),
        sr=spec.sample_rate,
        n_fft=spec.n_fft,
        hop_length=spec.hop_length,
        win_length=spec.win_length,
        center=False,
        power=2.0,
        n_mels=spec.n_mels,
        fmin=spec.fmin_hz,
        fmax=spec.top_hz,
    )
    return librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None).T


@pytest.mark.parametrize("layout", ["centred", "thesis"])
def test_equals_librosa_on_speech(speech, layout):
    spec = MelSpec(layout=layout)
    ours = mel_spectrogram_db(torch.from_numpy(speech).double(), spec).numpy()
    theirs = librosa_db(speech.astype(np.float64), spec, (2048 - 420) // 2 if layout == "centred" else 0)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-3
    single = mel_spectrogram_db(torch.from_numpy(speech), spec).numpy()
    heard = theirs > -70  # below, float32's rounding of the transform shows
    assert np.abs(single - theirs)[heard].max() < 0.05


def test_filterbank_equals_librosa():
    import librosa

    theirs = librosa.filters.mel(sr=11413, n_fft=2048, n_mels=64, fmin=0, fmax=11413 / 2, dtype=np.float64)
    np.testing.assert_allclose(filterbank(MelSpec()), theirs, atol=1e-12)
    assert (filterbank(MelSpec()).max(axis=1) > 0).all()


def test_frame_is_centred_on_its_mri_frame():
    spec = MelSpec()
    for frame in (10, 25):
        click = np.zeros(40 * 420, np.float32)
        click[frame * 420 + 210] = 1
        level = mel_spectrogram_db(torch.from_numpy(click), spec).mean(dim=1)
        assert len(level) == 40
        assert int(level.argmax()) == frame
        assert level[frame - 1] == pytest.approx(float(level[frame + 1]), abs=0.1)


def test_bands_hold_the_bins_whose_filters_peak_inside():
    spec = MelSpec()
    peaks = np.arange(1025)[filterbank(spec).argmax(axis=1)] * 11413 / 2048
    centres = centre_frequencies_hz(spec)
    assert np.abs(centres - peaks).max() < 11413 / 2048  # one bin of the transform
    for band in (F1, F2):
        bins = band_bins(spec, band)
        assert centres[bins[0]] >= band.low_hz > centres[bins[0] - 1]
        assert centres[bins[-1]] <= band.high_hz < centres[bins[-1] + 1]


@pytest.mark.parametrize("text", ["F1", "F1:900-300", "F1:300-300", "F1:-5-10", "F1:a-b", ":1-2", "a/b:1-2"])
def test_unreadable_bands(text):
    with pytest.raises(InputError):
        Band.parse(text)


def test_bands_outside_or_between_bins():
    with pytest.raises(InputError, match="beyond"):
        band_bins(MelSpec(), Band("X", 4000, 6000))
    with pytest.raises(InputError, match="no mel bin"):
        band_bins(MelSpec(), Band("X", 301, 302))


def test_specs_round_trip_and_refuse_nonsense():
    assert MelSpec.from_json(MelSpec(layout="thesis").to_json()) == MelSpec(layout="thesis")
    assert FrameSpec.from_json(FrameSpec().to_json()) == FrameSpec()
    assert MelSpec.from_json({"fmin_hz": 0}) == MelSpec()
    for wrong in ({"fmax_hz": 8000.0}, {"hop_length": 421}, {"layout": "other"}, {"colour": 1}, {"n_mels": 0}):
        with pytest.raises(InputError):
            MelSpec.from_json(wrong)
    with pytest.raises(InputError, match=r"MelSpec\.n_mels must be int, not '64'"):
        MelSpec.from_json({"n_mels": "64"})
    with pytest.raises(InputError):
        FrameSpec(100)


def test_silence_by_hand():
    level = np.full(40, -20.0)
    level[:2] = -70  # the start, however short
    level[10] = -65  # the closure of a stop
    level[15:17] = -61
    level[20:23] = -61  # a pause
    level[30] = -59  # a weak consonant
    level[39] = -80
    silent = silent_frames(np.repeat(level[:, None], 64, axis=1), 27.17)
    assert np.flatnonzero(silent).tolist() == [0, 1, 20, 21, 22, 39]
    assert silent_frames(np.full((5, 64), -60.0), 27.17, faint_db=-50).all()
    assert not silent_frames(np.full((5, 64), -60.0), 27.17, faint_db=-70).any()


def test_a_pause_between_words_is_silence_and_a_closure_inside_them_is_not(shared):
    rate, mels = 11413, []
    for pause_s in (0.06, 0.5):
        said = [soundfile.read(f, dtype="float32") for f in sorted((shared / "speech" / "pm_en").glob("*.flac"))[:2]]
        first, second = (resample(samples, rate_, rate) for samples, rate_ in said)
        loud = np.flatnonzero(np.abs(first) > 0.1 * np.abs(first).max())[-1], np.abs(second) > 0.1 * second.max()
        whole = np.concatenate([first[: loud[0]], np.zeros(round(pause_s * rate)), second[loud[1].argmax() :]])
        mels.append((mel_spectrogram_db(torch.from_numpy(whole.astype(np.float32)), MelSpec()).numpy(), loud[0] / rate))
    (short, _), (long, from_s) = mels
    fps = MelSpec().fps
    middle = round((from_s + 0.25) * fps)
    assert silent_frames(long, fps)[middle - 3 : middle + 4].all()
    assert not silent_frames(short, fps)[round(from_s * fps) - 2 : round((from_s + 0.06) * fps) + 3].any()


def test_scaler(tmp_path):
    rng = np.random.default_rng(0)
    mels = [rng.normal(-40, 7, (50, 64)), rng.normal(-30, 7, (20, 64))]
    scaler = Scaler.fit(mels)
    standardised = scaler.standardise(np.concatenate(mels))
    np.testing.assert_allclose(standardised.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(standardised.std(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(scaler.to_db(standardised), np.concatenate(mels), atol=1e-4)
    scaler.write(tmp_path / "scaler.json")
    again = Scaler.read(tmp_path / "scaler.json", 64)
    np.testing.assert_array_equal(again.mean, scaler.mean)
    with pytest.raises(InputError, match="64 mel bins, the model has 80"):
        Scaler.read(tmp_path / "scaler.json", 80)


def test_too_short_for_a_frame():
    with pytest.raises(InputError, match="needs at least"):
        mel_spectrogram_db(torch.zeros(400), MelSpec())

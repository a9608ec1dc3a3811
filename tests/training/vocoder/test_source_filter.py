"""Training of the source-filter vocoder: what is drawn, losses without harmonics, exact resuming, publishing."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from pystoi import stoi

from rtmri2speech.errors import InputError
from rtmri2speech.models.ddsp import SourceFilter
from rtmri2speech.speech.formants import measure_f0
from rtmri2speech.speech.mel import mel_spectrogram_db, spectral_envelope
from tests.models.test_ddsp import SPEC, TINY, formants
from tests.training.vocoder.test_vocoder import voice
from training.engine.config import build
from training.preprocess.recordings import prepare_sources
from training.vocoder.checkpoints import load_run, read_vocoder
from training.vocoder.initialisation import read_start
from training.vocoder.source_filter.config import Draws, SourceFilterSettings
from training.vocoder.source_filter.f0 import STEP_S, at_times, f0_of
from training.vocoder.source_filter.losses import band_loss, constancy_loss, intelligibility_loss
from training.vocoder.source_filter.segments import SourceFilterSegments, prepared_rate
from training.vocoder.source_filter.train import SourceFilterTraining, train

AS_RECORDED = Draws(envelope=0, disturbed=0, whispered=0, other_f0=0, by_frame=0, rates=(0.8, 1.3))


@pytest.fixture
def wavs(tmp_path):
    folder = tmp_path / "wavs"
    folder.mkdir()
    for i in range(3):
        soundfile.write(folder / f"r{i}.wav", voice(2.5, 110 + 40 * i, 16000), 16000)
    return folder


def settings(tmp_path, wavs, **changes) -> SourceFilterSettings:
    values = dict(
        run_dir=str(tmp_path / "run"),
        sources={"test": {"folder": str(wavs), "held_out": 0.3}},
        vocoder=TINY.to_json(),
        batch_size=3,
        frames=16,
        steps=2,
        warmup_steps=1,
        validate_every=1000,
        device="cpu",
    )
    return build(SourceFilterSettings, values | changes)


def segments(wavs, tmp_path, draws: Draws) -> SourceFilterSegments:
    source = settings(tmp_path, wavs).sources["test"]
    recordings, _ = prepare_sources({"test": replace(source, held_out=0.0)}, tmp_path / "p", prepared_rate(SPEC), 0.7)
    return SourceFilterSegments(recordings, draws, SPEC, 7, frames=24, envelope=16)


def test_f0_is_measured_once_and_read_at_other_times(tmp_path):
    np.save(tmp_path / "a.npy", voice(1.0, 140, 16000))
    hz = f0_of(tmp_path / "a.npy", 16000)
    assert len(hz) == round(1 / STEP_S) and np.median(hz[hz > 0]) == pytest.approx(140, rel=0.01)
    (tmp_path / "a.npy").touch()
    np.save(tmp_path / "a.f0.npy", 2 * hz)
    (tmp_path / "a.f0.npy").rename(tmp_path / "a.f0")
    assert np.array_equal(f0_of(tmp_path / "a.npy", 16000), 2 * hz)
    at = at_times(np.array([0, 100, 200, 0.0]), (np.array([-1, 0, 1, 1.4, 2, 3, 9]) + 0.5) * STEP_S)
    assert at == pytest.approx([0, 0, 100, 140, 200, 0, 0])


def test_f0_and_mel_are_those_of_the_waveform_at_any_rate(tmp_path, wavs):
    batch = segments(wavs, tmp_path, AS_RECORDED).batch(0, 0, 12)
    assert batch.of("own").all() and batch.waveform.shape == (12, 24 * 420) and batch.f0_hz.shape == (12, 24 * 7)
    given = []
    for f0_hz, waveform in zip(batch.f0_hz.numpy(), batch.waveform.numpy(), strict=True):
        heard = measure_f0(waveform, SPEC.sample_rate, (np.arange(24 * 7) + 0.5) * 60 / SPEC.sample_rate)
        both = (f0_hz > 0) & np.isfinite(heard)
        assert both.mean() > 0.5 and np.median(np.abs(heard / f0_hz - 1)[both]) < 0.01
        given.append(np.median(f0_hz[f0_hz > 0]))
    assert max(given) / min(given) > 1.9  # of recordings at 110, 150 and 190 Hz
    for mel_db, waveform in zip(batch.mel_db, batch.waveform, strict=True):
        assert (mel_db - mel_spectrogram_db(waveform, SPEC))[4:-4].abs().max() < 0.05
        assert mel_db[:, -8:].mean() > -75  # noise up to the top, also where it was read slower


def test_batches_depend_on_seed_and_step_alone(tmp_path, wavs):
    ours = segments(wavs, tmp_path, Draws())
    one, again, other = ours.batch(1, 5, 2), ours.batch(1, 5, 2), ours.batch(1, 6, 2)
    assert torch.equal(one.mel_db, again.mel_db) and torch.equal(one.f0_hz, again.f0_hz)
    assert not torch.equal(one.waveform, other.waveform)


def test_what_is_asked_for_without_its_own_f0_is_not_compared_by_harmonics(tmp_path, wavs):
    whispered = segments(wavs, tmp_path, replace(AS_RECORDED, whispered=1.0)).batch(0, 0, 4)
    assert whispered.of("whispered").all() and not whispered.f0_hz.any() and whispered.own_hz.any()
    other = segments(wavs, tmp_path, replace(AS_RECORDED, other_f0=1.0)).batch(0, 0, 6)
    voiced = [row[row > 0] for row in other.f0_hz]
    assert other.of("other").all() and max(v.max() / v.min() for v in voiced) < 2**0.5
    reduced = segments(wavs, tmp_path, replace(AS_RECORDED, other_f0=1.0, floor_db=-200.0)).batch(0, 0, 2).mel_db
    for mel_db in reduced.numpy():
        np.testing.assert_allclose(spectral_envelope(mel_db, 16), mel_db, atol=1e-3)


def test_disturbed_mels_err_by_some_decibels(tmp_path, wavs):
    ours = segments(wavs, tmp_path, Draws())
    mel_db = formants(60)
    errors = [ours._disturbed(mel_db, np.random.default_rng(k)) - mel_db for k in range(20)]
    spread = np.array([e.std() for e in errors])
    assert spread.max() < 3.5 and spread.mean() > 0.8
    assert np.corrcoef(errors[0][:-1].ravel(), errors[0][1:].ravel())[0, 1] > 0.5


def test_band_loss_hears_levels_and_not_f0():
    low, high = (torch.from_numpy(voice(1.5, f0))[None] for f0 in (100, 106))
    assert band_loss(low, low, 11413) == 0
    assert band_loss(low, 2 * low, 11413) == pytest.approx(np.log(2), rel=0.05)
    assert band_loss(low, high, 11413) < 0.5 * band_loss(low, 2 * low, 11413)


def test_the_intelligibility_loss_is_estoi():
    clean = torch.from_numpy(voice(2.0))[None]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    assert intelligibility_loss(clean, clean, 10000) == pytest.approx(0, abs=1e-3)
    for level in (0.03, 0.3):
        noisy = clean + level * noise
        expected = 1 - stoi(clean[0].numpy(), noisy[0].numpy(), 10000, extended=True)
        assert float(intelligibility_loss(clean, noisy, 10000)) == pytest.approx(expected, abs=0.05)


def test_the_constancy_loss_hears_what_is_not_masked():
    wanted, voiced = torch.zeros(1, 4, 2, 8), torch.tensor([[True, True, False, False]])
    wanted[:, :, 1] = -50.0
    changed = wanted.clone()
    changed[:, :, 1] -= 20  # noise far below the pulses stays unheard
    changed[:, 2:] += 40  # and so do pulses without voice
    assert constancy_loss(changed, wanted, voiced) == 0
    changed[:, 0, 0] += 10
    assert constancy_loss(changed, wanted, voiced) == pytest.approx(1 / 4)  # of one of two steps, one of two sources
    assert constancy_loss(changed, wanted, torch.zeros_like(voiced)) == 0


def test_every_weight_learns_and_the_loss_falls(tmp_path, wavs):
    training = SourceFilterTraining(settings(tmp_path, wavs, steps=100, lr=3e-3))
    before = {k: t.clone() for k, t in training.generator.named_parameters()}
    batch = segments(wavs, tmp_path, AS_RECORDED).batch(0, 0, 3)
    losses = [training.advance(batch) for _ in range(12)]
    assert set(losses[0]) == {"bands", "intelligibility", "stft"}
    assert losses[-1]["bands"] < 0.85 * losses[0]["bands"]
    assert [k for k, t in training.generator.named_parameters() if torch.equal(t, before[k])] == []


def test_another_f0_is_to_change_nothing_but_the_source(tmp_path, wavs):
    training = SourceFilterTraining(settings(tmp_path, wavs, steps=100, lr=1e-2, averaged_steps=1))
    torch.nn.init.normal_(training.generator.last.weight, 0, 0.3)
    batch = segments(wavs, tmp_path, replace(AS_RECORDED, other_f0=1.0)).batch(0, 0, 3)
    losses = [training.advance(batch) for _ in range(12)]
    assert set(losses[0]) == {"constancy"} and losses[-1]["constancy"] < 0.7 * losses[0]["constancy"]


def test_a_stopped_run_goes_on_exactly(tmp_path, wavs):
    straight = train(settings(tmp_path / "a", wavs, steps=3))
    train(settings(tmp_path / "b", wavs, steps=3, checkpoint_every=1))
    for step in (2, 3):
        (tmp_path / f"b/run/checkpoints/step_{step:08d}.pt").unlink()
    resumed = train(settings(tmp_path / "b", wavs, steps=3))
    for name in ("generator", "averaged"):
        for key, tensor in getattr(straight, name).state_dict().items():
            assert torch.equal(tensor, getattr(resumed, name).state_dict()[key]), key
    with pytest.raises(InputError, match="vocoder.channels"):
        train(settings(tmp_path / "b", wavs, vocoder=replace(TINY, channels=8).to_json()))


def test_a_run_is_read_as_a_vocoder_and_goes_on_from_another(tmp_path, wavs):
    trained = train(settings(tmp_path, wavs))
    vocoder, described = read_vocoder(tmp_path / "run")
    mel_db, f0_hz = torch.from_numpy(formants(20)), torch.full((20,), 120.0)
    assert isinstance(vocoder, SourceFilter) and described["kind"] == "ddsp" and described["mel"] == SPEC.to_json()
    assert torch.equal(vocoder.speak(mel_db, f0_hz), trained.averaged.speak(mel_db, f0_hz))
    more = SourceFilterTraining(settings(tmp_path, wavs, init_from=str(tmp_path / "run")))
    assert torch.equal(more.generator.speak(mel_db, f0_hz), load_run(tmp_path / "run").speak(mel_db, f0_hz))
    with pytest.raises(InputError, match="no HiFi-GAN"):
        read_start(str(tmp_path / "run"), SPEC)


def test_wrong_settings_are_refused(tmp_path, wavs):
    for wrong in ({"kind": "hifigan"}, {"frames": 2}, {"draws": {"envelope": 0.9}}, {"draws": {"rates": [0.2, 1]}}):
        with pytest.raises(InputError):
            settings(tmp_path, wavs, **wrong)

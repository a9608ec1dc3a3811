"""Vocoder training: discriminators and losses, what is drawn, and that a stopped run goes on exactly."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.models.hifigan import Generator, GeneratorConfig, vocoder_input
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import mel_spectrogram_db
from tests.training.never_lost import never_lost
from training.engine.config import build, read_arguments, run_command
from training.preprocess.recordings import (
    Recording,
    SpeechSource,
    find_recordings,
    held_out_names,
    prepare,
    prepare_sources,
    split,
)
from training.vocoder.checkpoints import checkpoints, load_run
from training.vocoder.config import VocoderSettings
from training.vocoder.discriminators import DiscriminatorConfig, Discriminators, PeriodDiscriminator, ScaleDiscriminator
from training.vocoder.initialisation import load_discriminators, read_reference_generator, read_start
from training.vocoder.losses import (
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
    mel_loss,
    stft_loss,
)
from training.vocoder.segments import VocoderSegments, segment
from training.vocoder.train import VocoderTraining, train
from training.vocoder.validation import copy_synthesis

ROOT = Path(__file__).resolve().parents[3]
SPEC = MelSpec()
TINY = dict(initial_channel=16, resblock="2", resblock_kernel_sizes=(3,), resblock_dilation_sizes=((1,),))


def voice(seconds: float, f0: float = 120.0, rate: int = SPEC.sample_rate) -> np.ndarray:
    """A buzz with some noise: harmonics of f0 falling off with frequency."""
    t = np.arange(int(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * k * f0 * t + k) / k for k in range(1, 20))
    noise = np.random.default_rng(int(f0)).normal(size=len(t))
    return (0.1 * tone * (1 + 0.5 * np.sin(2 * np.pi * 3 * t)) + 0.01 * noise).astype(np.float32)


@pytest.fixture
def wavs(tmp_path):
    folder = tmp_path / "wavs"
    folder.mkdir()
    for i in range(4):
        soundfile.write(folder / f"r{i}.wav", voice(1.5, 100 + 40 * i, 16000), 16000)
    return folder


def settings(tmp_path, wavs, **changes) -> VocoderSettings:
    values = dict(
        run_dir=str(tmp_path / "run"),
        sources={"test": {"folder": str(wavs), "held_out": 0.25}},
        generator=TINY,
        discriminators=dict(periods=[2, 3], scales=2, width=0.05),
        loss=dict(stft=1.0),
        batch_size=2,
        segment_size=4200,
        lr=1e-3,
        steps=2,
        validate_every=1000,
        device="cpu",
    )
    return build(VocoderSettings, values | changes)


# --- discriminators and losses --------------------------------------------------------------------------------------


def test_period_discriminator_sees_columns_of_equal_phase():
    """Its convolutions run along every period-th sample, so each column of scores sees one phase only."""
    torch.manual_seed(0)
    discriminator = PeriodDiscriminator(3, width=0.05).eval()
    x = torch.randn(1, 1, 3 * 300)
    changed = x.clone()
    changed[..., 1::3] += 1.0
    score, features = discriminator(x)
    difference = (discriminator(changed)[0] - score).reshape(-1, 3)
    assert torch.equal(difference[:, 0], torch.zeros_like(difference[:, 0]))
    assert torch.equal(difference[:, 2], torch.zeros_like(difference[:, 2]))
    assert difference[:, 1].abs().max() > 0
    assert [f.shape[2] for f in features] == [100, 34, 12, 4, 4, 4]  # strides 3, 3, 3, 3, 1 over 300 rows
    assert score.shape == (1, 4 * 3)


def test_full_width_discriminators_have_the_size_of_the_reference():
    """Parameter counts of jik876/hifi-gan's MPD and MSD (41.1 M and 29.6 M in all)."""
    discriminators = Discriminators()

    def conv_sizes(shapes):  # weight_v + weight_g + bias of each convolution
        return sum(out * inside * kernel + 2 * out for inside, out, kernel in shapes)

    period = [(1, 32, 5), (32, 128, 5), (128, 512, 5), (512, 1024, 5), (1024, 1024, 5), (1024, 1, 3)]
    scale = [(1, 128, 15), (32, 128, 41), (8, 256, 41), (16, 512, 41), (32, 1024, 41), (64, 1024, 41)]
    scale += [(1024, 1024, 5), (1024, 1, 3)]
    spectral_has_no_magnitude = sum(out for _, out, _ in scale)
    assert sum(p.numel() for p in discriminators.mpd.parameters()) == 5 * conv_sizes(period)
    assert sum(p.numel() for p in discriminators.msd.parameters()) == 3 * conv_sizes(scale) - spectral_has_no_magnitude


def test_scales_look_at_halved_rates():
    discriminators = Discriminators(DiscriminatorConfig(periods=(), scales=3, width=0.05))
    lengths = [features[0].shape[-1] for _, features in discriminators(torch.randn(1, 1, 4096))]
    assert lengths == [4096, 2049, 1025]  # AvgPool1d(4, 2, padding=2)
    assert isinstance(discriminators.msd.discriminators[0], ScaleDiscriminator)


def test_adversarial_losses_against_hand_values():
    real = [(torch.tensor([[1.0, 0.5]]), [torch.tensor([1.0, 2.0])]), (torch.tensor([[0.0]]), [torch.tensor([3.0])])]
    fake = [(torch.tensor([[0.5, 0.0]]), [torch.tensor([0.0, 4.0])]), (torch.tensor([[1.0]]), [torch.tensor([2.5])])]
    # discriminator 1: mean(0, .25) + mean(.25, 0); discriminator 2: 1 + 1
    assert discriminator_loss(real, fake).item() == pytest.approx(0.125 + 0.125 + 2.0)
    assert adversarial_loss(fake).item() == pytest.approx((0.25 + 1.0) / 2 + 0.0)
    assert feature_matching_loss(real, fake).item() == pytest.approx(1.5 + 0.5)


def test_mel_loss_of_half_the_amplitude_is_ln_two():
    x = torch.from_numpy(10 * voice(1.0))[None]
    for kind in ("ln_power", "ln_magnitude"):
        assert mel_loss(x, x, SPEC, kind).item() == 0
        assert mel_loss(x, 0.5 * x, SPEC, kind).item() == pytest.approx(np.log(2), rel=1e-4)


def test_losses_do_not_punish_faint_noise_for_silence():
    faint = 1e-6 * torch.randn(1, 8400, generator=torch.Generator().manual_seed(0))
    silent = torch.zeros(1, 8400)
    assert mel_loss(silent, faint, SPEC, "ln_power").item() == 0
    assert stft_loss(silent, faint, (256, 1024)).item() == 0


def test_stft_loss_of_half_the_amplitude():
    """Spectral convergence 1/2 plus ln 2 of the log magnitudes, at every resolution."""
    x = torch.randn(2, 8400, generator=torch.Generator().manual_seed(0))
    assert stft_loss(x, x, (256, 1024)).item() == 0
    assert stft_loss(x, 0.5 * x, (256, 1024)).item() == pytest.approx(0.5 + np.log(2), rel=1e-3)


def test_stft_loss_has_a_finite_gradient_at_silence():
    x = torch.zeros(1, 4200, requires_grad=True)
    stft_loss(torch.zeros(1, 4200), x, (256,)).backward()
    assert torch.isfinite(x.grad).all()


# --- recordings and segments ----------------------------------------------------------------------------------------


def test_recordings_of_one_name_are_refused(tmp_path):
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, voice(0.5), SPEC.sample_rate)
    with pytest.raises(InputError, match="same name"):
        find_recordings(tmp_path)


def test_held_out_is_the_last_tenth_by_name_or_a_list(tmp_path):
    names = [f"x{i:03d}" for i in range(30)]
    assert held_out_names(names[::-1], 0.1) == {"x027", "x028", "x029"}
    listed = tmp_path / "held_out.txt"
    listed.write_text("x003\nx001\n", encoding="utf-8")
    assert held_out_names(names, str(listed)) == {"x001", "x003"}
    listed.write_text("x003\ny\n", encoding="utf-8")
    with pytest.raises(InputError, match="lists y"):
        held_out_names(names, str(listed))
    with pytest.raises(InputError, match="none is left"):
        held_out_names(["only"], 0.1)


def test_prepare_resamples_leaves_out_the_bad_and_keeps_the_level(tmp_path, wavs):
    soundfile.write(wavs / "silent.wav", np.zeros(16000), 16000)
    (wavs / "broken.wav").write_bytes(b"RIFF")
    source = SpeechSource(str(wavs))
    found = dict(prepare(source, tmp_path / "out", SPEC.sample_rate, None))
    assert "silent" in found["silent"] and "broken.wav" in found["broken"]
    samples = np.load(found["r0"])
    assert len(samples) == round(1.5 * SPEC.sample_rate) and samples.dtype == np.float32
    inner = slice(1000, -1000)
    assert np.abs(samples[inner]).max() == pytest.approx(np.abs(voice(1.5, 100)[inner]).max(), rel=0.1)
    loud = dict(prepare(source, tmp_path / "loud", SPEC.sample_rate, 0.95))
    assert np.abs(np.load(loud["r0"])).max() == pytest.approx(0.95, rel=1e-5)


def test_prepared_samples_of_other_settings_are_not_used_again(tmp_path, wavs):
    sources = {"test": SpeechSource(str(wavs))}
    as_recorded = prepare_sources(sources, tmp_path / "speech", SPEC.sample_rate, None)[0][0]
    loud = prepare_sources(sources, tmp_path / "speech", SPEC.sample_rate, 0.95)[0][0]
    assert np.abs(np.load(loud.path)).max() == pytest.approx(0.95, rel=1e-5)
    assert np.abs(np.load(as_recorded.path)).max() < 0.9


def recording(tmp_path, seconds: float, name: str = "a", mel: np.ndarray | None = None) -> Recording:
    samples = voice(seconds)
    np.save(tmp_path / f"{name}.npy", samples)
    if mel is not None:
        np.save(tmp_path / f"{name}_mel.npy", mel)
    path = tmp_path / f"{name}_mel.npy" if mel is not None else None
    return Recording(name, tmp_path / f"{name}.npy", len(samples), 1.0, path)


@pytest.mark.parametrize("first", [0, 1, 7, 40, 61])
def test_a_segment_is_cut_from_the_whole_recordings_mel(tmp_path, first):
    one = recording(tmp_path, 3.0)
    samples = torch.from_numpy(np.load(one.path))
    whole = mel_spectrogram_db(samples, SPEC)
    assert len(whole) == 81
    mel, waveform = segment(one, first, 20, SPEC)
    assert torch.equal(waveform, samples[first * 420 : (first + 20) * 420])
    torch.testing.assert_close(mel, whole[first : first + 20], atol=1e-3, rtol=0)


def test_a_short_recording_is_padded_with_silence(tmp_path):
    mel, waveform = segment(recording(tmp_path, 0.4), 0, 20, SPEC)
    assert mel.shape == (20, 64) and waveform.shape == (8400,)
    assert waveform[4565:].abs().max() == 0 and waveform[:4565].abs().max() > 0
    assert mel[-1].max() == -100


def test_extra_mels_are_drawn_by_their_weight_and_stay_in_step(tmp_path):
    """Predicted mels carry their frame number, so each draw shows what it was paired with."""
    frames = np.repeat(1000.0 + np.arange(81, dtype=np.float32)[:, None], 64, axis=1)
    with_mel, without = recording(tmp_path, 3.0, "a", frames), recording(tmp_path, 3.0, "b")
    segments = VocoderSegments(
        [with_mel, without], SPEC, frames=10, batch_size=100, seed=3, extra_mels_weight=0.2, gain_db=(-20.0, 0.0)
    )
    samples = np.load(with_mel.path)
    predicted = 0
    for step in range(4):
        for mel, waveform in zip(*segments.batch(step), strict=True):
            if mel.min() > 900:  # a predicted one, made softer by at most 20 dB
                predicted += 1
                # The gain comes from the waveform's own level; what is left of the mel is the frame number.
                matches = [samples[f * 420 : (f + 10) * 420] for f in range(72)]
                gains = [float(waveform @ torch.from_numpy(m)) / float(m @ m) for m in matches]
                errors = [float(np.abs(waveform.numpy() - g * m).max()) for g, m in zip(gains, matches, strict=True)]
                first = int(np.argmin(errors))
                assert errors[first] < 1e-5
                torch.testing.assert_close(
                    mel[:, 0] - 20 * np.log10(gains[first]), 1000.0 + torch.arange(first, first + 10), atol=0.01, rtol=0
                )
            else:
                torch.testing.assert_close(mel[3:7], mel_spectrogram_db(waveform, SPEC)[3:7], atol=0.01, rtol=0)
    assert predicted == pytest.approx(80, abs=24)  # three standard deviations


def test_extra_mels_without_any_are_refused(tmp_path):
    with pytest.raises(InputError, match="no source has predicted mels"):
        VocoderSegments([recording(tmp_path, 1.0)], SPEC, frames=10, batch_size=1, seed=0, extra_mels_weight=0.2)


def test_a_predicted_mel_of_another_length_is_refused(tmp_path, wavs):
    np.save(tmp_path / "r1.npy", np.zeros((20, 64), np.float32))
    source = SpeechSource(str(wavs), mels=str(tmp_path))
    prepared = dict(prepare(source, tmp_path / "out", SPEC.sample_rate, None))
    with pytest.raises(InputError, match=r"r1\.npy has shape \(20, 64\)"):
        split(source, prepared, SPEC)


def test_long_and_weighty_recordings_are_drawn_more_often(tmp_path):
    short, long = recording(tmp_path, 1.0, "short"), recording(tmp_path, 3.0, "long")
    weighty = Recording(short.name, short.path, short.samples, 9.0)
    segments = VocoderSegments([weighty, long], SPEC, frames=10, batch_size=1, seed=0)
    assert segments._true[1].tolist() == pytest.approx([0.75, 0.25], rel=1e-3)


# --- training -------------------------------------------------------------------------------------------------------


def test_a_stopped_run_goes_on_exactly(tmp_path, wavs):
    straight = train(settings(tmp_path / "a", wavs, steps=3, checkpoint_every=100))
    train(settings(tmp_path / "b", wavs, steps=1))
    resumed = train(settings(tmp_path / "b", wavs, steps=3))
    assert resumed.step == 3
    for name in ("generator", "discriminators"):
        for key, tensor in getattr(straight, name).state_dict().items():
            assert torch.equal(tensor, getattr(resumed, name).state_dict()[key]), key


def test_every_weight_of_both_networks_learns(tmp_path, wavs):
    training = VocoderTraining(settings(tmp_path, wavs), epoch_steps=1)
    before = {
        n: {k: t.clone() for k, t in getattr(training, n).named_parameters()} for n in ("generator", "discriminators")
    }
    one = recording(tmp_path, 1.5)
    segments = VocoderSegments([one], SPEC, frames=10, batch_size=2, seed=0)
    losses = training.advance(*segments.batch(0))
    assert set(losses) == {"discriminator", "adversarial", "feature_matching", "mel", "stft"}
    for name, tensors in before.items():
        still = [k for k, t in getattr(training, name).named_parameters() if torch.equal(t, tensors[k])]
        assert still == []


def test_the_first_phase_leaves_the_discriminators_alone_and_lowers_the_mel_loss(tmp_path, wavs):
    training = VocoderTraining(settings(tmp_path, wavs, adversarial_from=100), epoch_steps=1000)
    before = {k: t.clone() for k, t in training.discriminators.state_dict().items()}
    batch = VocoderSegments([recording(tmp_path, 1.5)], SPEC, frames=10, batch_size=2, seed=0).batch(0)
    losses = [training.advance(*batch)["mel"] for _ in range(12)]
    assert losses[-1] < 0.9 * losses[0]
    assert all(torch.equal(t, before[k]) for k, t in training.discriminators.state_dict().items())


def test_the_learning_rate_decays_by_epoch(tmp_path, wavs):
    training = VocoderTraining(settings(tmp_path, wavs, lr=1.0, lr_decay=0.5), epoch_steps=10)
    training.step = 29
    one = recording(tmp_path, 1.5)
    training.advance(*VocoderSegments([one], SPEC, frames=10, batch_size=2, seed=0).batch(29))
    assert training.optim_g.param_groups[0]["lr"] == training.optim_d.param_groups[0]["lr"] == 0.25


def test_the_generator_sees_what_the_product_gives_it(tmp_path, wavs):
    """copy_synthesis feeds vocoder_input of the dB mel, bins first, as the product does."""
    seen = []

    class Ear(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(()))

        def forward(self, x):
            seen.append(x)
            return torch.zeros(1, 1, x.shape[-1] * 420)

    samples = voice(1.0)
    made = copy_synthesis(Ear(), samples, SPEC, "ln_power")
    db = mel_spectrogram_db(torch.from_numpy(samples), SPEC)
    assert torch.equal(seen[0][0], vocoder_input(db, "ln_power").T)
    assert len(made) == len(samples) // 420 * 420


def test_load_run_gives_the_folded_generator_of_the_newest_checkpoint(tmp_path, wavs):
    training = train(settings(tmp_path, wavs, checkpoint_every=1))
    run = tmp_path / "run"
    assert [p.name for p in checkpoints(run)] == ["step_00000001.pt", "step_00000002.pt"]
    generator, earlier = load_run(run), load_run(run, step=1)
    assert not any("parametrizations" in k for k in generator.state_dict())
    mel = torch.randn(1, 64, 12)
    with torch.no_grad():
        torch.testing.assert_close(generator(mel), training.generator(mel), atol=1e-5, rtol=1e-4)
        assert not torch.allclose(generator(mel), earlier(mel))
    with pytest.raises(InputError, match="step 7"):
        load_run(run, step=7)
    with pytest.raises(InputError, match="not a run of training.vocoder"):
        load_run(tmp_path)


def test_another_generator_in_the_same_run_is_refused(tmp_path, wavs):
    train(settings(tmp_path, wavs, steps=1))
    with pytest.raises(InputError, match="begun with generator.initial_channel = 16, not 32"):
        train(settings(tmp_path, wavs, generator=TINY | {"initial_channel": 32}))


def test_a_run_starts_from_an_earlier_run(tmp_path, wavs):
    first = train(settings(tmp_path, wavs, steps=1))
    training = VocoderTraining(settings(tmp_path / "new", wavs, init_from=str(tmp_path / "run")), epoch_steps=1)
    training.initialise()
    assert training.step == 0
    for key, tensor in first.generator.state_dict().items():
        assert torch.equal(tensor, training.generator.state_dict()[key])


def test_a_run_starts_from_a_bundles_vocoder(tmp_path, wavs, bundle, bundle_folder):
    config = asdict(bundle.vocoder.config)
    begun = settings(tmp_path, wavs, generator=config, init_from=str(bundle_folder))
    training = VocoderTraining(begun, epoch_steps=1)
    training.initialise()
    mel = torch.randn(1, bundle.vocoder.config.n_mels, 12)
    with torch.no_grad():
        torch.testing.assert_close(training.generator(mel), bundle.vocoder(mel), atol=1e-5, rtol=1e-4)
    assert any("parametrizations" in name for name in training.generator.state_dict())
    with pytest.raises(InputError, match="another mel"):
        read_start(str(bundle_folder), replace(bundle.mel, fmax_hz=5000.0))


def test_a_soup_of_a_run_and_its_start_is_the_mean_of_their_weights(tmp_path, wavs, bundle, bundle_folder):
    from training.vocoder.weight_interpolation import WeightInterpolationRun, make

    config = asdict(bundle.vocoder.config)
    train(settings(tmp_path, wavs, generator=config, init_from=str(bundle_folder), steps=2))
    runs = (str(tmp_path / "run"), str(bundle_folder))
    make(WeightInterpolationRun(runs, (0.25, 0.75), str(tmp_path / "soup")))
    tuned, mean = (load_run(tmp_path / name).state_dict() for name in ("run", "soup"))
    start = bundle.vocoder.state_dict()
    assert any(not torch.allclose(tuned[name], start[name], atol=1e-5) for name in start)
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, 0.25 * tuned[name] + 0.75 * start[name], atol=1e-6, rtol=1e-5)
    again = VocoderTraining(
        settings(tmp_path / "on", wavs, generator=config, init_from=str(tmp_path / "soup")), epoch_steps=1
    )
    again.initialise()  # with the discriminators of the first
    with pytest.raises(InputError, match="holds a run already"):
        make(WeightInterpolationRun(runs, (0.5, 0.5), str(tmp_path / "soup")))
    with pytest.raises(InputError, match="not a checkpoint of this run"):  # it has no optimisers to go on with
        train(settings(tmp_path, wavs, generator=config, run_dir=str(tmp_path / "soup"), steps=9))
    with pytest.raises(InputError, match="together they are 1"):
        make(WeightInterpolationRun(runs, (0.5, 0.6), str(tmp_path / "other")))
    train(settings(tmp_path / "small", wavs, steps=1))
    with pytest.raises(InputError, match="different kinds"):
        make(
            WeightInterpolationRun(
                (str(tmp_path / "small" / "run"), str(bundle_folder)), (0.5, 0.5), str(tmp_path / "other")
            )
        )


# --- checkpoints of the reference implementation --------------------------------------------------------------------


def old_norms(module: nn.Module) -> nn.Module:
    """The same network with PyTorch's old weight and spectral norm, as the reference implementation saves it."""
    for part in list(module.modules()):
        if nn.utils.parametrize.is_parametrized(part, "weight"):
            spectral = type(part.parametrizations.weight[0]).__name__ == "_SpectralNorm"
            nn.utils.parametrize.remove_parametrizations(part, "weight")
            (nn.utils.spectral_norm if spectral else nn.utils.weight_norm)(part)
    return module


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_reference_checkpoints_give_the_same_networks(tmp_path):
    torch.manual_seed(5)
    theirs = old_norms(Generator(GeneratorConfig(**TINY)))
    discriminators = old_norms(Discriminators(DiscriminatorConfig((2,), 2, 0.05)))
    optimisers = {
        "optim_g": torch.optim.AdamW(theirs.parameters()),
        "optim_d": torch.optim.AdamW(discriminators.parameters()),
    }
    sound, mel = torch.randn(1, 1, 4200), torch.randn(1, 64, 10)
    for part, loss in (("optim_g", theirs(mel).sum()), ("optim_d", sum(s.sum() for s, _ in discriminators(sound)))):
        loss.backward()
        optimisers[part].step()
    torch.save({"generator": theirs.state_dict()}, tmp_path / "g_00000001")
    states = {name: o.state_dict() for name, o in optimisers.items()}
    parts = {"mpd": discriminators.mpd.state_dict(), "msd": discriminators.msd.state_dict()}
    torch.save(parts | states | {"steps": 1, "epoch": 0}, tmp_path / "do_00000001")
    shape = {k: v for k, v in TINY.items() if k != "initial_channel"} | {
        "upsample_rates": [10, 7, 3, 2],
        "upsample_kernel_sizes": [20, 15, 7, 4],
        "upsample_initial_channel": 16,
    }
    (tmp_path / "config.json").write_text(json.dumps(shape), encoding="utf-8")

    config, tensors = read_reference_generator(tmp_path / "g_00000001", tmp_path / "config.json", SPEC)
    ours = Generator(config)
    ours.load_state_dict(tensors)
    torch.testing.assert_close(ours(mel), theirs(mel))
    our_discriminators = Discriminators(DiscriminatorConfig((2,), 2, 0.05)).eval()
    loaded = load_discriminators(read_start(str(tmp_path), SPEC).discriminators, our_discriminators)
    for (a, _), (b, _) in zip(our_discriminators(sound), discriminators.eval()(sound), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
    # The optimiser's moments belong to the parameter of the same place in the list.
    for network, name in ((ours, "optim_g"), (our_discriminators, "optim_d")):
        for i, parameter in enumerate(network.parameters()):
            assert loaded[name]["state"][i]["exp_avg"].shape == parameter.shape


# --- settings and the command ---------------------------------------------------------------------------------------


def read(config_name: str, *arguments: str) -> VocoderSettings:
    return build(VocoderSettings, read_arguments(arguments, config_name))


def test_the_default_config_holds_the_numbers_of_the_thesis():
    s = read("vocoder", "run_dir=r", "+sources.a.folder=f")
    assert s == VocoderSettings(run_dir="r", sources={"a": SpeechSource("f")})
    assert (s.lr, s.betas, s.lr_decay, s.batch_size, s.segment_size) == (5e-5, (0.8, 0.99), 0.999, 16, 8400)
    assert s.generator == GeneratorConfig() and s.mel == MelSpec() and (s.loss.mel, s.loss.feature_matching) == (45, 2)


def test_the_compact_config_fits_the_mel():
    assert read("vocoder_compact", "run_dir=r", "+sources.a.folder=f").generator.hop_length == 420


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run_dir=r", "+sources.a.path=f"], "sources.a.path"),
        (["run_dir=r", "lr=fast", "+sources.a.folder=f"], "lr must be float"),
        (["run_dir=r", "speed=3", "+sources.a.folder=f"], "speed"),
        (["+sources.a.folder=f"], "run_dir is missing"),
        (["run_dir=r", "segment_size=1000", "+sources.a.folder=f"], "segment_size"),
        (["run_dir=r", "+sources.a.folder=f", "+sources.a.mels=m"], "normalize_peak=null"),
    ],
)
def test_bad_settings_name_the_setting(arguments, message):
    with pytest.raises(InputError, match=message):
        read("vocoder", *arguments)


def test_the_command_trains_and_reports_bad_input_in_one_line(tmp_path, wavs, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ["generator.initial_channel=16", "discriminators.width=0.05", "segment_size=4200"]
    common = ["training.vocoder", "--config-name", "vocoder_compact", "run_dir=run", "steps=1", "device=cpu", *small]
    monkeypatch.setattr("sys.argv", [*common, f"+sources.a.folder={wavs.as_posix()}"])
    run_command(train, VocoderSettings, "vocoder")
    assert "val 1: mel_mae_db" in capsys.readouterr().out
    assert load_run(tmp_path / "run").config.initial_channel == 16
    monkeypatch.setattr("sys.argv", [*common, "+sources.a.folder=nowhere"])
    with pytest.raises(SystemExit) as stop:
        run_command(train, VocoderSettings, "vocoder")
    error = capsys.readouterr().err.strip()
    assert stop.value.code == 2 and "no sound files and no videos in nowhere" in error and len(error.splitlines()) == 1


def test_bad_input_leaves_nothing_behind(tmp_path, wavs):
    missing = {"test": {"folder": str(tmp_path / "nowhere")}}
    for sources, message in ((missing, "nowhere"), ({}, "No recordings are named")):
        with pytest.raises(InputError, match=message):
            train(settings(tmp_path, wavs, sources=sources))
    assert not (tmp_path / "run").exists()


def test_a_run_is_never_lost(tmp_path, wavs, capsys):
    never_lost(train, settings(tmp_path, wavs, checkpoint_every=1), capsys)


def test_a_corpus_of_videos_with_sound_is_trained_on(tmp_path, wavs):
    """As training.preprocess takes it: a sound file before the video of its name, or else the video's own sound."""
    shutil.copy(ROOT / "assets" / "clips" / "aiueo_new_speaker.mp4", wavs / "spoken.mp4")
    shutil.copy(ROOT / "assets" / "clips" / "aiueo_new_speaker.mp4", wavs / "r0.mp4")
    found = find_recordings(wavs)
    assert [path.name for path in found.values()] == ["r0.wav", "r1.wav", "r2.wav", "r3.wav", "spoken.mp4"]
    prepared = dict(prepare(SpeechSource(str(wavs)), tmp_path / "out", SPEC.sample_rate, None))
    clip = read_clip(wavs / "spoken.mp4")
    assert len(np.load(prepared["spoken"])) == pytest.approx(clip.duration * SPEC.sample_rate, rel=0.02)


def test_another_generator_to_start_from_is_told_by_its_setting(tmp_path, wavs):
    train(settings(tmp_path / "a", wavs, steps=1))
    wide = TINY | {"initial_channel": 32}
    other = settings(tmp_path / "b", wavs, init_from=str(tmp_path / "a" / "run"), generator=wide)
    with pytest.raises(InputError, match=r"initial_channel = 16, and the settings say 32: give its generator\.initial"):
        train(other)
    assert not (tmp_path / "b").exists()  # a failed start leaves no folder


def command(tmp_path, wavs, *more):
    """The words of the command for a run as `settings` makes it, with a checkpoint every step."""
    words = ["generator.initial_channel=16", "generator.resblock='2'", "generator.resblock_kernel_sizes=[3]"]
    words += ["generator.resblock_dilation_sizes=[[1]]", "discriminators.periods=[2,3]", "discriminators.scales=2"]
    words += ["discriminators.width=0.05", "batch_size=2", "segment_size=4200", "device=cpu", "checkpoint_every=1"]
    words += [f"run_dir={tmp_path / 'run'}", f"+sources.test.folder={wavs}", "log_every=1", "validate_every=1000000"]
    return [sys.executable, "-m", "training.vocoder", *words, *more]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are Unix'")
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_once_there_is_room(tmp_path, wavs):
    import resource

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    def start(*words, **how):
        return subprocess.run(command(tmp_path, wavs, *words), cwd=ROOT, capture_output=True, text=True, **how)

    assert start("steps=2").returncode == 0
    full = start("steps=4", preexec_fn=small_disk)
    said = full.stderr.splitlines()
    assert full.returncode == 2 and len(said) == 1 and said[0].startswith("error: Cannot write"), full.stderr
    left = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert left == ["step_00000001.pt", "step_00000002.pt"]
    assert start("steps=4").returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is sent otherwise")
def test_ctrl_c_says_what_to_do(tmp_path, wavs):
    words = command(tmp_path, wavs, "steps=100000")
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        next(line for line in run.stdout if line.startswith("train 2"))
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=60)[1].splitlines()
    assert run.returncode == 130 and len(said) == 1 and "a run goes on from its last checkpoint" in said[0], said

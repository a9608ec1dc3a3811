"""Both layouts of the vocoder, number for number, wherever its weights go: into bundles, long clips, and training."""

import json

import pytest
import soundfile
import torch

from rtmri2speech.cli import main
from rtmri2speech.errors import InputError
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.models.convert import other_mel, read_hifigan_generator
from rtmri2speech.models.hifigan import Generator, GeneratorConfig, vocoder_input
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.vocoding import vocode
from rtmri2speech.spec import MelSpec
from tests.conftest import make_bundle
from tests.models.plain_vocoder import checkpoint, config, judge, relative_rms, speak
from training.engine.config import build
from training.vocoder.checkpoints import load_run
from training.vocoder.config import VocoderSettings
from training.vocoder.train import train

LAYOUTS = {"thesis": True, "hifigan": False}


def write_files(folder, thesis, resblock="1"):
    h = config(resblock)
    state = checkpoint(h, thesis)
    torch.save({"generator": state}, folder / "g_00000001")
    (folder / "config.json").write_text(json.dumps(h))
    return h, state


@pytest.mark.parametrize("resblock", ["1", "2"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_checkpoint_speaks_as_its_own_program(tmp_path, layout, resblock):
    h, state = write_files(tmp_path, LAYOUTS[layout], resblock)
    generator = read_hifigan_generator(tmp_path / "g_00000001", tmp_path / "config.json", MelSpec())
    assert generator.config.layout == layout
    mel = torch.randn(2, 64, 15) - 5
    with torch.no_grad():
        wanted = speak(state, h, mel, LAYOUTS[layout])
        assert wanted.shape == (2, 1, 15 * 420) and wanted.std() > 0.01
        assert relative_rms(generator(mel), wanted) < 1e-5
        assert relative_rms(speak(state, h, mel, not LAYOUTS[layout]), wanted) > 0.1  # the two are not alike


@pytest.mark.slow
def test_a_converted_bundle_speaks_long_clips_as_the_thesis(tmp_path):
    h, state = write_files(tmp_path, thesis=True)
    names = {"cnn.": "cnn.backbone.", "rnn.": "rnn.lstm.", "head": "head"}
    acoustic = AcousticModel(AcousticConfig(rnn_hidden=8)).state_dict()
    acoustic = {names[name[:4]] + name[4:]: tensor for name, tensor in acoustic.items()}
    torch.save({"model_state_dict": acoustic}, tmp_path / "a.pt")
    (tmp_path / "scaler.json").write_text(json.dumps({"mean": [-40.0] * 64, "std": [10.0] * 64}))
    given = {"acoustic": "a.pt", "scaler": "scaler.json", "vocoder": "g_00000001", "vocoder-config": "config.json"}
    words = [word for option, name in given.items() for word in (f"--{option}", str(tmp_path / name))]
    assert main(["convert", *words, "-o", str(tmp_path / "bundle")]) == 0
    bundle = load_bundle(tmp_path / "bundle")
    mel_db = 10 * torch.randn(300, 64) - 40
    with torch.no_grad():
        wanted = speak(state, h, vocoder_input(mel_db, bundle.vocoder.input).T[None], thesis=True)[0, 0]
    assert relative_rms(torch.from_numpy(vocode(bundle, mel_db, "fp32")), wanted) < 1e-5


def test_pieces_of_a_long_clip_overlap_by_all_that_the_thesis_generator_hears():
    for layout in LAYOUTS:
        generator = Generator(GeneratorConfig(initial_channel=16, layout=layout)).fold_weight_norm()
        mel = torch.randn(1, 64, 80, requires_grad=True)
        generator(mel)[0, 0, 40 * 420 : 41 * 420].sum().backward()
        heard = mel.grad[0].abs().sum(dim=0).nonzero().flatten()
        assert max(40 - heard.min(), heard.max() - 40) <= generator.context_frames <= 30
        if layout == "thesis":
            assert 40 - heard.min() > 2 * (heard.max() - 40)  # it looks back


def write_discriminators(folder):
    """A do_######## as the thesis' train.py writes it: one period, no scales, AdaBelief's moments."""
    random = torch.Generator().manual_seed(1)
    mpd = {}
    channels = [1, 16, 16, 32, 64, 64]
    shapes = {f"convs.{k}": (channels[k + 1], channels[k], 5, 1) for k in range(5)} | {"conv_post": (1, 64, 3, 1)}
    for name, shape in shapes.items():
        direction = torch.randn(*shape, generator=random)
        mpd[f"discriminators.0.{name}.bias"] = 0.1 * torch.randn(shape[0], generator=random)
        mpd[f"discriminators.0.{name}.weight_g"] = 1 + torch.rand(shape[0], 1, 1, 1, generator=random)
        mpd[f"discriminators.0.{name}.weight_v"] = direction
    moments = {0: {"step": 7, "exp_avg": torch.zeros(3), "exp_avg_var": torch.zeros(3)}}
    optimiser = {"state": moments, "param_groups": [{"lr": 5e-5, "params": [0]}]}
    torch.save({"mpd": mpd, "msd": {}, "optim_g": optimiser, "optim_d": optimiser}, folder / "do_00000001")
    return {name.removeprefix("discriminators.0."): tensor for name, tensor in mpd.items()}


def run_settings(folder, **changes):
    values = {
        "run_dir": str(folder / "run"),
        "sources": {"a": {"folder": str(folder / "wavs")}},
        "generator": {"initial_channel": 16},
        "discriminators": {"periods": [2], "scales": 0, "width": 0.0625},
        "segment_size": 4200,
        "batch_size": 1,
        "lr": 1e-3,
        "steps": 2,
        "device": "cpu",
    }
    return build(VocoderSettings, values | changes)


def old_names(state):
    """PyTorch's newer names of weight norm -> those of the old files."""
    renamed = {}
    for name, tensor in state.items():
        for new, old in (("original0", "weight_g"), ("original1", "weight_v")):
            name = name.replace(f"parametrizations.weight.{new}", old)
        renamed[name] = tensor
    return renamed


def test_a_run_that_starts_from_the_thesis_files_goes_on_in_their_layout(tmp_path):
    (tmp_path / "old").mkdir()
    h, state = write_files(tmp_path / "old", thesis=True)
    judges = write_discriminators(tmp_path / "old")
    (tmp_path / "wavs").mkdir()
    for k in range(3):
        soundfile.write(tmp_path / "wavs" / f"{k}.wav", (0.1 * torch.randn(30000)).numpy(), 11413)
    mel, sound = torch.randn(1, 64, 12) - 5, torch.randn(1, 1, 4200)

    started = train(run_settings(tmp_path, init_from=str(tmp_path / "old"), steps=0))
    started_with = old_names(started.generator.state_dict())
    assert started_with.keys() == state.keys() and all(torch.equal(started_with[k], state[k]) for k in state)
    with torch.no_grad():
        scores = started.discriminators(sound)[0][0]
        assert relative_rms(scores, judge(judges, 2, sound, thesis=True)) < 1e-5
        assert scores.shape != judge(judges, 2, sound, thesis=False).shape

    # The same command goes on, also when the old files have gone.
    learnt = old_names(train(run_settings(tmp_path, init_from=str(tmp_path / "old"), steps=1)).generator.state_dict())
    (tmp_path / "old").rename(tmp_path / "gone")
    learnt = old_names(train(run_settings(tmp_path, init_from=str(tmp_path / "old"))).generator.state_dict())
    assert max(float((learnt[name] - state[name]).abs().max()) for name in state) > 1e-4
    with torch.no_grad():
        assert relative_rms(load_run(tmp_path / "run")(mel), speak(learnt, h, mel, thesis=True)) < 1e-5

    # And so does a run that starts from that run, or from the generator alone.
    for name, place in (("again", tmp_path / "run"), ("alone", tmp_path / "gone" / "g_00000001")):
        settings = run_settings(tmp_path, run_dir=str(tmp_path / name), init_from=str(place), steps=1)
        assert train(settings).generator.config.layout == "thesis"
        assert load_run(tmp_path / name).config.layout == "thesis"


# ---------------------------------------------------------------------------------------------- files that do not say


def test_bundles_that_were_converted_wrongly_are_refused(tmp_path):
    make_bundle().save(tmp_path / "b")
    path = tmp_path / "b" / "bundle.json"
    description = json.loads(path.read_text())
    del description["vocoder"]["layout"]
    path.write_text(json.dumps(description | {"vocoder": description["vocoder"] | {"edge_padding": "both"}}))
    assert load_bundle(tmp_path / "b").vocoder.config.layout == "hifigan"
    path.write_text(json.dumps(description | {"vocoder": description["vocoder"] | {"edge_padding": "right"}}))
    with pytest.raises(InputError, match="convert its checkpoints again"):
        load_bundle(tmp_path / "b")


def test_a_generator_without_weight_norm_needs_a_word(tmp_path):
    for layout, thesis in LAYOUTS.items():
        h, state = write_files(tmp_path, thesis)
        plain = {name: t for name, t in state.items() if name.endswith((".bias", ".weight"))}
        for name in (n.removesuffix("_v") for n in state if n.endswith("_v")):
            v, g = state[f"{name}_v"], state[f"{name}_g"]
            plain[name] = g * v / v.flatten(1).norm(dim=1)[:, None, None]
        files = tmp_path / "g_00000002", tmp_path / "config.json", MelSpec()
        torch.save({"generator": plain}, files[0])
        with pytest.raises(InputError, match="give --vocoder-layout"):
            read_hifigan_generator(*files)
        mel = torch.randn(1, 64, 12) - 5
        with torch.no_grad():
            assert relative_rms(read_hifigan_generator(*files, layout)(mel), speak(state, h, mel, thesis)) < 1e-5
        with pytest.raises(InputError, match=f"in layout {layout}, not"):
            other = next(name for name in LAYOUTS if name != layout)
            read_hifigan_generator(tmp_path / "g_00000001", tmp_path / "config.json", MelSpec(), other)


def test_a_config_of_another_mel_is_told(tmp_path):
    for values, told in (
        ({"fmax": 8000, "n_fft": 1024}, ["n_fft 1024, not 2048", "fmax 8000, not 5706.5"]),
        ({"win_size": 1024}, ["win_size 1024, not 2048"]),
        ({"fmax": None, "fmin": 0, "n_fft": 2048, "win_size": "2048"}, []),
        ({"fmax": 5706.5}, []),
        ({}, []),
    ):
        (tmp_path / "c.json").write_text(json.dumps(config() | values))
        assert other_mel(tmp_path / "c.json", MelSpec()) == told


@pytest.mark.parametrize("resblock", ["1", "2"])
def test_a_config_and_a_checkpoint_as_other_programs_write_them(tmp_path, resblock):
    """A byte order mark, numbers in quotes and the other way round, and names of a model over several GPUs."""
    h, state = write_files(tmp_path, thesis=True, resblock=resblock)
    wanted = read_hifigan_generator(tmp_path / "g_00000001", tmp_path / "config.json", MelSpec())
    odd = h | {"resblock": int(resblock), "sampling_rate": "11413", "upsample_rates": ["10", 7, 3, 2]}
    (tmp_path / "config.json").write_text(json.dumps(odd), encoding="utf-8-sig")
    torch.save({"generator": {f"module.{name}": t for name, t in state.items()}}, tmp_path / "g_00000001")
    read = read_hifigan_generator(tmp_path / "g_00000001", tmp_path / "config.json", MelSpec())
    assert read.config == wanted.config
    for name, tensor in wanted.state_dict().items():
        assert torch.equal(tensor, read.state_dict()[name])

"""Bundles and old checkpoints. The old layouts are written here by networks built the old way, without our classes."""

import json
import pickle
import warnings
from functools import partial

import numpy as np
import pytest
import timm
import torch
from torch import nn

from rtmri2speech.errors import InputError
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.models.convert import convert
from rtmri2speech.models.features import FeatureExtractor, fold_batch_norm, folded_cnn
from rtmri2speech.models.hifigan import Generator, GeneratorConfig, vocoder_input
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.weights import load_exactly, read_checkpoint
from tests.conftest import make_bundle
from tests.models.plain_vocoder import checkpoint, config, relative_rms, speak

H = config()


class ThesisAcoustic(nn.Module):
    """The thesis' network and its key layout, three-channel stem."""

    def __init__(self, hidden=24):
        super().__init__()
        self.cnn = nn.Module()
        self.cnn.backbone = timm.create_model("tf_efficientnetv2_b2", features_only=True, pretrained=False, in_chans=3)
        self.rnn = nn.Module()
        self.rnn.lstm = nn.LSTM(208, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(hidden, 64))
        self.hidden = hidden

    def forward(self, frames):
        x = self.cnn.backbone(frames)[-1].mean(dim=(2, 3))[None]
        y = self.rnn.lstm(x)[0]
        return self.head(y[..., : self.hidden] + y[..., self.hidden :])


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """Old files of both vocoder variants, with the networks that made them."""
    folder = tmp_path_factory.mktemp("old")
    torch.manual_seed(1)
    acoustic = ThesisAcoustic().eval()
    for module in acoustic.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    torch.save({"model_state_dict": acoustic.state_dict(), "epoch": 3}, folder / "acoustic.pt")
    torch.save(acoustic.state_dict(), folder / "bare.pt")
    vocoders = {}
    for name, thesis in (("thesis", True), ("jik876", False)):
        vocoders[name] = partial(speak, checkpoint(H, thesis), H, thesis=thesis)
        torch.save({"generator": checkpoint(H, thesis)}, folder / f"g_{name}")
    (folder / "config.json").write_text(json.dumps(H))
    rng = np.random.default_rng(0)
    scaler = {"mean": rng.uniform(-50, -20, 64).tolist(), "std": rng.uniform(4, 9, 64).tolist()}
    (folder / "scaler.json").write_text(json.dumps(scaler))
    return folder, acoustic, vocoders


def files(folder, acoustic="acoustic.pt", vocoder="g_thesis"):
    return dict(
        acoustic=folder / acoustic,
        scaler=folder / "scaler.json",
        vocoder=folder / vocoder,
        vocoder_config=folder / "config.json",
    )


@pytest.mark.parametrize("layout", ["acoustic.pt", "bare.pt"])
@pytest.mark.parametrize(("variant", "kind"), [("thesis", "ln_power"), ("jik876", "ln_magnitude")])
def test_old_checkpoints_compute_the_same(old, layout, variant, kind):
    folder, acoustic, vocoders = old
    bundle = load_bundle(thesis=files(folder, layout, f"g_{variant}"))
    assert bundle.kind == "converted" and bundle.vocoder.input == kind and bundle.mel.layout == "thesis"
    frames, mel = torch.rand(3, 1, 64, 64), torch.randn(1, 64, 9)
    with torch.no_grad():
        torch.testing.assert_close(
            bundle.acoustic(frames[None]), acoustic(frames.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5
        )
        assert relative_rms(bundle.vocoder(mel), vocoders[variant](mel)) < 1e-5


def test_vocoder_input_is_the_log_each_vocoder_was_trained_on():
    power = torch.tensor([1e-9, 1e-5, 2.0])
    db = 10 * torch.log10(power)
    torch.testing.assert_close(vocoder_input(db, "ln_power"), torch.log(power.clamp_min(1e-5)))
    torch.testing.assert_close(vocoder_input(db, "ln_magnitude"), torch.log(power.sqrt().clamp_min(1e-5)))


def test_training_starts_from_a_thesis_acoustic_model(old):
    from training.acoustic.run import model_tensors

    folder, theirs, _ = old
    frames = torch.rand(3, 1, 64, 64)
    for name in ("acoustic.pt", "bare.pt"):
        tensors = model_tensors(folder / name)
        model = AcousticModel(AcousticConfig(rnn_hidden=24)).eval()
        load_exactly(model, tensors, name)
        with torch.no_grad():
            assert relative_rms(model(frames[None]), theirs(frames.expand(-1, 3, -1, -1))) < 1e-5
    with pytest.raises(InputError, match="not a checkpoint of training.acoustic"):
        model_tensors(folder / "g_thesis")


def edited(folder, source, edit):
    checkpoint = torch.load(folder / source, weights_only=True)
    state = checkpoint.get("model_state_dict") or checkpoint.get("generator") or checkpoint
    edit(state)
    torch.save(checkpoint, folder / "edited")
    return "edited"


@pytest.mark.slow
def test_missing_extra_misshapen_and_nan_tensors_are_named(old):
    folder = old[0]
    name = "cnn.backbone.blocks.2.1.conv_pwl.weight"

    def broken(edit, **which):
        source = which.get("source", "acoustic.pt")
        with pytest.raises(InputError) as caught:
            new = edited(folder, source, edit)
            convert(**(files(folder, new) if source == "acoustic.pt" else files(folder, vocoder=new)))
        return str(caught.value)

    assert "lacks tensor cnn.blocks.2.1.conv_pwl.weight" in broken(lambda s: s.pop(name))
    assert "unknown tensor surprise" in broken(lambda s: s.update(surprise=torch.zeros(1)))
    assert "shape (1, 2)" in broken(lambda s: s.update({name: torch.zeros(1, 2)}))
    assert "NaN" in broken(lambda s: s[name].fill_(float("nan")))
    assert "ups.1.weight" in broken(lambda s: s["ups.1.weight_v"].fill_(float("inf")), source="g_thesis")
    assert "lacks tensor ups.0.weight_g" in broken(lambda s: s.pop("ups.0.weight_g"), source="g_thesis")


class Code:
    def __reduce__(self):
        return (print, ("code from a checkpoint ran",))


def test_no_warning_comes_before_the_error(tmp_path):
    (tmp_path / "four.pt").write_bytes(pickle.dumps({"a": 1}, protocol=4))
    with warnings.catch_warnings(record=True) as told, pytest.raises(InputError):
        warnings.simplefilter("always")
        read_checkpoint(tmp_path / "four.pt")
    assert told == []


def test_code_in_a_checkpoint_does_not_run(tmp_path, capsys):
    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"model_state_dict": Code()}))
    torch.save({"model_state_dict": Code()}, tmp_path / "evil2.pt")
    for name in ("evil.pt", "evil2.pt"):
        with pytest.raises(InputError):
            read_checkpoint(tmp_path / name)
    assert "ran" not in capsys.readouterr().out
    (tmp_path / "text.pt").write_text("not a checkpoint")
    with pytest.raises(InputError):
        read_checkpoint(tmp_path / "text.pt")


@pytest.mark.parametrize("half", [False, True])
def test_bundle_round_trip(tmp_path, half):
    bundle = make_bundle()
    bundle.training = {"corpus": "none", "発話": 1}
    bundle.description, bundle.description_ja = "Small.", "小さい。" if half else ""
    bundle.save(tmp_path / "b", half=half)
    again = load_bundle(tmp_path / "b")
    assert again.description_in("en") == "Small." and again.description_in("ja") == ("小さい。" if half else "Small.")
    assert again.training == bundle.training and again.mel == bundle.mel
    frames = torch.rand(1, 4, 1, 64, 64)
    tolerance = 2e-2 if half else 0
    torch.testing.assert_close(again.acoustic(frames), bundle.acoustic(frames), rtol=tolerance, atol=tolerance)
    with pytest.raises(InputError, match="exists already"):
        bundle.save(tmp_path / "b")


def test_damaged_bundles_are_refused(tmp_path, bundle):
    bundle.save(tmp_path / "b")
    description = json.loads((tmp_path / "b" / "bundle.json").read_text())

    def refused(words, **changes):
        (tmp_path / "b" / "bundle.json").write_text(json.dumps(description | changes))
        with pytest.raises(InputError, match=words):
            load_bundle(tmp_path / "b")

    refused("format version", format_version=99)
    refused("kind is one of", kind="magic")
    refused("no setting called", mel=description["mel"] | {"colour": 1})
    refused("lacks tensor|shape", acoustic=description["acoustic"] | {"rnn_hidden": 33})
    refused("timm has no model", acoustic=description["acoustic"] | {"cnn": "nothing"})
    refused("lacks its file", sha256=description["sha256"] | {"../x": "0"})
    refused("damaged", sha256=description["sha256"] | {"scaler.json": "0"})
    for name in ("acoustic_cnn.onnx", "acoustic.safetensors", "scaler.json"):
        known = {n: digest for n, digest in description["sha256"].items() if n != name}
        refused(f"sha256 of .*{name} is not in bundle.json", sha256=known)
    (tmp_path / "b" / "bundle.json").write_text("[]")
    with pytest.raises(InputError, match="bundle.json does not describe a bundle: it holds a list"):
        load_bundle(tmp_path / "b")
    with pytest.raises(InputError, match="no bundle"):
        load_bundle(tmp_path)


def test_a_bundle_may_share_its_neighbours_vocoder(tmp_path):
    first = make_bundle()
    first.save(tmp_path / "first")
    first.save(tmp_path / "second", beside=tmp_path / "first")
    assert sorted(p.name for p in (tmp_path / "second").iterdir()) == [
        "acoustic.safetensors",
        "bundle.json",
        "scaler.json",
    ]
    second = load_bundle(tmp_path / "second")
    mel = torch.randn(1, 64, 9)
    torch.testing.assert_close(second.vocoder(mel), first.vocoder(mel), rtol=0, atol=0)
    assert second.onnx is None
    with pytest.raises(InputError, match="does not lie beside"):
        first.save(tmp_path / "elsewhere" / "third", beside=tmp_path / "first")

    path = tmp_path / "second" / "bundle.json"
    description = json.loads(path.read_text())
    for home in ("../first", str(tmp_path / "first"), "..", "nobody"):
        path.write_text(json.dumps(description | {"shared": {"vocoder.safetensors": home}}))
        with pytest.raises(InputError, match="lacks its file vocoder"):
            load_bundle(tmp_path / "second")
    path.write_text(json.dumps(description))
    (tmp_path / "first" / "vocoder.safetensors").write_bytes(b"other")
    with pytest.raises(InputError, match="vocoder.safetensors is damaged"):
        load_bundle(tmp_path / "second")


def test_generator_settings_are_checked():
    for wrong in (
        {"upsample_kernel_sizes": (20, 15, 7, 3)},
        {"upsample_rates": (10, 7, 3)},
        {"resblock": "3"},
        {"initial_channel": 500},
    ):
        with pytest.raises(InputError):
            GeneratorConfig(**wrong)
    assert Generator(GeneratorConfig(initial_channel=16))(torch.zeros(1, 64, 3)).shape == (1, 1, 3 * 420)


def test_thesis_architecture():
    model = AcousticModel(AcousticConfig())
    assert model.channels == 208
    assert model.rnn.hidden_size == 640 and model.dropout.p == 0.5 and model.head.out_features == 64
    with torch.no_grad():
        assert model.eval().feature_maps(torch.rand(1, 1, 256, 256)).shape == (1, 208, 8, 8)


def test_pooled_input_and_dilated_last_stage():
    torch.manual_seed(0)
    plain = AcousticModel(AcousticConfig("mobilenetv4_conv_small", rnn_hidden=8)).eval()
    light = AcousticModel(AcousticConfig("mobilenetv4_conv_small", rnn_hidden=8, output_stride=16, input_pool=2)).eval()
    light.load_state_dict(plain.state_dict())  # the same weights fit
    frames = torch.rand(2, 1, 256, 256)
    with torch.no_grad():
        assert plain.feature_maps(frames).shape[2:] == light.feature_maps(frames).shape[2:] == (8, 8)
        averaged = frames.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(4, 5))
        torch.testing.assert_close(light.feature_maps(frames), light.cnn(averaged)[-1], rtol=1e-2, atol=1e-3)
    with pytest.raises(InputError):
        AcousticConfig(output_stride=4)
    with pytest.raises(InputError, match="cannot give"):
        AcousticModel(AcousticConfig("fastvit_t8", output_stride=16))


@pytest.mark.parametrize("cnn", ["tf_efficientnetv2_b2", "lcnet_050", "resnet10t", "mobilenetv4_conv_small"])
def test_folded_batch_norm_computes_the_same(cnn):
    model = make_bundle(cnn).acoustic
    frames = torch.rand(2, 1, 96, 96)
    with torch.no_grad():
        plain = model.feature_maps(frames)
        folded = fold_batch_norm(model.cnn)(frames)[-1]
        extract, chunks = FeatureExtractor(model), [frames[:, 0].numpy()]
        maps, means = extract.last_maps(chunks, 2), extract(chunks, 2)
    torch.testing.assert_close(folded, plain, rtol=1e-4, atol=1e-4 * float(plain.abs().max()))
    torch.testing.assert_close(maps, plain, rtol=1e-4, atol=1e-4 * float(plain.abs().max()))
    torch.testing.assert_close(means, plain.mean(dim=(2, 3)), rtol=1e-4, atol=1e-4 * float(plain.abs().max()))


def test_a_folded_cnn_is_made_once_and_anew_for_other_weights(monkeypatch):
    from rtmri2speech.models import features

    folds, fold = [], features.fold_batch_norm
    monkeypatch.setattr(features, "fold_batch_norm", lambda network: folds.append(1) or fold(network))
    model, frames = make_bundle("lcnet_050").acoustic, torch.rand(2, 1, 64, 64)
    first, second = folded_cnn(model), folded_cnn(model)
    assert len(folds) == 1
    with torch.no_grad():
        assert torch.equal(first(frames)[-1], second(frames)[-1])
        second.conv_stem = torch.nn.Conv2d(1, 1, 1)  # its modules are its own
        assert torch.equal(first(frames)[-1], folded_cnn(model)(frames)[-1]) and len(folds) == 1
        norm = next(module for module in model.cnn.modules() if isinstance(module, torch.nn.BatchNorm2d))
        norm.running_mean.data += 1  # as adapting does, behind autograd's back
        torch.testing.assert_close(folded_cnn(model)(frames)[-1], model.cnn(frames)[-1], rtol=1e-4, atol=1e-3)
    assert len(folds) == 2


def test_the_weights_can_be_read_by_others(bundle_folder):
    """As any file that is written here: by the user's own umask."""
    (bundle_folder / "plain").touch()
    modes = {path.stat().st_mode for path in bundle_folder.iterdir() if path.is_file()}
    (bundle_folder / "plain").unlink()
    assert len(modes) == 1

"""The adapted encoder against transformers itself, and the traps that open versions of Miipher fell into."""

import json

import numpy as np
import pytest
import soundfile
import torch

from rtmri2speech.cli import main
from rtmri2speech.errors import InputError
from rtmri2speech.restore import neural
from rtmri2speech.restore.encoder import AdaptedEncoder, build_hubert, framed, load_hubert, receptive_field
from rtmri2speech.restore.model import RestorationBundle, load_restoration
from tests.restore.small import ENCODER, adapters_that_do_something, small_encoder, small_restorer

pytest.importorskip("transformers")
WAVE = torch.randn(2, 8000, generator=torch.Generator().manual_seed(3))


@pytest.mark.slow
@pytest.mark.parametrize("stable", [True, False])
@pytest.mark.parametrize("tap", [1, 2, 4])
def test_the_tap_is_the_layer_that_transformers_counts(tap, stable):
    torch.manual_seed(0)
    whole = build_hubert(ENCODER | {"do_stable_layer_norm": stable}).eval()
    tapped = small_encoder(tap, do_stable_layer_norm=stable)
    states = whole(framed(WAVE, whole.config), output_hidden_states=True).hidden_states
    got = tapped(WAVE)
    torch.testing.assert_close(got, states[tap], atol=1e-5, rtol=1e-5)
    assert all((got - states[other]).abs().max() > 1e-3 for other in range(5) if other != tap)


def test_adapters_are_identity_at_the_start_and_matter_later():
    encoder = small_encoder()
    assert torch.equal(encoder.restored(WAVE), encoder(WAVE))
    adapters_that_do_something(encoder)
    assert (encoder.restored(WAVE) - encoder(WAVE)).abs().max() > 1e-2


def test_the_target_never_passes_through_the_adapters():
    encoder = small_encoder()
    before = encoder(WAVE)
    adapters_that_do_something(encoder)
    encoder.restored(WAVE)
    assert torch.equal(encoder(WAVE), before)
    assert not encoder(WAVE).requires_grad


def test_an_adapter_stands_beside_its_feed_forward_block():
    """One layer, by hand: x + attention, then x + feed_forward(norm x) + adapter(norm x)."""
    encoder = small_encoder(tap=1)
    adapters_that_do_something(encoder)
    layer, seen = encoder.hubert.encoder.layers[0], {}
    layer.final_layer_norm.register_forward_hook(lambda _m, i, o: seen.update(sum=i[0], normed=o))
    restored = encoder.restored(WAVE)
    block = layer.feed_forward
    plain = block.output_dense(torch.nn.functional.gelu(block.intermediate_dense(seen["normed"])))
    torch.testing.assert_close(restored, seen["sum"] + plain + encoder.adapters[0](seen["normed"]))


def test_gradients_reach_every_adapter_up_to_the_tap_and_there_are_none_after():
    encoder = small_encoder(tap=3)
    adapters_that_do_something(encoder)
    assert len(encoder.adapters) == 3 and len(encoder.hubert.encoder.layers) == 3
    encoder.restored(WAVE).square().mean().backward()
    for adapter in encoder.adapters:
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in adapter.parameters())
    assert all(p.grad is None for p in encoder.hubert.parameters())


def test_the_encoder_stays_in_eval_mode_whatever_happens():
    encoder = small_encoder()
    quiet = encoder(WAVE)
    encoder.train()
    assert encoder.training and not any(m.training for m in encoder.hubert.modules())
    torch.manual_seed(5)
    assert torch.equal(encoder(WAVE), quiet)  # no dropout, no layer drop, no masking
    encoder.eval().train()
    assert not any(m.training for m in encoder.hubert.modules())


@pytest.mark.parametrize("samples", [1, 319, 320, 321, 8000])
def test_every_sample_is_in_a_frame_of_its_own(samples):
    encoder = small_encoder(tap=1)
    assert encoder(torch.randn(1, samples)).shape[1] == -(-samples // 320)
    config = encoder.hubert.config
    assert receptive_field(config) == 32 + 15 * 16 + 4 * 160
    late = torch.zeros(1, samples)
    late[0, -1] = 1.0
    convolved = encoder.hubert.feature_extractor
    silent, heard = (convolved(framed(x, config)) for x in (torch.zeros(1, samples), late))
    assert (heard - silent).abs().max() > 1e-6


@pytest.mark.parametrize("tap", [0, 5])
def test_a_tap_outside_the_encoder_is_refused(tap):
    with pytest.raises(InputError, match="from 1 to 4"):
        AdaptedEncoder(build_hubert(ENCODER), tap, 4)


# -------------------------------------------------------------------------------------------------- loading encoders


def test_an_encoder_folder_is_loaded_whole(tmp_path):
    hubert = build_hubert(ENCODER)
    hubert.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"do_normalize": False}))
    loaded, normalise = load_hubert(tmp_path)
    assert not normalise
    assert all(torch.equal(a, b) for a, b in zip(hubert.parameters(), loaded.parameters(), strict=True))


def test_missing_weights_are_never_random(tmp_path):
    from safetensors.torch import load_file, save_file

    build_hubert(ENCODER).save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["encoder.layers.1.feed_forward.output_dense.weight"]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="encoder.layers.1.feed_forward.output_dense.weight"):
        load_hubert(tmp_path)


def test_absent_encoders_are_told_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="download it once"):
        load_hubert("nobody/no-such-hubert")
    with pytest.raises(InputError, match="no encoder folder"):
        load_hubert(tmp_path / "nothing")
    with pytest.raises(InputError, match="config.json"):
        load_hubert(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2"}))
    with pytest.raises(InputError, match="HuBERT"):
        load_hubert(tmp_path)


# ---------------------------------------------------------------------------------------------------- whole restorer


def _whole(model, x: np.ndarray) -> np.ndarray:
    return np.concatenate(list(neural.restore_neural(model, lambda: [x], 16_000)))


@pytest.fixture()
def model():
    made = small_restorer()
    adapters_that_do_something(made.encoder)
    made.vocoder.fold_weight_norm()
    return made.eval().requires_grad_(False)


@pytest.mark.parametrize("rate", [8000, 11413, 16000, 44100])
def test_as_many_samples_come_out_as_go_in(model, rate):
    x = np.random.default_rng(0).standard_normal(rate + 17).astype(np.float32)
    blocks = [x[:1000], x[1000:1001], x[1001:]]
    pieces = list(neural.restore_neural(model, lambda: blocks, rate))
    assert sum(map(len, pieces)) == len(x) and np.isfinite(np.concatenate(pieces)).all()


def test_the_last_sound_of_an_utterance_is_spoken(model):
    """The end is what a longer recording, silent after it, has at that place."""
    x = np.random.default_rng(1).standard_normal(16_000).astype(np.float32)
    mean, std = float(x.mean()), float(x.std())
    padded = torch.from_numpy((np.pad(x, 8000) - mean) / std)[None].float()
    with torch.no_grad():
        wanted = model(padded)[0, 8000:24_000].numpy()
    np.testing.assert_allclose(_whole(model, x), wanted, atol=1e-4)
    assert np.abs(wanted[-160:]).max() > 1e-4


def test_pieces_have_no_seams(model, monkeypatch):
    """Against the whole at once. Attention hears a little less in pieces, so it is not the same to the last bit."""
    x = np.random.default_rng(2).standard_normal(16_000 * 9).astype(np.float32)
    whole = _whole(model, x)
    monkeypatch.setattr(neural, "CHUNK_S", 3.0)
    monkeypatch.setattr(neural, "CONTEXT_S", 2.0)
    monkeypatch.setattr(neural, "_VOCODER_FRAMES", 100)
    pieces = list(neural.restore_neural(model, lambda: np.split(x, 20), 16_000))
    assert max(map(len, pieces)) <= 100 * 320
    joined = np.concatenate(pieces)
    assert len(joined) == len(whole)
    error = np.abs(joined - whole).reshape(-1, 1600).max(axis=1)
    assert error.max() < 0.1 * whole.std()
    # A seam would be a step that neither neighbour has.
    steps = np.abs(np.diff(joined))
    assert steps.max() < 1.2 * np.abs(np.diff(whole)).max()


def test_vocoder_pieces_are_exact(model, monkeypatch):
    x = np.random.default_rng(2).standard_normal(16_000 * 6).astype(np.float32)
    whole = _whole(model, x)
    monkeypatch.setattr(neural, "_VOCODER_FRAMES", 40)
    np.testing.assert_allclose(_whole(model, x), whole, atol=1e-5)


def test_a_bundle_is_read_as_it_was_written(model, tmp_path):
    RestorationBundle("tiny", model, "for tests", {"steps": 0}).save(tmp_path / "b")
    loaded = load_restoration(tmp_path / "b")
    x = torch.randn(1, 5000)
    torch.testing.assert_close(loaded.model(x), model(x))
    assert loaded.name == "tiny" and loaded.training == {"steps": 0}
    with pytest.raises(InputError, match="exists already"):
        loaded.save(tmp_path / "b")


def test_a_damaged_bundle_is_refused(model, tmp_path):
    RestorationBundle("tiny", model).save(tmp_path / "b")
    weights = tmp_path / "b" / "restore.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(InputError, match="sha256"):
        load_restoration(tmp_path / "b")
    (tmp_path / "b" / "restore.json").write_text("{}")
    with pytest.raises(InputError, match="damaged"):
        load_restoration(tmp_path / "b")


def test_the_command_takes_a_bundle(model, tmp_path):
    RestorationBundle("tiny", model).save(tmp_path / "b")
    x = 0.1 * np.random.default_rng(0).standard_normal((24_000, 2))
    soundfile.write(tmp_path / "in.wav", x, 22_050, "PCM_24")
    arguments = ["restore", tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--bundle", tmp_path / "b"]
    assert main(list(map(str, arguments))) == 0
    about = soundfile.info(tmp_path / "out.wav")
    assert (about.frames, about.samplerate, about.channels, about.subtype) == (24_000, 22_050, 2, "PCM_24")

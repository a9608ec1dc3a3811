"""Staged training: what each stage teaches, when stages switch, and that a resumed run equals an unbroken one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from rtmri2speech.errors import InputError
from rtmri2speech.models.hifigan import GeneratorConfig
from rtmri2speech.restore.encoder import AdaptedEncoder, build_hubert, standardise
from rtmri2speech.restore.model import load_restoration
from tests.training.never_lost import never_lost
from training.engine.config import build, read_arguments
from training.preprocess.recordings import SpeechSource, prepare_sources
from training.publish.restoration import publish
from training.restore.batches import StageBatches
from training.restore.config import RestoreSettings, Stage, Weights
from training.restore.degrade import Degradation, Degrader
from training.restore.learner import feature_loss
from training.restore.recordings import PEAK
from training.restore.train import train
from training.vocoder.discriminators import DiscriminatorConfig

ENCODER = {
    "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32,
    "conv_dim": [8, 8, 16], "conv_kernel": [32, 16, 5], "conv_stride": [16, 10, 2], "conv_bias": True,
    "feat_extract_norm": "layer", "do_stable_layer_norm": True, "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2, "hidden_dropout": 0.5, "layerdrop": 0.5, "mask_time_prob": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("restore")
    random = np.random.default_rng(0)
    (folder / "speech").mkdir()
    for k in range(4):
        t = np.arange(12_000) / 16_000
        buzz = sum(np.sin(2 * np.pi * (110 + 10 * k) * h * t) / h for h in range(1, 12))
        soundfile.write(folder / "speech" / f"{k}.wav", 0.1 * buzz + 0.001 * random.standard_normal(12_000), 16_000)
    torch.manual_seed(0)
    build_hubert(ENCODER).save_pretrained(folder / "encoder")
    return folder


def settings(material, run, **changes) -> RestoreSettings:
    base = RestoreSettings(
        run_dir=str(run),
        sources={"s": SpeechSource(str(material / "speech"), held_out=0.25)},
        encoder=str(material / "encoder"),
        tap=2,
        bottleneck=4,
        rate=16_000,
        vocoder=GeneratorConfig(
            n_mels=16, upsample_rates=(8, 5, 4, 2), upsample_kernel_sizes=(16, 11, 8, 4), initial_channel=16,
            resblock="2", resblock_kernel_sizes=(3,), resblock_dilation_sizes=((1, 3),),
        ),
        pa=Stage(3, 2, 0.4, 0.2, 1e-2, 1),
        pretraining=Stage(3, 2, 0.4, 0.2, 1e-2, 1),
        finetune=Stage(2, 2, 0.4, 0.2, 1e-2, 1),
        discriminators=DiscriminatorConfig((2,), 0, 0.05),
        loss=Weights(stft_sizes=(256,), features=1.0),
        degradation=Degradation(rooms=1, codec_share=0.0),
        prepared=str(material / "prepared"),
        checkpoint_every=2,
        validate_recordings=1,
        accelerator="cpu",
    )  # fmt: skip
    return replace(base, **changes)


def drawn_from(own: RestoreSettings):
    """What StageBatches draws from: the training recordings and the degrader."""
    recordings, _ = prepare_sources(own.sources, Path(own.prepared), own.rate, PEAK)
    return recordings, Degrader(own.degradation, own.rate, own.seed)


def tensors(module) -> dict[str, torch.Tensor]:
    return {name: t.detach().clone() for name, t in module.state_dict().items()}


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.fixture(scope="module")
def stages(material, tmp_path_factory):
    """The run's parts before, after pa, after vocoder and after fine-tuning, one stage a command."""
    run = tmp_path_factory.mktemp("stages")
    states = []
    for stage, changes in (("pa", {"pa": Stage(0)}), ("pa", {}), ("vocoder", {}), ("finetune", {})):
        learner = train(settings(material, run, stage=stage, **changes))
        model = learner.model
        states.append(
            {
                "encoder": tensors(model.encoder.hubert),
                "adapters": tensors(model.encoder.adapters),
                "vocoder": tensors(model.vocoder),
                "done": learner.done.tolist(),
            }
        )
    return states


def test_the_encoder_is_bit_identical_after_every_stage(stages):
    assert all(same(stages[0]["encoder"], later["encoder"]) for later in stages[1:])


def test_each_stage_teaches_its_own_parts(stages):
    start, pa, vocoder, finetune = stages
    assert not same(start["adapters"], pa["adapters"]) and same(start["vocoder"], pa["vocoder"])
    assert same(pa["adapters"], vocoder["adapters"]) and not same(pa["vocoder"], vocoder["vocoder"])
    assert not same(vocoder["adapters"], finetune["adapters"]) and not same(vocoder["vocoder"], finetune["vocoder"])


def test_stages_stop_at_their_steps(stages):
    assert [s["done"] for s in stages] == [[0, 0, 0], [3, 0, 0], [3, 3, 0], [3, 3, 2]]


@pytest.mark.slow
def test_all_stages_in_one_command_equal_one_by_one(stages, material, tmp_path):
    learner = train(settings(material, tmp_path))
    assert learner.done.tolist() == [3, 3, 2]
    assert same(tensors(learner.model.encoder.adapters), stages[-1]["adapters"])
    assert same(tensors(learner.model.vocoder), stages[-1]["vocoder"])


@pytest.mark.slow
@pytest.mark.parametrize("stopped", [1, 2, 4, 7])
def test_a_run_that_was_stopped_goes_on_exactly(stages, material, tmp_path, monkeypatch, stopped):
    """Stopped inside any stage, and just before or after a switch; it repeats from its last checkpoint on."""
    from training.restore.learner import RestoreLearner

    step = RestoreLearner.advance

    def stop_after(self, stage, batch):
        if int(self.done.sum()) == stopped:
            raise ConnectionAbortedError
        return step(self, stage, batch)

    with monkeypatch.context() as broken:
        broken.setattr(RestoreLearner, "advance", stop_after)
        with pytest.raises(ConnectionAbortedError):
            train(settings(material, tmp_path))
    learner = train(settings(material, tmp_path))
    assert learner.done.tolist() == [3, 3, 2]
    assert same(tensors(learner.model.encoder.adapters), stages[-1]["adapters"])
    assert same(tensors(learner.model.vocoder), stages[-1]["vocoder"])


def test_validation_changes_nothing_and_leaves_the_encoder_in_eval(material, tmp_path, monkeypatch):
    from training.restore import train as module

    seen = []
    validate = module.validate

    def watch(learner, *rest):
        values = validate(learner, *rest)
        seen.append(any(m.training for m in learner.model.encoder.hubert.modules()))
        return values

    monkeypatch.setattr(module, "validate", watch)
    learner = train(settings(material, tmp_path, stage="pa"))
    assert seen and not any(seen)
    assert not any(m.training for m in learner.model.encoder.hubert.modules())


def test_predicted_mels_are_refused_where_none_are_used(material, tmp_path):
    sources = {"s": SpeechSource(str(material / "speech"), mels=str(tmp_path))}
    with pytest.raises(InputError, match=r"training\.vocoder only"):
        train(settings(material, tmp_path, sources=sources))


def test_finetuning_waits_for_its_stages(material, tmp_path):
    with pytest.raises(InputError, match="stage pa first"):
        train(settings(material, tmp_path, stage="finetune"))


def test_a_run_keeps_its_settings_and_its_encoder(material, tmp_path):
    train(settings(material, tmp_path, stage="pa"))
    with pytest.raises(InputError, match="tap"):
        train(settings(material, tmp_path, stage="vocoder", tap=1))
    torch.manual_seed(9)
    build_hubert(ENCODER).save_pretrained(tmp_path / "other")
    (material / "encoder").rename(material / "encoder_kept")
    (tmp_path / "other").rename(material / "encoder")
    try:
        with pytest.raises(InputError, match="another encoder"):
            train(settings(material, tmp_path, stage="vocoder"))
    finally:
        (material / "encoder").rename(tmp_path / "other")
        (material / "encoder_kept").rename(material / "encoder")


def test_a_published_run_sounds_like_the_run(material, tmp_path):
    learner = train(settings(material, tmp_path / "run"))
    publish(tmp_path / "run", tmp_path / "bundle", "mine", half=False)
    bundle = load_restoration(tmp_path / "bundle")
    wave = torch.randn(1, 6400)
    with torch.no_grad():
        torch.testing.assert_close(bundle.model(wave), learner.model.cpu().eval()(wave), atol=1e-5, rtol=1e-4)
    assert bundle.training["steps"] == {"pa": 3, "vocoder": 3, "finetune": 2}


def test_feature_loss_is_the_sum_of_its_three_terms():
    clean = torch.tensor([[[3.0, 4.0]]])
    restored = torch.tensor([[[3.0, 2.0]]])
    assert feature_loss(restored, clean).item() == pytest.approx((0 + 2) / 2 + (0 + 4) / 2 + 2 / 5)


@pytest.mark.parametrize("name", ["restore", "restore_small"])
def test_the_configs_are_complete(name):
    arguments = ["--config-name", name, "run_dir=x", "sources.a.folder=y", "encoder=z"]
    made = build(RestoreSettings, read_arguments(arguments, "restore"))
    if name == "restore":  # the paper's steps
        assert (made.pa.steps, made.pretraining.steps, made.finetune.steps) == (800_000, 200_000, 675_000)
    assert made.vocoder.hop_length * 50 == made.rate


def test_the_vocoder_learns_from_features_without_adapters(stages, material, tmp_path):
    """Whether the adapters were trained before makes no difference to it."""
    alone = train(settings(material, tmp_path, stage="vocoder"))
    assert same(tensors(alone.model.vocoder), stages[2]["vocoder"])


def test_only_degraded_speech_passes_through_the_adapters(material, tmp_path, monkeypatch):
    through, targets = [], []
    restored, plain = AdaptedEncoder.restored, AdaptedEncoder.forward
    monkeypatch.setattr(AdaptedEncoder, "restored", lambda self, x: through.append(x) or restored(self, x))
    monkeypatch.setattr(AdaptedEncoder, "forward", lambda self, x: targets.append(x) or plain(self, x))
    own = settings(material, tmp_path, stage="pa", validate_recordings=0, pa=Stage(1, 2, 0.4, 0.2, 1e-2, 1))
    train(own)
    batch = StageBatches(own, *drawn_from(own), "pa", 0, 1)[0]
    assert len(through) == len(targets) == 1
    assert torch.equal(through[0], standardise(batch["heard"])) and torch.equal(
        targets[0], standardise(batch["target"])
    )
    assert not torch.equal(through[0], targets[0])


def test_a_batch_depends_on_its_number_alone(material, tmp_path):
    own = settings(material, tmp_path)
    source = drawn_from(own)

    def batch(stage, first, index):
        return StageBatches(own, *source, stage, first, 9)[index]

    for stage in ("pa", "vocoder", "finetune"):
        once, again, other = batch(stage, 0, 5), batch(stage, 3, 2), batch(stage, 0, 2)
        assert all(torch.equal(once[k], again[k]) for k in once)
        assert not torch.equal(once["heard"], other["heard"])
        assert torch.equal(once["heard"], once["target"]) == (stage == "vocoder")


def test_a_run_is_never_lost(material, tmp_path, capsys):
    never_lost(train, settings(material, tmp_path / "run", stage="pa", checkpoint_every=1), capsys)

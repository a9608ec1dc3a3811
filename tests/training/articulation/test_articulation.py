"""The model with articulation in the middle: what is joined computes what its parts did, and learns on tiny data."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from rtmri2speech.anatomy.regions import NAMES
from rtmri2speech.errors import InputError
from rtmri2speech.models.acoustic import AcousticConfig
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.vocoding import vocode
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import Scaler, centre_frequencies_hz
from rtmri2speech.speech.metrics import estoi, stoi
from tests.conftest import moving_frames, write_mp4
from tests.training.never_lost import never_lost
from training.articulation.corpus import COLUMNS, GROUPS, VOICED, held_out_speakers, read_spoken
from training.articulation.finetune import FinetuneRun, merged
from training.articulation.finetune import train as join
from training.articulation.image_encoder import (
    ImageEncoder,
    ImageEncoderRun,
    Steps,
    articulation_error,
    r2,
    read_image_encoder,
)
from training.articulation.image_encoder import train as train_image_encoder
from training.articulation.input_noise import InputNoiseConfig, smoothed, with_input_noise
from training.articulation.label_maps import SIZE, Pictures, concatenated, read_pictures, write_pictures
from training.articulation.mel_decoder import (
    ArticulationToMel,
    MelDecoderRun,
    read_mel_decoder,
    target_mel,
)
from training.articulation.mel_decoder import train as train_mel_decoder
from training.articulation.tract_pictures import clip_pictures, views_of
from training.phantom.head import LABEL

CNN = AcousticConfig(cnn="mobilenetv4_conv_small_035", rnn_hidden=8)


def random_scaler(rng) -> Scaler:
    return Scaler(rng.normal(0, 2, COLUMNS), rng.uniform(0.5, 2, COLUMNS))


def test_the_joined_model_computes_what_cnn_and_bilstm_compute_after_one_another():
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    sight, speech = ImageEncoder(CNN, 64).eval(), ArticulationToMel(8, 64).eval()
    seen, known = random_scaler(rng), random_scaler(rng)
    model, voice = merged(sight, seen, speech, known, CNN)
    frames = torch.rand(5, 1, 64, 64)
    with torch.no_grad():
        articulation = torch.from_numpy(known.standardise(seen.to_db(sight(frames)[0].numpy())))
        wanted, wanted_voice = speech(articulation[None])
        pooled = model.eval().feature_maps(frames).mean(dim=(2, 3))
        states = model.states_from_features(pooled[None])
        assert torch.allclose(model.mel_from_states(states), wanted, atol=1e-5)
        assert torch.allclose(voice(states), wanted_voice, atol=1e-5)


def test_errors_are_as_large_and_as_slow_as_they_are_said_to_be():
    generator = torch.Generator().manual_seed(0)
    drift = smoothed(torch.randn(400, 120, 4, generator=generator), 6.0)
    assert float(drift.std()) == pytest.approx(1, abs=0.03)
    lagged = (drift[:, 6:] * drift[:, :-6]).mean() / drift.square().mean()
    assert float(lagged) == pytest.approx(np.exp(-1), abs=0.03)
    still = torch.zeros(300, 40, COLUMNS)
    only_bias = with_input_noise(still, InputNoiseConfig(0.5, 0, 6, 0, 1.0), generator)
    assert torch.allclose(only_bias, only_bias[:, :1].expand_as(only_bias), atol=1e-6)
    assert float(only_bias.square().mean()) == pytest.approx(0.25 / 3, rel=0.1)  # strength is uniform: mean square 1/3


def test_what_is_not_known_of_a_posture_does_not_count():
    known = torch.tensor([[1.0, float("nan")], [0.0, 3.0]])
    found = torch.tensor([[2.0, 50.0], [0.0, 1.0]], requires_grad=True)
    error = articulation_error(found, known, torch.tensor([1.0, 0.5]))
    error.backward()
    assert float(error.detach()) == pytest.approx((1 + 0.5 * 4) / 2)
    assert found.grad[0, 1] == 0 and torch.isfinite(found.grad).all()


def test_r2_is_one_for_the_truth_and_nought_for_the_mean():
    known = np.random.default_rng(0).normal(0, 1, (200, COLUMNS))
    known[:, VOICED] = np.arange(200) % 2
    assert all(r2(known, known)[name] == pytest.approx(1) for name in GROUPS)
    guess = np.repeat(known.mean(0, keepdims=True), 200, axis=0)
    assert all(r2(guess, known)[name] == pytest.approx(0, abs=1e-9) for name in GROUPS)
    assert r2(known, known)["voicing_wrong"] == 0 and r2(1 - known, known)["voicing_wrong"] == 1


def test_however_many_processes_draw_the_pictures_are_the_same():
    learn = tiny_pictures(("a", "b"), 8, 3)
    run = ImageEncoderRun((), (), "", size=64, batch=4, moments=2, seed=5)
    steps = Steps(learn, views_of(learn), learn.articulation, run)
    alone, helped = (list(DataLoader(steps, None, sampler=range(2, 5), num_workers=n)) for n in (0, 2))
    for a, b in zip(alone, helped, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_every_step_draws_other_looks_of_the_same_picture():
    learn = tiny_pictures(("a",), 1, 3)
    run = ImageEncoderRun((), (), "", size=64, batch=2, moments=1, seed=5)
    steps = Steps(learn, views_of(learn), learn.articulation, run)
    (first, known, _), (second, again, _) = steps[0], steps[1]
    assert torch.equal(known, again)  # one label map: what differs are its looks
    assert not torch.equal(first, second) and not torch.equal(first[0], first[1])


# -------------------------------------------------------------------------------------------- a tiny world to learn in


def discs(heights) -> tuple[list[bytes], np.ndarray]:
    """Label maps with a tongue whose height is the articulation's first column."""
    import zlib

    y, x = np.mgrid[0:SIZE, 0:SIZE]
    maps, known = [], np.zeros((len(heights), COLUMNS), np.float32)
    for row, height in zip(known, heights, strict=True):
        labels = np.full((SIZE, SIZE), LABEL["tissue"], np.uint8)
        labels[np.hypot(x - 120, y - 170) < 70] = LABEL["airway"]
        labels[np.hypot(x - 120, y - 170 - 30 * height) < 30] = LABEL["tongue"]
        maps.append(zlib.compress(labels.tobytes()))
        row[:] = np.linspace(-1, 1, COLUMNS) * height
        row[VOICED] = height > 0
    return maps, known


def tiny_pictures(names, frames: int, seed: int) -> Pictures:
    rng = np.random.default_rng(seed)
    heights = np.concatenate([np.sin(np.arange(frames) * rng.uniform(0.2, 0.6) + rng.uniform(0, 6)) for _ in names])
    maps, known = discs(heights)
    return Pictures(maps, known, np.repeat(np.arange(len(names)), frames), tuple(names))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A sound corpus (its cache alone), clips of it, and runs of both stages."""
    folder = tmp_path_factory.mktemp("articulation")
    corpus = folder / "sound"
    corpus.mkdir()
    names = [f"s{k:02d}_0000" for k in range(4)]
    clips = tiny_pictures(names, 30, 1)
    n_mels = MelSpec().n_mels
    mel = np.concatenate([np.linspace(0, 1, n_mels)[None] * (20 * clips.articulation[:, :1] - 30)]).astype(np.float32)
    np.savez(
        corpus / "spoken.npz",
        mel=np.array(str(MelSpec().to_json())),
        names=np.array(names),
        octaves=np.full(4, 7.0),
        frames=np.full(4, 30),
        articulation=clips.articulation,
        mel_db=mel,
    )
    for name in names:
        (corpus / f"{name}.TextGrid").touch()
    train = np.flatnonzero(clips.group < 3)
    write_pictures(folder / "clips.npz", replace(clips.of(range(3)), names=tuple(names[:3])))
    last = clips.of([3])
    write_pictures(folder / "val.npz", replace(last, group=last.group * 0, names=(names[3],)))
    assert len(train) == 90
    speech = MelDecoderRun(
        str(corpus), str(folder / "speech"), ("s03",), hidden=8, window=16, batch=4, steps=150, lr=1e-2
    )
    train_mel_decoder(speech)
    files = (str(folder / "clips.npz"),), (str(folder / "val.npz"),)
    sight = ImageEncoderRun(
        *files, str(folder / "sight"), size=64, model=CNN, batch=4, moments=2, steps=3, decay=1, warmup=1
    )
    train_image_encoder(sight)
    return folder, speech, sight


def finetune_run(folder, name: str, **changes) -> FinetuneRun:
    """A tiny run on the world in `folder`."""
    parts = {"sight": "sight", "speech": "speech", "corpus": "sound", "run_dir": name}
    settings = {key: str(folder / place) for key, place in parts.items()}
    settings |= {"clips": (str(folder / "clips.npz"),), "val_clips": (str(folder / "val.npz"),)}
    return FinetuneRun(**(settings | {"window": 8, "batch": 2, "looks": 1} | changes))


def test_speech_learns_what_moves_and_holds_its_speakers_out(world):
    folder, run, _ = world
    rows = [line.split(",") for line in (folder / "speech" / "history.csv").read_text().splitlines()]
    assert float(dict(zip(rows[0], rows[-1], strict=True))["loudness"]) > 0.9
    spoken = read_spoken(folder / "sound", MelSpec())
    learn, judge = held_out_speakers(spoken, run.val_speakers)
    assert {s.speaker for s in judge} == {"s03"} and "s03" not in {s.speaker for s in learn}
    with pytest.raises(InputError, match="none or all"):
        held_out_speakers(spoken, ("s99",))


def test_a_run_of_other_settings_is_refused_and_a_finished_one_stays(world):
    folder, run, sight = world
    before = (folder / "speech" / "speech.safetensors").read_bytes()
    train_mel_decoder(run)
    assert (folder / "speech" / "speech.safetensors").read_bytes() == before
    with pytest.raises(InputError, match="begun with lr"):
        train_mel_decoder(replace(run, lr=1e-4))
    with pytest.raises(InputError, match="begun with lr"):
        train_image_encoder(replace(sight, lr=1e-4))


def test_sight_goes_on_where_it_was_stopped(world, tmp_path):
    _, _, sight = world
    at_once, in_parts = (replace(sight, run_dir=str(tmp_path / name), steps=4, decay=1) for name in ("a", "b"))
    train_image_encoder(at_once)
    train_image_encoder(replace(in_parts, steps=2, decay=0))
    train_image_encoder(in_parts)
    first, second = (read_image_encoder(tmp_path / name)[0].state_dict() for name in ("a", "b"))
    assert all(torch.allclose(first[key], second[key], atol=1e-5) for key in first)


def test_clips_keep_their_look_and_other_clips_have_another(world):
    folder, _, _ = world
    clips = read_pictures(folder / "clips.npz")
    views = views_of(clips)
    (a, regions), (b, _) = clip_pictures(clips, views, np.array([4, 4]), (1, 2), 64)
    (c, _),  = clip_pictures(clips, views, np.array([4]), (1, 3), 64)  # fmt: skip
    assert np.abs(a - b).mean() < 0.5 * np.abs(a - c).mean()
    assert a.dtype == np.float32 and 0 <= a.min() < 0.4 and 0.6 < a.max() <= 1
    assert (a == 0.5).mean() > 0.1  # outside the window's region
    assert regions.shape == (32, 32) and (regions == NAMES.index("tongue")).mean() > 0.1
    both = concatenated([clips, clips])
    assert np.array_equal(both.labels(95), clips.labels(5)) and both.names[both.group[95]] == clips.names[0]


def test_predicted_mels_for_the_vocoder_are_those_of_disturbed_articulation(world, capsys):
    """Without a voice what the BiLSTM makes, not of the true articulation; with one, harmonics where F0 is known."""
    from training.articulation import predict_mels

    folder, _, _ = world
    f0_hz = np.where(np.arange(30) < 20, 125.0, 0.0)
    for k in range(4):
        np.savez(folder / "sound" / f"s{k:02d}_0000.truth.npz", f0_hz=f0_hz)
    for share in (0.0, 1.0):
        predict_mels.main(folder / "sound", folder / "speech", folder / f"mels{share}", share)
    assert "4 mels" in capsys.readouterr().out
    plain, voiced = (np.load(folder / f"mels{share}" / "s03_0000.npy") for share in (0.0, 1.0))
    network, known, scaler, _ = read_mel_decoder(folder / "speech")
    one = next(s for s in read_spoken(folder / "sound", MelSpec()) if s.speaker == "s03")
    with torch.no_grad():
        true = scaler.to_db(network(torch.from_numpy(known.standardise(one.articulation))[None])[0][0].numpy())
    assert plain.shape == true.shape and 0.01 < np.abs(plain - true).mean() < np.abs(true - true.mean(0)).mean() * 3
    np.testing.assert_array_equal(voiced[20:], plain[20:])
    at_125, between = (np.abs(centre_frequencies_hz(MelSpec()) - hz).argmin() for hz in (250, 187.5))
    added = (voiced - plain)[5:15]
    assert (added[:, at_125] > added[:, between] + 3).all()
    predict_mels.main(folder / "sound", folder / "speech", folder / "again", 0.0)
    np.testing.assert_array_equal(np.load(folder / "again" / "s03_0000.npy"), plain)
    with pytest.raises(SystemExit):
        predict_mels.main(folder / "sound", folder / "speech", folder / "again", 1.5)
    assert "from 0 to 1" in capsys.readouterr().err


def test_the_joined_run_can_be_published(world):
    from training.publish.__main__ import read_acoustic_run

    folder, _, _ = world
    run = finetune_run(folder, "joined", looks=3, steps=2, validate_every=1)
    join(run)
    kept = (folder / "joined" / "best.ckpt").stat().st_mtime_ns
    join(run)  # is finished
    assert (folder / "joined" / "best.ckpt").stat().st_mtime_ns == kept
    result = read_acoustic_run(folder / "joined", pool=2)
    assert result.frames.size == 128 and result.frames.view == "tract" and result.model.config.output_stride == 16
    assert result.split["val"] == ["s03_0000"]
    assert result.voice.weight.shape == (2, 8)
    history = (folder / "joined" / "history.csv").read_text().splitlines()
    assert len(history) == 4 and float(result.best["val/loss"]) == min(
        float(dict(zip(history[0].split(","), row.split(","), strict=True))["val/loss"]) for row in history[1:]
    )
    settings = json.loads((folder / "joined" / "settings.json").read_text())
    assert settings["join"]["steps"] == 2


def test_what_the_joined_cnn_reads_can_be_joined_with_another_bilstm(world, monkeypatch):
    """RUN/sight holds the CNN and the read-out as the best step left them, and another join begins with them."""
    from itertools import count

    from training.articulation import finetune as module
    from training.publish.__main__ import read_acoustic_run

    folder, _, _ = world
    settings = {"steps": 3, "validate_every": 3, "cnn_lr": 0.01}
    better = count()
    monkeypatch.setattr(module, "validate", lambda *given: {"shape": float(next(better)), "loudness": 0.0})
    join(finetune_run(folder, "first", **settings))
    last = torch.load(folder / "first" / "last.ckpt", weights_only=True)["averaged"]
    (before, known, _), (after, kept, _) = (read_image_encoder(folder / name) for name in ("sight", "first/sight"))
    assert not torch.equal(before.readout.weight, after.readout.weight)
    for name, tensor in after.state_dict().items():
        assert torch.equal(tensor, last[f"model.{name}" if name.startswith("cnn.") else name])
    assert np.array_equal(known.mean, kept.mean) and np.array_equal(known.std, kept.std)
    join(finetune_run(folder, "second", sight=str(folder / "first/sight"), steps=0))
    second = read_acoustic_run(folder / "second").model.cnn.state_dict()
    assert all(torch.equal(tensor, second[name]) for name, tensor in after.cnn.state_dict().items())
    worse = count(0, -1)
    monkeypatch.setattr(module, "validate", lambda *given: {"shape": float(next(worse)), "loudness": 0.0})
    join(finetune_run(folder, "third", **settings))
    kept = read_image_encoder(folder / "third/sight")[0].state_dict()  # what was there before fine-tuning was better
    assert all(torch.equal(tensor, kept[name]) for name, tensor in before.state_dict().items())


@pytest.mark.slow
def test_join_goes_on_where_it_was_stopped(world, monkeypatch):
    from training.articulation import finetune as module

    folder, _, _ = world
    at_once, in_parts = (finetune_run(folder, name, steps=4, validate_every=2) for name in ("at_once", "in_parts"))
    join(at_once)

    drawn = module.draw

    def stopped(clips, run, size, step):
        if step == 3:
            raise KeyboardInterrupt
        return drawn(clips, run, size, step)

    monkeypatch.setattr(module, "draw", stopped)
    with pytest.raises(KeyboardInterrupt):
        join(in_parts)
    monkeypatch.setattr(module, "draw", drawn)
    join(in_parts)
    first, second = (torch.load(folder / n / "last.ckpt", weights_only=True) for n in ("at_once", "in_parts"))
    assert all(torch.allclose(first["averaged"][k], second["averaged"][k], atol=1e-6) for k in first["averaged"])
    steps = [row.split(",")[0] for row in (folder / "in_parts" / "history.csv").read_text().splitlines()[1:]]
    assert steps == ["0", "2", "4"]
    with pytest.raises(InputError, match="begun with lr"):
        join(replace(in_parts, lr=1e-4))


def test_the_vocoder_of_a_bundle_can_be_published_with_another_model(bundle_folder, bundle):
    from training.vocoder.checkpoints import read_vocoder

    generator, settings = read_vocoder(bundle_folder)
    mel = torch.rand(1, 64, 4)
    assert torch.allclose(generator(mel), bundle.vocoder(mel), atol=1e-4)
    assert settings["mel"] == bundle.mel.to_json() and settings["vocoder_input"] == bundle.vocoder.input


def test_r2_on_variants_is_told_of_clips_with_truth(world, tmp_path, monkeypatch, capsys):
    """A network that gives the truth for the clip as it is, and its mean for the first variant."""
    from fractions import Fraction

    from training.evaluation import articulation as judge

    folder, _, _ = world
    write_mp4(tmp_path / "s01_0000.mp4", moving_frames(20, 64, 64), Fraction(11413, 420))
    rng = np.random.default_rng(0)
    truth = {name: rng.uniform(0.5, 2, (20, 40)) for name in ("area_cm2", "length_cm")}
    truth |= {
        "tract": rng.normal(0, 1, (20, 19)),
        "velum_cm2": rng.uniform(0, 1, 20),
        "glottis": rng.uniform(0, 1, (20, 2)),
    }
    truth |= {"f0_hz": np.tile([0.0, 100.0], 10), "glottis_names": np.array(["XB", "XT", "F0"])}
    truth["glottis"] = np.c_[truth["glottis"], np.full(20, 100.0)]
    np.savez(tmp_path / "s01_0000.truth.npz", **truth)
    (_, known), = judge.read_clips([tmp_path / "s01_0000.mp4"])  # fmt: skip
    _, scaler, _ = read_image_encoder(folder / "sight")
    answers = iter([scaler.standardise(known), *[np.repeat(scaler.standardise(known).mean(0)[None], 20, axis=0)] * 6])
    monkeypatch.setattr(judge, "found_in", lambda *_: next(answers))
    judge.main([tmp_path], folder / "sight")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows[0][-6:] == ["1.00"] * 5 + ["0.00"] and rows[1][-6:-1] == ["0.00"] * 5
    with pytest.raises(InputError, match="no truth"):
        judge.read_clips([tmp_path / "s02_0000.mp4"])


def test_speech_from_true_articulation_is_judged_against_the_envelopes_own(world, bundle_folder, monkeypatch, capsys):
    import soundfile

    from training.evaluation import decoder_ceiling as judge

    folder, run, _ = world
    rng = np.random.default_rng(0)
    recorded = rng.normal(0, 0.1, 30 * 420) * np.abs(np.sin(np.arange(30 * 420) / 900))
    soundfile.write(folder / "sound" / "s03_0000.wav", recorded, 11413)

    def figures(*options) -> list[list[float]]:
        judge.main(folder / "sound", folder / "speech", bundle_folder, *options)
        told = capsys.readouterr().out.splitlines()
        assert told[0].split() == ["1", "utterances", "of", "1", "speakers", "STOI", "ESTOI"]
        return [[float(value) for value in line.split()[-2:]] for line in told[1:]]

    spoken = read_spoken(folder / "sound", MelSpec())
    rough = [replace(s, mel_db=rng.normal(-80, 40, s.mel_db.shape).astype(np.float32)) for s in spoken]
    monkeypatch.setattr(judge, "read_spoken", lambda *_: rough)  # is not its own envelope
    learned, topline = figures()
    one = next(s for s in rough if s.speaker == "s03")
    network, known, scaler, settings = read_mel_decoder(folder / "speech")
    with torch.no_grad():
        given = (one.articulation - known.mean) / known.std
        heard = scaler.to_db(network(torch.from_numpy(given.astype(np.float32))[None])[0][0].numpy())
    best = target_mel(one.mel_db, run.envelope, run.floor_db)
    bundle = load_bundle(bundle_folder)
    original = soundfile.read(folder / "sound" / "s03_0000.wav", dtype="float32")[0]
    for row, mel in ((learned, heard), (topline, best)):
        made = vocode(bundle, torch.from_numpy(mel))
        assert row == [pytest.approx(metric(original, made, 11413), abs=6e-4) for metric in (stoi, estoi)]
    assert learned != topline
    for own in ({"envelope": 8}, {"floor_db": -30.0}):  # the topline is that of the run's own target
        theirs = settings | own
        with monkeypatch.context() as patch:
            patch.setattr(judge, "read_mel_decoder", lambda _, theirs=theirs: (network, known, scaler, theirs))
            mel = target_mel(one.mel_db, theirs["envelope"], theirs["floor_db"])
            made = vocode(bundle, torch.from_numpy(mel))
            assert figures()[1] == [pytest.approx(metric(original, made, 11413), abs=6e-4) for metric in (stoi, estoi)]
    other = network, known, scaler, settings | {"mel": settings["mel"] | {"fmax_hz": 5000.0}}
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(judge, "read_mel_decoder", lambda _: other)
        figures()
    assert "speaks another mel" in capsys.readouterr().err
    monkeypatch.setattr(judge, "decoded", lambda network, known, mel, one: target_mel(one.mel_db, 16, run.floor_db))
    assert figures() == [topline, topline]


@pytest.mark.parametrize("kind", ["speech", "sight", "join"])
def test_a_run_is_never_lost(world, tmp_path, capsys, monkeypatch, kind):
    from training.articulation import image_encoder as image_encoder_module
    from training.articulation import mel_decoder as mel_decoder_module

    folder, speech, sight = world
    monkeypatch.setattr(mel_decoder_module, "_REPORT_EVERY", 2)
    monkeypatch.setattr(image_encoder_module, "_REPORT_EVERY", 2)
    run = str(tmp_path / "run")
    if kind == "speech":
        never_lost(train_mel_decoder, replace(speech, run_dir=run, steps=4), capsys)
    elif kind == "sight":
        never_lost(train_image_encoder, replace(sight, run_dir=run, steps=4), capsys)
    else:
        never_lost(join, finetune_run(folder, "x", run_dir=run, steps=2, validate_every=2), capsys)

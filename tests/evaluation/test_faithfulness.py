"""The trust card against a model that by construction looks only at the lips."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.attribution.targets import band_energy
from rtmri2speech.clips.clip import Clip
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.faithfulness import evaluate_faithfulness
from rtmri2speech.evaluation.faithfulness.evaluate import _energy_at
from rtmri2speech.evaluation.faithfulness.perturbation import ModelInput, Perturbation
from rtmri2speech.evaluation.faithfulness.randomisation import randomised_models
from rtmri2speech.progress import Progress
from rtmri2speech.spec import Band
from rtmri2speech.speech.mel import centre_frequencies_hz
from tests.conftest import make_bundle

T, CELL = 14, 32
LIPS = np.s_[96:160, 32:96]  # 4 of the 64 cells
TONGUE = np.s_[96:192, 128:224]
BRAIN = np.s_[0:64, 64:256]


class LipsOnly(nn.Module):
    """A layer of filters as large as a cell, each cell for itself, so that the map is the whole truth about it; what
    lies outside the lips is not let in."""

    def __init__(self, channels: int):
        super().__init__()
        self.filters = nn.Conv2d(1, channels, CELL, CELL, bias=False)
        self.filters.weight.data -= self.filters.weight.data.mean(dim=(2, 3), keepdim=True)  # texture, not brightness
        self.register_buffer("seen", torch.zeros(1, 1, 256, 256))
        self.seen[(..., *LIPS)] = 1
        self.feature_info = SimpleNamespace(info=[{"module": "filters", "reduction": CELL}])

    def forward(self, frames):
        frames = frames if frames.shape[-1] == 256 else nn.functional.interpolate(frames, (256, 256))
        return [self.filters(frames * self.seen)]


@pytest.fixture(scope="module")
def bundle():
    made = make_bundle(hidden=16)
    torch.manual_seed(3)
    made.acoustic.cnn = LipsOnly(made.acoustic.channels).eval().requires_grad_(False)
    for weight, scale in ((made.acoustic.rnn.weight_ih_l0, 8), (made.acoustic.rnn.weight_ih_l0_reverse, 8)):
        weight.mul_(scale)
    made.acoustic.head.weight.mul_(4)
    return made


@pytest.fixture(scope="module")
def analysis(bundle):
    """Texture that changes from frame to frame, everywhere."""
    frames = np.random.default_rng(0).integers(0, 256, (T, 256, 256)).astype(np.uint8)
    made = analyse(bundle, Clip(frames, np.arange(T + 1) / bundle.fps), speak=False, precision="fp32")
    return replace(made, silent=np.zeros(T, bool))


@pytest.fixture(scope="module")
def masks():
    drawn = {}
    for name, place in (("lower_lip", LIPS), ("tongue", TONGUE), ("brain", BRAIN)):
        drawn[name] = np.zeros((1, 256, 256), bool)
        drawn[name][(0, *place)] = True
    return drawn


@pytest.fixture(scope="module")
def card(bundle, analysis, masks):
    return evaluate_faithfulness(bundle, analysis, masks)


def test_a_model_that_looks_only_at_the_lips_is_believed_and_the_lips_are_it(card):
    assert card.area == "tract" and card.grid == 8 and card.focus is None
    for judged in card.bands.values():
        assert judged.verdict == "faithful"
        assert judged.times > 1.9 and judged.times_interval[0] > 1 and judged.p < 0.02  # a random tenth meets lips, too
        assert judged.regions["lower_lip"].heat_share > 0.5
        largest = max(judged.regions, key=lambda name: judged.regions[name].size_db_per_percent)
        assert largest == "lower_lip"
        assert judged.regions["tongue"].size_db == judged.regions["brain"].size_db == 0
        assert judged.rank_of_frames > 0.5
        # hot first falls the fastest, cold first rises; revealed hot first is soonest loud
        for curves, sign in ((judged.hidden, 1), (judged.revealed, -1)):
            hot, cold = np.array(curves.hottest_db), np.array(curves.coldest_db)
            assert (sign * hot[:2] < sign * np.array(curves.random_db)[:2]).all()
            assert (sign * hot[:2] < sign * cold[:2]).all()
        assert abs(judged.random_weights["CNN"]["signed"]) < 0.5


def test_a_map_that_was_shuffled_fails(bundle, analysis, masks):
    rng = np.random.default_rng(1)
    cam = {name: rng.permuted(maps.reshape(T, -1), axis=1).reshape(maps.shape) for name, maps in analysis.cam.items()}
    for judged in evaluate_faithfulness(bundle, replace(analysis, cam=cam), masks).bands.values():
        assert judged.verdict == "unfaithful" and judged.p > 0.05


def test_a_map_with_its_sign_turned_fails(bundle, analysis, masks):
    cam = {name: -maps for name, maps in analysis.cam.items()}
    for judged in evaluate_faithfulness(bundle, replace(analysis, cam=cam), masks).bands.values():
        assert judged.verdict == "unfaithful" and judged.drop_db < 0


def test_a_followed_formant_is_judged_where_it_was_measured(bundle, analysis, masks, tmp_path):
    """Its truth rises: in each frame, what is measured is the energy around it in that frame, before and after."""
    f2_hz = np.where(np.arange(T) == 5, np.nan, np.linspace(900, 2600, T))
    np.savez(
        tmp_path / "a.truth.npz",
        formants_hz=np.stack([f2_hz] * 3, axis=1),
        f0_hz=np.where(np.isnan(f2_hz), 0.0, 120.0),
        fps=bundle.fps,
    )
    clip = replace(analysis.clip, source=str(tmp_path / "a.mp4"))
    asked = [Band.parse("F2:formant2+-300/truth"), Band.parse("tilt")]
    made = replace(analyse(bundle, clip, asked, speak=False), silent=np.zeros(T, bool))
    judged = evaluate_faithfulness(bundle, made, masks).bands
    assert list(judged) == ["F2"] and 5 not in judged["F2"].frames and len(judged["F2"].frames) > 10
    assert judged["F2"].times > 1.5 and judged["F2"].drop_db > 0.2 and judged["F2"].rank_of_frames > 0.5
    hz, frame = centre_frequencies_hz(bundle.mel), 9
    hiding = Perturbation(
        ModelInput(bundle, made), np.array([frame]), {"F2": _energy_at(bundle, made, asked[0])}, masks["tongue"]
    )
    hidden = np.zeros((1, 256, 256), bool)
    hidden[(slice(None), *LIPS)] = True
    bins = np.flatnonzero(np.abs(hz - f2_hz[frame]) <= 300)
    still = Perturbation(
        ModelInput(bundle, made), np.array([frame]), {"F2": lambda _: band_energy(bins)}, masks["tongue"]
    )
    assert hiding.change(hidden)["F2"] == pytest.approx(still.change(hidden)["F2"], abs=1e-4)
    moved = replace(made, settings=replace(made.settings, bands=made.bands[:1]), cam={"F2": -made.cam["F2"]})
    assert evaluate_faithfulness(bundle, moved, masks).bands["F2"].drop_db < 0


def test_without_regions_the_whole_picture_is_searched(bundle, analysis):
    card = evaluate_faithfulness(bundle, analysis, most_frames=8)
    assert card.area == "picture"
    for name, judged in card.bands.items():
        assert judged.regions is None and len(judged.frames) == 8
        assert "picture" in card.sentence(name)


def test_hiding_is_measured_in_the_frame_itself(bundle, analysis):
    """Against the model run on frames of which a single one is blurred."""
    bins = np.arange(10, 20)
    scene = ModelInput(bundle, analysis)
    frames = np.array([2, 9])
    hiding = Perturbation(scene, frames, {"F": lambda frames: band_energy(bins)}, np.ones((2, 256, 256), bool))
    hidden = np.zeros((2, 256, 256), bool)
    hidden[(slice(None), *LIPS)] = True
    change = hiding.change(hidden)["F"]
    np.testing.assert_allclose(hiding.change(hidden[1:], np.array([1]))["F"], change[1:], atol=1e-5)
    pictures = torch.from_numpy(analysis.frames)
    for k, frame in enumerate(frames):
        changed = pictures.clone()
        changed[frame] = torch.from_numpy(np.where(hidden[k], hiding.blurred[k], pictures[frame].numpy()))
        energies = []
        for shown in (pictures, changed):
            with torch.no_grad():
                mel = bundle.scaler.to_db(bundle.acoustic(shown[None, :, None])[0]).numpy().astype(float)
            energies.append(10 * np.log10((10 ** (mel[frame, bins] / 10)).sum()))
        assert change[k] == pytest.approx(energies[1] - energies[0], abs=1e-3) and abs(change[k]) > 0.01


def test_the_hottest_share_of_the_area_is_chosen(bundle, analysis, masks):
    hiding = Perturbation(
        ModelInput(bundle, analysis), np.array([0]), {"F": lambda frames: band_energy(np.arange(4))}, masks["tongue"]
    )
    heat = np.zeros((1, 8, 8), np.float32)
    heat[0, 4, 5] = 1.0  # in the tongue
    heat[0, 0, 0] = 5.0  # hotter, but outside
    chosen = hiding.first(heat, 0.1)[0]
    assert chosen.sum() == round(0.1 * masks["tongue"].sum()) and not (chosen & ~masks["tongue"][0]).any()
    rows, columns = np.nonzero(chosen)
    assert abs(rows.mean() - 4.5 * CELL) < 3 and abs(columns.mean() - 5.5 * CELL) < 3


def test_weights_are_shuffled_from_the_output_backwards(bundle):
    own = {name: value.clone() for name, value in bundle.acoustic.state_dict().items()}
    changed = []
    for name, model in randomised_models(bundle.acoustic, 0):
        state = model.state_dict()
        parts = {key.split(".")[0] for key in own if not torch.equal(own[key], state[key])}
        changed.append((name, parts))
        for key, value in own.items():
            assert torch.equal(value.flatten().sort().values, state[key].flatten().sort().values)
    assert changed == [("output layer", {"head"}), ("BiLSTM", {"head", "rnn"}), ("CNN", {"head", "rnn", "cnn"})]
    assert all(torch.equal(value, own[name]) for name, value in bundle.acoustic.state_dict().items())


def test_too_little_heat_is_said_and_sequence_maps_are_refused(bundle, analysis, masks):
    cam = {name: maps.copy() for name, maps in analysis.cam.items()}
    cam["F2"][3:] = -1.0
    card = evaluate_faithfulness(bundle, replace(analysis, cam=cam), masks, most_frames=10)
    assert card.bands["F2"].verdict == "untested" and card.bands["F2"].times is None
    assert "(3)" in card.sentence("F2") and card.bands["F1"].verdict != "untested"
    with pytest.raises(InputError, match="objective frame"):
        evaluate_faithfulness(
            bundle, replace(analysis, settings=replace(analysis.settings, objective="sequence")), masks
        )


def test_the_card_is_json_and_says_it_in_both_languages(card, bundle, analysis, masks):
    made = json.loads(json.dumps(card.to_json()))
    band = made["bands"]["F1"]
    assert band["verdict"] == "faithful" and band["regions"]["tongue"]["size_db"] == 0
    assert f"{band['times']:.1f} times" in band["said"]["en"] and f"{band['times']:.1f}倍" in band["said"]["ja"]
    assert "not known" in made["training"]["said"]["en"]
    assert "0.3" in replace(card, focus=0.3).training_sentence("ja")
    shares = []
    progress = Progress(lambda stage, done, total: shares.append(done / total))
    again = evaluate_faithfulness(bundle, analysis, masks, progress=progress)
    assert again == card and shares == sorted(shares) and shares[-1] == pytest.approx(1)


def test_neighbouring_frames_count_as_one():
    """Every observation twice gives the p and the interval of each once."""
    from rtmri2speech.evaluation.faithfulness.evaluate import _blocks, _interval

    rng = np.random.default_rng(0)
    drop, at_random = rng.normal(1, 1, 12), rng.normal(0, 1, (3, 12))
    once = _interval(drop, at_random, _blocks(np.arange(0, 24, 2)))
    twice = _interval(drop.repeat(2), at_random.repeat(2, axis=1), _blocks(np.arange(24)))
    assert once == pytest.approx(twice)
    assert [block.tolist() for block in _blocks(np.array([0, 1, 4, 7, 9]))] == [[0, 1], [2], [3], [4]]


def test_norms_of_a_random_cnn_are_shuffled_too():
    model = make_bundle(hidden=16).acoustic
    norms = {name for name, module in model.cnn.named_modules() if isinstance(module, nn.BatchNorm2d)}
    for name, parameter in model.cnn.named_parameters():
        if name.rpartition(".")[0] in norms:
            parameter.data.copy_(torch.arange(parameter.numel()))
    own = {name: parameter.clone() for name, parameter in model.cnn.named_parameters()}
    *_, (_, whole) = randomised_models(model, 0)
    shown = dict(whole.cnn.named_parameters())
    still = [name for name in own if name.rpartition(".")[0] in norms and torch.equal(shown[name], own[name])]
    assert norms and still == []

"""The faithfulness report against a model that by construction looks only at the lips."""

import json
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.attribution.targets import band_energy
from rtmri2speech.clips.clip import Clip
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.faithfulness import LISTENS_DB, evaluate_faithfulness
from rtmri2speech.evaluation.faithfulness.evaluate import (
    _blocks,
    _energy_at,
    _interval,
    _ratio,
    _ratio_interval,
    _resampled,
    _verdict,
)
from rtmri2speech.evaluation.faithfulness.perturbation import (
    ModelInput,
    Perturbation,
    centre_of,
    edges_of,
    first_of,
)
from rtmri2speech.evaluation.faithfulness.randomisation import randomised_models
from rtmri2speech.progress import Progress
from rtmri2speech.spec import Band
from rtmri2speech.speech.mel import centre_frequencies_hz
from tests.conftest import make_bundle

T, CELL = 24, 32
FRAMES = 12  # tested
tested = partial(evaluate_faithfulness, most_frames=FRAMES)
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
def report(bundle, analysis, masks):
    return tested(bundle, analysis, masks)


def test_the_map_of_a_model_that_looks_only_at_the_lips_passes_and_the_lips_are_it(report):
    assert report.method == "grad-cam" and report.resolution == 8 and report.focus is None
    for result in report.bands.values():
        assert result.verdict == result.whole_picture.verdict == result.inside_tract.verdict == "faithful"
        assert result.whole_picture.ratio_to_random > 3 > 1.9 < result.inside_tract.ratio_to_random
        for test in (result.whole_picture, result.inside_tract):
            assert test.interval[0] > 1 and test.advantage_db[0] > 0 and test.right > 0.8 and not test.in_the_balance
            assert test.drop_db > max(test.edges_drop_db, test.centre_drop_db)
        assert result.regions["lower_lip"].attribution_share > 0.5
        largest = max(result.regions, key=lambda name: result.regions[name].size_db_per_percent)
        assert largest == "lower_lip"
        assert result.regions["tongue"].size_db == result.regions["brain"].size_db == 0
        assert result.rank_of_frames > 0.5
        # most salient first falls the fastest, least salient first rises; inserted most salient first is soonest loud
        for curves, sign in ((result.deletion, 1), (result.insertion, -1)):
            most, least = np.array(curves.most_salient_db), np.array(curves.least_salient_db)
            assert (sign * most[:2] < sign * np.array(curves.random_db)[:2]).all()
            assert (sign * most[:2] < sign * least[:2]).all()
        assert abs(result.random_weights["CNN"]["signed"]) < 0.5


def test_what_the_model_takes_from_outside_the_tract_is_a_statement_on_the_model(bundle, analysis, masks, report):
    """The lips are the whole tract here, or no part of it."""
    for result in report.bands.values():
        outside = result.outside_tract
        assert outside.everything_db == outside.share_of_effect == 0 and not outside.listens
        assert abs(outside.effect_db) < 1e-6 and outside.share_of_attribution < 0.1 and outside.tract_db > 0.1
    for name, result in tested(bundle, analysis, {"tongue": masks["tongue"]}).bands.items():
        outside = result.outside_tract
        assert outside.tract_db == 0 and outside.share_of_effect == 1 and outside.share_of_attribution > 0.8
        assert outside.effect_db == pytest.approx(result.whole_picture.drop_db, rel=0.3)
        assert outside.interval[0] > 1 and outside.listens == (
            max(outside.everything_db, outside.effect_db) >= LISTENS_DB
        )
        assert result.inside_tract.verdict == "unfaithful" and result.inside_tract.drop_db == 0
        # the same verdict over the whole picture, whatever the regions
        assert result.whole_picture == report.bands[name].whole_picture


def test_a_map_that_was_shuffled_fails(bundle, analysis, masks):
    rng = np.random.default_rng(1)
    cam = {name: rng.permuted(maps.reshape(T, -1), axis=1).reshape(maps.shape) for name, maps in analysis.cam.items()}
    for result in tested(bundle, replace(analysis, cam=cam), masks).bands.values():
        assert result.verdict == result.inside_tract.verdict == "unfaithful"


def test_a_map_with_its_sign_turned_fails(bundle, analysis, masks):
    cam = {name: -maps for name, maps in analysis.cam.items()}
    for result in tested(bundle, replace(analysis, cam=cam), masks).bands.values():
        assert result.verdict == "unfaithful" and result.whole_picture.drop_db < 0


@pytest.mark.parametrize(
    "ratio, ratio_low, advantage_low, beats_others, expected",
    [
        (2.0, 1.1, 0.5, True, "faithful"),
        (2.0, 1.1, 0.5, False, "weak"),  # an edge detector does as well
        (2.0, 0.8, 0.5, True, "weak"),
        (0.9, 0.5, 0.5, True, "unfaithful"),  # worse than random is never a hint
        (2.0, 0.8, -0.1, True, "unfaithful"),
    ],
)
def test_the_verdict_never_contradicts_the_interval(ratio, ratio_low, advantage_low, beats_others, expected):
    assert _verdict(ratio, ratio_low, advantage_low, beats_others) == expected


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
    results = tested(bundle, made, masks).bands
    assert list(results) == ["F2"] and 5 not in results["F2"].frames and len(results["F2"].frames) == FRAMES
    test = results["F2"].whole_picture
    assert test.ratio_to_random > 1.5 and test.drop_db > 0.2 and results["F2"].rank_of_frames > 0.5
    hz, frame = centre_frequencies_hz(bundle.mel), 9
    hiding = Perturbation(ModelInput(bundle, made), np.array([frame]), {"F2": _energy_at(bundle, made, asked[0])})
    hidden = np.zeros((1, 256, 256), bool)
    hidden[(slice(None), *LIPS)] = True
    bins = np.flatnonzero(np.abs(hz - f2_hz[frame]) <= 300)
    still = Perturbation(ModelInput(bundle, made), np.array([frame]), {"F2": lambda _: band_energy(bins)})
    assert hiding.change(hidden)["F2"] == pytest.approx(still.change(hidden)["F2"], abs=1e-4)
    moved = replace(made, settings=replace(made.settings, bands=made.bands[:1]), cam={"F2": -made.cam["F2"]})
    assert tested(bundle, moved, masks).bands["F2"].whole_picture.drop_db < 0


def test_without_regions_the_whole_picture_alone_is_tested(bundle, analysis, masks):
    without = tested(bundle, analysis)
    with_regions = tested(bundle, analysis, masks)
    for name, result in without.bands.items():
        assert result.regions is result.inside_tract is result.outside_tract is None and len(result.frames) == FRAMES
        assert result.whole_picture == with_regions.bands[name].whole_picture
        caution = without.caution(name)
        assert without.sentences(name) == [without.sentence(name), *([caution] if caution else [])]


def test_what_the_cnn_sees_comes_after_the_occlusion(bundle, analysis, monkeypatch):
    """A view that shows the CNN nothing leaves nothing to change."""
    monkeypatch.setattr(ModelInput, "seen", lambda self, pictures: np.zeros_like(pictures))
    hiding = Perturbation(ModelInput(bundle, analysis), np.array([2]), {"F": lambda frames: band_energy(np.arange(9))})
    assert hiding.pictures.any() and hiding.change(np.ones((1, 256, 256), bool))["F"] == 0


def test_hiding_is_measured_in_the_frame_itself(bundle, analysis):
    """Against the model run on frames of which a single one is blurred."""
    bins = np.arange(10, 20)
    scene = ModelInput(bundle, analysis)
    frames = np.array([2, 9])
    hiding = Perturbation(scene, frames, {"F": lambda frames: band_energy(bins)})
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


def test_the_most_salient_share_of_the_area_is_chosen(masks):
    salience = np.zeros((1, 8, 8), np.float32)
    salience[0, 4, 5] = 1.0  # in the tongue
    salience[0, 0, 0] = 5.0  # more, but outside
    chosen = first_of(masks["tongue"], salience, 0.1)[0]
    assert chosen.sum() == round(0.1 * masks["tongue"].sum()) and not (chosen & ~masks["tongue"][0]).any()
    rows, columns = np.nonzero(chosen)
    assert abs(rows.mean() - 4.5 * CELL) < 3 and abs(columns.mean() - 5.5 * CELL) < 3
    assert not first_of(np.zeros((1, 256, 256), bool), salience, 0.1).any()


def test_edges_and_the_centre_know_nothing_of_the_model(masks):
    picture = np.zeros((1, 256, 256), np.float32)
    picture[0, 64:, 128:] = 1
    edges = edges_of(picture, 8)
    expected = np.zeros((8, 8), bool)
    expected[2:, 3:5] = expected[1:3, 4:] = True
    assert set(zip(*np.nonzero(edges[0] > 0.01), strict=True)) == set(zip(*np.nonzero(expected), strict=True))
    disc = first_of(masks["tongue"], centre_of(masks["tongue"]), 0.1)[0]
    rows, columns = np.nonzero(disc)
    assert abs(rows.mean() - 143.5) < 0.6 and abs(columns.mean() - 175.5) < 0.6  # TONGUE's middle
    radius = np.sqrt(0.1 * 96 * 96 / np.pi)
    assert np.hypot(rows - rows.mean(), columns - columns.mean()).max() == pytest.approx(radius, abs=1.5)


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


def test_too_little_attribution_is_said_and_sequence_maps_are_refused(bundle, analysis, masks):
    cam = {name: maps.copy() for name, maps in analysis.cam.items()}
    cam["F2"][3:] = -1.0
    report = tested(bundle, replace(analysis, cam=cam), masks)
    assert report.bands["F2"].verdict == "untested" and report.bands["F2"].whole_picture is None
    assert "(3)" in report.sentence("F2") and report.bands["F1"].verdict != "untested"
    with pytest.raises(InputError, match="objective frame"):
        evaluate_faithfulness(
            bundle, replace(analysis, settings=replace(analysis.settings, objective="sequence")), masks
        )


def test_the_report_is_json_and_says_it_in_both_languages(report, bundle, analysis, masks):
    made = json.loads(json.dumps(report.to_json()))
    band, test = made["bands"]["F1"], report.bands["F1"].whole_picture
    assert (
        band["verdict"] == band["whole_picture"]["verdict"] == "faithful" and band["regions"]["tongue"]["size_db"] == 0
    )
    assert band["whole_picture"]["ratio_to_random"] == test.ratio_to_random
    assert band["whole_picture"]["interval"] == list(test.interval)
    assert band["inside_tract"]["in_the_balance"] is False
    assert {"share_of_attribution", "effect_db", "ratio_to_random"} < set(band["outside_tract"])
    assert f"{test.ratio_to_random:.1f} times" in band["sentences"]["en"]
    assert f"{test.ratio_to_random:.1f}倍" in band["sentences"]["ja"]
    assert "passes the deletion test over the whole picture." in band["sentences"]["en"]
    assert "hardly listens outside the tract" in band["sentences"]["en"]
    assert "not known" in made["training"]["sentences"]["en"]
    assert "0.3" in replace(report, focus=0.3).training_sentence("ja")
    assert "those lie there is not a finding" in replace(report, focus=0.3).training_sentence()
    assert "did not act on these maps" in replace(report, focus=0.3, method="layer-ig").training_sentence()
    shares = []
    progress = Progress(lambda stage, done, total: shares.append(done / total))
    again = tested(bundle, analysis, masks, progress=progress)
    assert again == report and shares == sorted(shares) and shares[-1] == pytest.approx(1)
    assert len(set(shares)) == len(shares)  # every step was counted


def test_a_weak_verdict_says_what_is_lacking(report):
    band = report.bands["F1"]
    test = replace(
        band.whole_picture, verdict="weak", interval=(0.8, 4.0), edges_drop_db=band.whole_picture.drop_db + 0.1
    )
    raised = {"brain": replace(band.regions["brain"], change_db=1.23)}
    weak = replace(report, bands={"F1": replace(band, verdict="weak", whole_picture=test, regions=raised)})
    said = weak.sentence("F1")
    assert "only weakly" in said and "An edge detector does as well." in said and "hangs in the balance" in said
    assert "centre does" not in said
    assert weak.raising_sentence("F1").startswith("Hiding brain (+1.2 dB) raises F1")
    assert weak.note(["F1", "box"]).startswith("Deletion test over the whole picture: F1 passes weakly (")
    assert "95 % interval 0.80 to 4.00; 12 frames), box not tested." in weak.note(["F1", "box"])
    assert "脳（" not in weak.raising_sentence("F1", "ja") and "+1.2 dB" in weak.raising_sentence("F1", "ja")


def test_neighbouring_frames_count_as_one():
    """Every observation four times gives the intervals of each once."""
    rng = np.random.default_rng(0)
    drop, at_random = rng.normal(1, 1, 12), rng.normal(0, 1, (3, 12))
    once = _blocks(np.arange(0, 48, 4))
    repeated = _blocks(np.arange(48))
    assert _ratio_interval(drop, at_random, once) == pytest.approx(
        _ratio_interval(drop.repeat(4), at_random.repeat(4, axis=1), repeated)
    )
    assert _interval(_resampled(drop, once), len(once)) == pytest.approx(
        _interval(_resampled(drop.repeat(4), repeated), len(repeated))
    )
    assert [block.tolist() for block in _blocks(np.array([0, 1, 3, 7, 9, 13]))] == [[0, 1, 2], [3], [4], [5]]


def test_the_interval_is_that_of_drawn_blocks():
    """Against resampling written out."""
    rng = np.random.default_rng(0)
    drop, at_random = rng.normal(1, 1, 30), rng.normal(0, 1, (3, 30))
    blocks = _blocks(np.arange(30))
    draws = np.random.default_rng(0).integers(0, len(blocks), (4000, len(blocks)))
    rows = [np.concatenate([blocks[block] for block in draw]) for draw in draws]
    # of eight blocks: 1.96 becomes 2.365, Student's, times the root of 8 / 7, whose tail is 0.57 %
    expected = np.percentile([_ratio(drop[some], at_random[:, some]) for some in rows], (0.573, 99.427))
    assert _ratio_interval(drop, at_random, blocks) == pytest.approx(expected, rel=0.01)


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

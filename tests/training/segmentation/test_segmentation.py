"""Training of the segmenter: what it learns from, and that a run goes on where it stopped."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rtmri2speech.anatomy.network import soft_cross_entropy_and_dice
from rtmri2speech.anatomy.regions import NAMES
from rtmri2speech.errors import InputError
from tests.training.never_lost import never_lost
from training.phantom.head import CLASSES, LABEL
from training.segmentation.domain_randomisation import AIR, brightness, example
from training.segmentation.label_map_cache import read_or_make_maps
from training.segmentation.train import SegmentationSettings, batch, train

TONGUE, AIRWAY = NAMES.index("tongue"), NAMES.index("airway")


@pytest.fixture(scope="module")
def maps_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "maps.npz"
    read_or_make_maps(path, 5, range(2), 4, 1)
    return path


@pytest.fixture(scope="module")
def maps(maps_file):
    return read_or_make_maps(maps_file, 5, range(2), 4, 1)


def settings(tmp_path, maps_file, **changed) -> SegmentationSettings:
    given = SegmentationSettings(
        run_dir=str(tmp_path / "run"), init_from=None, maps=str(maps_file), seed=5, speakers=1, held_out=1, each=4,
        workers=1, size=32, widths=(8, 16), fold=2, steps=4, batch=2, learning_rate=0.01, warmup=1, weight_decay=0.0,
        negative=0.1,
        average=0.5, precision="fp32", threads=1, validate_every=4, validate_pictures=2, checkpoint_every=2,
    )  # fmt: skip
    return replace(given, **changed)


def test_maps_show_every_tissue_of_the_tract_and_differ_between_postures(maps):
    assert maps.labels.shape == (8, 320, 320) and maps.speaker.tolist() == [0] * 4 + [1] * 4
    for name in ("tongue", "velum", "lower_lip", "upper_lip", "pharynx_wall", "jaw_bone", "larynx", "airway"):
        assert (maps.labels == LABEL[name]).any(axis=(1, 2)).all(), name
    assert (maps.labels[2] != maps.labels[3]).mean() > 0.002
    assert (maps.labels[0] != maps.labels[4]).mean() > 0.05


def test_maps_of_other_heads_are_refused(maps_file, tmp_path):
    with pytest.raises(InputError, match="other heads"):
        read_or_make_maps(maps_file, 6, range(2), 4, 1)
    (tmp_path / "x.npz").write_bytes(b"no maps")
    with pytest.raises(InputError, match="label maps"):
        read_or_make_maps(tmp_path / "x.npz", 5, range(2), 4, 1)


def test_every_tissue_is_drawn_anew_and_air_stays_dark():
    levels = np.stack([brightness(np.random.default_rng(k)) for k in range(200)])
    assert levels.shape == (200, len(CLASSES))
    assert levels[:, [LABEL[name] for name in AIR]].max() <= 0.1
    tongue, fat = levels[:, LABEL["tongue"]], levels[:, LABEL["fat"]]
    assert tongue.std() > 0.1 and 0.25 < np.mean(tongue > fat) < 0.75
    lips = levels[:, LABEL["lower_lip"]]
    assert 0.05 < np.mean(lips == tongue) < 0.6  # merged with it now and then


def test_an_example_shows_its_regions_dark_or_bright_where_they_are(maps):
    differ = []
    for k in range(40):
        made = example(maps.labels[k % 8], maps.labels[k % 8], np.random.default_rng(k), 128, negative=0.0)
        assert made.picture.shape == (128, 128) and made.regions.shape == (4, 128, 128)
        assert abs(made.picture.mean()) < 1e-3 and abs(made.picture.std() - 1) < 1e-3
        tongue, air = (made.regions == TONGUE).all(axis=0), (made.regions == AIRWAY).all(axis=0)
        if tongue.sum() > 100 and air.sum() > 100:
            differ.append(made.picture[tongue].mean() - made.picture[air].mean())
    assert len(differ) > 25 and np.mean(np.array(differ) > 0) > 0.9


def test_what_is_no_left_profile_is_learned_as_rest(maps):
    for k in range(20):
        assert not example(maps.labels[0], maps.labels[1], np.random.default_rng(k), 64, negative=1.0).regions.any()


def test_batches_depend_on_seed_and_step_alone(maps, maps_file, tmp_path):
    given = settings(tmp_path, maps_file)
    first, again, next_one = batch(maps, given, 3), batch(maps, given, 3), batch(maps, given, 4)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], next_one[0])


def test_the_loss_is_least_for_the_true_shares():
    quarters = torch.zeros(1, 4, 2, 2, dtype=torch.long)
    quarters[0, :2, 0, 0] = 1  # half of one pixel
    weights = torch.ones(3)
    share = torch.full((1, 3, 2, 2), 1e-6)
    share[0, 0] = 1.0
    share[0, :2, 0, 0] = 0.5
    best = soft_cross_entropy_and_dice(share.log(), quarters, weights)
    for other in ((1.0, 1e-6), (1e-6, 1.0), (0.8, 0.2)):
        worse = share.clone()
        worse[0, 0, 0, 0], worse[0, 1, 0, 0] = other
        assert soft_cross_entropy_and_dice(worse.log(), quarters, weights) > best


def test_a_run_begins_with_the_weights_of_another(maps_file, tmp_path):
    first = train(settings(tmp_path / "a", maps_file))
    given = settings(tmp_path / "b", maps_file, init_from=str(tmp_path / "a" / "run"), steps=1, learning_rate=1e-9)
    again = train(given)
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_a_run_that_was_stopped_ends_like_one_that_was_not(maps_file, tmp_path, monkeypatch):
    from training.segmentation import train as module

    whole = train(settings(tmp_path / "a", maps_file))
    given = settings(tmp_path / "c", maps_file)
    written = module.write_newest

    def stop_after_two(path, state):
        written(path, state)
        if state["step"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_newest", stop_after_two)
        with pytest.raises(KeyboardInterrupt):
            train(given)
    resumed = train(given)
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.allclose(a.float(), b.float(), atol=1e-6)
    with pytest.raises(InputError, match="learning_rate"):
        train(replace(given, learning_rate=0.02))


def test_a_run_is_never_lost(maps_file, tmp_path, capsys):
    never_lost(train, settings(tmp_path, maps_file), capsys)

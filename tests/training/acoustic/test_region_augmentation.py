"""Bystanders change from window to window; what speaks keeps its shape."""

import numpy as np
import pytest

from rtmri2speech.errors import InputError
from training.acoustic.region_augmentation import vary_regions
from training.preprocess.phantom_truth import ARTICULATORS, REGIONS, articulation, read_truth, region_of_class

SIZE = 48


def index(name):
    return REGIONS.index(name)


@pytest.fixture
def head():
    """Three frames in stripes: outside, brain, tongue, airway, spine, lips; a tongue with a pattern of its own."""
    regions = np.zeros((3, SIZE, SIZE), np.uint8)
    for k, name in enumerate(("outside", "brain", "tongue", "airway", "spine", "lips")):
        regions[:, 8 * k : 8 * k + 8] = index(name)
    level = np.select([regions == index(n) for n in ("brain", "tongue", "spine", "lips")], [120, 100, 90, 110], 4)
    pattern = np.random.default_rng(0).integers(0, 20, (SIZE, SIZE))
    return (level + pattern * (regions == index("tongue"))).astype(np.uint8), regions


def test_articulators_only_change_their_level_and_air_stays_dark(head):
    frames, regions = head
    for seed in range(20):
        varied = vary_regions(frames, regions, np.random.default_rng(seed))
        tongue = regions == index("tongue")
        gain = varied[tongue].astype(float).mean() / frames[tongue].mean()
        unclipped = tongue & (varied < 255)
        np.testing.assert_allclose(varied[unclipped], frames[unclipped] * gain, atol=1.5)
        still = np.isin(regions, [index("airway"), index("outside")])
        np.testing.assert_array_equal(varied[still], frames[still])


def test_bystanders_change_differently_from_draw_to_draw_but_not_within_a_window(head):
    frames, regions = head
    brain = regions[0] == index("brain")
    draws = [vary_regions(frames, regions, np.random.default_rng(seed)).astype(float) for seed in range(12)]
    assert np.std([d[0][brain].mean() for d in draws]) > 10
    assert max(d[0][brain].std() for d in draws) > 10  # an even brain gets shades and texture
    for draw in draws:
        np.testing.assert_array_equal(draw[0], draw[2])


def test_a_strangers_bystanders_come_without_their_articulators(head):
    frames, regions = head
    picture = np.full((SIZE, SIZE), 255, np.uint8)
    other = np.full((SIZE, SIZE), index("brain"), np.uint8)
    other[:, : SIZE // 2] = index("tongue")
    swapped = kept = False
    for seed in range(60):
        alone = vary_regions(frames, regions, np.random.default_rng(seed))
        mixed = vary_regions(frames, regions, np.random.default_rng(seed), stranger=(picture, other))
        kept |= bool((mixed[:, :, : SIZE // 2] == alone[:, :, : SIZE // 2]).all())
        swapped |= bool(np.median(mixed[:, 8:16, SIZE // 2 :]) > np.median(frames[:, 8:16]))
    assert kept and swapped


def test_strength_nought_changes_nothing(head):
    frames, regions = head
    np.testing.assert_array_equal(vary_regions(frames, regions, np.random.default_rng(0), 0.0), frames)


# -------------------------------------------------------------------------------------------------------------- truth


def truth(frames=6):
    """A truth whose label of frame t is class t mod 3, over an area that doubles from frame to frame."""
    labels = np.repeat(np.arange(frames) % 3, 16).reshape(frames, 4, 4).astype(np.uint8)
    return {
        "labels": labels,
        "classes": np.array(["outside", "upper_lip", "fat"]),
        "regions": np.array('{"lips": ["upper_lip", "lower_lip"]}'),
        "fps": np.array(10.0),
        "tract": np.zeros((frames, 19), np.float32),
        "glottis": np.tile(np.array([[128.0, 0.1, 0.2]], np.float32), (frames, 1)),
        "glottis_names": np.array(["F0", "XB", "XT"]),
        "area_cm2": np.tile(2.0 ** np.arange(frames, dtype=np.float32)[:, None], (1, 40)),
        "length_cm": np.full((frames, 40), 0.4, np.float32),
        "velum_cm2": np.full(frames, 0.25, np.float32),
        "f0_hz": np.array([0, 0, 128, 128, 128, 0], np.float32)[:frames],
    }


def test_regions_of_the_phantoms_classes():
    table = region_of_class(["outside", "upper_lip", "fat"], {"lips": ["upper_lip", "lower_lip"]})
    assert [REGIONS[k] for k in table[:3]] == ["outside", "lips", "other tissue"]
    assert set(ARTICULATORS) <= set(REGIONS)


def test_the_truth_is_read_at_the_models_frame_rate(tmp_path):
    np.savez(tmp_path / "a.truth.npz", **truth())
    regions, values = read_truth(tmp_path / "a.truth.npz", 3, 5.0)  # every second frame: its middle lies in 1, 3, 5
    assert [REGIONS[r[0, 0]] for r in regions] == ["lips", "outside", "other tissue"]
    np.testing.assert_allclose(values[:, 0], np.log([2, 8, 32]), rtol=1e-5)


def test_the_articulation_holds_areas_length_velum_glottis_voice_and_f0():
    row = articulation(truth())[2]
    assert len(row) == 40 + 1 + 19 + 1 + 2 + 1 + 1
    np.testing.assert_allclose(row[[0, 39, 40, 60, 61, 62, 63, 64]], [np.log(4)] * 2 + [16, 0.5, 0.1, 0.2, 1, 7], 1e-5)


def test_a_truth_that_is_none_is_told(tmp_path):
    np.savez(tmp_path / "a.truth.npz", labels=np.zeros((2, 4, 4)))
    with pytest.raises(InputError, match="not the truth of a phantom"):
        read_truth(tmp_path / "a.truth.npz", 2, 10.0)

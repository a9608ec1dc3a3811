"""Regions: geometry by hand, files that lie, dimming, and the template on real pictures."""

import json
from itertools import islice

import numpy as np
import pytest

from rtmri2speech.anatomy.polygons import TEMPLATE, Region, find_regions, joint_mask, mask, read_regions
from rtmri2speech.clips.masking import dim, mean_picture, mixed
from rtmri2speech.errors import InputError
from rtmri2speech.render.outlines import outlined

SQUARE = Region("square", ((0.25, 0.5), (0.75, 0.5), (0.75, 1.0), (0.25, 1.0)))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (68, 68), (100, 40), (256, 256)])
def test_mask_has_the_area_of_the_polygon(height, width):
    assert SQUARE.area == pytest.approx(0.25)
    for region in (SQUARE, *TEMPLATE):
        drawn = mask(region, height, width)
        assert drawn.shape == (height, width) and drawn.dtype == np.float32
        assert drawn.min() >= 0 and drawn.max() <= 1
        assert drawn.mean() == pytest.approx(region.area, rel=0.06, abs=1e-3)


def test_mask_lies_where_the_polygon_does():
    drawn = mask(SQUARE, 8, 8)  # x right, y down: columns 2 to 5, rows 4 to 7
    expected = np.zeros((8, 8))
    expected[4:, 2:6] = 1
    np.testing.assert_allclose(drawn, expected, atol=0.02)
    half = mask(SQUARE.shifted(1 / 16, 0), 8, 8)  # half a column further right
    np.testing.assert_allclose(half[5], [0, 0, 0.5, 1, 1, 1, 0.5, 0], atol=0.02)


def test_moving_a_region():
    moved = SQUARE.shifted(-0.25, 0.1)
    assert moved.polygon[0] == pytest.approx((0.0, 0.6))
    assert SQUARE.scaled(0.5).polygon[0] == pytest.approx((0.375, 0.5))
    assert SQUARE.scaled(2).area == pytest.approx(1.0)
    corner = Region("corner", ((0.0, 0.0), (0.2, 0.0), (0.0, 0.2)))
    np.testing.assert_allclose(mask(corner.mirrored(), 16, 16), mask(corner, 16, 16)[:, ::-1], atol=0.02)
    assert mask(SQUARE.shifted(0, 3), 16, 16).max() == 0
    assert mask(SQUARE.shifted(0, 1e12), 16, 16).max() == 0
    with pytest.raises(InputError, match="scaled"):
        SQUARE.scaled(0)


def write(path, regions, encoding="utf-8"):
    entries = [{"name": region.name, "polygon": [list(point) for point in region.polygon]} for region in regions]
    path.write_text(json.dumps({"regions": entries}, ensure_ascii=False), encoding=encoding)


def test_regions_of_a_file_also_as_notepad_saves_it(tmp_path):
    regions = (*TEMPLATE, Region("唇", ((0.1, 0.1), (0.2, 0.1), (0.2, 0.3))))
    for encoding in ("utf-8", "utf-8-sig"):
        write(tmp_path / "my regions.json", regions, encoding)
        assert tuple(read_regions(tmp_path / "my regions.json")) == regions


def one(polygon, name="lips"):
    return json.dumps({"regions": [{"name": name, "polygon": polygon}]})


TRIANGLE = [[0.1, 0.1], [0.5, 0.1], [0.1, 0.5]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lips", "not a JSON"),
        ("", "not a JSON"),
        ("[" * 100_000, "not a JSON"),
        ("[]", "list called"),
        ('{"regions": {}}', "list called"),
        ('{"regions": []}', "0 regions"),
        ('{"regions": [3]}', "needs a"),
        ('{"regions": [{"name": "lips"}]}', "needs a"),
        (one(TRIANGLE[:2]), "2 points"),
        (one(TRIANGLE + [[0.1]]), r"not \[x, y\]"),
        (one(TRIANGLE + [["0.1", 0.2]]), r"not \[x, y\]"),
        (one(TRIANGLE + [[True, 0.2]]), r"not \[x, y\]"),
        (one(TRIANGLE + [[float("nan"), 0.2]]), "outside the picture"),
        (one(TRIANGLE + [[0.2, float("inf")]]), "outside the picture"),
        (one(TRIANGLE + [[0.2, 1.001]]), "outside the picture"),
        (one(TRIANGLE + [[10**400, 0.2]]), "outside the picture"),
        (one([[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]), "no area"),
        (one(TRIANGLE * 500), "1500 points"),
        (one(TRIANGLE, name="../lips"), "name"),
        (one(TRIANGLE, name=7), "name"),
        (json.dumps({"regions": [{"name": "a", "polygon": TRIANGLE}] * 2}), "more than one"),
        (" " * 1_000_001, "larger"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path, text, words):
    path = tmp_path / "regions.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words) as caught:
        read_regions(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_what_region_takes(tmp_path):
    assert [region.name for region in find_regions("velum")] == ["velum"]
    write(tmp_path / "two.json", TEMPLATE[:2])
    assert [region.name for region in find_regions(str(tmp_path / "two.json"))] == ["lips", "tongue"]
    with pytest.raises(InputError, match="lips, tongue, velum, larynx"):
        find_regions("nose")
    with pytest.raises(InputError, match="Cannot read"):
        find_regions(str(tmp_path / "absent.json"))
    with pytest.raises(InputError, match="Cannot read"):
        find_regions(str(tmp_path))
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a JSON"):
        find_regions(str(tmp_path / "bytes.json"))


def test_dim_keeps_the_rest_and_leaves_the_stated_share():
    frames = np.random.default_rng(0).integers(0, 256, (5, 8, 8), np.uint8)
    region_mask = np.zeros((8, 8), np.float32)
    region_mask[2:4, 3:6] = 1
    dimmed = dim(frames, region_mask, 0.3)
    inside = region_mask == 1
    assert dimmed.dtype == np.uint8
    np.testing.assert_array_equal(dimmed[:, ~inside], frames[:, ~inside])
    np.testing.assert_allclose(dimmed[:, inside], 0.7 * frames[:, inside], atol=0.51)
    np.testing.assert_array_equal(dim(frames, region_mask, 0), frames)
    assert dim(frames, region_mask, 1)[:, inside].max() == 0
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="strength"):
            dim(frames, region_mask, wrong)
    with pytest.raises(InputError, match="mask of their size"):
        dim(frames, region_mask[:4], 0.3)


def test_the_mean_picture_takes_the_movement_and_leaves_the_picture():
    frames = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    region_mask = np.zeros((8, 8), np.float32)
    region_mask[2:4, 3:6] = 1
    inside = region_mask == 1
    stopped = mixed(frames, mean_picture(frames), region_mask, 1)
    assert stopped.dtype == np.uint8 and np.ptp(stopped[:, inside], axis=0).max() == 0
    np.testing.assert_allclose(stopped[0, inside], frames[:, inside].mean(axis=0), atol=0.51)
    np.testing.assert_array_equal(stopped[:, ~inside], frames[:, ~inside])
    np.testing.assert_array_equal(mixed(frames, mean_picture(frames), region_mask, 0), frames)
    half = mixed(frames, mean_picture(frames), region_mask, 0.5)[:, inside]
    np.testing.assert_allclose(half, 0.5 * frames[:, inside] + 0.5 * frames[:, inside].mean(axis=0), atol=0.51)
    with pytest.raises(InputError, match="strength"):
        mixed(frames, mean_picture(frames), region_mask, 2)


def test_an_overlap_counts_once():
    left = Region("left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
    middle = left.shifted(0.25, 0)
    joint = joint_mask([left, middle], 16, 16)
    assert joint.max() <= 1 and joint.mean() == pytest.approx(0.75, abs=0.02)
    assert joint_mask([], 4, 4).max() == 0


def test_the_outline_runs_along_the_border():
    picture = outlined(np.full((64, 32), 100, np.uint8), mask(SQUARE, 64, 32), 256)
    assert picture.shape == (256, 128, 3)
    coloured = (picture != 100).any(axis=2)
    rows, columns = np.nonzero(coloured)
    assert rows.min() == pytest.approx(128, abs=4) and rows.max() >= 252
    assert (columns.min(), columns.max()) == (pytest.approx(32, abs=4), pytest.approx(96, abs=4))
    assert not coloured[150:230, 45:85].any()  # the inside stays visible


@pytest.mark.parametrize("clip", ["lac12112011_13_29_46", "lac12112011_13_30_52", "s2_study6_3"])
def test_template_finds_what_moves_in_real_speech(shared, clip):
    """Speech moves lips, tongue, velum and jaw; brain and spine lie still. Movement needs no labels to be measured."""
    import av

    with av.open(str(shared / "rtmri" / f"{clip}.avi")) as container:
        ten_seconds = islice(container.decode(video=0), 230)
        frames = np.stack([frame.to_ndarray(format="gray") for frame in ten_seconds])
    movement = frames.std(axis=0)
    inside = {}
    for region in TEMPLATE:
        drawn = mask(region, *movement.shape)
        inside[region.name] = float((movement * drawn).sum() / drawn.sum())
    still = max(inside["brain"], inside["spine"])
    for articulator in ("lips", "tongue", "velum", "jaw"):
        assert inside[articulator] > 1.5 * still, inside

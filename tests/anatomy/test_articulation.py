"""Measures of articulation: against distances drawn by hand, and against what VocalTractLab was told to do."""

import numpy as np
import pytest

from rtmri2speech.anatomy.articulation import LINES, articulation
from rtmri2speech.anatomy.regions import NAMES, Regions
from rtmri2speech.anatomy.sources import regions_from_truth
from rtmri2speech.anatomy.table import table, write_table
from rtmri2speech.assets import ASSETS

K = {name: NAMES.index(name) for name in NAMES}
CLIPS = sorted((ASSETS / "clips").glob("*.truth.npz"))


def drawn(lips_apart=10, tongue_top=130, velum_x=160, jaw=0, larynx=0) -> np.ndarray:
    """A tract of rectangles, face to the left."""
    labels = np.zeros((256, 256), np.uint8)
    labels[60:220, 100:200] = K["airway"]
    labels[80:95, 60:150] = K["hard_palate"]
    labels[95:110, 150:velum_x] = K["velum"]
    labels[60:210, 200:210] = K["pharynx_wall"]
    labels[tongue_top:180, 90:170] = K["tongue"]
    labels[100:120, 40:55] = K["upper_lip"]
    labels[120 + lips_apart : 140 + lips_apart, 40:55] = K["lower_lip"]
    labels[150 + jaw : 170 + jaw, 60:80] = K["jaw"]
    labels[205 + larynx : 220 + larynx, 165:199] = K["larynx"]
    return labels


def regions_of(*frames: np.ndarray, facing: str = "left") -> Regions:
    return Regions(np.stack(frames), 20.0, (256, 256), "truth", np.ones((len(frames), len(NAMES)), np.float32), facing)


def test_distances_are_those_drawn():
    found = articulation(regions_of(drawn(lips_apart=10, tongue_top=130), drawn(lips_apart=3, tongue_top=120)))
    assert found.lip_aperture == pytest.approx([10, 3], abs=0.8)
    assert found.tongue_palate == pytest.approx([35, 25], abs=0.8)
    assert found.tongue_pharynx == pytest.approx([30, 30], abs=0.8)
    assert found.velum_opening == pytest.approx([40, 40], abs=0.8)
    assert np.diff(found.tongue_velum) == pytest.approx([-10], abs=0.8)


def test_what_touches_is_closed():
    found = articulation(regions_of(drawn(lips_apart=0, tongue_top=95, velum_x=200)))
    assert found.lip_aperture[0] == 0 and found.tongue_palate[0] == 0 and found.velum_opening[0] == 0


def test_heights_are_taken_along_the_heads_axis():
    found = articulation(regions_of(drawn(), drawn(jaw=12), drawn(larynx=-8)))
    assert found.jaw_height == pytest.approx([-72.5, -84.5, -72.5], abs=0.6)
    assert np.diff(found.larynx_height)[1] == pytest.approx(8, abs=0.6)


def test_a_mirrored_face_measures_the_same():
    frames = drawn(), drawn(lips_apart=4, tongue_top=110)
    left = articulation(regions_of(*frames))
    right = articulation(regions_of(*(frame[:, ::-1] for frame in frames), facing="right"))
    for name, column in left.columns().items():
        assert np.allclose(column, right.columns()[name], equal_nan=True), name


def test_a_missing_region_gives_no_number_and_no_error():
    bare = drawn()
    bare[bare == K["velum"]] = 0
    found = articulation(regions_of(drawn(), bare))
    assert np.isnan(found.velum_opening[1]) and np.isfinite(found.velum_opening[0])
    nothing = articulation(regions_of(np.zeros((256, 256), np.uint8)))
    assert all(np.isnan(column).all() for column in nothing.columns().values())


def test_centimetres_follow_the_clips_own_pixels():
    regions = Regions(drawn()[None], 20.0, (68, 68), "truth", np.ones((1, len(NAMES)), np.float32))
    measured = articulation(regions)
    cm = measured.in_cm(2.9, (68, 68))  # 68 pixels of 2.9 mm are 19.72 cm
    assert cm.tongue_palate[0] == pytest.approx(35 / 256 * 19.72, abs=0.1)
    assert cm.tongue_palate_place[0] == measured.tongue_palate_place[0]


@pytest.mark.parametrize("path", CLIPS, ids=[path.stem for path in CLIPS])
def test_measures_of_the_true_labels_follow_what_moved_the_phantom(path):
    with np.load(path) as data:
        names = [str(name) for name in data["tract_names"]]
        tract = {name: data["tract"][:, names.index(name)] for name in names}
        length, area, count = data["length_cm"].sum(axis=1), data["area_cm2"], len(data["labels"])
    found = articulation(regions_from_truth(path, count, 11413 / 420, (256, 256)))
    pairs = (
        (found.lip_aperture, tract["LD"], 0.9),
        (found.lip_protrusion, tract["LP"], 0.9),
        (found.jaw_height, tract["JA"], 0.98),
        (found.larynx_height, tract["HY"], 0.97),
        (found.tract_length, length, 0.95),
        (found.cross_distances[:, 8], np.sqrt(area[:, 10]), 0.85),  # pharynx
        (found.cross_distances[:, LINES - 1], np.sqrt(area[:, -1]), 0.8),  # lips
    )
    for measured, moved, least in pairs:
        assert np.corrcoef(measured, moved)[0, 1] > least


def test_the_table_names_units_and_leaves_out_what_cannot_be_measured(tmp_path):
    bare = drawn()
    bare[bare == K["velum"]] = 0
    regions = regions_of(drawn(), bare)
    names, values = table(regions, np.array([0.0, 0.05]), pixel_mm=1.0)
    assert values.shape == (2, len(names)) and len(set(names)) == len(names)
    assert {"lip_aperture_px", "lip_aperture_cm", "constriction_place", "cross_32_px"} <= set(names)
    assert values[0, names.index("lip_aperture_cm")] == pytest.approx(1.0, abs=0.08)
    write_table(tmp_path / "a.csv", regions, np.array([0.0, 0.05]))
    lines = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    head = lines[0].split(",")
    assert head[:3] == ["frame", "time_s", "confidence"] and "lip_aperture_cm" not in head
    assert lines[2].split(",")[head.index("velum_opening_px")] == "" and lines[2].startswith("1,0.0500,")

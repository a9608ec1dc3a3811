"""The segmenter: the road from frames to regions, and the embedded weights against the phantoms' own labels."""

import shutil

import cv2
import numpy as np
import pytest
import torch

from rtmri2speech.anatomy import segmenter as road
from rtmri2speech.anatomy.network import Segmenter, SegmenterConfig
from rtmri2speech.anatomy.regions import NAMES
from rtmri2speech.anatomy.segmenter import pictures, segment_regions
from rtmri2speech.anatomy.segmenter_bundle import SegmenterBundle, load_segmenter, runner
from rtmri2speech.anatomy.sources import regions_from_truth
from rtmri2speech.assets import ASSETS
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.phantom_truth import truth_beside
from rtmri2speech.errors import InputError

CLIPS = sorted((ASSETS / "clips").glob("*.mp4"))
LEAST_DICE = {
    "tongue": 0.93, "lower_lip": 0.85, "upper_lip": 0.85, "velum": 0.80, "jaw": 0.85, "hard_palate": 0.75,
    "pharynx_wall": 0.75, "larynx": 0.75, "airway": 0.85, "brain": 0.90, "spine": 0.65,
}  # fmt: skip


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.fixture(scope="module")
def embedded() -> SegmenterBundle:
    return load_segmenter()


@pytest.fixture(scope="module")
def clip():
    return read_clip(CLIPS[0])


@pytest.fixture(scope="module")
def found(clip, embedded):
    return segment_regions(clip.frames[:24], clip.fps, embedded)


@pytest.mark.parametrize("path", CLIPS, ids=[path.stem for path in CLIPS])
def test_the_embedded_weights_find_the_regions_of_the_embedded_clips(path, embedded):
    clip = read_clip(path)
    truth = regions_from_truth(truth_beside(path), len(clip.frames), clip.fps, (256, 256))
    found = segment_regions(clip.frames[::4], clip.fps / 4, embedded)
    assert found.verdict.kind == "profile" and found.facing == "left" and found.source == "segmenter"
    for name, least in LEAST_DICE.items():
        assert dice(found.mask(name), truth.mask(name)[::4]) > least, name
    assert found.frame_confidence.min() > 0.8


def test_a_face_that_looks_right_is_its_mirror_image(clip, found, embedded):
    mirrored = segment_regions(np.ascontiguousarray(clip.frames[:24, :, ::-1]), clip.fps, embedded)
    assert mirrored.facing == "right" and mirrored.verdict.kind == "profile"
    for name in ("tongue", "velum", "lips", "pharynx_wall"):
        assert dice(mirrored.mask(name)[:, :, ::-1], found.mask(name)) > 0.97, name


def rng_noise(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (count, 84, 84)).astype(np.uint8)


def blobs(count: int) -> np.ndarray:
    frame = np.zeros((100, 100), np.uint8)
    for x, y, r, v in ((30, 30, 20, 200), (70, 60, 25, 120), (40, 80, 12, 255)):
        cv2.circle(frame, (x, y), r, v, -1)
    return np.repeat(frame[None], count, axis=0)


@pytest.mark.parametrize(
    "frames",
    [np.zeros((4, 64, 64), np.uint8), np.full((4, 64, 64), 200, np.uint8), rng_noise(4), blobs(4)],
    ids=["black", "gray", "noise", "blobs"],
)
def test_what_is_no_head_has_no_regions_and_is_told(frames, embedded):
    regions = segment_regions(frames, 20.0, embedded)
    assert not regions.verdict.usable and not regions.labels.any() and not regions.confidence.any()
    assert regions.verdict.sentence.startswith("The picture does not show")


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_head_on_its_side_is_told_from_no_head(clip, turns, embedded):
    regions = segment_regions(np.rot90(clip.frames[:4], turns, (1, 2)).copy(), clip.fps, embedded)
    assert regions.verdict.kind == "turned" and not regions.labels.any()


def test_a_picture_that_cuts_the_tract_says_what_is_missing(clip, embedded):
    regions = segment_regions(clip.frames[:8, :, 70:].copy(), clip.fps, embedded)  # without lips
    assert regions.verdict.kind == "cut_off" and "upper_lip" in regions.verdict.values["missing"]


def test_other_sizes_land_on_their_own_pixels(clip, found, embedded):
    small = np.stack([cv2.resize(f, (68, 68), interpolation=cv2.INTER_AREA) for f in clip.frames[:4]])
    wide = np.zeros((4, 68, 100), np.uint8)
    wide[:, :, 20:88] = small
    regions = segment_regions(wide, clip.fps, embedded)
    own = regions.mask_on_clip("tongue")
    want = np.stack(
        [cv2.resize(m.astype(np.float32), (68, 68), interpolation=cv2.INTER_AREA) for m in found.mask("tongue")[:4]]
    )
    assert own.shape == (4, 68, 100)
    assert dice(own[:, :, 20:88] > 0.5, np.stack(want) > 0.5) > 0.88 and own[:, :, :20].max() == 0


def test_a_clip_in_pieces_is_the_clip_in_one(clip, found, embedded, monkeypatch):
    monkeypatch.setattr(road, "_CHUNK", 7)
    pieces = segment_regions(clip.frames[:24], clip.fps, embedded)
    assert np.array_equal(pieces.labels, found.labels)


def test_smoothing_in_time_outvotes_a_single_bad_frame_at_a_high_rate_only(clip, embedded):
    frames = np.repeat(clip.frames[:1], 15, axis=0)
    frames[7] = clip.frames[-1] // 2 + np.random.default_rng(1).integers(0, 120, (256, 256)).astype(np.uint8)
    fast = segment_regions(frames, 200.0, embedded)
    slow = segment_regions(frames, 10.0, embedded)
    assert dice(fast.mask("tongue")[7], fast.mask("tongue")[0]) > dice(slow.mask("tongue")[7], slow.mask("tongue")[0])
    assert np.array_equal(slow.labels[3], segment_regions(frames[:1], 10.0, embedded).labels[0])


def test_pictures_are_made_square_and_standardised():
    frames = np.zeros((1, 30, 60), np.uint8)
    frames[:, :, :30] = 200
    (picture,) = pictures(frames, 64)
    assert picture.mean() == pytest.approx(0, abs=1e-5) and picture.std() == pytest.approx(1, abs=1e-5)
    assert picture[32, 10] > picture[2, 10] == picture[60, 40]  # black above and below, and right


def test_the_graph_computes_what_the_weights_do(embedded, clip):
    batch = pictures(clip.frames[:2], embedded.network.config.size)
    with torch.inference_mode():
        plain = embedded.network(torch.from_numpy(batch)[:, None]).softmax(1).numpy()
    for run in (runner(embedded, "fp32"), runner(SegmenterBundle("x", embedded.network), "fp32")):
        assert np.abs(run(batch) / 255 - plain).max() < 0.01


def test_a_folder_is_written_and_read_whole_or_refused(tmp_path):
    torch.manual_seed(0)
    tiny = SegmenterBundle("tiny", Segmenter(SegmenterConfig(32, (8, 8), 2)), {"step": 1})
    tiny.save(tmp_path / "a")
    again = load_segmenter(tmp_path / "a")
    assert again.training == {"step": 1}
    for name, tensor in tiny.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], tensor) or name.endswith("num_batches_tracked")
    with pytest.raises(InputError, match="exists"):
        tiny.save(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    weights = tmp_path / "b" / "segmenter.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(InputError, match="sha256"):
        load_segmenter(tmp_path / "b")
    with pytest.raises(InputError, match="no segmenter"):
        load_segmenter(tmp_path)


def test_frames_of_another_kind_are_refused(embedded):
    with pytest.raises(InputError, match="uint8"):
        segment_regions(np.zeros((3, 8, 8)), 20.0, embedded)


@pytest.mark.slow
def test_real_clips_are_heads_in_profile_whose_parts_lie_where_they_must(shared, embedded):
    for path in sorted((shared / "rtmri").glob("*.avi")):
        clip = read_clip(path)
        regions = segment_regions(clip.frames[100:140:4], clip.fps / 4, embedded)
        assert regions.verdict.usable and regions.facing == "left", path.name
        middle = {}
        for name in ("tongue", "lips", "velum", "hard_palate", "pharynx_wall", "larynx"):
            rows, columns = np.nonzero(regions.mask(name).any(axis=0))
            middle[name] = columns.mean(), rows.mean()
        assert middle["lips"][0] < middle["tongue"][0] < middle["pharynx_wall"][0]
        assert middle["hard_palate"][1] < middle["tongue"][1] < middle["larynx"][1]
        assert (0.035 < regions.area("tongue")).all() and (regions.area("tongue") < 0.2).all()
        inside = clip.frames[100:140:4][regions.mask_on_clip("tongue") > 0.9].mean()
        air = clip.frames[100:140:4][regions.mask_on_clip("airway") > 0.9].mean()
        assert inside > 3 * air  # the tongue is flesh, and the airway is not


def test_names_of_the_network_are_those_of_the_program(embedded):
    assert embedded.network.config.regions == NAMES


def test_brain_and_spine_are_not_made_up_where_the_picture_is_dark():
    """The coil of a real scanner reaches no farther than the face."""
    clip = read_clip(CLIPS[-1]).frames[::6]
    y, x = np.mgrid[: clip.shape[1], : clip.shape[2]] / clip.shape[1]
    reach = np.clip(1.6 - 3.2 * np.hypot(x - 0.35, y - 0.55), 0, 1)  # about the mouth
    dim = (clip * reach).astype(np.uint8)
    bright, dark = segment_regions(clip, 27.0), segment_regions(dim, 27.0)
    assert bright.area("brain").mean() > 0.05 and bright.area("spine").mean() > 0.02
    assert dark.verdict.usable and dark.area("tongue").mean() > 0.5 * bright.area("tongue").mean()
    assert not dark.area("brain").any() and not dark.confidence[:, NAMES.index("brain")].any()

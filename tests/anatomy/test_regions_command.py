"""python -m rtmri2speech regions, and mask with regions that move."""

import json

import numpy as np
import pytest

from rtmri2speech.anatomy.sources import regions_from_truth
from rtmri2speech.assets import ASSETS
from rtmri2speech.cli import main
from rtmri2speech.clips.clip import read_clip

CLIP = ASSETS / "clips" / "sakura_known_speaker.mp4"


def test_labels_table_and_video_are_written(tmp_path, capsys):
    count = len(read_clip(CLIP).frames)
    assert main(["regions", str(CLIP), "-o", str(tmp_path / "a.npy"), "--source", "truth"]) == 0
    labels = np.load(tmp_path / "a.npy")
    assert labels.dtype == np.uint8 and labels.shape == (count, 256, 256)
    truth = regions_from_truth(CLIP.with_name(f"{CLIP.stem}.truth.npz"), count, 11413 / 420, (256, 256))
    assert np.array_equal(labels, truth.labels)
    assert main(["regions", str(CLIP), "-o", str(tmp_path / "a.csv"), "--source", "truth", "--pixel-size", "1"]) == 0
    rows = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == count + 1 and "tract_length_cm" in rows[0]
    capsys.readouterr()
    assert main(["regions", str(CLIP), "-o", str(tmp_path / "a.mp4"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["source"] == "segmenter" and report["verdict"] == "profile" and report["frames"] == count
    assert 0.02 < report["mean_area"]["tongue"] < 0.15
    video = read_clip(tmp_path / "a.mp4")
    assert len(video.frames) == count and video.audio is not None
    plain = read_clip(CLIP).frames[5].astype(float)
    assert np.abs(video.frames[5][::2, ::2] - plain).mean() < 12  # the clip itself, and lines on it


def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, capsys):
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 64)).astype(np.uint8)
    np.save(tmp_path / "noise.npy", noise)
    cases = (
        ([str(CLIP), "-o", str(tmp_path / "a.png")], ".npy, .mp4 or .csv"),
        ([str(CLIP), "-o", str(tmp_path / "a.csv"), "--pixel-size", "0"], "pixel"),
        ([str(tmp_path / "noise.npy"), "-o", str(tmp_path / "a.csv")], "head in profile"),
        ([str(tmp_path / "noise.npy"), "-o", str(tmp_path / "a.csv"), "--source", "truth"], "no truth"),
        ([str(CLIP), "-o", str(tmp_path / "a.csv"), "--source", "guess"], "guess"),
    )
    for arguments, words in cases:
        assert main(["regions", *arguments]) == 2
        told = capsys.readouterr().err
        assert words in told and told.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["noise.npy"]


def test_mask_hides_the_region_as_it_moves(tmp_path):
    out = tmp_path / "m.mp4"
    arguments = ["mask", str(CLIP), "--region", "tongue", "--strength", "1", "-o", str(out), "--source", "truth"]
    assert main(arguments) == 0
    clip, masked = read_clip(CLIP), read_clip(out)
    truth = regions_from_truth(CLIP.with_name(f"{CLIP.stem}.truth.npz"), len(clip.frames), clip.fps, (256, 256))
    tongue = truth.mask("tongue")
    moved = tongue[10] ^ tongue[25]
    assert moved.sum() > 200
    for t in (10, 25):
        assert masked.frames[t][tongue[t]].mean() < 16 < 60 < clip.frames[t][tongue[t]].mean()
        elsewhere = ~truth.mask("tract")[t]
        assert np.abs(masked.frames[t][elsewhere].astype(float) - clip.frames[t][elsewhere]).mean() < 4


@pytest.mark.parametrize("extra", [["--mirror"], ["--scale", "1.2"]])
def test_polygons_are_placed_regions_that_move_are_not(tmp_path, capsys, extra):
    arguments = ["mask", str(CLIP), "--region", "tongue", "-o", str(tmp_path / "m.mp4"), *extra]
    assert main(arguments) == 2 and "--source template" in capsys.readouterr().err
    assert main([*arguments, "--source", "template"]) == 0


def test_a_segmenter_of_ones_own_is_used_and_too_few_corrections_are_no_lesson(tmp_path, capsys):
    own = str(ASSETS / "models" / "regions")
    for name, more in (("a", []), ("b", ["--segmenter", own])):
        assert main(["regions", str(CLIP), "-o", str(tmp_path / f"{name}.npy"), *more]) == 0
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))
    wrong = ["regions", str(CLIP), "-o", str(tmp_path / "c.npy"), "--segmenter", own, "--source", "truth"]
    assert main(wrong) == 2 and not (tmp_path / "c.npy").exists()
    corrections = [{"what": "shifted", "dx": 0.01, "dy": 0.0, "frames": [3, 5], "region": "tongue"}]
    (tmp_path / "few.json").write_text(json.dumps(corrections), encoding="utf-8")
    capsys.readouterr()
    learn = ["regions", str(CLIP), "--learn", str(tmp_path / "few.json"), "-o", str(tmp_path / "tuned")]
    assert main(learn) == 2 and "5 corrected frames or more, not 3" in capsys.readouterr().err
    assert not (tmp_path / "tuned").exists()

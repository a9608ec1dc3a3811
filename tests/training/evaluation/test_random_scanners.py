"""A bundle is judged on label maps that were coloured anew: those of the clip's own group, against its own sound."""

import json
import zlib

import numpy as np
import pytest

from rtmri2speech.speech.audio import write_audio
from rtmri2speech.speech.metrics import loudness_correlation
from tests.conftest import lively_bundle, moving_frames
from training.articulation.corpus import COLUMNS
from training.articulation.label_maps import SIZE, Pictures, write_pictures
from training.evaluation import random_scanners
from training.evaluation.domain_shift import means
from training.phantom.head import LABEL

COUNT = 34


@pytest.fixture
def folder(tmp_path):
    """Two utterances whose tongue falls, and their sound; the bundle is one that follows frames."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    maps = []
    for k in range(2 * COUNT):
        labels = np.full((SIZE, SIZE), LABEL["tissue"], np.uint8)
        labels[np.hypot(x - 120, y - 170 - k % COUNT) < 30] = LABEL["tongue"]
        maps.append(zlib.compress(labels.tobytes()))
    group = np.repeat([0, 1], COUNT)
    pictures = Pictures(maps, np.zeros((2 * COUNT, COLUMNS), np.float32), group, ("s70_0000", "s71_0000"))
    write_pictures(tmp_path / "clips.npz", pictures)
    rng = np.random.default_rng(0)
    for name in pictures.names:
        loud = np.repeat(rng.uniform(0, 0.3, COUNT), 420)
        write_audio(tmp_path / f"{name}.wav", (loud * rng.normal(0, 1, COUNT * 420)).astype(np.float32), 11413)
    lively_bundle(moving_frames(COUNT)).save(tmp_path / "bundle")
    return tmp_path


def test_clips_are_coloured_always_alike_and_each_in_its_own_way(folder):
    pictures = random_scanners.read_pictures(folder / "clips.npz")
    first, again, second = (
        random_scanners.coloured(pictures, 0),
        random_scanners.coloured(pictures, 0),
        random_scanners.coloured(pictures, 1),
    )
    assert np.array_equal(first.frames, again.frames) and first.frames.shape == (COUNT, 256, 256)
    assert np.abs(first.frames.astype(float) - second.frames).mean() > 5
    assert first.fps == pytest.approx(11413 / 420) and first.source == "s70_0000"


def test_the_figures_are_those_of_each_clip_against_its_sound(folder, capsys, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "out.json"
    random_scanners.main(folder / "clips.npz", folder, folder / "bundle", json_out=out)
    table = json.loads(out.read_text())
    assert list(table) == ["s70_0000", "s71_0000", "mean"]
    loudness = [table[name]["loudness"] for name in table]
    assert loudness[2] == pytest.approx((loudness[0] + loudness[1]) / 2)
    assert abs(loudness[0]) <= 1 and f"{loudness[2]:10.2f}" in capsys.readouterr().out.splitlines()[-1]
    (folder / "s71_0000.wav").unlink()
    with pytest.raises(SystemExit):
        random_scanners.main(folder / "clips.npz", folder, folder / "bundle")
    assert "s71_0000 is not in the sound corpus" in capsys.readouterr().err


def test_means_leave_out_what_is_not_defined():
    assert means([[0.5, None, 3.0], [0.7, 0.2, None]]) == {
        "shape": pytest.approx(0.6),
        "loudness": pytest.approx(0.2),
        "pause_db": pytest.approx(3.0),
    }
    assert loudness_correlation(np.eye(3), np.eye(3)) is None or np.isnan(means([[None] * 3])["shape"])

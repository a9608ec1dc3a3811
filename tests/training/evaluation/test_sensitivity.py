"""The table of attribution against acoustics, on frames whose correlation is known."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from rtmri2speech.assets import ASSETS
from training.evaluation import sensitivity
from training.evaluation.sensitivity import ALL, Frame, correlations, edge_maps, interval, summary, table

STRETCHES = np.arange(8.0)


def frame(vowel: str, number: int, true: np.ndarray, found: np.ndarray) -> Frame:
    kinds = {"map": found[None], "random weights": np.stack([found, -found]), "edges": np.abs(found)[None]}
    return Frame("layer-ig", "F1", vowel, ("clip", number // 2), true, kinds)


def test_signs_and_sizes_are_compared_apart():
    true = STRETCHES - 3.6
    ((signed, random, edges, others, size, random_size, _),) = correlations([frame("a", 0, true, true)])
    assert signed == pytest.approx(1) and size == pytest.approx(1)
    assert random == pytest.approx(0)  # the mean of its draws
    assert random_size == pytest.approx(1)
    assert -1 < edges < 1
    assert np.isnan(others)  # there is no other vowel


def test_a_map_that_follows_the_vowel_disagrees_with_the_others():
    a, i = STRETCHES - 3.6, 3.6 - STRETCHES
    rows = summary([frame("a", 0, a, a), frame("a", 1, a, a), frame("i", 2, i, i)])
    assert [(row["vowel"], row["frames"]) for row in rows] == [("a", 2), ("i", 1), (ALL, 3)]
    for row in rows:
        assert row["map"] == pytest.approx(1) and row["other vowels"] == pytest.approx(-1)
        assert row["interval"] == pytest.approx((1, 1))
    assert "| layer-ig | F1 | a | 2 | 1.00 (1.00 to 1.00) |" in table(rows)


def test_neighbouring_frames_count_once():
    values = np.repeat(np.random.default_rng(0).normal(size=50), 4)
    alone = interval(values, [("clip", k) for k in range(200)])
    together = interval(values, [("clip", k // 4) for k in range(200)])
    assert np.ptp(together) > 1.6 * np.ptp(alone)
    assert np.ptp(together) == pytest.approx(2 * 1.96 * values.std() / np.sqrt(50), rel=0.15)


def test_edges_are_where_the_picture_changes():
    frames = np.zeros((1, 64, 64), np.float32)
    frames[:, :, 20:] = 1
    (found,) = edge_maps(frames, 8)
    assert found[:, 2].min() > 0.5 and not found[:, [0, 5, 7]].any()


@pytest.mark.slow
def test_the_command_writes_its_table(bundle_folder, tmp_path):
    out = tmp_path / "table.json"
    clip = str(ASSETS / "clips" / "sakura_known_speaker.mp4")
    from typer import Typer

    app = Typer()
    app.command()(sensitivity.main)
    said = CliRunner().invoke(app, [clip, "--bundle", str(bundle_folder), "--maps", "grad-cam", "--json", str(out)])
    assert said.exit_code == 0, said.output
    rows = json.loads(out.read_text())["rows"]
    assert {row["band"] for row in rows} == {"F1", "F2"} and rows[-1]["vowel"] == ALL
    assert "| grad-cam | F1 |" in said.output

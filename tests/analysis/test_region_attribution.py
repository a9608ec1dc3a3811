"""The account of the attribution against maps enlarged and masked pixel by pixel, and against cases made by hand."""

import csv
from dataclasses import replace

import cv2
import numpy as np
import pytest

from rtmri2speech import analyse
from rtmri2speech.analysis.region_attribution import (
    ELSEWHERE,
    WEAK,
    BandAttribution,
    RegionMasks,
    SurfaceMasks,
    attribute_to_regions,
    cell_weights,
)
from rtmri2speech.anatomy.regions import NAMES, Regions
from rtmri2speech.anatomy.sources import regions_from_template
from rtmri2speech.anatomy.surfaces import SURFACES
from rtmri2speech.clips.clip import Clip
from rtmri2speech.errors import InputError
from rtmri2speech.export.writer import ExportOptions, ExportSource, write_files
from tests.conftest import moving_frames

COUNT = 24


@pytest.fixture(scope="module")
def analysis(bundle):
    """Maps drawn at random, and a pause in the middle; a clip of twice the model's rate."""
    frames = np.repeat(moving_frames(COUNT), 2, axis=0)
    made = analyse(bundle, Clip(frames, np.arange(2 * COUNT + 1) / (2 * bundle.fps)), speak=False)
    rng = np.random.default_rng(1)
    silent = np.zeros(COUNT, bool)
    silent[10:14] = True
    cam = {name: rng.normal(0, 1, (COUNT, 8, 8)).astype(np.float32) for name in ("F1", "F2")}
    return replace(made, cam=cam, silent=silent)


@pytest.fixture(scope="module")
def masks():
    """Two regions that move and change their shape; they do not overlap."""
    y, x = np.mgrid[0:256, 0:256]
    blob = [np.hypot(x - 60 - 3 * t, y - 100) < 20 + t for t in range(COUNT)]
    strip = [(x > 200 - t) & (y < 90 + 2 * t) for t in range(COUNT)]
    return {"blob": np.stack(blob) & ~np.stack(strip), "strip": np.stack(strip)}


def enlarged(grid: np.ndarray, method: int) -> np.ndarray:
    return np.clip(cv2.resize(grid, (256, 256), interpolation=method), grid.min(), grid.max())


def test_shares_are_those_of_the_enlarged_map_under_each_frames_own_mask(analysis, masks):
    account = attribute_to_regions(analysis, masks)
    for name, cam in analysis.cam.items():
        attribution = account.bands[name]
        for t in (0, 7, 23):
            positive = np.maximum(cam[t], 0)
            assert attribution.amount[t] == pytest.approx(positive.sum(), rel=1e-6)
            for how, within in ((cv2.INTER_LINEAR, 1e-5), (cv2.INTER_CUBIC, 0.02)):  # as computed; as on screen
                heat = enlarged(positive, how)
                for region, drawn in masks.items():
                    assert attribution.shares[region][t] == pytest.approx(heat[drawn[t]].sum() / heat.sum(), abs=within)
    total = sum(account.bands["F1"].shares.values())
    np.testing.assert_allclose(total[~analysis.silent], 1, atol=1e-5)
    np.testing.assert_allclose(sum(account.areas.values()), 1, atol=1e-6)


def test_elsewhere_is_what_no_region_covers_however_they_overlap(analysis):
    left, middle = np.zeros((2, 1, 64, 64), bool)
    left[..., :32], middle[..., 16:48] = True, True
    flat = replace(analysis, cam={"F1": np.ones((COUNT, 8, 8), np.float32)})
    shares = attribute_to_regions(flat, {"left": left, "middle": middle}).bands["F1"].shares
    assert [shares[name][0] for name in ("left", "middle", ELSEWHERE)] == pytest.approx([0.5, 0.5, 0.25])


def test_a_fine_grid_is_weighed_by_its_own_cells():
    drawn = np.zeros((1, 256, 256), bool)
    drawn[:, 64:128, 192:] = True
    for rows in (8, 16, 32):
        grid = np.random.default_rng(rows).random((rows, rows)).astype(np.float32)
        heat = cv2.resize(grid, (256, 256), interpolation=cv2.INTER_LINEAR)
        share = (grid * cell_weights(drawn, rows, rows)[0]).sum() / grid.sum()
        assert share == pytest.approx(heat[drawn[0]].sum() / heat.sum(), rel=1e-5)


def test_silence_has_no_account_unless_it_is_shown(analysis, masks):
    attribution = attribute_to_regions(analysis, masks).bands["F1"]
    assert np.isnan(attribution.amount[10:14]).all() and np.isnan(attribution.shares["blob"][10:14]).all()
    assert (attribution.strength[10:14] == 0).all() and attribution.leading[10:14] == [None] * 4
    assert np.isfinite(np.delete(attribution.amount, np.s_[10:14])).all()
    shown = attribute_to_regions(replace(analysis, settings=replace(analysis.settings, silence="show")), masks).bands[
        "F1"
    ]
    assert np.isfinite(shown.amount).all() and np.isfinite(shown.shares["blob"]).all()
    loud = {"F1": analysis.cam["F1"].copy()}
    loud["F1"][10:14] *= 1000
    again = attribute_to_regions(replace(analysis, cam=loud), masks).bands["F1"]
    assert again.mean_shares() == attribution.mean_shares()
    np.testing.assert_array_equal(again.strength, attribution.strength)


def test_mean_shares_count_each_frame_by_its_evidence():
    shares = {"tongue": np.array([1.0, 0.0, np.nan]), ELSEWHERE: np.array([0.0, 1.0, np.nan])}
    attribution = BandAttribution(np.array([3.0, 1.0, np.nan]), "dB", np.array([1.0, 0.3, 0.0]), shares)
    assert attribution.mean_shares() == pytest.approx({"tongue": 0.75, ELSEWHERE: 0.25})
    assert attribution.mean_shares([1]) == pytest.approx({"tongue": 0, ELSEWHERE: 1})
    assert attribution.mean_shares([2]) == {"tongue": None, ELSEWHERE: None}


def test_the_leading_articulator_changes_where_the_table_says_so_and_not_for_a_single_frame():
    order = "ttt.lltltt-eeev"  # tongue, lips, elsewhere, velum; . silence, - hardly any attribution
    names = {"t": "tongue", "l": "lips", "e": ELSEWHERE, "v": "velum"}
    shares = {name: np.array([0.7 if names.get(c) == name else 0.1 for c in order]) for name in names.values()}
    amount = np.array([np.nan if c == "." else WEAK / 2 if c == "-" else 1.0 for c in order])
    for share in shares.values():
        share[np.isnan(amount)] = np.nan
    shares["lips"][10] = 0.9
    attribution = BandAttribution(amount, "dB", np.nan_to_num(amount), shares)
    told = [(change.frame, change.origin, change.to) for change in attribution.changes]
    assert told == [(4, "tongue", "lips"), (8, "lips", "tongue")]  # elsewhere is no articulator
    for frame, _, to in told:
        assert max(shares, key=lambda name: shares[name][frame]) == to == attribution.leading[frame]


def test_masks_that_do_not_fit_are_refused(analysis):
    for wrong in (
        {},
        {"a": np.zeros((3, 8, 8), bool)},
        {"a": np.zeros((1, 8, 8), bool), "b": np.zeros((1, 9, 9), bool)},
    ):
        with pytest.raises(InputError):
            attribute_to_regions(analysis, wrong)


def test_the_table_that_is_exported_is_the_account(analysis, masks, bundle, tmp_path):
    labels = np.where(masks["blob"], NAMES.index("tongue"), 0) + np.where(masks["strip"], NAMES.index("brain"), 0)
    regions = Regions(
        labels.astype(np.uint8), analysis.fps, (64, 64), "truth", np.ones((COUNT, len(NAMES)), np.float32)
    )
    subject = ExportSource("clip", analysis, regions, bundle, tmp_path / "clip.mp4")
    (path,) = write_files(tmp_path, subject, ExportOptions(stretch=(8, 15), bands=("F2",)), ["traces"])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    attribution = attribute_to_regions(analysis, SurfaceMasks(regions)).bands["F2"]
    shares = [f"F2_share_{name}" for name in (*SURFACES, ELSEWHERE)]
    tongue, brain = (f"F2_share_{name}" for name in ("tongue_front", "brain"))
    assert list(rows[0])[:5] == ["frame", "time_s", "source_frame", "source_time_s", "silence"]
    assert list(rows[0])[5:8] == ["method", "resolution", "baseline"]
    assert list(rows[0])[8 : 10 + len(shares)] == ["F2_energy_db", "F2_evidence_db", *shares]
    for row, t in zip(rows, range(8, 16), strict=True):
        assert (row["frame"], row["silence"]) == (str(t), str(int(10 <= t < 14)))
        # the picture at the midpoint of the model's frame, of a clip twice as fast
        assert int(row["source_frame"]) in (2 * t, 2 * t + 1)
        assert float(row["source_time_s"]) == pytest.approx(int(row["source_frame"]) / (2 * bundle.fps), abs=1e-6)
        if 10 <= t < 14:
            assert row["F2_evidence_db"] == row[tongue] == row[shares[-1]] == ""
        else:
            assert float(row["F2_evidence_db"]) == pytest.approx(attribution.amount[t], abs=1e-6)
            assert sum(float(row[name]) for name in shares) == pytest.approx(1, abs=1e-5)
            assert float(row[tongue]) == pytest.approx(attribution.shares["tongue_front"][t], abs=1e-6)
            assert float(row[brain]) == pytest.approx(attribution.shares["brain"][t], abs=1e-6)


def test_the_templates_masks_do_not_move(analysis):
    account = attribute_to_regions(analysis, RegionMasks(regions_from_template(COUNT, analysis.fps, (64, 64))))
    assert {"lips", "tongue", "velum", "spine", ELSEWHERE} < set(account.areas)
    assert sum(account.areas.values()) == pytest.approx(np.ones(COUNT))
    assert all(area.shape == (COUNT,) and np.ptp(area) == 0 for area in account.areas.values())

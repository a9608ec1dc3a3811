"""survey: the means of what single clips say, gone on with, and one bad clip costs itself only."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.region_attribution import SurfaceMasks, attribute_to_regions
from rtmri2speech.anatomy.regions import GROUPS
from rtmri2speech.anatomy.sources import regions_of
from rtmri2speech.anatomy.surfaces import SURFACES
from rtmri2speech.assets import ASSETS
from rtmri2speech.cli import main
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.corpus.accumulation import Tally, accumulate, phone_of_each_frame
from rtmri2speech.corpus.statistics import estimate, summarise
from rtmri2speech.corpus.survey import Choices, make, tasks_of
from rtmri2speech.models.load import load_bundle
from tests.conftest import moving_frames, write_mp4

CLIP = ASSETS / "clips" / "aiueo_new_speaker.mp4"
GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
2
<exists>
2
"IntervalTier"
"words"
0
2
1
0
2
"word"
"IntervalTier"
"phones"
0
2
{count}
{intervals}
"""


def write_grid(path, intervals):
    """A TextGrid in Praat's short form: a tier of words, then one of phones."""
    lines = [f'{start}\n{end}\n"{label}"' for start, end, label in intervals]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(GRID.format(count=len(lines), intervals="\n".join(lines)))
    return path


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


COLUMNS = ("phone", "band", "clips", "frames", "evidence", *SURFACES, "elsewhere")


def row_of(html, phone, band):
    """The row of the page's table."""
    rows = re.findall(r"<tr>.*?</tr>", html, re.DOTALL)
    return next(row for row in rows if f">[{phone}]<" in row and f">{band}<" in row)


def test_a_frame_is_of_the_phone_at_its_midpoint():
    said = phone_of_each_frame([(0, 0.25, "a"), (0.25, 0.3, "sil"), (0.3, 0.5, " t "), (0.5, 9, "<p:>")], 8, 10)
    assert said == ["a", "a", "", "t", "t", "", "", ""]  # 0.25 is the third frame's midpoint


def test_estimates_are_students():
    values = np.array([0.2, 0.25, np.nan, 0.4, 0.31])
    found = estimate(values, most=1.0)
    low, high = stats.ttest_1samp(values[np.isfinite(values)], 0).confidence_interval(0.95)
    assert (found.mean, found.low, found.high) == pytest.approx((np.nanmean(values), low, high))
    assert found.clips == 4
    assert estimate(np.array([0.0, 0.9]), most=1.0).low == 0 and estimate(np.array([0.1, 0.9]), most=1.0).high == 1
    assert np.isnan(estimate(np.array([0.3])).low) and estimate(np.array([np.nan])).clips == 0


@pytest.fixture(scope="module")
def analysed():
    """A phantom's clip by the embedded bundle, in which every frame speaks."""
    bundle, clip = load_bundle(), read_clip(CLIP)
    analysis = analyse(bundle, clip, speak=False, silence="show")
    return analysis, regions_of(analysis.model_frames, analysis.fps, CLIP, "truth")


def test_a_tally_is_what_the_account_says(analysed, tmp_path):
    analysis, regions = analysed
    made = accumulate(analysis, regions, [(0.4, 0.7, "a"), (0.7, 1.0, "i")])
    assert made.phones == ("a", "i")
    midpoints = (np.arange(len(analysis.mel_db)) + 0.5) / analysis.fps
    rows = np.flatnonzero((midpoints >= 0.4) & (midpoints < 0.7))
    assert made.frames[0] == len(rows)
    account = attribute_to_regions(analysis, SurfaceMasks(regions)).bands["F2"]
    assert made.amount[0, 1] == pytest.approx(account.amount[rows].mean())
    shares = dict(zip(made.regions, made.shares[0, 1], strict=True))
    assert shares == pytest.approx(account.mean_shares(rows)) and sum(shares.values()) == pytest.approx(1)
    tongue = regions.mask("tongue").mean(axis=0)  # the landmark lies near the mean tongue's middle
    y, x = (np.indices(tongue.shape) + 0.5) / 256
    expected = [(x * tongue).sum() / tongue.sum(), (y * tongue).sum() / tongue.sum()]
    np.testing.assert_allclose(made.landmarks[0], expected, atol=0.02)
    made.save(tmp_path / "a.npz")
    again = Tally.read(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.maps, made.maps)
    assert again.phones == made.phones and again.regions == made.regions


def test_a_face_that_looks_right_is_tallied_as_its_mirror_image(analysed):
    analysis, regions = analysed
    mirrored = replace(regions, labels=np.ascontiguousarray(regions.labels[:, :, ::-1]), facing="right")
    turned = replace(
        analysis,
        cam={name: np.ascontiguousarray(cam[:, :, ::-1]) for name, cam in analysis.cam.items()},
        model_frames=np.ascontiguousarray(analysis.model_frames[:, :, ::-1]),
    )
    plain, other = (accumulate(*both, [(0.4, 0.7, "a")]) for both in ((analysis, regions), (turned, mirrored)))
    for name in ("maps", "shares", "picture", "landmarks"):
        np.testing.assert_allclose(getattr(other, name), getattr(plain, name), atol=1e-5)


def test_clips_count_once_and_are_laid_onto_each_other(analysed):
    """Of one clip and the same one shifted: the mean map is the map, and not a blur of two."""
    one = accumulate(*analysed, [(0.4, 0.7, "a"), (0.7, 0.8, "i")])
    shift = 1 / 8  # whole cells of the map
    moved = replace(
        one,
        maps=np.roll(one.maps, one.maps.shape[-1] // 8, axis=-1),
        landmarks=one.landmarks + [shift, 0],
        frames=one.frames * 10,
        shares=one.shares / 2,
    )
    a, i = summarise({"one": one, "moved": moved})
    assert (a.label, a.clips, a.frames) == ("a", ("one", "moved"), 11 * one.frames[0])
    assert a.shares["F1"]["tongue_front"].mean == pytest.approx(
        0.75 * one.shares[0, 0, one.regions.index("tongue_front")]
    )
    alone = summarise({"one": one})[0].maps["F1"]
    middle = a.maps["F1"][:, 24:104]
    shifted = alone[:, 16:96]  # the common head lies half a cell from each
    assert np.corrcoef(middle.ravel(), shifted.ravel())[0, 1] > 0.99


@pytest.mark.slow
def test_the_command_goes_on_and_leaves_bad_clips_out(tmp_path, bundle_folder, capsys):
    clips, labels, out = tmp_path / "clips", tmp_path / "labels", tmp_path / "out"
    (clips / "day2").mkdir(parents=True)
    for k, name in enumerate(("a", "day2/b", "c")):
        write_mp4(clips / f"{name}.mp4", moving_frames(30, seed=k), 27)
    (clips / "bad.mp4").write_bytes(b"no video")
    for name in ("a", "day2/b", "bad"):
        write_grid(labels / f"{name}.TextGrid", [(0, 0.5, "a"), (0.5, 1.2, "S"), (1.2, 2, "")])

    def run(*more):
        capsys.readouterr()
        words = [clips, "--labels", labels, "-o", out, "--bundle", bundle_folder, *more]
        code = main(["survey", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    code, told, err = run("--regions", "template", "--jobs", "2")
    assert code == 1 and err == "" and "2 phones in 2 clips, 2 left out" in told
    became = {row["name"]: row for row in rows_of(out / "clips.csv")}
    assert {name: row["status"] for name, row in became.items()} == {
        "a": "made", "day2/b": "made", "c": "left out", "bad": "left out",
    }  # fmt: skip
    assert "no TextGrid" in became["c"]["reason"] and "not a video" in became["bad"]["reason"]
    assert {file.name for file in (out / "phones").iterdir()} == {"01_S.csv", "01_S.png", "02_a.csv", "02_a.png"}
    rows = {(r["phone"], r["band"], r["region"]): r for r in rows_of(out / "survey.csv")}
    of_clips = [
        float(row["share"])
        for row in rows_of(out / "phones" / "02_a.csv")
        if (row["band"], row["region"]) == ("F1", "tongue_front")
    ]
    row = rows["a", "F1", "tongue_front"]
    assert len(of_clips) == int(row["clips"]) == 2
    assert float(row["share"]) == pytest.approx(np.mean(of_clips), abs=1e-5)
    assert float(row["low"]) <= float(row["share"]) <= float(row["high"])
    html = (out / "survey.html").read_text(encoding="utf-8")
    cells = dict(
        zip(COLUMNS, re.findall(r'data-value="([^"]*)"', row_of(html, "a", "F1 band (300-900 Hz)")), strict=True)
    )
    assert float(cells["tongue_front"]) == pytest.approx(float(row["share"]), abs=1e-5)
    assert float(cells["evidence"]) == pytest.approx(float(row["evidence"]), rel=1e-5)
    assert f"<small>{100 * float(row['low']):.0f}–{100 * float(row['high']):.0f}</small>" in html
    assert not re.search(r'(src|href)="(?!data:|#)', html) and html.count("data:image/jpeg") == 2

    code, told, _ = run("--regions", "template", "--language", "ja")
    assert "音素ごとの根拠の場所" in (out / "survey.html").read_text(encoding="utf-8")
    assert told.count("made before") == 2
    write_grid(labels / "a.TextGrid", [(0, 0.5, "o"), (0.5, 2, "S")])
    code, told, _ = run("--regions", "template")
    assert told.count("made before") == 1
    assert {r["phone"] for r in rows_of(out / "survey.csv")} == {"S", "a", "o"}
    # A disc is no head: there are no regions, and pictures stay where they are.
    code, told, _ = run()
    assert "made before" not in told and {r["registered"] for r in rows_of(out / "clips.csv")} == {"frames", ""}
    assert {r["share"] for r in rows_of(out / "survey.csv")} == {""}
    assert float(rows_of(out / "survey.csv")[0]["evidence"]) > 0


def test_regions_of_the_network_register(tmp_path):
    """The embedded clip: its speech is found, and the tract is where regions say."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / CLIP.name).write_bytes(CLIP.read_bytes())
    beside = CLIP.with_suffix(".TextGrid")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / beside.name).write_bytes(beside.read_bytes())
    (task,) = tasks_of(tmp_path / "clips", tmp_path / "labels", tmp_path / "out")
    outcome = make(task, load_bundle(), Choices())
    assert outcome.registered == "regions" and outcome.frames > 20
    made = Tally.read(tmp_path / "out" / "clips" / f"{CLIP.stem}.npz")
    assert {"a", "i"} <= set(made.phones)
    assert np.isfinite(made.landmarks).all(axis=1).sum() >= len(GROUPS["tract"]) - 1
    assert json.loads((tmp_path / "out" / "clips" / f"{CLIP.stem}.json").read_text())["frames"] == outcome.frames


def test_bad_input(tmp_path, bundle_folder, capsys):
    def refused(words, *given):
        assert main(["survey", *map(str, given)]) == 2
        error = capsys.readouterr().err
        assert words in error and len(error.splitlines()) == 1, error

    clips = tmp_path / "clips"
    clips.mkdir()
    write_mp4(clips / "a.mp4", moving_frames(30), 27)
    (tmp_path / "labels").mkdir()
    options = ("-o", tmp_path / "out", "--bundle", bundle_folder)
    refused("no folder", clips, "--labels", tmp_path / "nowhere", *options)
    refused("no TextGrid of a clip's name", clips, "--labels", tmp_path / "labels", *options)
    write_grid(tmp_path / "labels" / "a.TextGrid", [(0, 1, "a")])
    refused("Regions come from", clips, "--labels", tmp_path / "labels", "--regions", "guess", *options)
    refused("no interval tier called 'tones'", clips, "--labels", tmp_path / "labels", "--tier", "tones", *options)
    refused("read", clips, "--labels", tmp_path / "labels", "-o", clips, "--bundle", bundle_folder)
    assert not (tmp_path / "out" / "survey.csv").exists()

"""What the panel "Trust" says of a card, and other maps of the clip that is shown."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.attribution.temporal import TemporalAttribution
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.faithfulness import SHARES, BandFaithfulness, FaithfulnessReport
from rtmri2speech.evaluation.faithfulness.report import Curves, DeletionTest, OutsideTract, RegionFaithfulness
from rtmri2speech.models.load import load_bundle
from rtmri2speech.progress import UNSEEN
from rtmri2speech.spec import F1, F2, Band
from rtmri2speech.ui import session
from rtmri2speech.ui.clip_notes import about
from rtmri2speech.ui.faithfulness_report import faithfulness_report, temporal_report
from rtmri2speech.ui.time_frequency_boxes import band_of
from tests.conftest import moving_frames, write_mp4


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory):
    return write_mp4(tmp_path_factory.mktemp("clips") / "disc.mp4", moving_frames(20, 64, 64))


def report_of(verdict="faithful"):
    curves = Curves(*(tuple(-k * share for share in SHARES) for k in (10.0, 3.0, -2.0)))
    regions = {
        "tongue": RegionFaithfulness(0.625, 0.04, -2.04, 2.5, 0.6),
        "brain": RegionFaithfulness(0.1, 0.2, 1.5, 1.6, 0.0),
    }
    whole = DeletionTest(verdict, 3.0, 1.0, 3.0, (2.2, 4.1), (1.0, 4.0), 0.5, -0.2, 0.875)
    tract = DeletionTest("weak", 1.2, 1.0, 1.2, (0.7, 2.0), (0.1, 1.0), 0.5, -0.2, 0.75)
    outside = OutsideTract(0.25, 0.3, 1.5, 3.5, 2.0, 5.0, (3.0, 7.0))
    result = BandFaithfulness(
        verdict, (3, 4, 5, 9, 11, 12), whole, tract, outside, curves, curves, regions, 1.0, 0.5,
        {"CNN": {"signed": 0.0, "absolute": 0.95}},
    )  # fmt: skip
    return FaithfulnessReport({"F1": result, "F<2>": BandFaithfulness("untested", (1,))}, "layer-ig", 32, 0.3)


def test_the_verdict_is_told_in_both_languages_and_nothing_of_it_can_act():
    assert "data-left-out" not in faithfulness_report(report_of())
    shown = faithfulness_report(report_of(), ["tilt", "a"])
    assert "Not tested: tilt, a. The deletion test" in shown and "検証しないもの：tilt, a。" in shown
    made = faithfulness_report(report_of())
    english, japanese = (re.search(f'<div class="in-{x}".*?</div>', made, re.S) for x in ("en", "ja"))
    assert english and japanese and "<2>" not in made and "F&lt;2&gt;" in made
    assert made.count('data-verdict="faithful"') == made.count('data-verdict="untested"') == 2  # a language each
    assert "changes the energy by −3.0 dB, 3.0 times" in made and "3.0倍" in made
    assert "frames 3–5, 9, 11–12." in made and "2.20 to 4.10" in made and "88 %" in made
    assert "too few frames with attribution" in made
    assert "loss.focus 0.3); it did not act on these maps" in made and "(rank correlation 0.95)" in made


def test_the_three_statements_on_a_band_stand_under_one_another():
    """The whole picture, whose verdict is the band's; the tract; and what the model takes from outside it."""
    rows = re.findall(r'<p data-row="(\w+)"(.*?)</p>', faithfulness_report(report_of()), re.S)
    first = dict(reversed(rows))  # the first language and band
    assert [name for name, _ in rows[:5]] == ["whole_picture", "inside_tract", "outside_tract", "raising", "caution"]
    assert "F1: passes the deletion test." in first["whole_picture"]
    assert 'data-verdict-of-row="weak"' in first["inside_tract"] and "hangs in the balance" in first["inside_tract"]
    assert "The model listens outside the tract: 30 % of what can be changed in F1" in first["outside_tract"]
    assert "Hiding brain (+1.5 dB) raises F1" in first["raising"]  # as the table says


def test_the_table_holds_attention_beside_the_signed_change():
    rows = faithfulness_report(report_of())
    cells = [
        re.search(rf'<tr data-change data-region="{name}">(.*?)</tr>', rows, re.S)[1] for name in ("tongue", "brain")
    ]
    assert re.findall(r"<td>(.*?)</td>", cells[0]) == ["4.0 %", "62 %", "−2.0 dB (2.5)"]
    assert re.findall(r"<td>(.*?)</td>", cells[1]) == ["20.0 %", "10 %", "+1.5 dB (1.6)"]


def test_the_curve_is_drawn_to_scale():
    """Equal steps of dB are equal steps of the picture, and shares stand where they belong."""
    made = faithfulness_report(report_of())
    lines = re.findall(r'<polyline class="(\w+)" points="([^"]+)"', made)
    points = {name: np.array([p.split(",") for p in text.split()], float) for name, text in reversed(lines)}
    most, least = points["most_salient"], points["least_salient"]
    assert most.shape == (len(SHARES) + 1, 2)  # deletion: from nothing on
    fits = np.polyfit(np.concatenate([-10.0 * np.array([0, *SHARES]), 2.0 * np.array([0, *SHARES])]),
                      np.concatenate([most[:, 1], least[:, 1]]), 1, full=True)  # fmt: skip
    assert fits[1] < 0.05 and fits[0][0] < 0  # a straight line; more is higher up
    np.testing.assert_allclose(np.diff(most[:, 0]) / np.diff([0, *SHARES]), np.ptp(most[:, 0]) / max(SHARES), rtol=0.02)


def test_other_maps_of_the_same_clip_keep_its_speech_and_its_corrected_regions(bundle, clip_file):
    result = session.open_clip(bundle, clip_file, None, UNSEEN, regions="template", maps="grad-cam")
    assert result.analysis.grid == 8 and result.maps == "grad-cam"
    result.tested["report"] = report_of()
    finer = result.with_maps(bundle, "layer-ig", UNSEEN)
    assert (finer.analysis.grid, finer.analysis.settings.method, finer.maps) == (32, "layer-ig", "layer-ig")
    assert finer.faithfulness is None and result.faithfulness is not None  # another map, another verdict
    assert finer.regions is result.regions and finer.analysis.audio is result.analysis.audio
    expected = analyse(bundle, result.analysis.clip, method="layer-ig", speak=False).cam["F2"]
    np.testing.assert_allclose(finer.analysis.cam["F2"], expected, atol=1e-5 * np.abs(expected).max())
    with pytest.raises(InputError, match="'7' is not one of layer-ig, layer-ig:16, grad-cam, hirescam"):
        result.with_maps(bundle, "7", UNSEEN)


def test_what_training_did_to_the_maps_is_said_of_the_embedded_model():
    class PageContext:
        bundles = type("Bundles", (), {"load": staticmethod(load_bundle)})

    focus = load_bundle("phantom").training["acoustic"]["loss"]["focus"]
    assert focus > 0
    assert "sees the vocal tract only" in about(PageContext, "tract", "en")
    assert "声道だけ" in about(PageContext, "tract", "ja")
    for language in ("en", "ja"):
        assert f"loss.focus {focus:g}" in about(PageContext, "phantom", language)


def test_a_box_is_a_band_of_its_own_until_it_is_removed(bundle, clip_file, monkeypatch):
    monkeypatch.setattr("rtmri2speech.analysis.pipeline.pauses", lambda mel, *_: np.zeros(len(mel), bool))
    result = session.open_clip(bundle, clip_file, None, UNSEEN, regions="template", maps="grad-cam")
    box = band_of({"low_hz": 900, "high_hz": 1500, "from_s": 0.2, "to_s": 0.4})
    assert box == Band("0.20-0.40s_900-1500", 900, 1500, 0.2, 0.4)
    asked = result.with_box(bundle, box, UNSEEN)
    assert [band.name for band in asked.analysis.bands] == [
        "F1",
        "F2",
        "0.20-0.40s_900-1500",
    ] and asked.maps == "grad-cam"
    assert json.loads(asked.payload)["bands"][2]["stretch_s"] == [0.2, 0.4]
    expected = analyse(bundle, result.analysis.clip, [F1, box], speak=False).cam[box.name]
    np.testing.assert_allclose(asked.analysis.cam[box.name], expected, atol=1e-5 * np.abs(expected).max())
    again = asked.with_box(bundle, box, UNSEEN).with_box(bundle, replace(box, name="b"), UNSEEN)
    assert [band.name for band in again.analysis.bands][2:] == ["0.20-0.40s_900-1500", "b"]
    last = again.with_box(bundle, replace(box, name="c"), UNSEEN)  # in place of the last: there is room for four
    assert [band.name for band in last.analysis.bands][2:] == ["0.20-0.40s_900-1500", "c"]
    assert [band.name for band in last.without_boxes("c").analysis.bands] == ["F1", "F2", "0.20-0.40s_900-1500"]
    assert last.without_boxes().analysis.bands == result.analysis.bands
    assert set(last.without_boxes().analysis.cam) == {"F1", "F2"}
    why = band_of({"low_hz": 900, "high_hz": 1500, "from_s": 0.2, "to_s": 0.4, "than_from_s": 0.5, "than_to_s": 0.55})
    assert why == Band("0.20-0.40_0.50-0.55s_900-1500", 900, 1500, 0.2, 0.4, 0.5, 0.55)
    lower = band_of(dict(low_hz=300, high_hz=900, from_s=0.2, to_s=0.4, than_from_s=0.5, than_to_s=0.55))
    both = result.with_box(bundle, why, UNSEEN).with_box(bundle, lower, UNSEEN)  # of the same times, in another band
    assert both.analysis.bands[2:] == (why, lower)
    assert not np.allclose(both.analysis.cam[why.name], both.analysis.cam[lower.name])
    full = replace(
        result,
        analysis=replace(
            result.analysis,
            settings=replace(result.analysis.settings, bands=(F1, F2, replace(F1, name="x"), replace(F2, name="y"))),
        ),
    )
    with pytest.raises(InputError, match="There are 4 bands already"):
        full.with_box(bundle, box, UNSEEN)
    with pytest.raises(InputError, match="with Alt held down"):
        band_of({"low_hz": "x"})
    with pytest.raises(InputError, match="reversed or empty"):
        band_of({"low_hz": 900, "high_hz": 1500, "from_s": 0.4, "to_s": 0.4})


def test_how_far_it_came_from_is_told_of_the_frame_and_of_speech(tmp_path):
    contributed = np.eye(6, dtype=np.float32)
    contributed[3] = [0, 3, 2, -3, 0, 2]  # of frame 3: half from it and its neighbours
    made = TemporalAttribution(F1, 27.0, contributed, np.array([True, False, False, False, False, False]))
    told = temporal_report([made], 3, tmp_path)
    assert "Frame 3: 50 % from the frame itself and its two neighbours, 30 % from before, 20 % from after." in told
    assert "In speech (5 frames): 90 %, 6 %, 4 %." in told and "フレーム3" in told
    assert told.count("data:image/png;base64,") == 2 and "Frame 0 is silent" in temporal_report([made], 0, tmp_path)

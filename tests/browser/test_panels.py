"""Hide and listen, compare and quality on the embedded example in a real browser; expected numbers are the core's."""

import base64
import csv
import io
import json
import re

import numpy as np
import pytest
import soundfile

from rtmri2speech.analysis.domain_adaptation import adapt
from rtmri2speech.analysis.occlusion import Occlusion, occlude, occlude_each
from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.region_attribution import SurfaceMasks, attribute_to_regions
from rtmri2speech.anatomy.corrections import shifted
from rtmri2speech.anatomy.outlines import outlines
from rtmri2speech.anatomy.polygons import Region
from rtmri2speech.attribution.temporal import temporal_attribution
from rtmri2speech.evaluation.comparison import compare
from rtmri2speech.evaluation.faithfulness import evaluate_faithfulness
from rtmri2speech.evaluation.speech_quality import assess, read_reference
from rtmri2speech.render.figure_texts import region_name
from rtmri2speech.spec import F1, F2
from rtmri2speech.speech.voice import Voice
from rtmri2speech.ui.session import DEFAULT_MAPS
from rtmri2speech.ui.time_frequency_boxes import band_of
from tests.browser.serving import REGION_OF, is_spectrogram, note_what_is_written

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def bundle(embedded):
    return embedded


@pytest.fixture(scope="module")
def other(rough):
    return rough


@pytest.fixture(scope="module")
def analysis(spoken):
    return spoken


@pytest.fixture(scope="module")
def regions(found):
    return found


def open_tab(page, name):
    page.locator(f"#tab-{name}-button").click()


def sound(page, panel, number) -> tuple[np.ndarray, int]:
    """What the listener of a panel plays, as 16-bit numbers, and its rate."""
    url = page.evaluate(
        """async ([panel, number]) => {
            const player = document.querySelectorAll(`#${panel}-listen audio`)[number];
            const blob = await (await fetch(player.src)).blob();
            return new Promise(done => {
                const reader = new FileReader();
                reader.onload = () => done(reader.result);
                reader.readAsDataURL(blob);
            });
        }""",
        [panel, number],
    )
    return soundfile.read(io.BytesIO(base64.b64decode(url.split(",")[1])), dtype="int16")


def as_16_bit(audio) -> np.ndarray:
    return np.clip(audio, -1, 1) * 32768


def run_hiding(page):

    heard = page.evaluate("() => document.querySelectorAll('#hide-listen audio')[1]?.src ?? ''")
    page.locator("#hide-run").click()
    page.wait_for_function(
        "heard => (document.querySelectorAll('#hide-listen audio')[1]?.src ?? '') !== heard", arg=heard
    )


def set_range(page, name, value):
    page.evaluate(
        """([name, value]) => {
            const input = document.querySelector(`#hide-board [data-set="${name}"]`);
            input.value = value;
            input.dispatchEvent(new Event("input", {bubbles: true}));
        }""",
        [name, value],
    )


def in_words(db: float) -> str:
    return f"{db:+.1f}".replace("-", "−")


def changes_told(page, part: str) -> list[str]:
    return page.locator(f"#hide-report .in-en tr[data-change={part}] td").all_inner_texts()


def shown(page, selector) -> str:
    """The text that is visible."""
    return page.locator(selector).inner_text()


def test_nothing_chosen_is_a_message(page):
    open_tab(page, "hide")
    page.locator("#hide-board .board").wait_for()
    page.locator("#hide-run").click()
    page.get_by_text("Nothing is hidden yet: choose a region or draw one.").wait_for()


def test_regions_are_corrected_and_the_page_says_so(page, regions):
    """Moved as the core moves them, and everything undone."""

    def tongue() -> np.ndarray:
        path = page.locator("[data-name=heat-outlines] [data-region=tongue]").get_attribute("d")
        return np.array(re.findall(r"[\d.e-]+", path), float).reshape(-1, 2)

    page.locator("#tab-regions-button").click()
    page.locator("#explorer .tracks").focus()
    page.keyboard.press("Home")
    found = outlines(regions, 0, ["tongue"])["tongue"]
    np.testing.assert_allclose(tongue(), np.concatenate(found).clip(0, 1), atol=1e-4)
    page.locator("#regions-down input").fill("12")
    page.locator("#regions-shift").click()
    page.locator("[data-name=found]", has_text="Corrected by hand: 1").wait_for()
    page.locator("#explorer .tracks").focus()
    page.keyboard.press("Home")
    moved = outlines(shifted(regions, 0, 12 / 256), 0, ["tongue"])["tongue"]
    np.testing.assert_allclose(tongue(), np.concatenate(moved).clip(0, 1), atol=1e-4)
    page.locator("#regions-source input[value=template]").check()
    page.locator("[data-name=found]", has_text="template").wait_for()
    page.locator("#regions-source input[value=segmenter]").check()
    page.locator("[data-name=found]", has_text="found in every frame").wait_for()
    assert "Corrected" not in page.locator("[data-name=found]").inner_text()
    page.locator("#tab-hide-button").click()


def test_n_goes_where_the_leading_articulator_changes_and_the_table_agrees(page, fine, regions):
    bands = attribute_to_regions(fine, SurfaceMasks(regions)).bands
    number, attribution = next((k, bands[name]) for k, name in enumerate(("F1", "F2"), 1) if bands[name].changes)
    page.locator("#explorer .tracks").focus()
    page.keyboard.press(str(number))
    page.keyboard.press("Home")
    for change in attribution.changes[:3]:
        page.keyboard.press("n")
        assert int(page.locator("#explorer .tracks").get_attribute("aria-valuenow")) == change.frame
        said = page.locator("#explorer [data-name=said]").inner_text()
        assert said.endswith(f"{region_name(change.origin, 'en')} → {region_name(change.to, 'en')}")
        told = page.locator("#explorer [data-name=numbers] tr").nth(number - 1).locator("td").last.inner_text()
        name, share = re.match(r"(.+?) (\d+) %", told).groups()
        largest = max(attribution.shares, key=lambda name: attribution.shares[name][change.frame])
        assert REGION_OF[name] == largest
        assert int(share) == pytest.approx(100 * attribution.shares[largest][change.frame], abs=1)
        assert not fine.silent[change.frame]
    page.keyboard.press("0")


def test_a_box_drawn_on_the_spectrogram_gets_the_cores_maps(page, bundle, fine, regions):
    """Alt and drag from the middle of the speech; afterwards the box is a band of its own until it is removed."""
    lane = page.evaluate("""() => {
        const { left, top } = document.querySelector("#explorer .tracks").getBoundingClientRect();
        return [left, top];
    }""")
    duration = len(fine.mel_db) / fine.fps
    box = page.locator("#explorer .tracks").bounding_box()
    axis = box["x"] + 84, box["width"] - 94
    x = [axis[0] + axis[1] * seconds / duration for seconds in (0.80, 0.95)]
    y = next(y for y in range(int(lane[1]) + 40, int(lane[1]) + 400, 6) if is_spectrogram(page, x[0], y)) + 8
    page.keyboard.down("Alt")
    page.mouse.move(x[0], y)
    page.mouse.down()
    page.mouse.move(x[1], y + 20, steps=4)
    page.mouse.up()
    page.keyboard.up("Alt")
    page.locator("#box-remove").wait_for()
    drawn = json.loads(page.locator("#explorer .explorer").get_attribute("data-box"))
    assert drawn["from_s"] == pytest.approx(0.80, abs=0.02) and drawn["to_s"] == pytest.approx(0.95, abs=0.02)
    asked = band_of(drawn)
    made = analyse(bundle, fine.clip, [*fine.bands, asked], method=DEFAULT_MAPS, speak=False)
    frame = int(0.87 * made.fps)
    attribution = attribute_to_regions(made, SurfaceMasks(regions)).bands[asked.name]
    page.locator("#explorer .tracks").focus()
    page.keyboard.press("Home")
    for _ in range(frame):
        page.keyboard.press("ArrowRight")
    row = page.locator("#explorer [data-name=numbers] tr").last
    assert "{from_s:.2f}–{to_s:.2f} s, {low_hz}–{high_hz} Hz".format(**drawn) in row.inner_text()
    name, share = re.match(r"(.+?) (\d+) %", row.locator("td").last.inner_text()).groups()
    assert int(share) == pytest.approx(100 * attribution.shares[REGION_OF[name]][frame], abs=1)
    page.locator("#box-remove").click()
    page.locator("#box-remove").wait_for(state="hidden")
    assert page.locator("#explorer [data-name=numbers] tr").count() == 2


def test_the_maps_are_judged_as_the_core_judges_them(page, bundle, fine, regions):
    """And other maps, chosen above, have no verdict yet."""
    open_tab(page, "trust")
    page.locator("#trust-run").click()
    page.locator("#trust-report .in-en .verdict").first.wait_for()
    report = evaluate_faithfulness(bundle, fine, SurfaceMasks(regions))
    for band, result in report.bands.items():
        shown = page.locator(f"#trust-report .in-en .verdict[data-band={band}]")
        assert shown.get_attribute("data-verdict") == result.verdict == result.whole_picture.verdict
        for sentence in report.sentences(band):
            assert sentence in shown.inner_text()
        assert page.locator("#trust-report .in-ja").is_hidden()
    share = report.bands["F1"].regions["tongue_front"].attribution_share
    cells = page.locator("#trust-report .in-en tr[data-region=tongue_front] td").all_inner_texts()
    assert cells[1] == f"{100 * share:.0f} %"
    page.locator("#reach-run").click()
    told = page.locator("#reach-report .in-en [data-reach=F2]").inner_text()
    parts = temporal_attribution(bundle, fine.clip, F2, view=fine.view).parts(fine.speech)
    expected = ", ".join(f"{100 * parts[name]:.0f} %" for name in ("near", "before", "after"))
    assert told.endswith(f"In speech ({len(fine.speech)} frames): {expected}.")
    page.locator("#maps input").click()
    page.get_by_role("option", name="Grad-CAM").click()
    page.locator("#trust-report .verdict").first.wait_for(state="detached")


def test_a_lane_shows_all_pairs_of_frames_and_zooms(page, bundle, fine):
    """A column for each frame that sounds, seen upwards, as bright as the square root of the core's share; of the band
    that is looked at. What is in view of it is as long as it is high."""
    count = len(fine.silent)
    page.evaluate(
        """(count) => {
        const draw = CanvasRenderingContext2D.prototype.drawImage;
        CanvasRenderingContext2D.prototype.drawImage = function (picture, ...place) {
            if (picture.width === count && picture.height === count) {
                const { data } = picture.getContext("2d").getImageData(0, 0, count, count);
                window.pairs = { place, red: data.filter((_, k) => k % 4 === 0) };
            }
            return draw.call(this, picture, ...place);
        };
    }""",
        count,
    )
    page.locator(".explorer [data-action=reach]").click()
    page.locator("[data-name=reach]").wait_for()
    for view, band in (("each", F1), ("1", F2)):
        page.locator(f'.explorer [data-view="{view}"]').click()
        drawn = page.evaluate("() => ({ place: window.pairs.place, red: [...window.pairs.red] })")
        assert drawn["place"][:4] == pytest.approx([0, 0, count, count])
        red = np.reshape(drawn["red"], (count, count))[::-1].T  # row: the frame that sounds, column: that is seen
        made = temporal_attribution(bundle, fine.clip, band, view=fine.view)
        expected = np.sqrt(made.shares[fine.speech] / made.shares[fine.speech].max())
        assert np.corrcoef(red[fine.speech].ravel(), expected.ravel())[0, 1] > 0.97
        assert red[fine.silent].max() == red.min()
    page.locator(".explorer [data-action=nearer]").click()
    page.wait_for_function(f"() => window.pairs.place[2] < {count - 1}")  # at the screen's next frame
    left, top, wide, high = page.evaluate("() => window.pairs.place.slice(0, 4)")
    assert wide == pytest.approx(high) == pytest.approx(count / 1.5) and left + wide + top == pytest.approx(count)
    page.locator(".explorer [data-action=fit]").click()
    page.locator('.explorer [data-view="each"]').click()
    page.locator(".explorer [data-action=reach]").click()
    page.locator("[data-name=reach]").wait_for(state="hidden")


def test_a_strip_tells_how_far_in_time_the_sound_came_from(page, bundle, fine):
    note_what_is_written(page)
    page.locator(".explorer [data-action=reach]").click()
    page.locator("[data-name=reach]").wait_for()
    made = temporal_attribution(bundle, fine.clip, F2, view=fine.view)
    for frame in (int(fine.speech[3]), int(fine.speech[12])):
        page.locator(".goto").fill(str(frame))
        page.keyboard.press("Enter")
        page.wait_for_function(f"() => document.querySelector('.explorer').dataset.frame === '{frame}'")
        told = page.locator("[data-name=reach-said]").inner_text().split("F2 ")[1]
        lags, row = np.arange(len(made.silent)) - frame, 100 * made.shares[frame]
        parts = [row[np.abs(lags) <= 1], row[(lags < -1) & (lags >= -10)], row[(lags > 1) & (lags <= 10)]]
        expected = [part.sum() for part in (*parts, row[np.abs(lags) > 10])]
        assert [int(n) for n in re.findall(r"(\d+) %", told)] == pytest.approx(expected, abs=0.6)
    for kind, beyond in (("startsWith('◂')", lags < -10), ("endsWith('▸')", lags > 10)):
        written = page.evaluate(f"() => window.written.findLast((text) => text.{kind})")  # of the second band
        assert int(re.search(r"\d+", written)[0]) == pytest.approx(row[beyond].sum(), abs=0.6)
    # the cells around the frame are the stronger, the more came from there
    row = page.evaluate("""() => {
        const canvas = document.querySelector('[data-name=reach-cells]');
        return [...canvas.getContext('2d').getImageData(0, 16, canvas.width, 1).data];
    }""")  # through the second band
    pixels = np.reshape(row, (-1, 4))[:, :3].astype(float)
    around = np.arange(frame - 10, frame + 11)
    places = 84 + (around + 0.5) / len(made.silent) * (len(pixels) - 94)
    assert len(pixels) == round(page.locator("#explorer .tracks").bounding_box()["width"])
    painted = np.abs(pixels[places.astype(int)] - pixels[len(pixels) - 12]).sum(axis=1)
    assert np.corrcoef(painted, made.shares[frame, around] ** 0.7)[0, 1] > 0.99
    silent = int(np.flatnonzero(made.silent)[0])
    page.locator(".goto").fill(str(silent))
    page.keyboard.press("Enter")
    page.get_by_text("silence: nothing to explain", exact=True).locator("visible=true").last.wait_for()
    page.locator(".explorer [data-action=reach]").click()
    page.locator("[data-name=reach]").wait_for(state="hidden")


def test_a_hidden_tongue_changes_the_energy_as_the_core_says(page, bundle, analysis, regions):
    open_tab(page, "hide")
    page.locator("#hide-board [data-region=tongue]").check()
    run_hiding(page)
    expected = occlude(bundle, analysis, Occlusion(moving=("tongue",)), anatomy=regions)
    assert max(expected.mean_size_db.values()) > 0.5 and len(expected.silent)
    told = shown(page, "#hide-report")
    assert "Hidden: tongue, darkened, 100 %" in told
    for part, values in (("speech-mean", expected.mean_change_db), ("silence-mean", expected.silent_change_db)):
        assert changes_told(page, part) == [in_words(change) for change in values.values()]
    for number, made in enumerate((expected.before, expected.after)):
        heard, rate = sound(page, "hide", number)
        assert rate == 11413
        np.testing.assert_allclose(heard, as_16_bit(made.audio), atol=30)  # the server's threads add in another order
    assert not np.array_equal(sound(page, "hide", 0)[0], sound(page, "hide", 1)[0])
    # the picture shows what was hidden: black within, as it was outside
    assert page.locator("#hide-report img").count() == 2


def test_a_stretch_that_is_not_there_cannot_be_chosen(page):
    assert page.locator("#hide-board .board input[value=stretch]").is_disabled()


def test_both_sounds_stand_at_the_same_position(page):
    page.locator("#hide-listen .tracks").focus()
    frame = page.locator("#explorer .tracks").get_attribute("aria-valuenow")
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    times = "() => [...document.querySelectorAll('#hide-listen audio')].map(player => player.currentTime)"
    first, second = page.evaluate(times)
    assert first == second == pytest.approx(11 * 420 / 11413, abs=1e-3)
    page.locator("#hide-listen [data-sound='1']").click()
    assert page.evaluate(times) == [first, second]
    page.locator("#hide-listen .tracks").focus()
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelectorAll('#hide-listen audio')[1].currentTime > 0.6")
    page.keyboard.press("1")  # while it plays
    page.wait_for_function("() => !document.querySelectorAll('#hide-listen audio')[0].paused")
    first, _ = page.evaluate(times)
    assert first >= 0.6 and page.evaluate("() => document.querySelectorAll('#hide-listen audio')[1].paused")
    page.keyboard.press(" ")
    assert page.locator("#explorer .tracks").get_attribute("aria-valuenow") == frame  # the keys stayed here


def test_hidden_with_no_strength_exactly_nothing_changes(page):
    set_range(page, "strength", 0)
    run_hiding(page)
    assert "Exactly nothing changed" in shown(page, "#hide-report")
    np.testing.assert_array_equal(sound(page, "hide", 0)[0], sound(page, "hide", 1)[0])
    set_range(page, "strength", 100)


def test_a_shape_drawn_by_keyboard_in_a_stretch(page, bundle, analysis):
    page.locator("#hide-board [data-region=tongue]").uncheck()
    page.locator("#explorer .tracks").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("[")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("]")
    page.locator("#hide-board .board input[value=stretch]").check()
    page.locator("#hide-board .board input[value=still]").check()
    page.locator("#hide-board .board canvas").focus()
    corners = []
    for keys, place in (
        (["Shift+ArrowLeft", "Shift+ArrowUp"], (0.4, 0.4)),
        (["Shift+ArrowRight"] * 2, (0.6, 0.4)),
        (["Shift+ArrowDown"] * 2, (0.6, 0.6)),
        (["ArrowLeft"] * 3, (0.54, 0.6)),
    ):
        for key in keys:
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        corners.append(place)
    page.keyboard.press("Backspace")  # the last one again
    asked = json.loads(page.locator("#hide-board .board").get_attribute("data-hiding"))
    np.testing.assert_allclose(asked["own"], [corners[:3]], atol=1e-9)
    assert page.locator("#explorer .tracks").get_attribute("aria-valuenow") == "20"
    run_hiding(page)
    expected = occlude(bundle, analysis, Occlusion((Region("own-1", tuple(corners[:3])),), "still", 1.0, (10, 20)))
    told = shown(page, "#hide-report")
    assert "own shape 1, its movement stopped, 100 %, frames 10–20" in told
    values = expected.mean_change_db if len(expected.spoken) else expected.silent_change_db
    part = "speech-mean" if len(expected.spoken) else "silence-mean"
    assert changes_told(page, part) == [in_words(change) for change in values.values()]
    page.locator("#hide-board .board [data-action=clear]").click()
    assert json.loads(page.locator("#hide-board .board").get_attribute("data-hiding"))["own"] == []


def test_a_shape_drawn_with_the_mouse(page):
    box = page.locator("#hide-board .board canvas").bounding_box()
    places = [(0.2, 0.2), (0.5, 0.2), (0.5, 0.5)]
    for x, y in places:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])  # a corner is dragged
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=4)
    page.mouse.up()
    own = json.loads(page.locator("#hide-board .board").get_attribute("data-hiding"))["own"]
    np.testing.assert_allclose(own, [[(0.2, 0.2), (0.5, 0.2), (0.6, 0.7)]], atol=0.01)
    page.locator("#hide-board .board [data-action=next]").click()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"])  # a free outline
    page.mouse.down()
    for x, y in ((0.9, 0.7), (0.9, 0.9), (0.7, 0.9)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=10)
    page.mouse.up()
    outline = np.array(json.loads(page.locator("#hide-board .board").get_attribute("data-hiding"))["own"][1])
    assert len(outline) > 20
    np.testing.assert_allclose([outline.min(axis=0), outline.max(axis=0)], [[0.7, 0.7], [0.9, 0.9]], atol=0.02)
    page.locator("#hide-board .board [data-action=clear]").click()


def test_quality_is_the_cores_in_both_languages(page, bundle, analysis):
    open_tab(page, "quality")
    page.locator("#quality-run").click()
    page.locator("#quality-report table").first.wait_for()
    clip = analysis.clip
    expected = assess(bundle, analysis, read_reference(clip.audio, clip.audio_rate, bundle.mel, len(analysis.mel_db)))
    assert f"(STOI {expected.scores['synthesis']['stoi']:.2f};" in shown(page, "#quality-report .in-en .summary")
    row = page.locator("#quality-report .in-en tr[data-metric=stoi]").inner_text()
    for candidate in ("mean_mel", "synthesis", "copy_synthesis"):
        assert f"{expected.scores[candidate]['stoi']:.2f}" in row
    told = shown(page, "#quality-report")
    assert "How much of the speech one can expect to understand" in told and "どのくらい" not in told
    assert "Limits" in shown(page, "#quality-card")
    assert len(sound(page, "quality", 0)[0]) == len(analysis.audio)
    page.get_by_label("日本語").check()
    page.locator("#quality-run", has_text="この動画を評価する").wait_for()
    told = shown(page, "#quality-report")
    assert "どのくらい聞き取れると見込まれるか" in told and "How much of the speech" not in told
    assert "限界" in shown(page, "#quality-card")
    page.locator("#quality-listen [data-sound='0']", has_text="原音").wait_for()
    open_tab(page, "hide")
    assert "舌" in shown(page, "#hide-board")
    page.locator("#hide-run", has_text="隠して合成し直す").click()
    page.get_by_text("まだ何も隠していません").wait_for()
    page.get_by_label("English").check()
    page.locator("#hide-run", has_text="Hide and speak again").wait_for()


def test_two_vocoders_are_compared(page, bundle, other, analysis):
    open_tab(page, "compare")
    page.locator("#compare-run").click()
    page.locator("#compare-report table").first.wait_for()
    told = shown(page, "#compare-report")
    clip = analysis.clip
    expected = compare(bundle, analysis, other, (clip.audio, clip.audio_rate))
    assert "the same acoustic model" in told and "rough & <b>ready" in told
    assert f"MCD): {expected.mcd_db:.1f} dB" in told and expected.mcd_db > 0.5
    row = page.locator("#compare-report .in-en tr[data-metric=estoi]").inner_text()
    numbers = [float(number.replace("−", "-")) for number in re.findall(r"−?\d\.\d\d", row)]
    assert numbers == pytest.approx([scores["estoi"] for scores in expected.scores], abs=0.006)
    assert page.locator("#compare-listen audio").count() == 3


def test_every_region_in_turn_makes_a_table_as_the_core_has_it(page, bundle, analysis, regions, tmp_path):
    open_tab(page, "hide")
    page.locator("#explorer .tracks").focus()
    for key in ("Home", "Shift+ArrowRight", "["):  # a stretch that is not asked for
        page.keyboard.press(key)
    for choice in ("dark", "clip"):
        page.locator(f"#hide-board input[value={choice}]").check()
    set_range(page, "strength", 50)
    page.locator("#hide-each").click()
    page.locator("#hide-csv").wait_for()
    with page.expect_download() as download:
        page.locator("#hide-csv").click()
    download.value.save_as(tmp_path / "regions.csv")
    with (tmp_path / "regions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    core = occlude_each(bundle, analysis, regions, strength=0.5)
    assert [row["region"] for row in rows] == [row.name for row in core]
    assert [float(row["mcd_db"]) for row in rows] == pytest.approx([row.mcd_db for row in core], abs=1e-3)
    assert [float(row["F2_size_db"]) for row in rows] == pytest.approx([row.size_db["F2"] for row in core], abs=1e-3)
    assert f"{core[0].size_db['F1']:.1f}".rstrip("0").rstrip(".") in page.locator("#hide-table").inner_text()
    share = f"{float(rows[0]['F1_share_percent']):.1f}".rstrip("0").rstrip(".")
    assert share in re.findall(r"[\d.]+", page.locator("#hide-table").inner_text())
    page.locator("#explorer .tracks").focus()
    page.keyboard.press("Escape")


def test_the_clip_is_spoken_again_in_a_voice_by_a_fitted_model(page, bundle, analysis):
    """Last: it changes what the page shows."""
    open_tab(page, "voice")
    page.get_by_label("On one pitch").check()
    page.get_by_label("Fit to this recording").check()
    page.locator("#voice-run").click()
    page.locator("#voice-report table").first.wait_for()
    fitted, record = adapt(bundle, [analysis.clip])
    expected = analyse(fitted, analysis.clip, voice=Voice(intonation="flat"))
    told = shown(page, "#voice-report")
    assert f"{expected.f0_hz.max():.0f} Hz on average" in told and f"fitted to {record.frames} frames" in told
    samples, _ = sound(page, "voice", 1)
    assert np.corrcoef(samples, expected.audio)[0, 1] > 0.99
    before, _ = sound(page, "voice", 0)
    assert np.corrcoef(before, analysis.audio)[0, 1] > 0.99
    # the quality of what the page shows now is that of the new voice
    open_tab(page, "quality")
    page.locator("#quality-run").click()
    page.locator("#quality-report table").first.wait_for()
    assert np.corrcoef(sound(page, "quality", 1)[0], expected.audio)[0, 1] > 0.99

"""The real page in a real browser, with nothing but this machine to reach. Expected pictures are the core's own."""

import re
import shutil
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

from rtmri2speech.analysis.region_attribution import NAMED_REGIONS
from rtmri2speech.anatomy.outlines import outlines
from rtmri2speech.anatomy.surfaces import ELSEWHERE, surface_labels
from rtmri2speech.attribution.normalisation import display_grid
from rtmri2speech.attribution.upsampling import upsample_grid
from rtmri2speech.progress import UNSEEN
from rtmri2speech.render.colour import blend, layer, levels
from rtmri2speech.ui.session import open_clip
from tests.browser.serving import assert_alike, free_port, pixels, plain_frame
from tests.conftest import lively_bundle, moving_frames, write_mp4

pytestmark = pytest.mark.browser
FRAMES = 40


@pytest.fixture(scope="module")
def bundle():
    return lively_bundle(moving_frames(FRAMES))


@pytest.fixture(scope="module")
def bundle_folder(bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "lively"
    bundle.save(folder)
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    tone = 0.3 * np.sign(np.sin(2 * np.pi * 110 * np.arange(round(16000 * FRAMES / 27)) / 16000))
    write_mp4(folder / "disc.mp4", moving_frames(FRAMES, 64, 64), audio=tone)
    return folder


@pytest.fixture(scope="module")
def address(bundle_folder, clips):
    port = free_port()
    command = [
        sys.executable,
        "app.py",
        "--no-browser",
        "--port",
        str(port),
        "--bundle",
        bundle_folder,
        "--clips",
        clips,
        "--regions",
        "template",
    ]
    log = (clips / "log").open("w")
    process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, (clips / "log").read_text()
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="module")
def page(keep_page, address):
    return keep_page(address)  # the first example opens by itself


@pytest.fixture(scope="module")
def result(bundle, clips):
    return open_clip(bundle, clips / "disc.mp4", None, UNSEEN, regions="template")


@pytest.fixture(scope="module")
def analysis(result):
    return result.analysis


def frame_shown(page) -> int:
    return int(page.locator(".tracks").get_attribute("aria-valuenow"))


def test_keys_lead_to_the_frame_and_its_picture_is_the_cores(page, analysis):
    page.keyboard.press("Home")
    for key in ("Shift+ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert frame_shown(page) == 12
    gray = plain_frame(analysis, 12)
    assert_alike(pixels(page, "plain"), gray[..., None].repeat(3, axis=2))
    grids = {name: display_grid(cam, "clip", analysis.speech) for name, cam in analysis.cam.items()}
    smooth = {name: levels(upsample_grid(grid)[12]) for name, grid in grids.items()}
    cells = {name: levels(upsample_grid(grid, method="cells")[12]) for name, grid in grids.items()}
    colours = {"F1": layer("orange", 0.7), "F2": layer("blue", 0.7)}
    for key, names in (("1", ["F1"]), ("2", ["F2"]), ("b", ["F1", "F2"])):
        page.keyboard.press(key)
        layers = [colours[name] for name in names]
        assert_alike(pixels(page, "heat"), blend(gray, [smooth[name] for name in names], layers))
    page.get_by_role("button", name="Show the map’s cells").click()
    assert_alike(pixels(page, "heat"), blend(gray, list(cells.values()), list(colours.values())))
    page.get_by_role("button", name="Show the map’s cells").click()
    page.keyboard.press("0")
    for canvas, name in (("heat", "F1"), ("beside", "F2")):
        assert_alike(pixels(page, canvas), blend(gray, [smooth[name]], [colours[name]]))
    page.keyboard.press("p")
    assert (pixels(page, "beside") == pixels(page, "plain")).all()
    page.keyboard.press("p")
    page.get_by_role("button", name="Off", exact=True).click()
    assert (pixels(page, "heat") == pixels(page, "plain")).all()
    page.keyboard.press("0")
    card = page.locator(".card").inner_text()
    assert f"{12 / analysis.fps:.3f} s" in card and f"{analysis.band_db['F2'][12]:.1f} dB".replace("-", "−") in card


def test_scrubbing_needs_no_server(page):
    asked = []
    note = lambda request: request.url.startswith("blob:") or asked.append(request.url)  # noqa: E731
    page.on("request", note)
    # a change of the view is told to the panel that exports: it is no part of this
    for key in ["End", *["ArrowLeft"] * 15, "-", "+"]:
        page.keyboard.press(key)
    box = page.locator(".tracks").bounding_box()
    page.mouse.move(box["x"] + 120, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 200, steps=10)
    page.mouse.up()
    page.remove_listener("request", note)
    assert frame_shown(page) > 5 and asked == []


def test_the_frame_shown_is_the_frame_heard(page, analysis):
    heard = "() => [...document.querySelectorAll('audio')].map(audio => audio.currentTime)"
    box = page.locator(".tracks").bounding_box()
    for x in np.linspace(100, box["width"] - 15, 20):
        page.mouse.click(box["x"] + x, box["y"] + 100)
        frame = frame_shown(page)
        assert [int(seconds * analysis.fps) for seconds in page.evaluate(heard)] == [frame, frame]
        assert (x - 84) / (box["width"] - 94) * len(analysis.mel_db) == pytest.approx(frame + 0.5, abs=0.6)
    assert_alike(pixels(page, "plain")[..., 0], plain_frame(analysis, frame))
    # played slowly from the start, the picture follows the sound; paused, both stand at the same frame
    page.keyboard.press("Home")
    page.keyboard.press("-")
    page.locator("[data-sound=original]").click()
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('[data-player=original]').currentTime > 0.4")
    page.keyboard.press("Space")
    page.wait_for_function("() => !document.querySelector('.explorer').classList.contains('playing')")
    frame = frame_shown(page)
    assert frame >= int(0.4 * analysis.fps) and int(page.evaluate(heard)[1] * analysis.fps) == frame
    assert_alike(pixels(page, "plain")[..., 0], plain_frame(analysis, frame))
    # the other sound goes on from the same moment
    page.locator("[data-sound=synthesised]").click()
    assert int(page.evaluate(heard)[0] * analysis.fps) == frame


def test_a_chosen_stretch_is_looped(page):
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("[")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("]")
    page.keyboard.press("l")
    watched = """() => new Promise(done => {
        const seen = [];
        const look = (now) => {
            while (performance.now() < now + 80); // a busy machine: two of the clip's frames in one of the screen's
            seen.push(Number(document.querySelector('.tracks').getAttribute('aria-valuenow')));
            const turned = seen.some((frame, i) => i && frame < seen[i - 1] && frame < 15);
            turned ? done(seen) : requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    })"""
    page.keyboard.press("Space")  # from its end on: once round
    seen = page.evaluate(watched)
    page.keyboard.press("Space")
    page.wait_for_function("() => !document.querySelector('.explorer').classList.contains('playing')")
    assert min(seen) == 10 and max([*seen, frame_shown(page)]) <= 20
    page.keyboard.press("l")


def stretch_shown(page) -> str:
    return page.evaluate(
        "() => { const { first, last } = document.querySelector('.explorer').dataset; return first + last; }"
    )


def test_a_stretch_is_removed_by_key_button_and_double_click(page):
    removals = (
        lambda: page.keyboard.press("Escape"),
        lambda: page.get_by_role("button", name="The whole clip").click(),
        lambda: page.locator(".tracks").dblclick(position={"x": 300, "y": 200}),
    )
    page.locator(".explorer").focus()
    page.keyboard.press("Escape")
    for remove in removals:
        page.locator(".explorer").focus()
        page.keyboard.press("Home")
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("[")
        assert stretch_shown(page) == f"10{FRAMES - 1}"
        remove()
        assert stretch_shown(page) == ""
    assert page.get_by_role("button", name="The whole clip").is_hidden()


def test_outlines_are_those_of_the_frame(page, result):
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expected = outlines(result.regions, 1, NAMED_REGIONS)
    for picture in ("heat", "beside"):
        paths = page.locator(f"[data-name={picture}-outlines] path")
        drawn = {path.get_attribute("data-region"): path.get_attribute("d") for path in paths.all()}
        assert list(drawn) == list(NAMED_REGIONS)
        for name, pieces in expected.items():
            numbers = np.array(re.findall(r"[\d.e-]+", drawn[name]), float).reshape(-1, 2)
            np.testing.assert_allclose(numbers, np.concatenate([*pieces, np.empty((0, 2))]).clip(0, 1), atol=1e-4)
    page.keyboard.press("o")
    assert page.locator("[data-name=heat-outlines]").is_hidden()
    page.keyboard.press("o")
    assert page.locator("[data-name=heat-outlines]").is_visible()
    assert "template" in page.locator("[data-name=found]").inner_text()


def test_a_row_of_the_regions_says_its_share(page, analysis, result):
    box = page.locator(".tracks").bounding_box()
    x = box["x"] + 84 + 0.51 * (box["width"] - 94)
    # up from below, past the distances, to the lowest row of the regions
    for y in range(8, 400, 4):
        page.mouse.move(x, box["y"] + box["height"] - y)
        if page.locator(".readout").is_visible():
            break
    told = page.locator(".readout").inner_text()
    frame = int(0.51 * len(analysis.mel_db))
    outside = surface_labels(result.regions)[frame] == ELSEWHERE
    heat = upsample_grid(np.maximum(analysis.cam["F1"][[frame]], 0), method="linear")[0]
    share = re.search(r"elsewhere · Frame (\d+) · F1 (\d+) %", told)
    assert int(share[1]) == frame and int(share[2]) == pytest.approx(100 * heat[outside].sum() / heat.sum(), abs=1)


def test_a_finger_that_scrolls_moves_nothing(page):
    page.locator(".explorer").focus()
    page.keyboard.press("Home")
    touch = """([name, x, y]) => document.querySelector('.tracks').dispatchEvent(new PointerEvent(name,
        {pointerId: 1, pointerType: 'touch', clientX: x, clientY: y,
         bubbles: true, button: name === 'pointermove' ? -1 : 0}))"""
    # synthetic events have no pointer to capture
    page.evaluate("() => { document.querySelector('.tracks').setPointerCapture = () => {}; }")
    box = page.locator(".tracks").bounding_box()
    x, y = box["x"] + 400, box["y"] + 200
    for name, to in (("pointerdown", y), ("pointermove", y + 60), ("pointercancel", y + 60)):
        page.evaluate(touch, [name, x, to])
    assert frame_shown(page) == 0
    for name in ("pointerdown", "pointerup"):  # a tap
        page.evaluate(touch, [name, x, y])
    assert frame_shown(page) > 5


def until_rows(page, count):
    shown = "[...document.querySelectorAll('#bands .band')].filter(row => row.offsetParent).length"
    page.wait_for_function(f"() => {shown} == {count}")


def test_bands_are_edited_on_the_page(page, analysis):
    page.locator("#edit-bands").click()
    page.locator("#band-add").click()
    rows = page.locator("#bands .band:visible")
    until_rows(page, 3)
    rows.nth(2).get_by_label("Name").fill("鼻音")
    rows.nth(2).get_by_label("From (Hz)").fill("900")
    rows.nth(2).get_by_label("To (Hz)").fill("200")
    page.locator("#run").click()
    page.get_by_text("Band 鼻音 is reversed or empty (900-200 Hz)").first.wait_for()
    rows.nth(2).get_by_label("From (Hz)").fill("100")
    page.locator("#run").click()
    page.locator("[data-view='2']", has_text="鼻音").wait_for()
    page.locator("#edit-bands").click()
    page.keyboard.press("Escape")
    page.locator(".explorer").focus()
    page.keyboard.press("3")
    assert page.locator("[data-name=view-title]").inner_text() == "鼻音 band (100–200 Hz)"
    assert page.locator("[data-view='difference']").is_hidden()
    page.keyboard.press("0")
    assert page.locator("[data-name=view-title]").inner_text() == "Attention, all bands"
    assert page.locator(".card tbody tr").count() == 3
    # back to one band: there is nothing to show together
    page.locator("#edit-bands").click()
    for left in (2, 1):
        rows.nth(1).get_by_role("button", name="Remove").click()
        until_rows(page, left)
    page.locator("#run").click()
    page.wait_for_function("() => document.querySelectorAll('.card tbody tr').length == 1")
    assert page.locator("[data-view='both']").is_hidden()
    assert page.locator("[data-name=view-title]").inner_text() == "F1 band (300–900 Hz)"


def test_what_a_screen_reader_is_told(page):
    page.locator(".explorer").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    spoken = page.locator(".explorer [aria-live=polite]")
    page.wait_for_function("() => document.querySelector('.explorer [aria-live]').textContent.startsWith('Frame 1,')")
    assert "0.037 s" in spoken.inner_text()
    nameless = """() => [...document.querySelectorAll('.explorer button, .explorer select, .explorer input')]
        .filter(one => !one.hidden && !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length))
        .map(one => one.outerHTML)"""
    assert page.evaluate(nameless) == []


def test_a_broken_upload_is_a_message(page, tmp_path):
    (tmp_path / "壊れた 'clip'.mp4").write_bytes(b"not a video" * 100)
    with page.expect_file_chooser() as chooser:
        page.locator("#upload").click()
    chooser.value.set_files(tmp_path / "壊れた 'clip'.mp4")
    message = page.get_by_text("is not a video that can be decoded").first
    message.wait_for()  # at once, before anything is run
    assert not re.search(r"[/\\]", message.inner_text())
    assert page.locator("#upload").inner_text().strip() == "Open a clip …"
    assert page.locator(".pending-hint").is_hidden()
    page.locator("#explorer").evaluate(
        "view => view.classList.add('pending')"
    )  # as Gradio does while anything is asked
    assert page.locator(".pending-hint").is_hidden()
    page.locator("#explorer").evaluate("view => view.classList.remove('pending')")


def test_an_upload_takes_the_examples_place_and_an_example_takes_it_back(page, clips):
    shutil.copy(clips / "disc.mp4", clips.parent / "mine.mp4")
    with page.expect_file_chooser() as chooser:
        page.locator("#upload").click()
    chooser.value.set_files(clips.parent / "mine.mp4")
    page.locator("#upload", has_text="mine").wait_for()
    page.locator(".pending-hint").wait_for()  # what is shown is another clip
    assert page.locator("#example input").input_value() == ""
    page.locator("#example input").click()
    page.keyboard.press("Escape")
    page.locator("#dark, #head").first.click()
    page.locator("#run").click()
    page.locator(".explorer[data-clip=mine]").wait_for()
    page.locator("#own-clip").wait_for()
    assert page.locator("#upload").inner_text().strip() == "mine.mp4"
    assert page.locator(".pending-hint").is_hidden()
    assert page.locator("[data-name=clip]").inner_text() == "mine"
    # choosing an example shows it
    page.locator("#example input").click()
    page.get_by_role("option", name="disc").click()
    page.locator(".explorer[data-clip=disc]").wait_for()
    page.locator("#own-clip").wait_for(state="hidden")
    assert page.locator("#upload").inner_text().strip() == "Open a clip …"


def test_language_of_the_browser_and_switch(open_page, address):
    page = open_page(address, locale="ja-JP")
    page.locator("#run", has_text="音声合成と可視化").wait_for()
    page.locator(".explorer figcaption", has_text="F1帯域").wait_for()
    page.get_by_label("English").check()
    page.locator("#run", has_text="Synthesise and explain").wait_for()
    page.locator(".explorer figcaption", has_text="F1 band").wait_for()

"""The export panel in a real browser: what it makes is downloaded and decoded by other programs."""

import io
import json
import urllib.request
import zipfile

import av
import cv2
import numpy as np
import pytest
import torch

from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.render.colour import layer
from rtmri2speech.ui import Settings
from tests.browser.serving import next_frames, served
from tests.conftest import make_bundle, moving_frames, write_mp4

pytestmark = pytest.mark.browser
FRAMES = 30
FIRST, LAST = 10, 20


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    bundle = make_bundle()
    for module in bundle.acoustic.cnn.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():  # the clip's own statistics: so the maps change from frame to frame
        bundle.acoustic.cnn.train()(torch.from_numpy(prepare_frames(moving_frames(FRAMES), 256))[:, None])
    bundle.acoustic.eval()
    bundle.save(tmp_path_factory.mktemp("bundles") / "lively")
    clips = tmp_path_factory.mktemp("clips")
    tone = 0.3 * np.sign(np.sin(2 * np.pi * 110 * np.arange(round(16000 * FRAMES / 27)) / 16000))
    write_mp4(clips / "disc.mp4", moving_frames(FRAMES, 64, 64), audio=tone)
    folder = next(clips.parent.glob("bundles*/lively"))
    with served(Settings(bundle=folder, clips=clips)) as address:
        yield address


@pytest.fixture(scope="module")
def page(keep_page, address):
    page = keep_page(address)
    page.locator("#export-bands input").nth(1).wait_for()
    for key in ("Home", "Shift+ArrowRight", "[", "Shift+ArrowRight", "]"):
        page.keyboard.press(key)
    page.locator("#export-part input[value=stretch]").check()
    return page


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def test_in_a_japanese_browser_all_choices_are_japanese(open_page, address):
    page = open_page(address, locale="ja-JP")
    page.locator("#export-bands input").nth(1).wait_for()
    page.locator("body:not(.at-once)").wait_for()  # all that opens the page has come
    page.locator("#stop:disabled").wait_for()
    page.locator("#export-files", has_text="ヒートマップの数値").wait_for()
    told = page.locator("#export-files").inner_text()
    assert "Heatmaps" not in told and "This frame" not in told


def bands_ticked(page) -> list[bool]:
    return [page.locator("#export-bands input").nth(number).is_checked() for number in range(2)]


def test_the_bands_are_the_explorers_until_chosen_here(page):
    for view, ticked in (("1", "false, true"), ("both", "true, true"), ("0", "true, false"), ("both", "true, true")):
        page.locator(f'#explorer [data-view="{view}"]').click()
        page.wait_for_function(
            f"() => [...document.querySelectorAll('#export-bands input')].map(b => b.checked).join(', ') === '{ticked}'"
        )
    asked_now = page.expect_response(lambda answer: "/gradio_api/run/" in answer.url)
    with asked_now:
        page.locator("#export-bands input").nth(1).uncheck()
    with page.expect_response(lambda answer: "/gradio_api/run/" in answer.url) as followed:
        page.locator('#explorer [data-view="1"]').click()
    followed.value.finished()
    next_frames(page)
    assert bands_ticked(page) == [True, False]
    page.locator('#explorer [data-view="both"]').click()
    page.locator("#export-bands input").nth(1).check()


def test_the_video_is_what_was_chosen(page):
    page.locator("#export-slow input[type=number]").fill("4")
    page.locator("#export-slow input[type=number]").press("Enter")
    page.locator("#export-bands input").nth(1).uncheck()
    page.locator("#export-sound input[value=original]").check()
    page.locator("#export-layout input[value=side-by-side]").check()  # last: the wide preview then has all choices
    preview = page.locator("#export-picture img")
    page.wait_for_function("() => document.querySelector('#export-picture img')?.naturalWidth === 1024")
    shown = cv2.imdecode(np.frombuffer(fetched(preview.get_attribute("src")), np.uint8), cv2.IMREAD_COLOR)
    page.locator("#make-overlay").click()
    page.locator("#overlay video").wait_for()
    made = fetched(page.locator("#overlay video").get_attribute("src"))
    count = 4 * (LAST - FIRST + 1)
    with av.open(io.BytesIO(made)) as file:
        rate = float(file.streams.video[0].average_rate)
        sound = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
        heard_s = len(sound) / file.streams.audio[0].rate
    with av.open(io.BytesIO(made)) as file:
        frames = [
            frame.to_ndarray(format="rgb24", src_colorspace=frame.colorspace).astype(int)
            for frame in file.decode(video=0)
        ]
    assert len(frames) == count and frames[0].shape == (512, 1024, 3)
    assert heard_s == pytest.approx(count / rate, abs=0.06) and np.abs(sound).max() > 0.1
    # the left panel is gray; on the right the hottest places are of the first band's orange
    left, right = frames[-1][:400, :512], frames[-1][:400, 512:]
    assert np.ptp(left, axis=2).max() <= 12
    colourful = right[np.ptp(right, axis=2) > 60]
    orange = layer("orange", 0.7).paint[255].astype(int)
    assert len(colourful) > 1000 and (colourful[:, 0] > colourful[:, 2]).all() and orange[0] > orange[2]
    assert np.abs(frames[-1] - shown[..., ::-1]).mean() < 3  # the preview, of the cursor's frame, the stretch's last


def test_the_frames_around_this_one_in_one_action(page):
    before = page.locator("#overlay video").get_attribute("src")
    page.locator("#explorer").focus()
    page.keyboard.press("End")
    page.locator("#make-around").click()
    page.wait_for_function("before => document.querySelector('#overlay video')?.src !== before", arg=before)
    with av.open(io.BytesIO(fetched(page.locator("#overlay video").get_attribute("src")))) as file:
        frames = sum(1 for _ in file.decode(video=0))
    shown = int(page.locator(".explorer").get_attribute("data-frame"))
    assert frames == 4 * (min(FRAMES - 1, shown + 6) - (shown - 6) + 1)  # four times slower, as chosen


def test_everything_comes_in_one_zip(page):
    page.locator("#make-zip").click()
    link = page.locator("#exported a").first
    link.wait_for()
    with zipfile.ZipFile(io.BytesIO(fetched(link.get_attribute("href")))) as archive:
        assert archive.testzip() is None
        record = json.loads(archive.read("provenance.json"))
        cam = np.load(io.BytesIO(archive.read("disc_F1_cam.npy")))
    assert record["stretch"]["first_frame"] == FIRST and record["stretch"]["last_frame"] == LAST
    assert record["look"]["slow"] == 4 and record["look"]["sound"] == "original"
    assert cam.shape == (LAST - FIRST + 1, 32, 32)  # the page's fine maps
    assert {f"disc_{name}" for name in ("video.mp4", "heatmaps.mp4", "traces.csv", "speech.wav")} <= set(
        record["files"]
    )


def test_a_choice_that_cannot_be_is_a_message(page):
    page.locator("#export-bands input").nth(0).uncheck()
    page.locator("#export-preview").click()
    page.get_by_text("Choose one band or more to export.").first.wait_for()
    page.locator("#export-bands input").nth(0).check()

"""Recordings of one's own: their frames and rate, and the original speech given with them, in a real browser."""

import numpy as np
import pytest

from rtmri2speech.speech.audio import write_audio
from tests.browser.serving import note_what_is_written
from tests.conftest import moving_frames, write_mp4

pytestmark = pytest.mark.browser
COUNT, FPS = 250, 83


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    write_mp4(folder / "fast.mp4", moving_frames(COUNT), fps=FPS)
    write_mp4(folder / "other.mp4", moving_frames(30), fps=30)
    write_audio(folder / "short.wav", np.random.default_rng(1).normal(0, 0.1, 16000).astype(np.float32), 16000)
    write_audio(folder / "long.wav", np.random.default_rng(0).normal(0, 0.1, 7 * 16000).astype(np.float32), 16000)
    return folder


@pytest.fixture(scope="module")
def page(keep_page, address, folder):
    page = keep_page(address)
    give(page, "upload", folder / "fast.mp4")
    give(page, "reference", folder / "long.wav")
    page.locator("#run").click()
    page.locator(".explorer[data-clip=fast]").wait_for()
    return page


def give(page, button, file):
    with page.expect_file_chooser() as chooser:
        page.locator(f"#{button}").click()
    chooser.value.set_files(file)
    page.locator(f"#{button}", has_text=file.name[:4]).wait_for()


def source(page) -> str:
    return page.locator("[data-name=source]").inner_text()


def test_the_recordings_own_frames_are_told_and_stepped_through(page):
    page.locator(".explorer").focus()
    page.keyboard.press("Home")
    # the model's first frame lasts 36.8 ms: in its middle the recording shows its second frame (12 to 24 ms)
    assert source(page) == f"recording: frame 1 at {1 / FPS:.3f} s · 83.00 → 27.17 frames/s"
    for _ in range(3):
        page.keyboard.press("k")
    assert source(page).startswith(f"recording: frame 4 at {4 / FPS:.3f} s")
    assert page.locator(".explorer").get_attribute("data-frame") == str(int((4.5 / FPS) * 11413 / 420))
    page.get_by_role("button", name="The recording's frame before").click()
    assert source(page).startswith("recording: frame 3 ")
    page.keyboard.press("g")
    page.keyboard.insert_text("#249")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert source(page).startswith("recording: frame 249 ")
    last = page.locator(".tracks").get_attribute("aria-valuemax")
    assert page.locator(".explorer").get_attribute("data-frame") == last
    page.keyboard.press("ArrowLeft")  # by the model's frames again
    assert not source(page).startswith("recording: frame 249 ")


def test_the_time_axis_tells_the_recordings_own_frames(page):
    note_what_is_written(page)
    page.set_viewport_size({"width": 1300, "height": 760})
    page.wait_for_function("() => window.written.some((text) => text.startsWith('2 s'))")
    marks = {text for text in page.evaluate("() => window.written") if " s #" in text}
    assert len(marks) >= 3
    for mark in marks:
        seconds, own = mark.split(" s #")
        assert int(own) == int(float(seconds) * FPS + 1e-3)


def test_a_sound_that_does_not_fit_is_told_and_moved(page):
    said = page.locator("#original-said")
    said.get_by_text(f"The clip lasts {COUNT / FPS:.2f} s: is this its sound?").wait_for()
    assert "long.wav: 7.00 s" in said.inner_text()
    page.locator("#original-shift input").fill("250")
    page.locator("#original-apply").click()
    said.get_by_text("Moved by +250 ms.").wait_for()
    page.locator("#original-shift input").fill("90000")
    page.locator("#original-apply").click()
    page.get_by_text("The sound can be moved by up to 5000 ms.").first.wait_for()


def test_a_sound_is_checked_against_the_clip_that_is_shown_when_it_is_chosen(page, folder):
    give(page, "reference", folder / "short.wav")
    page.locator(".toast-wrap").get_by_text(f"short.wav: 1.00 s. The clip lasts {COUNT / FPS:.2f} s").wait_for()
    (folder / "noise.wav").write_bytes(b"no sound" * 50)
    with page.expect_file_chooser() as chooser:
        page.locator("#reference").click()
    chooser.value.set_files(folder / "noise.wav")
    page.locator(".toast-wrap").get_by_text("noise.wav is not a sound file").wait_for()
    page.locator("#reference", has_text="Original (wav)").wait_for()


def test_a_sound_goes_with_its_clip_and_a_clip_that_fails_changes_nothing(page, folder):
    (folder / "bad.mp4").write_bytes(b"no video" * 50)
    with page.expect_file_chooser() as chooser:
        page.locator("#upload").click()
    chooser.value.set_files(folder / "bad.mp4")
    page.get_by_text("is not a video that can be decoded").first.wait_for()
    assert page.locator(".explorer").get_attribute("data-clip") == "fast" and page.locator("#own-clip").is_visible()
    give(page, "upload", folder / "other.mp4")
    page.locator("#reference", has_text="Original (wav)").wait_for()
    page.locator("#run").click()
    page.locator(".explorer[data-clip=other]").wait_for()
    page.locator("#original").wait_for(state="hidden")
    assert page.locator('.explorer [data-sound="original"]').is_disabled()

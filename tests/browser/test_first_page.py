"""The real page in a real browser, with nothing but this machine to reach."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import av
import pytest
from conftest import moving_frames, write_mp4

pytestmark = pytest.mark.browser
WAIT_MS = 120_000


@pytest.fixture(scope="module")
def address(bundle_folder, tmp_path_factory):
    clips = tmp_path_factory.mktemp("clips")
    write_mp4(clips / "disc.mp4", moving_frames(30, 64, 64))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (clips / "log").open("w")
    command = [
        sys.executable,
        "app.py",
        "--bundle",
        bundle_folder,
        "--clips",
        clips,
        "--port",
        str(port),
        "--no-browser",
    ]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, (clips / "log").read_text()
            time.sleep(0.5)
    yield url
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="module")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        if os.environ.get("CI"):
            pytest.fail("No Chromium found: install Debian's package chromium.")
        pytest.skip("No Chromium found.")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, address):
    """Opens the page in a language; fails if it asked anything of another address."""
    contexts, outside = [], []

    def open_page(locale="en-US"):
        context = chromium.new_context(locale=locale, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("request", lambda r: r.url.startswith((address, "data:", "blob:")) or outside.append(r.url))
        page.goto(address)
        page.get_by_role("button").first.wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert outside == []


def test_run_an_example_and_look_at_a_frame(open_page, address, tmp_path):
    page = open_page()
    page.get_by_text("random weights").first.wait_for()
    page.get_by_role("button", name="Synthesise and explain").click()
    video = page.locator("#overlay video")
    video.wait_for()
    source = video.get_attribute("src")
    urllib.request.urlretrieve(source, tmp_path / "o.mp4")
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert len(container.streams.audio) == 1
        assert sum(1 for _ in container.decode(video=0)) == round(30 / 27 * 11413 / 420)
    picture = page.locator("#picture img")
    picture.wait_for()
    first = picture.get_attribute("src")
    slider = page.locator("#frame input[type=number]")
    slider.fill("12")
    slider.press("Enter")
    page.wait_for_function("old => document.querySelector('#picture img')?.src !== old", arg=first)
    page.get_by_text(f"{12 / (11413 / 420):.3f}").first.wait_for()


def test_a_broken_upload_is_a_message(open_page, tmp_path):
    (tmp_path / "壊れた 'clip'.mp4").write_bytes(b"not a video" * 100)
    page = open_page()
    page.locator("input[type=file]").set_input_files(tmp_path / "壊れた 'clip'.mp4")
    page.get_by_text("壊れた").first.wait_for()
    page.get_by_role("button", name="Synthesise and explain").click()
    message = page.get_by_text("is not a video that can be decoded").first
    message.wait_for()
    assert str(tmp_path.parent.parent) not in message.inner_text() and "/" not in message.inner_text()


def test_japanese(open_page):
    page = open_page("ja-JP")
    page.get_by_role("button", name="音声合成と可視化").wait_for()
    page.get_by_text("声道のリアルタイムMRI").first.wait_for()

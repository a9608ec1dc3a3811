"""Several people at once, people who stop or leave in the middle, uploads that are too large or oddly named."""

import http.client
import select
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from rtmri2speech.analysis.settings import AnalysisSettings
from rtmri2speech.progress import UNSEEN, Progress
from rtmri2speech.speech.audio import read_audio
from rtmri2speech.ui import session
from rtmri2speech.ui.session import analyse_file
from tests.browser.serving import LARGEST_UPLOAD
from tests.conftest import moving_frames, write_mp4

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Brake:
    """Stands in for session.analyse_clip: counts what runs and its steps and, while `on`, makes each one slow."""

    def __init__(self, analyse):
        self.analyse, self.on, self.steps, self.running, self.ended = analyse, False, 0, 0, 0

    def __call__(self, *arguments, progress, **choices):
        def slowly(stage, done, total):
            progress(stage, done, total)
            self.steps += 1
            while self.on:
                time.sleep(0.05)
                self.steps += 1
                progress(stage, done, total)

        self.running += 1
        try:
            result = self.analyse(*arguments, progress=Progress(slowly), **choices)
        finally:
            self.running -= 1
        self.ended += 1
        return result


@pytest.fixture(scope="module")
def brake():
    with pytest.MonkeyPatch.context() as patch:
        brake = Brake(session.analyse_clip)
        patch.setattr(session, "analyse_clip", brake)
        yield brake


def give(page, name, data):
    """Upload as a person does, under any name."""
    with page.expect_file_chooser() as chooser:
        page.locator("#upload").click()
    chooser.value.set_files({"name": name, "mimeType": "video/mp4", "buffer": data})


def shown(page, frames):
    """Wait until the explorer shows a clip of so many frames; its name."""
    page.locator(f".tracks[aria-valuemax='{frames - 1}']").wait_for()
    return page.locator(".explorer").get_attribute("data-clip")


def clip_bytes(tmp_path, frames, seed=0) -> bytes:
    # at the model's own rate a clip keeps its number of frames
    from fractions import Fraction

    path = write_mp4(tmp_path / f"{frames}_{seed}.mp4", moving_frames(frames, seed=seed), fps=Fraction(11413, 420))
    return path.read_bytes()


def test_eight_at_once_get_each_their_own(open_page, address, bundle, tmp_path):
    from gradio_client import Client, handle_file

    pages = [open_page(address), open_page(address)]
    files = {}
    for number in range(8):
        files[number] = tmp_path / f"clip {number}.mp4"
        files[number].write_bytes(clip_bytes(tmp_path, 15 + number, seed=number))
    together = threading.Barrier(7)

    def ask(number):
        client = Client(address, verbose=False, download_files=str(tmp_path / str(number)))
        together.wait(60)
        wav, report = client.predict(video=handle_file(files[number]), api_name="/synthesise")
        return report["clip"], report["frames"], read_audio(wav)[0]

    with ThreadPoolExecutor(6) as pool:
        asked = {number: pool.submit(ask, number) for number in range(2, 8)}
        for number, page in enumerate(pages):
            give(page, files[number].name, files[number].read_bytes())
            page.locator("#upload", has_text=f"clip {number}").wait_for()
        together.wait(60)
        for page in pages:
            page.locator("#run").click()
        for number, page in enumerate(pages):
            assert shown(page, 15 + number) == f"clip {number}"
        for number, answer in asked.items():
            name, frames, samples = answer.result(120)
            expected, _ = analyse_file(bundle, files[number], None, UNSEEN, AnalysisSettings(bands=()))
            assert (name, frames) == (f"clip {number}", 15 + number)
            assert abs(samples - expected.audio).max() < 2e-3  # 16 bit, and another number of threads


@pytest.mark.parametrize("leave", ["stop", "reload", "close"])
def test_who_stops_or_leaves_ends_the_work(open_page, address, brake, tmp_path, leave):
    page = open_page(address)
    give(page, "long.mp4", clip_bytes(tmp_path, 21))
    page.locator("#upload", has_text="long").wait_for()
    ended, brake.on = brake.ended, True
    stop = page.locator("#stop")
    until(stop.is_disabled)  # there is nothing to stop
    try:
        before = brake.steps
        page.locator("#run").click()
        until(lambda: brake.steps > before + 3)
        assert stop.is_enabled()
        if leave == "stop":
            page.locator("#stop").click()
            page.get_by_text("Stopped.").wait_for()
            until(stop.is_disabled)
        elif leave == "reload":
            page.reload()
            page.locator(".explorer").wait_for()
        else:
            page.close()
        until(lambda: not brake.running)
        assert brake.ended == ended
    finally:
        brake.on = False
    # and the page serves on
    if leave == "close":
        page = open_page(address)
    give(page, "next.mp4", clip_bytes(tmp_path, 19))
    page.locator("#upload", has_text="next").wait_for()
    page.locator("#run").click()
    assert shown(page, 19) == "next"
    until(page.locator("#stop").is_disabled)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_huge_upload_is_refused_before_it_is_read(address):
    parts = urlsplit(address)
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="huge.mp4"\r\n\r\n'
    whole, sent = 1000 * LARGEST_UPLOAD, 0
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.putrequest("POST", "/gradio_api/upload")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(whole))
    connection.endheaders()
    connection.send(head)
    while sent < whole and not select.select([connection.sock], [], [], 0)[0]:  # until it answers
        connection.send(bytes(2**16))
        sent += 2**16
    assert connection.getresponse().status == 413 and sent < whole / 4
    connection.close()


def test_a_huge_upload_is_a_message(open_page, address):
    page = open_page(address)
    give(page, "huge.mp4", bytes(LARGEST_UPLOAD + 1000))
    page.get_by_text("the most that this page takes").first.wait_for()


def test_a_clip_that_is_too_long_is_a_message_in_the_pages_language(open_page, address, tmp_path):
    page = open_page(address)
    page.get_by_label("日本語").check()
    page.locator("#run", has_text="音声合成と可視化").wait_for()
    path = write_mp4(tmp_path / "slow.mp4", moving_frames(140, 16, 16), fps=2)
    give(page, "長い 'clip'.mp4", path.read_bytes())
    message = page.get_by_text("の長さは70.0秒です。読み込めるのは60秒までです。").first
    message.wait_for()
    assert "/" not in message.inner_text()


@pytest.mark.parametrize(
    "name", ["発話 サンプル.mp4", 'it\'s "so" & <b>so</b>.mp4', "..\\..\\up.mp4", "n" * 196 + ".mp4"]
)
def test_a_clip_of_any_name_is_shown(open_page, address, tmp_path, name):
    page = open_page(address)
    give(page, name, clip_bytes(tmp_path, 17))
    page.wait_for_function("() => /mp4/.test(document.querySelector('#upload').innerText)")
    page.locator("#run").click()
    clip = shown(page, 17)
    assert clip and not set(clip) & set('/\\"<>')


def test_a_name_that_climbs_stays_in_the_cache(address):
    parts = urlsplit(address)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="../../../climb.mp4"\r\n'
        b"Content-Type: video/mp4\r\n\r\nnothing\r\n--x--\r\n"
    )
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    connection.request("POST", "/gradio_api/upload", body, headers)
    answer = connection.getresponse().read().decode()
    assert ".." not in answer and "climb.mp4" in answer

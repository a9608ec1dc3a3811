"""What opens with the page, before any of Gradio's events has been answered."""

from pathlib import Path
from threading import Event
from urllib.parse import quote, urlencode

import httpx
import numpy as np
import pytest

from rtmri2speech.ui import Settings, build
from rtmri2speech.ui.page import launch
from tests.browser.serving import free_port
from tests.conftest import moving_frames, write_mp4

pytestmark = pytest.mark.browser
SOUND = np.sin(np.arange(16000) / 16).astype(np.float32) / 2


@pytest.fixture(scope="module")
def site(bundle_folder, tmp_path_factory):
    """The page as Gradio's Blocks, and its address: of two clips, one of them analysed."""
    clips: Path = tmp_path_factory.mktemp("clips")
    for name, seed in (("first", 0), ("second 円", 1)):
        write_mp4(clips / f"{name}.mp4", moving_frames(27, seed=seed), audio=SOUND)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("cache")))
        page, port = build(Settings(bundle=bundle_folder, clips=clips)), free_port()
        launch(page, host="127.0.0.1", port=port, blocking=False)
        yield page, f"http://127.0.0.1:{port}"
        page.close()


@pytest.fixture
def opened(browser):
    """opened(address) -> a page in a browser, and what to call so that its queue answers."""
    pages = []

    def open_at(address):
        page, go_on = browser.new_page(locale="en-US", viewport={"width": 1280, "height": 720}), Event()
        pages.append(page)
        page.set_default_timeout(30_000)
        waiting = []

        def hold(route):
            route.continue_() if go_on.is_set() else waiting.append(route)

        def answer():
            go_on.set()
            for route in waiting:
                route.continue_()

        page.route("**/gradio_api/queue/**", hold)
        page.goto(address)
        return page, answer

    yield open_at
    for page in pages:
        page.close()


def test_it_can_be_stepped_through_before_an_event_is_answered(site, opened):
    page, answer = opened(site[1])
    explorer = page.locator(".explorer[data-frame]")
    explorer.wait_for()
    assert explorer.get_attribute("data-clip") == "first"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert explorer.get_attribute("data-frame") == "1"
    assert page.locator("#explorer > [data-testid=status-tracker]").is_hidden()
    assert page.evaluate("Number(getComputedStyle(document.querySelector('#explorer .pending')).opacity)") == 1
    answer()
    page.locator("body:not(.at-once)").wait_for()
    page.locator("#stop:disabled").wait_for()
    assert explorer.get_attribute("data-frame") == "1"  # what the event brings moves nothing
    page.get_by_role("tab", name="Quality").click()
    page.locator("#quality-run").click()
    page.locator("#quality-report", has_text="dB").wait_for()  # the session has its result


def test_what_is_asked_before_the_session_has_its_result_is_answered_then(site, opened):
    page, answer = opened(site[1])
    page.locator(".explorer[data-frame]").wait_for()
    page.keyboard.press("h")
    page.locator("#reach-asked").wait_for(state="attached")  # the page's other parts are there
    answer()
    page.locator("[data-name=reach]").wait_for()
    assert page.locator("[data-action=reach]").get_attribute("aria-pressed") == "true"


def test_a_link_leads_to_its_frame_and_to_other_clips(site, opened):
    page, _ = opened(f"{site[1]}/#{urlencode({'clip': 'first', 'frame': 7})}")
    page.locator(".explorer[data-frame='7']").wait_for()
    page, answer = opened(f"{site[1]}/#{urlencode({'clip': 'second 円', 'frame': 3})}")
    page.wait_for_function("window.rtmri2speechFirst?.then((text) => text === '')")
    answer()
    page.locator(".explorer[data-clip='second 円'][data-frame='3']").wait_for()


def test_what_is_kept_is_sent_and_nothing_else(site):
    page, address = site
    examples, bundle = page.context.examples, page.context.bundles.first
    ask = lambda query="": httpx.get(f"{address}/first-view?{query}", trust_env=False)  # noqa: E731
    first = examples.kept("first", bundle)
    assert first is not None
    default = "band=F1%3A300-900&band=F2%3A900-2500"
    for query in ("", "clip=first", f"clip=first&{default}", "frame=3"):
        answer = ask(query)
        assert (answer.text, answer.headers["Cache-Control"]) == (first.payload, "no-store")
    others = ("clip=third", "clip=first&band=F1%3A300-800", f"clip={quote('../first')}", f"{default}&energy=hz")
    for query in others:
        assert (ask(query).status_code, ask(query).content) == (204, b"")
    elsewhere = httpx.get(f"{address}/first-view", headers={"Host": "example.org"}, trust_env=False)
    assert elsewhere.status_code == 403

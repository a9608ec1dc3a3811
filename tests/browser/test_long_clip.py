"""A long clip opens piece by piece, in a real browser. Long is here what lasts more than two seconds."""

from fractions import Fraction
from threading import Event

import numpy as np
import pytest

from rtmri2speech.analysis import chunked
from rtmri2speech.ui import Settings, long_clips
from rtmri2speech.ui.explorer import chunks
from tests.browser.serving import WAIT_MS, served
from tests.conftest import moving_frames, write_mp4

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FPS = Fraction(11413, 420)
FRAMES = 260


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A long clip of one's own, and the folder of examples, a short one and a long one."""
    folder = tmp_path_factory.mktemp("long")
    (folder / "clips").mkdir()
    write_mp4(folder / "clips" / "short.mp4", moving_frames(12), fps=FPS)
    sound = np.sin(np.arange(round(FRAMES / float(FPS) * 16000)) * 0.1).astype(np.float32)
    write_mp4(folder / "mine.mp4", moving_frames(FRAMES), fps=FPS, audio=0.5 * sound)
    write_mp4(folder / "clips" / "talk.mp4", moving_frames(FRAMES), fps=FPS)
    return folder


@pytest.fixture(scope="module")
def address(bundle_folder, folder):
    """A page on which pieces and parts are small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_clips, "LONGEST_WHOLE_S", 2.0)
        for module in (chunked, long_clips):
            patch.setattr(module, "FIRST", 32)
        patch.setattr(chunked, "CHUNK", 32)
        patch.setattr(chunks, "PART", 16)
        patch.setattr("rtmri2speech.ui.explorer.payload.PART", 16)
        settings = Settings(bundle=bundle_folder, clips=folder / "clips", language="en", regions="template")
        with served(settings) as address:
            yield address


@pytest.fixture
def page(open_page, address):
    return open_page(address)


def test_its_beginning_is_there_while_the_rest_is_analysed(page, folder):
    page.evaluate("""() => {
        window.seen = [];
        new MutationObserver(() => {
            const last = Number(document.querySelector('.tracks').getAttribute('aria-valuemax'));
            if (window.seen.at(-1) !== last) window.seen.push(last);
        }).observe(document.querySelector('.tracks'), { attributes: true });
    }""")
    with page.expect_file_chooser() as chooser:
        page.locator("#upload").click()
    chooser.value.set_files(folder / "mine.mp4")
    page.locator("#upload", has_text="mine").wait_for()
    page.locator("#run").click()
    page.locator(".explorer[data-clip=mine]").wait_for()
    page.locator(".explorer").focus()
    page.keyboard.press("Home")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    page.locator(f".tracks[aria-valuemax='{FRAMES - 1}']").wait_for()
    seen = page.evaluate("window.seen")
    assert seen[0] == 31 and seen == sorted(seen) and set(seen) <= {31, 63, 127, 255, FRAMES - 1}
    # where the person is, they stay
    assert page.locator(".explorer").get_attribute("data-frame") == "20"
    assert page.locator("[data-name=of]").inner_text() == f"of 0–{FRAMES - 1} · {FRAMES / float(FPS):.2f} s"
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("End")
    page.locator("[data-name=fetching]").wait_for(state="hidden")
    shown = "document.querySelector('[data-name=plain]').getContext('2d').getImageData(0, 0, 256, 256).data"
    page.wait_for_function(f"() => {shown}.some((value, k) => k % 4 < 3 && value > 150)")
    assert len(asked) == 2 and all("/part_" in url for url in asked)  # the part with the last frame, and the one before
    brightest = page.evaluate(f"""() => {{
        const all = {shown}; let sum = 0, x = 0, y = 0;
        for (let k = 0; k < 65536; k++) if (all[4 * k] > 150) {{ sum++; x += k % 256; y += Math.floor(k / 256); }}
        return [x / sum, y / sum];
    }}""")
    angle = 2 * np.pi * (FRAMES - 1) / 20  # of the disc in the last frame
    expected = [256 * (0.5 + 0.25 * np.cos(angle)), 256 * (0.5 + 0.25 * np.sin(angle))]
    np.testing.assert_allclose(brightest, expected, atol=4)


@pytest.fixture
def brake(monkeypatch):
    """Holds back all of a clip but its beginning until it is set."""
    go_on, analyse = Event(), chunked.ChunkedAnalysis.chunk

    def held(self, clip, frames, start, *others):
        assert start == 0 or go_on.wait(WAIT_MS / 1000)
        return analyse(self, clip, frames, start, *others)

    monkeypatch.setattr(chunked.ChunkedAnalysis, "chunk", held)
    yield go_on
    go_on.set()


def test_what_is_written_and_a_links_moment_outlast_the_first_piece(brake, page):
    page.goto(f"{page.url.split('#')[0]}?again#clip=talk&frame=200&stretch=190-210")
    page.locator(".explorer[data-clip=talk][data-growing]").wait_for()
    assert "still to come" in page.locator("[data-name=said]").inner_text()
    page.locator("#tab-labels-button").click()
    page.locator("#labels-text textarea, #labels-text input").fill("pa")
    page.locator("#labels-name").click()
    written = page.locator("[data-name=said-labels] option[value=pa]")
    written.wait_for(state="attached")
    brake.set()
    page.locator(".explorer[data-clip=talk]:not([data-growing])").wait_for()
    assert page.locator(".explorer").get_attribute("data-frame") == "200"
    assert [page.locator(".explorer").get_attribute(f"data-{end}") for end in ("first", "last")] == ["190", "210"]
    assert written.count() == 1

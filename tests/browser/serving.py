"""The page served from within the test's own process, and Chromium to look at it."""

import base64
import os
import shutil
import socket
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtmri2speech.clips.clip import read_clip
from rtmri2speech.render.figure_texts import REGIONS

WAIT_MS = 120_000
REGION_OF = {said: name for name, said in REGIONS["en"].items()}  # name on the page -> region
LARGEST_UPLOAD = 2**20
LONG_CLIP = "長い clip & co", 240  # name and frames
LABELS = ((1.0, 1.5, "ma"), (1.5, 2.0, "4"), (2.0, 2.5, "a"), (6.0, 7.0, "a"))  # of the long clip

TIER = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = {end}
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "said"
        xmin = 0
        xmax = {end}
        intervals: size = {count}
"""


def text_grid(labels, end) -> str:
    edges = sorted({0.0, end, *(edge for label in labels for edge in label[:2])})
    said = {label[:2]: label[2] for label in labels}
    lines = [TIER.format(end=end, count=len(edges) - 1)]
    for number, span in enumerate(zip(edges, edges[1:], strict=False), 1):
        lines.append(f"        intervals [{number}]:\n            xmin = {span[0]}\n            xmax = {span[1]}\n")
        lines.append(f'            text = "{said.get(span, "")}"\n')
    return "".join(lines)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def served(settings):
    """The page's address while it is served."""
    from rtmri2speech.ui import build
    from rtmri2speech.ui.page import launch

    page, port = build(settings), free_port()
    launch(page, host="127.0.0.1", port=port, blocking=False)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        page.close()


@contextmanager
def chromium():
    """A browser; the test is skipped where there is none, and fails in CI."""
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


@contextmanager
def pages(browser):
    """open_page(address, locale=, size=, init_script=, ...): a page in a context of its own, open on its first clip.

    In the end nothing may have broken in any of them, nor have been asked of another address than the page's own.
    """
    contexts, broken, outside = [], [], []

    def open_page(address, locale="en-US", size=(1280, 720), init_script="", **of_context):
        viewport = {"width": size[0], "height": size[1]}
        contexts.append(browser.new_context(locale=locale, viewport=viewport, **of_context))
        page, own = contexts[-1].new_page(), (address.split("#")[0], "data:", "blob:")
        page.set_default_timeout(WAIT_MS)
        page.add_init_script(init_script)
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("request", lambda request: request.url.startswith(own) or outside.append(request.url))
        page.goto(address)
        page.locator(".explorer").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert (broken, outside) == ([], [])


def next_frames(page, count: int = 3) -> None:
    """Until what is asked of the screen's next frames is drawn, sizes are observed and drawn for, too."""
    page.evaluate(
        """(count) => new Promise((done) => {
            const look = () => (count-- ? requestAnimationFrame(look) : done());
            look();
        })""",
        count,
    )


def pixels(page, name) -> np.ndarray:
    """A canvas as RGB, (256, 256, 3) int."""
    png = page.evaluate("name => document.querySelector(`[data-name='${name}']`).toDataURL()", name).split(",")[1]
    return cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def plain_frame(analysis, frame) -> np.ndarray:
    return cv2.resize(analysis.model_frames[frame], (256, 256), interpolation=cv2.INTER_LINEAR)


def assert_alike(shown, expected):
    """Within what JPEG does to a noisy frame: 2 of 255 in the mean, 24 at most in 999 of 1000 values."""
    difference = np.abs(shown - expected.astype(int))
    assert difference.mean() < 2 and np.quantile(difference, 0.999) <= 24, (difference.mean(), difference.max())


def is_spectrogram(page, x, y) -> bool:
    """Whether the tracks are dark there, as only spectrograms are."""
    return page.evaluate(
        """([x, y]) => {
            const canvas = document.querySelector("#explorer [data-name=lanes]"), at = canvas.getBoundingClientRect();
            const scale = canvas.width / at.width, [r, g, b] = canvas.getContext("2d")
                .getImageData((x - at.left) * scale, (y - at.top) * scale, 1, 1).data;
            return r + g + b < 500 && Math.max(r, g, b) - Math.min(r, g, b) > 60;
        }""",
        [x, y],
    )


def shortest_example(folder: Path) -> Path:
    """The shortest of the embedded clips, alone in the folder, with its truth."""
    from rtmri2speech.ui.page import EXAMPLES

    file = min(EXAMPLES.glob("*.mp4"), key=lambda file: read_clip(file).duration)
    shutil.copy(file.with_name(f"{file.stem}.truth.npz"), folder)
    return Path(shutil.copy(file, folder))


def note_what_is_written(page) -> None:
    """From now on window.written holds all words that are drawn on canvases."""
    page.evaluate("""() => {
        window.written = [];
        const write = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
            window.written.push(text);
            return write.call(this, text, ...place);
        };
    }""")

"""Makes README's picture, docs/page.webp, from the running page: python docs/animated_page.py [--frames FOLDER]

Needs Debian's chromium (or Chrome) and requirements-dev.txt. Opens the page by itself, on a free port, steps
through the first example by its keys as a person does, and keeps a screenshot of each step; --frames keeps these
as PNG, too.
"""

import argparse
import io
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
FILE = ROOT / "docs" / "page.webp"
WINDOW = {"width": 1280, "height": 720}
WIDTH = 960
LARGEST_BYTES = 2_000_000
STEP_MS, LOOK_MS = 140, 1600
# A key, how often, and how long what it shows is looked at.
TOUR = (
    ("Escape", 1, LOOK_MS),  # as it opens
    ("Home", 1, STEP_MS),
    ("Shift+ArrowRight", 1, STEP_MS),
    ("ArrowRight", 27, STEP_MS),
    ("n", 1, LOOK_MS),
    ("t", 1, LOOK_MS),
    ("h", 1, LOOK_MS),
    ("ArrowRight", 10, STEP_MS),
)
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def tour(page, address: str) -> tuple[list[Image.Image], list[int]]:
    """Screenshots of the page, and for how many ms each is shown."""
    page.goto(address)
    page.locator(".explorer[data-frame]").wait_for()
    page.locator("body:not(.at-once)").wait_for()
    page.locator("#export-bands input").nth(1).wait_for()  # all is there: nothing moves by itself any more
    page.evaluate("document.activeElement?.blur()")
    pictures, shown_ms = [], []
    for key, times, ms in TOUR:
        for _ in range(times):
            page.keyboard.press(key)
            if key == "h":
                page.wait_for_function("() => /%/.test(document.querySelector('[data-name=reach-said]').textContent)")
            page.evaluate(DRAWN)
            pictures.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
            shown_ms.append(ms)
    return pictures, shown_ms


def save(pictures: list[Image.Image], shown_ms: list[int]) -> None:
    """As an animated WebP of less than LARGEST_BYTES."""
    height = round(WIDTH * WINDOW["height"] / WINDOW["width"])
    small = [picture.resize((WIDTH, height), Image.Resampling.LANCZOS) for picture in pictures]
    for quality in range(80, 20, -10):
        file = io.BytesIO()
        small[0].save(
            file,
            "WEBP",
            save_all=True,
            append_images=small[1:],
            duration=shown_ms,
            loop=0,
            quality=quality,
            method=4,
            minimize_size=True,
        )
        if file.tell() < LARGEST_BYTES:
            break
    FILE.write_bytes(file.getvalue())
    print(f"{FILE.name}: {len(small)} pictures, {sum(shown_ms) / 1000:.1f} s, {file.tell() // 1000} kB")


def main() -> None:
    from playwright.sync_api import sync_playwright

    from docs.screenshots import chromium_path, free_port
    from rtmri2speech.ui import build
    from rtmri2speech.ui.page import launch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=Path, help="Folder for the screenshots as PNG.")
    frames = parser.parse_args().frames
    port, page = free_port(), build()
    launch(page, host="127.0.0.1", port=port, blocking=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_context(locale="en-US", viewport=WINDOW).new_page()
        shown.set_default_timeout(120_000)
        pictures, shown_ms = tour(shown, f"http://127.0.0.1:{port}/")
        browser.close()
    page.close()
    if frames:
        frames.mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pictures):
            picture.save(frames / f"{number:03}.png")
    save(pictures, shown_ms)


if __name__ == "__main__":
    main()

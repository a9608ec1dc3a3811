"""Makes docs/screenshots/ from the running page, in both languages: python docs/screenshots.py

Needs Debian's chromium (or Chrome) and requirements-dev.txt. Opens the page by itself, on a free port.
"""

import io
import shutil
import socket
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
FOLDER = ROOT / "docs" / "screenshots"
LARGEST_BYTES = 150_000
TALLEST = 860
STRETCH_KEYS = ("Home", *["Shift+ArrowRight"] * 2, "[", *["Shift+ArrowRight"] * 2, "]")


def chromium_path() -> str:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def save(name: str, png: bytes) -> None:
    """As a JPEG of less than LARGEST_BYTES, of the upper TALLEST pixels."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, TALLEST)))
    for quality in range(90, 30, -5):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() < LARGEST_BYTES:
            break
    (FOLDER / f"{name}.jpg").write_bytes(file.getvalue())
    print(f"{name}.jpg: {file.tell() // 1000} kB")


def tour(page, address: str, language: str) -> None:
    page.goto(address)
    page.locator(".explorer").wait_for()
    page.locator("#export-bands input").nth(1).wait_for()
    for key in STRETCH_KEYS:
        page.keyboard.press(key)
    page.evaluate("document.activeElement?.blur()")
    save(f"explorer.{language}", page.screenshot())

    page.locator("#export-part input[value=stretch]").check()
    page.locator("#export-layout input[value=side-by-side]").check()
    page.locator("#export-slow input[type=number]").fill("4")
    page.locator("#export-slow input[type=number]").press("Enter")
    page.wait_for_function("() => document.querySelector('#export-picture img')?.naturalWidth === 1024")
    page.locator("#make-overlay").click()
    page.locator("#overlay video").wait_for()
    page.locator("#make-files").click()
    page.locator("#exported a").first.wait_for()
    page.wait_for_timeout(1000)
    save(f"export.{language}", page.locator("#panels").screenshot())

    for panel in ("trust", "hide", "quality"):
        page.locator(f"#tab-{panel}-button").click()
        page.locator(f"#{panel}-run").wait_for()
        if panel == "hide":
            page.locator("#hide-board input[value=tongue]").check()
        page.locator(f"#{panel}-run").click()
        page.locator(f"#{panel}-report").locator("img, table").locator("visible=true").first.wait_for()
        page.wait_for_timeout(1000)
        save(f"{panel}.{language}", page.locator("#panels").screenshot())


def main() -> None:
    from playwright.sync_api import sync_playwright

    from rtmri2speech.ui import build
    from rtmri2speech.ui.page import launch

    FOLDER.mkdir(exist_ok=True)
    port, page = free_port(), build()
    launch(page, host="127.0.0.1", port=port, blocking=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"])
        for language, locale in (("en", "en-US"), ("ja", "ja-JP")):
            shown = browser.new_context(locale=locale, viewport={"width": 1280, "height": 720}).new_page()
            shown.set_default_timeout(120_000)
            tour(shown, f"http://127.0.0.1:{port}/", language)
        browser.close()
    page.close()


if __name__ == "__main__":
    main()

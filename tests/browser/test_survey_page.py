"""The page of a survey in a real browser, opened from its file."""

import cv2
import numpy as np
import pytest

from rtmri2speech.corpus.report import write_page
from rtmri2speech.corpus.statistics import Estimate, Phone
from rtmri2speech.spec import F1

pytestmark = pytest.mark.browser
GREY_JS = """async (img) => {
    await img.decode();
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.drawImage(img, 0, 0);
    return canvas.getImageData(5, 5, 1, 1).data[0];
}"""


def phone(label, share, clips):
    shares = {"tongue": share, "elsewhere": Estimate(0.5, 0.4, 0.6, 3)}
    picture = np.zeros((8, 8), np.float32)
    names = tuple("abc"[:clips])
    return Phone(label, names, 10 * clips, {"F1": Estimate(2.5, 2, 3, clips)}, {"F1": shares}, {"F1": picture}, picture)


def test_the_table_is_sorted_and_leads_to_the_figures(browser, tmp_path):
    shares = {
        "a": (0.3, 0.2, 0.4, 3),
        "i": (np.nan, np.nan, np.nan, 1),
        "s": (0.08, 0, 0.2, 2),
        "<u>": (0.9, 0.8, 1, 3),
    }
    phones = [phone(label, Estimate(*values), values[-1]) for label, values in shares.items()]
    figures = {phone.label: tmp_path / f"{number}.png" for number, phone in enumerate(phones)}
    for number, figure in enumerate(figures.values()):
        cv2.imwrite(str(figure), np.full((40, 900, 3), 60 * number, np.uint8))
    write_page(tmp_path / "s.html", phones, figures, [F1], (3, 1))
    asked = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "s.html").as_uri())
    shown = lambda: page.locator("tbody td:first-child").all_inner_texts()  # noqa: E731
    assert shown() == ["[a]", "[i]", "[s]", "[<u>]"]
    tongue = page.get_by_role("button", name="tongue")
    tongue.click()
    assert shown() == ["[<u>]", "[a]", "[s]", "[i]"]  # the largest first; what is not known last
    tongue.click()
    assert shown() == ["[s]", "[a]", "[<u>]", "[i]"]
    page.get_by_role("button", name="phone").click()
    assert shown() == ["[<u>]", "[a]", "[i]", "[s]"]
    cells = page.locator("tbody tr").nth(1).locator("td").all_inner_texts()
    assert cells[1:4] == ["F1 band (300-900 Hz)", "3", "30"] and cells[5] == "3020–40"
    page.get_by_role("link", name="[s]").click()
    assert page.url.endswith("#phone-2")
    picture = page.locator("#phone-2 img")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") == 760
    assert [page.locator(f"#phone-{k} img").evaluate(GREY_JS) for k in range(4)] == pytest.approx(
        [0, 60, 120, 180], abs=2
    )  # each phone has the figure of its own
    page.close()
    assert all(url.startswith(("file:", "data:")) for url in asked)

"""Labels of a clip: a TextGrid is opened, edited at the frame that is shown, and saved, in a real browser."""

import pytest

from rtmri2speech.labels.textgrid import read_intervals, read_remarks, write_tiers

pytestmark = pytest.mark.browser
FPS = 11413 / 420


@pytest.fixture(scope="module")
def page(keep_page, address):
    page = keep_page(address)
    page.locator("#tab-labels-button").click()
    return page


def labels(page) -> list[str]:
    """What the explorer offers to go to."""
    return page.locator("[data-name=said-labels] option").evaluate_all("all => all.map(({ value }) => value)")


def at(page, frame):
    page.locator(".explorer").focus()
    page.keyboard.press("g")
    page.keyboard.insert_text(str(frame))
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")


# What is written on the tracks from now on.
WRITTEN = """() => {
    window.written = new Set();
    const write = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
        window.written.add(text);
        return write.call(this, text, ...place);
    };
}"""


def offered(page, expected):
    said = "JSON.stringify([...document.querySelectorAll('[data-name=said-labels] option')].map(({ value }) => value))"
    page.wait_for_function(f"expected => {said} === JSON.stringify(expected)", arg=expected)


def test_labels_are_opened_edited_at_the_frame_and_saved(page, tmp_path):
    page.evaluate(WRITTEN)
    write_tiers(tmp_path / "mine.TextGrid", [(0.0, 0.5, ""), (0.5, 1.2, "ma"), (1.2, 2.0, "")], [], 0.0, 2.0)
    with page.expect_file_chooser() as chooser:
        page.locator("#labels-open").click()
    chooser.value.set_files(tmp_path / "mine.TextGrid")
    offered(page, ["ma"])
    at(page, 20)
    page.locator("#labels-add").click()
    page.locator("#labels-text textarea, #labels-text input").fill("ɾa")
    page.locator("#labels-name").click()
    offered(page, ["ma", "ɾa"])
    page.wait_for_function("() => window.written.has('ɾa')")  # over the spectrograms, too
    assert page.locator(".explorer").get_attribute("data-frame") == "20"  # where the person was
    page.locator("#labels-text textarea, #labels-text input").fill("唇が閉じる")
    page.locator("#labels-remark").click()
    offered(page, ["ma", "ɾa", "唇が閉じる"])
    at(page, 30)
    page.locator("#labels-move").click()  # the one at 1.2 s
    link = page.locator("#labels-saved a[download]").first
    for _ in range(3):  # a file older than the labels is taken back: when the move is answered after Save, press again
        page.locator("#labels-save").click()
        page.wait_for_timeout(500)
        if link.is_visible():
            break
    with page.expect_download() as saved:
        link.click()
    saved.value.save_as(tmp_path / "saved.TextGrid")
    expected = [(0.0, 0.5, ""), (0.5, 20 / FPS, "ma"), (20 / FPS, 30 / FPS, "ɾa"), (30 / FPS, 54 / FPS, "")]
    found = read_intervals(tmp_path / "saved.TextGrid")
    assert [text for *_, text in found] == [text for *_, text in expected]
    assert [pytest.approx(edge, abs=0.02) for edge, _, _ in expected] == [edge for edge, _, _ in found]
    ((at_s, said),) = read_remarks(tmp_path / "saved.TextGrid")
    assert said == "唇が閉じる" and at_s == pytest.approx(20 / FPS, abs=1e-3)

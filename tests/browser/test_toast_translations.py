"""What Gradio itself would say in English is said in the page's own words and language."""

import pytest

from rtmri2speech.ui.texts import TEXTS
from tests.browser.serving import LARGEST_UPLOAD

pytestmark = pytest.mark.browser
SAID = {
    "Queue is full. Max size is 3 and size is 3.": "notice_busy",
    "This application is currently busy. Please try again. ": "notice_busy",
    "Connection errored out. ": "notice_gone",
    "Connection to the server was lost. Attempting reconnection...": "notice_gone",
    "Invalid file type. Please upload a file that is one of these formats: .mp4": "notice_other_kind",
}


@pytest.mark.parametrize(
    ("locale", "too_large", "wrong_kind"),
    [
        ("ja-JP", "先に動画を切り分けてください", "notes.txtは動画として読み込めません"),
        ("en-US", "the most that this page takes", "notes.txt is not a video that can be decoded"),
    ],
)
def test_a_file_too_large_or_of_another_kind(open_page, address, tmp_path, locale, too_large, wrong_kind):
    large, other = tmp_path / "large.mp4", tmp_path / "notes.txt"
    large.write_bytes(bytes(LARGEST_UPLOAD + 1000))
    other.write_text("no clip")
    page = open_page(address, locale=locale)
    chooser = page.locator("input[type=file]").first
    chooser.set_input_files(large)
    page.locator(".toast-wrap").get_by_text(too_large).wait_for()
    assert "large.mp4" in page.locator(".toast-wrap").inner_text()
    chooser.set_input_files(other)
    page.locator(".toast-wrap").get_by_text(wrong_kind).wait_for()
    assert "Invalid" not in page.locator(".toast-wrap").inner_text()
    # what cannot be brought about here, as Gradio 6 writes it
    language = "ja" if locale == "ja-JP" else "en"
    for said, key in SAID.items():
        page.evaluate(
            """(said) => {
                const note = Object.assign(document.createElement("div"), { className: "toast-wrap" });
                document.body.append(note);
                note.append(Object.assign(document.createElement("p"), { id: "said", textContent: said }));
            }""",
            said,
        )
        page.locator("#said").get_by_text(TEXTS[language][key], exact=True).wait_for()
        page.evaluate("() => document.querySelector('#said').parentNode.remove()")

"""What acoustics says of a phantom, on the page: the core's correlation in the frame shown, and no such thing for other
clips."""

import numpy as np
import pytest

from rtmri2speech.analysis.tract_sensitivity import comparable, read_tract
from rtmri2speech.evaluation.faithfulness.rank_correlation import rank_correlation
from tests.browser.serving import note_what_is_written

pytestmark = pytest.mark.browser
BUTTON = "#explorer [data-action=acoustics]"


def test_the_curves_of_a_phantom(open_page, embedded_address, embedded, example, fine):
    page = open_page(embedded_address)
    figure = page.locator("#explorer [data-name=acoustics]")
    assert figure.is_hidden()
    page.locator(BUTTON).click()
    tract = read_tract(example.with_suffix(".truth.npz"), fine)
    true = tract.sensitivity(embedded.mel, comparable(fine))
    frame = int(np.flatnonzero(tract.known & ~fine.silent)[3])
    note_what_is_written(page)
    page.locator("[data-name=goto]").fill(str(frame))
    page.locator("[data-name=goto]").press("Enter")
    expected = []
    for name, values in true.items():
        rank = rank_correlation(values[frame], tract.attribution(fine.cam[name])[frame])
        expected.append(f"{name}: rank correlation {rank:.2f}".replace("-", "−"))
    page.wait_for_function("(said) => said.every((one) => window.written.includes(one))", arg=expected)
    assert "Where acoustics says it comes from" in figure.inner_text()
    page.locator("#explorer .tracks").focus()
    page.keyboard.press("Home")  # the pause before
    page.wait_for_function("() => window.written.some((one) => one.startsWith('F1: nothing to compare'))")
    page.keyboard.press("d")
    figure.wait_for(state="hidden")


def test_no_acoustics_without_a_truth(open_page, address):
    page = open_page(address)
    assert page.locator(BUTTON).is_hidden()

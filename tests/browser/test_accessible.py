"""axe-core's serious and critical findings on every panel, in both languages, light and dark."""

import pytest

from rtmri2speech.ui.page import PANELS

pytestmark = pytest.mark.browser
# Gradio's own: the empty place of a picture or file carries a name that its role does not allow.
_GRADIOS = {"aria-prohibited-attr": ".empty"}

FADED_IN = """() => document.getAnimations().every(({ playState, effect }) =>
    playState !== "running" || effect.getComputedTiming().iterations === Infinity)"""


@pytest.mark.parametrize(("locale", "scheme"), [("en-US", "light"), ("ja-JP", "dark")])
def test_nothing_serious(open_page, address, locale, scheme):
    from axe_playwright_python.sync_playwright import Axe

    axe, found = Axe(), []
    page = open_page(address, locale=locale, color_scheme=scheme)
    for panel in PANELS:
        page.locator(f"#tab-{panel}-button").click()
        page.locator(f"#tab-{panel}-button[aria-selected=true]").wait_for()
        page.wait_for_function(FADED_IN)
        for violation in axe.run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                found += [
                    (panel, violation["id"], node["html"][:120])
                    for node in violation["nodes"]
                    if _GRADIOS.get(violation["id"], "?") not in node["target"][0]
                ]
    assert found == []

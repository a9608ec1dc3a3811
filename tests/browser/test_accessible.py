"""axe-core's serious and critical findings on every panel, in both languages, light and dark."""

import pytest

from rtmri2speech.ui import Settings
from rtmri2speech.ui.page import PANELS
from tests.browser.serving import WAIT_MS, chromium, served
from tests.conftest import moving_frames, write_mp4

pytestmark = pytest.mark.browser
# Gradio's own: the empty place of a picture or file carries a name that its role does not allow.
_GRADIOS = {"aria-prohibited-attr": ".empty"}


@pytest.fixture(scope="module")
def address(bundle_folder, tmp_path_factory):
    clips = tmp_path_factory.mktemp("clips")
    write_mp4(clips / "clip.mp4", moving_frames(20))
    with served(Settings(bundle=bundle_folder, clips=clips)) as address:
        yield address


@pytest.mark.parametrize(("locale", "scheme"), [("en-US", "light"), ("ja-JP", "dark")])
def test_nothing_serious(address, locale, scheme):
    from axe_playwright_python.sync_playwright import Axe

    axe, found = Axe(), []
    with chromium() as browser:
        page = browser.new_context(locale=locale, color_scheme=scheme).new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(address)
        page.locator(".explorer").wait_for()
        for panel in PANELS:
            page.locator(f"#tab-{panel}-button").click()
            page.wait_for_timeout(400)  # colours fade in
            for violation in axe.run(page).response["violations"]:
                if violation["impact"] in ("serious", "critical"):
                    found += [
                        (panel, violation["id"], node["html"][:120])
                        for node in violation["nodes"]
                        if _GRADIOS.get(violation["id"], "?") not in node["target"][0]
                    ]
    assert found == []

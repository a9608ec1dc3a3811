"""From the start to a slow overlay of where F2's heat moves, as a newcomer would, action by action."""

import av
import pytest

from rtmri2speech.ui import Settings
from tests.browser.serving import served

pytestmark = pytest.mark.browser
FPS = 11413 / 420


@pytest.mark.slow
def test_a_slow_overlay_of_f2s_move_takes_five_actions(open_page, tmp_path):
    with served(Settings(language="en")) as address:
        page = open_page(address)
        page.locator("body:not(.at-once)").wait_for()  # until then, what makes things says that there is no clip yet
        page.locator('[data-view="1"]').click()  # 1: F2 alone
        page.locator('[data-action="change"]').click()  # 2: to where its leading region changes
        page.get_by_text("→").first.wait_for()
        page.locator("#export-slow input[type=number]").fill("4")  # 3: four times slower
        page.locator("#make-around").click()  # 4: six frames before and after
        page.locator("#overlay video").wait_for()
        frame = int(page.locator(".explorer").get_attribute("data-frame"))
        last = int(page.locator("#explorer .tracks").get_attribute("aria-valuemax"))
        with page.expect_download() as download:  # 5: to keep it
            page.locator("#overlay a[download], #overlay button[aria-label=Download]").first.click()
        download.value.save_as(tmp_path / "slow.mp4")
    with av.open(str(tmp_path / "slow.mp4")) as file:
        seconds = sum(1 for _ in file.decode(video=0)) / FPS
    assert seconds == pytest.approx(4 * (min(last, frame + 6) - max(0, frame - 6) + 1) / FPS, abs=0.05)

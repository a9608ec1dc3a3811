"""What a row of the bands can be of, on the page: loudness, tilt, and a formant that is followed, as the core has them;
and a link to all that was asked for."""

import numpy as np
import pytest
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.region_attribution import attribute_to_regions
from rtmri2speech.attribution.targets import target_of
from rtmri2speech.render.figure_texts import region_name
from rtmri2speech.spec import Band
from rtmri2speech.speech.mel import centre_frequencies_hz
from rtmri2speech.ui.session import DEFAULT_MAPS

pytestmark = pytest.mark.browser
ROWS = "#explorer [data-name=numbers] tr"
ASKED = ("loudness", "tilt", "F2:formant2+-250/truth")


@pytest.fixture(scope="module")
def bundle(embedded):
    return embedded


@pytest.fixture(scope="module")
def made(bundle, spoken):
    bands = [Band.parse(text) for text in ASKED]
    return analyse(bundle, spoken.clip, bands, method=DEFAULT_MAPS, speak=False)


@pytest.fixture(scope="module")
def attribution(made, masks):
    return attribute_to_regions(made, masks).bands


def choose(page, row: int, field: str, option: str) -> None:
    page.locator("#bands .band:visible").nth(row).get_by_label(field).click()
    page.get_by_role("option", name=option, exact=True).last.click()  # a list that was open fades away


def go_to(page, frame: int) -> None:
    page.locator("[data-name=goto]").fill(str(frame))
    page.locator("[data-name=goto]").press("Enter")
    page.locator("#explorer .tracks").focus()


def row_of(page, number: int) -> list[str]:
    return page.locator(ROWS).nth(number).locator("td").all_inner_texts()


def run_and_see(page, rows: int) -> None:
    page.locator("#run").click()
    page.wait_for_function(f"() => document.querySelectorAll('{ROWS}').length === {rows}")
    page.locator("body:not(.pending)").wait_for(state="attached")


def test_loudness_tilt_and_a_followed_formant_are_the_cores(page, bundle, made, attribution):
    page.locator("#edit-bands").click()
    choose(page, 0, "Explained", "loudness")
    page.locator("#bands .band:visible").nth(0).get_by_label("From (Hz)").wait_for(state="hidden")
    choose(page, 1, "Explained", "spectral tilt")
    page.locator("#band-add").click()
    page.locator("#bands .band:visible").nth(2).wait_for()
    choose(page, 2, "Explained", "F2, tracked")
    page.locator("#bands .band:visible").nth(2).get_by_label("± Hz").fill("250")
    choose(page, 2, "As measured in", "phantom’s truth")
    names = [page.locator("#bands .band:visible").nth(k).get_by_label("Name").input_value() for k in range(3)]
    assert names == ["loudness", "tilt", "F2"]
    run_and_see(page, 3)
    page.locator("#edit-bands").click()
    slope = target_of(bundle.mel, made.bands[1])
    slopes = slope(torch.from_numpy(made.mel_db)).numpy()
    there = np.flatnonzero(np.isfinite(made.tracked_hz["F2"]) & ~made.silent)
    for frame in {there[0], there[len(there) // 2], int(np.nan_to_num(attribution["F2"].strength).argmax())}:
        go_to(page, frame)
        told = [row_of(page, k) for k in range(3)]
        assert told[0][1] == f"{made.band_db['loudness'][frame]:.1f} dB".replace("-", "−")
        assert told[1][1] == f"{slopes[frame]:.1f} dB/oct".replace("-", "−")
        assert told[2][1] == f"{made.band_db['F2'][frame]:.1f} dB".replace("-", "−")
        for name, row in zip(("loudness", "tilt", "F2"), told, strict=True):
            if attribution[name].strength[frame] < 0.05:
                continue
            region = max(attribution[name].shares, key=lambda one: attribution[name].shares[one][frame])
            said = region_name(region, "en")
            assert row[2].startswith(f"{said} ")
            share = int(row[2].removeprefix(f"{said} ").split(" %")[0])
            assert share == pytest.approx(100 * attribution[name].shares[region][frame], abs=1)
    without = int(np.flatnonzero(np.isnan(made.tracked_hz["F2"]) & ~made.silent)[0])
    go_to(page, without)
    assert row_of(page, 2)[1:] == ["–", "no formant measured here"]
    page.keyboard.press("2")  # what raises the tilt and what lowers it
    assert page.locator("[data-name=legend] .mark").all_inner_texts() == ["lowers", "raises"]


EDGES = """(frame) => {
    const canvas = document.querySelector("#explorer [data-name=lanes]"), scale = canvas.width / canvas.clientWidth;
    const tracks = document.querySelector("#explorer .tracks");
    const count = Number(tracks.getAttribute("aria-valuemax")) + 1;
    const x = Math.round((84 + ((tracks.clientWidth - 94) * (frame + 0.5)) / count) * scale);
    const data = canvas.getContext("2d").getImageData(x, 0, 1, canvas.height).data, found = [];
    for (let y = 0; y < canvas.height; y++) {
        const [r, g, b] = data.slice(4 * y, 4 * y + 3); // no colour of a spectrogram is as blue as violet
        if (b > 170 && r > 120 && r < 215 && g < 150) found.push(y / scale);
    }
    return found;
}"""


def test_a_followed_band_is_drawn_around_its_track(page, bundle, made):
    """On the spectrogram, in bins: the two edges of a frame as far apart, and those of two frames, as in the core."""
    track, hz = made.tracked_hz["F2"], centre_frequencies_hz(bundle.mel)
    first, second = int(np.nanargmin(track)), int(np.nanargmax(track))

    def edges(frame):
        found = page.evaluate(EDGES, frame)
        groups = np.split(np.array(found), np.flatnonzero(np.diff(found) > 2) + 1)
        return [group.mean() for group in groups[:2]]  # of the first spectrogram

    bin_of = lambda frame, side: np.interp(track[frame] + side * 250, hz, np.arange(len(hz)))  # noqa: E731
    (upper, lower), (other, _) = edges(first), edges(second)
    expected = (bin_of(second, 1) - bin_of(first, 1)) / (bin_of(first, 1) - bin_of(first, -1))
    assert (upper - other) / (lower - upper) == pytest.approx(expected, rel=0.2) and abs(expected) > 0.5


def test_what_cannot_be_followed_is_a_sentence_and_nothing_is_lost(page):
    page.locator("#edit-bands").click()
    page.locator("#bands .band:visible").nth(2).get_by_label("± Hz").fill("")
    page.locator("#run").click()
    page.get_by_text("Band F2: give how many Hz on either side of the formant.").first.wait_for()
    page.locator("#bands .band:visible").nth(2).get_by_label("± Hz").fill("1")
    page.locator("#run").click()
    page.get_by_text("The band F2 holds no mel bin of this bundle around its formant").first.wait_for()
    assert page.locator(ROWS).count() == 3
    page.locator("#edit-bands").click()


@pytest.mark.slow
def test_a_link_holds_boxes_contrasts_and_maps_of_the_frequency(page, made):
    """All that was asked for, with the numbers of the page that wrote it; the rows show the bands, and no boxes."""
    page.goto(
        page.url.split("#")[0]
        + "#band=F1:300-900&band=F2:formant2%2B-250/truth&clip="
        + page.locator("[data-name=clip]").inner_text()
    )
    page.wait_for_function(f"() => document.querySelectorAll('{ROWS}').length === 2")
    a, b = int(made.speech[4]), int(made.speech[-6])
    go_to(page, a)
    page.keyboard.press("a")
    go_to(page, b)
    page.locator("[data-name=asked-band]").select_option("F1")
    page.keyboard.press("w")
    page.wait_for_function(f"() => document.querySelectorAll('{ROWS}').length === 3")
    page.locator("[data-name=asked-band]").select_option(index=0)
    page.keyboard.press("w")  # the same times, another band
    page.wait_for_function(f"() => document.querySelectorAll('{ROWS}').length === 4")
    page.keyboard.press("u")
    page.locator("[data-action=frequency][aria-pressed=true]").wait_for()
    go_to(page, a)
    page.keyboard.press("4")
    told, view = [row_of(page, k) for k in range(4)], page.locator("[data-name=view-title]").inner_text()
    assert told[0][1].endswith(" Hz") and told[2][0] != told[3][0] or told[2][2] != told[3][2]
    parts = ("energy=hz", f"frame={a}", "view=3")  # the address follows a moment later
    page.wait_for_function("(parts) => parts.every((part) => location.hash.includes(part))", arg=parts)
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_function(f"() => document.querySelectorAll('{ROWS}').length === 4")
    page.locator("[data-action=frequency][aria-pressed=true]").wait_for()
    assert [row_of(page, k) for k in range(4)] == told and page.url == link
    assert page.locator("[data-name=view-title]").inner_text() == view
    page.locator("#edit-bands").click()
    rows = page.locator("#bands .band:visible")
    rows.nth(1).get_by_label("± Hz").wait_for()
    assert rows.count() == 2 and rows.nth(1).get_by_label("± Hz").input_value() == "250"
    page.keyboard.press("Escape")
    page.locator(".forget").last.click()
    page.wait_for_function(f"() => document.querySelectorAll('{ROWS}').length === 3")
    page.wait_for_function("() => (location.hash.match(/band=/g) ?? []).length === 3")

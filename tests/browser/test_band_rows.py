"""What a row of the bands can be of, on the page: loudness, tilt, and a formant that is followed, as the core has them;
and a link to all that was asked for."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from rtmri2speech.analysis import analyse
from rtmri2speech.anatomy.find import regions_of
from rtmri2speech.clip import read_clip
from rtmri2speech.evidence import RegionMasks, account_of
from rtmri2speech.models.load import load_bundle
from rtmri2speech.spec import Band
from rtmri2speech.targets import target_of
from rtmri2speech.ui.handlers import DEFAULT_MAPS, kind_of
from rtmri2speech.ui.page import EXAMPLES, Settings
from tests.browser.serving import one_page

pytestmark = pytest.mark.browser
ROWS = "#explorer [data-name=numbers] tr"
ASKED = ("loudness", "tilt", "F2:formant2+-250/truth")


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory):
    """The shortest of the embedded clips, alone in a folder, with its truth."""
    file = min(EXAMPLES.glob("*.mp4"), key=lambda file: read_clip(file).duration)
    folder = tmp_path_factory.mktemp("clips")
    shutil.copy(file.with_name(f"{file.stem}.truth.npz"), folder)
    return Path(shutil.copy(file, folder))


@pytest.fixture(scope="module")
def bundle():
    return load_bundle()


@pytest.fixture(scope="module")
def made(bundle, clip_file):
    bands = [Band.parse(text) for text in ASKED]
    return analyse(bundle, read_clip(clip_file), bands, **kind_of(bundle, DEFAULT_MAPS), speak=False)


@pytest.fixture(scope="module")
def evidence(made, clip_file):
    return account_of(made, RegionMasks(regions_of(made.model_frames, made.fps, clip_file))).bands


@pytest.fixture(scope="module")
def page(clip_file):
    with one_page(Settings(clips=clip_file.parent, language="en")) as page:
        yield page


def choose(page, row: int, field: str, option: str) -> None:
    page.locator("#bands .band:visible").nth(row).get_by_label(field).click()
    page.get_by_role("option", name=option, exact=True).click()


def go_to(page, frame: int) -> None:
    page.locator("[data-name=goto]").fill(str(frame))
    page.locator("[data-name=goto]").press("Enter")


def row_of(page, number: int) -> list[str]:
    return page.locator(ROWS).nth(number).locator("td").all_inner_texts()


def run_and_see(page, rows: int) -> None:
    page.locator("#run").click()
    page.wait_for_function(f"() => document.querySelectorAll('{ROWS}').length === {rows}")
    page.locator("body:not(.pending)").wait_for(state="attached")


def test_loudness_tilt_and_a_followed_formant_are_the_cores(page, bundle, made, evidence):
    page.locator("#edit-bands").click()
    choose(page, 0, "Explained", "loudness")
    page.locator("#bands .band:visible").nth(0).get_by_label("From (Hz)").wait_for(state="hidden")
    choose(page, 1, "Explained", "spectral tilt")
    page.locator("#band-add").click()
    page.locator("#bands .band:visible").nth(2).wait_for()
    choose(page, 2, "Explained", "F2, followed")
    page.locator("#bands .band:visible").nth(2).get_by_label("± Hz").fill("250")
    choose(page, 2, "As measured in", "phantom’s truth")
    names = [page.locator("#bands .band:visible").nth(k).get_by_label("Name").input_value() for k in range(3)]
    assert names == ["loudness", "tilt", "F2"]
    run_and_see(page, 3)
    page.locator("#edit-bands").click()
    slope = target_of(bundle.mel, made.bands[1])
    import torch

    slopes = slope(torch.from_numpy(made.mel_db)).numpy()
    there = np.flatnonzero(np.isfinite(made.followed_hz["F2"]) & ~made.silent)
    for frame in {there[0], there[len(there) // 2], int(np.nan_to_num(evidence["F2"].strength).argmax())}:
        go_to(page, frame)
        told = [row_of(page, k) for k in range(3)]
        assert told[0][1] == f"{made.band_db['loudness'][frame]:.1f} dB"
        assert told[1][1] == f"{slopes[frame]:.1f} dB/oct".replace("-", "−")
        assert told[2][1] == f"{made.band_db['F2'][frame]:.1f} dB"
        for name, row in zip(("loudness", "tilt", "F2"), told, strict=True):
            if evidence[name].strength[frame] < 0.05:
                continue
            region = max(evidence[name].shares, key=lambda one: evidence[name].shares[one][frame])
            assert row[2].startswith(f"{region.replace('_', ' ')} ")
            share = int(row[2].removeprefix(f"{region.replace('_', ' ')} ").split(" %")[0])
            assert share == pytest.approx(100 * evidence[name].shares[region][frame], abs=1)
    without = int(np.flatnonzero(np.isnan(made.followed_hz["F2"]) & ~made.silent)[0])
    go_to(page, without)
    assert row_of(page, 2)[1:] == ["–", "no formant measured here"]
    page.keyboard.press("2")  # what raises the tilt and what lowers it
    assert page.locator("[data-name=legend] .mark").all_inner_texts() == ["lowers", "raises"]


def test_a_followed_band_is_drawn_around_its_track(page, made):
    """In a frame with the formant, its blue edges are at the formant plus and minus the width, and nowhere else."""
    frame = int(np.flatnonzero(np.isfinite(made.followed_hz["F2"]))[3])
    edges = page.evaluate(
        """(frame) => {
        const canvas = document.querySelector("#explorer [data-name=lanes]"), box = canvas.getBoundingClientRect();
        const tracks = document.querySelector("#explorer .tracks"), scale = canvas.width / box.width;
        const wide = tracks.clientWidth - 94, count = Number(tracks.getAttribute("aria-valuemax")) + 1;
        const x = Math.round((84 + (wide * (frame + 0.5)) / count) * scale);
        const data = canvas.getContext("2d").getImageData(x, 0, 1, canvas.height).data, found = [];
        for (let y = 0; y < canvas.height; y++) {
            const [r, g, b] = data.slice(4 * y, 4 * y + 3);
            if (b > 180 && r > 150 && g < 150) found.push(y / scale);
        }
        return found;
    }""",
        frame,
    )
    assert edges, "nothing is drawn in the third band's violet"


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

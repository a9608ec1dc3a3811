"""Maps of one's own, asked for on the page by keys and by fingers: the numbers are the core's."""

import json
import re

import numpy as np
import pytest

from rtmri2speech.analysis.formants import formant_tracks
from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.region_attribution import attribute_to_regions
from rtmri2speech.attribution.normalisation import display_grid
from rtmri2speech.attribution.upsampling import upsample_grid
from rtmri2speech.render.colour import BAND_MAPS, blend, layer, levels
from rtmri2speech.spec import F2, Band
from rtmri2speech.speech.mel import band_bins, centre_frequencies_hz
from rtmri2speech.ui.session import DEFAULT_MAPS
from tests.browser.serving import (
    REGION_OF,
    assert_alike,
    is_spectrogram,
    next_frames,
    pixels,
    plain_frame,
)

pytestmark = pytest.mark.browser
ROWS = "#explorer [data-name=numbers] tr"


@pytest.fixture(scope="module")
def bundle(embedded):
    return embedded


@pytest.fixture(scope="module")
def plain(spoken):
    return spoken


def go_to(page, frame: int) -> None:
    page.locator("[data-name=goto]").fill(str(frame))
    page.locator("[data-name=goto]").press("Enter")
    page.locator("#explorer .tracks").focus()
    assert page.locator("#explorer .tracks").get_attribute("aria-valuenow") == str(frame)


def told(page) -> str:
    return page.locator("[data-name=told]").inner_text()


def rows_are(page, count: int) -> None:
    page.wait_for_function(f"() => document.querySelectorAll('{ROWS}').length === {count}")


def share_of(page) -> tuple[str, int]:
    """The largest share of the last row: region and per cent."""
    name, share = re.match(r"(.+?) (\d+) %", page.locator(ROWS).last.locator("td").last.inner_text()).groups()
    return REGION_OF[name], int(share)


def strongest_frame(attribution) -> int:
    return int(attribution.strength.argmax())


def assert_map_drawn(page, made, name: str, frame: int, colour: str) -> None:
    """The picture is the frame under the core's map of the band."""
    heat = upsample_grid(display_grid(made.cam[name], "clip", made.speech))[frame]
    expected = blend(plain_frame(made, frame), [levels(heat)], [layer(colour, 0.7)])
    assert_alike(pixels(page, "heat"), expected)


def test_why_a_and_not_b(page, bundle, plain, masks):
    """With nothing marked, with A for B and with B in silence it is a sentence; else the core's map of the contrast."""
    a, b, silent = int(plain.speech[3]), int(plain.speech[-4]), int(plain.silent.argmax())
    go_to(page, a)
    page.keyboard.press("w")
    assert told(page).startswith("Mark A first")
    page.keyboard.press("a")
    page.keyboard.press("w")
    assert told(page).startswith("A and B are the same")
    go_to(page, silent)
    page.locator("[data-action=contrast]").click()
    assert told(page) == f"Nobody speaks at B (frames {silent}–{silent}): there is nothing to compare."
    go_to(page, b)
    page.keyboard.press("w")
    rows_are(page, 3)
    asked = json.loads(page.locator("#explorer .explorer").get_attribute("data-box"))
    frames = [(a + edge) / plain.fps for edge in (0, 1)] + [(b + edge) / plain.fps for edge in (0, 1)]
    # the maps of A against B are those of B against A: which is which, only the times tell
    assert [asked[key] for key in ("from_s", "to_s", "than_from_s", "than_to_s")] == pytest.approx(frames, abs=1e-3)
    said = f"A {(a + 0.5) / plain.fps:.2f} s, not B {(b + 0.5) / plain.fps:.2f} s"
    assert page.locator(ROWS).last.locator("td").first.inner_text().startswith(said)
    contrast = Band("contrast", asked["low_hz"], asked["high_hz"], *frames)
    made = analyse(bundle, plain.clip, [contrast], method=DEFAULT_MAPS, speak=False)
    attribution = attribute_to_regions(made, masks).bands["contrast"]
    for frame in {a, strongest_frame(attribution)}:
        go_to(page, frame)
        name, share = share_of(page)
        assert share == pytest.approx(100 * attribution.shares[name][frame], abs=1)
    assert page.locator('[data-view="2"]').get_attribute("aria-pressed") == "true"  # it is what is looked at
    assert_map_drawn(page, made, "contrast", frame, BAND_MAPS[2])
    page.locator(".forget").click()
    rows_are(page, 2)
    assert page.locator('[data-view="each"]').get_attribute("aria-pressed") == "true"
    page.keyboard.press("a")  # A is given up


def test_the_chosen_stretch_in_a_chosen_band_by_keys(page, bundle, plain, masks):
    first, last = int(plain.speech[2]), int(plain.speech[6])
    page.locator("#explorer .tracks").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    assert told(page).startswith("Choose a stretch first")
    page.locator("[data-name=asked-band]").select_option("F2")
    go_to(page, last)
    page.keyboard.press("]")
    go_to(page, first)
    page.keyboard.press("[")
    page.keyboard.press("x")
    rows_are(page, 3)
    box = Band("box", 900, 2500, first / plain.fps, (last + 1) / plain.fps)
    made = analyse(bundle, plain.clip, [box], method=DEFAULT_MAPS, speak=False)
    attribution = attribute_to_regions(made, masks).bands["box"]
    frame = strongest_frame(attribution)
    go_to(page, frame)
    name, share = share_of(page)
    assert share == pytest.approx(100 * attribution.shares[name][frame], abs=1)
    page.locator("#box-remove").click()
    rows_are(page, 2)
    page.keyboard.press("Escape")


def test_a_page_that_shows_something_else_asks_for_the_whole(page, plain, monkeypatch):
    """An answer to a box is a change of what is shown; where it is of something else, all is sent."""
    from rtmri2speech.ui import session

    first, last = int(plain.speech[2]), int(plain.speech[6])
    go_to(page, last)
    page.keyboard.press("]")
    go_to(page, first)
    page.keyboard.press("[")
    made, of_another = session.change_of, {"onto": "another", "bands": ["F1"], "cams": {}}
    monkeypatch.setattr(session, "change_of", lambda *both: json.dumps(json.loads(made(*both)) | of_another))
    page.keyboard.press("x")
    rows_are(page, 3)
    monkeypatch.undo()
    page.locator(".forget").click()  # what is shown is known again
    rows_are(page, 2)
    page.keyboard.press("Escape")


def test_a_finger_draws_a_box_while_drawing_is_on(page, plain):
    """An empty box and a box in silence are sentences, and the page does not scroll under the finger."""
    touch = page.context.new_cdp_session(page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    page.wait_for_function("() => matchMedia('(pointer: coarse)').matches")
    next_frames(page)  # for the taller buttons of a page for fingers
    page.locator("#explorer .tracks").focus()
    page.evaluate("() => scrollTo(0, 0)")
    tracks = page.locator("#explorer .tracks").bounding_box()
    at = lambda seconds: tracks["x"] + 84 + (tracks["width"] - 94) * seconds * plain.fps / len(plain.mel_db)  # noqa: E731
    speech_s = [plain.speech[k] / plain.fps for k in (2, 8)]
    top = int(tracks["y"])
    y = next(y for y in range(top + 40, top + 500, 6) if is_spectrogram(page, at(speech_s[0]), y)) + 8

    def drag(from_s: float, to_s: float, down: int) -> None:
        across, start = at(to_s) - at(from_s), at(from_s)
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": start, "y": y}]})
        for k in (0.3, 0.6, 1.0):
            moved = [{"x": start + k * across, "y": y + k * down}]
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": moved})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    page.keyboard.press("r")
    drag(speech_s[0], speech_s[0], 0)
    assert told(page).startswith("The box is empty")
    drag(0.01, 0.06, 20)
    assert plain.silent[:2].all() and told(page).startswith("Nobody speaks there")
    page.locator("[data-action=drawing][aria-pressed=false]").wait_for()
    page.keyboard.press("r")
    drag(*speech_s, 20)
    rows_are(page, 3)
    drawn = json.loads(page.locator("#explorer .explorer").get_attribute("data-box"))
    assert [drawn["from_s"], drawn["to_s"]] == pytest.approx(speech_s, abs=0.02)
    assert page.locator("[data-action=drawing]").get_attribute("aria-pressed") == "false"
    assert page.evaluate("() => scrollY") == 0
    page.locator(".forget").click()
    rows_are(page, 2)


def test_formants_of_the_frame_are_the_cores(page, spoken, example):
    """In the card, by sound; where there are none, it says so."""
    tracks = formant_tracks(spoken, spoken.clip.sound, example)
    measured = np.isfinite([track.hz for track in tracks.values()])  # (sounds, T, 3)
    loud = int(np.argmax(measured.sum(axis=(0, 2))))
    assert measured[:, loud].any(axis=1).all()
    go_to(page, loud)
    page.keyboard.press("t")
    line = page.locator("[data-name=formants]")
    values = {
        name: " ".join(str(round(hz)) if np.isfinite(hz) else "–" for hz in track.hz[loud])
        for name, track in tracks.items()
    }
    assert not tracks["synthesised"].whispered
    expected = f"synthesised {values['synthesised']} · original {values['original']} · truth {values['truth']}"
    assert line.inner_text() == f"F1 F2 F3 in Hz: {expected}"
    page.keyboard.press("Home")
    assert line.inner_text().endswith("synthesised none · original none · truth none")
    page.keyboard.press("t")
    line.wait_for(state="hidden")


def test_maps_of_the_frequency_are_the_cores(page, bundle, plain, masks):
    """With a legend that tells the two directions, and the band's centre of gravity in the card."""
    page.locator("#explorer .tracks").focus()
    page.keyboard.press("b")  # which maps with two signs have not
    page.keyboard.press("u")
    page.locator("[data-action=frequency][aria-pressed=true]").wait_for()
    assert page.locator('[data-view="each"]').get_attribute("aria-pressed") == "true"
    made = analyse(bundle, plain.clip, energy="hz", method=DEFAULT_MAPS, speak=False)
    attribution = attribute_to_regions(made, masks).bands["F2"]
    frame = strongest_frame(attribution)
    go_to(page, frame)
    name, share = share_of(page)
    assert share == pytest.approx(100 * attribution.shares[name][frame], abs=1)
    bins, centres_hz = band_bins(bundle.mel, F2), centre_frequencies_hz(bundle.mel)
    power = 10 ** (made.mel_db[frame, bins] / 10)
    told_hz = page.locator(ROWS).last.locator("td").nth(1).inner_text()
    assert told_hz == f"{(power * centres_hz[bins]).sum() / power.sum():.0f} Hz"
    assert page.locator("[data-name=legend] .mark").all_inner_texts() == ["lowers", "raises"] * 2
    assert not page.locator('[data-view="both"]').is_visible()
    page.keyboard.press("u")
    page.locator("[data-action=frequency][aria-pressed=false]").wait_for()
    assert page.locator(ROWS).last.locator("td").nth(1).inner_text().endswith("dB")


def test_a_clip_too_long_for_the_strip_is_a_sentence_and_nothing_is_lost(page, plain, monkeypatch):
    """The strip switches itself off; asked again of a clip that is short enough, it is there."""
    go_to(page, int(plain.speech[5]))
    before = page.locator("[data-name=numbers]").inner_text()
    monkeypatch.setattr("rtmri2speech.attribution.temporal.LONGEST", 10)
    page.keyboard.press("h")
    said = f"The clip has {len(plain.mel_db)} frames, and each would be compared with each: cut it to 10 or fewer."
    page.get_by_text(said).first.wait_for()
    page.locator("[data-action=reach][aria-pressed=false]").wait_for()
    assert page.locator("[data-name=reach]").is_hidden() and page.locator("[data-name=reach-said]").is_hidden()
    assert page.locator("[data-name=numbers]").inner_text() == before
    monkeypatch.undo()
    page.keyboard.press("h")
    page.locator("[data-name=reach]").wait_for()
    assert page.locator("[data-name=reach-said]").inner_text().startswith("F1 ")
    page.keyboard.press("h")
    page.locator("[data-name=reach]").wait_for(state="hidden")

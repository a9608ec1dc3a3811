"""What the components' scripts begin and end in a real browser: frame loops, observers, object URLs, drawing."""

from fractions import Fraction

import numpy as np
import pytest

from rtmri2speech.analysis.region_attribution import BandAttribution, Change
from rtmri2speech.render.colour import LINE_COLOURS
from rtmri2speech.ui import Settings
from tests.browser.serving import next_frames, served
from tests.conftest import moving_frames, write_mp4

pytestmark = pytest.mark.browser
FRAMES = 60
CHANGES = [Change(7, "lips", "tongue"), Change(30, "tongue", "jaw"), Change(31, "jaw", "elsewhere")]

# Counts what the components' scripts do: their names stand in the stack.
COUNTING = """(() => {
    const ours = () => /component-\\w+\\.js/.test(new Error().stack);
    const began = { listeners: [], observers: new Set(), urls: new Set(), frames: new Set() };
    const counted = window.counted = { frames: 0, tables: 0, drawn: new Map() };
    const same = (a, b) => a.every((value, i) => value === b[i]);
    const capture = (options) => Boolean(options?.capture ?? options);
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    EventTarget.prototype.addEventListener = function (type, handler, options) {
        if (ours()) began.listeners.push([this, type, handler, capture(options)]);
        return addEventListener.call(this, type, handler, options);
    };
    EventTarget.prototype.removeEventListener = function (type, handler, options) {
        const one = [this, type, handler, capture(options)];
        began.listeners = began.listeners.filter((other) => !same(one, other));
        return removeEventListener.call(this, type, handler, options);
    };
    for (const { prototype } of [MutationObserver, ResizeObserver, IntersectionObserver]) {
        const { observe, disconnect } = prototype;
        prototype.observe = function (...all) {
            if (ours()) began.observers.add(this);
            return observe.apply(this, all);
        };
        prototype.disconnect = function () {
            began.observers.delete(this);
            return disconnect.call(this);
        };
    }
    const { createObjectURL, revokeObjectURL } = URL;
    URL.createObjectURL = (blob) => {
        const url = createObjectURL.call(URL, blob);
        if (ours()) began.urls.add(url);
        return url;
    };
    URL.revokeObjectURL = (url) => {
        began.urls.delete(url);
        revokeObjectURL.call(URL, url);
    };
    const request = window.requestAnimationFrame, cancel = window.cancelAnimationFrame;
    window.requestAnimationFrame = (callback) => {
        const mine = ours();
        const id = request((now) => {
            began.frames.delete(id);
            if (mine) counted.frames++;
            callback(now);
        });
        if (mine) began.frames.add(id);
        return id;
    };
    window.cancelAnimationFrame = (id) => {
        began.frames.delete(id);
        cancel(id);
    };
    for (const name of ["fillRect", "drawImage", "putImageData"]) {
        const draw = CanvasRenderingContext2D.prototype[name];
        CanvasRenderingContext2D.prototype[name] = function (...all) {
            counted.drawn.set(this.canvas, (counted.drawn.get(this.canvas) ?? 0) + 1);
            return draw.apply(this, all);
        };
    }
    // a colour table at some opacity has 256 x 3 entries
    window.Uint8Array = new Proxy(Uint8Array, {
        construct: (target, all, made) => {
            if (all[0] === 768 && ours()) counted.tables++;
            return Reflect.construct(target, all, made === window.Uint8Array ? target : made);
        },
    });
    const text = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (words, x, y) {
        const wide = this.measureText(words).width, tall = parseFloat(this.font);
        const left = x - { left: 0, center: wide / 2, right: wide }[this.textAlign];
        (this.canvas.texts ??= []).push({ words, box: [left, y - tall / 2, left + wide, y + tall / 2] });
        return text.apply(this, arguments);
    };
    const width = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, "width");
    Object.defineProperty(HTMLCanvasElement.prototype, "width", { ...width, set(value) {
        this.texts = []; // all that was drawn is gone
        width.set.call(this, value);
    } });
    counted.overprinted = (selector) => {
        const canvas = document.querySelector(selector), { texts, clientWidth, clientHeight } = canvas;
        const pairs = texts.flatMap((a, i) => texts.slice(i + 1).map((b) => [a, b]));
        const over = ([{ box: a }, { box: b }]) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
        const cut = ({ box }) => box[0] < 0 || box[1] < -1 || box[2] > clientWidth || box[3] > clientHeight + 1;
        const said = [...pairs.filter(over).map((pair) => pair.map(({ words }) => words).join(" / ")),
            ...texts.filter(cut).map(({ words }) => words)];
        return { count: texts.length, said };
    };
    counted.on = (selector) => counted.drawn.get(document.querySelector(selector)) ?? 0;
    counted.screen = (milliseconds) => new Promise((done) => {
        const before = counted.frames, began = performance.now();
        let shown = 0;
        const look = (now) => {
            shown++;
            now - began < milliseconds ? request(look) : done([shown, counted.frames - before]);
        };
        request(look);
    });
    counted.left = () => ({
        listeners: began.listeners.map(([target, type]) => `${target.constructor.name} ${type}`),
        observers: began.observers.size, urls: began.urls.size, frames: began.frames.size,
    });
})()"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """One clip with sound, one without."""
    folder, rate = tmp_path_factory.mktemp("clips"), Fraction(11413, 420)
    tone = 0.3 * np.sign(np.sin(2 * np.pi * 110 * np.arange(round(16000 * FRAMES / rate)) / 16000))
    write_mp4(folder / "heard.mp4", moving_frames(FRAMES), fps=rate, audio=tone)
    write_mp4(folder / "mute.mp4", moving_frames(FRAMES, seed=1), fps=rate)
    return folder


@pytest.fixture(scope="module")
def address(bundle_folder, clips):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BandAttribution, "changes", CHANGES)  # on this clip nothing changes
        with served(Settings(bundle=bundle_folder, clips=clips, regions="template", language="en")) as address:
            yield address


@pytest.fixture
def page(open_page, address):
    page = open_page(address, init_script=COUNTING)
    page.locator(".explorer[data-clip=heard]").wait_for()
    return page


def play_in_a_loop(page):
    page.locator(".explorer").focus()
    page.keyboard.press("l")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('.explorer').classList.contains('playing')")


def open_tab(page, name):
    page.locator(f"#tab-{name}-button").click()


def drawn_on(page, selector) -> int:
    return page.evaluate("selector => counted.on(selector)", selector)


def frame_shown(page) -> int:
    return int(page.locator("#explorer .tracks").get_attribute("aria-valuenow"))


def test_to_the_next_change_of_the_strongest_region(page):
    page.locator(".explorer").focus()
    page.keyboard.press("2")
    page.keyboard.press("Home")
    for frame in (7, 30, 31, 7):  # past the last: from the start on
        page.keyboard.press("n")
        assert frame_shown(page) == frame
    assert page.locator(".card .said").inner_text() == "F2: lips → tongue"
    page.keyboard.press("Shift+N")
    assert frame_shown(page) == 31


def test_one_frame_loop_however_often_the_sound_is_changed(page):
    play_in_a_loop(page)
    for _ in range(5):
        for name in ("original", "synthesised"):
            page.locator(f"[data-sound={name}]").click()
    screen, calls = page.evaluate("() => counted.screen(1000)")
    assert 0 < calls <= screen + 2
    page.keyboard.press("Space")
    page.wait_for_function("() => !document.querySelector('.explorer').classList.contains('playing')")
    page.wait_for_function("() => counted.left().frames === 0")
    assert page.evaluate("() => counted.screen(200)")[1] == 0


def test_a_closed_panel_draws_nothing(page):
    open_tab(page, "hide")
    page.locator("#hide-board [data-region=tongue]").check()
    canvas = "#hide-board canvas"
    open_tab(page, "quality")
    play_in_a_loop(page)
    page.locator(canvas).wait_for(state="hidden")
    next_frames(page)
    before = drawn_on(page, canvas)
    for _ in range(5):  # each of which an open panel draws
        frame = str(frame_shown(page))
        page.wait_for_function("frame => document.querySelector('.explorer').dataset.frame != frame", arg=frame)
    next_frames(page)
    assert drawn_on(page, canvas) == before
    # and shows the explorer's frame once it is open again
    page.keyboard.press("Space")
    open_tab(page, "hide")
    page.wait_for_function("before => counted.on('#hide-board canvas') > before", arg=before)


def test_only_what_changes_the_looks_repaints_the_lanes(page):
    lanes = "#explorer [data-name=lanes]"
    page.locator("body:not(.at-once)").wait_for()  # all that opens the page has come
    page.locator("#stop:disabled").wait_for()
    next_frames(page)
    before = drawn_on(page, lanes)
    for name in ("pending", "editing-bands", "pending"):
        page.evaluate("name => document.body.classList.toggle(name)", name)
        next_frames(page)
    assert drawn_on(page, lanes) == before
    ink = "() => getComputedStyle(document.querySelector('.explorer')).color"
    shown = page.evaluate(ink)
    page.evaluate("() => document.body.classList.toggle('dark')")
    page.wait_for_function("before => counted.on('#explorer [data-name=lanes]') > before", arg=before)
    assert page.evaluate(ink) != shown


def test_arrow_keys_are_a_focused_tabs_own(page):
    page.locator(".explorer").focus()
    page.keyboard.press("Home")
    page.evaluate(
        "() => document.addEventListener('keydown', event => { window.taken = event.defaultPrevented; })",
    )
    for focused in ("#tab-export-button", "#language input"):
        page.locator(focused).first.focus()
        page.keyboard.press("ArrowRight")
        assert frame_shown(page) == 0 and not page.evaluate("window.taken")
    page.locator(".explorer").focus()
    page.keyboard.press("ArrowRight")
    assert frame_shown(page) == 1 and page.evaluate("window.taken")


def test_no_heat_is_made_ready_where_none_is_shown_or_none_changed(page):
    page.locator(".explorer").focus()
    page.keyboard.press("Home")
    before = page.evaluate("counted.tables")
    assert before > 0
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Off", exact=True).click()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("counted.tables") == before
    # another opacity makes it anew, once the heat is shown
    page.keyboard.press("1")
    page.locator("[data-name=opacity]").fill("40")
    assert page.evaluate("counted.tables") == before + 1


def test_object_urls_are_those_of_the_clip_shown(page):
    assert page.evaluate("() => counted.left().urls") == 2
    for clip, sounds in (("mute", 1), ("heard", 2), ("mute", 1)):
        page.locator("#example input").click()
        page.get_by_role("option", name=clip).click()
        page.locator(f".explorer[data-clip={clip}]").wait_for()
        assert page.evaluate("() => counted.left().urls") == sounds
        assert page.locator("#explorer audio").count() == sounds


def test_a_component_that_is_gone_has_ended_everything(page):
    open_tab(page, "hide")
    page.locator("#hide-board [data-region=tongue]").check()
    page.locator("#hide-run").click()
    page.locator("#hide-listen audio").nth(1).wait_for(state="attached")
    # meanwhile: a band's colour is the same everywhere, and the core's
    colours = """(node) => [0, 1, 2, 3].map(number => getComputedStyle(document.querySelector(node))
        .getPropertyValue(`--band-${number}`))"""
    assert page.evaluate(colours, ".explorer") == page.evaluate(colours, "#hide-listen .listen")
    assert page.evaluate(colours, ".explorer") == list(LINE_COLOURS["light"])
    for panel in ("compare", "quality"):
        open_tab(page, panel)
    play_in_a_loop(page)
    left = page.evaluate("() => counted.left()")
    assert left["listeners"] and left["observers"] and left["urls"] == 4 and left["frames"] == 1
    for name in ("explorer", "board", "listen"):
        page.evaluate("name => document.querySelectorAll('.' + name).forEach(one => one.parentElement.remove())", name)
    page.wait_for_function("() => counted.left().frames == 0")
    assert page.evaluate("() => counted.left()") == {"listeners": [], "observers": 0, "urls": 0, "frames": 0}


def test_no_words_of_the_lanes_lie_over_others_in_any_look(page):
    lanes = "#explorer [data-name=lanes]"

    def check(look):
        next_frames(page)
        found = page.evaluate("selector => counted.overprinted(selector)", lanes)
        assert found["count"] > 20 and found["said"] == [], look

    for language in ("English", "日本語"):
        page.get_by_label(language).check()
        for large in ("", "large"):
            page.evaluate("large => document.body.classList.toggle('large', !!large)", large)
            check((language, large))
            page.locator(".explorer").focus()
            page.keyboard.press("f")
            page.wait_for_function("() => document.fullscreenElement")
            check((language, large, "full screen"))
            page.evaluate("() => document.exitFullscreen()")
            page.wait_for_function("() => !document.fullscreenElement")

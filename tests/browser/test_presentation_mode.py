"""In front of people: the view for a defence and full screen fit the window, and a reload keeps how things look."""

from functools import cache

import pytest

from tests.browser.serving import next_frames

pytestmark = pytest.mark.browser

# What lies wholly or partly outside the window, of what is shown in the explorer.
OUTSIDE = """() => [...document.querySelectorAll(".explorer :is(canvas, button, select, .card, .tracks)")]
    .filter((node) => node.checkVisibility()).map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
    .filter(([, { width, left, top, right, bottom }]) =>
        width && (left < 0 || top < 0 || right > innerWidth + 1 || bottom > innerHeight + 1))
    .map(([node]) => node)"""


# How far what is chosen in a list reaches under its arrow, in px.
UNDER_THE_ARROW = """() => [...document.querySelectorAll("#controls .icon-wrap")].map((arrow) => {
    const input = arrow.parentElement.querySelector("input"), style = getComputedStyle(input);
    const end = input.getBoundingClientRect().right - parseFloat(style.paddingRight);
    return end - arrow.getBoundingClientRect().left;
})"""


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_words_of_the_first_view_are_neither_covered_nor_cut_off(open_page, address, locale):
    page = open_page(address, locale)
    assert all(reach <= 4 for reach in page.evaluate(UNDER_THE_ARROW))
    page.locator("#make-around").wait_for()
    wide = "(buttons) => buttons.filter((button) => button.scrollWidth > button.clientWidth).map((button) => button.id)"
    assert page.locator(".act button").evaluate_all(wide) == []
    page.locator("body").evaluate("(body) => body.classList.add('pending')")  # a clip was opened and is not yet shown
    told = page.locator(".pending-hint")
    over = """(told) => [0.1, 0.3, 0.6].map((x) => {
        const { left, top, width, height } = told.getBoundingClientRect();
        return document.elementFromPoint(left + x * width, top + height / 2) === told;
    })"""
    assert told.evaluate(over) == [True, True, True]


@pytest.fixture(scope="module")
def page_in(keep_page, address):
    """page_in(locale): a page that each test leaves as it was."""
    return cache(lambda locale: keep_page(address, locale=locale))


LOOKS = pytest.mark.parametrize(
    ("locale", "large"), [("en-US", False), ("en-US", True), ("ja-JP", False), ("ja-JP", True)]
)


@pytest.fixture
def page(page_in, locale, large):
    page = page_in(locale)
    page.locator("body").evaluate("(body, large) => body.classList.toggle('large', large)", large)
    yield page
    page.locator("body").evaluate("(body) => body.classList.remove('large')")


@LOOKS
@pytest.mark.parametrize("way", ["defence", "fullscreen"])
def test_all_of_it_is_in_the_window_of_a_projector(page, way):
    if way == "defence":
        page.keyboard.press("d")
        page.locator(".explorer.defence").wait_for()
    else:
        page.locator('[data-action="fullscreen"]').click()
        page.wait_for_function("() => document.fullscreenElement !== null")
    next_frames(page)
    assert page.evaluate(OUTSIDE) == []
    shown = page.locator("#controls").evaluate(
        "(node) => document.elementFromPoint(640, 60)?.closest('#controls') === node"
    )
    assert not shown
    if way == "defence":
        assert page.locator(".pictures canvas").nth(1).bounding_box()["height"] > 340  # the heads are what is shown
        assert not page.locator('[data-action="outlines"]').is_visible()
        page.keyboard.press("Escape")
        page.locator(".explorer:not(.defence)").wait_for()
    else:
        page.evaluate("() => document.exitFullscreen()")
        page.wait_for_function("() => document.fullscreenElement === null")


def test_a_reload_keeps_how_things_look(open_page, address):
    page = open_page(address)
    page.locator("#head button").nth(0).click()
    page.locator("#language label").nth(1).click()
    page.locator(".explorer [data-text=outlines]:has-text('輪郭')").wait_for()
    page.evaluate("document.activeElement.blur()")
    for key in ("2", "o", "d", "ArrowRight"):
        page.keyboard.press(key)
    frame = page.locator("[data-name=frame]").inner_text()
    page.wait_for_function("(frame) => location.hash.includes(`frame=${frame}`)", arg=frame)
    page.reload()
    page.locator(".explorer.defence").wait_for()
    page.wait_for_function("() => document.body.classList.contains('large') && document.documentElement.lang === 'ja'")
    assert page.locator("[data-name=frame]").inner_text() == frame
    assert page.locator('[data-view="1"]').get_attribute("aria-pressed") == "true"
    assert page.locator('[data-action="outlines"]').get_attribute("aria-pressed") == "false"
    page.keyboard.press("Escape")
    assert page.locator(".explorer.defence").count() == 0 and page.locator("#controls").is_visible()
    other = open_page(address)  # another visitor, another tab: as always
    assert other.locator('[data-view="each"]').get_attribute("aria-pressed") == "true"


def test_stop_looks_idle_while_there_is_nothing_to_stop(open_page, address):
    page = open_page(address)
    page.locator("#stop:disabled").wait_for()
    page.wait_for_function("() => getComputedStyle(document.querySelector('#stop')).opacity < 0.6")


def test_both_sounds_are_equally_loud_where_asked(open_page, address):
    page = open_page(address)
    volumes = "() => [...document.querySelectorAll('#explorer audio')].map((player) => player.volume)"
    assert page.evaluate(volumes) == [1, 1]
    page.keyboard.press("e")
    page.wait_for_function("() => document.querySelector('[data-action=even]').ariaPressed === 'true'")
    quieter, full = sorted(page.evaluate(volumes))
    assert quieter < 0.9 and full == 1
    page.locator('[data-action="even"]').click()
    assert page.evaluate(volumes) == [1, 1]


@LOOKS
def test_what_plays_is_in_the_first_view_whatever_stands_above_it(page):
    page.locator('[data-action="formants"]').click()
    page.locator("p.formants").wait_for()
    for action in ("play", "loop", "formants"):
        box = page.locator(f'[data-action="{action}"]').bounding_box()
        assert box["y"] + box["height"] <= 720
    middle = "({ x, y, width, height }) => document.elementFromPoint(x + width / 2, y + height / 2).textContent.trim()"
    loop = page.locator('[data-action="loop"]')
    assert page.evaluate(middle, loop.bounding_box()) == loop.inner_text()  # and nothing lies over it
    page.locator('[data-action="formants"]').click()

"""The time axis (zoom, scroll), going to frames, moments and labels, and links, in a real browser."""

from fractions import Fraction
from urllib.parse import parse_qs

import pytest

from tests.browser.serving import LABELS, LONG_CLIP, next_frames

pytestmark = pytest.mark.browser
FPS = Fraction(11413, 420)
FRAMES = LONG_CLIP[1]


@pytest.fixture(scope="module")
def open_link(keep_page, address):
    def open_link(link=""):
        page = keep_page(address + link)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        return page

    return open_link


@pytest.fixture(scope="module")
def page(open_link):
    page = open_link("#clip=長い clip %26 co")
    page.locator(f".tracks[aria-valuemax='{FRAMES - 1}']").wait_for()
    return page


def shown(page) -> dict:
    return page.evaluate("() => ({...document.querySelector('.explorer').dataset})")


def in_view(page) -> list[float]:
    """From and to in frames, as the bar below the lanes shows it, which is hidden where all of the clip is in view."""
    next_frames(page)
    bar = page.locator("[data-name=scrollbar]")
    if bar.is_hidden():
        return [0, FRAMES]
    start, length = bar.locator(":first-child").evaluate("({ style }) => [style.left, style.width].map(parseFloat)")
    return [start / 100 * FRAMES, (start + length) / 100 * FRAMES]


def press(page, *keys):
    page.locator(".explorer").focus()
    for key in keys:
        page.keyboard.press(key)


def go_to(page, typed, *keys):
    page.keyboard.press("g")
    page.keyboard.insert_text(typed)
    for key in keys or ("Enter",):
        page.keyboard.press(key)
    page.keyboard.press("Escape")
    return int(shown(page)["frame"])


def all_of_it(page):
    press(page, "Escape", "z")
    assert in_view(page) == [0, FRAMES]


def test_one_frame_of_many_can_be_hit_once_zoomed(page):
    all_of_it(page)
    press(page, "Home", *["Shift+ArrowRight"] * 12)
    box = page.locator(".tracks").bounding_box()
    left, width = box["x"] + 84, box["width"] - 94
    pixels = width / FRAMES
    assert pixels < 3
    x = round(left + 0.5 * width)
    at = (x - left) / width * FRAMES
    page.mouse.move(x, box["y"] + 200)
    before = page.evaluate("[visualViewport.scale, scrollY]")
    page.keyboard.down("Control")
    for _ in range(12):
        page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    first, last = in_view(page)
    assert last - first < 10
    assert first + (x - left) / width * (last - first) == pytest.approx(at, abs=0.2)  # about the pointer
    for frame in (int(first) + 1, int(last) - 1):
        page.mouse.click(left + (frame + 0.5 - first) / (last - first) * width, box["y"] + 200)
        assert int(shown(page)["frame"]) == frame
    # the page itself was neither zoomed nor scrolled
    assert page.evaluate("[visualViewport.scale, scrollY]") == before


def test_the_view_scrolls_by_wheel_bar_and_keys_and_follows_the_frame(page):
    all_of_it(page)
    press(page, "Home", "i", "i", "i")
    first, last = in_view(page)
    span = last - first
    assert span == pytest.approx(FRAMES / 1.5**3, abs=0.1)
    assert first == pytest.approx(0.5 - 0.5 / 1.5**3, abs=0.1)  # the frame's middle stays in its place
    box = page.locator(".tracks").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.keyboard.down("Shift")
    page.mouse.wheel(0, (box["width"] - 94) / 2)
    page.keyboard.up("Shift")
    assert in_view(page) == pytest.approx([first + span / 2, first + 1.5 * span], abs=0.2)
    bar = page.locator("[data-name=scrollbar]").bounding_box()
    page.mouse.move(bar["x"] + bar["width"] / 2, bar["y"] + 4)
    page.mouse.down()
    page.mouse.move(bar["x"] + bar["width"], bar["y"] + 4, steps=5)
    page.mouse.up()
    assert in_view(page)[1] == pytest.approx(FRAMES, abs=0.1)
    press(page, "PageUp")
    assert in_view(page)[1] == pytest.approx(FRAMES - 0.9 * span, abs=0.2)
    press(page, "End")  # the frame is out of view: the view turns to it
    assert in_view(page)[1] == pytest.approx(FRAMES, abs=0.1)
    press(page, "Home")
    assert in_view(page)[0] == 0
    press(page, "Shift+I", "Shift+I", "Shift+I")
    assert in_view(page) == [0, FRAMES]
    assert page.locator("[data-name=scrollbar]").is_hidden()


def test_the_wheel_alone_is_the_pages(page):
    all_of_it(page)
    box = page.locator(".tracks").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.wheel(0, 100)
    page.wait_for_function("() => scrollY > 0")
    page.mouse.wheel(0, -1000)
    page.wait_for_function("() => scrollY == 0")
    assert in_view(page) == [0, FRAMES]


def test_two_fingers_zoom(page):
    touch = """([type, id, x]) => document.querySelector('.tracks').dispatchEvent(new PointerEvent(type, {
        pointerId: id, pointerType: 'touch', clientX: x, clientY: 300, bubbles: true,
        button: type === 'pointermove' ? -1 : 0}))"""
    page.evaluate("() => { document.querySelector('.tracks').setPointerCapture = () => {}; }")
    all_of_it(page)
    press(page, "Home")
    box = page.locator(".tracks").bounding_box()
    x, width = box["x"] + 84, box["width"] - 94
    for type, finger, place in (
        ("pointerdown", 1, 0.4),
        ("pointerdown", 2, 0.6),
        ("pointermove", 1, 0.3),
        ("pointermove", 2, 0.7),
        ("pointerup", 1, 0.3),
        ("pointerup", 2, 0.7),
    ):
        page.evaluate(touch, [type, finger, x + place * width])
    first, last = in_view(page)
    # the fingers hold what they touched
    assert last - first == pytest.approx(FRAMES / 2, rel=0.02)
    assert first + 0.3 * (last - first) == pytest.approx(0.4 * FRAMES, abs=2)
    assert shown(page)["frame"] == "0"


def test_the_stretch_fills_the_view_and_the_whole_clip_again(page):
    all_of_it(page)
    press(page, "Home", *["Shift+ArrowRight"] * 3, "[", *["Shift+ArrowRight"] * 2, "]", "z")
    assert (shown(page)["first"], shown(page)["last"]) == ("30", "50")
    assert in_view(page) == pytest.approx([30, 51], abs=0.1)
    press(page, "z")
    assert in_view(page) == [0, FRAMES]
    page.get_by_role("button", name="The stretch fills the view").click()
    assert in_view(page) == pytest.approx([30, 51], abs=0.1)


def test_going_to_what_is_typed(page):
    press(page, "Home")
    at = lambda seconds: int(seconds * FPS)  # noqa: E731
    assert go_to(page, "120") == 120
    assert go_to(page, "3.5 s") == at(3.5)
    assert go_to(page, "0:04.2") == at(4.2)
    assert go_to(page, "240") == at(4.2)  # one past the last
    assert page.locator(".said").inner_text() == f"The clip ends at frame 239 ({float(FRAMES / FPS):.2f} s)."
    press(page, "Home")
    first_of = lambda seconds: round(seconds * float(FPS))  # noqa: E731
    assert go_to(page, "A") == first_of(2.0)
    assert go_to(page, "a", "Enter", "Enter") == first_of(2.0)  # 6 s, and round to the first again
    assert go_to(page, "a", "Shift+Enter") == first_of(6.0)
    assert page.locator(".said").inner_text() == "“a” 6.00–7.00 s"
    assert go_to(page, "'4'") == first_of(1.5)
    assert go_to(page, "o") == first_of(1.5)
    assert page.locator(".said").inner_text() == "No label says “o”."
    # typing there is typing: no key of the explorer acts
    page.keyboard.press("g")
    page.keyboard.insert_text("l")
    page.keyboard.press("ArrowLeft")
    assert shown(page)["frame"] == str(first_of(1.5))


def test_from_label_to_label(page):
    press(page, "Home")
    starts = [round(label[0] * float(FPS)) for label in LABELS]
    for key, frames in ((".", [*starts, starts[0]]), (",", [starts[-1], starts[-2]])):
        for frame in frames:
            press(page, key)
            assert int(shown(page)["frame"]) == frame


def test_a_link_leads_to_clip_bands_frame_stretch_and_view(page, open_link):
    all_of_it(page)
    press(page, "Home", *["Shift+ArrowRight"] * 3, "[", *["Shift+ArrowRight"] * 2, "]", "z", "2", "ArrowLeft")
    page.get_by_role("button", name="Copy a link").click()
    page.locator(".said", has_text="The link is copied.").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    seconds = parse_qs(link.split("#")[1])["time"][0].split("-")
    assert [float(second) * float(FPS) for second in seconds] == pytest.approx([30, 51], abs=0.1)
    other = open_link("#" + link.split("#")[1].replace("F2%3A900-2500", "N%3A200-700"))
    other.locator(f".tracks[aria-valuemax='{FRAMES - 1}']").wait_for()
    told = shown(other)
    assert (told["clip"], told["frame"], told["first"], told["last"], told["look"]) == (
        "長い clip & co",
        "49",
        "30",
        "50",
        "1",
    )
    assert other.locator("[data-name=view-title]").inner_text() == "N band (200–700 Hz)"
    assert in_view(other) == pytest.approx([30, 51], abs=0.1)
    # the page's own controls follow, and a reload shows the same
    assert other.locator("#example input").input_value() == "長い clip & co"
    other.locator("#edit-bands").click()
    assert other.locator("#bands .band").nth(1).get_by_label("Name").input_value() == "N"
    other.reload()
    other.locator(f".tracks[aria-valuemax='{FRAMES - 1}']").wait_for()
    assert shown(other) | {"look": "1", "frame": "49", "first": "30"} == shown(other)
    # another link in the same tab
    other.evaluate("() => { location.hash = location.hash.replace('frame=49', 'frame=33'); }")
    other.wait_for_function("() => document.querySelector('.explorer').dataset.frame === '33'")
    # and one that the page's own address is written over before it is followed
    other.evaluate("""() => {
        const before = location.href;
        location.hash = location.hash.replace(/frame=\\d+/, 'frame=41');
        history.replaceState(history.state, '', before);
    }""")
    other.wait_for_function("() => document.querySelector('.explorer').dataset.frame === '41'", timeout=20000)


def test_a_link_to_what_is_not_here_opens_the_first_clip_and_says_so(open_link):
    page = open_link("#clip=gone&band=F1:9-1&frame=5000&view=7")
    page.get_by_text("The link leads to a clip that is not here: gone.").first.wait_for()
    assert shown(page)["clip"] == "clip" and shown(page)["look"] == "each"
    page = open_link("#clip=clip&band=high:20000-30000&frame=3")
    assert shown(page)["frame"] == "3" and page.locator(".card tbody tr").count() == 2


def test_two_stretches_take_turns_in_a_loop(page):
    page.keyboard.press("Escape")
    press(page, "Escape", "Home", "[", *["ArrowRight"] * 5, "]", "a")
    page.locator(".said", has_text="A is 0–5").wait_for()
    assert shown(page)["first"] == "" and page.locator("[data-name=kept]").is_visible()
    press(page, *["Shift+ArrowRight"] * 10, "[", *["ArrowRight"] * 5, "]", "l", "Space")
    seen = page.evaluate("""() => new Promise((done) => {
        const seen = [], began = performance.now(), root = document.querySelector('.explorer');
        const look = () => {
            const frame = Number(root.dataset.frame);
            const where = frame <= 5 ? 'A' : frame >= 105 && frame <= 110 ? 'B' : `${frame}`;
            if (seen.at(-1) !== where) seen.push(where);
            if (seen.length >= 5 || performance.now() - began > 20000) done(seen);
            else requestAnimationFrame(look);
        };
        look();
    })""")
    press(page, "Space", "l", "Escape", "a")
    assert seen in (list("ABABA"), list("BABAB"))
    assert page.locator("[data-name=kept]").is_hidden()

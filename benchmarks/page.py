"""The page in a real browser: how soon a box is explained, and what a clip of five minutes takes of memory and time.
Server and browser are processes of their own, measured apart."""

import base64
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from threading import Event, Thread

import numpy as np
import psutil

from rtmri2speech import read_clip
from rtmri2speech.assets import ASSETS
from rtmri2speech.render.encode import write_video

MINUTES = 5.0
BOXES = 5
SPEEDS = (1, 0.5, 0.25, 0.1)
FPS = Fraction(11413, 420)
_RECORDED_HZ = 48_000
_RECORD_JS = """async ([sound, speed]) => {
    const player = document.querySelector(`audio[data-player=${sound}]`);
    const context = new AudioContext({ sampleRate: 48000 });
    const code = `registerProcessor("tap", class extends AudioWorkletProcessor {
        process([[heard]]) { if (heard) this.port.postMessage(heard.slice()); return true; } })`;
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    const tap = new AudioWorkletNode(context, "tap"), heard = [];
    tap.port.onmessage = ({ data }) => heard.push(data);
    context.createMediaElementSource(player).connect(tap).connect(context.destination);
    await context.resume();
    player.volume = 1;
    player.playbackRate = speed;
    await player.play();
    await new Promise((done) => player.addEventListener("ended", done, { once: true }));
    const bytes = new Uint8Array(await new Blob(heard).arrayBuffer());
    let text = "";
    for (let k = 0; k < bytes.length; k += 32768) text += String.fromCharCode(...bytes.subarray(k, k + 32768));
    return btoa(text);
}"""
_WAIT_MS = 4 * 3600 * 1000


def measure_box() -> dict:
    """Seconds from letting go of a box on the first clip's upper spectrogram to its maps."""
    from playwright.sync_api import sync_playwright

    with served() as (address, _), sync_playwright() as playwright:
        page = _chromium(playwright).new_context(viewport={"width": 1280, "height": 720}).new_page()
        page.goto(address)
        page.locator(".explorer[data-frame]").wait_for()
        page.wait_for_timeout(5000)  # for the rest of the page
        rows, seconds = "document.querySelectorAll('#explorer [data-name=numbers] tr').length", []
        tracks = page.locator("#explorer .tracks").bounding_box()
        y = tracks["y"] + 0.28 * tracks["height"]
        for number in range(BOXES + 1):
            before = page.evaluate(rows)
            page.locator("#explorer .explorer").focus()
            page.keyboard.press("r")
            x = tracks["x"] + tracks["width"] * (0.4 + 0.05 * number)
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x + 40, y + 30, steps=4)
            page.mouse.up()
            start = time.perf_counter()
            page.wait_for_function(f"{rows} > {before}")
            seconds.append(time.perf_counter() - start)
            page.locator(".forget").last.click()
            page.wait_for_function(f"{rows} === {before}")
            page.wait_for_timeout(1000)
    return {
        "a box, the first time (s)": seconds[0],
        "a box, median of those that follow (s)": statistics.median(seconds[1:]),
        "a box, fastest (s)": min(seconds),
    }


def measure_long_clip(minutes: float = MINUTES) -> dict:
    """A clip made of the embedded ones, over and over, opened as a person's own."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as scratch, served() as (address, server), sync_playwright() as playwright:
        clip = write_long_clip(Path(scratch) / "long.mp4", minutes)
        browser = _chromium(playwright)
        page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
        page.set_default_timeout(_WAIT_MS)
        page.goto(address)
        page.locator(".explorer[data-frame]").wait_for()
        before, children = _rss(server), psutil.Process().children(recursive=True)
        browsers = [child for child in children if "chrom" in child.name()]
        with page.expect_file_chooser() as chooser:
            page.locator("#upload").click()
        chooser.value.set_files(clip)
        page.locator("#upload", has_text="long").wait_for()
        with _peak(lambda: _rss(server)) as of_server, _peak(lambda: sum(map(_pss, browsers))) as of_browser:
            start = time.perf_counter()
            page.locator("#run").click()
            page.locator(".explorer[data-clip=long]").wait_for()
            first = time.perf_counter() - start
            page.locator(".explorer[data-clip=long]:not([data-growing])").wait_for()
            whole = time.perf_counter() - start
    return {
        f"a clip of {minutes:g} min: its beginning is shown after (s)": first,
        "all of it after (s)": whole,
        "server before, resident (MiB)": before,
        "server's peak (MiB)": of_server[0],
        "browser's peak, all its processes (MiB)": of_browser[0],
    }


def measure_slow_playing() -> dict:
    """Harmonics-to-noise ratio and F0 (Praat, medians of voiced frames) of what the page's own players play at each
    speed, recorded behind them in real time."""
    from playwright.sync_api import sync_playwright

    found: dict[str, float] = {}
    with served() as (address, _), sync_playwright() as playwright:
        browser = _chromium(playwright)
        for sound in ("original", "synthesised"):
            for speed in SPEEDS:
                page = browser.new_page()
                page.set_default_timeout(120_000)
                page.goto(address)
                page.locator(f"audio[data-player={sound}]").wait_for(state="attached")
                samples = np.frombuffer(base64.b64decode(page.evaluate(_RECORD_JS, [sound, speed])), "<f4")
                page.close()
                noise_db, f0_hz = _harmonics(samples, _RECORDED_HZ)
                found |= {f"{sound}, {speed}x: HNR (dB)": noise_db, f"{sound}, {speed}x: F0 (Hz)": f0_hz}
    return found


def _harmonics(samples: np.ndarray, rate: int) -> tuple[float, float]:
    import parselmouth
    from parselmouth.praat import call

    sound = parselmouth.Sound(samples.astype(np.float64), rate)
    noise_db = sound.to_harmonicity_cc(time_step=0.01, minimum_pitch=75).values[0]
    f0_hz = call(sound.to_pitch_ac(pitch_floor=75, pitch_ceiling=400), "Get quantile", 0, 0, 0.5, "Hertz")
    return float(np.median(noise_db[noise_db > -199])), f0_hz  # Praat writes -200 where nothing is voiced


def write_long_clip(path: Path, minutes: float) -> Path:
    clips = [read_clip(file) for file in sorted((ASSETS / "clips").glob("*.mp4"))]
    pictures = np.concatenate([clip.frames for clip in clips])
    rate = clips[0].audio_rate or 16_000
    silence = [np.zeros(round(clip.duration * rate), np.float32) for clip in clips]
    sound = np.concatenate([none if c.audio is None else c.audio for c, none in zip(clips, silence, strict=True)])
    count = round(60 * minutes * FPS) - 1
    times = -(-count // len(pictures))
    shown = (np.repeat(pictures[k % len(pictures), ..., None], 3, axis=2) for k in range(count))
    size = pictures.shape[1:]
    write_video(path, shown, count, size, FPS, np.tile(sound, times)[: round(count / FPS * rate)], rate)
    return path


@contextmanager
def served() -> Iterator[tuple[str, psutil.Process]]:
    """The page's address and the process that serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "rtmri2speech", "app", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if server.poll() is not None:
                    raise RuntimeError("The page's server has ended.") from None
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/", psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait()


def _chromium(playwright):
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    flags = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
    return playwright.chromium.launch(executable_path=found, args=flags)


def _rss(process: psutil.Process) -> float:
    return process.memory_info().rss / 2**20


def _pss(process: psutil.Process) -> float:
    """MiB; what several processes share counts once among them all."""
    try:
        return process.memory_full_info().pss / 2**20
    except psutil.Error:
        return 0.0


@contextmanager
def _peak(of: Callable[[], float]) -> Iterator[list[float]]:
    """The largest value of several a second, in a list of one, once the block has ended."""
    ended, largest = Event(), [0.0]

    def watch() -> None:
        while not ended.wait(0.1):
            largest[0] = max(largest[0], of())

    watching = Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield largest
    finally:
        ended.set()
        watching.join()

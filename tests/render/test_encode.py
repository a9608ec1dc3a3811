"""Videos as PyAV reads them back, and encodings that fail, which must leave nothing."""

import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtmri2speech.errors import InputError
from rtmri2speech.progress import UNSEEN, Progress
from rtmri2speech.render.encode import even_size, exact_rate, write_video

RATE = Fraction(11413, 420)


def bars(count, width=64, height=48):
    """Frames of four flat colours whose gray level of the last quarter counts the frame."""
    for t in range(count):
        frame = np.zeros((height, width, 3), np.uint8)
        for i, rgb in enumerate([(230, 30, 40), (40, 200, 60), (50, 60, 220), (4 * t,) * 3]):
            frame[:, i * width // 4 : (i + 1) * width // 4] = rgb
        yield frame


def rgb_of(frame):
    """By the matrix that the file itself states."""
    return frame.to_ndarray(format="rgb24", src_colorspace=frame.colorspace).astype(int)


def test_file_is_what_browsers_play_and_what_was_asked(tmp_path):
    path, seen = tmp_path / "日本 語.mp4", []
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(11413 * 40 // RATE) / 11413)).astype(np.float32)
    write_video(path, bars(40), 40, (64, 48), RATE, tone, 11413, Progress(lambda *step: seen.append(step)))
    assert seen == [("video", t, 40) for t in range(1, 41)]
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height, video.average_rate, video.frames) == (64, 48, RATE, 40)
        assert float(video.duration * video.time_base) == pytest.approx(40 / RATE, abs=1e-3)
        assert (audio.codec_context.name, audio.codec_context.layout.name) == ("aac", "mono")
        frames = list(file.decode(video))
    assert [float(frame.time) for frame in frames] == pytest.approx([t / RATE for t in range(40)], abs=1e-4)
    for t in (0, 17, 39):
        picture = rgb_of(frames[t])
        for x, rgb in zip((8, 24, 40, 56), [(230, 30, 40), (40, 200, 60), (50, 60, 220), (4 * t,) * 3], strict=True):
            np.testing.assert_allclose(picture[24, x], rgb, atol=8)
    with av.open(str(path)) as file:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
        rate = file.streams.audio[0].rate
    assert len(heard) / rate == pytest.approx(40 / RATE, abs=0.05)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) * rate / len(heard) == pytest.approx(440, abs=2)
    assert np.abs(heard[rate // 4 : rate]).max() == pytest.approx(0.5, rel=0.1)
    assert list(tmp_path.iterdir()) == [path]


def test_sizes_and_rates():
    assert even_size((255, 256)) == (256, 256)
    assert exact_rate(27.17380952380952) == RATE
    assert exact_rate(23.18) == Fraction(1159, 50)
    for size in ((31, 64), (64, 4097), (0, 0), (float("inf"), 64)):
        with pytest.raises(InputError, match="32 to 4096"):
            even_size(size)
    for fps in (0, -5, float("nan"), float("inf"), 1e6):
        with pytest.raises(InputError, match="frame rate"):
            exact_rate(fps)
    with pytest.raises(InputError, match="64x50"):
        write_video("unused.mp4", [], 1, (63, 49), 5)
    with pytest.raises(InputError, match="no frame"):
        write_video("unused.mp4", [], 0, (64, 48), 5)


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder where temporary files go, so that leftovers show."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def children():
    task = Path(f"/proc/{os.getpid()}/task")
    return {pid for thread in task.glob("*/children") for pid in thread.read_text().split()}


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, OSError])
@pytest.mark.parametrize("from_progress", [True, False])
def test_an_exception_ends_ffmpeg_and_leaves_nothing(tmp_path, scratch, error, from_progress):
    def broken_off():
        yield from bars(5)
        raise error("stop")

    def stop(stage, done, total):
        if done == 3:
            raise error("stop")

    folder, before = tmp_path / "out", children()
    with pytest.raises(InputError if error is OSError else error, match="stop"):
        frames, progress = (bars(9), Progress(stop)) if from_progress else (broken_off(), UNSEEN)
        write_video(folder / "a.mp4", frames, 9, (64, 48), 5, np.zeros(99, np.float32), 11413, progress)
    assert list(folder.iterdir()) == []
    assert list(scratch.iterdir()) == []
    assert children() == before


def test_a_failure_keeps_the_older_file(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"older")
    with pytest.raises(ValueError, match="3 frames came instead of 9"):
        write_video(path, bars(3), 9, (64, 48), 5)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def noise(count, side=256):
    random = np.random.default_rng(0)
    return (random.integers(0, 255, (side, side, 3), np.uint8) for _ in range(count))


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.getuid() != 0, reason="mounting needs root on Linux")
def test_disk_full(tmp_path, scratch):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(InputError, match="disk is full") as caught:
            write_video(small / "a.mp4", noise(60), 60, (256, 256), 5, np.zeros(9999, np.float32), 11413)
        assert "\n" not in str(caught.value)
        assert list(small.iterdir()) == []
        assert list(scratch.iterdir()) == []
        scratch_full = small / "scratch"
        scratch_full.mkdir()
        tempfile.tempdir = str(scratch_full)  # undone by the fixture
        with pytest.raises(InputError, match="No space left"):
            write_video(tmp_path / "b.mp4", noise(1), 1, (256, 256), 5, np.zeros(999_999, np.float32), 11413)
        assert list(scratch_full.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)
    assert not (tmp_path / "b.mp4").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
def test_ffmpeg_killed_while_writing(tmp_path):
    """A limit on file size kills ffmpeg with a signal and without a word."""
    program = """
import resource, sys
import numpy as np
from rtmri2speech.errors import InputError
from rtmri2speech.render.encode import write_video
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
random = np.random.default_rng(0)
try:
    write_video(sys.argv[1], (random.integers(0, 255, (256, 256, 3), np.uint8) for _ in range(60)), 60, (256, 256), 5)
except InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "a.mp4"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Cannot write {tmp_path / 'a.mp4'}: ")
    assert len(done.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_importing_render_is_light():
    program = "import sys, rtmri2speech.render; print({'cv2', 'matplotlib', 'moviepy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

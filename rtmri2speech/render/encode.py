"""Encoding: RGB frames streamed into an H.264 mp4 for any browser."""

import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, cast

import cv2
import numpy as np

from ..errors import InputError
from ..files import atomic_write
from ..progress import UNSEEN, Progress

SMALLEST_SIDE, LARGEST_SIDE = 32, 4096
NO_WINDOW: dict[str, Any] = {}
if sys.platform == "win32":
    NO_WINDOW["creationflags"] = subprocess.CREATE_NO_WINDOW
_AUDIO_RATE = 48000  # AAC has no 11,413 Hz, and its lower rates would cut high frequencies


def ffmpeg_binary() -> str:
    """Path of moviepy's ffmpeg, or of the one in FFMPEG_BINARY.

    moviepy's own writer is not used, as it rounds the frame rate to 0.01 (a drift of 10 ms a minute at 27.1738 fps) and
    misses failures at the end.
    """
    from moviepy.config import FFMPEG_BINARY

    return FFMPEG_BINARY


def even_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) with odd sides rounded up, as yuv420p needs. Raises InputError outside the limits."""
    for side in size:
        if not SMALLEST_SIDE <= side <= LARGEST_SIDE or side != int(side):
            raise InputError(
                "The size of a video must be {least} to {most} pixels a side, not {width}x{height}.",
                least=SMALLEST_SIDE,
                most=LARGEST_SIDE,
                width=size[0],
                height=size[1],
            )
    width, height = (int(side) + int(side) % 2 for side in size)
    return width, height


def exact_rate(fps: Fraction | float) -> Fraction:
    """The frame rate as a fraction that ffmpeg accepts, within 1e-6 fps of a float. Raises InputError."""
    if not 0 < fps <= 1000:
        raise InputError("The frame rate of a video must be above 0 and at most 1000, not {fps:g}.", fps=float(fps))
    return Fraction(fps).limit_denominator(1001)


def write_video(
    path: str | PathLike,
    frames: Iterable[np.ndarray],
    count: int,
    size: tuple[int, int],
    fps: Fraction | float,
    audio: np.ndarray | None = None,
    audio_rate: int | None = None,
    progress: Progress = UNSEEN,
) -> None:
    """Write `count` RGB frames (H, W, 3) uint8 as H.264 yuv420p, faststart; `audio` (samples,) float32 mono as AAC.

    size is (width, height), both even. progress: its one stage is video. Any exception, also from `frames` or
    `progress`, ends ffmpeg and leaves no file. Raises InputError if the disk is full or ffmpeg fails.
    """
    width, height = size
    even_width, even_height = even_size(size)
    if (even_width, even_height) != (width, height):
        raise InputError(
            "H.264 needs even sides: {even_width}x{even_height} would do instead of {width}x{height}.",
            even_width=even_width,
            even_height=even_height,
            width=width,
            height=height,
        )
    if count < 1:
        raise InputError("There is no frame to write.")
    rate = exact_rate(fps)
    with atomic_write(path) as temporary, TemporaryDirectory(prefix="rtmri2speech-") as scratch:
        sound = Path(scratch) / "audio.f32"
        if audio is not None:
            sound.write_bytes(np.asarray(audio, dtype="<f4").tobytes())
        command = [
            *(ffmpeg_binary(), "-y", "-loglevel", "error"),
            *f"-f rawvideo -pix_fmt yuv420p -s {width}x{height} -framerate {rate} -i -".split(),
            *([] if audio is None else [*f"-f f32le -ar {audio_rate} -ac 1 -i".split(), str(sound)]),
            # On noisy frames ultrafast with CABAC and deblocking halves the time of superfast, at its size, for 0.8 dB.
            *"-c:v libx264 -preset ultrafast -x264-params cabac=1:deblock=0,0 -crf 18".split(),
            *("-g", str(max(1, round(rate)))),  # a key frame a second, for fast seeking
            # The matrix of _planes is stated, as players would guess it from the picture's size.
            *"-colorspace smpte170m -color_primaries bt709 -color_trc bt709 -color_range tv".split(),
            *f"-c:a aac -b:a 128k -ar {_AUDIO_RATE} -movflags +faststart -f mp4".split(),
            str(temporary.absolute()),
        ]
        _feed(command, _checked(frames, count, (height, width, 3), progress), path)


def write_gray_video(
    path: str | PathLike,
    frames: np.ndarray,
    fps: Fraction | float,
    audio: np.ndarray | None = None,
    audio_rate: int | None = None,
    progress: Progress = UNSEEN,
) -> None:
    """write_video for gray frames, uint8 (T, H, W); an odd side is extended by a copy of its last row or column."""
    count, height, width = frames.shape
    even_width, even_height = even_size((width, height))
    around = ((0, even_height - height), (0, even_width - width), (0, 0))
    pictures = (np.pad(np.repeat(frame[:, :, None], 3, axis=2), around, mode="edge") for frame in frames)
    write_video(path, pictures, count, (even_width, even_height), fps, audio, audio_rate, progress)


def _checked(frames: Iterable[np.ndarray], count: int, shape: tuple, progress: Progress) -> Iterable[memoryview]:
    written = 0
    for frame in frames:
        if frame.shape != shape or frame.dtype != np.uint8:
            raise ValueError(f"Frame {written} is {frame.dtype} {frame.shape}, not uint8 {shape}.")
        yield _planes(frame)
        written += 1
        progress("video", written, count)
    if written != count:
        raise ValueError(f"{written} frames came instead of {count}.")


def _planes(frame: np.ndarray) -> memoryview:
    """RGB (H, W, 3) -> planes of yuv420p by ITU-R BT.601, video range; OpenCV is faster than ffmpeg here."""
    return cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).data


def _feed(command: list[str], chunks: Iterable[memoryview], path: str | PathLike) -> None:
    """Run ffmpeg on the chunks, and end it before returning or raising."""
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, **NO_WINDOW) as process,
        ThreadPoolExecutor(1) as reader,
    ):
        stdin, stderr = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stderr)  # pipes, as asked for above
        messages = reader.submit(stderr.read)  # drained throughout, so that ffmpeg never blocks
        try:
            delivered = all(_delivered(stdin, chunk) for chunk in chunks)
            with suppress(OSError):
                stdin.close()
            if process.wait() != 0 or not delivered:
                raise InputError(
                    "Cannot write {path}: {reason}", path=path, reason=_reason(messages.result(), process.returncode)
                )
        finally:
            if process.poll() is None:
                process.kill()
                with suppress(OSError):
                    stdin.close()
                process.wait()


def _delivered(pipe: BinaryIO, chunk: memoryview) -> bool:
    """Write a chunk; False if ffmpeg has ended, with the reason on stderr."""
    try:
        pipe.write(chunk)
    except OSError:
        return False
    return True


def _reason(messages: bytes, code: int) -> str:
    text = messages.decode(errors="replace").strip()
    if "No space left on device" in text or "not enough space" in text.lower():
        return "the disk is full; free some space or choose another folder."
    last_line = text.splitlines()[-1].rstrip(".") if text else f"exit code {code}"
    return f"ffmpeg failed ({last_line}); see that the folder can be written and has space."

"""Clip: a recording of a speaking vocal tract, from a video, a folder of numbered frames, or an array.

Decoding uses FFmpeg's libraries through PyAV (OpenCV's VideoCapture aborts on raw AVIs as this field has them).
"""

import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import InputError
from .progress import UNSEEN, Progress
from .spec import MelSpec

# Container formats that hold their pictures themselves. Playlists and the like, which name other files, stay out.
_CONTAINERS = (
    "avi,mov,mp4,m4a,3gp,matroska,webm,gif,mpeg,mpegvideo,mpegts,asf,flv,ogg,yuv4mpegpipe,nut,dv,mxf,ivf,apng,h264"
)
_PICTURES = {".png", ".tif", ".tiff"}
_ARRAYS = {".npy", ".npz"}
SMALLEST_SIDE = 16


@dataclass(frozen=True)
class ClipLimits:
    """What read_clip refuses to read on. Sides in pixels, bytes of decoded 8-bit frames."""

    longest_s: float = 600.0
    most_frames: int = 20_000
    largest_side: int = 2048
    most_bytes: int = 2**30


@dataclass(frozen=True)
class Clip:
    """Frames as recorded, with the time each one is shown.

    frames: uint8 (T, H, W). times_s: (T + 1,) start of each frame and, last, the end of the clip; the first is 0.
    audio: mono float32 (samples,) that starts with the first frame, at audio_rate Hz; or None.
    """

    frames: np.ndarray
    times_s: np.ndarray
    audio: np.ndarray | None = None
    audio_rate: int | None = None
    source: str = ""
    details: dict = field(default_factory=dict)

    @property
    def sound(self) -> tuple[np.ndarray, int] | None:
        """The audio and its rate, as functions take a sound; None without."""
        return None if self.audio is None or self.audio_rate is None else (self.audio, self.audio_rate)

    @property
    def duration(self) -> float:
        """Seconds from the first frame's start to the last frame's end."""
        return float(self.times_s[-1])

    @property
    def fps(self) -> float:
        """Frames per second; the mean where the rate varies."""
        return len(self.frames) / self.duration

    @property
    def constant_rate(self) -> bool:
        """Whether all frames last equally long, to within 5 ms of rounding of the container's time stamps."""
        return bool(np.ptp(np.diff(self.times_s)) <= 0.005)

    @property
    def padding(self) -> tuple[int, int]:
        """Black rows and columns that make the picture square (not stretched) before it enters the model."""
        height, width = self.frames.shape[1:]
        return max(width - height, 0), max(height - width, 0)


def read_clip(
    path: str | os.PathLike,
    *,
    fps: float | None = None,
    limits: ClipLimits | None = None,
    progress: Progress = UNSEEN,
) -> Clip:
    """Read a video with or without sound, a folder of numbered PNG/TIFF frames, or a .npy/.npz array (T, H, W).

    fps: needed for folders; for arrays the default is the model's rate (11413/420) or the npz's own "fps"; for videos
    it replaces the file's time stamps.
    Frames of more than 8 bits are scaled so that the clip's largest value becomes 255.
    Raises InputError if the file cannot be read whole, holds fewer than two frames, or is over the limits.
    """
    path, limits = Path(path), limits or ClipLimits()
    if fps is not None and not (np.isfinite(fps) and 0 < fps <= 1000):
        raise InputError("The frame rate must be above 0 and at most 1000 frames/s, not {fps:g}.", fps=fps)
    if not path.exists():
        raise InputError("There is no file or folder {path}.", path=path)
    if path.is_dir():
        if fps is None:
            raise InputError(
                "{path} is a folder: for a folder of numbered frames give the frame rate with --fps.", path=path
            )
        clip = _read_folder(path, fps, limits, progress)
    elif path.stat().st_size == 0:
        raise InputError("{path} is empty.", path=path)
    elif path.suffix.lower() in _ARRAYS:
        clip = _read_array(path, fps, limits)
    else:
        clip = _read_video(path, fps, limits, progress)
    if len(clip.frames) < 2:
        raise InputError("{path} holds one frame only: speech needs a clip of two frames or more.", path=path)
    if clip.duration > limits.longest_s:
        raise InputError(
            "{path} lasts {duration:.1f} s: at most {limit:g} s are read, cut it first.",
            path=path,
            duration=clip.duration,
            limit=limits.longest_s,
        )
    return clip


class _Frames:
    """Collects gray frames of one size and refuses what is over the limits."""

    def __init__(self, path: Path, limits: ClipLimits):
        self.path, self.limits = path, limits
        self.frames: list[np.ndarray] = []

    def check(self, count: int, height: int, width: int, itemsize: int = 1) -> None:
        if min(height, width) < SMALLEST_SIDE:
            raise InputError(
                "{path} is {width}x{height} pixels: a side must have at least {least} pixels.",
                path=self.path,
                width=width,
                height=height,
                least=SMALLEST_SIDE,
            )
        if max(height, width) > self.limits.largest_side:
            raise InputError(
                "{path} is {width}x{height} pixels: a side may have at most {most} pixels.",
                path=self.path,
                width=width,
                height=height,
                most=self.limits.largest_side,
            )
        if count > self.limits.most_frames:
            raise InputError(
                "{path} has more than {most} frames: cut it first.", path=self.path, most=self.limits.most_frames
            )
        if count * height * width * itemsize > self.limits.most_bytes:
            raise InputError(
                "{path} needs more than {most:.0f} MiB once decoded: cut it or make it smaller first.",
                path=self.path,
                most=self.limits.most_bytes / 2**20,
            )

    def add(self, frame: np.ndarray) -> None:
        if self.frames and frame.shape != self.frames[0].shape:
            (h0, w0), (h, w) = self.frames[0].shape, frame.shape
            raise InputError(
                "{path}: frame {frame} is {w}x{h} pixels, the first is {w0}x{h0}.",
                path=self.path,
                frame=len(self.frames),
                w=w,
                h=h,
                w0=w0,
                h0=h0,
            )
        height, width = frame.shape
        self.check(len(self.frames) + 1, height, width, frame.itemsize)
        self.frames.append(frame)

    def stack(self) -> np.ndarray:
        if not self.frames:
            raise InputError("{path} holds no frame that can be decoded.", path=self.path)
        stacked = np.stack(self.frames)
        self.frames.clear()
        return _to_uint8(stacked, self.path)


def _to_uint8(frames: np.ndarray, path: Path) -> np.ndarray:
    """(T, H, W) of any real type -> uint8. Eight-bit values stay; others are scaled so that the largest becomes 255."""
    if frames.dtype == np.uint8:
        return frames
    if frames.dtype.kind not in "buif":
        raise InputError(
            "{path} holds values of type {type}: gray levels must be numbers.", path=path, type=frames.dtype
        )
    low, high = float(frames.min()), float(frames.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError("{path} holds gray levels that are not finite numbers.", path=path)
    low = min(low, 0.0)
    scale = 255.0 / (high - low) if high > low else 0.0
    out = np.empty(frames.shape, np.uint8)
    for k, frame in enumerate(frames):
        out[k] = np.rint((frame.astype(np.float64) - low) * scale)
    return out


def _even_times(count: int, fps: float) -> np.ndarray:
    return np.arange(count + 1) / fps


# ---------------------------------------------------------------------------------------------------------- video


def _read_video(path: Path, fps: float | None, limits: ClipLimits, progress: Progress) -> Clip:
    import av

    unreadable = InputError("{path} is not a video that can be decoded.", path=path)
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    try:
        container = av.open(str(path), container_options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError):
        raise unreadable from None
    with container:
        streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not streams:
            raise InputError("{path} has no video stream, only sound or other data.", path=path)
        video, audio = streams[0], next(iter(container.streams.audio), None)
        frames = _Frames(path, limits)
        if video.width and video.height:
            frames.check(max(video.frames, 1), video.height, video.width)
        claimed_s = float(container.duration / av.time_base) if container.duration else 0.0
        if fps is None and claimed_s > limits.longest_s:
            raise InputError(
                "{path} lasts {duration:.1f} s: at most {limit:g} s are read, cut it first.",
                path=path,
                duration=claimed_s,
                limit=limits.longest_s,
            )
        video.thread_type = "AUTO"
        starts, lengths = [], []
        sound = None if audio is None else _Sound(audio.rate, limits)
        damage = None
        try:
            for packet in container.demux([video] if audio is None else [video, audio]):
                for frame in _decoded(packet, required=packet.stream is video):
                    if sound is not None and packet.stream is not video:
                        sound.add(frame)
                        continue
                    frames.add(_gray(frame))
                    starts.append(frame.time)
                    lengths.append(float(frame.duration * frame.time_base) if frame.duration else 0.0)
                    progress("reading", len(starts), max(video.frames, len(starts)))
        except av.FFmpegError as error:
            damage = error
        pixel_format, codec = video.codec_context.pix_fmt, video.codec_context.name
        missing = video.frames - len(starts)
        # AVI and MP4 write the number of frames; edit lists and encoders' delays account for a few.
        if damage is not None or missing > max(2, 0.02 * video.frames):
            if not video.frames:
                raise InputError(
                    "{path} is damaged or cut short: only {read} frames can be decoded.", path=path, read=len(starts)
                )
            raise InputError(
                "{path} is damaged or cut short: {read} of {all} frames can be decoded.",
                path=path,
                read=len(starts),
                all=video.frames,
            )
        rate = video.average_rate or video.guessed_rate
    stacked = frames.stack()
    times = _times(starts, lengths, float(rate) if rate else None, fps)
    if times is None:
        raise InputError("{path} has no time stamps and no frame rate: give the frame rate with --fps.", path=path)
    samples, audio_rate = (None, None) if sound is None else sound.finish(starts[0] or 0.0)
    details = {"codec": codec, "pixel_format": pixel_format}
    return Clip(stacked, times, samples, audio_rate, str(path), details)


def _decoded(packet, *, required: bool) -> Iterator:
    """Frames of a packet; a damaged packet of sound is passed over, one of video is an error."""
    import av

    try:
        yield from packet.decode()
    except av.FFmpegError:
        if required:
            raise


def _gray(frame) -> np.ndarray:
    """An av.VideoFrame -> (H, W), uint8, or uint16 where the format has more than 8 bits a component."""
    deep = any(component.bits > 8 for component in frame.format.components)
    return frame.to_ndarray(format="gray16le" if deep else "gray")


def _times(starts: list, lengths: list[float], rate: float | None, fps: float | None) -> np.ndarray | None:
    """Frame boundaries in seconds from the first frame, (T + 1,); None where nothing tells."""
    if fps is not None:
        return _even_times(len(starts), fps)
    if None not in starts and len(starts) > 1:
        start_s = np.array(starts, dtype=np.float64) - starts[0]
        steps = np.diff(start_s)
        if (steps > 0).all():
            last = lengths[-1] if 0 < lengths[-1] < 10 * np.median(steps) else float(np.median(steps))
            times = np.append(start_s, start_s[-1] + last)
            # Containers round time stamps to 1 ms or worse: jitter about the nominal rate is not a varying rate.
            if rate and np.abs(times - _even_times(len(starts), rate)).max() <= 0.005:
                return _even_times(len(starts), rate)
            return times
    return _even_times(len(starts), rate) if rate else None


class _Sound:
    """Collects the audio stream as mono float32 at its own rate, and refuses what is far too long."""

    def __init__(self, rate: int, limits: ClipLimits):
        import av

        self.rate, self.longest_s = rate, 2 * limits.longest_s
        self.resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        self.start_s: float | None = None
        self.chunks: list[np.ndarray] = []
        self.samples = 0

    def add(self, frame) -> None:
        if self.start_s is None:
            self.start_s = float(frame.time or 0.0)
        self._collect(frame)

    def finish(self, video_start_s: float) -> tuple[np.ndarray | None, int | None]:
        """Samples from the first frame's start on, and the rate; (None, None) where there is no sound."""
        if self.start_s is None:
            return None, None
        self._collect(None)
        lead = round((self.start_s - video_start_s) * self.rate)
        samples = np.concatenate([np.zeros(max(lead, 0), np.float32), *self.chunks])[max(-lead, 0) :]
        if not len(samples):
            return None, None
        return np.nan_to_num(samples, posinf=0.0, neginf=0.0).astype(np.float32, copy=False), self.rate

    def _collect(self, frame) -> None:
        for part in self.resampler.resample(frame):
            self.chunks.append(part.to_ndarray()[0])
            self.samples += len(self.chunks[-1])
        if self.samples > self.longest_s * self.rate:
            raise InputError("The sound lasts longer than {limit:g} s: cut the clip first.", limit=self.longest_s)


# ---------------------------------------------------------------------------------------------- folders and arrays


def _read_folder(path: Path, fps: float, limits: ClipLimits, progress: Progress) -> Clip:
    import cv2

    numbered = {}
    for file in path.iterdir():
        digits = re.search(r"(\d+)$", file.stem)
        if file.suffix.lower() in _PICTURES and digits:
            number = int(digits[1])
            if number in numbered:
                raise InputError("{path} has two frames with the number {number}.", path=path, number=number)
            numbered[number] = file
    if not numbered:
        raise InputError("{path} holds no numbered PNG or TIFF frames (such as clip_0000.png).", path=path)
    first, last = min(numbered), max(numbered)
    if len(numbered) != last - first + 1:
        missing = next(n for n in range(first, last) if n not in numbered)
        raise InputError(
            "{path}: frame number {number} is missing between {first} and {last}.",
            path=path,
            number=missing,
            first=first,
            last=last,
        )
    frames = _Frames(path, limits)
    frames.check(len(numbered), SMALLEST_SIDE, SMALLEST_SIDE)
    for number in range(first, last + 1):
        file = numbered[number]
        picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
        if picture is None:
            raise InputError("{path} is not a picture that can be read.", path=file)
        frames.add(picture)
        progress("reading", number - first + 1, len(numbered))
    details = {"codec": numbered[first].suffix[1:].lower(), "pixel_format": str(frames.frames[0].dtype)}
    stacked = frames.stack()
    return Clip(stacked, _even_times(len(stacked), fps), source=str(path), details=details)


def _frames_of(names: list[str], path: Path) -> str:
    """Which array of an .npz holds the frames: "frames", "mri", or the only one beside "fps"."""
    named = [name for name in ("frames", "mri") if name in names]
    others = [name for name in names if name != "fps"]
    if not others:
        raise InputError("{path} holds no array.", path=path)
    if not named and len(others) > 1:
        raise InputError(
            'It is not clear which array of {path} holds the frames ({names}): call it "frames".',
            path=path,
            names=", ".join(others),
        )
    return named[0] if named else others[0]


def _read_array(path: Path, fps: float | None, limits: ClipLimits) -> Clip:
    frames = _Frames(path, limits)
    try:
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > 8 * limits.most_bytes:
                    raise InputError(
                        "{path} unpacks to more than {most:.0f} GiB.", path=path, most=8 * limits.most_bytes / 2**30
                    )
            with np.load(path, allow_pickle=False) as archive:
                array = archive[_frames_of(archive.files, path)]
                fps = fps or (float(archive["fps"]) if "fps" in archive.files else None)
        else:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("{path} is not a NumPy array file that can be read.", path=path) from None
    if array.ndim != 3:
        raise InputError(
            "{path} holds an array of shape {shape}: frames must be (T, H, W).", path=path, shape=array.shape
        )
    if not len(array):
        raise InputError("{path} holds no frame.", path=path)
    frames.check(*array.shape)
    stacked = np.ascontiguousarray(_to_uint8(array, path))
    details = {"codec": path.suffix[1:].lower(), "pixel_format": str(array.dtype)}
    return Clip(stacked, _even_times(len(stacked), fps or MelSpec().fps), source=str(path), details=details)

"""Videos with or without sound, decoded by FFmpeg's libraries through PyAV (OpenCV's VideoCapture aborts on raw AVIs as
this field has them)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...progress import Progress
from .gray import Frames
from .recording import ClipLimits, Recording, even_times

# Container formats that hold their pictures themselves. Playlists and the like, which name other files, stay out.
CONTAINERS = (
    "avi,mov,mp4,m4a,3gp,matroska,webm,gif,mpeg,mpegvideo,mpegts,asf,flv,ogg,yuv4mpegpipe,nut,dv,mxf,ivf,apng,h264"
)
_PACKETS = 256  # of sound that are put together at once
_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}


def claimed_duration_s(path: Path) -> float | None:
    """How long a video says that it lasts, without reading it; None where it does not say, or is none."""
    import av

    try:
        with av.open(str(path), container_options=_OPTIONS, metadata_errors="replace") as container:
            return float(container.duration / av.time_base) if container.duration else None
    except (av.FFmpegError, OSError, ValueError):
        return None


def read_video(
    path: Path, fps: float | None, limits: ClipLimits, until_s: float | None, progress: Progress
) -> Recording:
    import av

    unreadable = InputError("{path} is not a video that can be decoded.", path=path)
    try:
        container = av.open(str(path), container_options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError):
        raise unreadable from None
    with container:
        streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not streams:
            raise InputError("{path} has no video stream, only sound or other data.", path=path)
        video, audio = streams[0], next(iter(container.streams.audio), None)
        frames = Frames(path, limits)
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
                if until_s is not None and starts and (starts[-1] or 0.0) - (starts[0] or 0.0) >= until_s:
                    break
        except av.FFmpegError as error:
            damage = error
        pixel_format, codec = video.codec_context.pix_fmt, video.codec_context.name
        missing = 0 if until_s is not None else video.frames - len(starts)
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
    return Recording(stacked, times, details, samples, audio_rate)


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
        return even_times(len(starts), fps)
    if None not in starts and len(starts) > 1:
        start_s = np.array(starts, dtype=np.float64) - starts[0]
        steps = np.diff(start_s)
        if (steps > 0).all():
            last = lengths[-1] if 0 < lengths[-1] < 10 * np.median(steps) else float(np.median(steps))
            times = np.append(start_s, start_s[-1] + last)
            # Containers round time stamps to 1 ms or worse: jitter about the nominal rate is not a varying rate.
            if rate and np.abs(times - even_times(len(starts), rate)).max() <= 0.005:
                return even_times(len(starts), rate)
            return times
    return even_times(len(starts), rate) if rate else None


class _Sound:
    """Collects the audio stream as mono float32 at its own rate, and refuses what is far too long."""

    def __init__(self, rate: int, limits: ClipLimits):
        import av

        self.rate, self.longest_s = rate, 2 * limits.longest_s
        self.resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        self.start_s: float | None = None
        self.chunks: list[np.ndarray] = []
        self.fresh: list[np.ndarray] = []  # what is not in chunks yet
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
        samples = np.nan_to_num(samples, copy=False, posinf=0.0, neginf=0.0)  # five minutes take 58 MB
        return samples.astype(np.float32, copy=False), self.rate

    def _collect(self, frame) -> None:
        for part in self.resampler.resample(frame):
            self.fresh.append(part.to_ndarray()[0])
            self.samples += len(self.fresh[-1])
        if len(self.fresh) >= _PACKETS or frame is None:
            # thousands of small arrays among frames that come and go would keep several times their own memory
            self.chunks.append(np.concatenate([np.empty(0, np.float32), *self.fresh]))
            self.fresh = []
        if self.samples > self.longest_s * self.rate:
            raise InputError("The sound lasts longer than {limit:g} s: cut the clip first.", limit=self.longest_s)

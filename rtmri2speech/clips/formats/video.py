"""Videos with or without sound, decoded by FFmpeg through PyAV (OpenCV's VideoCapture aborts on this field's raw
AVIs)."""

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...progress import Progress
from ...speech.audio import cut_short, resample
from .gray import Frames
from .recording import ClipLimits, Recording, even_times

# Container formats that hold their own pictures; playlists and the like, which name other files, are excluded.
CONTAINERS = (
    "avi,mov,mp4,m4a,3gp,matroska,webm,gif,mpeg,mpegvideo,mpegts,asf,flv,ogg,yuv4mpegpipe,nut,dv,mxf,ivf,apng,h264"
)
_TELL_THEIR_END = ("matroska", "avi", "mov", "flv", "asf")  # containers with the duration in their header
_ENDS_EARLY_S = 0.1  # a file that ends this much before its header's duration is cut short
_CHECKSUMS = ("flac", "ac3", "eac3", "wavpack", "tta")  # audio codecs with packet checksums
_SKEW = 0.02  # of a display matrix, against a multiple of 90 degrees: a rounding error
_PACKETS = 256  # audio packets joined at once
_LATE_S = (0.005, 0.02)  # bounds of time-stamp rounding: a later frame of sound leaves a gap
_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}


def claimed_duration_s(path: Path) -> float | None:
    """Duration by a video's header, s; None without, or for another file."""
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
        video, audio = _chosen(streams), _chosen(container.streams.audio)
        frames = Frames(path, limits)
        pixel_aspect = float(video.sample_aspect_ratio or 1)
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
        if audio is not None and audio.codec_context.name in _CHECKSUMS:
            audio.codec_context.options = {"err_detect": "crccheck+explode"}  # else damaged packets are decoded
        # An MP4's index marks frames that an edit list drops. An AVI's counts empty frames, too.
        count = sum(not entry.is_discard for entry in video.index_entries) if "mov" in container.format.name else 0
        starts, lengths = [], []
        sound = _Sound(limits)
        damage, ends_s, corrupt = None, 0.0, 0
        try:
            for packet in container.demux():
                if packet.pts is not None and packet.time_base:
                    ends_s = max(ends_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream is audio:
                    sound.add_packet(packet)
                if packet.stream is not video:
                    continue
                decoded: Any = packet.decode()
                for frame in decoded:
                    frames.add(_turned(path, _gray(frame), frame), pixel_aspect)
                    corrupt += frame.is_corrupt
                    starts.append(frame.time)
                    lengths.append(float(frame.duration * frame.time_base) if frame.duration else 0.0)
                    progress("reading", len(starts), max(count, len(starts)))
                if until_s is not None and starts and (starts[-1] or 0.0) - (starts[0] or 0.0) >= until_s:
                    break
        except av.FFmpegError as error:
            damage = error
        pixel_format, codec = video.codec_context.pix_fmt, video.codec_context.name
        _check_count(path, len(starts), 0 if until_s is not None else count, damage is not None)
        tells_end = any(name in container.format.name for name in _TELL_THEIR_END)
        if tells_end and until_s is None and starts and ends_s < claimed_s - max(_ENDS_EARLY_S, 2 * lengths[-1]):
            raise cut_short(path, ends_s, claimed_s)
        rate = video.average_rate or video.guessed_rate
    stacked = frames.stack()
    times = _times(starts, lengths, float(rate) if rate else None, fps)
    if times is None:
        raise InputError(
            "{path} has no time stamps and no frame rate: on the command line, give it with --fps.", path=path
        )
    samples, audio_rate, notes = sound.finish(starts[0] or 0.0)
    if corrupt:
        notes.append(InputError("{count} frames of the video are damaged and are shown as they can be.", count=corrupt))
    details = {"codec": codec, "pixel_format": pixel_format}
    return Recording(stacked, times, details, samples, audio_rate, notes=tuple(notes))


def _check_count(path: Path, read: int, count: int, damaged: bool) -> None:
    """Raises InputError if decoding broke off, or gave fewer frames than the index has (count; 0: unknown), beyond
    encoder delay."""
    if not damaged and read >= count - max(2, 0.02 * count):
        return
    if not count:
        raise InputError("{path} is damaged or cut short: only {read} frames can be decoded.", path=path, read=read)
    raise InputError(
        "{path} is damaged or cut short: {read} of {all} frames can be decoded.", path=path, read=read, all=count
    )


def _chosen(streams):
    """The stream that players choose: the first default one, else the first; None without any."""
    from av.stream import Disposition

    marked = [stream for stream in streams if stream.disposition & Disposition.default]
    return next(iter([*marked, *streams]), None)


def _turned(path: Path, gray: np.ndarray, frame) -> np.ndarray:
    """(H, W) rotated and mirrored by its display matrix. Raises InputError unless at multiples of 90 degrees.

    x' = a x + c y, y' = b x + d y (ISO 14496-12, 6.2.2), in the first two rows (a, b, u), (c, d, v).
    """
    from av.sidedata.sidedata import Type

    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return gray
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32, 5).astype(np.float64)
    upright, across = abs(a) + abs(d), abs(b) + abs(c)
    if min(upright, across) > _SKEW * max(upright, across):
        raise InputError(
            "{path} is rotated by an angle that is not a multiple of 90 degrees: rotate its pictures first.",
            path=path,
        )
    if across > upright:
        gray, right, down = gray.T, c, b
    else:
        right, down = a, d
    return np.ascontiguousarray(gray[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1])


def _gray(frame) -> np.ndarray:
    """An av.VideoFrame -> (H, W), uint8, or uint16 where the format has more than 8 bits a component."""
    deep = any(component.bits > 8 for component in frame.format.components)
    return frame.to_ndarray(format="gray16le" if deep else "gray")


def _times(starts: list, lengths: list[float], rate: float | None, fps: float | None) -> np.ndarray | None:
    """Frame boundaries (T + 1,), s from the first frame; None without time stamps and rate."""
    if fps is not None:
        return even_times(len(starts), fps)
    if None not in starts and len(starts) > 1:
        start_s = np.array(starts, dtype=np.float64) - starts[0]
        steps = np.diff(start_s)
        if (steps > 0).all():
            last = lengths[-1] if 0 < lengths[-1] < 10 * np.median(steps) else float(np.median(steps))
            times = np.append(start_s, start_s[-1] + last)
            # Containers round time stamps to 1 ms or worse, so jitter about the nominal rate is a constant rate.
            if rate and np.abs(times - even_times(len(starts), rate)).max() <= 0.005:
                return even_times(len(starts), rate)
            return times
    return even_times(len(starts), rate) if rate else None


class _Sound:
    """Collects the audio stream as mono float32 at its own rate, each sample at its time. Channels are averaged, as in
    audio.read_audio. Raises InputError beyond the longest clip."""

    def __init__(self, limits: ClipLimits):
        self.rate, self.longest_s = 0, 2 * limits.longest_s
        self.start_s: float | None = None
        self.chunks: list[np.ndarray] = []
        self.fresh: list[np.ndarray] = []  # not yet joined into chunks
        self.samples = 0
        self.damaged = 0  # packets
        self.gaps: list[tuple[float, float]] = []  # (start after the first sample, length), s

    def add_packet(self, packet) -> None:
        """Decode a packet; what cannot be decoded leaves a gap."""
        import av

        try:
            for frame in packet.decode():
                self._add(frame)
        except av.FFmpegError:
            self.damaged += 1

    def finish(self, video_start_s: float) -> tuple[np.ndarray | None, int | None, list[InputError]]:
        """Samples from the first frame's start on, their rate (None and None without sound), and notes."""
        notes = []
        if self.damaged:
            notes.append(InputError("{count} packets of the sound are damaged and left out.", count=self.damaged))
        if self.start_s is None:
            return None, None, notes
        if self.gaps:
            at_s, _ = self.gaps[0]
            notes.append(
                InputError(
                    "The sound has {count} gaps, {seconds:.2f} s in all, the first at {at:.2f} s: they are silent.",
                    count=len(self.gaps),
                    seconds=sum(length for _, length in self.gaps),
                    at=at_s + self.start_s - video_start_s,
                )
            )
        lead = round((self.start_s - video_start_s) * self.rate)
        samples = np.concatenate([np.zeros(max(lead, 0), np.float32), *self.chunks, *self.fresh])[max(-lead, 0) :]
        if not len(samples):
            return None, None, notes
        samples = np.nan_to_num(samples, copy=False, posinf=0.0, neginf=0.0)  # five minutes take 58 MB
        return samples.astype(np.float32, copy=False), self.rate, notes

    def _add(self, frame) -> None:
        if self.start_s is None:
            self.start_s, self.rate = float(frame.time or 0.0), frame.sample_rate
        mono = resample(_mono(frame), frame.sample_rate, self.rate)
        late = 0 if frame.time is None else round((float(frame.time) - self.start_s) * self.rate) - self.samples
        least, most = (round(limit * self.rate) for limit in _LATE_S)
        if late > min(most, max(least, len(mono) // 2)):
            self._check(late + len(mono))
            self.gaps.append((self.samples / self.rate, late / self.rate))
            self._append(np.zeros(late, np.float32))
        elif -late > most:  # earlier samples take precedence
            mono = mono[-late:]
        self._append(mono)

    def _append(self, samples: np.ndarray) -> None:
        self._check(len(samples))
        self.fresh.append(samples)
        self.samples += len(samples)
        if len(self.fresh) >= _PACKETS:
            # thousands of small arrays between short-lived frames would fragment the heap to several times their size
            self.chunks.append(np.concatenate(self.fresh))
            self.fresh = []

    def _check(self, more: int) -> None:
        if self.samples + more > self.longest_s * self.rate:
            raise InputError("The sound lasts longer than {limit:g} s: cut the clip first.", limit=self.longest_s)


def _mono(frame) -> np.ndarray:
    """An av.AudioFrame -> the mean of its channels, (samples,) float32, full scale 1."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype.kind in "iu":
        bits = 8 * values.dtype.itemsize
        middle = 2.0 ** (bits - 1)
        values = (values.astype(np.float64) - (middle if values.dtype.kind == "u" else 0)) / middle
    return values.astype(np.float32).mean(axis=0)

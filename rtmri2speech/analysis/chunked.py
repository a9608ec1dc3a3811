"""Chunked analysis of a long clip: the first chunk is ready early, and memory hardly grows with the clip.

Each chunk is analysed with CONTEXT frames of its neighbours on either side, which are then cut off. The temporal
model's memory of more distant frames is lost: with the embedded model the mel changes by 0.015 dB in the mean, and the
largest CAM by 0.2 to 5 % at its maximum (bounded by tests/analysis/test_chunked.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..attribution.formant_targets import track_formant
from ..clips.clip import Clip
from ..clips.disk_array import release_heap, release_pages
from ..clips.frame_rate import at_rate, retime
from ..clips.frame_view import FrameView
from ..clips.pauses import pauses
from ..errors import InputError
from ..models.bundle import Bundle
from ..progress import UNSEEN, Progress
from ..spec import Band
from ..speech.audio import Sound
from .formants import SynthesisedSpeech, check_found, formants_of
from .pipeline import analyse, view_of
from .result import Analysis
from .settings import AnalysisSettings

FIRST = 128  # frames of the first chunk, at the model's rate: 4.7 s, ready early
CHUNK = 512  # frames of each later chunk
CONTEXT = 54  # frames: 2 s
_FADE = 128  # samples, 11 ms: of a voice's seam between chunks, where the phases of its pulses differ
LONGEST_WHOLE_S = 60.0  # a clip of more seconds is analysed in chunks


def spans_of(count: int) -> list[tuple[int, int]]:
    """(first, stop) of each chunk of `count` frames."""
    starts = [0, *range(FIRST, count, CHUNK)]
    return list(zip(starts, [*starts[1:], count], strict=True))


class ChunkedAnalysis:
    """Analyses the chunks of one clip in turn, with one F0 level for all.

    settings, original, formants_hz, speak, view: as for `analyse`; original, formants_hz and view are of the whole
    clip. Raises InputError for time-frequency boxes, which need the whole clip.
    """

    def __init__(
        self,
        bundle: Bundle,
        settings: AnalysisSettings,
        *,
        original: Sound | None = None,
        formants_hz: Mapping[str, np.ndarray] | None = None,
        speak: bool = True,
        view: FrameView | None = None,
    ):
        if any(band.stretch for band in settings.bands):
            raise InputError("This clip is analysed in chunks; a box needs the whole clip: cut it first.")
        self.bundle, self.settings, self.original, self.speak = bundle, settings, original, speak
        self.formants_hz = formants_hz or {}
        self.level_hz: float | None = None
        self.view = view
        self._beyond: tuple[int, np.ndarray] = 0, np.zeros(0, np.float32)  # end of the last chunk, its audio from there

    def chunk(self, clip: Clip, frames: np.ndarray, first: int, stop: int, progress: Progress = UNSEEN) -> Analysis:
        """The analysis of frames [first, stop). frames: all of the clip's, uint8 (T, H, W), at the model's rate
        (frame_rate.retime). A chunk may lack a tracked formant. Raises InputError as `analyse` does."""
        fps = self.bundle.fps
        self.view = self.view or view_of(self.bundle, frames)
        start, end = max(0, first - CONTEXT), min(len(frames), stop + CONTEXT)
        here = _interval(clip, frames, start, end, fps)
        original = None
        if self.original is not None:
            samples, rate = self.original
            original = samples[round(start / fps * rate) : round(end / fps * rate)], rate
        formants_hz = {name: track[start:end] for name, track in self.formants_hz.items()}
        tracking = [band for band in self.settings.bands if band.track and band.name not in formants_hz]
        if tracking:
            times_s = (np.arange(end - start) + 0.5) / fps
            spoken = self._spoken(here, original, tracking)
            formants_hz |= formants_of(tracking, times_s, clip.source, original or here.sound, spoken, start / fps)
        around = analyse(
            self.bundle,
            here,
            settings=self.settings,
            speak=self.speak,
            original=original,
            formants_hz=formants_hz,
            level_hz=self.level_hz,
            view=self.view,
            progress=progress,
        )
        self.level_hz = around.level_hz
        release_pages(frames)
        made = _between(around, first - start, stop - start)
        ended, beyond = self._beyond
        if made.f0_hz is not None and first == ended:
            made.audio[: len(beyond)] = _faded(beyond, made.audio)
        hop = len(around.audio) // len(around.mel_db)
        self._beyond = stop, around.audio[(stop - start) * hop :][:_FADE].copy()
        return made

    def _spoken(self, here: Clip, original: Sound | None, tracking: Sequence[Band]) -> SynthesisedSpeech | None:
        """The synthesised speech of an interval where a band tracks it; maps need its formants first."""
        if not any(band.track == "synthesised" for band in tracking):
            return None
        settings = replace(self.settings, bands=())
        made = analyse(self.bundle, here, settings=settings, original=original, level_hz=self.level_hz, view=self.view)
        return SynthesisedSpeech(made.audio, made.sample_rate, made.f0_hz is None, made.silent)


def analyse_chunks(
    bundle: Bundle, clip: Clip, frames: np.ndarray, settings: AnalysisSettings, progress: Progress = UNSEEN, **given
) -> Iterator[Analysis]:
    """Yields the analysis of each chunk. frames: as in ChunkedAnalysis.chunk; given: arguments of ChunkedAnalysis."""
    chunked = ChunkedAnalysis(bundle, settings, **given)
    for first, stop in spans_of(len(frames)):
        told = progress.part(None, first / len(frames), stop / len(frames))
        yield chunked.chunk(clip, frames, first, stop, told)
        release_heap()


def analyse_in_chunks(
    bundle: Bundle, clip: Clip, *, settings: AnalysisSettings, progress: Progress = UNSEEN, **given
) -> Analysis:
    """The analysis of a whole clip, joined from its chunks. Arguments as for `analyse`."""
    frames = retime(clip, bundle.fps)
    parts = list(analyse_chunks(bundle, clip, frames, settings, progress, **given))
    made = joined(bundle, clip, frames, parts, given.get("original"))
    check_found(made.bands, made.tracked_hz)
    return replace(made, original=given.get("original") or clip.sound)


def analyse_clip(bundle: Bundle, clip: Clip, *, settings: AnalysisSettings, **given) -> Analysis:
    """analyse(); for a clip above LONGEST_WHOLE_S without boxes, analyse_in_chunks()."""
    long = clip.duration > LONGEST_WHOLE_S and not any(band.stretch for band in settings.bands)
    return (analyse_in_chunks if long else analyse)(bundle, clip, settings=settings, **given)


def joined(
    bundle: Bundle, clip: Clip, frames: np.ndarray, parts: Sequence[Analysis], original: Sound | None = None
) -> Analysis:
    """Joins the analyses of a clip's first chunks, in order and without a gap. original: as of `analyse`.

    clip, frames: as in ChunkedAnalysis.chunk; they are cut to the last chunk's end.
    """
    mel_db = np.concatenate([part.mel_db for part in parts])
    count, first = len(mel_db), parts[0]
    named = lambda of: {name: np.concatenate([of(part)[name] for part in parts]) for name in of(first)}  # noqa: E731
    tracked_hz = named(lambda part: part.tracked_hz)
    f0_hz = None if first.f0_hz is None else np.concatenate([part.f0_hz for part in parts if part.f0_hz is not None])
    return replace(
        first,
        settings=replace(
            first.settings,
            bands=tuple(track_formant(b, tracked_hz[b.name], bundle.mel).band if b.track else b for b in first.bands),
        ),
        level_hz=parts[-1].level_hz,
        clip=until(clip, count, bundle.fps),
        model_frames=frames[:count],
        audio=np.concatenate([part.audio for part in parts]),
        mel_db=mel_db,
        silent=pauses(mel_db, bundle.mel, bundle.scaler, frames[:count], original or clip.sound),
        f0_hz=f0_hz,
        cam=named(lambda part: part.cam),
        band_db=named(lambda part: part.band_db),
        tracked_hz=tracked_hz,
        seconds={stage: sum(part.seconds[stage] for part in parts) for stage in first.seconds},
    )


def until(clip: Clip, count: int, fps: float) -> Clip:
    """The clip cut to the duration of `count` frames at `fps`; the clip itself if it is no longer."""
    end_s = count / fps
    if end_s >= clip.duration - 0.5 / fps:
        return clip
    own = count if at_rate(clip, fps) else int(np.searchsorted(clip.times_s, end_s - 1e-9))
    times_s = clip.times_s[: own + 1].copy()
    times_s[-1] = end_s
    audio = None if clip.audio is None or clip.audio_rate is None else clip.audio[: round(end_s * clip.audio_rate)]
    return replace(clip, frames=clip.frames[:own], times_s=times_s, audio=audio)


def _interval(clip: Clip, frames: np.ndarray, start: int, end: int, fps: float) -> Clip:
    """Frames [start, end) at the model's rate, with the clip's sound of that interval."""
    audio = None
    if clip.audio is not None and clip.audio_rate is not None:
        audio = clip.audio[round(start / fps * clip.audio_rate) : round(end / fps * clip.audio_rate)]
        audio = audio if len(audio) else None
    return Clip(
        frames[start:end], np.arange(end - start + 1) / fps, audio, clip.audio_rate if audio is not None else None
    )


def _faded(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """From one rendition (samples,) of a sound into the other, which goes on from its end."""
    share = (np.arange(len(before), dtype=np.float32) + 0.5) / max(1, len(before))
    return (1 - share) * before + share * after[: len(before)]


def _between(analysis: Analysis, first: int, stop: int) -> Analysis:
    """Frames [first, stop) of an analysis, copied; its clip stays whole and its features are dropped."""
    hop = len(analysis.audio) // len(analysis.mel_db)
    return replace(
        analysis,
        model_frames=analysis.model_frames[first:stop],
        audio=analysis.audio[first * hop : stop * hop].copy(),
        mel_db=analysis.mel_db[first:stop].copy(),
        silent=analysis.silent[first:stop].copy(),
        f0_hz=None if analysis.f0_hz is None else analysis.f0_hz[first:stop].copy(),
        cam={name: cam[first:stop].copy() for name, cam in analysis.cam.items()},
        band_db={name: db[first:stop].copy() for name, db in analysis.band_db.items()},
        tracked_hz={name: hz[first:stop].copy() for name, hz in analysis.tracked_hz.items()},
        features=None,
    )

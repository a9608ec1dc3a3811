"""A long clip analysed piece by piece: its beginning is there at once, and memory hardly grows with its length.

Each piece is analysed with CONTEXT frames of its neighbours on either side, which are then left off. What the BiLSTM
still remembers of more distant ones is lost: with the embedded model 0.015 dB of the mel in the mean, and 0.2 to 5 % of
the largest CAM where that is most (tests/analysis/test_chunked.py holds both within bounds).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..attribution.formant_targets import follow
from ..clips.clip import Clip
from ..clips.disk_array import give_back, let_go
from ..clips.frame_rate import at_rate, retime
from ..errors import InputError
from ..models.bundle import Bundle
from ..progress import UNSEEN, Progress
from ..spec import Band
from ..speech.audio import Sound
from ..speech.mel import silent_frames
from .formants import Spoken, check_found, formants_of
from .pipeline import analyse
from .result import Analysis

FIRST = 128  # frames of the first piece, at the model's rate: 4.7 s, so that it is there soon
PIECE = 512  # of each that follows
CONTEXT = 54  # the same: 2 s


def pieces(count: int) -> list[tuple[int, int]]:
    """First frame and the one after the last, of each piece of `count` frames."""
    starts = [0, *range(FIRST, count, PIECE)]
    return list(zip(starts, [*starts[1:], count], strict=True))


def analyse_piece(
    bundle: Bundle,
    clip: Clip,
    frames: np.ndarray,
    first: int,
    stop: int,
    bands: Sequence[Band] | None = None,
    *choices,
    original: Sound | None = None,
    formants_hz: Mapping[str, np.ndarray] | None = None,
    progress: Progress = UNSEEN,
    **others,
) -> Analysis:
    """The analysis of the frames from `first` up to `stop` of a clip.

    frames: the clip's, uint8 (T, H, W), at the model's rate (timeline.retime). bands, choices, others: the arguments of
    `analyse` after the clip; original and formants_hz: of the whole clip. A formant that a band follows may be missing
    from the piece. Raises InputError as analyse does.
    """
    start, end = max(0, first - CONTEXT), min(len(frames), stop + CONTEXT)
    here = _stretch(clip, frames, start, end, bundle.fps)
    if original is not None:  # of the whole clip
        samples, rate = original
        others["original"] = samples[round(start / bundle.fps * rate) : round(end / bundle.fps * rate)], rate
    following = [band for band in bands or () if band.track]
    if formants_hz:
        others["formants_hz"] = {name: track[start:end] for name, track in formants_hz.items()}
    elif following:
        times_s = (np.arange(end - start) + 0.5) / bundle.fps
        sound = others.get("original") or here.sound
        spoken = _spoken(bundle, here, following, others)
        others["formants_hz"] = formants_of(following, times_s, clip.source, sound, spoken, start / bundle.fps)
    around = analyse(bundle, here, bands, *choices, progress=progress, **others)
    let_go(frames)
    return _between(around, first - start, stop - start)


def _spoken(bundle: Bundle, here: Clip, following: Sequence[Band], others: Mapping) -> Spoken | None:
    """How a stretch is spoken, where a band follows that: it is needed before the maps are made."""
    if not any(band.track == "synthesised" for band in following):
        return None
    asked = {name: others[name] for name in ("voice", "original", "precision", "silence") if name in others}
    made = analyse(bundle, here, (), **asked)
    return Spoken(made.audio, made.sample_rate, made.f0_hz is None, made.silent)


def analyse_long(
    bundle: Bundle,
    clip: Clip,
    bands: Sequence[Band] | None = None,
    *choices,
    progress: Progress = UNSEEN,
    **others,
) -> Analysis:
    """The analysis of a whole clip, made of those of its pieces. bands, choices, others: as in analyse_piece."""
    if any(band.stretch for band in bands or ()):
        raise InputError("This clip is opened piece by piece; a box needs the whole clip: cut it first.")
    frames, parts = retime(clip, bundle.fps), []
    for first, stop in pieces(len(frames)):
        told = progress.part(None, first / len(frames), stop / len(frames))
        parts.append(analyse_piece(bundle, clip, frames, first, stop, bands, *choices, progress=told, **others))
        give_back()
    made = joined(bundle, clip, frames, parts)
    check_found(made.bands, made.followed_hz)
    return replace(made, original=others.get("original") or clip.sound)


def joined(bundle: Bundle, clip: Clip, frames: np.ndarray, parts: Sequence[Analysis]) -> Analysis:
    """The analysis of the clip's beginning out of those of its pieces, from the first on and without a gap.

    clip, frames: as in analyse_piece; what comes after the last piece is left out.
    """
    mel_db = np.concatenate([part.mel_db for part in parts])
    count, first = len(mel_db), parts[0]
    named = lambda of: {name: np.concatenate([of(part)[name] for part in parts]) for name in of(first)}  # noqa: E731
    followed_hz = named(lambda part: part.followed_hz)
    f0_hz = None if first.f0_hz is None else np.concatenate([part.f0_hz for part in parts if part.f0_hz is not None])
    return replace(
        first,
        bands=tuple(follow(b, followed_hz[b.name], bundle.mel).band if b.track else b for b in first.bands),
        clip=until(clip, count, bundle.fps),
        model_frames=frames[:count],
        audio=np.concatenate([part.audio for part in parts]),
        mel_db=mel_db,
        silent=silent_frames(mel_db, bundle.fps, bundle.scaler.faint_db),
        f0_hz=f0_hz,
        cam=named(lambda part: part.cam),
        band_db=named(lambda part: part.band_db),
        followed_hz=followed_hz,
        seconds={stage: sum(part.seconds[stage] for part in parts) for stage in first.seconds},
    )


def until(clip: Clip, count: int, fps: float) -> Clip:
    """The beginning of a clip that lasts as long as `count` frames at `fps`; the clip itself if it is no longer."""
    end_s = count / fps
    if end_s >= clip.duration - 0.5 / fps:
        return clip
    own = count if at_rate(clip, fps) else int(np.searchsorted(clip.times_s, end_s - 1e-9))
    times_s = clip.times_s[: own + 1].copy()
    times_s[-1] = end_s
    audio = None if clip.audio is None or clip.audio_rate is None else clip.audio[: round(end_s * clip.audio_rate)]
    return replace(clip, frames=clip.frames[:own], times_s=times_s, audio=audio)


def _stretch(clip: Clip, frames: np.ndarray, start: int, end: int, fps: float) -> Clip:
    """Frames at the model's rate, with the sound of the clip that belongs to them."""
    audio = None
    if clip.audio is not None and clip.audio_rate is not None:
        audio = clip.audio[round(start / fps * clip.audio_rate) : round(end / fps * clip.audio_rate)]
        audio = audio if len(audio) else None
    return Clip(
        frames[start:end], np.arange(end - start + 1) / fps, audio, clip.audio_rate if audio is not None else None
    )


def _between(analysis: Analysis, first: int, stop: int) -> Analysis:
    """The frames from `first` up to `stop` of an analysis, with a clip of their own."""
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
        followed_hz={name: hz[first:stop].copy() for name, hz in analysis.followed_hz.items()},
        features=None,
    )

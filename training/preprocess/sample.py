"""One recording as the training reads it: read, checked, and brought to the mel's rate and the picture's size."""

from dataclasses import dataclass, field

import numpy as np

from rtmri2speech.clips.formats.reading import is_video
from rtmri2speech.clips.frame_view import TractView
from rtmri2speech.errors import InputError
from rtmri2speech.spec import FrameSpec, MelSpec
from rtmri2speech.speech.audio import fit, read_audio, resample
from rtmri2speech.speech.mel import SPEECH_RANGE_DB, mel_spectrogram_db

from .checks import SILENT_DBFS, clipped_share, level_dbfs
from .phantom_truth import read_truth, truth_file
from .sources import Source

GRAYS = ("stretched", "recorded")


@dataclass(frozen=True)
class Settings:
    """How recordings become samples. fps: of corpora of pictures. level_dbfs None: the sound's level is kept.

    restore: a method of rtmri2speech.restore to clean the sound with, None to take it as it is. allow_restored: whether
    sound files that say they were restored before may be trained on.
    top_db: mel values further below a recording's largest one are raised to that; None keeps all. gain: of every
    recording's sound. gray "stretched": each frame to its own minimum and maximum, "recorded": gray levels as they are.
    shift_s: by how much every recording's sound is moved earlier; below 0, later.
    """

    mel: MelSpec = field(default_factory=MelSpec)
    frames: FrameSpec = field(default_factory=FrameSpec)
    fps: float | None = None
    level_dbfs: float | None = None
    longest_mismatch_s: float = 0.25
    most_clipped: float = 0.01
    restore: str | None = None
    allow_restored: bool = False
    top_db: float | None = None
    gain: float = 1.0
    gray: str = "stretched"
    shift_s: float = 0.0

    def __post_init__(self):
        if self.gray not in GRAYS:
            raise InputError("--gray is {known}, not {given!r}.", known=" or ".join(GRAYS), given=self.gray)
        if self.top_db is not None and self.top_db <= 0:
            raise InputError("--top_db must be above 0, not {given:g}.", given=self.top_db)


@dataclass(frozen=True)
class Sample:
    """One recording as the training reads it (see training.preprocess), and its checks.

    regions, articulation: a phantom's truth (see training.preprocess.phantom_truth), None for recordings. tract: where
    the vocal tract is, if settings.frames.view asks for it.
    """

    mri: np.ndarray
    mel_db: np.ndarray
    mask: np.ndarray
    waveform: np.ndarray
    checks: dict
    regions: np.ndarray | None = None
    articulation: np.ndarray | None = None
    tract: TractView | None = None


def make_sample(source: Source, settings: Settings) -> Sample:
    """Read one recording, check it, and bring it to the model's frame rate, picture size and mel.

    Raises InputError, with the reason, if it cannot be read or should not be trained on.
    """
    from rtmri2speech.analysis.reference import earlier
    from rtmri2speech.anatomy.tract_window import tract_view_of_frames
    from rtmri2speech.clips.clip import read_clip
    from rtmri2speech.clips.frame_rate import retime
    from rtmri2speech.clips.preprocessing import prepare_frames, square_frames
    from rtmri2speech.restore import restore, restored_by

    spec = settings.mel
    clip = read_clip(source.video, fps=None if is_video(source.video) else settings.fps)
    samples, rate = (clip.audio, clip.audio_rate) if source.audio is None else read_audio(source.audio)
    notes = [str(note) for note in clip.notes]
    if samples is None:
        raise InputError("{video} has no sound, and there is no sound file beside it.", video=source.video)
    checks = {
        "fps": round(clip.fps, 4),
        "video_s": round(clip.duration, 4),
        "audio_s": round(len(samples) / rate, 4),
        "audio_hz": rate,
        "level_dbfs": round(max(level_dbfs(samples), -200.0), 1),
        "clipped_share": round(clipped_share(samples), 5),
    }
    mismatch_s = checks["audio_s"] - checks["video_s"]
    if abs(mismatch_s) > settings.longest_mismatch_s:
        raise InputError(
            "the pictures last {video_s:.2f} s and the sound {audio_s:.2f} s: "
            "cut them alike, or allow it with --max_mismatch_s",
            video_s=checks["video_s"],
            audio_s=checks["audio_s"],
        )
    if checks["level_dbfs"] < SILENT_DBFS:
        raise InputError("the sound is silent ({level:.0f} dB re full scale)", level=checks["level_dbfs"])
    if checks["clipped_share"] > settings.most_clipped:
        raise InputError("{percent:.1f} % of the sound is clipped", percent=100 * checks["clipped_share"])
    said = restored_by(source.audio or source.video)
    if said and not settings.allow_restored:
        raise InputError("the sound is no recording but was restored: take the original, or --allow_restored")
    if settings.shift_s:
        samples, rate = earlier((samples, rate), settings.shift_s)
    if settings.restore:
        samples = restore(samples, rate, settings.restore)
    if said or settings.restore:
        checks["restored"] = settings.restore or said  # an estimate of the speech, and so are its mels

    frames = retime(clip, spec.fps)
    if (frames == frames[0]).all():
        raise InputError("the pictures never move")
    tract = tract_view_of_frames(frames) if settings.frames.view == "tract" else None
    waveform = resample(samples, rate, spec.sample_rate)
    if settings.level_dbfs is not None:
        waveform = waveform * np.float32(10 ** ((settings.level_dbfs - speech_level_dbfs(waveform, spec)) / 20))
    waveform = waveform * np.float32(settings.gain)
    mel_db, heard = _mel(waveform, len(frames), settings)
    if settings.gray == "recorded":
        mri = square_frames(frames, settings.frames.size)
    else:
        mri = np.rint(255 * prepare_frames(frames, settings.frames.size)).astype(np.uint8)
    if notes:
        checks["notes"] = notes
    checks["frames"] = len(mri)
    truth = truth_file(source.video)
    known = read_truth(truth, len(mri), spec.fps) if truth else (None, None)
    return Sample(mri, mel_db, heard, waveform, checks, *known, tract=tract)


def speech_level_dbfs(waveform: np.ndarray, spec: MelSpec) -> float:
    """RMS level of the speech: the mel hops within SPEECH_RANGE_DB of the loudest one."""
    hops = waveform[: len(waveform) // spec.hop_length * spec.hop_length].reshape(-1, spec.hop_length)
    power = np.mean(np.square(hops, dtype=np.float64), axis=1)
    return float(10 * np.log10(power[power >= power.max() * 10 ** (-SPEECH_RANGE_DB / 10)].mean()))


def _mel(waveform: np.ndarray, frames: int, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """(samples,) -> mel (frames, n_mels) in dB, and (frames,) bool: which rows the sound made.

    The thesis' unpadded layout makes a row only where its whole window lies in the sound; the rows after the last one
    repeat it, and count as not heard. The padded layout hears as far as the sound goes, and silence from there on.
    """
    import torch

    spec = settings.mel
    unpadded = spec.layout == "thesis"
    filled = waveform if unpadded else fit(waveform, frames * spec.hop_length)
    made = mel_spectrogram_db(torch.from_numpy(filled), spec).numpy()
    heard = min(frames, len(made) if unpadded else round(len(waveform) / spec.hop_length))
    if settings.top_db is not None:
        made = np.maximum(made, made.max() - settings.top_db)
    made = made[:frames]
    return np.pad(made, ((0, frames - len(made)), (0, 0)), mode="edge"), np.arange(frames) < heard


def sound_peak(source: Source, settings: Settings) -> float:
    """Largest absolute sample of a recording's sound at the mel's rate; 0 where there is none that can be read."""
    from rtmri2speech.clips.clip import read_clip

    try:
        if source.audio is None:
            clip = read_clip(source.video, fps=None if is_video(source.video) else settings.fps)
            samples, rate = clip.audio, clip.audio_rate
        else:
            samples, rate = read_audio(source.audio)
    except InputError:
        return 0.0
    return 0.0 if samples is None else float(np.abs(resample(samples, rate, settings.mel.sample_rate)).max())

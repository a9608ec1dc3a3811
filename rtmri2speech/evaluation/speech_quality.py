"""Speech quality of a bundle on a clip against reference speech, between a baseline and a topline (CANDIDATES)."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..analysis.pipeline import analyse
from ..analysis.result import Analysis
from ..clips.clip import Clip, read_clip
from ..clips.formats.reading import is_video_file, no_clips
from ..errors import InputError
from ..models.bundle import Bundle
from ..models.vocoding import vocode
from ..names import beside
from ..progress import UNSEEN, Progress
from ..spec import DEFAULT_BANDS, MelSpec
from ..speech.audio import fit, read_audio, resample
from ..speech.audio_lag import speech_lag
from ..speech.mel import SPEECH_RANGE_DB, band_bins, mel_spectrogram_db, speech_frames
from ..speech.metrics import evaluate_mels, evaluate_waveforms
from ..speech.voice import own_f0

CANDIDATES = {
    "synthesis": "speech synthesised from the frames",
    "copy_synthesis": "the vocoder on the reference's own mel (and F0, where it takes one): the ceiling",
    "mean_mel": "the vocoder on the mean mel of the training data: the floor",
}


@dataclass(frozen=True)
class Reference:
    """The reference speech of an analysed clip, with its mel as a bundle defines it.

    audio: (T * hop_length,) float32 at the mel's rate, cut or padded with silence to the clip. mel_db: (T, n_mels),
    a few frames fewer for the thesis' layout. duration_s: as recorded.
    """

    audio: np.ndarray
    mel_db: np.ndarray
    spec: MelSpec
    duration_s: float

    @property
    def speech_frames(self) -> np.ndarray:
        """Indices of the frames with speech."""
        return speech_frames(self.mel_db, SPEECH_RANGE_DB)


@dataclass(frozen=True)
class Assessment:
    """scores: candidate -> metric -> value or None; sounds: candidate -> (samples,) at the mel's rate.

    mismatch_s: duration of the reference speech minus that of the pictures. lag_s, lag_certainty: audio_lag.speech_lag.
    """

    scores: dict[str, dict[str, float | None]]
    sounds: dict[str, np.ndarray]
    reference: Reference
    mismatch_s: float
    lag_s: float | None
    lag_certainty: float


def heard_mel(samples: np.ndarray, rate: int, spec: MelSpec, frames: int) -> np.ndarray:
    """The mel of a sound cut or padded with silence to `frames` frames: (frames, n_mels) dB."""
    audio = fit(resample(samples, rate, spec.sample_rate), frames * spec.hop_length)
    return mel_spectrogram_db(torch.from_numpy(audio), spec).numpy()


def read_reference(samples: np.ndarray, rate: int, spec: MelSpec, frames: int) -> Reference:
    """The reference speech of a clip of `frames` frames at the mel's rate. Raises InputError if it is silent."""
    audio = fit(resample(samples, rate, spec.sample_rate), frames * spec.hop_length)
    if not np.abs(audio).max() > 1e-4:
        raise InputError("The original speech is silent: there is nothing to compare with.")
    return Reference(audio, heard_mel(audio, spec.sample_rate, spec, frames), spec, len(samples) / rate)


def score(reference: Reference, mel_db: np.ndarray, audio: np.ndarray) -> dict[str, float | None]:
    """Metrics (speech/metrics.py) of a mel (T, n_mels) and a waveform at the mel's rate against the reference speech.

    Mel metrics are over speech frames only, since silence has no spectrum to compare. A value is None where a metric is
    undefined or its package is missing.
    """
    speech, spec = reference.speech_frames, reference.spec
    bins = {band.name: band_bins(spec, band) for band in DEFAULT_BANDS}
    length = min(len(reference.audio), len(audio))  # the thesis' framing makes copy-synthesis a few frames shorter
    return evaluate_mels(reference.mel_db[speech], mel_db[speech], bins) | evaluate_waveforms(
        reference.audio[:length], spec.sample_rate, audio[:length], spec.sample_rate
    )


def copy_synthesis(bundle: Bundle, reference: Reference, progress: Progress = UNSEEN) -> np.ndarray:
    """The reference speech made from its own mel, with its own F0 and voicing where the vocoder takes F0."""
    frames, f0_hz = len(reference.mel_db), None
    if bundle.vocoder.takes_f0:
        f0_hz = own_f0(reference.audio, bundle.mel, frames, bundle.vocoder.f0_per_frame)
    return vocode(bundle, torch.from_numpy(reference.mel_db), progress=progress, f0_hz=f0_hz)


def assess(bundle: Bundle, analysis: Analysis, reference: Reference, progress: Progress = UNSEEN) -> Assessment:
    """Score an analysis, its topline and its baseline (CANDIDATES) against the reference speech.

    bundle: the one that made the analysis. progress: its one stage is scores.
    """
    mean_mel = np.tile(bundle.scaler.mean, (len(analysis.mel_db), 1))
    progress("scores", 0)
    copied = copy_synthesis(bundle, reference, progress.part("scores", 0, 0.2))
    floor = vocode(bundle, torch.from_numpy(mean_mel), progress=progress.part("scores", 0.2, 0.4))
    sounds = {"synthesis": analysis.audio, "copy_synthesis": copied, "mean_mel": floor}
    mels = {"synthesis": analysis.mel_db, "copy_synthesis": reference.mel_db, "mean_mel": mean_mel}
    scores = {}
    for number, name in enumerate(CANDIDATES):
        progress("scores", 0.4 + 0.2 * number)
        scores[name] = score(reference, mels[name], sounds[name])
    lag_s, certainty = speech_lag(analysis.mel_db, reference.mel_db, analysis.fps)
    progress("scores", 1)
    return Assessment(
        scores=scores,
        sounds=sounds,
        reference=reference,
        mismatch_s=reference.duration_s - analysis.clip.duration,
        lag_s=lag_s,
        lag_certainty=certainty,
    )


def clips_in(path: Path) -> list[Path]:
    """The clips of a folder, or the file itself. Raises InputError if the folder holds none."""
    if not path.is_dir():
        return [path]
    found = sorted(filter(is_video_file, path.iterdir()))
    if not found:
        raise no_clips(path)
    return found


def read_with_sound(path: Path, progress: Progress = UNSEEN, fps: float | None = None) -> Clip:
    """The clip, with its sound track or else the .wav of the same name beside it. fps: as for read_clip."""
    clip = read_clip(path, fps=fps, progress=progress)
    sound = beside(path, ".wav")
    if clip.audio is None and sound is not None:
        audio, rate = read_audio(sound)
        return replace(clip, audio=audio, audio_rate=rate)
    return clip


def evaluate_clip(bundle: Bundle, clip: Clip, progress: Progress = UNSEEN) -> dict:
    """Analyse a clip and assess it against its own sound.

    Returns {candidate: {metric: value or None}, "frames": T, "speech_frames": n, "duration_s": seconds,
    "audio_mismatch_s": sound's duration minus the pictures', "audio_lag_s": delay of the sound, or None,
    "audio_lag_certainty": 0 to 1}.
    Raises InputError if the clip has no sound, or a silent one.
    """
    if clip.sound is None:
        raise InputError("{clip} has no sound to compare with: give clips with reference audio.", clip=clip.source)
    analysis = analyse(bundle, clip, bands=(), progress=progress.part(None, 0, 0.6))
    try:
        reference = read_reference(*clip.sound, bundle.mel, len(analysis.mel_db))
    except InputError as error:
        raise InputError("{path}: {reason}", path=clip.source, reason=error) from None
    made = assess(bundle, analysis, reference, progress.part(None, 0.6, 1))
    return made.scores | {
        "frames": len(analysis.mel_db),
        "speech_frames": len(reference.speech_frames),
        "duration_s": clip.duration,
        "audio_mismatch_s": made.mismatch_s,
        "audio_lag_s": made.lag_s,
        "audio_lag_certainty": made.lag_certainty,
    }


def mean_over_clips(results: list[dict]) -> dict:
    """{candidate: {metric: mean over the clips that define it, or None}}."""
    means: dict[str, dict[str, float | None]] = {}
    for candidate in CANDIDATES:
        means[candidate] = {}
        for metric in results[0][candidate]:
            values = [r[candidate][metric] for r in results if r[candidate][metric] is not None]
            means[candidate][metric] = float(np.mean(values)) if values else None
    return means

"""Recordings with sound for fine-tuning: the CNN's features of the pictures, with the mel and F0 of the sound."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..analysis.pipeline import analyse
from ..analysis.reference import earlier, fit_of
from ..analysis.result import Analysis
from ..analysis.settings import AnalysisSettings
from ..clips.clip import Clip
from ..errors import InputError
from ..evaluation.speech_quality import Reference, read_reference
from ..models.bundle import Bundle
from ..names import same_name
from ..progress import UNSEEN, Progress
from ..speech.formants import measure_f0
from ..speech.mel import spectral_envelope
from ..speech.voice import ENVELOPE

SHORTEST_S = 1.0
FEWEST_SPEECH_FRAMES = 20
LATEST_S = 0.06  # largest delay of the sound, either way: more than a frame
NOISE_RANGE_DB = 60.0  # below a recording's loudest bin; the level below is noise
SPEAKERS = "speakers.csv"  # beside the clips, as for training.preprocess: clip,speaker
HELD_OUT_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Recording:
    """T frames at the model's rate. features: (T, C). target_db: (T, n_mels), the target mel, an envelope where the
    bundle has a voice. f0_hz: (T,), NaN where unvoiced. reference: the reference speech for scores. analysis: of the
    clip by the initial bundle, without maps.
    """

    name: str
    features: np.ndarray
    target_db: np.ndarray
    f0_hz: np.ndarray
    reference: Reference
    analysis: Analysis
    speaker: str = ""

    @property
    def seconds(self) -> float:
        return len(self.features) / self.analysis.fps


def prepare(
    bundle: Bundle, clip: Clip, name: str, shift_ms: float = 0.0, speaker: str = "", progress: Progress = UNSEEN
) -> Recording:
    """A Recording of a clip with sound. shift_ms: delay of the sound after the pictures.

    Raises InputError without sound, or if it is silent, too short, or out of sync.
    """
    if clip.sound is None:
        raise InputError("{clip} has no sound to learn from: give clips with sound, or a .wav beside each.", clip=name)
    sound = earlier(clip.sound, shift_ms / 1000)
    if clip.duration < SHORTEST_S:
        raise InputError(
            "{clip} lasts {seconds:.1f} s: {least:g} s or more are needed to learn from it.",
            clip=name,
            seconds=clip.duration,
            least=SHORTEST_S,
        )
    analysis = analyse(bundle, clip, settings=AnalysisSettings(bands=()), original=sound, progress=progress)
    fit = fit_of(sound, analysis, bundle.mel)
    if fit.lag_s is not None and abs(fit.lag_s) > LATEST_S:
        raise InputError(
            "{clip}: the sound is {ms:+.0f} ms later than the pictures. If it is so in all clips, give --shift-ms.",
            clip=name,
            ms=1000 * fit.lag_s + shift_ms,
        )
    try:
        reference = read_reference(*sound, bundle.mel, len(analysis.mel_db))
    except InputError as error:
        raise InputError("{path}: {reason}", path=name, reason=error) from None
    if len(reference.speech_frames) < FEWEST_SPEECH_FRAMES:
        raise InputError("{clip} holds hardly any speech to learn from.", clip=name)
    count = len(reference.mel_db)  # the thesis' framing has a few frames fewer
    target_db = np.maximum(reference.mel_db, reference.mel_db.max() - NOISE_RANGE_DB)
    if bundle.voice is not None:
        target_db = spectral_envelope(target_db, ENVELOPE)
    assert analysis.features is not None
    f0_hz = measure_f0(*sound, (np.arange(count) + 0.5) / bundle.fps)
    return Recording(name, analysis.features[:count], target_db, f0_hz, reference, analysis, speaker)


def of_one_level(recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings with speech levels normalised to their median, as the microphone's distance is not to be
    learned."""
    levels = [np.percentile(one.target_db[one.reference.speech_frames].mean(axis=1), 90) for one in recordings]
    middle = np.median(levels)
    return [
        replace(one, target_db=(one.target_db + (middle - level)).astype(np.float32))
        for one, level in zip(recordings, levels, strict=True)
    ]


def split(recordings: Sequence[Recording], held_out: Sequence[str] = ()) -> tuple[list[Recording], list[Recording]]:
    """Training and held-out recordings: the latter by name or, by default, the last fifth; whole speakers where more
    than one is known. Raises InputError where either would be empty."""
    speakers = sorted({one.speaker for one in recordings})
    if held_out:
        kept = {one.name for one in recordings if one.name in held_out}
    elif len(speakers) > 1:
        last = speakers[-max(1, round(HELD_OUT_SHARE * len(speakers))) :]
        kept = {one.name for one in recordings if one.speaker in last}
    else:
        kept = {one.name for one in recordings[len(recordings) - max(1, round(HELD_OUT_SHARE * len(recordings))) :]}
    learnt = [one for one in recordings if one.name not in kept]
    if not learnt or not kept:
        raise InputError("Tuning needs two recordings or more: some to learn from, some held out to judge it.")
    return learnt, [one for one in recordings if one.name in kept]


def speakers_beside(paths: Sequence[Path]) -> dict[str, str]:
    """Clip name -> speaker, from the speakers.csv in the clips' folders. Raises InputError if one cannot be read."""
    known: dict[str, str] = {}
    for folder in {path.parent for path in paths}:
        file = folder / SPEAKERS
        if not file.is_file():
            continue
        try:
            rows = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
        except (OSError, ValueError, csv.Error):
            raise InputError("{path} cannot be read: it holds a line clip,speaker for each clip.", path=file) from None
        known |= {same_name(Path(row[0].strip()).stem): row[1].strip() for row in rows if len(row) >= 2}
    return known

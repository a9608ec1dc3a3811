"""The functions of the panel "Voice", without Gradio."""

from dataclasses import dataclass, replace

from ..analysis.domain_adaptation import Adaptation, adapt
from ..evaluation.comparison import Comparison, compare
from ..models.bundle import Bundle
from ..progress import UNSEEN, Progress
from ..speech.voice import INTONATIONS, Voice
from .session import Result

MANNERS = ("bundle", "whisper", *INTONATIONS)


@dataclass(frozen=True)
class Resynthesis:
    """result: of the new synthesis. comparison: with the one before. adaptation: None if not adapted."""

    result: Result
    comparison: Comparison
    adaptation: Adaptation | None


def asked_of(manner: str, hz: float | None, semitones: float) -> Voice | None:
    """The voice for a manner (of MANNERS), a mean F0 in Hz (None: the level that fits the vocal tract) and a shift in
    semitones.

    None: the bundle's default. Raises InputError for an invalid pitch.
    """
    if manner == "bundle":
        return None
    if manner == "whisper":
        return Voice(whisper=True)
    if hz is None:
        return Voice(semitones=float(semitones), intonation=manner)
    return Voice(pitch_hz=round(float(hz) * 2 ** (float(semitones) / 12), 1), intonation=manner)


def resynthesise(
    bundle: Bundle,
    result: Result,
    voice: Voice | None,
    fit: bool,
    progress: Progress = UNSEEN,
    tuned: Bundle | None = None,
) -> Resynthesis:
    """Analyse the result's clip again in this voice (None: the bundle's default). tuned: by this bundle, tuned from the
    page's. fit: with the bundle adapted to the clip's pictures.

    bundle: as the page offers it. Raises InputError for a voice that the bundle lacks or the clip does not allow.
    """
    now, record = (tuned or bundle, None)
    if fit:
        now, record = adapt(now, [result.analysis.clip], progress=progress.part(None, 0, 0.2))
    before = result.fitted or bundle
    told = progress.part(None, 0.2, 0.85)
    made = compare(before, result.analysis, now, result.reference, told, voice, result.analysed_by)
    progress("packing", 0.85)
    changed = replace(result, analysis=made.second, fitted=None if now is bundle else now, again=True)
    return Resynthesis(changed.with_regions(result.regions, progress.part(None, 0.85, 1)), made, record)

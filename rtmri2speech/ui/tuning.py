"""The functions of the panel "Voice" that learn from recordings, without Gradio."""

import shutil
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..clips.clip import Clip, ClipLimits, read_clip
from ..errors import InputError
from ..finetuning import Finetuned, FinetuneSettings, Recording, finetuning_steps, prepare, split
from ..finetuning.card import card_of
from ..models import onnx_graph
from ..models.bundle import Bundle
from ..models.load import load_bundle
from ..names import readable, same_name
from ..progress import Progress
from ..speech.audio import read_audio

MOST_CLIPS = 20
MOST_TOGETHER_S = 120.0
_SOUND = ".wav"


@dataclass(frozen=True, eq=False)  # compared by identity, as Gradio hashes a session's state
class TunedBundle:
    """A bundle tuned in a session. base: the page's name of the one that it began as. archive: its folder as a zip."""

    bundle: Bundle
    base: str
    archive: Path


def learn(
    bundle: Bundle, paths: Sequence[Path], limits: ClipLimits, progress: Progress, settings: FinetuneSettings
) -> Generator[tuple[int, float], None, Finetuned]:
    """Tune a bundle, which stays as it is, to these clips, and sounds of the same names, as far as they are allowed.

    Yields (step, held-out error), returns the result. Raises InputError for too many or too long clips, and as
    finetuning.prepare.
    """
    sounds = {same_name(path.stem): path for path in paths if path.suffix.lower() == _SOUND}
    clips = sorted((path for path in paths if path.suffix.lower() != _SOUND), key=lambda path: path.stem)
    if not 2 <= len(clips) <= MOST_CLIPS:
        raise InputError("Learning takes 2 to {most} clips, not {count}.", most=MOST_CLIPS, count=len(clips))
    recordings: list[Recording] = []
    edges = [0.6 * k / len(clips) for k in range(len(clips) + 1)]
    left_s = MOST_TOGETHER_S
    for path, first, last in zip(clips, edges, edges[1:], strict=False):
        clip = _with_sound(path, sounds.get(same_name(path.stem)), limits, progress.part(None, first, first))
        left_s -= clip.duration
        if left_s < 0:
            raise InputError("The clips to learn from last more than {most:g} s together.", most=MOST_TOGETHER_S)
        name, told = readable(path.stem), progress.part("features", first, last)
        recordings.append(prepare(bundle, clip, name, progress=told))
    return (yield from finetuning_steps(bundle, *split(recordings), settings, progress.part(None, 0.6, 0.85)))


def _with_sound(path: Path, sound: Path | None, limits: ClipLimits, progress: Progress) -> Clip:
    clip = read_clip(path, limits=limits, progress=progress)
    if clip.audio is not None or sound is None:
        return clip
    audio, rate = read_audio(sound)
    return replace(clip, audio=audio, audio_rate=rate)


def kept(made: Finetuned, before: Bundle, base: str, folder: Path) -> TunedBundle:
    """The tuned bundle, saved and packed in an empty folder, from which it may be fetched for a time."""
    place = folder / f"{base}-tuned"
    made.bundle.save(place, half=before.stored_as_half, card=card_of(made, before))
    archive = Path(shutil.make_archive(str(place), "zip", folder, place.name))
    loaded = load_bundle(place)
    # the graph's file goes before the session does
    loaded.sha256 = {name: digest for name, digest in loaded.sha256.items() if name != onnx_graph.FILE}
    return TunedBundle(loaded, base, archive)

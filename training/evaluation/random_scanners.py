"""How well a bundle does on heads and scanners drawn at random: every clip with a view, tissues and scanner of its own.

    python -m training.evaluation.random_scanners CLIPS.npz --sound SOUND --bundle BUNDLE [--adapt]

CLIPS.npz are label maps of whole utterances of the phantom corpus SOUND (training.articulation.label_maps), of speakers
held out. They are coloured as training.segmentation.domain_randomisation does, always alike. The figures are those of
training.evaluation.domain_shift, whose variants change the phantoms' own pictures: here nothing but their shapes is
left.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from typer import Argument, Option

from rtmri2speech.analysis.domain_adaptation import adapt
from rtmri2speech.clips.clip import Clip
from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.models.load import load_bundle
from rtmri2speech.speech.audio import read_audio

from ..articulation.label_maps import Pictures, read_pictures
from ..engine.console import plain_errors
from ..phantom.clip import FPS
from ..segmentation.domain_randomisation import OVERSAMPLING, Appearance, ragged_nose, view, whole_head
from .domain_shift import COLUMNS, agreement, means

_SIDE = 256
_SEED = 10**6  # no training draws these appearances
_WHOLE_HEADS = 0.3  # of the clips; the others show from the mouth alone to more than the head


def coloured(clips: Pictures, number: int) -> Clip:
    """Utterance `number` as its own scanner shows it: three in ten with the whole head in view."""
    start, fresh = (_SEED, number), np.random.default_rng([_SEED, number, 2])
    rng = np.random.default_rng(start)
    framed, n = whole_head if rng.random() < _WHOLE_HEADS else view, OVERSAMPLING * _SIDE
    appearance = Appearance.drawn(np.random.default_rng([*start, 1]), n)
    shown = []
    for index in np.flatnonzero(clips.group == number):
        rng = np.random.default_rng([*start, 3])  # one view for all frames
        picture = appearance.of(ragged_nose(framed(clips.labels(index), rng, n), rng), fresh, _SIDE)
        shown.append(255 * (picture - picture.min()) / max(float(np.ptp(picture)), 1e-6))
    frames = np.round(np.stack(shown)).astype(np.uint8)
    return Clip(frames, np.arange(len(frames) + 1) / FPS, source=clips.names[number])


@plain_errors()
def main(
    clips: Annotated[Path, Argument(metavar="CLIPS.npz", help="Label maps of whole utterances.")],
    sound: Annotated[Path, Option("--sound", help="The phantom corpus that they are of.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
    fitted: Annotated[bool, Option("--adapt", help="Fit the bundle to each clip's own pictures first.")] = False,
    json_out: Annotated[Path | None, Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Correlation of the spectrum's shape and level on clips with appearances drawn at random."""
    refuse_overwriting_inputs([json_out], [clips, sound, bundle])
    judged, maps = load_bundle(bundle) if bundle else load_bundle(), read_pictures(clips)
    rows = {}
    for number, name in enumerate(maps.names):
        file = sound / f"{name}.wav"
        if not file.is_file():
            raise InputError("The clip {name} is not in the sound corpus.", name=name)
        shown = coloured(maps, number)
        used = adapt(judged, [shown])[0] if fitted else judged
        rows[name] = agreement(used, shown, *read_audio(file))
    table = rows_and_mean(rows)
    print(f"{len(rows)} clips: correlation of shape and loudness, and speech above pauses, dB")
    for name, row in table.items():
        print(
            f"{name:<20}" + "".join(f"{row[key]:>10.{digits}f}" for key, digits in zip(COLUMNS, (2, 2, 1), strict=True))
        )
    if json_out:
        write_json(json_out, table)


def rows_and_mean(rows: dict[str, list[float | None]]) -> dict[str, dict[str, float]]:
    """Each clip's COLUMNS by name, NaN where one is not defined, and "mean"."""
    return {name: means([row]) for name, row in rows.items()} | {"mean": means(list(rows.values()))}


if __name__ == "__main__":
    typer.run(main)

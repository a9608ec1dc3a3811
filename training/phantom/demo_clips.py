"""The clips of the embedded default: python -m training.phantom.demo_clips --out assets/clips

Fixed phrases that the random training corpus (seed 1, speakers 0 to 39) does not hold, said by speakers who trained
the embedded model ("known") and by others ("new": 20, whom training keeps out, and 42). The vowel series are said by
low voices, whose harmonics lie close enough to show the formants. Each clip is an mp4 with the phantom's own sound, and
beside it the truth.
"""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from rtmri2speech.clips.clip import read_clip
from rtmri2speech.render.encode import write_video
from rtmri2speech.speech.audio import read_audio

from ..engine.console import plain_errors
from .corpus import Task, make_corpus

SEED = 1
IPA = {"4": "ɾ", "S": "ɕ", "dZ": "dʑ", "J": "ɲ", "N": "ɴ", "C": "ç"}
CLIPS = {
    "aiueo_known_speaker": (28, "a i u e o"),
    "aiueo_new_speaker": (20, "a i u e o"),
    "arigatou_new_speaker": (42, "arigatou gozaimasu"),
    "mite_kudasai_known_speaker": (23, "mite kudasai"),
    "sakura_known_speaker": (39, "sakura saku"),
}


def make_demo_clips(out: Path) -> None:
    """Write <name>.mp4, <name>.TextGrid and <name>.truth.npz for each of CLIPS."""
    out.mkdir(parents=True, exist_ok=True)
    for name, (speaker, phrase) in CLIPS.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder, task = Path(scratch), Task(SEED, speaker, 0, phrase)
            failed = make_corpus(folder, [task], 1, lambda done, of, name=name: print(name, f"{done}/{of}"))
            if failed:
                raise RuntimeError(f"{name}: {failed}")
            clip = read_clip(folder / f"{task.name}.mkv")
            audio, rate = read_audio(folder / f"{task.name}.wav")
            pictures = (np.repeat(frame[..., None], 3, axis=2) for frame in clip.frames)
            size = clip.frames.shape[:0:-1]
            write_video(out / f"{name}.mp4", pictures, len(clip.frames), size, clip.fps, audio, rate)
            shutil.copyfile(folder / f"{task.name}.truth.npz", out / f"{name}.truth.npz")
            labels = (folder / f"{task.name}.TextGrid").read_text(encoding="utf-8")
            (out / f"{name}.TextGrid").write_text(in_ipa(labels), encoding="utf-8")


def in_ipa(text_grid: str) -> str:
    """The corpus spells phones in X-SAMPA; people read these labels."""
    return re.sub('text = "(.*)"', lambda label: f'text = "{IPA.get(label[1], label[1])}"', text_grid)


@plain_errors()
def main(out: Annotated[Path, typer.Option(help="Folder to write the clips into.")]) -> None:
    """Make the clips of the embedded default."""
    make_demo_clips(out)


if __name__ == "__main__":
    typer.run(main)

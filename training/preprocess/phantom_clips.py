"""Phantom clips on the disk: those with their ground truth beside them, and their sound."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rtmri2speech.clips.clip import Clip
from rtmri2speech.clips.formats.reading import is_video_file
from rtmri2speech.errors import InputError
from rtmri2speech.names import beside
from rtmri2speech.speech.audio import read_audio

from .phantom_truth import truth_file


def find_phantoms(paths: Sequence[Path]) -> list[Path]:
    """The given files, and the videos with truth beside them in the given folders. Raises InputError without any."""
    found = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if is_video_file(p) and truth_file(p))
        else:
            found.append(path)
    if not found:
        raise InputError("There are no phantom clips with <id>.truth.npz beside them.")
    return found


def truth_of(path: Path) -> Path:
    """The truth beside a phantom clip. Raises InputError if there is none."""
    truth = truth_file(path)
    if truth is None:
        raise InputError("{path} has no truth beside it, {stem}.truth.npz.", path=path, stem=path.stem)
    return truth


def sound_of(path: Path, clip: Clip) -> tuple[np.ndarray, int]:
    """The clip's own sound, or that of the sound file beside it: (samples,) and rate. Raises InputError without any."""
    if clip.sound is not None:
        return clip.sound
    sound_file = beside(path, ".wav")
    if sound_file is None:
        raise InputError("{path} has no sound, and there is no {name} beside it.", path=path, name=f"{path.stem}.wav")
    return read_audio(sound_file)

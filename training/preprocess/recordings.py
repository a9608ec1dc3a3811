"""Folders of recordings -> prepared speech: every recording once as float32 samples at the mel's rate, in a .npy file.

Preparing needs soundfile and soxr; training from prepared speech needs neither, and reads it by memory map.
"""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtmri2speech.clips.formats.reading import VIDEO_SUFFIXES
from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_write
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.audio import read_audio, resample

from .sources import SOUNDS

SUFFIXES = (".wav", ".flac")  # taken before others of the same name
_SILENCE = 1e-4  # a recording whose loudest sample lies below this holds no speech


@dataclass(frozen=True)
class SpeechSource:
    """One folder of recordings, sound files or videos with sound, at any depth and of any sampling rate.

    weight: how often a second of it is drawn against a second of the other sources.
    held_out: the share of recordings kept for validation, last by name; or a text file that
    names them, one a line (what follows a "|" is not read, so a HiFi-GAN file list will do).
    mels: a folder of predicted dB mels <name>.npy (T, n_mels), frame t paired with samples t * hop_length onwards.
    """

    folder: str
    weight: float = 1.0
    held_out: float | str = 0.1
    mels: str | None = None


@dataclass(frozen=True)
class Recording:
    """A prepared recording: its name in its source, the .npy of its samples (float32, (samples,)), and their count.

    mel: the .npy of its predicted mel, or None. weight: its source's.
    """

    name: str
    path: Path
    samples: int
    weight: float
    mel: Path | None = None


def find_recordings(folder: Path) -> dict[str, Path]:
    """Name (path below `folder` without suffix) -> file of each sound, in order of name; of a video that has no sound
    file of its name beside it, the video.

    Raises InputError if there are none, or two of one name.
    """
    found: dict[str, Path] = {}
    files = [path for path in sorted(Path(folder).rglob("*")) if not path.name.startswith(".")]
    for suffixes in (SUFFIXES, SOUNDS - set(SUFFIXES), VIDEO_SUFFIXES):
        better = set(found)
        for path in files:
            name = path.relative_to(folder).with_suffix("").as_posix()
            if path.suffix.lower() in suffixes and name not in better and path.is_file():
                if name in found:
                    raise InputError(
                        "{first} and {path} have the same name: keep one of them.", first=found[name], path=path
                    )
                found[name] = path
    if not found:
        raise InputError("There are no sound files and no videos in {folder}.", folder=folder)
    return dict(sorted(found.items()))


def held_out_names(names: list[str], rule: float | str) -> set[str]:
    """The names kept for validation: the last share of them by name (at least one), or those a text file lists.

    A listed name may be the whole name or its last part. Raises InputError if the rule leaves nothing to train on, or
    the list names an unknown recording.
    """
    if isinstance(rule, str):
        chosen = _listed(names, Path(rule))
    elif 0 < rule < 1:
        chosen = set(sorted(names)[-max(1, round(rule * len(names))) :])
    elif rule == 0:
        chosen = set()
    else:
        raise InputError(
            "held_out must be a share from 0 to below 1, or the name of a text file, not {rule}.", rule=rule
        )
    if len(chosen) == len(names):
        raise InputError("All {count} recordings are held out: none is left to train on.", count=len(names))
    return chosen


def prepare_sources(
    sources: dict[str, SpeechSource], folder: Path, rate: int, peak: float | None, mel: MelSpec | None = None
) -> tuple[list[Recording], list[Recording]]:
    """Prepare what is not yet prepared below `folder`, and split: (training, held out).

    peak: see `prepare`. mel: of the predicted mels; None where none are used.
    Names each recording left out on stderr; raises InputError if a source has none left.
    """
    if not sources:
        raise InputError("No recordings are named: add +sources.NAME.folder=FOLDER.")
    training, held_out = [], []
    for source_name, source in sources.items():
        # Named after all that the prepared samples depend on, so that changed settings never meet old samples.
        digest = hashlib.sha256(f"{source.folder} {rate} {peak}".encode()).hexdigest()[:8]
        prepared = {}
        for name, result in prepare(source, folder / f"{source_name}-{digest}", rate, peak):
            if isinstance(result, Path):
                prepared[name] = result
            else:
                print(f"left out: {result}", file=sys.stderr)
        if not prepared:
            raise InputError("No recording of {folder} can be used.", folder=source.folder)
        parts = split(source, prepared, mel)
        training += parts[0]
        held_out += parts[1]
    return training, held_out


def spread(recordings: list[Recording], count: int) -> list[Recording]:
    """At most `count` of the recordings, evenly spaced: the same ones every time."""
    count = min(count, len(recordings))
    return [recordings[round(i * (len(recordings) - 1) / max(1, count - 1))] for i in range(count)]


def prepare(source: SpeechSource, out: Path, rate: int, peak: float | None) -> Iterator[tuple[str, Path | str]]:
    """Write each recording of a source as `out`/<name>.npy, unless an up-to-date one is there already.

    peak: scale each recording to this largest absolute value; None leaves the level as it is.
    Yields (name, prepared file), or (name, sentence that says why it was left out).
    """
    for name, path in find_recordings(Path(source.folder)).items():
        target = out / f"{name}.npy"
        if not (target.is_file() and target.stat().st_mtime >= path.stat().st_mtime):
            try:
                samples = _samples(path, rate, peak)
            except InputError as error:
                yield name, str(error)
                continue
            with atomic_write(target) as temporary:
                np.save(temporary, samples)
        yield name, target


def split(
    source: SpeechSource, prepared: dict[str, Path], spec: MelSpec | None
) -> tuple[list[Recording], list[Recording]]:
    """Prepared recordings of a source -> (training, held out), each with its predicted mel if it has one.

    Raises InputError if a predicted mel is not of its recording and of this spec, or is given where none is used.
    """
    if source.mels and spec is None:
        raise InputError("Predicted mels are of use to training.vocoder only: leave out {mels}.", mels=source.mels)
    held_out = held_out_names(list(prepared), source.held_out)
    parts: tuple[list[Recording], list[Recording]] = ([], [])
    for name, path in prepared.items():
        samples = len(np.load(path, mmap_mode="r"))
        mel = Path(source.mels) / f"{name}.npy" if source.mels else None
        if mel is not None and mel.is_file():
            _check_mel(mel, samples, spec)
        else:
            mel = None
        parts[name in held_out].append(Recording(name, path, samples, source.weight, mel))
    return parts


def _samples(path: Path, rate: int, peak: float | None) -> np.ndarray:
    samples = resample(*_sound_of(path), rate)
    loudest = float(np.abs(samples).max())
    if loudest < _SILENCE:
        raise InputError("{path} is silent.", path=path)
    return samples if peak is None else samples * np.float32(peak / loudest)


def _sound_of(path: Path) -> tuple[np.ndarray, int]:
    """Of a video its own sound, as training.preprocess takes it: from the first picture on."""
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        return read_audio(path)
    from rtmri2speech.clips.clip import read_clip

    sound = read_clip(path).sound
    if sound is None:
        raise InputError("{path} has no sound, and there is no sound file beside it.", path=path)
    return sound


def _listed(names: list[str], path: Path) -> set[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            "Cannot read the list of held-out recordings {path}: {reason}.", path=path, reason=error.strerror
        ) from None
    wanted = {line.partition("|")[0].strip() for line in lines} - {""}
    chosen = {name for name in names if name in wanted or Path(name).name in wanted}
    unknown = wanted - chosen - {Path(name).name for name in chosen}
    if unknown:
        raise InputError("{path} lists {name}, which is not a recording of that folder.", path=path, name=min(unknown))
    return chosen


def _check_mel(path: Path, samples: int, spec: MelSpec) -> None:
    try:
        shape = np.load(path, mmap_mode="r").shape
    except (ValueError, OSError):
        raise InputError("{path} is not a .npy file that can be read.", path=path) from None
    if len(shape) != 2 or shape[1] != spec.n_mels or abs(shape[0] - samples // spec.hop_length) > 1:
        raise InputError(
            "The predicted mel {path} has shape {shape}, its recording needs about ({frames}, {n_mels}).",
            path=path,
            shape=shape,
            frames=samples // spec.hop_length,
            n_mels=spec.n_mels,
        )

"""Label maps with the articulation they show: what a CNN learns to read pictures from.

    python -m training.articulation.label_maps out=FILE.npz heads=200 each=48       # single moments of many heads
    python -m training.articulation.label_maps out=FILE.npz corpus=SOUND clips=60   # all frames of these utterances

The pictures themselves are drawn when they are read (tract_pictures.py): every one with its own brightness of the
tissues, view and scanner. VocalTractLab is one per process: maps are made in worker processes.
"""

import multiprocessing
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_write, refuse_overwriting_inputs

from ..engine.config import run_command
from ..phantom.head import CLASSES
from .corpus import VOICED, visible

SIZE = 320  # of a map, as training.segmentation.phantom_heads draws them
_HEADS_A_WORKER = 12


@dataclass(frozen=True)
class LabelMapsRun:
    """What to draw. heads, each: single moments, from head number first_head on. corpus, clips: whole utterances of a
    sound corpus instead, of as many of its speakers as there are, `skip` speakers' names left out."""

    out: str
    heads: int = 0
    each: int = 48
    first_head: int = 0
    seed: int = 3
    corpus: str | None = None
    clips: int = 0
    skip: tuple[str, ...] = ()
    workers: int = 1


@dataclass(frozen=True)
class Pictures:
    """maps: N label maps (SIZE, SIZE), compressed; articulation (N, COLUMNS) float32, NaN where it is not known, as
    voicing of a posture that nobody speaks; group (N,): index into `names` of the head or the clip."""

    maps: list[bytes]
    articulation: np.ndarray
    group: np.ndarray
    names: tuple[str, ...]

    def labels(self, index: int) -> np.ndarray:
        """uint8 (SIZE, SIZE), tissue classes (training.phantom.head.CLASSES)."""
        return np.frombuffer(zlib.decompress(self.maps[index]), np.uint8).reshape(SIZE, SIZE)

    def of(self, groups) -> "Pictures":
        """Those of these heads or clips."""
        kept = np.flatnonzero(np.isin(self.group, list(groups)))
        return replace(
            self, maps=[self.maps[k] for k in kept], articulation=self.articulation[kept], group=self.group[kept]
        )


def read_pictures(path: Path) -> Pictures:
    """Raises InputError if the file is not one of `write_pictures`."""
    try:
        with np.load(path, allow_pickle=False) as data:
            if [str(name) for name in data["classes"]] != list(CLASSES):
                raise InputError("{path} holds label maps of other tissues: make it anew.", path=path)
            blob, ends = data["maps"].tobytes(), np.cumsum(data["bytes"])
            maps = [blob[a:b] for a, b in zip(np.r_[0, ends[:-1]], ends, strict=True)]
            names = tuple(str(name) for name in data["names"])
            return Pictures(maps, data["articulation"], data["group"], names)
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("{path} does not hold label maps ({error}).", path=path, error=error) from None


def concatenated(several: list[Pictures]) -> Pictures:
    """All of them; groups are numbered on."""
    starts = np.cumsum([0, *(len(p.names) for p in several)])
    return Pictures(
        [m for p in several for m in p.maps],
        np.concatenate([p.articulation for p in several]),
        np.concatenate([p.group + start for p, start in zip(several, starts, strict=False)]),
        tuple(name for p in several for name in p.names),
    )


def write_pictures(path: Path, pictures: Pictures) -> None:
    """One .npz of all."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            maps=np.frombuffer(b"".join(pictures.maps), np.uint8),
            bytes=np.array([len(m) for m in pictures.maps]),
            articulation=pictures.articulation,
            group=pictures.group,
            names=np.array(pictures.names),
            classes=np.array(CLASSES),
        )


def make(run: LabelMapsRun) -> None:
    """Draw what is asked for. Raises InputError if that is nothing."""
    refuse_overwriting_inputs([run.out], [run.corpus])
    if run.corpus:
        jobs = _clip_jobs(run)
    else:
        jobs = [(_moments, (run.seed, run.first_head + k, run.each)) for k in range(run.heads)]
    if not jobs:
        raise InputError("Nothing to draw: give heads, or corpus and clips.")
    maps: list[bytes] = []
    known, group, names = [], [], []
    spawn = multiprocessing.get_context("spawn")
    # VocalTractLab never gives back the memory of a speaker it loaded: workers are replaced.
    with spawn.Pool(run.workers, maxtasksperchild=_HEADS_A_WORKER) as pool:
        for k, (name, some, articulation) in enumerate(pool.imap(_work, jobs)):
            maps += some
            known.append(articulation)
            group += [k] * len(some)
            names.append(name)
            print(f"label maps: {k + 1} of {len(jobs)}", flush=True)
    write_pictures(Path(run.out), Pictures(maps, np.concatenate(known), np.array(group), tuple(names)))


def _clip_jobs(run: LabelMapsRun) -> list:
    """Utterances of the corpus, speakers in turn."""
    folder = Path(run.corpus)
    names = sorted(p.name.removesuffix(".TextGrid") for p in folder.glob("*.TextGrid"))
    names = sorted((n for n in names if n.split("_")[0] not in run.skip), key=lambda n: n.split("_")[::-1])
    return [(_clip, (str(folder), name, run.seed)) for name in names[: run.clips]]


def _work(job):
    cv2.setNumThreads(1)
    function, arguments = job
    return function(*arguments)


def _moments(seed: int, index: int, count: int) -> tuple[str, list[bytes], np.ndarray]:
    """Moments of an utterance with long pauses, three in five, and mixtures of postures, of head `index`."""
    # Imported here: the GPL library is loaded in workers only.
    from ..phantom.clip import FPS, frame_count
    from ..phantom.phrases import random_utterance, with_long_pauses
    from ..phantom.voice import GLOTTIS, Voice
    from ..segmentation.phantom_heads import make_head, mixture

    speaker, face = make_head(seed, index)
    rng = np.random.default_rng([seed, index, 9])
    utterance = with_long_pauses(rng, speaker, random_utterance(rng, speaker))
    spoken = round(0.6 * count)
    with Voice(speaker) as voice:
        motion = voice.move(utterance)
        at = np.sort(rng.choice(frame_count(utterance), spoken, replace=frame_count(utterance) < spoken))
        middle = motion.at((at + 0.5) / FPS)
        mixed = np.array([mixture(voice, rng) for _ in range(count - spoken)])
        folds = np.repeat(middle.glottis[:1], len(mixed), axis=0)
        opening = rng.uniform(0, 1, (len(mixed), 1)) * (rng.random((len(mixed), 1)) < 0.5)
        for name, widest in (("XB", 0.17), ("XT", 0.18)):
            folds[:, GLOTTIS[name]] = 0.01 + opening[:, 0] * widest
        states, glottis = np.concatenate([middle.tract, mixed]), np.concatenate([middle.glottis, folds])
        known = _truth(voice, states, glottis)
        known[spoken:, VOICED] = np.nan
        return f"h{index:04d}", _maps(voice, speaker, face, states, glottis), known


def _truth(voice, states: np.ndarray, glottis: np.ndarray) -> np.ndarray:
    """(N, COLUMNS) articulation of tract and glottis states."""
    from ..phantom.clip import tubes, voiced_states
    from ..phantom.voice import GLOTTIS, GLOTTIS_NAMES, Motion

    length_cm, area_cm2, velum_cm2 = (np.array(v) for v in zip(*tubes(voice, states), strict=True))
    truth = {"area_cm2": area_cm2, "length_cm": length_cm, "velum_cm2": velum_cm2, "tract": states}
    voiced = np.where(voiced_states(Motion(states, glottis)), glottis[:, GLOTTIS["F0"]], 0.0)
    return visible(truth | {"glottis": glottis, "glottis_names": np.array(GLOTTIS_NAMES), "f0_hz": voiced})


def _clip(folder: str, name: str, seed: int) -> tuple[str, list[bytes], np.ndarray]:
    """Every frame of an utterance of the corpus, on a head of its speaker's size and looks of its own."""
    import json

    from ..phantom.speaker import Speaker
    from ..phantom.voice import Voice
    from ..segmentation.phantom_heads import make_head

    with np.load(Path(folder) / f"{name}.truth.npz", allow_pickle=False) as data:
        truth = {key: data[key] for key in data.files}
    about = json.loads((Path(folder) / "corpus.json").read_text(encoding="utf-8"))["speakers"]
    own = Speaker(**about[name.split("_")[0]])
    looks, face = make_head(seed, zlib.crc32(name.encode()) % 100_000)
    speaker = replace(looks, index=own.index, scale_x=own.scale_x, scale_y=own.scale_y, f0_hz=own.f0_hz)
    with Voice(speaker) as voice:
        maps = _maps(voice, speaker, face, truth["tract"].astype(float), truth["glottis"])
    return name, maps, visible(truth)


def _maps(voice, speaker, face, states: np.ndarray, glottis: np.ndarray) -> list[bytes]:
    """A compressed label map of each state."""
    from ..phantom.clip import glottis_opening
    from ..phantom.head import LABEL, MOVING_BOX_CM, Canvas, Outline, View, paint_moving, paint_static

    view = View.of(speaker, SIZE)
    static = np.zeros((SIZE, SIZE), np.uint8)
    paint_static(Canvas(static, view), speaker)
    rows, columns = view.box(MOVING_BOX_CM)
    out, last = [], None
    for state, opening in zip(states, glottis_opening(glottis), strict=True):
        if last is None or np.abs(state - last[0]).max() > 1e-4:
            last = state, voice.outline(state)
        outline = face.of(Outline.of(last[1], speaker, float(opening)))
        labels = static.copy()
        paint_moving(Canvas(labels[rows, columns], view, (columns.start, rows.start)), outline, speaker)
        if opening > 0.5:
            labels[labels == LABEL["glottis"]] = LABEL["airway"]  # folds wide apart: air is what is seen
        out.append(zlib.compress(labels.tobytes(), 3))
    return out


if __name__ == "__main__":
    # By its full name, so that workers import the functions instead of receiving copies of them.
    from training.articulation.label_maps import LabelMapsRun as Settings
    from training.articulation.label_maps import make as command

    run_command(command, Settings, "articulation_label_maps")

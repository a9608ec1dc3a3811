"""Many utterances of many speakers: what is to be made, and making it in worker processes.

Speakers take turns, so that any beginning of a corpus is balanced. Each utterance depends only on (seed, speaker,
number), so a corpus can be stopped, resumed, extended and made by any number of workers with the same result.
"""

import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from rtmri2speech.errors import InputError
from rtmri2speech.files import write_json
from rtmri2speech.spec import MelSpec

from .phrases import given_utterance, random_utterance, with_long_pauses
from .score import Utterance
from .speaker import Speaker, make_speaker

FORMAT = "rtmri2speech phantom corpus 1"
_MOST_SPEAKERS = 100
# A worker keeps what it has drawn of the speakers it met; a whole round of them fits.
_SPEAKERS_KEPT = 24
# VocalTractLab never gives back the memory of a speaker it loaded, about 10 MB an utterance: workers are replaced.
_UTTERANCES_A_WORKER = 60


@dataclass(frozen=True)
class Task:
    """One utterance to make. text None: a random one. long_pauses: see phrases.with_long_pauses."""

    seed: int
    speaker: int
    number: int
    text: str | None = None
    long_pauses: bool = False

    @property
    def name(self) -> str:
        return f"s{self.speaker:02d}_{self.number:04d}"


def utterance_of(task: Task) -> tuple[Speaker, Utterance]:
    """The speaker and the utterance of a task; the same task always gives the same. Raises InputError for bad text."""
    speaker = make_speaker(task.seed, task.speaker)
    rng = np.random.default_rng([task.seed, task.speaker, task.number, 1])
    said = random_utterance(rng, speaker) if task.text is None else given_utterance(rng, speaker, task.text)
    return speaker, with_long_pauses(rng, speaker, said) if task.long_pauses else said


def plan_random(seed: int, speakers: Sequence[int], minutes: float, long_pauses: bool = False) -> list[Task]:
    """Utterances, speakers in turn, until they last `minutes` together."""
    _check_speakers(speakers)
    if not 0 < minutes <= 60 * 1000:
        raise InputError("--minutes is {minutes:g}: give a number above 0.", minutes=minutes)
    tasks, seconds = [], 0.0
    while seconds < 60 * minutes:
        task = Task(seed, speakers[len(tasks) % len(speakers)], len(tasks) // len(speakers), None, long_pauses)
        tasks.append(task)
        seconds += utterance_of(task)[1].duration_s
    return tasks


def plan_phrases(seed: int, speakers: Sequence[int], phrases: Sequence[str]) -> list[Task]:
    """Every phrase by every speaker. Raises InputError for a phrase that cannot be spoken."""
    _check_speakers(speakers)
    tasks = [Task(seed, s, k, text) for k, text in enumerate(phrases) for s in speakers]
    for task in tasks[:: len(speakers)]:
        utterance_of(task)
    return tasks


def _check_speakers(speakers: Sequence[int]) -> None:
    if not speakers or not all(0 <= s < _MOST_SPEAKERS for s in speakers):
        raise InputError("Speakers are numbered 0 to {last}, and there must be at least one.", last=_MOST_SPEAKERS - 1)


def write_description(folder: Path, tasks: Sequence[Task]) -> None:
    """corpus.json: seed, versions, speakers with their parameters, and what each utterance is.

    Raises InputError if the folder already holds a corpus of another seed, or another phrase under the same name.
    """
    path = folder / "corpus.json"
    seed = tasks[0].seed
    utterances = {t.name: {"speaker": f"s{t.speaker:02d}", "phrase": t.text} for t in tasks}
    if path.is_file():
        old = json.loads(path.read_text(encoding="utf-8"))
        clash = [n for n, u in old.get("utterances", {}).items() if n in utterances and u != utterances[n]]
        if old.get("seed") != seed or clash:
            raise InputError(
                "{folder} already holds another corpus (seed {seed}): choose another --out.",
                folder=folder,
                seed=old.get("seed"),
            )
        utterances = old["utterances"] | utterances
    numbers = sorted({int(u["speaker"][1:]) for u in utterances.values()})
    speakers = {f"s{k:02d}": make_speaker(seed, k).to_json() for k in numbers}
    spec = MelSpec()
    description = {
        "format": FORMAT,
        "seed": seed,
        "fps": spec.fps,
        "fps_fraction": [spec.sample_rate, spec.hop_length],
        "versions": {name: version(name) for name in ("vocaltractlab-cython", "numpy", "opencv-python-headless", "av")},
        "speakers": speakers,
        "utterances": dict(sorted(utterances.items())),
    }
    write_json(path, description)


def make_corpus(
    folder: Path, tasks: Sequence[Task], workers: int, report: Callable[[int, int], None], pictures: bool = True
) -> dict[str, str]:
    """Make the utterances that are missing in `folder`. `report(done, of)` is told of each one finished.

    pictures: False for sound and truth alone.

    VocalTractLab is one per process: even a single worker is a process of its own. Returns what went wrong, by
    utterance: one that VocalTractLab cannot speak does not stop the others. Raises InputError if the folder cannot be
    written.
    """
    from .files import is_complete

    folder.mkdir(parents=True, exist_ok=True)
    write_description(folder, tasks)
    missing = [t for t in tasks if not is_complete(folder, t.name, pictures)]
    done = len(tasks) - len(missing)
    report(done, len(tasks))
    if not missing:
        return {}
    failed = {}
    spawn = multiprocessing.get_context("spawn")
    workers = min(workers, len(missing))
    with spawn.Pool(workers, initializer=_start_worker, maxtasksperchild=_UTTERANCES_A_WORKER) as pool:
        for name, problem in pool.imap_unordered(_make, [(folder, t, pictures) for t in missing]):
            if problem:
                failed[name] = problem
            done += 1
            report(done, len(tasks))
    return failed


_scanners: dict = {}


def _start_worker() -> None:
    # A worker whose parent was killed would wait for work for ever.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _make(job: tuple[Path, Task, bool]) -> tuple[str, str | None]:
    # Imported here: the GPL library is loaded in workers only, never where the corpus is planned.
    from .clip import make_clip, make_speech
    from .files import write_clip, write_speech
    from .voice import Voice, VtlApiError

    folder, task, pictures = job
    speaker, utterance = utterance_of(task)
    rng = np.random.default_rng([task.seed, task.speaker, task.number, 2])
    try:
        with Voice(speaker) as voice:
            if pictures:
                write_clip(folder, task.name, make_clip(voice, _scanner_of(task, speaker), utterance, rng))
            else:
                write_speech(folder, task.name, make_speech(voice, utterance, rng))
    except VtlApiError as error:
        return task.name, " ".join(str(error).split())[:200]
    return task.name, None


def _scanner_of(task: Task, speaker: Speaker):
    from .scanner import Scanner

    key = (task.seed, task.speaker)
    if key not in _scanners:
        if len(_scanners) >= _SPEAKERS_KEPT:
            _scanners.clear()
        _scanners[key] = Scanner(speaker)
    return _scanners[key]

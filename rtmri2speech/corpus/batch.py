"""A folder of clips -> speech, heatmaps and exports of each, over several processes.

OUT/NAME/speech.wav, mel.npy               as synth
OUT/NAME/gradcam_F1_sequence.npy, ...      as gradcam
OUT/NAME/NAME.zip                          as export
OUT/NAME/batch.json                        source, choices and duration of the run
OUT/batch.csv                              a row for each clip

NAME is the clip's path below the folder, without its suffix. batch.json is written last; a clip with one of the same
file and choices is kept. A clip that fails does not stop the others.
"""

import csv
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..analysis.settings import AnalysisSettings
from ..clips.clip import read_clip
from ..clips.formats.reading import is_video_file, no_clips
from ..errors import InputError
from ..files import atomic_write, read_record, refuse_overwriting_inputs, write_json
from ..names import beside, readable
from .parallel import over_processes

PARTS = ("speech", "heatmaps", "export")


@dataclass(frozen=True)
class Choices:
    """Options for every clip, as of synth, gradcam and export."""

    parts: tuple[str, ...] = PARTS
    settings: AnalysisSettings = AnalysisSettings()
    language: str = "en"

    def __post_init__(self):
        for part in self.parts:
            if part not in PARTS:
                raise InputError("What to make is {known}, not {given!r}.", known=", ".join(PARTS), given=part)


@dataclass(frozen=True)
class Task:
    """A clip and the folder of its files."""

    name: str
    clip: Path
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """Result of a clip. status: "made", "kept" from an earlier run, or "left out" for the reason. notes: warnings about
    its file."""

    name: str
    status: str
    duration_s: float | None = None
    took_s: float | None = None
    reason: str = ""
    notes: str = ""


def tasks_of(folder: Path, out: Path, bundle: Path | None = None) -> list[Task]:
    """A task for each clip in a folder and its subfolders, sorted by name; `out` may lie among them.

    Raises InputError if there are none, or two of one name, or files would overwrite what is read.
    """
    tasks = {name: Task(name, clip, out / name) for name, clip in clips_below(folder, out).items()}
    files = [path for task in tasks.values() for path in _files(task)]
    refuse_overwriting_inputs([out / "batch.csv", *files], [folder, bundle, *(task.clip for task in tasks.values())])
    return list(tasks.values())


def clips_below(folder: Path, out: Path) -> dict[str, Path]:
    """Name -> file of each clip in a folder and its subfolders, except `out`, sorted by name.

    A name is the path below the folder without suffix. Raises InputError if there are none, or two of one name.
    """
    if not folder.is_dir():
        raise InputError("There is no folder {folder}.", folder=folder)
    results = out.resolve() if out.resolve().is_relative_to(folder.resolve()) else None
    found: dict[str, Path] = {}
    for clip in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in clip.relative_to(folder).parts)
        made = results is not None and results != folder.resolve() and clip.resolve().is_relative_to(results)
        if is_video_file(clip) and clip.is_file() and not hidden and not made:
            name = clip.relative_to(folder).with_suffix("").as_posix()
            if name in found:
                raise InputError("{one} and {other} have the same name: rename one.", one=found[name], other=clip)
            found[name] = clip
    if not found:
        raise no_clips(folder)
    return found


def run_batch(tasks: Sequence[Task], bundle: Path | None, choices: Choices, jobs: int = 1) -> Iterator[Outcome]:
    """Run the tasks; yields their outcomes as they are ready.

    jobs: processes, each with its own bundle; -1: one a core.
    """
    return over_processes(make, left_out, tasks, bundle, choices, jobs)


def left_out(name: str, reason: str) -> Outcome:
    return Outcome(name, "left out", reason=reason)


def write_table(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write a CSV file with a row for each clip, sorted by name."""
    rows = [asdict(outcome) for outcome in sorted(outcomes, key=lambda o: o.name)]
    rows = [{key: readable(cell) if isinstance(cell, str) else cell for key, cell in row.items()} for row in rows]
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(Outcome.__annotations__))
        writer.writeheader()
        writer.writerows(rows)


def make(task: Task, bundle, choices: Choices) -> Outcome:
    """Make the files of one clip, unless they exist. Raises InputError if the clip cannot be used."""
    from ..analysis.chunked import analyse_clip
    from ..anatomy.sources import regions_of
    from ..export.grad_cam_files import write_gradcam
    from ..export.selection import ExportOptions, ExportSource
    from ..export.writer import write_zip
    from ..speech.audio import read_audio, write_audio
    from ..speech.mel import write_mel

    start = time.perf_counter()
    stat = task.clip.stat()
    origin = {"clip": [task.clip.name, stat.st_size, stat.st_mtime_ns], "bundle": bundle.sha256}
    origin |= {"choices": {**asdict(choices), "parts": sorted(choices.parts)}}
    before = read_record(task.folder / "batch.json")
    if before.get("origin") == json.loads(json.dumps(origin)) and all(path.exists() for path in _made(task, choices)):
        return Outcome(task.name, "kept", before.get("duration_s"), notes=before.get("notes", ""))
    clip = read_clip(task.clip)
    sound = beside(task.clip, ".wav")
    reference = (read_audio(sound), sound) if clip.audio is None and sound is not None else (None, None)
    settings = choices.settings
    if not {"heatmaps", "export"} & set(choices.parts):
        settings = replace(settings, bands=())
    analysis = analyse_clip(
        bundle,
        clip,
        settings=settings,
        original=reference[0],
        speak=bool({"speech", "export"} & set(choices.parts)),
    )
    if "speech" in choices.parts:
        write_audio(task.folder / "speech.wav", analysis.audio, analysis.sample_rate)
        write_mel(task.folder / "mel.npy", analysis.mel_db)
    if "heatmaps" in choices.parts:
        write_gradcam(task.folder, analysis, bundle)
    if "export" in choices.parts:
        regions = regions_of(analysis.model_frames, analysis.fps, task.clip)
        subject = ExportSource(task.folder.name, analysis, regions, bundle, task.clip, *reference)
        write_zip(task.folder / f"{task.folder.name}.zip", subject, ExportOptions(language=choices.language))
    took_s, duration_s = round(time.perf_counter() - start, 2), round(clip.duration, 3)
    notes = " ".join(map(str, clip.notes))
    record = {"origin": origin, "duration_s": duration_s, "took_s": took_s, "notes": notes}
    write_json(task.folder / "batch.json", record)
    return Outcome(task.name, "made", duration_s, took_s, notes=notes)


def _made(task: Task, choices: Choices) -> list[Path]:
    """The files that the choices make, without batch.json."""
    from ..export.grad_cam_files import gradcam_files

    files: list[Path] = []
    if "speech" in choices.parts:
        files += [task.folder / "speech.wav", task.folder / "mel.npy"]
    if "heatmaps" in choices.parts:
        files += gradcam_files(task.folder, choices.settings.bands)
    if "export" in choices.parts:
        files.append(task.folder / f"{task.folder.name}.zip")
    return files


def _files(task: Task) -> list[Path]:
    return [*_made(task, Choices()), task.folder / "batch.json"]

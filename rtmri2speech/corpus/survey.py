"""A folder of clips and a folder of TextGrids -> tables and figures by phone.

OUT/survey.html             report with a sortable table, and the figures (report.py)
OUT/survey.csv              phone, band, region: share of the attribution with its confidence interval over clips
OUT/phones/NN_PHONE.png     mean maps of the bands on the clips' common head
OUT/phones/NN_PHONE.csv     values behind the means: a row for each clip, band and region
OUT/clips.csv               outcome of each clip
OUT/clips/NAME.npz, .json   sums of a clip, and their origin; a clip with both is kept
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..analysis.settings import AnalysisSettings
from ..anatomy.regions import SOURCES
from ..errors import InputError
from ..files import atomic_folder, atomic_write, read_record, refuse_overwriting_inputs, write_json
from ..names import beside, same_name
from ..spec import Band
from .accumulation import Tally, accumulate
from .batch import clips_below
from .parallel import over_processes
from .statistics import Phone, summarise


@dataclass(frozen=True)
class Choices:
    """How clips are analysed. tier: the TextGrids' tier of phones; None: by its name, or the only one. regions: their
    source."""

    settings: AnalysisSettings = AnalysisSettings()
    regions: str = "segmenter"
    tier: str | None = None

    def __post_init__(self):
        if self.regions not in SOURCES:
            known = " or ".join(SOURCES)
            raise InputError("Regions come from {known}, not {given!r}.", known=known, given=self.regions)


@dataclass(frozen=True)
class Task:
    """A clip, its labels (None: missing), and the path of its tally, without suffix."""

    name: str
    clip: Path
    labels: Path | None
    place: Path


@dataclass(frozen=True)
class Outcome:
    """Result of a clip. status: "made", "kept" from an earlier run, or "left out" for the reason. frames: number with a
    label and speech. registered: by "regions", or "frames" where no midsagittal head was found and the picture is not
    transformed. notes: warnings about its file.
    """

    name: str
    status: str
    frames: int | None = None
    registered: str = ""
    reason: str = ""
    notes: str = ""


def tasks_of(folder: Path, labels: Path, out: Path, bundle: Path | None = None) -> list[Task]:
    """A task for each clip of a folder. A clip's labels: the TextGrid of its name in `labels`, in any subfolder. Raises
    InputError if there are no clips or no labels, or files would overwrite what is read."""
    if not labels.is_dir():
        raise InputError("There is no folder {folder}.", folder=labels)
    clips = clips_below(folder, out)
    grids: dict[str, list[Path]] = {}
    for file in sorted(labels.rglob("*")):
        if file.suffix.lower() == ".textgrid" and not file.name.startswith("."):
            grids.setdefault(same_name(file.stem), []).append(file)
    tasks = []
    for name, clip in clips.items():
        own = beside(labels / f"{name}.mp4", ".TextGrid")
        found = [own] if own else grids.get(same_name(clip.stem), [])
        tasks.append(Task(name, clip, found[0] if len(found) == 1 else None, out / "clips" / name))
    if not any(task.labels for task in tasks):
        raise InputError("{folder} holds no TextGrid of a clip's name.", folder=labels)
    read = [folder, labels, bundle, *clips.values(), *(task.labels for task in tasks)]
    made = [task.place.with_name(task.place.name + suffix) for task in tasks for suffix in (".npz", ".json")]
    refuse_overwriting_inputs([out / "survey.html", out / "survey.csv", out / "clips.csv", *made], read)
    return tasks


def run_survey(tasks: Sequence[Task], bundle: Path | None, choices: Choices, jobs: int = 1) -> Iterator[Outcome]:
    """Tally every clip; yields outcomes as they are ready. jobs: as for run_batch."""
    return over_processes(make, left_out, tasks, bundle, choices, jobs)


def left_out(name: str, reason: str) -> Outcome:
    return Outcome(name, "left out", reason=reason)


def make(task: Task, bundle, choices: Choices) -> Outcome:
    """Write the tally of one clip, unless it exists. Raises InputError if the clip or its labels cannot be used."""
    from ..analysis.chunked import analyse_clip
    from ..anatomy.sources import regions_of
    from ..clips.clip import read_clip
    from ..labels.textgrid import phone_tier, read_intervals

    if task.labels is None:
        raise InputError("There is no TextGrid of its name, or more than one.")
    origin = {"clip": _stamp(task.clip), "labels": _stamp(task.labels), "bundle": bundle.sha256}
    origin |= {"choices": asdict(choices)}
    origin = json.loads(json.dumps(origin))
    values, record = (task.place.with_name(task.place.name + suffix) for suffix in (".npz", ".json"))
    before = read_record(record)
    if before.get("origin") == origin and values.is_file():
        return Outcome(task.name, "kept", before["frames"], before["registered"], notes=before.get("notes", ""))
    tier = choices.tier or phone_tier(task.labels)
    if tier is None:
        raise InputError("It is not clear which tier of {path} holds the phones: give --tier.", path=task.labels)
    intervals = read_intervals(task.labels, tier)
    clip = read_clip(task.clip)
    analysis = analyse_clip(bundle, clip, settings=choices.settings, speak=False)
    regions = regions_of(analysis.model_frames, analysis.fps, task.clip, choices.regions)
    made = accumulate(analysis, regions, intervals)
    made.save(values)
    frames, registered = int(made.frames.sum()), "regions" if regions.verdict.usable else "frames"
    notes = " ".join(map(str, clip.notes))
    write_json(record, {"origin": origin, "frames": frames, "registered": registered, "notes": notes})
    return Outcome(task.name, "made", frames, registered, notes=notes)


def _stamp(path: Path) -> list:
    stat = path.stat()
    return [path.name, stat.st_size, stat.st_mtime_ns]


# ------------------------------------------------------------------------------------------------------------- files


def write_survey(
    out: Path, tasks: Sequence[Task], outcomes: Sequence[Outcome], bands: Sequence[Band], language: str = "en"
) -> list[Phone]:
    """Write tables, figures and the report of all tallied clips; returns the phones. `outcomes` has at least one "made"
    or "kept". language: of the report, "en" or "ja"."""
    from ..render.figures import average_figure
    from .report import write_page

    usable = {outcome.name for outcome in outcomes if outcome.status != "left out"}
    tallies = {t.name: Tally.read(t.place.with_name(t.place.name + ".npz")) for t in tasks if t.name in usable}
    phones = summarise(tallies)
    labels = {band.name: band.label for band in bands}
    stems = {phone.label: f"{number:02d}_{_written(phone.label)}" for number, phone in enumerate(phones, 1)}
    with atomic_folder(out / "phones") as temporary:
        for phone in phones:
            stem = stems[phone.label]
            _write(temporary / f"{stem}.csv", _rows_of_clips(phone, tallies))
            heat = {labels[band]: picture[None] for band, picture in phone.maps.items()}
            title = f"[{phone.label}]  {len(phone.clips)} clips, {phone.frames} frames"
            gray = np.rint(255 * phone.picture).astype(np.uint8)[None]
            average_figure(temporary / f"{stem}.png", gray, heat, title=title)
    written = set(stems.values())
    for old in (out / "phones").glob("[0-9][0-9]_*"):  # of an earlier run
        if old.suffix in (".png", ".csv") and old.stem not in written:
            old.unlink()
    _write(out / "survey.csv", _rows(phones))
    _write(out / "clips.csv", (asdict(outcome) for outcome in sorted(outcomes, key=lambda o: o.name)))
    figures = {label: out / "phones" / f"{stem}.png" for label, stem in stems.items()}
    write_page(out / "survey.html", phones, figures, bands, (len(tallies), len(outcomes) - len(tallies)), language)
    return phones


def _written(label: str) -> str:
    """A phone's label as part of a file name on any system."""
    return re.sub(r"[^0-9A-Za-z]", lambda found: f"u{ord(found[0]):04x}", label)[:40]


def _rows(phones: Sequence[Phone]) -> Iterator[dict]:
    for phone in phones:
        for band, shares in phone.shares.items():
            for region, share in shares.items():
                yield {
                    "phone": phone.label,
                    "band": band,
                    "region": region,
                    "share": share.mean,
                    "low": share.low,
                    "high": share.high,
                    "clips": share.clips,
                    "frames": phone.frames,
                    "evidence": phone.amount[band].mean,
                    "evidence_low": phone.amount[band].low,
                    "evidence_high": phone.amount[band].high,
                }


def _rows_of_clips(phone: Phone, tallies: Mapping[str, Tally]) -> Iterator[dict]:
    for name in phone.clips:
        of_clip = tallies[name]
        p = of_clip.phones.index(phone.label)
        for b, band in enumerate(of_clip.bands):
            for k, region in enumerate(of_clip.regions):
                yield {
                    "clip": name,
                    "band": band,
                    "region": region,
                    "share": float(of_clip.shares[p, b, k]),
                    "evidence": float(of_clip.amount[p, b]),
                    "frames": int(of_clip.frames[p]),
                }


def _write(path: Path, rows: Iterable[dict]) -> None:
    """Write a CSV file; unknown values are empty cells."""
    rows = list(rows)
    with (
        atomic_write(path) as temporary,
        temporary.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as file,
    ):
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.6g}"
    return "" if value is None else value

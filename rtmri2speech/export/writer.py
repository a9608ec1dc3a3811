"""Export of an analysed clip: videos, figures, tables, sound, labels, and provenance.

    from rtmri2speech.export.writer import ExportOptions, ExportSource, write_zip
    analysis = analyse(bundle, read_clip("clip.mp4"))
    source = ExportSource("clip", analysis, regions, bundle, Path("clip.mp4"))
    write_zip("clip.zip", source, ExportOptions(slow=4, stretch=(20, 45)))

Files of a clip called NAME (KINDS; those of one frame carry its number):

NAME_video.mp4          the clip under the heatmaps of its bands, with sound
NAME_heatmaps.mp4       the heatmaps alone, with outlines of regions, without sound, at least five times slower
NAME_frame0012.png      one frame, NAME_average.png the average over the interval, NAME_spectrogram.png; 300 dpi; also
                        .svg and .pdf on request
NAME_captions.txt       a caption for each figure
NAME_traces.csv         a row for each frame: frame (of the clip at the model's rate, from 0), time_s (its start),
                        source_frame and source_time_s (the clip's own frame at its midpoint), silence (1: the model is
                        silent), method, resolution and baseline of the maps, and for each band, where the faithfulness
                        was tested, NAME_verdict, NAME_ratio_to_random and its interval; NAME_energy_db (of the
                        predicted mel), NAME_evidence_db (or _power), its attribution, and NAME_share_REGION, a region's
                        or elsewhere's share of it, 0 to 1, as in analysis/region_attribution.py; empty in frames
                        without a map. Then articulatory measures, as in anatomy/articulation.py: lengths in pixels of
                        the 256 px picture (_px) and, where the clip's file has its pixel size, in cm (_cm), places from
                        0 to 1
NAME_regions.json       manual corrections of regions, if any, for the command export
NAME_F1_heatmaps.npy    float32 (frames, 256, 256) in [0, 1] for display, the positive part, as gradcam writes, with a
                        .json, for the commands overlay, slowmo and segment
NAME_F1_cam.npy         float32 (frames, cells, cells), the signed maps
NAME_trust.json         faithfulness report (evaluation/faithfulness): in the zip only on request or where computed
                        already, as it takes seconds; not for the objective "sequence"
NAME_F1_reach.npy       temporal attribution of the whole clip, as the command temporal writes it, and
                        NAME_F1_reach.png: only on request or where computed already
NAME_speech.wav         the synthesised speech; NAME_original.wav the reference speech, if any
NAME_labels.TextGrid    if the clip has a TextGrid beside it
provenance.json         only in the zip: hashes, settings, versions, and the commands that reproduce the export

Videos and figures of a two-sided band (frequency or tilt) show both signs, warm: raises it, cold: lowers it; each of
several bands then has a picture of its own.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import torch

from ..analysis.region_attribution import SurfaceMasks
from ..anatomy.corrections import write_corrections
from ..anatomy.table import measures
from ..attribution.methods import method_of
from ..attribution.targets import TWO_SIDED, target_of
from ..attribution.temporal import LONGEST
from ..attribution.temporal import temporal_attribution as reach_of
from ..errors import InputError
from ..evaluation.faithfulness import evaluate_faithfulness, testable_bands
from ..files import atomic_folder, atomic_write, scratch, sha256_of, write_json
from ..labels.textgrid import labels_of, write_labels, write_tiers
from ..progress import UNSEEN, Progress
from ..render.figure_texts import band_label, caption, words
from ..render.figures import average_figure, frame_figure
from ..render.heatmaps import check_bands
from ..render.overlay import band_picture, drawn, overlay
from ..render.picture import panels_of
from ..render.spectrogram import spectrogram_figure
from ..render.temporal import temporal_figure
from ..render.time_stretch import check_slow
from ..spec import Band
from ..speech.audio import write_audio
from ..speech.mel import centre_frequencies_hz
from .captions import FIGURES, average_title, averaged, figure_captions, figure_note
from .heatmap_files import HeatSequence, origin_of
from .provenance import provenance
from .selection import SOUNDS, ExportOptions, ExportSource, Selection, select

__all__ = ["KINDS", "SOUNDS", "ExportOptions", "ExportSource", "available", "preview", "write_files", "write_zip"]

KINDS = (
    "video", "heat_video", "frame", "average", "spectrogram", "traces", "heatmaps", "trust", "reach", "speech",
    "labels",
)  # fmt: skip
DPI = 300
HEAT_VIDEO_SLOW = 5.0
MOST_HEATMAP_BYTES = 2 * 2**30
_STAGES = {"video": "video", "heat_video": "video", "heatmaps": "heatmaps"}  # others: figures
# Cost of a kind for progress; the others 0.5.
_WEIGHTS = {"video": 4.0, "heat_video": 4.0, "heatmaps": 2.0, "reach": 2.0}


def available(subject: ExportSource) -> tuple[str, ...]:
    """The kinds of files available for this clip, such as labels only with a TextGrid."""
    labelled = bool(subject.labels or subject.remarks) if subject.labels is not None else labels_of(subject.source)
    lacking = set() if labelled else {"labels"}
    if not testable_bands(subject.analysis):
        lacking.add("trust")
    if not _lasting(subject) or len(subject.analysis.mel_db) > LONGEST:
        lacking.add("reach")
    return tuple(kind for kind in KINDS if kind not in lacking)


def preview(subject: ExportSource, look: ExportOptions, frame: int) -> np.ndarray:
    """The video's picture at a frame of the clip, clamped to the interval: (height, width, 3) uint8 RGB. Raises
    InputError as write_video."""
    selection = select(subject, look)
    look, heatmaps = selection.look, selection.heatmaps()
    check_slow(look.slow)
    check_bands(heatmaps, selection.count)
    frame = min(max(frame, selection.first), selection.last)
    picture = band_picture(
        selection.size, heatmaps, look.layout, look.alpha, selection.colour_maps, look.combine, subject.name
    )
    text = caption(frame, subject.analysis.fps, look.slow, look.language)
    order = iter([(frame - selection.first, frame - selection.first, text)])
    frames, lines, tracks = selection.frames(), selection.lines(), selection.tracks()
    return next(drawn(picture, frames, heatmaps, order, lines, tracks, selection.first))


def write_files(
    folder: str | PathLike,
    subject: ExportSource,
    look: ExportOptions,
    kinds: Sequence[str] = KINDS,
    frame: int = 0,
    progress: Progress = UNSEEN,
) -> list[Path]:
    """Write the files of these kinds into a folder, all or none; returns their paths.

    frame: that of the kind "frame". Raises InputError for kinds not available for this clip, or options that do not fit
    it.
    """
    folder, selection = Path(folder), select(subject, look)
    with atomic_folder(folder) as temporary:
        selection = _tested(selection, kinds, progress.part(None, 0, 0.2))
        _write_kinds(temporary, selection, kinds, frame, progress.part(None, 0.2, 1))
        names = sorted(file.name for file in temporary.iterdir())
    return [folder / name for name in names]


def write_zip(
    path: str | PathLike,
    subject: ExportSource,
    look: ExportOptions,
    frame: int = 0,
    progress: Progress = UNSEEN,
    *,
    trust: bool = False,
    reach: bool = False,
) -> None:
    """Write all available files of the clip, with provenance.json, into one zip, complete or not at all.

    trust: with the faithfulness report; reach: with temporal attribution. Those computed already are always included.
    """
    path, selection = Path(path), select(subject, look)
    wanted = {"trust": trust or subject.trust, "reach": reach or subject.reach}
    kinds = [kind for kind in available(subject) if wanted.get(kind, True)]
    also = [kind for kind in wanted if kind in kinds]
    provenance(selection, frame, also)  # raises at once if the clip's file is missing
    with atomic_write(path) as temporary, scratch(path) as folder:
        selection = _tested(selection, kinds, progress.part(None, 0, 0.2))
        record = provenance(selection, frame, also)
        _write_kinds(folder, selection, kinds, frame, progress.part(None, 0.2, 0.85))
        if subject.regions.corrections:
            write_corrections(folder / f"{subject.stem}_regions.json", subject.regions.corrections)
        files = sorted(folder.iterdir())
        record["files"] = {file.name: sha256_of(file) for file in files}
        (folder / "provenance.json").write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
        _pack(temporary, [folder / "provenance.json", *files], progress.part(None, 0.85, 1))


def _pack(path: Path, files: Sequence[Path], progress: Progress) -> None:
    whole, done = sum(file.stat().st_size for file in files), 0
    with ZipFile(path, "w") as archive:
        for file in files:
            entry = ZipInfo.from_file(file, file.name)
            entry.compress_type = ZIP_STORED if file.suffix in (".mp4", ".png") else ZIP_DEFLATED
            entry._compresslevel = 1  # type: ignore[attr-defined]  # public from Python 3.13 on, as compress_level
            with file.open("rb") as source, archive.open(entry, "w") as target:
                while block := source.read(2**20):
                    target.write(block)
                    done += len(block)
                    progress("zip", done, whole)


def _write_kinds(folder: Path, selection: Selection, kinds: Sequence[str], frame: int, progress: Progress) -> None:
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise InputError("Choose what to export, of: {kinds}.", kinds=", ".join(KINDS))
    whole, done = sum(_WEIGHTS.get(kind, 0.5) for kind in kinds), 0.0
    for kind in (kind for kind in KINDS if kind in kinds):
        share = _WEIGHTS.get(kind, 0.5)
        part = progress.part(None, done / whole, (done + share) / whole)
        part(_STAGES.get(kind, "figures"), 0)
        _write_kind(kind, folder, selection, frame, part)
        done += share
    if set(kinds) & set(FIGURES):
        told = figure_captions(selection, kinds, frame)
        (folder / f"{selection.subject.stem}_captions.txt").write_text(told, encoding="utf-8")
    progress("figures", 1)


def _write_kind(kind: str, folder: Path, selection: Selection, frame: int, progress: Progress) -> None:
    begin = f"{folder / selection.subject.stem}_"
    match kind:
        case "video":
            _write_video(Path(f"{begin}video.mp4"), selection, progress)
        case "heat_video":
            _write_heat_video(Path(f"{begin}heatmaps.mp4"), selection, progress)
        case "frame":
            for ending in selection.look.figures:
                _write_frame(Path(f"{begin}frame{frame:04d}.{ending}"), selection, frame)
        case "average":
            for ending in selection.look.figures:
                _write_average(Path(f"{begin}average.{ending}"), selection)
        case "spectrogram":
            for ending in selection.look.figures:
                _write_spectrogram(Path(f"{begin}spectrogram.{ending}"), selection)
        case "traces":
            _write_traces(Path(f"{begin}traces.csv"), selection)
        case "heatmaps":
            _write_heatmaps(folder, selection, progress)
        case "trust":
            assert selection.subject.trust is not None  # _tested
            write_json(Path(f"{begin}trust.json"), selection.subject.trust.to_json())
        case "reach":
            _write_reach(begin, selection, progress)
        case "speech":
            for name, sound in (("speech", selection.synthesised()), ("original", selection.original())):
                if sound is not None:
                    write_audio(f"{begin}{name}.wav", *sound)
        case "labels":
            _write_labels(Path(f"{begin}labels.TextGrid"), selection)


def _write_video(path: Path, selection: Selection, progress: Progress) -> None:
    look = selection.look
    audio, rate = selection.sound_of_video() or (None, None)
    overlay(
        path,
        selection.frames(),
        selection.subject.analysis.fps,
        selection.heatmaps(),
        layout=look.layout,
        size=selection.size,
        alpha=look.alpha,
        colour_maps=selection.colour_maps,
        combine=look.combine,
        audio=audio,
        audio_rate=rate,
        slow=look.slow,
        start_frame=selection.first,
        language=look.language,
        name=selection.subject.name,
        lines=selection.lines(),
        tracks=selection.tracks(),
        progress=progress,
    )


def _write_heat_video(path: Path, selection: Selection, progress: Progress) -> None:
    look = selection.look
    overlay(
        path,
        selection.frames(),
        selection.subject.analysis.fps,
        selection.heatmaps(),
        layout="heatmap",
        size=(panels_of("heatmap", selection.signed) * look.side, look.side),
        colour_maps=selection.colour_maps,
        combine=look.combine,
        slow=max(look.slow, HEAT_VIDEO_SLOW),
        start_frame=selection.first,
        language=look.language,
        name=selection.subject.name,
        lines=selection.lines(always=True),  # else nothing shows where the heatmaps lie
        progress=progress,
    )


def _write_frame(path: Path, selection: Selection, frame: int) -> None:
    analysis, look, lines = selection.subject.analysis, selection.look, selection.lines()
    title = f"{caption(frame, analysis.fps, language=look.language)}\n{figure_note(selection)}"
    heatmaps = selection.whole_heatmaps()
    options = _figure_look(selection) | {"lines": lines(frame) if lines else ()}
    frame_figure(path, analysis.model_frames, heatmaps, frame, analysis.fps, title=title, **options)


def _write_average(path: Path, selection: Selection) -> None:
    analysis, shown = selection.subject.analysis, np.asarray(averaged(selection))
    average_figure(
        path,
        selection.subject.analysis.model_frames[shown],
        {
            label: replace(heat, grids=heat.grids[shown - selection.first])
            for label, heat in selection.heatmaps().items()
        },
        counted={
            band_label(band, selection.look.language): analysis.has_map(band.name)[shown] for band in selection.bands
        },
        title=f"{average_title(selection)}\n{figure_note(selection)}",
        **_figure_look(selection),
    )


def _lasting(subject: ExportSource) -> list[Band]:
    """The bands with the same limits in every frame."""
    return [band for band in subject.analysis.bands if not (band.stretch or band.formant)]


def _write_reach(begin: str, selection: Selection, progress: Progress) -> None:
    subject, look = selection.subject, selection.look
    known = {made.band.name: made for made in subject.reach}
    for band in _lasting(subject):
        made = known.get(band.name) or reach_of(
            subject.bundle, subject.analysis.clip, band, progress, subject.analysis.view
        )
        np.save(f"{begin}{band.name}_reach.npy", made.contributions)
        for ending in look.figures:
            temporal_figure(f"{begin}{band.name}_reach.{ending}", made, look.language, DPI)


def _tested(selection: Selection, kinds: Sequence[str], progress: Progress) -> Selection:
    """The selection with the faithfulness report, where it is among these kinds, for every file that tells of it."""
    subject = selection.subject
    if "trust" not in kinds or subject.trust is not None:
        return selection
    masks = SurfaceMasks(subject.regions) if subject.regions.verdict.usable else None
    report = evaluate_faithfulness(subject.bundle, subject.analysis, masks, progress=progress)
    return replace(selection, subject=replace(subject, trust=report))


def _figure_look(selection: Selection) -> dict:
    look = selection.look
    return {
        "alpha": look.alpha,
        "colour_maps": selection.colour_maps,
        "combine": look.combine,
        "dpi": DPI,
        "width_cm": look.width_cm,
    }


def _write_spectrogram(path: Path, selection: Selection) -> None:
    subject, rows, said = selection.subject, selection.rows, words(selection.look.language)
    analysis, original = subject.analysis, subject.original_mel_db()
    mels = {} if original is None else {said["original"]: original[rows]}
    mels[said["synthesised"]] = analysis.mel_db[rows]
    coloured = zip(selection.bands, selection.line_colours("light"), strict=True)
    drawn_as = [(band, colour) for band, colour in coloured if band.of != "tilt"]  # which is no energy
    spectrogram_figure(
        path,
        mels,
        centre_frequencies_hz(subject.bundle.mel),
        analysis.fps,
        [band for band, _ in drawn_as],
        {band.name: analysis.band_db[band.name][rows] for band, _ in drawn_as},
        colours=[colour for _, colour in drawn_as],
        tracked_hz={name: track[rows] for name, track in analysis.tracked_hz.items()},
        start_frame=selection.first,
        intervals=subject.intervals(),
        language=selection.look.language,
        dpi=DPI,
        width_cm=selection.look.width_cm,
    )


def _write_traces(path: Path, selection: Selection) -> None:
    subject, rows = selection.subject, selection.rows
    account, analysis = subject.account, subject.analysis
    columns: dict[str, Sequence] = {
        "frame": range(selection.first, selection.last + 1),
        "time_s": _column(account.time_s[rows], 6),
        "source_frame": account.source_frame[rows].tolist(),
        "source_time_s": _column(account.source_time_s[rows], 6),
        "silence": account.silent[rows].astype(int).tolist(),
        "method": [analysis.settings.method] * selection.count,
        "resolution": [analysis.settings.resolution or ""] * selection.count,
        "baseline": [method_of(analysis.settings.method).baseline] * selection.count,
    }
    for band in selection.bands:
        for name, value in _verdict_columns(subject, band).items():
            columns[f"{band.name}_{name}"] = [value] * selection.count
        attribution = account.bands[band.name]
        columns[f"{band.name}_energy_db"] = _column(analysis.band_db[band.name][rows], 4)
        if band.name in analysis.tracked_hz:
            columns[f"{band.name}_formant_hz"] = _column(analysis.tracked_hz[band.name][rows], 1)
        elif attribution.unit in TWO_SIDED:
            asked = target_of(subject.bundle.mel, band, analysis.energy)
            values = asked(torch.from_numpy(analysis.mel_db)).numpy()
            columns[f"{band.name}_{_spelt(attribution.unit)}"] = _column(values[rows], 4)
        columns[f"{band.name}_evidence_{_spelt(attribution.unit)}"] = _column(attribution.amount[rows], 6)
        for name, share in attribution.shares.items():
            columns[f"{band.name}_share_{name}"] = _column(share[rows], 6)
    if subject.regions.verdict.usable:
        for name, values in measures(subject.regions, analysis.clip.pixel_mm).items():
            columns[name] = _column(values[rows], 4)
    # Excel recognises UTF-8 only by its byte order mark, which other programs misread: written only when needed.
    encoding = "utf-8" if all(name.isascii() for name in columns) else "utf-8-sig"
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _verdict_columns(subject: ExportSource, band: Band) -> dict[str, str]:
    """The verdict on a band's maps over the whole picture; empty without a report."""
    result = subject.trust.bands.get(band.name) if subject.trust else None
    if result is None or result.whole_picture is None:
        return {"verdict": "untested"} if subject.trust else {}
    test = result.whole_picture
    values = (test.ratio_to_random, *test.interval)
    names = ("ratio_to_random", "interval_low", "interval_high")
    return {"verdict": test.verdict, **{name: f"{value:.3f}" for name, value in zip(names, values, strict=True)}}


def _spelt(unit: str) -> str:
    return unit.lower().replace(" ", "_")


def _column(values: np.ndarray, digits: int) -> list[str]:
    return ["" if np.isnan(value) else f"{value:.{digits}f}" for value in values]


def _write_heatmaps(folder: Path, selection: Selection, progress: Progress) -> None:
    subject, bands, count = selection.subject, selection.bands, selection.count
    analysis = subject.analysis
    if 4 * count * analysis.frame_size**2 * len(bands) > MOST_HEATMAP_BYTES:
        raise InputError(
            "The heatmaps of {count} frames would take more than {size:g} GiB: choose a stretch or fewer bands.",
            count=count,
            size=MOST_HEATMAP_BYTES / 2**30,
        )
    origin = origin_of(analysis, subject.bundle, subject.source.name)
    for number, band in enumerate(bands):
        heat = analysis.heatmap_frames(band.name)[selection.rows]
        part = progress.part(None, number / len(bands), (number + 1) / len(bands))
        sequence = HeatSequence(heat, analysis.fps, selection.first, band, origin)
        sequence.write(folder / f"{subject.stem}_{band.name}_heatmaps.npy", part)
        np.save(folder / f"{subject.stem}_{band.name}_cam.npy", analysis.cam[band.name][selection.rows])


def _write_labels(path: Path, selection: Selection) -> None:
    subject = selection.subject
    if subject.labels is not None:
        return write_tiers(path, subject.labels, subject.remarks, *selection.times_s)
    source = labels_of(subject.source)
    if source is None:
        raise InputError("This clip has no labels: there is no TextGrid of its name beside it.")
    write_labels(path, source, *selection.times_s)

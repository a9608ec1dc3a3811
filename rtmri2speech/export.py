"""What a person takes away of an analysed clip: videos, figures, numbers, sound, labels, and where they came from.

    from rtmri2speech.export import Look, Subject, write_zip
    subject = Subject("clip", analyse(bundle, read_clip("clip.mp4")), bundle, Path("clip.mp4"))
    write_zip("clip.zip", subject, Look(slow=4, stretch=(20, 45)))

Files of a clip called NAME (KINDS; those of one frame carry its number):

NAME_video.mp4          the clip under the heatmaps of its bands, with sound
NAME_heatmaps.mp4       the heatmaps alone, without sound, at least five times slower
NAME_frame0012.png      one frame, NAME_average.png the average over the stretch, NAME_spectrogram.png; 300 dpi
NAME_traces.csv         a row for each frame: frame (of the clip at the model's rate, from 0), time_s (its start),
                        source_frame and source_time_s (the clip's own frame shown then), silence (1: the model is
                        silent), and for each band NAME_energy_db (of the predicted mel), NAME_evidence_db (or _power)
                        and NAME_share_REGION, the share, 0 to 1, of that evidence in a region or elsewhere, as in
                        evidence.py; empty where there is nothing to account for
NAME_F1_heatmaps.npy    float32 (frames, 256, 256) in [0, 1] for display, as the command gradcam writes; the .json
                        beside it lets the commands overlay, slowmo and segment take it
NAME_F1_cam.npy         float32 (frames, 8, 8), the signed Grad-CAM itself
NAME_speech.wav         the synthesised speech; NAME_original.wav the original, where there is one
NAME_labels.TextGrid    where the clip has a TextGrid beside it
provenance.json         only in the zip: hashes, settings, versions, and the commands that make the same again
"""

import csv
import json
import platform
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import torch

from . import __version__
from .analysis import Analysis
from .atomic import filling, replacing
from .audio import resample, write_audio
from .checksum import sha256_of
from .errors import InputError
from .evidence import Account, account_of, template_masks
from .labels import labels_of, read_intervals, write_labels
from .mel import centre_frequencies_hz, mel_spectrogram_db
from .models.bundle import DEFAULT_FOLDER, Bundle
from .progress import UNSEEN, Progress
from .render.encode import even_size
from .render.figures import average_figure, frame_figure
from .render.grid import UpsampledGrid
from .render.heatmaps import check_bands, checked_heat
from .render.overlay import band_picture, overlay
from .render.spectrogram import spectrogram_figure
from .render.stretch import check_slow, fit
from .render.words import band_label, caption, words
from .sequence import HeatSequence, origin_of
from .spec import Band

KINDS = ("video", "heat_video", "frame", "average", "spectrogram", "traces", "heatmaps", "speech", "labels")
SOUNDS = ("synthesised", "original", "none")
DPI = 300
HEAT_VIDEO_SLOW = 5.0
MOST_HEATMAP_BYTES = 2 * 2**30
_PACKAGES = ("torch", "timm", "numpy", "opencv-python-headless", "av", "moviepy", "matplotlib", "soxr", "soundfile")
_LONGEST_STEM = 40  # characters: Japanese ones take three of the 255 bytes of a file's name

Stretch = tuple[int, int]


@dataclass(frozen=True)
class Subject:
    """An analysed clip and where it came from.

    source: the file or folder that was read. reference: the original speech, (samples,) and its rate, from
    reference_source; without one, the clip's own sound. masks: the regions, as evidence.account_of takes them; without
    them, the template's.
    """

    name: str
    analysis: Analysis
    bundle: Bundle
    source: Path
    reference: tuple[np.ndarray, int] | None = None
    reference_source: Path | None = None
    masks: Mapping[str, np.ndarray] | None = None

    @property
    def account(self) -> Account:
        """Where the evidence lies, computed at each call."""
        return account_of(self.analysis, template_masks() if self.masks is None else self.masks)

    @property
    def original(self) -> tuple[np.ndarray, int] | None:
        return self.reference or self.analysis.clip.sound

    @property
    def stem(self) -> str:
        """The name as the beginning of a file's name."""
        return re.sub(r"[^\w.-]+", "_", self.name).strip("._")[:_LONGEST_STEM] or "clip"


@dataclass(frozen=True)
class Look:
    """The choices of a person who exports.

    bands: names, None for all. colour_maps: one for each band, None for the defaults. side: pixels of the video's
    height; side by side is twice as wide. layout, alpha, combine, slow: as for render.overlay. sound: of SOUNDS.
    stretch: first and last frame at the model's rate, both included; None for the whole clip. language: "en" or "ja".
    """

    bands: tuple[str, ...] | None = None
    colour_maps: tuple[str, ...] | None = None
    alpha: float = 0.7
    combine: str = "max"
    layout: str = "overlay"
    side: int = 512
    sound: str = "synthesised"
    slow: float = 1.0
    stretch: Stretch | None = None
    language: str = "en"

    @property
    def size(self) -> tuple[int, int]:
        return (2 * self.side if self.layout == "side-by-side" else self.side), self.side


def available(subject: Subject) -> tuple[str, ...]:
    """The kinds of files that there are for this clip: labels only where a TextGrid is known."""
    return tuple(kind for kind in KINDS if kind != "labels" or labels_of(subject.source))


def preview(subject: Subject, look: Look, frame: int) -> np.ndarray:
    """The picture that the video will show at a frame of the clip: (height, width, 3) uint8 RGB. InputError as
    write_video; a frame outside the stretch is moved to its nearer end."""
    first, last = _checked(subject, look)
    heatmaps = _heatmaps(subject, look, (first, last))
    check_slow(look.slow)
    check_bands(heatmaps, last + 1 - first)
    frame = min(max(frame, first), last)
    picture = band_picture(look.size, heatmaps, look.layout, look.alpha, look.colour_maps, look.combine, subject.name)
    heats = [checked_heat(heatmap, frame - first, label) for label, heatmap in heatmaps.items()]
    text = caption(frame, subject.analysis.fps, look.slow, look.language)
    return picture.draw(subject.analysis.model_frames[frame], heats, text)


def write_files(
    folder: str | PathLike,
    subject: Subject,
    look: Look,
    kinds: Sequence[str] = KINDS,
    frame: int = 0,
    progress: Progress = UNSEEN,
) -> list[Path]:
    """Write the files of these kinds into a folder: all of them or, on any failure, none. Gives their paths.

    frame: which frame the kind "frame" shows. Kinds that this clip does not have are an InputError, as is any choice of
    the look that does not fit the clip.
    """
    folder = Path(folder)
    with filling(folder) as temporary:
        _write_all(temporary, subject, look, kinds, frame, progress)
        names = sorted(file.name for file in temporary.iterdir())
    return [folder / name for name in names]


def write_zip(path: str | PathLike, subject: Subject, look: Look, frame: int = 0, progress: Progress = UNSEEN) -> None:
    """Write everything that there is of the clip, with provenance.json, into one zip; complete or not at all."""
    path = Path(path)
    record = provenance(subject, look, frame)  # first: it says at once if the clip has gone
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, TemporaryDirectory(prefix="rtmri2speech-", dir=path.parent) as folder:
        folder = Path(folder)
        _write_all(folder, subject, look, available(subject), frame, progress.part(None, 0, 0.85))
        files = sorted(folder.iterdir())
        record["files"] = {file.name: _sha256(file) for file in files}
        (folder / "provenance.json").write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
        files.insert(0, folder / "provenance.json")
        whole, done = sum(file.stat().st_size for file in files), 0
        with ZipFile(temporary, "w") as archive:
            for file in files:
                entry = ZipInfo.from_file(file, file.name)
                entry.compress_type = ZIP_STORED if file.suffix in (".mp4", ".png") else ZIP_DEFLATED
                entry._compresslevel = 1
                with file.open("rb") as source, archive.open(entry, "w") as target:
                    while block := source.read(2**20):
                        target.write(block)
                        done += len(block)
                        progress("zip", 0.85 + 0.15 * done / whole)


def _write_all(
    folder: Path, subject: Subject, look: Look, kinds: Sequence[str], frame: int, progress: Progress
) -> None:
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise InputError("Choose what to export, of: {kinds}.", kinds=", ".join(KINDS))
    stretch = _checked(subject, look)
    weights = {"video": 4.0, "heat_video": 4.0, "heatmaps": 2.0}
    whole, done = sum(weights.get(kind, 0.5) for kind in kinds), 0.0
    for kind in (kind for kind in KINDS if kind in kinds):
        share = weights.get(kind, 0.5)
        part = progress.part(None, done / whole, (done + share) / whole)
        part({"video": "video", "heat_video": "video", "heatmaps": "heatmaps"}.get(kind, "figures"), 0)
        _WRITERS[kind](folder, subject, look, stretch, frame, part)
        done += share
    progress("figures", 1)


def _write_video(folder: Path, subject: Subject, look: Look, stretch: Stretch, frame: int, tell: Progress) -> None:
    first, last = stretch
    analysis = subject.analysis
    audio, rate = (None, None) if look.sound == "none" else _sound(subject, look.sound, stretch)
    overlay(
        folder / f"{subject.stem}_video.mp4",
        analysis.model_frames[first : last + 1],
        analysis.fps,
        _heatmaps(subject, look, stretch),
        layout=look.layout,
        size=look.size,
        alpha=look.alpha,
        colour_maps=look.colour_maps,
        combine=look.combine,
        audio=audio,
        audio_rate=rate,
        slow=look.slow,
        start_frame=first,
        language=look.language,
        name=subject.name,
        progress=tell,
    )


def _write_heat_video(folder: Path, subject: Subject, look: Look, stretch: Stretch, frame: int, tell: Progress) -> None:
    first, last = stretch
    overlay(
        folder / f"{subject.stem}_heatmaps.mp4",
        subject.analysis.model_frames[first : last + 1],
        subject.analysis.fps,
        _heatmaps(subject, look, stretch),
        layout="heatmap",
        size=(look.side, look.side),
        colour_maps=look.colour_maps,
        combine=look.combine,
        slow=max(look.slow, HEAT_VIDEO_SLOW),
        start_frame=first,
        language=look.language,
        name=subject.name,
        progress=tell,
    )


def _write_frame(folder: Path, subject: Subject, look: Look, stretch: Stretch, frame: int, tell: Progress) -> None:
    analysis = subject.analysis
    frame_figure(
        folder / f"{subject.stem}_frame{frame:04d}.png",
        analysis.model_frames,
        _heatmaps(subject, look, (0, len(analysis.mel_db) - 1)),
        frame,
        analysis.fps,
        title=caption(frame, analysis.fps, language=look.language),
        **_figure_look(look),
    )


def _write_average(folder: Path, subject: Subject, look: Look, stretch: Stretch, frame: int, tell: Progress) -> None:
    first, last = stretch
    fps, explained = subject.analysis.fps, subject.analysis.explained
    shown = explained[(explained >= first) & (explained <= last)]
    if not len(shown):  # all silent: the pictures alone
        shown = np.arange(first, last + 1)
    maps = _heatmaps(subject, look, stretch)
    said = words(look.language)["average" if len(shown) > last - first else "average_speech"]
    average_figure(
        folder / f"{subject.stem}_average.png",
        subject.analysis.model_frames[shown],
        {label: replace(heat, grids=heat.grids[shown - first]) for label, heat in maps.items()},
        title=said.format(count=len(shown), first=first, last=last, from_s=first / fps, to_s=(last + 1) / fps),
        **_figure_look(look),
    )


def _figure_look(look: Look) -> dict:
    return {"alpha": look.alpha, "colour_maps": look.colour_maps, "combine": look.combine, "dpi": DPI}


def _write_spectrogram(
    folder: Path, subject: Subject, look: Look, stretch: Stretch, frame: int, tell: Progress
) -> None:
    first, last = stretch
    analysis, mel, said = subject.analysis, subject.bundle.mel, words(look.language)
    mels = {}
    if subject.original is not None:
        count = len(analysis.mel_db)
        sound = fit(resample(*subject.original, mel.sample_rate), count * mel.hop_length)
        mels[said["original"]] = mel_spectrogram_db(torch.from_numpy(sound), mel).numpy()[first : last + 1]
    mels[said["synthesised"]] = analysis.mel_db[first : last + 1]
    bands = _bands(subject, look)
    labels = labels_of(subject.source)
    spectrogram_figure(
        folder / f"{subject.stem}_spectrogram.png",
        mels,
        centre_frequencies_hz(mel),
        analysis.fps,
        bands,
        {band.name: analysis.band_db[band.name][first : last + 1] for band in bands},
        start_frame=first,
        intervals=read_intervals(labels) if labels else (),
        language=look.language,
        dpi=DPI,
    )


def _write_traces(folder: Path, subject: Subject, look: Look, stretch: Stretch, frame: int, tell: Progress) -> None:
    first, last = stretch
    account, rows = subject.account, slice(first, last + 1)
    columns: dict[str, Sequence] = {
        "frame": range(first, last + 1),
        "time_s": _column(account.time_s[rows], 6),
        "source_frame": account.source_frame[rows].tolist(),
        "source_time_s": _column(account.source_time_s[rows], 6),
        "silence": account.silent[rows].astype(int).tolist(),
    }
    for band in _bands(subject, look):
        evidence = account.bands[band.name]
        columns[f"{band.name}_energy_db"] = _column(subject.analysis.band_db[band.name][rows], 4)
        columns[f"{band.name}_evidence_{evidence.unit.lower()}"] = _column(evidence.amount[rows], 6)
        for name, share in evidence.shares.items():
            columns[f"{band.name}_share_{name}"] = _column(share[rows], 6)
    # Excel takes a file for UTF-8 only by its mark; without need it is left out, as some programs stumble over it.
    encoding = "utf-8" if all(name.isascii() for name in columns) else "utf-8-sig"
    with (folder / f"{subject.stem}_traces.csv").open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _column(values: np.ndarray, digits: int) -> list[str]:
    return ["" if np.isnan(value) else f"{value:.{digits}f}" for value in values]


def _write_heatmaps(folder: Path, subject: Subject, look: Look, stretch: Stretch, frame: int, tell: Progress) -> None:
    first, last = stretch
    analysis, bands = subject.analysis, _bands(subject, look)
    count = last + 1 - first
    if 4 * count * analysis.frame_size**2 * len(bands) > MOST_HEATMAP_BYTES:
        raise InputError(
            "The heatmaps of {count} frames would take more than {size:g} GiB: choose a stretch or fewer bands.",
            count=count,
            size=MOST_HEATMAP_BYTES / 2**30,
        )
    origin = origin_of(analysis, subject.bundle, subject.source.name)
    for number, (band, heat) in enumerate(zip(bands, _heatmaps(subject, look, stretch).values(), strict=True)):
        path = folder / f"{subject.stem}_{band.name}_heatmaps.npy"
        part = tell.part(None, number / len(bands), (number + 1) / len(bands))
        HeatSequence(heat, analysis.fps, first, band, origin).write(path, part)
        np.save(folder / f"{subject.stem}_{band.name}_cam.npy", analysis.cam[band.name][first : last + 1])


def _write_speech(folder: Path, subject: Subject, look: Look, stretch: Stretch, frame: int, tell: Progress) -> None:
    write_audio(folder / f"{subject.stem}_speech.wav", *_sound(subject, "synthesised", stretch))
    if subject.original is not None:
        write_audio(folder / f"{subject.stem}_original.wav", *_sound(subject, "original", stretch))


def _write_labels(folder: Path, subject: Subject, look: Look, stretch: Stretch, frame: int, tell: Progress) -> None:
    source = labels_of(subject.source)
    if source is None:
        raise InputError("This clip has no labels: there is no TextGrid of its name beside it.")
    from_s, to_s = _times(subject, stretch)
    write_labels(folder / f"{subject.stem}_labels.TextGrid", source, from_s, to_s)


_WRITERS = {
    "video": _write_video,
    "heat_video": _write_heat_video,
    "frame": _write_frame,
    "average": _write_average,
    "spectrogram": _write_spectrogram,
    "traces": _write_traces,
    "heatmaps": _write_heatmaps,
    "speech": _write_speech,
    "labels": _write_labels,
}


def provenance(subject: Subject, look: Look, frame: int = 0) -> dict:
    """Where an export comes from: clip and bundle with their sha256, settings, versions of packages, and the command
    that makes it all again, to be run where the clip lies. No folder of this machine is named."""
    analysis, bundle, clip = subject.analysis, subject.bundle, subject.analysis.clip
    first, last = _checked(subject, look)
    from_s, to_s = _times(subject, (first, last))
    start, stop = _samples(analysis.sample_rate, (from_s, to_s))
    reference = subject.reference_source
    return {
        "made_by": f"rtmri2speech {__version__}",
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "clip": {
            "name": subject.name,
            "file": subject.source.name,
            "sha256": _sha256_of_source(subject.source),
            "frames": len(clip.frames),
            "fps": clip.fps,
            "width": clip.frames.shape[2],
            "height": clip.frames.shape[1],
            "duration_s": clip.duration,
        },
        "original_speech": {"file": reference.name, "sha256": _sha256(reference)} if reference else None,
        "bundle": {"name": bundle.name, "kind": bundle.kind, "sha256": bundle.sha256},
        "analysis": {
            "bands": [band.to_json() for band in analysis.bands],
            "objective": analysis.objective,
            "energy": analysis.energy,
            "normalize": analysis.normalize,
            "silence": analysis.silence,
            "precision": analysis.precision,
            "frames": len(analysis.mel_db),
            "fps": analysis.fps,
            "sample_rate": analysis.sample_rate,
        },
        "stretch": {
            "first_frame": first,
            "last_frame": last,
            "from_s": from_s,
            "to_s": to_s,
            "first_sample": start,
            "samples": stop - start,
        },
        "look": asdict(look) | {"frame": frame},
        "packages": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "command": command(subject, look, frame),
    }


def command(subject: Subject, look: Look, frame: int = 0) -> str:
    """The command line that makes the same again, in the folder that holds the clip and its labels (and the original
    speech, and the bundle, unless it is the embedded one)."""
    analysis, source, folder = subject.analysis, subject.source, subject.bundle.folder
    options: dict[str, object] = {
        "--objective": analysis.objective,
        "--energy": analysis.energy,
        "--normalize": analysis.normalize,
        "--silence": analysis.silence,
        "--frame": frame,
        "--layout": look.layout,
        "--side": look.side,
        "--slow": f"{look.slow:g}",
        "--sound": look.sound,
        "--alpha": f"{look.alpha:g}",
        "--combine": look.combine,
        "--language": look.language,
        "--precision": analysis.precision,
    }
    if folder is not None and folder.resolve() != DEFAULT_FOLDER.resolve():
        options["--bundle"] = folder.name
    if source.is_dir() or source.suffix in (".npy", ".npz"):
        options["--fps"] = repr(analysis.clip.fps)
    if subject.reference_source:
        options["--reference"] = subject.reference_source.name
    words = ["python", "-m", "rtmri2speech", "export", source.name, "-o", f"{subject.stem}.zip"]
    for band in _bands(subject, look):
        words += ["--formant-band", f"{band.name}:{band.low_hz:g}-{band.high_hz:g}"]
    for colour in look.colour_maps or ():
        words += ["--colour-map", colour]
    if look.stretch is not None:
        words += ["--stretch", *map(str, look.stretch)]
    for option, value in options.items():
        words += [option, str(value)]
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    """For the shells of Windows, macOS and Linux alike, as far as the word allows."""
    if re.fullmatch(r"[\w./:+-]+", word):
        return word
    return f'"{word}"' if not set(word) & set('"$`\\!%') else shlex.quote(word)


def _bands(subject: Subject, look: Look) -> tuple[Band, ...]:
    known = {band.name: band for band in subject.analysis.bands}
    chosen = tuple(known) if look.bands is None else look.bands
    for name in chosen:
        if name not in known:
            raise InputError(
                "There is no band {name} in this analysis: it has {bands}.", name=name, bands=", ".join(known)
            )
    if not chosen:
        raise InputError("Choose one band or more to export.")
    return tuple(known[name] for name in known if name in chosen)


def _checked(subject: Subject, look: Look) -> Stretch:
    """The first and last frame to export, after all that can be said of the look without drawing."""
    _bands(subject, look)
    words(look.language)
    count = len(subject.analysis.mel_db)
    first, last = (0, count - 1) if look.stretch is None else look.stretch
    if not 0 <= first <= last < count:
        raise InputError(
            "There is no stretch from frame {first} to {last}: the clip has frames 0 to {end}.",
            first=first,
            last=last,
            end=count - 1,
        )
    if look.sound not in SOUNDS:
        raise InputError(
            "The sound of a video is one of {sounds}, not {sound!r}.", sounds=", ".join(SOUNDS), sound=look.sound
        )
    if look.sound == "original" and subject.original is None:
        raise InputError("This clip has no original speech: choose the synthesised speech or none.")
    even_size(look.size)
    return first, last


def _heatmaps(subject: Subject, look: Look, stretch: Stretch) -> dict[str, UpsampledGrid]:
    """Label of each band -> its heatmaps in the stretch, on the scale of the whole clip."""
    first, last = stretch
    maps = {}
    for band in _bands(subject, look):
        heat = subject.analysis.heatmap_frames(band.name)
        maps[band_label(band, look.language)] = UpsampledGrid(heat.grids[first : last + 1], heat.size, heat.method)
    return maps


def _times(subject: Subject, stretch: Stretch) -> tuple[float, float]:
    first, last = stretch
    return first / subject.analysis.fps, (last + 1) / subject.analysis.fps


def _samples(rate: int, times_s: tuple[float, float]) -> tuple[int, int]:
    return round(times_s[0] * rate), round(times_s[1] * rate)


def _sound(subject: Subject, which: str, stretch: Stretch) -> tuple[np.ndarray, int]:
    """The stretch's part of a sound, exactly as long as its frames, and the rate."""
    analysis = subject.analysis
    samples, rate = (analysis.audio, analysis.sample_rate) if which == "synthesised" else subject.original
    start, stop = _samples(rate, _times(subject, stretch))
    return fit(samples[start:stop], stop - start), rate


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except FileNotFoundError:
        raise InputError("The file {name} is no longer there: open the clip again.", name=path.name) from None


def _sha256_of_source(source: Path) -> str | dict[str, str]:
    """Of the file; for a folder of frames, of each file in it."""
    if source.is_dir():
        return {file.name: _sha256(file) for file in sorted(source.iterdir()) if file.is_file()}
    return _sha256(source)

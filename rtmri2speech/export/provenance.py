"""Provenance of an export: hashes, settings, versions, and the command that reproduces it."""

import platform
import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .. import __version__
from ..attribution.methods import method_of
from ..clips.formats.dicom import is_series
from ..clips.formats.reading import is_video
from ..errors import InputError
from ..files import sha256_of
from ..models.bundle import DEFAULT_FOLDER, Bundle
from ..models.device import device_name
from ..names import readable
from .selection import Selection

_PACKAGES = ("torch", "timm", "numpy", "opencv-python-headless", "av", "moviepy", "matplotlib", "soxr", "soundfile")


def provenance(selection: Selection, frame: int = 0, also: Sequence[str] = ()) -> dict:
    """Provenance as JSON: clip and bundle with their sha256, settings, versions of packages, and the command that
    reproduces the export in the clip's folder. It names no folder of this machine.

    also: which of "trust" and "reach" the export holds.
    """
    subject, (from_s, to_s) = selection.subject, selection.times_s
    analysis, bundle, clip = subject.analysis, subject.bundle, subject.analysis.clip
    start, stop = selection.samples(analysis.sample_rate)
    reference = subject.reference_source
    original: dict | None = {"file": readable(reference.name), "sha256": _sha256(reference)} if reference else None
    if original and subject.reference_shift_ms:
        original["begins_ms_later"] = subject.reference_shift_ms
    voice = analysis.settings.voice
    return {
        "made_by": f"rtmri2speech {__version__}",
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "clip": {
            "name": subject.name,
            "file": readable(subject.source.name),
            "sha256": _sha256_of_source(subject.source),
            "frames": len(clip.frames),
            "fps": clip.fps,
            "width": clip.frames.shape[2],
            "height": clip.frames.shape[1],
            "pixel_mm": clip.pixel_mm,
            "duration_s": clip.duration,
        },
        "original_speech": original,
        "bundle": {
            "name": bundle.name,
            "kind": bundle.kind,
            "sha256": bundle.sha256,
            "device": device_name(bundle.device),
            "adapted": bundle.training.get("adapted"),
        },
        "analysis": {
            "bands": [band.to_json() for band in analysis.bands],
            **analysis.settings.to_json(),
            "baseline": method_of(analysis.settings.method).baseline,
            "seen": analysis.view.to_json(),
            "voice": asdict(voice) if voice else None,
            "followed_hz": analysis.followed or None,
            "frames": len(analysis.mel_db),
            "fps": analysis.fps,
            "sample_rate": analysis.sample_rate,
        },
        "regions": subject.regions.provenance(),
        "faithfulness": _verdicts(selection),
        "stretch": {
            "first_frame": selection.first,
            "last_frame": selection.last,
            "from_s": from_s,
            "to_s": to_s,
            "first_sample": start,
            "samples": stop - start,
        },
        "look": asdict(selection.look) | {"frame": frame},
        "packages": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "command": command(selection, frame, also),
    }


def _verdicts(selection: Selection) -> dict | None:
    """Band -> verdict, ratio to random and interval over the whole picture, where asked for; a band's None where it is
    not tested."""
    report = selection.subject.trust
    if report is None:
        return None
    tests = {band.name: report.bands[band.name].whole_picture for band in selection.bands if band.name in report.bands}
    return {
        name: test and {key: asdict(test)[key] for key in ("verdict", "ratio_to_random", "interval")}
        for name, test in tests.items()
    }


def command(selection: Selection, frame: int = 0, also: Sequence[str] = ()) -> str:
    """The command line that reproduces the export, in the folder with the clip and its labels (and the reference
    speech, the corrections of regions, and the bundle, unless embedded)."""
    subject, look = selection.subject, selection.look
    analysis, source = subject.analysis, subject.source
    options: dict[str, object] = {
        **analysis.settings.options(),
        "--regions": subject.regions.source,
        "--frame": frame,
        "--layout": look.layout,
        "--side": look.side,
        "--slow": f"{look.slow:g}",
        "--sound": look.sound,
        "--alpha": f"{look.alpha:g}",
        "--combine": look.combine,
        "--language": look.language,
    }
    bundle, fitted = _bundle_folder(subject.bundle)
    if bundle:
        options["--bundle"] = bundle
    if not is_video(source) and analysis.clip.constant_rate:
        options["--fps"] = repr(analysis.clip.fps)
    if subject.reference_source:
        options["--reference"] = readable(subject.reference_source.name)
        if subject.reference_shift_ms:
            options["--reference-later"] = repr(subject.reference_shift_ms)
    if subject.regions.corrections:
        options["--corrections"] = f"{subject.stem}_regions.json"
    words = ["python", "-m", "rtmri2speech", "export", readable(source.name), "-o", f"{subject.stem}.zip"]
    for band in selection.bands:
        words += ["--formant-band", str(band)]
    for colour in look.colour_maps or ():
        words += ["--colour-map", colour]
    if look.stretch is not None:
        words += ["--stretch", *map(str, look.stretch)]
    for name in look.show:
        words += ["--show", name]
    for ending in look.figures:
        words += ["--figures", ending]
    if look.width_cm is not None:
        words += ["--width-cm", f"{look.width_cm:g}"]
    for option, value in options.items():
        words += [option, str(value)]
    words += [f"--{one}" for one in also]
    words += analysis.settings.voice.options if analysis.settings.voice else []
    words += ["--fit"] if fitted else []
    return " ".join(map(_quoted, words))


def _bundle_folder(bundle: Bundle) -> tuple[str | None, bool]:
    """The name of the bundle's folder, None for the embedded one; and whether it was adapted to the clip."""
    if bundle.folder is not None:
        return None if bundle.folder.resolve() == DEFAULT_FOLDER.resolve() else bundle.folder.name, False
    adapted = bundle.training.get("adapted", {})
    return adapted.get("from_folder"), bool(adapted)


def _quoted(word: str) -> str:
    """A word quoted for the shells of Windows, macOS and Linux, as far as it allows."""
    if re.fullmatch(r"[\w./:@+~-]+", word):
        return word
    return f'"{word}"' if not set(word) & set('"$`\\!%') else shlex.quote(word)


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except FileNotFoundError:
        raise InputError("The file {name} is no longer there: open the clip again.", name=path.name) from None


def _sha256_of_source(source: Path) -> str | dict[str, str]:
    """sha256 of the file, or of each file in a folder of frames: by name, or by number for a DICOM series, whose names
    may be the patient's."""
    if source.is_dir() and is_series(source):
        return {str(number): found for number, found in enumerate(sorted(map(_sha256, source.iterdir())), 1)}
    if source.is_dir():
        return {readable(file.name): _sha256(file) for file in sorted(source.iterdir()) if file.is_file()}
    return _sha256(source)

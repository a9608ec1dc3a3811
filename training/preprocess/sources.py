"""Where a corpus keeps its recordings: finds each clip's pictures and sound, and says whose voice it is."""

import csv
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from rtmri2speech.clips.formats.dicom import is_dicom
from rtmri2speech.clips.formats.reading import is_lab_file, is_video_file
from rtmri2speech.errors import InputError
from rtmri2speech.names import beside, same_name

SOUNDS = {".wav", ".flac", ".ogg", ".mp3"}
PICTURES = {".png", ".tif", ".tiff"}


@dataclass(frozen=True)
class Source:
    """One recording. video: a file, or a folder of numbered pictures or of a DICOM series. audio None: the sound inside
    the video."""

    id: str
    video: Path
    audio: Path | None
    speaker: str | None = None
    text: str | None = None


def find_sources(
    data_dir: Path, audio_dir: Path | None, speakers: dict[str, str] | None, speaker_pattern: str
) -> tuple[list[Source], dict[str, str]]:
    """All recordings under data_dir, by name, and those that cannot be used: id -> reason.

    A file, or a folder of numbered pictures or of several DICOM files, is one recording; its id is the stem of its
    name. Its sound is the sound file of the same stem under audio_dir (beside the videos if that is None), or else the
    video's own.
    Two trees PNG/ and WAV/ under data_dir are recognised as pictures and sounds.
    <id>.json beside a video may hold "speaker" and "text"; otherwise the speaker comes from `speakers` (id -> name) or
    is the first group of speaker_pattern in the id.
    Raises InputError if a folder is missing or holds no recording.
    """
    for folder in (data_dir, audio_dir):
        if folder is not None and not folder.is_dir():
            raise InputError("There is no folder {folder}.", folder=folder)
    try:
        pattern = re.compile(speaker_pattern)
        if pattern.groups < 1:
            raise re.error("it has no group in parentheses")
    except re.error as error:
        raise InputError(
            "--speaker_pattern {speaker_pattern!r} cannot be used: {reason}.",
            speaker_pattern=speaker_pattern,
            reason=error,
        ) from None
    if audio_dir is None and (data_dir / "PNG").is_dir() and (data_dir / "WAV").is_dir():
        data_dir, audio_dir = data_dir / "PNG", data_dir / "WAV"

    videos, sounds, lab = defaultdict(list), defaultdict(list), defaultdict(list)
    for path in sorted(data_dir.rglob("*")):
        if path.name.startswith("."):
            continue
        if is_video_file(path) and path.is_file():
            videos[same_name(path.stem)].append(path)
        elif path.suffix.lower() in PICTURES and re.search(r"\d$", path.stem) and path.parent != data_dir:
            if path.parent not in videos[same_name(path.parent.name)]:
                videos[same_name(path.parent.name)].append(path.parent)
        elif path.is_file() and (is_lab_file(path) or (path.suffix.lower() not in SOUNDS and is_dicom(path))):
            lab[path.parent].append(path)
    for folder, files in lab.items():
        series = folder != data_dir and len(files) > 1 and all(map(is_dicom, files))
        for path in [folder] if series else files:
            name = path.name.removesuffix(".gz")
            videos[same_name(name.rpartition(".")[0] if is_lab_file(path) else name)].append(path)
    for path in sorted((audio_dir or data_dir).rglob("*")):
        if path.suffix.lower() in SOUNDS and path.is_file() and not path.name.startswith("."):
            sounds[same_name(path.stem)].append(path)
    if not videos:
        raise InputError("{data_dir} holds no video and no folder of numbered pictures.", data_dir=data_dir)

    found, unusable = [], {}
    for id_, paths in sorted(videos.items()):
        audio = sounds.get(id_, [])
        if len(paths) > 1:
            unusable[id_] = f"two recordings have this name: {paths[0]} and {paths[1]}; rename one"
        elif len(audio) > 1:
            unusable[id_] = f"two sound files have this name: {audio[0]} and {audio[1]}; remove one"
        elif not audio and audio_dir is not None:
            unusable[id_] = f"there is no sound file {id_}.wav under {audio_dir}"
        else:
            details = _details(paths[0])
            match = pattern.search(id_)
            named = (speakers or {}).get(id_) or details.get("speaker") or (match[1] if match else None)
            text = details.get("text")
            found.append(Source(id_, paths[0], audio[0] if audio else None, named, text))
    return found, unusable


def _details(video: Path) -> dict[str, str]:
    """The strings of <id>.json beside the video; empty where there is none."""
    try:
        data = json.loads((beside(video, ".json") or video.with_suffix(".json")).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in data.items() if isinstance(v, str)} if isinstance(data, dict) else {}


def read_speakers(path: Path) -> dict[str, str]:
    """A CSV file of two columns, id and speaker (a first row "id,speaker" is passed over) -> id -> speaker."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("Cannot read the speakers {path}: {reason}.", path=path, reason=error) from None
    bad = next((row for row in rows if len(row) != 2 or not row[1].strip()), None)
    if bad:
        raise InputError(
            "{path} must have two columns, id and speaker; one row is {row!r}.", path=path, row=",".join(bad)
        )
    return {id_.strip(): speaker.strip() for id_, speaker in rows if id_.strip().lower() != "id"}

"""The files of one utterance: <id>.mkv (not without pictures), <id>.wav, <id>.truth.npz, <id>.TextGrid."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile as sf

from rtmri2speech.files import atomic_write
from rtmri2speech.spec import MelSpec

from .clip import FPS, PhantomClip, PhantomSpeech
from .head import CLASSES, REGIONS
from .phones import PAUSE
from .score import spans
from .voice import GLOTTIS_NAMES, SAMPLE_RATE, TRACT_NAMES

# The TextGrid is written last: an utterance that has one is complete.
SOUND_SUFFIXES = (".wav", ".truth.npz", ".TextGrid")


def is_complete(folder: Path, name: str, pictures: bool) -> bool:
    """Whether every file of the utterance is there (each appears under its name only when it is whole)."""
    suffixes = (".mkv", *SOUND_SUFFIXES) if pictures else SOUND_SUFFIXES
    return all((folder / f"{name}{suffix}").is_file() for suffix in suffixes)


def write_clip(folder: Path, name: str, clip: PhantomClip) -> None:
    """Write the four files of an utterance, each atomically. Raises InputError if the folder cannot be written."""
    with atomic_write(folder / f"{name}.mkv") as path:
        _write_video(path, clip.frames)
    shown = {"labels": clip.labels, "classes": np.array(CLASSES), "regions": np.array(json.dumps(REGIONS))}
    _write_sound(folder, name, clip.speech, shown | truth(clip.speech))


def write_speech(folder: Path, name: str, speech: PhantomSpeech) -> None:
    """The same without pictures: sound, truth without labels, phones."""
    _write_sound(folder, name, speech, truth(speech))


def _write_sound(folder: Path, name: str, speech: PhantomSpeech, known: dict[str, np.ndarray]) -> None:
    with atomic_write(folder / f"{name}.wav") as path:
        sf.write(path, speech.audio, SAMPLE_RATE, subtype="PCM_16")
    with atomic_write(folder / f"{name}.truth.npz") as path:
        np.savez_compressed(path, **known)
    with atomic_write(folder / f"{name}.TextGrid") as path:
        path.write_text(textgrid(speech), encoding="utf-8", newline="\n")


def _write_video(path: Path, frames: np.ndarray) -> None:
    """uint8 (T, H, W) as lossless gray FFV1 at the thesis' frame rate."""
    spec = MelSpec()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(spec.sample_rate, spec.hop_length))
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = "gray"
        stream.thread_count = 1
        stream.options = {"level": "3", "slices": "4", "coder": "0", "context": "0"}
        for frame in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="gray")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def truth(speech: PhantomSpeech) -> dict[str, np.ndarray]:
    """How the speech came about, as named arrays; the meaning of each is in PhantomSpeech."""
    segments = [s for s in spans(speech.utterance.phones)]
    return {
        "fps": np.array(FPS),
        "tract": speech.tract.astype(np.float32),
        "tract_names": np.array(TRACT_NAMES),
        "glottis": speech.glottis.astype(np.float32),
        "glottis_names": np.array(GLOTTIS_NAMES),
        "area_cm2": speech.area_cm2.astype(np.float32),
        "length_cm": speech.length_cm.astype(np.float32),
        "velum_cm2": speech.velum_cm2.astype(np.float32),
        "formants_hz": speech.formants_hz.astype(np.float32),
        "f0_hz": speech.f0_hz.astype(np.float32),
        "phones": np.array([name for name, _, _ in segments]),
        "phone_start_s": np.array([start for _, start, _ in segments]),
        "phone_end_s": np.array([end for _, _, end in segments]),
    }


def textgrid(speech: PhantomSpeech) -> str:
    """Praat's TextGrid with one tier of phones; pauses are empty intervals. It ends where the sound ends."""
    end = len(speech.tract) / FPS
    segments = [(name, a, min(b, end)) for name, a, b in spans(speech.utterance.phones) if a < end]
    segments[-1] = (*segments[-1][:2], end)
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.6f}", "tiers? <exists>",
        "size = 1", "item []:", "    item [1]:", '        class = "IntervalTier"', '        name = "phones"',
        "        xmin = 0", f"        xmax = {end:.6f}", f"        intervals: size = {len(segments)}",
    ]  # fmt: skip
    for k, (name, a, b) in enumerate(segments, 1):
        text = "" if name == PAUSE else name
        lines += [
            f"        intervals [{k}]:", f"            xmin = {a:.6f}", f"            xmax = {b:.6f}",
            f'            text = "{text}"',
        ]  # fmt: skip
    return "\n".join([*lines, ""])

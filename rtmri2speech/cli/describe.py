"""Description of a clip or a bundle, for people and programs: the command info."""

from typing import TYPE_CHECKING

from ..clips import frame_rate
from ..clips.clip import Clip
from ..names import readable
from ..spec import MelSpec

if TYPE_CHECKING:  # describing a clip needs no network packages
    from ..models.bundle import Bundle


def describe_clip(clip: Clip) -> dict:
    """The recording's properties, and those at the default model's frame rate."""
    rows, columns = clip.padding
    rate = MelSpec().fps
    sound = clip.sound
    return {
        "kind": "clip",
        "file": readable(clip.source),
        **clip.details,
        "frames": len(clip.frames),
        "width": clip.frames.shape[2],
        "height": clip.frames.shape[1],
        "pixel_mm": clip.pixel_mm,
        "fps": round(clip.fps, 4),
        "constant_rate": clip.constant_rate,
        "duration_s": round(clip.duration, 4),
        "audio_rate": clip.audio_rate,
        "audio_s": None if sound is None else round(len(sound[0]) / sound[1], 4),
        "padding": f"{rows} black rows and {columns} black columns make the picture square before the model",
        "model_frames": frame_rate.frame_count(clip, rate),
        "model_fps": round(rate, 4),
        "retimed": not frame_rate.at_rate(clip, rate),
        "notes": [str(note) for note in clip.notes],
    }


def describe_bundle(bundle: "Bundle") -> dict:
    """A bundle's computation, the size of its networks, and its origin."""
    from ..models.bundle import KINDS
    from ..models.device import device_name
    from ..models.vocoder import kind_of

    return {
        "kind": "bundle",
        "name": bundle.name,
        "bundle_kind": bundle.kind,
        "meaning": KINDS[bundle.kind],
        "description": bundle.description,
        "mel": bundle.mel.to_json(),
        "frames": bundle.frames.to_json(),
        "fps": bundle.fps,
        "acoustic": bundle.acoustic.config.to_json(),
        "acoustic_parameters": sum(p.numel() for p in bundle.acoustic.parameters()),
        "vocoder_parameters": sum(p.numel() for p in bundle.vocoder.parameters()),
        "vocoder": {"kind": kind_of(bundle.vocoder), **bundle.vocoder.to_json()},
        "device": device_name(bundle.device),
        "training": bundle.training,
        "sha256": bundle.sha256,
    }

"""rtmri2speech: from a real-time MRI clip of a speaking vocal tract to speech, and to what drove it.

    from rtmri2speech import read_clip, load_bundle, analyse
    analysis = analyse(load_bundle(), read_clip("clip.mp4"))

Names are imported when they are first used, so that `import rtmri2speech` stays quick.
"""

from importlib import import_module

__version__ = "0.1.0"

_WHERE = {
    "read_clip": "clip",
    "Clip": "clip",
    "ClipLimits": "clip",
    "load_bundle": "models.load",
    "Bundle": "models.bundle",
    "analyse": "analysis",
    "Analysis": "analysis",
    "Band": "spec",
    "MelSpec": "spec",
    "FrameSpec": "spec",
    "F1": "spec",
    "F2": "spec",
    "InputError": "errors",
}
__all__ = sorted(_WHERE)


def __getattr__(name: str):
    if name not in _WHERE:
        raise AttributeError(f"module 'rtmri2speech' has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)

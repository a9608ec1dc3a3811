from .analysis.pipeline import analyse
from .analysis.result import Analysis
from .clips.clip import Clip, ClipLimits, read_clip
from .errors import InputError
from .models.bundle import Bundle
from .models.load import load_bundle
from .spec import F1, F2, Band, FrameSpec, MelSpec

__version__: str
__all__ = [
    "F1",
    "F2",
    "Analysis",
    "Band",
    "Bundle",
    "Clip",
    "ClipLimits",
    "FrameSpec",
    "InputError",
    "MelSpec",
    "analyse",
    "load_bundle",
    "read_clip",
]

"""Regions: the part of the head at each pixel, in every frame of a clip.

The picture is the model's: the clip's frame padded to a square (preprocessing.square_frames), 256 pixels wide. Its
coordinates are normalised: x runs right and y down, both from 0 to 1; `to_clip` converts them to the clip's pixels.

    regions.mask("tongue")         (T, 256, 256) bool; also groups, "lips" and "tract"
    regions.mask_on_clip("lips")   (T, H, W) float32 in [0, 1] on the clip's own pixels
    regions.at(indices)            the Regions of other frames, such as analysis.of_clip_frame
    regions.source                 "segmenter", "truth" or "template"; regions.corrections: manual changes
    regions.verdict                whether this is a midsagittal head, as a sentence
    regions.confidence             (T, regions): confidence of the segmenter, 0 to 1
"""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from ..errors import InputError

NAMES = (
    "rest", "tongue", "lower_lip", "upper_lip", "velum", "jaw", "hard_palate", "pharynx_wall", "larynx", "airway",
    "brain", "spine",
)  # fmt: skip
REST = 0
# Groups of regions. "tract" is the vocal tract.
GROUPS = {
    "lips": ("lower_lip", "upper_lip"),
    "tract": (
        "tongue", "lower_lip", "upper_lip", "velum", "jaw", "hard_palate", "pharynx_wall", "larynx", "airway",
    ),
}  # fmt: skip
SIZE = 256
SOURCES = ("segmenter", "truth", "template")
FACINGS = ("left", "right")


@dataclass(frozen=True)
class Verdict:
    """Verdict on regions. kind: one of KINDS; values: of its sentence's placeholders."""

    kind: str
    values: dict = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        return KINDS[self.kind].format(**self.values)

    @property
    def usable(self) -> bool:
        """False without a midsagittal head: the regions are then meaningless."""
        return self.kind not in ("not_a_head", "turned")


KINDS = {
    "profile": "The picture shows a head in profile.",
    "cut_off": "The picture shows a head in profile, but part of the tract lies outside it: {missing}.",
    "uncertain": "The regions are uncertain: in {share:.0%} of the frames the segmenter is not sure of the tract.",
    "turned": "The picture does not show an upright head in profile; turn the clip first.",
    "not_a_head": "The picture does not show a head in profile: there are no regions to tell.",
}


@dataclass(frozen=True)
class Correction:
    """A manual correction: a function of anatomy.corrections and its arguments."""

    what: str
    values: dict


@dataclass(frozen=True)
class Regions:
    """Regions of T frames.

    labels: uint8 (T, 256, 256), indices into NAMES. shape: (height, width) of the clip's own frames. source: one of
    SOURCES. confidence: float32 (T, len(NAMES)) in [0, 1], 0 for an absent region. facing: "left" or "right".
    """

    labels: np.ndarray
    fps: float
    shape: tuple[int, int]
    source: str
    confidence: np.ndarray
    facing: str = "left"
    verdict: Verdict = Verdict("profile")
    corrections: tuple[Correction, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def frame_confidence(self) -> np.ndarray:
        """(T,) confidence of the vocal tract: mean over its regions present in each frame."""
        tract = self.confidence[:, [NAMES.index(name) for name in GROUPS["tract"]]]
        there = (tract > 0).sum(axis=1)
        return tract.sum(axis=1) / np.maximum(there, 1)

    def mask(self, name: str) -> np.ndarray:
        """(T, 256, 256) bool: mask of a region or a group. Raises InputError for an unknown name."""
        first, *others = (NAMES.index(member) for member in members(name))
        mask = self.labels == first
        for other in others:  # comparisons are many times faster than a lookup
            mask |= self.labels == other
        return mask

    def mask_on_clip(self, name: str) -> np.ndarray:
        """(T, H, W) float32 in [0, 1]: share of each of the clip's own pixels that the region covers."""
        return np.stack([on_clip(mask, self.shape) for mask in self.mask(name)])

    def area(self, name: str) -> np.ndarray:
        """(T,) share of the picture that the region covers."""
        return self.mask(name).mean(axis=(1, 2))

    def to_clip(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the picture -> (x, y) in the clip's own pixels, (0, 0) at the upper left corner."""
        height, width = self.shape
        side = max(height, width)
        return np.asarray(points, float) * side - [(side - width) // 2, (side - height) // 2]

    def at(self, frames: np.ndarray) -> "Regions":
        """The regions of these frames (indices), in this order."""
        return replace(self, labels=self.labels[frames], confidence=self.confidence[frames])

    def provenance(self) -> dict:
        """Source and corrections of the regions, for a file beside results."""
        return {
            "source": self.source,
            "facing": self.facing,
            "verdict": self.verdict.kind,
            "corrections": [{"what": c.what, **c.values} for c in self.corrections],
        }


def members(name: str) -> tuple[str, ...]:
    """The regions of a group, or the region itself. Raises InputError for an unknown name."""
    if name in NAMES:
        return (name,)
    if name in GROUPS:
        return GROUPS[name]
    known = ", ".join([*NAMES[1:], *GROUPS])
    raise InputError("There is no region called {name!r}: give one of {known}.", name=name, known=known)


def on_clip(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A mask (256, 256) of the picture -> float32 (H, W) in [0, 1] on the clip's own pixels."""
    height, width = shape
    side = max(height, width)
    how = cv2.INTER_AREA if side < len(mask) else cv2.INTER_LINEAR
    square = cv2.resize(mask.astype(np.float32), (side, side), interpolation=how)
    top, left = (side - height) // 2, (side - width) // 2
    return square[top : top + height, left : left + width]


def smoothly_enlarged(labels: np.ndarray, size: int = SIZE) -> np.ndarray:
    """A label map (h, h) -> uint8 (size, size), upsampled with smooth borders."""
    present = np.unique(labels)
    shares = [
        cv2.resize((labels == k).astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR) for k in present
    ]
    return present[np.argmax(shares, axis=0)].astype(np.uint8)

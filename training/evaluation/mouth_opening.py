"""Whether a bundle is louder where the mouth is open, on clips without sound.

    python -m training.evaluation.mouth_opening CLIPS --bundle BUNDLE

The opening is read from the picture alone: how dark the region between the lips is (air gives no signal), the lips'
polygon being the template's (rtmri2speech.anatomy.polygons) or that of --regions. The measure is the
correlation over frames of that darkness with the predicted level. Chance: the same correlation with one of the two
moved in time against the other, by every lag of at least half a second, which keeps the rhythm of both (circular
shifts).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from typer import Argument, Option

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.anatomy.polygons import TEMPLATE, Region, mask, read_regions
from rtmri2speech.clips.clip import Clip, read_clip
from rtmri2speech.clips.frame_rate import retime
from rtmri2speech.errors import InputError
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.load import load_bundle

from ..engine.console import plain_errors

SHORTEST_LAG_S = 0.5
_SLOW_S = 4.0  # slower changes, of the coil or the head, are no speech


@dataclass(frozen=True)
class Opening:
    """correlation: of opening and level. chance: the same at every lag. share_above: of them at least as high."""

    correlation: float
    chance: np.ndarray
    share_above: float


def mouth_opening(frames: np.ndarray, lips: Region) -> np.ndarray:
    """uint8 (T, H, W) -> (T,) how dark the lips' region is, relative to the whole picture of the same frame."""
    inside = mask(lips, *frames.shape[1:])
    share = (frames * inside).sum(axis=(1, 2)) / inside.sum()
    return -share / np.maximum(frames.mean(axis=(1, 2)), 1.0)


def without_trend(x: np.ndarray, length: int) -> np.ndarray:
    """(T,) less its moving mean over `length` frames."""
    window = np.ones(min(length, len(x)))
    return x - np.convolve(x, window, "same") / np.convolve(np.ones_like(x), window, "same")


def against_chance(opening: np.ndarray, level: np.ndarray, fps: float) -> Opening:
    """Correlate two courses (T,), and again with one of them shifted in a circle. Raises InputError below 2 s."""
    shortest = round(SHORTEST_LAG_S * fps)
    if len(opening) < 4 * shortest:
        raise InputError("The clip has {count} frames: too few to tell a correlation from chance.", count=len(opening))
    a, b = (without_trend(np.asarray(x, float), round(_SLOW_S * fps)) for x in (opening, level))
    correlation = float(np.corrcoef(a, b)[0, 1])
    lags = range(shortest, len(a) - shortest + 1)
    chance = np.array([np.corrcoef(a, np.roll(b, lag))[0, 1] for lag in lags])
    return Opening(correlation, chance, float((chance >= correlation).mean()))


def judge(bundle: Bundle, clip: Clip, lips: Region) -> Opening:
    """The level is the mean of the predicted mel over its bins, dB."""
    level = analyse(bundle, clip, bands=()).mel_db.mean(axis=1)
    return against_chance(mouth_opening(retime(clip, bundle.fps), lips), level, bundle.fps)


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(help="Clips of a speaking head that looks left.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
    regions: Annotated[Path | None, Option("--regions", help='JSON file with a region called "lips".')] = None,
) -> None:
    """Does the synthesised level follow the visible opening of the mouth better than chance?"""
    judged = load_bundle(bundle) if bundle else load_bundle()
    lips = [r for r in (read_regions(regions) if regions else TEMPLATE) if r.name == "lips"]
    if not lips:
        raise InputError('{regions} has no region called "lips".', regions=regions)
    for path in clips:
        result = judge(judged, read_clip(path), lips[0])
        low, high = np.percentile(result.chance, [2.5, 97.5])
        print(
            f"{path.name}: correlation {result.correlation:+.2f}; at other lags {low:+.2f} to {high:+.2f} (95 %), "
            f"{100 * result.share_above:.0f} % as high"
        )


if __name__ == "__main__":
    typer.run(main)

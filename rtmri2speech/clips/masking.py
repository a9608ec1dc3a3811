"""Pictures with a region darkened or replaced."""

import numpy as np

from ..errors import InputError


def dim(frames: np.ndarray, region_mask: np.ndarray, strength: float) -> np.ndarray:
    """Darken a region: uint8 (T, H, W) and a mask in [0, 1], (H, W) or one a frame (T, H, W), give uint8 (T, H, W).

    strength is the share of intensity taken away: 0 changes nothing, 0.3 leaves the region 70 % of its intensity,
    1 makes it black.
    """
    return mixed(frames, np.zeros(frames.shape[1:], np.float32), region_mask, strength)


def mean_picture(frames: np.ndarray) -> np.ndarray:
    """The mean over uint8 (T, H, W) frames, float32 (H, W): mixed into a region it takes the movement out of it and,
    unlike `dim`, leaves no black hole, which a model takes for air."""
    total = np.zeros(frames.shape[1:])
    for frame in frames:
        total += frame
    return (total / len(frames)).astype(np.float32)


def check_strength(strength: float) -> None:
    """Raises InputError unless it is from 0 to 1."""
    if not 0 <= strength <= 1:
        raise InputError(
            "The strength of the mask must be from 0 (no change) to 1 (all of it), not {given!r}.", given=strength
        )


def mixed(frames: np.ndarray, other: np.ndarray, region_mask: np.ndarray, strength: float) -> np.ndarray:
    """Each of the frames, uint8 (T, H, W), with a share of it, strength times the mask, replaced by the picture `other`
    (H, W). The mask as for `dim`."""
    check_strength(strength)
    fits = region_mask.shape in (frames.shape, frames.shape[1:])
    if frames.dtype != np.uint8 or frames.ndim != 3 or not fits:
        raise InputError(
            "Hiding a region needs uint8 frames (T, H, W) and a mask of their size; got {dtype} {shape} and {mask}.",
            dtype=frames.dtype,
            shape=frames.shape,
            mask=region_mask.shape,
        )
    replaced = np.empty_like(frames)
    for t, frame in enumerate(frames):  # frame by frame: a long clip in float would need four times its memory
        share = strength * (region_mask if region_mask.ndim == 2 else region_mask[t]).astype(np.float32)
        replaced[t] = np.rint(frame * (1 - share) + other * share)
    return replaced

"""Masking: darken or replace a region of frames."""

import numpy as np

from ..errors import InputError


def dim(frames: np.ndarray, region_mask: np.ndarray, strength: float) -> np.ndarray:
    """Darken a region of uint8 (T, H, W); the mask in [0, 1] is (H, W) or (T, H, W). Returns uint8 (T, H, W).

    strength: share of intensity removed, 0 to 1; 1 makes the region black.
    """
    return mixed(frames, np.zeros(frames.shape[1:], np.float32), region_mask, strength)


def mean_picture(frames: np.ndarray) -> np.ndarray:
    """Temporal mean of uint8 frames (T, H, W), float32 (H, W). As a fill it removes a region's movement; a black fill
    looks like air to a model."""
    total = np.zeros(frames.shape[1:])
    for frame in frames:
        total += frame
    return (total / len(frames)).astype(np.float32)


def check_strength(strength: float) -> None:
    """Raises InputError unless strength is from 0 to 1."""
    if not 0 <= strength <= 1:
        raise InputError(
            "The strength of the mask must be from 0 (no change) to 1 (all of it), not {given!r}.", given=strength
        )


def mixed(frames: np.ndarray, other: np.ndarray, region_mask: np.ndarray, strength: float) -> np.ndarray:
    """Frames uint8 (T, H, W) mixed with the picture `other` (H, W), in the proportion strength * mask. The mask as for
    `dim`. Raises InputError for shapes that do not fit."""
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
    for t, frame in enumerate(frames):  # frame by frame, as the clip in float would need four times its memory
        share = strength * (region_mask if region_mask.ndim == 2 else region_mask[t]).astype(np.float32)
        replaced[t] = np.rint(frame * (1 - share) + other * share)
    return replaced

"""Registration of heads of different size, place and tilt by similarity transforms of the regions' centroids.

Generalised Procrustes analysis (J. Gower, Psychometrika 40 (1975) 33), each fit as S. Umeyama, IEEE Trans. PAMI 13
(1991) 376, without reflections.
"""

from collections.abc import Sequence

import cv2
import numpy as np

LEAST = 3  # least number of landmarks shared by two heads
_ROUNDS = 10


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2, 3) matrix of the similarity transform that best fits points (K, 2) to others; rows with NaN in either are
    ignored. The identity, with fewer than LEAST common points."""
    both = np.isfinite(source).all(axis=1) & np.isfinite(target).all(axis=1)
    if both.sum() < LEAST:
        return np.eye(2, 3)
    a, b = source[both], target[both]
    from_middle, to_middle = a.mean(axis=0), b.mean(axis=0)
    a, b = a - from_middle, b - to_middle
    u, strength, vt = np.linalg.svd(b.T @ a)
    unmirrored = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    turn = u @ np.diag(unmirrored) @ vt
    matrix = (strength * unmirrored).sum() / (a**2).sum() * turn
    return np.column_stack([matrix, to_middle - matrix @ from_middle])


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (..., 2) transformed by a (2, 3) matrix."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def common_head(landmarks: Sequence[np.ndarray]) -> np.ndarray:
    """Mean shape (K, 2) of heads by their landmarks (K, 2), at their mean size, place and tilt."""
    known = [points for points in landmarks if np.isfinite(points).all(axis=1).sum() >= LEAST]
    if not known:
        return np.full((len(landmarks[0]), 2), np.nan)
    head = max(known, key=lambda points: np.isfinite(points).sum())
    for _ in range(_ROUNDS):
        head = _mean([moved(points, similarity(points, head)) for points in known])
        back = [similarity(head, points) for points in known]
        head = moved(head, np.mean(back, axis=0))  # else it shrinks, as a mean of differing shapes does
    return head


def _mean(points: Sequence[np.ndarray]) -> np.ndarray:
    stacked = np.stack(points)
    there = np.isfinite(stacked)
    total, count = np.where(there, stacked, 0).sum(axis=0), there.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def laid(picture: np.ndarray, matrix: np.ndarray, side: int) -> np.ndarray:
    """A picture or map (h, w) of the unit square, transformed by the matrix: (side, side) float32, NaN outside."""
    scale = side * matrix[:, :2] @ np.diag(1 / np.array(picture.shape[::-1]))  # pixels of the picture -> of the result
    shift = scale.sum(axis=1) / 2 + side * matrix[:, 2] - 0.5  # pixel centres lie at half pixels
    moved_by = np.column_stack([scale, shift])
    enlarged = cv2.warpAffine(
        picture.astype(np.float32), moved_by, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    corners = (np.indices((side, side)).reshape(2, -1)[::-1].T + 0.5) / side
    turned = np.linalg.inv(matrix[:, :2])
    origin = (corners - matrix[:, 2]) @ turned.T
    reached = ((origin >= 0) & (origin <= 1)).all(axis=1).reshape(side, side)
    return np.where(reached, enlarged, np.float32(np.nan))

"""Orientation of frames by radiological convention: head up, and a midsagittal face to the left."""

import numpy as np

_PLANES = ("sagittal", "coronal", "axial")  # by the axis normal to the picture: x, y, z


def upright(frames: np.ndarray, down: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, str | None]:
    """Frames (T, H, W) rotated and mirrored to radiological convention, and the name of the plane.

    down, right: (3,) directions of rows and columns in DICOM's patient coordinates: x to the patient's left, y to the
    back, z to the head. Sagittal: head up, face left. Coronal: head up; axial: face up; both with the patient's right
    on the left. Frames unchanged and None, where the directions are undefined.
    """
    steps = np.array([down, right], np.float64)
    row, column = np.abs(steps).argmax(axis=1)
    if row == column or not np.isfinite(steps).all() or not steps.any(axis=1).all():
        return frames, None
    signs = [np.sign(steps[0, row]), np.sign(steps[1, column])]
    if column > row:
        frames, row, column, signs = frames.transpose(0, 2, 1), column, row, signs[::-1]
    towards_feet = -1 if row == 2 else 1
    frames = frames[:, :: int(signs[0] * towards_feet), :: int(signs[1])]
    return np.ascontiguousarray(frames), _PLANES[3 - row - column]

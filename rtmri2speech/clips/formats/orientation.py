"""Pictures as a reader expects them, from how they lie in the patient: up is up, and a face in profile looks left."""

import numpy as np

_PLANES = ("sagittal", "coronal", "axial")  # by the axis that is not in the picture: x, y, z


def upright(frames: np.ndarray, down: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, str | None]:
    """frames (T, H, W) -> turned and mirrored as radiologists show them, and the name of the plane.

    down, right: (3,) where a next row and a next column lie, in the patient's coordinates as DICOM has them: x to their
    left, y to their back, z to their head. Sagittal: the head up, the face to the left. Coronal: the head up; axial:
    the face up; both with the patient's right on the left. None, and the frames as they are, where the directions say
    nothing.
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

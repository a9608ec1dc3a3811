"""Surfaces: the picture shared out among the articulators, each with the air along it.

The air of the tract and the edge of an articulator are where a map says that the articulator's place matters: a map's
cell covers both sides of a border. So each pixel of the airway is given to the nearest articulator within AIR_SHARE of
the picture's width, and each pixel of no region within RIM_SHARE. Air above palate, velum or upper lip, and air with no
articulator near it (nasal cavity, sinuses, trachea), is "other_air". The tongue is split where the hard palate ends.
"""

import cv2
import numpy as np

from .regions import GROUPS, NAMES, REST, Regions

SURFACES = (
    "lips", "tongue_front", "tongue_back", "velum", "jaw", "hard_palate", "pharynx_wall", "larynx", "other_air",
    "brain", "spine",
)  # fmt: skip
ELSEWHERE = len(SURFACES)  # in surface_labels: a pixel of none
AIR_SHARE = 1 / 16  # about 15 mm of a head's 25 cm: half of a wide pharynx or an open mouth
RIM_SHARE = 1 / 85  # 3 of 256 pixels
_AIRWAY = NAMES.index("airway")
_ROOFS = [NAMES.index(name) for name in ("hard_palate", "velum", "upper_lip")]
# Owners of air: every region of the tract but the air itself.
_OWNERS = np.array([name in GROUPS["tract"] and name != "airway" for name in NAMES])


def surface_labels(regions: Regions) -> np.ndarray:
    """The surface at each pixel of every frame: uint8 (T, 256, 256), indices into SURFACES, ELSEWHERE for none."""
    facing_right = regions.facing == "right"
    labels = regions.labels[:, :, ::-1] if facing_right else regions.labels
    found = np.stack([_of_frame(np.ascontiguousarray(frame)) for frame in labels])
    return np.ascontiguousarray(found[:, :, ::-1]) if facing_right else found


def _of_frame(labels: np.ndarray) -> np.ndarray:
    """Labels uint8 (H, W) of a face to the left -> surfaces."""
    owned = _with_air(labels)
    surfaces = np.full(labels.shape, ELSEWHERE, np.uint8)
    for name in NAMES[1:]:
        surface = "lips" if name in GROUPS["lips"] else "other_air" if name == "airway" else name
        if surface in SURFACES:
            surfaces[owned == NAMES.index(name)] = SURFACES.index(surface)
    tongue = owned == NAMES.index("tongue")
    in_front = np.arange(labels.shape[1]) < _end_of_palate(labels)
    surfaces[tongue & in_front] = SURFACES.index("tongue_front")
    surfaces[tongue & ~in_front] = SURFACES.index("tongue_back")
    return surfaces


def _with_air(labels: np.ndarray) -> np.ndarray:
    """Labels in which air and rim belong to the nearest articulator."""
    owners = _OWNERS[labels]
    if not owners.any():
        return labels
    distance, nearest = cv2.distanceTransformWithLabels(
        (~owners).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows = np.zeros(nearest.max() + 1, np.int32)  # of each articulator's pixel, by its label in `nearest`
    names = np.zeros(nearest.max() + 1, np.uint8)
    at = nearest[owners]
    rows[at], names[at] = np.nonzero(owners)[0], labels[owners]
    owner, width = names[nearest], labels.shape[1]
    above = np.isin(owner, _ROOFS) & (np.arange(len(labels))[:, None] < rows[nearest])
    air = (labels == _AIRWAY) & (distance <= AIR_SHARE * width) & ~above
    rim = (labels == REST) & (distance <= RIM_SHARE * width) & ~above
    return np.where(air | rim, owner, labels)


def _end_of_palate(labels: np.ndarray) -> float:
    """The column where the hard palate ends, or else of the tongue's centroid, of a face to the left."""
    palate = np.flatnonzero((labels == NAMES.index("hard_palate")).any(axis=0))
    if len(palate):
        return float(palate[-1])
    tongue = np.nonzero(labels == NAMES.index("tongue"))[1]
    return float(tongue.mean()) if len(tongue) else 0.0

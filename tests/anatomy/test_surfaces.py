"""Surfaces on a drawn head: a face to the left, palate above the tongue, pharynx wall behind it."""

import numpy as np
import pytest

from rtmri2speech.anatomy.regions import NAMES, Regions
from rtmri2speech.anatomy.surfaces import ELSEWHERE, SURFACES, surface_labels


def drawn() -> np.ndarray:
    labels = np.zeros((256, 256), np.uint8)

    def put(name, rows, columns):
        labels[slice(*rows), slice(*columns)] = NAMES.index(name)

    put("airway", (70, 76), (60, 150))  # nasal cavity
    put("airway", (10, 16), (30, 36))  # a sinus
    put("hard_palate", (80, 90), (60, 120))
    put("velum", (80, 90), (120, 150))
    put("airway", (90, 110), (60, 160))  # mouth
    put("airway", (90, 200), (160, 176))  # pharynx
    put("tongue", (110, 170), (70, 160))
    put("pharynx_wall", (80, 200), (176, 184))
    put("upper_lip", (84, 100), (40, 60))
    put("lower_lip", (110, 126), (40, 60))
    put("airway", (100, 110), (40, 70))
    put("airway", (200, 250), (160, 170))  # trachea
    return labels


def regions_of(labels: np.ndarray, facing: str = "left") -> Regions:
    return Regions(labels[None], 27.0, (256, 256), "truth", np.ones((1, len(NAMES)), np.float32), facing)


@pytest.mark.parametrize(
    "row, column, surface",
    [
        (93, 90, "hard_palate"),  # nearer to the palate than to the tongue
        (107, 90, "tongue_front"),
        (107, 150, "tongue_back"),
        (140, 90, "tongue_front"),
        (140, 150, "tongue_back"),
        (93, 135, "velum"),
        (150, 163, "tongue_back"),
        (150, 173, "pharynx_wall"),
        (105, 50, "lips"),
        (92, 38, "lips"),  # the rim in front of them
        (73, 90, "other_air"),
        (73, 135, "other_air"),
        (13, 33, "other_air"),
        (240, 165, "other_air"),
        (172, 100, "tongue_front"),  # the tongue's rim
        (180, 100, None),
        (40, 40, None),
    ],
)
def test_air_belongs_to_the_articulator_along_it(row, column, surface):
    for facing, labels, at in (("left", drawn(), column), ("right", drawn()[:, ::-1], 255 - column)):
        found = surface_labels(regions_of(np.ascontiguousarray(labels), facing))[0, row, at]
        assert (SURFACES[found] if found < ELSEWHERE else None) == surface


def test_without_articulators_nothing_is_shared_out():
    labels = np.zeros((256, 256), np.uint8)
    labels[10:20, 10:20] = NAMES.index("airway")
    found = surface_labels(regions_of(labels))[0]
    assert (found[10:20, 10:20] == SURFACES.index("other_air")).all() and (found == ELSEWHERE).sum() == 256**2 - 100

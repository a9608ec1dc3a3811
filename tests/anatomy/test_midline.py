"""The midline of the vocal tract against the centre line that VocalTractLab cuts its tube by, and the true lengths."""

from dataclasses import replace

import numpy as np
import pytest

from rtmri2speech.anatomy.articulation import midline
from rtmri2speech.anatomy.regions import NAMES, Regions, smoothly_enlarged
from rtmri2speech.anatomy.sources import region_of_class, regions_from_truth
from rtmri2speech.assets import ASSETS

CLIP = ASSETS / "clips" / "aiueo_known_speaker.truth.npz"


def test_it_runs_where_vocaltractlab_cuts_the_tract():
    """Stretches lie within 2.5 mm, at most 5, of the same shares of VocalTractLab's centre line."""
    vtl = pytest.importorskip("vocaltractlab_cython")
    from training.phantom.head import CLASSES, Outline, View
    from training.phantom.scanner import Scanner
    from training.phantom.speaker import make_speaker
    from training.phantom.voice import Voice

    speaker, labels, lines = make_speaker(3, 0), [], []
    scanner, still = Scanner(speaker), np.eye(3)[:2]
    with Voice(speaker) as voice:
        for vowel in "aie":
            state = np.array(vtl.get_shape(vowel, "tract"), float)
            outline = Outline.of(voice.outline(state), speaker, 0.0)
            labels.append(scanner.frame([outline] * 3, still, np.random.default_rng(0))[1])
            x, y, *_, along = vtl.get_centerline(state).T
            points = View.of(speaker, 256)(np.c_[x, -y] / [speaker.scale_x, speaker.scale_y])
            lines.append((points, along / along[-1]))
    table = region_of_class(CLASSES)
    maps = np.stack([smoothly_enlarged(table[one]) for one in labels])
    found = midline(Regions(maps, 27.0, (256, 256), "truth", np.ones((len(maps), len(NAMES)), np.float32)), 40)
    share, px_per_cm = (np.arange(40) + 0.5) / 40, 256 / speaker.field_of_view_cm
    for here, (points, along) in zip(found.points, lines, strict=True):
        theirs = np.stack([np.interp(share, along, axis) for axis in points.T], axis=1)
        apart_cm = np.hypot(*(here - theirs).T) / px_per_cm
        assert np.median(apart_cm) < 0.25 and apart_cm.max() < 0.5


def test_it_is_as_long_as_the_tract_is():
    with np.load(CLIP) as truth:
        true_cm = truth["length_cm"].sum(axis=1)
    length = midline(regions_from_truth(CLIP, len(true_cm), 11413 / 420, (256, 256)), 40).length
    px_per_cm = length / true_cm
    assert np.isfinite(length).all() and np.ptp(true_cm) / true_cm.mean() > 0.15
    assert px_per_cm == pytest.approx(np.median(px_per_cm), rel=0.04)


def test_a_face_to_the_right_has_the_mirrored_midline():
    left = regions_from_truth(CLIP, 8, 11413 / 420, (256, 256))
    right = replace(left, labels=np.ascontiguousarray(left.labels[:, :, ::-1]), facing="right")
    one, other = midline(left, 12), midline(right, 12)
    assert other.points == pytest.approx(one.points * [-1, 1] + [256, 0])
    assert other.widths == pytest.approx(one.widths)

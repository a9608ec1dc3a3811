"""Attribution along the tract: maps whose place is known, on a phantom whose tract is known."""

from dataclasses import replace

import numpy as np
import pytest

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.tract_sensitivity import STRETCHES, comparable, read_tract, share_of
from rtmri2speech.assets import ASSETS
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.spec import Band, MelSpec

CLIP = ASSETS / "clips" / "aiueo_known_speaker.mp4"
TRUTH = CLIP.with_suffix(".truth.npz")
BANDS = (Band("F1", 300, 900), Band("F2", 900, 2500))


@pytest.fixture(scope="module")
def analysis(bundle):
    return analyse(bundle, read_clip(CLIP), bands=BANDS, speak=False)


@pytest.fixture(scope="module")
def tract(analysis):
    return read_tract(TRUTH, analysis)


@pytest.mark.parametrize("cells", [32, 64])
def test_a_map_that_knows_acoustics_agrees_with_it(tract, cells):
    """Each stretch's sensitivity painted where the stretch is: the profile that is read off is the sensitivity."""
    true = tract.sensitivity(MelSpec(), BANDS)["F1"]
    painted = np.zeros((len(true), 256, 256), np.float32)
    for t in np.flatnonzero(tract.known):
        for (x, y), value in zip(tract.midline.points[t], true[t], strict=True):
            painted[t, int(y), int(x)] += value
    cam = painted.reshape(len(true), cells, 256 // cells, cells, 256 // cells).sum(axis=(2, 4))
    found = tract.attribution(cam)
    agreement = [np.corrcoef(found[t], true[t])[0, 1] for t in np.flatnonzero(tract.known)]
    assert np.mean(agreement) > (0.9 if cells == 64 else 0.8)


def test_attribution_outside_the_tract_belongs_to_no_stretch(tract):
    cam = np.zeros((len(tract.known), 16, 16), np.float32)
    cam[:, :3, 8:] = 1  # the brain
    assert not tract.attribution(cam).any()
    inside = np.ones((len(tract.known), 16, 16), np.float32)
    cells_of_tract = (tract.places < STRETCHES).mean(axis=(1, 2)) * 16 * 16
    assert tract.attribution(inside).sum(axis=1) == pytest.approx(cells_of_tract)


def test_opening_the_lips_of_u_raises_both_bands(tract):
    """G. Fant 1960: rounding lowers all formants."""
    found = tract.sensitivity(MelSpec(), BANDS)
    lips = slice(STRETCHES - 3, STRETCHES)
    frame_u = 30  # in the middle of u
    assert tract.known[frame_u]
    assert found["F1"][frame_u, lips].sum() > 0 and found["F2"][frame_u, lips].sum() > 0
    assert np.isnan(found["F1"][0]).all() and not tract.known[0]  # the pause before


def test_only_energies_between_fixed_limits_can_be_compared(analysis):
    assert [band.name for band in comparable(analysis)] == ["F1", "F2"]
    others = (BANDS[0], Band("box", 300, 900, 0.2, 0.4), Band.parse("loudness"), Band.parse("formant1"))
    settings = replace(analysis.settings, bands=others)
    assert [band.name for band in comparable(replace(analysis, settings=settings))] == ["F1"]
    assert comparable(replace(analysis, settings=replace(settings, energy="hz"))) == []


def test_shares_are_of_the_sum_of_sizes():
    assert share_of(np.array([[1.0, -3.0], [0.0, 0.0]])) == pytest.approx(np.array([[0.25, -0.75], [0, 0]]))


def test_another_file_is_no_truth(analysis, tmp_path):
    np.savez(tmp_path / "other.truth.npz", fps=27.0)
    with pytest.raises(InputError, match="not the truth of a phantom"):
        read_tract(tmp_path / "other.truth.npz", analysis)

"""A read-out of the voicing, against scikit-learn's logistic regression and against truth that is known."""

import numpy as np
import pytest

from rtmri2speech.errors import InputError
from rtmri2speech.finetuning.voicing import PENALTY, fit_voicing_probe
from training.acoustic.voicing_probe import error


def test_it_is_logistic_regression_with_a_penalty():
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    states = rng.normal(0, 1, (400, 6)).astype(np.float32)
    f0_hz = np.where(states @ [1, -2, 0.5, 0, 0, 0] + rng.normal(0, 1, 400) > 0.3, 160.0, 0.0)
    readout = fit_voicing_probe(states, f0_hz, "flat")
    wanted = linear_model.LogisticRegression(C=1 / (2 * PENALTY), tol=1e-8, max_iter=1000).fit(states, f0_hz > 0)
    assert np.allclose(readout.weight[0], wanted.coef_[0], atol=1e-3)
    assert readout.bias[0] == pytest.approx(wanted.intercept_[0], abs=1e-3)
    assert 2 ** readout.bias[1] == pytest.approx(160) and not readout.weight[1].any() and readout.default == "flat"
    assert error(readout, states, f0_hz) == pytest.approx(1 - wanted.score(states, f0_hz > 0))


def test_one_kind_of_frames_is_not_enough():
    with pytest.raises(InputError, match="both needed"):
        fit_voicing_probe(np.ones((5, 2), np.float32), np.full(5, 100.0), "flat")

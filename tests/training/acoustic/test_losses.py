import numpy as np
import pytest
import torch

from rtmri2speech.errors import InputError
from training.acoustic.losses import LossConfig, MaskedMSEMAE, band_mae_db, outside_share

NO_MOTION = dict(delta=(0.0, 0.0), delta_delta=(0.0, 0.0), latest=(0.0, 0.0))


def test_the_thesis_weights_are_the_default():
    loss = MaskedMSEMAE()
    assert loss.bins[[0, 5, 6, 15, 16, 31, 32, 47, 48, 63]].tolist() == pytest.approx(
        [2.0, 2.0, 3.0, 3.0, 2.4, 2.4, 1.6, 1.6, 1.8, 1.8]
    )
    assert loss.frames.tolist() == pytest.approx([1.6, 1.45, 1.3, 1.2, 1.15, 1.1, 1.05, 1.02])
    assert (loss.config.delta, loss.config.delta_delta, loss.config.latest) == ((0.3, 0.45), (0.1, 0.15), (0.2, 0.4))
    assert [loss.ramp(step) for step in (0, 60_000, 120_000, 500_000)] == [0, 0.5, 1, 1]


def test_weighted_error_by_hand_at_the_end_of_the_ramp():
    """Two frames, two bins. Weights: frames 2 and 1, bins 1 and 3; errors 1, 2 / 3, 0.

    (2*1*1 + 2*3*4 + 1*1*9 + 0) / ((2 + 1) * (1 + 3)) = 35 / 12.
    """
    loss = MaskedMSEMAE(LossConfig(((0, 1.0), (1, 3.0)), (2.0,), ramp_steps=10, **NO_MOTION), n_mels=2)
    predicted = torch.tensor([[[1.0, 2.0], [3.0, 0.0]]])
    assert loss(predicted, torch.zeros(1, 2, 2), torch.ones(1, 2), 10).item() == pytest.approx(35 / 12)
    assert loss(predicted, torch.zeros(1, 2, 2), torch.ones(1, 2), 0).item() == pytest.approx((1 + 4 + 9) / 4)


def test_motion_and_latest_terms_by_hand():
    """One bin, errors 0, 1, 3, 7: differences 1, 2, 4; second differences 1, 2; the latest frame has 7."""
    error = torch.tensor([0.0, 1.0, 3.0, 7.0])[None, :, None]
    target, mask = torch.zeros(1, 4, 1), torch.ones(1, 4)

    def value(**terms):
        config = LossConfig(((0, 1.0),), (), ramp_steps=4, **(NO_MOTION | terms))
        return MaskedMSEMAE(config, 1)(error, target, mask, 2).item()

    plain = (0 + 1 + 9 + 49) / 4
    assert value() == pytest.approx(plain)
    assert value(delta=(0.2, 0.4)) == pytest.approx(plain + 0.3 * (1 + 4 + 16) / 3)
    assert value(delta_delta=(0.2, 0.4)) == pytest.approx(plain + 0.3 * (1 + 4) / 2)
    assert value(latest=(0.2, 0.4)) == pytest.approx(plain + 0.3 * 49)


def test_what_is_masked_does_not_count():
    """A padded clip has the loss of the clip alone, and its own latest frame, whatever stands in the padding."""
    torch.manual_seed(0)
    loss = MaskedMSEMAE(LossConfig(ramp_steps=100))
    predicted, target = torch.randn(1, 9, 64), torch.randn(1, 9, 64)
    mask = torch.arange(9)[None] < 6
    alone = loss(predicted[:, :6], target[:, :6], torch.ones(1, 6, dtype=torch.bool), 30)
    assert loss(predicted, target, mask, 30).item() == pytest.approx(alone.item(), rel=1e-6)


def test_nothing_valid_gives_zero_and_no_nan_gradient():
    predicted = torch.randn(1, 3, 64, requires_grad=True)
    value = MaskedMSEMAE()(predicted, torch.randn(1, 3, 64), torch.zeros(1, 3), 0)
    value.backward()
    assert value.item() == 0 and torch.isfinite(predicted.grad).all()


def test_band_error_is_in_db():
    predicted, target = torch.zeros(1, 2, 4), torch.tensor([[[1.0, 1.0, 2.0, 0.0], [9.0, 9.0, 9.0, 9.0]]])
    std_db = torch.tensor([10.0, 20.0, 5.0, 1.0])
    mask = torch.tensor([[True, False]])
    errors = band_mae_db(predicted, target, mask, {"low": np.array([0, 1]), "high": np.array([2, 3])}, std_db)
    assert errors["low"].item() == pytest.approx(15) and errors["high"].item() == pytest.approx(5)


def test_bin_weights_must_fit_the_mel():
    with pytest.raises(InputError, match="bin 48"):
        MaskedMSEMAE(n_mels=40)


def test_the_share_outside_the_tract_by_hand():
    """Maps of two cells; of the left one the tract covers an eighth (half of enough), of the right one all."""
    tract = torch.tensor([[[0.5, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]])
    maps = torch.tensor([[[[3.0, 1.0]], [[-1.0, 0.0]]]])  # mean absolute activation 2 and 0.5
    assert outside_share(maps, tract).item() == pytest.approx(0.5 * 2 / 2.5)
    assert outside_share(torch.zeros(1, 2, 1, 2), tract).item() == 0

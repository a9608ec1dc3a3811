"""The loop of numbered steps: what it makes, tells and saves, and when."""

import pytest
import torch

from rtmri2speech.errors import InputError
from training.engine.loop import Intervals, choose_device, descend, require_finite, set_lr, train_loop


def test_each_step_is_made_once_and_everything_happens_in_its_rhythm(tmp_path, capsys):
    made, saved, validated = [], [], []

    def validate():
        validated.append(made[-1] + 1)
        return {"error": 0.5}

    train_loop(
        tmp_path,
        range(3, 10),
        lambda step: made.append(step) or {"loss": float(step)},
        Intervals(log_every=4, validate_every=6, checkpoint_every=5),
        save=saved.append,
        validate=validate,
    )
    assert made == list(range(3, 10))
    assert (saved, validated) == ([5, 10], [6, 10])
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("train")]
    # means since the last report: of step 3; of 4 to 7; of 8 and 9
    assert [line.split("  ")[0] for line in told] == ["train 4: loss 3", "train 8: loss 5.5", "train 10: loss 8.5"]


def test_tensorboard_counts_on_from_earlier_parts(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for part, before in (("first", 0), ("second", 2)):
        train_loop(
            tmp_path,
            range(2),
            lambda step: {"loss": 1.0},
            Intervals(1, 1, 1),
            save=lambda _: None,
            part=part,
            before=before,
        )
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [e.step for e in events.Scalars("first/loss")] == [1, 2]
    assert [e.step for e in events.Scalars("second/loss")] == [3, 4]


def test_each_validation_is_a_row_of_the_history(tmp_path):
    loop = {"save": lambda _: None, "validate": lambda: {"error": 0.5}, "history": True}
    train_loop(tmp_path, range(4), lambda step: {"loss": float(step)}, Intervals(2, 2, 9), **loop)
    rows = (tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()
    assert rows == ["step,loss,error", "2,0.5,0.5", "4,2.5,0.5"]


def test_one_step_goes_down_the_clipped_gradient_of_each_optimiser():
    weights = [torch.nn.Parameter(torch.zeros(2)) for _ in range(2)]
    one, other = (torch.optim.SGD([weight], lr=1.0) for weight in weights)
    weights[0].grad = torch.full((2,), 99.0)  # of an earlier step: does not count
    descend((weights[0] * torch.tensor([3.0, 4.0])).sum() + 0.5 * weights[1].sum(), one, other, clip=1.0, step=1)
    torch.testing.assert_close(weights[0].detach(), torch.tensor([-0.6, -0.8]), atol=1e-4, rtol=0)
    torch.testing.assert_close(weights[1].detach(), torch.tensor([-0.5, -0.5]))
    with pytest.raises(InputError, match="step 2 of train"):
        descend(weights[0].sum() * float("nan"), one, clip=1.0, step=2)


def test_a_run_that_is_done_makes_nothing(tmp_path):
    train_loop(tmp_path, range(3, 3), None, Intervals(1, 1, 1), save=None)
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_no_number_ends_the_run():
    require_finite(torch.tensor(1.0), "pa", 3)
    for bad in (float("nan"), float("inf")):
        with pytest.raises(InputError, match="step 3 of pa"):
            require_finite(torch.tensor(bad), "pa", 3)


def test_the_rate_reaches_every_group():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(3)]
    one = torch.optim.SGD([{"params": weights[:1]}, {"params": weights[1:2]}], lr=1.0)
    other = torch.optim.SGD(weights[2:], lr=1.0)
    set_lr(0.25, one, other)
    assert [g["lr"] for o in (one, other) for g in o.param_groups] == [0.25] * 3


def test_devices_by_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == choose_device("cpu").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("rtmri2speech.models.device._cuda_devices", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    assert choose_device("auto").type == choose_device("gpu").type == "cuda"
    with pytest.raises(InputError, match="no device 'toaster'"):
        choose_device("toaster")

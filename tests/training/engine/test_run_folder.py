"""A run goes on with the settings it was begun with, and with no others."""

import json
from dataclasses import asdict, dataclass, replace

import pytest

from rtmri2speech.errors import InputError
from rtmri2speech.files import write_json
from training.engine.run_folder import SETTINGS, append_row, read_settings, require_same


@dataclass(frozen=True)
class Net:
    width: int = 8
    rates: tuple[int, ...] = (2, 3)


@dataclass(frozen=True)
class Renamed:
    size: int = 1
    kernels: tuple[int, ...] = (3, 5)

    @classmethod
    def from_json(cls, data):
        return cls(data.get("size", data.get("side", 1)))


@dataclass(frozen=True)
class Run:
    steps: int
    net: Net = Net()
    seen: Renamed = Renamed()
    seed: int | None = None


def begun(tmp_path, run):
    write_json(tmp_path / SETTINGS, asdict(run))
    return read_settings(tmp_path, "x")


def test_the_same_settings_go_on_and_others_are_named(tmp_path):
    run = Run(5, Net(4, (5, 7)), seed=3)
    then = begun(tmp_path, run)
    require_same(tmp_path, run, then)
    with pytest.raises(InputError, match=r"begun with net\.rates = \[5, 7\], not \[5, 8\]"):
        require_same(tmp_path, replace(run, net=Net(4, (5, 8))), then)
    with pytest.raises(InputError, match="begun with steps = 5, not 6"):
        require_same(tmp_path, replace(run, steps=6), then)


def test_what_is_free_may_change(tmp_path):
    then = begun(tmp_path, Run(5))
    require_same(tmp_path, Run(9, Net(16)), then, free={"steps", "net.width"})
    require_same(tmp_path, Run(5, Net(16)), then, free={"net"})
    with pytest.raises(InputError, match=r"net\.rates"):
        require_same(tmp_path, Run(5, Net(16, (1,))), then, free={"net.width"})


def test_a_setting_newer_than_the_run_had_its_default(tmp_path):
    then = begun(tmp_path, Run(5))
    del then["net"]["rates"], then["seed"]
    require_same(tmp_path, Run(5), then)
    with pytest.raises(InputError, match=r"seed = None, not 1"):
        require_same(tmp_path, Run(5, seed=1), then)
    with pytest.raises(InputError, match=r"net\.rates = \[2, 3\], not \[2\]"):
        require_same(tmp_path, Run(5, Net(rates=(2,))), then)


def test_what_an_earlier_version_called_otherwise_is_compared(tmp_path):
    then = begun(tmp_path, Run(5)) | {"seen": {"side": 2}}
    require_same(tmp_path, Run(5, seen=Renamed(2)), then)
    with pytest.raises(InputError, match=r"seen\.size = 2, not 1"):
        require_same(tmp_path, Run(5), then)


def test_a_folder_without_readable_settings_is_no_run(tmp_path):
    for content in (None, "{"):
        if content:
            (tmp_path / SETTINGS).write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"not a run of training\.vocoder"):
            read_settings(tmp_path, "vocoder")


def test_the_history_has_one_header(tmp_path):
    for step in (1, 2):
        append_row(tmp_path / "history.csv", {"step": step, "loss": 0.5})
    assert (tmp_path / "history.csv").read_text(encoding="utf-8").splitlines() == ["step,loss", "1,0.5", "2,0.5"]
    write_json(tmp_path / "a.json", {"text": "母音"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"text": "母音"}

"""A run goes on with the settings it was begun with, and with no others."""

import csv
import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from rtmri2speech.errors import InputError
from rtmri2speech.files import write_json
from training.engine.run_folder import SETTINGS, append_row, check_resumable, held, read_settings

ROOT = Path(__file__).resolve().parents[3]


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
    check_resumable(tmp_path, run, then)
    with pytest.raises(InputError, match=r"begun with net\.rates = \[5, 7\], not \[5, 8\]"):
        check_resumable(tmp_path, replace(run, net=Net(4, (5, 8))), then)
    with pytest.raises(InputError, match="begun with steps = 5, not 6"):
        check_resumable(tmp_path, replace(run, steps=6), then)


def test_what_is_free_may_change(tmp_path):
    then = begun(tmp_path, Run(5))
    check_resumable(tmp_path, Run(9, Net(16)), then, free={"steps", "net.width"})
    check_resumable(tmp_path, Run(5, Net(16)), then, free={"net"})
    with pytest.raises(InputError, match=r"net\.rates"):
        check_resumable(tmp_path, Run(5, Net(16, (1,))), then, free={"net.width"})


def test_a_setting_newer_than_the_run_had_its_default(tmp_path):
    then = begun(tmp_path, Run(5))
    del then["net"]["rates"], then["seed"]
    check_resumable(tmp_path, Run(5), then)
    with pytest.raises(InputError, match=r"seed = None, not 1"):
        check_resumable(tmp_path, Run(5, seed=1), then)
    with pytest.raises(InputError, match=r"net\.rates = \[2, 3\], not \[2\]"):
        check_resumable(tmp_path, Run(5, Net(rates=(2,))), then)


def test_what_an_earlier_version_called_otherwise_is_compared(tmp_path):
    then = begun(tmp_path, Run(5)) | {"seen": {"side": 2}}
    check_resumable(tmp_path, Run(5, seen=Renamed(2)), then)
    with pytest.raises(InputError, match=r"seen\.size = 2, not 1"):
        check_resumable(tmp_path, Run(5), then)


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


def test_other_figures_later_stand_below_their_own_names(tmp_path):
    """As when an epoch was stopped before its validation, or another version of the program goes on."""
    path = tmp_path / "history.csv"
    append_row(path, {"step": 1, "loss": 0.5, "val": 0.25})
    append_row(path, {"step": 2, "extra": 7, "loss": 0.4})
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"step": "1", "loss": "0.5", "val": "0.25", "extra": ""},
        {"step": "2", "loss": "0.4", "val": "", "extra": "7"},
    ]


def test_a_run_that_went_on_from_an_earlier_step_has_each_step_once(tmp_path):
    path = tmp_path / "history.csv"
    for step, loss in ((10, 4), (20, 3), (30, 2), (20, 5)):
        append_row(path, {"step": step, "loss": loss})
    assert path.read_text(encoding="utf-8").splitlines() == ["step,loss", "10,4", "20,5"]


@dataclass(frozen=True)
class Start:
    run_dir: str
    restart: bool = False


def test_a_failed_start_leaves_all_as_it_was(tmp_path):
    new, old = tmp_path / "above" / "new", tmp_path / "old"
    with pytest.raises(InputError, match="bad"), held(Start(str(new))):
        (new / "settings.json").write_text("{}")
        raise InputError("bad")
    assert not new.parent.exists()
    old.mkdir()
    for name in ("settings.json", "last.ckpt", "mine.txt"):
        (old / name).write_text(name)
    with pytest.raises(InputError, match="bad"), held(Start(str(old), restart=True)):
        assert not (old / "last.ckpt").exists()
        (old / "settings.json").write_text("{}")
        raise InputError("bad")
    left = {path.name: path.read_text() for path in old.iterdir() if path.name != ".lock"}
    assert left == {name: name for name in ("settings.json", "last.ckpt", "mine.txt")}


def test_what_was_learnt_before_a_failure_stays(tmp_path):
    run = tmp_path / "run"
    with pytest.raises(InputError, match="bad"), held(Start(str(run))):
        (run / "last.ckpt").write_text("learnt")
        raise InputError("bad")
    assert (run / "last.ckpt").read_text() == "learnt"


def test_a_lock_ends_with_its_process(tmp_path):
    """Killed in the middle of it: nothing needs to be cleared away by hand."""
    run = Start(str(tmp_path / "run"))
    code = (
        "import sys, time; from pathlib import Path; from dataclasses import make_dataclass;"
        "from training.engine.run_folder import held;"
        "made = make_dataclass('S', ['run_dir', 'restart'])(sys.argv[1], False)\n"
        "with held(made): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, run.run_dir], stdout=subprocess.PIPE, cwd=ROOT) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="Another process is training in"), held(run):
            pass
        other.kill()
    with held(run):
        pass

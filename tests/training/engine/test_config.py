"""Settings on the command line: a file, and what replaces some of it."""

from dataclasses import dataclass

import pytest

from rtmri2speech.errors import InputError
from training.engine import config


@dataclass(frozen=True)
class Run:
    run_dir: str
    speakers: tuple[str, ...] = ()
    sources: dict[str, object] | None = None
    lr: float = 1.0
    restart: bool = False


@pytest.fixture
def read(tmp_path, monkeypatch):
    (tmp_path / "own.yaml").write_text("run_dir: ???  # where\nsources: {}\nlr: 1.0e-3\n", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("run_dir: other\n", encoding="utf-8")
    monkeypatch.setattr(config, "CONFIGS", tmp_path)
    return lambda *arguments: config.read_arguments(arguments, "own")


def test_arguments_replace_what_the_file_says(read):
    values = read("run_dir=2026-12-01", "+sources.a.folder=f", "lr=1e-4", "+speakers=[s01,s02]", "--restart")
    assert values["run_dir"] == "2026-12-01" and values["sources"] == {"a": {"folder": "f"}}
    run = config.build(Run, values | {"sources": None})
    assert run.lr == 1e-4 and run.speakers == ("s01", "s02") and run.restart
    assert read("--config-name", "other") == {"run_dir": "other"}


@pytest.mark.parametrize("bad", ["run_dir", "--loud", "--loud=1", "=1", "lr.x=1", "lr=[1", "+speakers=@a"])
def test_what_cannot_be_read_is_named(read, bad):
    with pytest.raises(InputError, match="argument|called lr.x|quotes"):
        read(bad)
    with pytest.raises(InputError, match="Cannot read the settings"):
        read("--config-name", "missing")


def test_help_shows_every_setting(read, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["command", "--help"])
    config.run_command(pytest.fail, Run, "own")
    assert "run_dir: ???  # where" in capsys.readouterr().out


def test_a_file_may_say_only_what_differs_from_its_base(tmp_path):
    (tmp_path / "a.yaml").write_text("lr: 1\nnet: {width: 2, rates: [1, 2]}\nsources: {}\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("base: a\nnet: {rates: [3]}\nsources: {x: {y: 1}}\n", encoding="utf-8")
    expected = {"lr": 1, "net": {"width": 2, "rates": [3]}, "sources": {"x": {"y": 1}}}
    assert config.read_yaml(tmp_path / "b.yaml") == expected

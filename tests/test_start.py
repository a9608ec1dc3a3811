"""The scripts for a double click: run.sh is run; run.bat and run.command must do the same in their words."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")

# Stands for python3 and, once "-m venv" was called, for .venv/bin/python: writes down how it was called.
PYTHON = """#!/bin/sh
echo "$@" >> "{log}"
case "$*" in
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *"pip install"*) exit {pip} ;;
esac
"""


@pytest.fixture
def copy(tmp_path):
    """A fresh copy whose python only notes its calls: start(pip=exit code) -> (result, calls)."""
    place = tmp_path / "a folder"
    place.mkdir()
    for name in ("run.sh", "run.command", "app.py", "requirements.txt", "constraints.txt"):
        shutil.copy(ROOT / name, place)
    tools = tmp_path / "tools"
    tools.mkdir()

    def start(pip=0, script="run.sh", *options):
        log = tmp_path / "log"
        log.unlink(missing_ok=True)
        (tools / "python3").write_text(PYTHON.format(log=log, pip=pip))
        (tools / "python3").chmod(0o755)
        environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
        command = ["sh", str(place / script), *options]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done, log.read_text().splitlines()

    start.place = place
    return start


@pytest.mark.parametrize("script", ["run.sh", "run.command"])
def test_the_first_start_makes_the_environment_and_later_ones_only_open_the_page(copy, script):
    done, calls = copy(0, script, "--port", "7777")
    assert done.returncode == 0
    assert calls == ["-m venv .venv", "-m pip install -q -r requirements.txt -c constraints.txt", "app.py --port 7777"]
    assert (copy.place / ".venv").is_dir()  # wherever the script is started from
    done, calls = copy(0, script)
    assert done.returncode == 0 and calls == ["app.py"] and "First start" not in done.stdout


def test_a_first_start_without_network_says_so_and_is_tried_again(copy):
    done, calls = copy(pip=1)
    assert done.returncode == 1 and "could not be installed" in done.stdout and "app.py" not in calls
    done, calls = copy(pip=0)
    assert done.returncode == 0 and calls[-2:] == ["-m pip install -q -r requirements.txt -c constraints.txt", "app.py"]


def test_the_script_opens_the_real_page_program(tmp_path):
    for name in ("run.sh", "app.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "rtmri2speech").symlink_to(ROOT / "rtmri2speech")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / ".runtime").touch()
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(["sh", "run.sh", "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Usage: app.py" in done.stdout


def test_windows_script_does_the_same_and_has_windows_lines():
    script = (ROOT / "run.bat").read_bytes()
    assert script.count(b"\n") == script.count(b"\r\n") > 10
    for step in (
        b"-m venv .venv",
        b"-m pip install -q -r requirements.txt -c constraints.txt",
        b"app.py %*",
        b'cd /d "%~dp0"',
    ):
        assert step in script


def test_a_port_that_is_taken_names_the_option(capsys):
    from rtmri2speech.cli import main

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["app", "--port", str(port), "--no-browser"]) == 2
    assert f"Cannot listen on 127.0.0.1, port {port}: give another one with --port" in capsys.readouterr().err

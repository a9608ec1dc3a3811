"""pip install: the wheel carries everything, and works away from the checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import soundfile

from rtmri2speech import analyse, load_bundle, read_clip

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    subprocess.run([*PIP, "wheel", *offline, "-w", folder, ROOT], check=True)
    return next(folder.glob("rtmri2speech-*.whl"))


@pytest.fixture(scope="module")
def programs(wheel, tmp_path_factory) -> Path:
    """The folder of programs of a fresh environment with the wheel, which finds its dependencies in the present one."""
    folder = tmp_path_factory.mktemp("fresh") / "environment"
    venv.create(folder)
    scheme = {"base": str(folder), "platbase": str(folder)}
    library, programs = (Path(sysconfig.get_path(name, "venv", scheme)) for name in ("purelib", "scripts"))
    (library / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    python = next(programs.glob("python*"))
    subprocess.run([*PIP, "--python", python, "install", "--no-deps", "--no-index", wheel], check=True)
    return programs


def run(program: Path, *arguments, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [program, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout


def test_the_wheel_names_the_pins_of_the_requirements_files(wheel):
    with ZipFile(wheel) as archive:
        metadata = message_from_bytes(archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA"))))
    required = metadata.get_all("Requires-Dist")

    def pins(name: str) -> set[str]:
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        return {line for line in lines if line and line[0] not in "#-"}

    assert pins("requirements.txt") == {entry for entry in required if ";" not in entry}
    extras = {name: pins(f"requirements-{name}.txt") for name in ("train", "formats", "restore")}
    extras["dev"] = set.union(*extras.values(), pins("requirements-dev.txt"))
    for extra, wanted in extras.items():
        assert wanted == {entry.split(";")[0] for entry in required if entry.endswith(f"extra == '{extra}'")}


def kept(*folders: str) -> set[str]:
    """What git holds of these folders."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("This is not a git checkout.")
    return {path for path in listed.stdout.split("\0") if path and (ROOT / path).exists()}


def test_the_wheel_holds_what_git_holds_of_the_package_and_installs_no_other(wheel):
    with ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    assert {path.partition("/")[0].removesuffix(".dist-info") for path in inside} == {
        "rtmri2speech",
        wheel.name.partition("-py")[0],
    }
    assert (
        kept("rtmri2speech", "assets") - {path.replace("rtmri2speech/assets/", "assets/") for path in inside} == set()
    )


def test_the_source_archive_holds_training_too(tmp_path):
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], cwd=ROOT, check=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        inside = {path.partition("/")[2] for path in archive.getnames()}
    assert kept("rtmri2speech", "training", "assets") - inside == set()
    assert [path for path in inside if path.startswith("tests/")] == []


def test_installed_away_from_the_checkout(programs, tmp_path):
    python, command = programs / "python", programs / "rtmri2speech"
    assets = Path(run(python, "-c", "from rtmri2speech.assets import ASSETS; print(ASSETS)", folder=tmp_path).strip())
    assert assets.is_relative_to(programs.parent)
    clip = min((assets / "clips").glob("*.mp4"))
    told = json.loads(run(command, "info", clip, "--json", folder=tmp_path))
    here = read_clip(ROOT / "assets" / "clips" / clip.name)
    assert told["frames"] == len(here.frames)
    assert "--port" in run(command, "app", "--help", folder=tmp_path)
    run(command, "synth", clip, "-o", "said.wav", folder=tmp_path)
    said, rate = soundfile.read(tmp_path / "said.wav")
    wanted = analyse(load_bundle(), here, bands=())
    assert rate == wanted.sample_rate and np.abs(said - wanted.audio).max() < 1e-3

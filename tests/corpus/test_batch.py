"""rtmri2speech batch: the same files as the commands for one clip, gone on with, and one bad clip costs itself only."""

import csv
import filecmp
import json
import os
import signal
import time
from zipfile import ZipFile

import numpy as np
import pytest
import soundfile

from rtmri2speech.analysis import chunked
from rtmri2speech.cli import main
from rtmri2speech.corpus import batch, parallel
from rtmri2speech.models.load import load_bundle
from rtmri2speech.speech.audio import write_audio
from tests.conftest import moving_frames, write_mp4


@pytest.fixture
def corpus(tmp_path):
    sound = (0.1 * np.sin(np.arange(12000) / 20)).astype(np.float32)
    (tmp_path / "corpus" / "day2").mkdir(parents=True)
    write_mp4(tmp_path / "corpus" / "a.mp4", moving_frames(20), 27, sound)
    write_mp4(tmp_path / "corpus" / "day2" / "a.mp4", moving_frames(24, seed=1), 27)
    (tmp_path / "corpus" / "bad.mp4").write_bytes(b"no video at all")
    (tmp_path / "corpus" / "notes.txt").write_text("not a clip")
    return tmp_path / "corpus"


def run(capsys, *words):
    capsys.readouterr()
    code = main(["batch", *map(str, words)])
    return code, *capsys.readouterr()


def times(folder):
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


@pytest.mark.slow
def test_a_folder_becomes_what_the_commands_make_and_is_not_done_twice(corpus, tmp_path, bundle_folder, capsys):
    out, options = corpus / "out", ("--bundle", bundle_folder, "--precision", "fp32")
    make = ("--make", "speech", "--make", "heatmaps")
    code, told, err = run(capsys, corpus, "-o", out, *options, *make, "--jobs", 2)
    assert code == 1 and err == ""
    lines = told.splitlines()
    assert len(lines) == 4 and sum("left out: " in line and "bad.mp4" in line for line in lines) == 1
    with (out / "batch.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert {name: row["status"] for name, row in rows.items()} == {"a": "made", "bad": "left out", "day2/a": "made"}
    assert "not a video" in rows["bad"]["reason"] and float(rows["a"]["duration_s"]) == pytest.approx(20 / 27, abs=0.01)

    clip = corpus / "day2" / "a.mp4"
    assert main(["synth", str(clip), "-o", str(tmp_path / "s.wav"), *map(str, options)]) == 0
    assert main(["gradcam", str(clip), "-o", str(tmp_path / "gc"), *map(str, options)]) == 0
    assert filecmp.cmp(out / "day2" / "a" / "speech.wav", tmp_path / "s.wav", shallow=False)
    for band in ("F1", "F2"):
        name = f"gradcam_{band}_sequence.npy"
        np.testing.assert_allclose(np.load(out / "day2" / "a" / name), np.load(tmp_path / "gc" / name), atol=1e-4)
    before = times(out)
    code, told, _ = run(capsys, corpus, "-o", out, *options, *make)
    assert code == 1 and told.count("made before") == 2
    after = times(out)
    assert {f for f in before if before[f] != after[f]} == {str(out / "batch.csv")} and before.keys() == after.keys()

    (out / "a" / "mel.npy").unlink()  # a file that went is made again, and other choices are made anew
    _, told, _ = run(capsys, corpus, "-o", out, *options, *make)
    assert told.count("made before") == 1 and (out / "a" / "mel.npy").exists()
    _, told, _ = run(capsys, corpus, "-o", out, *options, "--make", "heatmaps", "--objective", "sequence")
    assert "made before" not in told
    assert (
        json.loads((out / "a" / "batch.json").read_text())["origin"]["choices"]["settings"]["objective"] == "sequence"
    )


@pytest.mark.slow
def test_exports_hold_the_sound_beside_the_clip(corpus, tmp_path, bundle_folder, capsys):
    soundfile.write(corpus / "day2" / "a.wav", (0.1 * np.sin(np.arange(14000) / 20)).astype(np.float32), 16000)
    words = (corpus / "day2", "-o", tmp_path / "o", "--bundle", bundle_folder, "--make", "export")
    code, told, _ = run(capsys, *words)
    assert code == 0 and "1 clips, 0 left out" in told
    with ZipFile(tmp_path / "o" / "a" / "a.zip") as archive:
        assert {"provenance.json", "a_speech.wav", "a_original.wav"} <= set(archive.namelist())
    assert {file.name for file in (tmp_path / "o" / "a").iterdir()} == {"a.zip", "batch.json"}


def killed_by_the_system(task, bundle, choices):
    """In place of batch.make: the process of the clip "bad" is ended, as when memory runs out."""
    if task.name == "bad":
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)
    return batch.Outcome(task.name, "made", 1.0, 0.1)


class Doomed(batch.Choices):
    """Choices that, when they reach a process, put killed_by_the_system there."""

    def __reduce__(self):
        return _doom, ()


def _doom():
    batch.make = killed_by_the_system
    return batch.Choices()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 3])
def test_a_process_that_is_ended_costs_its_own_clip(corpus, tmp_path, bundle_folder, jobs):
    outcomes = list(batch.run_batch(batch.tasks_of(corpus, tmp_path / "o"), bundle_folder, Doomed(), jobs))
    assert {o.name: o.status for o in outcomes} == {"a": "made", "day2/a": "made", "bad": "left out"}
    assert "memory" in next(o.reason for o in outcomes if o.name == "bad")


def test_a_fault_of_the_program_costs_one_clip(corpus, tmp_path):
    def fault(task, bundle, choices):
        raise ZeroDivisionError("division by zero")

    task = batch.tasks_of(corpus, tmp_path / "o")[0]
    outcome = parallel.attempt(batch.Choices(), fault, batch.left_out, task, None)
    assert (outcome.status, outcome.reason) == ("left out", "ZeroDivisionError: division by zero")


def test_bad_input(corpus, tmp_path, bundle_folder, capsys):
    def refused(words, *arguments):
        code, told, err = run(capsys, *arguments)
        assert code == 2 and told == "" and words in err and len(err.splitlines()) == 1, err

    before = times(tmp_path)
    refused("There is no folder", tmp_path / "nowhere", "-o", tmp_path / "o")
    refused("What to make is", corpus, "-o", tmp_path / "o", "--make", "coffee")
    refused("no bundle", corpus, "-o", tmp_path / "o", "--bundle", tmp_path)
    refused("at least 1", corpus, "-o", tmp_path / "o", "--bundle", bundle_folder, "--jobs", 0)
    refused("into a folder that is read", corpus, "-o", corpus, "--bundle", bundle_folder)
    (corpus / "a.mkv").write_bytes(b"")
    refused("have the same name", corpus, "-o", tmp_path / "o")
    (corpus / "a.mkv").unlink()
    assert times(tmp_path) == before


def test_speech_may_follow_the_sound_beside_the_clip(corpus, tmp_path, bundle_folder, monkeypatch):
    """As `export --reference` has it: the .wav of the clip's name is its reference speech."""
    write_audio(corpus / "day2" / "a.wav", 0.1 * np.sin(np.arange(16000) / 9), 16000)
    given = []
    whole = chunked.analyse

    def noted(*others, original=None, **choices):
        given.append(original)
        return whole(*others, original=original, **choices)

    monkeypatch.setattr(chunked, "analyse", noted)
    task = batch.Task("day2/a", corpus / "day2" / "a.mp4", tmp_path / "out")
    batch.make(task, load_bundle(bundle_folder), batch.Choices(("speech",)))
    assert given[0][1] == 16000 and len(given[0][0]) == 16000

"""Names of files as other systems write them: Shift-JIS bytes, kana in parts, capitals, a Mac's shadows."""

import csv
import json
import os
import shutil
import sys
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import parselmouth
import pytest
import soundfile

from rtmri2speech.cli import main
from rtmri2speech.corpus.survey import tasks_of
from rtmri2speech.evaluation.speech_quality import clips_in, read_with_sound
from rtmri2speech.labels.textgrid import labels_of
from rtmri2speech.names import readable
from rtmri2speech.ui.bundles import Bundles
from rtmri2speech.ui.examples import Examples
from tests.conftest import moving_frames, write_mp4
from training.evaluation.faithfulness import clips_of
from training.preprocess.phantom_truth import truth_file
from training.preprocess.sources import find_sources

SHIFT_JIS = os.fsdecode("表示ソ.mp4".encode("cp932"))  # of which two letters end in a backslash
needs_bytes = pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")


def textgrid(path: Path, seconds: float = 1.0) -> None:
    grid = parselmouth.TextGrid(0.0, seconds, tier_names=["phones"])
    parselmouth.praat.call(grid, "Set interval text", 1, 1, "a")
    grid.save(str(path), "TEXT")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    sound = 0.3 * np.random.default_rng(0).normal(size=16000).astype(np.float32).clip(-2, 2)
    return write_mp4(tmp_path_factory.mktemp("clip") / "a.mp4", moving_frames(27), audio=sound)


def test_readable():
    assert readable(SHIFT_JIS) == "表示ソ.mp4"
    assert readable(f"left out /data/x y/{SHIFT_JIS}: it is empty") == "left out /data/x y/表示ソ.mp4: it is empty"
    assert readable(f"「{SHIFT_JIS}」は空です。") == "「表示ソ.mp4」は空です。"
    assert readable("言葉 a/b.mp4") == "言葉 a/b.mp4"
    assert "\udcff" not in readable("a\udcff\udc00.mp4") and readable("\udcff.mp4").encode()


@needs_bytes
@pytest.mark.slow
def test_commands_take_names_in_shift_jis(tmp_path, clip, bundle_folder, capsys):
    folder = tmp_path / "clips"
    folder.mkdir()
    file = folder / SHIFT_JIS
    shutil.copy(clip, file)
    with_bundle = ["--bundle", str(bundle_folder)]
    assert main(["info", str(file)]) == 0 and "表示ソ.mp4" in capsys.readouterr().out
    assert main(["info", str(file), "--json"]) == 0 and json.loads(capsys.readouterr().out)["file"].endswith(
        "表示ソ.mp4"
    )
    assert main(["export", str(file), "-o", str(tmp_path / "a.zip"), "--regions", "template", *with_bundle]) == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        told = json.loads(archive.read("provenance.json"))
        assert told["clip"]["file"] == "表示ソ.mp4" and "表示ソ_speech.wav" in archive.namelist()
    assert main(["gradcam", str(file), "-o", str(tmp_path / "cam"), *with_bundle]) == 0
    assert json.loads((tmp_path / "cam" / "gradcam_F1_sequence.json").read_text("utf-8"))["video"] == "表示ソ.mp4"
    assert main(["evaluate", str(folder), *with_bundle]) == 0 and "表示ソ.mp4" in capsys.readouterr().out
    assert main(["batch", str(folder), "-o", str(tmp_path / "out"), "--make", "speech", *with_bundle]) == 0
    with (tmp_path / "out" / "batch.csv").open(encoding="utf-8") as table:
        assert [row["name"] for row in csv.DictReader(table)] == ["表示ソ"]
    file.write_bytes(b"")
    assert main(["info", str(file)]) == 2 and "表示ソ.mp4 is empty" in capsys.readouterr().err


@needs_bytes
def test_examples_in_shift_jis_have_names_that_a_browser_can_ask_for(tmp_path, clip):
    shutil.copy(clip, tmp_path / SHIFT_JIS)
    examples = Examples(Bundles(), tmp_path)
    assert examples.names == ["表示ソ"] and examples.path("表示ソ").is_file()


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_what_lies_beside_a_clip_is_found_in_any_form_and_capitals(tmp_path, clip, forms):
    composed, other = (unicodedata.normalize(form, "ががく") for form in forms)
    file = tmp_path / f"{composed}.MP4"
    shutil.copy(clip, file)
    textgrid(tmp_path / f"{other}.textgrid")
    soundfile.write(tmp_path / f"{other}.WAV", np.full(16000, 0.25), 16000)
    (tmp_path / f"{other}.truth.NPZ").write_bytes(b"")
    assert labels_of(file) is not None and truth_file(file) is not None
    silent = tmp_path / "silent"
    silent.mkdir()
    write_mp4(silent / f"{composed}.mp4", moving_frames(10))
    shutil.copy(tmp_path / f"{other}.WAV", silent)
    assert read_with_sound(silent / f"{composed}.mp4").audio.max() == pytest.approx(0.25)
    assert Examples(Bundles(), silent).sound(Examples(Bundles(), silent).first) is not None
    (source,), unusable = find_sources(silent, None, None, r"^(x)")
    assert source.audio is not None and not unusable


def test_a_survey_finds_textgrids_of_a_mac(tmp_path, clip):
    clips, labels = tmp_path / "clips", tmp_path / "labels"
    clips.mkdir(), labels.mkdir()
    shutil.copy(clip, clips / (unicodedata.normalize("NFC", "ががく") + ".mp4"))
    textgrid(labels / (unicodedata.normalize("NFD", "ががく") + ".textgrid"))
    (task,) = tasks_of(clips, labels, tmp_path / "out")
    assert task.labels is not None


def test_one_list_of_clips_for_all(tmp_path, clip):
    """In capitals or not; a Mac's ._clip.mp4 is none."""
    wanted = sorted(
        f"{k}{suffix}" for k, suffix in enumerate((".MP4", ".mkv", ".Mov", ".m4v", ".webm", ".GIF", ".mpg"))
    )
    for name in wanted:
        shutil.copy(clip, tmp_path / name)
    for name in ("._0.mp4", ".hidden.mkv", "notes.txt"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    found = [clips_in(tmp_path), clips_of([tmp_path]), [s.video for s in find_sources(tmp_path, None, None, "(x)")[0]]]
    examples = Examples(Bundles(), tmp_path)
    found.append([examples.path(name) for name in examples.names])
    assert [sorted(file.name for file in files) for files in found] == [wanted] * 4


def test_one_bad_clip_costs_itself_only(tmp_path, clip, bundle_folder, capsys):
    shutil.copy(clip, tmp_path / "good.mp4")
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    write_mp4(tmp_path / "silent.mp4", moving_frames(10))
    assert main(["evaluate", str(tmp_path), "--json", "--bundle", str(bundle_folder)]) == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert [Path(name).name for name in told["clips"]] == ["good.mp4"]
    assert sorted(Path(name).name for name in told["left_out"]) == ["bad.mp4", "silent.mp4"]
    assert err.count("left out") == 2
    (tmp_path / "good.mp4").unlink()
    assert main(["evaluate", str(tmp_path), "--bundle", str(bundle_folder)]) == 2
    assert "None of the 2 clips can be used" in capsys.readouterr().err


def test_two_examples_of_one_name_are_both_there(tmp_path, clip):
    for name in ("a.mp4", "a.mkv", "b.mp4"):
        shutil.copy(clip, tmp_path / name)
    assert Examples(Bundles(), tmp_path).names == ["a.mkv", "a.mp4", "b"]

"""No command writes onto what it reads: under its own name, through links, beside it, or around it."""

import json
import os
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtmri2speech.cli import app, main
from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs
from tests.conftest import moving_frames, write_mp4


def test_links_count_as_what_they_lead_to(tmp_path):
    (tmp_path / "clip.mp4").write_text("recording")
    (tmp_path / "there").mkdir()
    (tmp_path / "soft.mp4").symlink_to("clip.mp4")
    os.link(tmp_path / "clip.mp4", tmp_path / "hard.mp4")
    (tmp_path / "way").symlink_to(tmp_path)
    for output in ("clip.mp4", "soft.mp4", "hard.mp4", "there/../clip.mp4", "way/clip.mp4"):
        with pytest.raises(InputError, match="would be overwritten"):
            refuse_overwriting_inputs([tmp_path / output], [None, tmp_path / "clip.mp4"])
    refuse_overwriting_inputs([None, tmp_path / "out.mp4", tmp_path / "there"], [tmp_path / "clip.mp4", None])


def test_folders_that_are_read_or_hold_what_is_read(tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "1.png").write_text("")
    with pytest.raises(InputError, match="into a folder that is read"):
        refuse_overwriting_inputs([tmp_path / "frames" / "new.mp4"], [tmp_path / "frames"])
    with pytest.raises(InputError, match="holds .*1.png, which is read"):
        refuse_overwriting_inputs([tmp_path], [tmp_path / "frames" / "1.png"])
    refuse_overwriting_inputs([tmp_path / "frames" / "results" / "new.mp4"], [tmp_path / "frames"])


# ------------------------------------------------------------------------------------------------- the command line


@dataclass(frozen=True)
class Command:
    """reads: option -> file ("" for the argument). writes: options. rest: what the command needs besides."""

    reads: dict[str, str]
    writes: tuple[str, ...] = ("-o",)
    rest: tuple[str, ...] = field(default=())


COMMANDS = {
    "synth": Command({"": "clip.npy", "--bundle": "bundle/bundle.json"}, ("-o", "--mel")),
    "export": Command({"": "clip.mp4", "--reference": "voice.wav", "beside": "clip.TextGrid"}),
    "segment": Command({"": "map.npy", "beside": "map.json"}, rest=("--from", "0", "--to", "0.5")),
    "slowmo": Command({"": "clip.mp4", "--sequence": "map.npy", "beside": "map.json"}),
    "overlay": Command({"": "clip.mp4", "--heatmap": "map.npy", "--heatmap2": "map2.npy", "--audio": "voice.wav"}),
    "mask": Command({"": "clip.mp4", "--region": "lips.json"}),
    "regions": Command({"": "clip.mp4", "--learn": "map.json"}),
    "temporal": Command({"": "clip.npy", "--bundle": "bundle/bundle.json"}),
    "adapt": Command({"": "clip.mp4"}),
    "finetune": Command({"": "clip.mp4"}),
    "restore": Command({"": "voice.wav"}),
    "convert": Command(
        {"--acoustic": "a.pt", "--scaler": "scaler.json", "--vocoder": "g_00000001", "--vocoder-config": "config.json"}
    ),
}
NOTHING_WRITTEN = {"evaluate", "info", "app", "faithfulness"}
INTO_A_FOLDER = {"gradcam", "batch", "survey"}  # tested below, and in tests of their own


@pytest.fixture(scope="module")
def place(tmp_path_factory, bundle_folder):
    folder = tmp_path_factory.mktemp("inputs")
    sound = (0.1 * np.sin(np.arange(16000) / 20)).astype(np.float32)
    write_mp4(folder / "clip.mp4", moving_frames(27), Fraction(11413, 420), sound)
    np.save(folder / "clip.npy", moving_frames(27))
    soundfile.write(folder / "voice.wav", sound, 16000)
    for name in ("map", "map2"):
        np.save(folder / f"{name}.npy", np.zeros((27, 8, 8), np.float32))
        (folder / f"{name}.json").write_text('{"start_frame": 0, "fps": 27.17}')
    corners = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8]]
    (folder / "lips.json").write_text(json.dumps({"regions": [{"name": "lips", "polygon": corners}]}))
    for name in ("clip.TextGrid", "a.pt", "scaler.json", "g_00000001", "config.json"):
        (folder / name).write_text(name)
    (folder / "bundle").symlink_to(bundle_folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_every_command_is_in_the_table():
    names = {command.name or command.callback.__name__ for command in app.registered_commands if not command.hidden}
    assert names == COMMANDS.keys() | NOTHING_WRITTEN | INTO_A_FOLDER


@pytest.mark.parametrize("link", ["itself", "soft", "hard"])
@pytest.mark.parametrize(
    ("name", "write", "read"),
    [(name, write, read) for name, c in COMMANDS.items() for write in c.writes for read in c.reads],
)
def test_no_command_writes_onto_its_inputs(place, tmp_path, capsys, name, write, read, link):
    command = COMMANDS[name]
    if link == "hard" and read == "--bundle":
        return  # another name of a file of the folder that is read: the folder keeps its own
    target = place / command.reads[read]
    if link != "itself":
        linked = tmp_path / f"link{target.suffix}"
        linked.symlink_to(target) if link == "soft" else os.link(target, linked)
        target = linked
    words = [name]
    for option, file in command.reads.items():
        path = place / ("bundle" if option == "--bundle" else file)
        words += [] if option == "beside" else [*([option] if option else []), str(path)]
    words += command.rest
    for option in command.writes:
        words += [option, str(target if option == write else tmp_path / "other.wav")]
    before = contents(place)
    code = main(words)
    error = capsys.readouterr().err
    assert code == 2 and "would be" in error and str(target) in error, error
    assert contents(place) == before
    assert [file.name for file in tmp_path.iterdir()] == ([target.name] if link != "itself" else [])


def test_gradcam_leaves_its_clip_and_its_folder_of_frames_alone(place, tmp_path, capsys):
    import cv2

    clip = tmp_path / "gradcam_F1_sequence.npy"
    np.save(clip, moving_frames(27))
    frames = tmp_path / "frames"
    frames.mkdir()
    for k, frame in enumerate(moving_frames(4)):
        cv2.imwrite(str(frames / f"{k}.png"), frame)
    before = contents(tmp_path)
    for words in ([clip, "-o", tmp_path], [frames, "-o", frames, "--fps", "27"]):
        assert main(["gradcam", *map(str, words), "--bundle", str(place / "bundle")]) == 2
        assert "would be" in capsys.readouterr().err
    assert contents(tmp_path) == before

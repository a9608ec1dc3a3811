"""Nothing half-written, also when the disk or the user stops the writing."""

import os
import time
from pathlib import Path

import pytest

from rtmri2speech import files
from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_folder, atomic_write, scratch


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(target) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
    with atomic_write(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new" and list(tmp_path.iterdir()) == [target]


def test_a_folder_is_filled_at_the_end_and_keeps_what_is_not_ours(tmp_path):
    folder = tmp_path / "out"
    for text in ("first", "second"):
        with atomic_folder(folder) as temporary:
            (temporary / "a.txt").write_text(text)
            assert not (folder / "a.txt").exists() or (folder / "a.txt").read_text() == "first"
        (folder / "mine.txt").write_text("mine")
    with pytest.raises(ValueError), atomic_folder(folder) as temporary:
        (temporary / "a.txt").write_text("third")
        raise ValueError
    assert sorted(f.name for f in folder.iterdir()) == ["a.txt", "mine.txt"]
    assert (folder / "a.txt").read_text() == "second"


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_is_filled_wholly_or_not_at_all(tmp_path, monkeypatch, there):
    """One of ten files cannot be moved: by a folder of its name, or by the disk."""
    folder = tmp_path / "out"
    if there:
        folder.mkdir()
        for name in "abcdfghij":
            (folder / f"{name}.txt").write_text("old")
        (folder / "e.txt").mkdir()
        (folder / "e.txt" / "mine.txt").write_text("mine")
    else:
        moved = Path.replace

        def refused(self, target):
            if self.name == "e.txt" and Path(target).parent == folder:
                raise OSError(28, "No space left on device")
            return moved(self, target)

        monkeypatch.setattr(Path, "replace", refused)
    before = {path.relative_to(tmp_path): path.is_file() and path.read_text() for path in tmp_path.rglob("*")}
    with pytest.raises(InputError, match="Cannot write"), atomic_folder(folder) as temporary:
        for name in "abcdefghij":
            (temporary / f"{name}.txt").write_text("new")
    after = {path.relative_to(tmp_path): path.is_file() and path.read_text() for path in tmp_path.rglob("*")}
    assert after == before


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot write"), atomic_write(tmp_path / "file" / "x.txt") as temporary:
        temporary.write_text("x")
    with pytest.raises(InputError, match="Cannot write"), atomic_folder(tmp_path / "file" / "x") as temporary:
        (temporary / "a").write_text("x")


def test_a_place_below_a_file_is_called_so(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match="file is not a folder"),
        atomic_write(tmp_path / "file" / "x.txt") as temporary,
    ):
        temporary.write_text("x")


def test_the_working_folder_can_be_filled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with atomic_folder(".") as temporary:
        (temporary / "a.txt").write_text("a")
        assert temporary.resolve().parent == tmp_path  # beside it there may be another disk
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    with pytest.raises(InputError, match="Cannot write"), atomic_write(".") as temporary:
        temporary.write_text("a")


def test_what_a_killed_run_left_is_removed_after_a_day(tmp_path):
    def abandoned(hours, name):
        """What `name` left: a file, and a folder with one in it."""
        with scratch(tmp_path / f"{name}.zip") as folder, atomic_write(tmp_path / f"{name}.txt") as file:
            kept = [tmp_path / f"{hours}h{place.name}" for place in (folder, file)]
            kept = [place.with_name(f".{hours}{place.name[place.name.index('.') :]}") for place in kept]
            kept[0].mkdir()
            (kept[0] / "video.mp4").write_text("half")
            kept[1].write_text("half")
            file.write_text("whole")
        for place in kept:
            os.utime(place, (time.time() - 3600 * hours,) * 2)
        return kept

    old, new = abandoned(30, "old"), abandoned(2, "new")
    (tmp_path / ".mine.partial").write_text("not ours")
    os.utime(tmp_path / ".mine.partial", (0, 0))
    files._remove_abandoned.cache_clear()
    with atomic_write(tmp_path / "next.txt") as file:
        file.write_text("whole")
    assert not any(place.exists() for place in old) and all(place.exists() for place in new)
    assert {f.name for f in tmp_path.iterdir()} - {place.name for place in new} == {
        ".mine.partial",
        "old.txt",
        "new.txt",
        "next.txt",
    }

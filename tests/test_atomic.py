"""Nothing half-written, also when the disk or the user stops the writing."""

import pytest

from rtmri2speech.atomic import filling, replacing
from rtmri2speech.errors import InputError


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(target) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new" and list(tmp_path.iterdir()) == [target]


def test_a_folder_is_filled_at_the_end_and_keeps_what_is_not_ours(tmp_path):
    folder = tmp_path / "out"
    for text in ("first", "second"):
        with filling(folder) as temporary:
            (temporary / "a.txt").write_text(text)
            assert not (folder / "a.txt").exists() or (folder / "a.txt").read_text() == "first"
        (folder / "mine.txt").write_text("mine")
    with pytest.raises(ValueError), filling(folder) as temporary:
        (temporary / "a.txt").write_text("third")
        raise ValueError
    assert sorted(f.name for f in folder.iterdir()) == ["a.txt", "mine.txt"]
    assert (folder / "a.txt").read_text() == "second"


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot write"), replacing(tmp_path / "file" / "x.txt") as temporary:
        temporary.write_text("x")
    with pytest.raises(InputError, match="Cannot write"), filling(tmp_path / "file" / "x") as temporary:
        (temporary / "a").write_text("x")

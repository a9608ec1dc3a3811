"""TextGrids of other programs and systems: every label, at its time, in its letters, or a sentence."""

import re

import parselmouth
import pytest
from parselmouth.praat import call

from rtmri2speech.errors import InputError
from rtmri2speech.labels.textgrid import read_intervals, read_labels, read_remarks, write_labels

SAID = [(0.0, 0.25, "あ"), (0.25, 0.5, "1,5 ソ"), (0.5, 0.8125, 'か"き"'), (0.8125, 1.0, "ん")]


def grid(path, kind="text", said=SAID):
    made = parselmouth.TextGrid(0.0, 1.0, tier_names=["音", "点"], point_tier_names=["点"])
    for _, edge, _ in said[:-1]:
        call(made, "Insert boundary", 1, edge)
    for number, (_, _, label) in enumerate(said, 1):
        call(made, "Set interval text", 1, number, label)
    call(made, "Insert point", 2, 0.375, "息")
    parselmouth.praat.run('Text writing preferences: "UTF-8"')
    {
        "text": made.save,
        "short": lambda p, _: made.save(p, "SHORT_TEXT"),
        "binary": lambda p, _: made.save(p, "BINARY"),
    }[kind](str(path), "TEXT")
    return path


@pytest.mark.parametrize("kind", ["text", "short"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp932", "euc_jp"])
@pytest.mark.parametrize("comma", [False, True])
def test_every_label_in_any_coding_and_with_decimal_commas(tmp_path, kind, coding, comma):
    text = grid(tmp_path / "a.TextGrid", kind).read_text("utf-8")
    if comma:  # as a program writes them in Germany or France
        text = "".join(
            line if '"' in line else re.sub(r"(\d)\.(\d)", r"\1,\2", line) for line in text.splitlines(keepends=True)
        )
        assert "0,25" in text
    path = tmp_path / "b.TextGrid"
    path.write_bytes(text.encode(coding))
    assert read_intervals(path) == SAID and read_remarks(path) == [(0.375, "息")]
    write_labels(tmp_path / "cut.TextGrid", path, 0.25, 0.8)
    assert [label for _, _, label in read_intervals(tmp_path / "cut.TextGrid")] == [SAID[1][2], SAID[2][2]]


def test_a_binary_textgrid(tmp_path):
    assert read_intervals(grid(tmp_path / "a.TextGrid", "binary")) == SAID


def test_letters_that_nobody_can_know_are_refused(tmp_path):
    said = [(0.0, 0.5, "é"), (0.5, 1.0, "ü")]
    path = grid(tmp_path / "a.TextGrid", said=said)
    text = path.read_text("utf-8").replace("音", "a").replace("点", "b").replace("息", "c")
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="save it as UTF-8"):
        read_intervals(path)
    with pytest.raises(InputError, match="save it as UTF-8"):
        read_labels(tmp_path / "a.mp4")


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.95])
def test_a_textgrid_that_is_cut_off_is_refused(tmp_path, share):
    path = grid(tmp_path / "a.TextGrid")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))].rsplit(b"\n", 1)[0])
    with pytest.raises(InputError, match="not a TextGrid"):
        read_intervals(path)

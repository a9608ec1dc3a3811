"""Sound files: whole ones of any format, those that a pipe or a full disk left, and what goes beyond full scale."""

import subprocess

import numpy as np
import pytest
import soundfile
from imageio_ffmpeg import get_ffmpeg_exe

from rtmri2speech.cli import main
from rtmri2speech.errors import InputError
from rtmri2speech.speech.audio import read_audio, write_audio

RATE = 16000
SOUND = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE).astype(np.float32)
FORMATS = [
    ("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("wav", "IMA_ADPCM"), ("wav", "ULAW"), ("w64", "PCM_16"),
    ("rf64", "PCM_16"), ("aiff", "PCM_16"), ("au", "PCM_16"), ("flac", "PCM_16"), ("ogg", "VORBIS"), ("mp3", None),
]  # fmt: skip


@pytest.mark.parametrize(("ending", "subtype"), FORMATS)
def test_a_sound_that_is_cut_off_says_how_much_is_missing(tmp_path, capsys, ending, subtype):
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, SOUND, RATE, subtype=subtype)
    assert len(read_audio(path)[0]) >= len(SOUND)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(0.6 * len(whole))])
    with pytest.raises(InputError, match="cut short") as refused:
        read_audio(path)
    if ending != "ogg":
        there = refused.value.values["there"]
        assert refused.value.values["whole"] == pytest.approx(2.0, abs=0.15)
        assert there + refused.value.values["missing"] == pytest.approx(2.0, abs=0.15) and 0.7 < there < 1.3
    assert main(["restore", str(path), "-o", str(tmp_path / "out.wav")]) == 2
    assert "cut short" in capsys.readouterr().err and not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize("ending", ["wav", "mp3", "aiff", "ogg", "au", "w64"])
def test_a_sound_out_of_a_pipe_is_whole(tmp_path, ending):
    """Its header was written before its length was known."""
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-i", tmp_path / "a.wav", "-f", ending, "-"]
    piped = subprocess.run(command, check=True, capture_output=True).stdout
    (tmp_path / f"b.{ending}").write_bytes(piped)
    assert len(read_audio(tmp_path / f"b.{ending}")[0]) == pytest.approx(len(SOUND), abs=2400)
    assert main(["restore", str(tmp_path / f"b.{ending}"), "-o", str(tmp_path / "out.wav")]) == 0


def test_a_flac_of_unknown_length_is_one_sentence(tmp_path, capsys):
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-i", tmp_path / "a.wav", "-f", "flac", "-"]
    (tmp_path / "b.flac").write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    assert main(["restore", str(tmp_path / "b.flac"), "-o", str(tmp_path / "out.wav")]) == 2
    assert "does not tell how long it is" in capsys.readouterr().err


@pytest.mark.parametrize(("ending", "subtype"), FORMATS)
@pytest.mark.parametrize("to", ["wav", "flac", "ogg"])
def test_restore_from_every_format_into_every_other(tmp_path, capsys, ending, subtype, to):
    source, out = tmp_path / f"in.{ending}", tmp_path / f"out.{to}"
    soundfile.write(source, SOUND, RATE, subtype=subtype)
    assert main(["restore", str(source), "-o", str(out)]) == 0
    assert soundfile.info(out).frames == soundfile.info(source).frames


def test_an_output_that_cannot_be_names_no_temporary_file(tmp_path, capsys):
    soundfile.write(tmp_path / "in.wav", SOUND, 44101)
    assert main(["restore", str(tmp_path / "in.wav"), "-o", str(tmp_path / "out.mp3")]) == 2
    assert "partial" not in capsys.readouterr().err and sorted(p.name for p in tmp_path.iterdir()) == ["in.wav"]


def test_what_is_clipped_is_told(tmp_path, capsys):
    loud = 1.7 * np.sin(np.arange(RATE) / 9) * (np.arange(RATE) // 4000 % 2)
    soundfile.write(tmp_path / "in.wav", loud, RATE, subtype="FLOAT")
    assert main(["restore", str(tmp_path / "in.wav"), "-o", str(tmp_path / "out.flac")]) == 0
    assert "full scale and was clipped" in capsys.readouterr().err
    assert main(["restore", str(tmp_path / "in.wav"), "-o", str(tmp_path / "out.wav")]) == 0
    assert not capsys.readouterr().err and np.abs(soundfile.read(tmp_path / "out.wav")[0]).max() > 1.3


def test_a_wav_keeps_what_goes_beyond_full_scale(tmp_path):
    """As the original speech of an export can."""
    write_audio(tmp_path / "a.wav", 3 * SOUND, RATE)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav")[0], 3 * SOUND)
    write_audio(tmp_path / "b.wav", SOUND, RATE)
    assert soundfile.info(tmp_path / "b.wav").subtype == "PCM_16"

"""Whole files through `restore`: every kind of recording comes out whole, every bad one ends in one sentence."""

import json
import sys

import numpy as np
import pytest
import soundfile

from rtmri2speech.cli import main
from rtmri2speech.errors import InputError
from rtmri2speech.restore import restore, restore_file, restored_by

RATE = 8000


def noisy(seconds: float, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    speech = 0.3 * np.sin(2 * np.pi * 200 * t + 3 * np.sin(2 * np.pi * 5 * t)) * (np.sin(2 * np.pi * 1.3 * t) > 0)
    return (speech + 0.2 * np.sin(2 * np.pi * 165 * t) + 0.05 * np.random.default_rng(0).standard_normal(len(t))) * 0.9


def command(*arguments) -> int:
    return main(["restore", *map(str, arguments)])


@pytest.mark.parametrize(
    "rate, channels, subtype",
    [(8000, 1, "PCM_16"), (48000, 2, "PCM_24"), (16000, 1, "FLOAT"), (11413, 1, "PCM_16"), (44100, 2, "PCM_32")],
)
def test_length_rate_channels_and_bits_stay(tmp_path, rate, channels, subtype):
    x = np.stack([noisy(2.03, rate) * (1 - 0.5 * c) for c in range(channels)], axis=1)
    soundfile.write(tmp_path / "in.wav", x, rate, subtype)
    assert command(tmp_path / "in.wav", "-o", tmp_path / "out.wav") == 0
    before, after = soundfile.info(tmp_path / "in.wav"), soundfile.info(tmp_path / "out.wav")
    assert (after.frames, after.samplerate, after.channels, after.subtype) == (
        before.frames, rate, channels, subtype)  # fmt: skip
    done = soundfile.read(tmp_path / "out.wav")[0].reshape(-1, channels)
    assert np.std(done) < np.std(x)
    if channels == 2:  # each channel is restored from its own sound
        assert np.std(done[:, 0]) > 1.5 * np.std(done[:, 1])


def test_flac_and_mp3_can_be_read(tmp_path):
    for name in ("in.flac", "in.mp3"):
        soundfile.write(tmp_path / name, noisy(2.0, 16000), 16000)
        assert command(tmp_path / name, "-o", tmp_path / "out.flac") == 0
        assert abs(soundfile.info(tmp_path / "out.flac").duration - 2.0) < 0.2


def test_the_restored_file_says_so_and_the_original_stays(tmp_path):
    soundfile.write(tmp_path / "in.wav", noisy(1.0), RATE)
    before = (tmp_path / "in.wav").read_bytes()
    command(tmp_path / "in.wav", "-o", tmp_path / "out.wav")
    assert "classical" in restored_by(tmp_path / "out.wav")
    assert restored_by(tmp_path / "in.wav") is None
    assert (tmp_path / "in.wav").read_bytes() == before


def test_the_original_is_not_overwritten(tmp_path, capsys):
    soundfile.write(tmp_path / "in.wav", noisy(1.0), RATE)
    before = (tmp_path / "in.wav").read_bytes()
    assert command(tmp_path / "in.wav", "-o", tmp_path / "in.wav") == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert (tmp_path / "in.wav").read_bytes() == before


def test_silence_comes_out_as_silence(tmp_path, capsys):
    soundfile.write(tmp_path / "in.wav", np.zeros(5000), RATE)
    assert command(tmp_path / "in.wav", "-o", tmp_path / "out.wav") == 0
    assert "silence" in capsys.readouterr().out
    assert not soundfile.read(tmp_path / "out.wav")[0].any() and soundfile.info(tmp_path / "out.wav").frames == 5000


def test_a_clipped_recording_comes_out_finite_and_whole(tmp_path):
    soundfile.write(tmp_path / "in.wav", np.clip(20 * noisy(2.0), -1, 1), RATE)
    assert command(tmp_path / "in.wav", "-o", tmp_path / "out.wav") == 0
    done = soundfile.read(tmp_path / "out.wav")[0]
    assert len(done) == 2 * RATE and np.isfinite(done).all() and np.abs(done).max() > 0.1


def _write_nan(path):
    x = noisy(1.0)
    x[4000] = np.nan
    soundfile.write(path, x, RATE, "FLOAT")


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda p: soundfile.write(p, np.zeros(0), RATE), "no samples"),
        (lambda p: p.write_text("not a sound"), "not a sound file"),
        (lambda p: p.write_bytes(b""), "not a sound file"),
        (_write_nan, "not finite"),
        (lambda p: soundfile.write(p, noisy(1.0, 2000), 2000), "too low"),
        (lambda p: None, "no sound file"),
    ],
)
def test_bad_input_ends_with_one_line_and_no_file(tmp_path, capsys, make, says):
    make(tmp_path / "in.wav")
    assert command(tmp_path / "in.wav", "-o", tmp_path / "out.wav") == 2
    message = capsys.readouterr().err
    assert says in message and message.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir() if p.name != "in.wav"] == []


def test_bad_output_name_and_bad_options(tmp_path, capsys):
    soundfile.write(tmp_path / "in.wav", noisy(1.0), RATE)
    assert command(tmp_path / "in.wav", "-o", tmp_path / "out.xyz") == 2
    assert ".wav or .flac" in capsys.readouterr().err
    assert command(tmp_path / "in.wav", "-o", tmp_path / "o.wav", "--method", "magic") == 2
    assert "classical or neural" in capsys.readouterr().err
    assert command(tmp_path / "in.wav", "-o", tmp_path / "o.wav", "--bundle", tmp_path / "no") == 2
    assert "restore.json" in capsys.readouterr().err


def test_json_report(tmp_path, capsys):
    soundfile.write(tmp_path / "in.wav", noisy(2.0), RATE)
    command(tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["duration_s"] == 2.0 and report["method"] == "classical" and report["realtime_factor"] > 0


@pytest.mark.slow
def test_a_file_in_blocks_equals_the_array_at_once(tmp_path):
    x = noisy(140.0, 4000).astype(np.float32)
    soundfile.write(tmp_path / "in.wav", x, 4000, "FLOAT")
    restore_file(tmp_path / "in.wav", tmp_path / "out.wav")
    from rtmri2speech.restore.classical import restore_classical

    whole = restore_classical(x, 4000)
    np.testing.assert_allclose(soundfile.read(tmp_path / "out.wav")[0], whole, atol=2e-4 * np.abs(whole).max())


@pytest.mark.parametrize("bad", [np.zeros(0), np.zeros((2, 100)), np.array([0.0, np.nan])])
def test_bad_arrays(bad):
    with pytest.raises(InputError):
        restore(bad, RATE)


def test_the_embedded_bundle_is_whole_and_fresh_installations_have_it():
    pytest.importorskip("transformers")
    done = restore(noisy(1.0), RATE, "neural")
    assert done.shape == (RATE,) and np.isfinite(done).all() and done.std() > 1e-3


def test_without_transformers_it_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)  # as if it were not installed
    soundfile.write(tmp_path / "in.wav", noisy(1.0), RATE)
    assert command(tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--method", "neural") == 2
    message = capsys.readouterr().err
    assert "pip install transformers" in message and message.count("\n") == 1
    assert command(tmp_path / "in.wav", "-o", tmp_path / "out.wav") == 0

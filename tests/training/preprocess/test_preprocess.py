import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch
import typer
from typer.testing import CliRunner

from rtmri2speech.analysis.reference import earlier
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.audio import fit
from rtmri2speech.speech.mel import mel_spectrogram_db
from training.preprocess import __main__ as command_module
from training.preprocess import write_dataset as module
from training.preprocess.checks import clipped_share
from training.preprocess.sample import Settings, make_sample
from training.preprocess.sources import find_sources
from training.preprocess.synchronisation import corpus_lag
from training.preprocess.write_dataset import write_dataset

FPS = MelSpec().fps
ROOT = Path(__file__).resolve().parents[3]


def moving_frames(count, seed=0, side=64):
    rng = np.random.default_rng(seed)
    x = 20 + 10 * np.sin(np.cumsum(rng.normal(0, 0.4, count)))
    columns = np.arange(side)
    pictures = 40 + 180 * np.exp(-((columns - x[:, None]) ** 2) / 50)
    return np.repeat(pictures[:, None], side, axis=1).astype(np.uint8)


def voice(seconds, rate, seed=0, level=0.3):
    rng = np.random.default_rng(seed)
    noise = np.convolve(rng.normal(size=round(seconds * rate)), np.ones(8) / 8, "same")
    return (level * noise / np.abs(noise).max()).astype(np.float32)


def write_video(path, frames, fps_fraction=(11413, 420)):
    from fractions import Fraction

    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(*fps_fraction))
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = "gray"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        container.mux(stream.encode())


def record(folder, id_, count=40, rate=20000, seed=0, seconds=None, samples=None):
    folder.mkdir(parents=True, exist_ok=True)
    write_video(folder / f"{id_}.mkv", moving_frames(count, seed))
    samples = voice(seconds or count / FPS, rate, seed) if samples is None else samples
    soundfile.write(folder / f"{id_}.wav", samples, rate, subtype="FLOAT")


def run(corpus, out, settings=None, **options):
    said = []
    sources, unusable = find_sources(corpus, None, None, r"^(s\d+)_")
    return write_dataset(sources, unusable, settings or Settings(), out, tell=said.append, **options), said


def command(*words):
    """The command's exit code."""
    with pytest.raises(SystemExit) as end:
        app = typer.Typer()
        app.command()(command_module.preprocess)
        app([str(word) for word in words])
    return end.value.code


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_mel_and_frames_of_a_sample(tmp_path):
    """At the model's own rate the mel is that of the sound file, frame for frame, and the pictures keep their place."""
    record(tmp_path, "s00_0000", rate=11413, samples=voice(40 * 420 / 11413, 11413))
    meta, _ = run(tmp_path, tmp_path / "out")
    sample = tmp_path / "out" / "samples" / "s00_0000"
    wave, _ = soundfile.read(tmp_path / "s00_0000.wav", dtype="float32")
    expected = mel_spectrogram_db(torch.from_numpy(wave), MelSpec()).numpy()
    mri = np.load(sample / "mri.npy")
    assert mri.shape == (40, 256, 256) and mri.dtype == np.uint8
    np.testing.assert_allclose(np.load(sample / "mel_db.npy"), expected, atol=1e-3)
    assert np.load(sample / "mask.npy").all()
    peaks = mri.astype(float).mean(axis=1).argmax(axis=1) / 4
    np.testing.assert_allclose(peaks, moving_frames(40).mean(axis=1).argmax(axis=1), atol=1.01)
    assert meta["utterances"]["s00_0000"]["speaker"] == "s00"
    scaler = json.loads((tmp_path / "out" / "scaler.json").read_text())
    np.testing.assert_allclose(scaler["mean"], expected.mean(axis=0), atol=1e-3)


def test_a_short_sound_is_masked_and_other_rates_are_retimed(tmp_path):
    """50 frames at 25 frames/s last 2 s, 54 frames of the model; a sound 0.2 s shorter leaves 5 of them without one."""
    write_video(tmp_path / "a.mkv", moving_frames(50), (25, 1))
    soundfile.write(tmp_path / "a.wav", voice(1.8, 16000), 16000)
    sources, _ = find_sources(tmp_path, None, None, r"^(s\d+)_")
    sample = make_sample(sources[0], Settings())
    assert len(sample.mri) == len(sample.mel_db) == 54
    assert sample.mask.sum() == 49 and sample.mask[:49].all()


def test_bad_recordings_are_listed_and_left_out(tmp_path):
    corpus = tmp_path / "corpus"
    record(corpus, "s00_good")
    record(corpus, "s00_late", seconds=40 / FPS + 1)
    record(corpus, "s00_silent", samples=np.zeros(round(40 / FPS * 20000), np.float32))
    record(corpus, "s00_clipped", samples=np.clip(20 * voice(40 / FPS, 20000), -0.5, 0.5))
    record(corpus, "s00_mute")
    (corpus / "s00_mute.wav").unlink()
    record(corpus, "s00_twice")
    record(corpus / "again", "s00_twice")
    (corpus / "s00_broken.mkv").write_bytes(b"no video")
    soundfile.write(corpus / "s00_broken.wav", voice(1, 8000), 8000)
    record(corpus, "s00_still")
    write_video(corpus / "s00_still.mkv", np.repeat(moving_frames(1), 40, axis=0))
    meta, said = run(corpus, tmp_path / "out")
    assert list(meta["utterances"]) == ["s00_good"]
    reasons = meta["skipped"]
    assert set(reasons) == {f"s00_{n}" for n in ("late", "silent", "clipped", "mute", "twice", "broken", "still")}
    for name, word in dict(
        late="2.47", silent="silent", clipped="clipped", mute="no sound", twice="two recordings", still="move"
    ).items():
        assert word in reasons[f"s00_{name}"]
    assert sum("left out" in line for line in said) == 7
    assert sorted(p.name for p in (tmp_path / "out" / "samples").iterdir()) == ["s00_good"]

    arguments = ["--data_dir", str(corpus), "--out_dir", str(tmp_path / "out"), "--jobs", "1"]
    app = typer.Typer()
    app.command()(command_module.preprocess)
    assert CliRunner().invoke(app, arguments).exit_code == 1
    assert CliRunner().invoke(app, ["--data_dir", str(tmp_path / "no"), "--out_dir", str(tmp_path)]).exit_code == 2


def test_stopped_halfway_and_gone_on_gives_the_same_files(tmp_path, monkeypatch):
    corpus = tmp_path / "corpus"
    for k in range(3):
        record(corpus, f"s00_{k}", seed=k)
    run(corpus, tmp_path / "whole")
    original, made = module.make_sample, []

    def stop_at_the_second(source, settings):
        if made:
            raise KeyboardInterrupt
        made.append(source.id)
        return original(source, settings)

    monkeypatch.setattr(module, "make_sample", stop_at_the_second)
    monkeypatch.setattr(module, "run_jobs", lambda work, items, **_: map(work, items))
    with pytest.raises(KeyboardInterrupt):
        run(corpus, tmp_path / "parts")
    assert not (tmp_path / "parts" / "meta.json").exists()
    remade = []
    monkeypatch.setattr(module, "make_sample", lambda s, t: remade.append(s.id) or original(s, t))
    run(corpus, tmp_path / "parts")
    assert remade == ["s00_1", "s00_2"]
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_changed_recording_or_setting_is_made_again(tmp_path):
    record(tmp_path / "c", "s00_0")
    run(tmp_path / "c", tmp_path / "out")
    before = contents(tmp_path / "out")
    record(tmp_path / "c", "s00_0", seed=5)
    run(tmp_path / "c", tmp_path / "out")
    assert contents(tmp_path / "out")["samples/s00_0/mel_db.npy"] != before["samples/s00_0/mel_db.npy"]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (Settings(level_dbfs=-20.0), "level_dbfs = None, not -20"),
        (Settings(mel=MelSpec(layout="thesis")), "mel.layout = centred, not thesis"),
        (Settings(gray="recorded"), "gray = stretched, not recorded"),
        (Settings(top_db=80.0), "top_db = None, not 80"),
    ],
)
def test_a_dataset_of_other_settings_is_not_replaced(tmp_path, other, named):
    record(tmp_path / "c", "s00_0", count=20)
    run(tmp_path / "c", tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(InputError, match=re.escape(named) + ".*--restart"):
        run(tmp_path / "c", tmp_path / "out", other)
    run(tmp_path / "c", tmp_path / "out", Settings(gain=0.5))  # of --peak, in a corpus that has grown
    assert contents(tmp_path / "out").keys() == before.keys()


def test_the_command_refuses_other_options_and_keeps_what_it_makes_anew(tmp_path, capsys):
    record(tmp_path / "c", "s00_0", count=20)
    words = ["--data_dir", tmp_path / "c", "--out_dir", tmp_path / "out", "--jobs", "1", "--sync", "0"]
    assert command(*words) == 0
    before = contents(tmp_path / "out")
    assert command(*words, "--thesis") == 2 and contents(tmp_path / "out") == before
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "mel.layout = centred, not thesis" in said[0]
    assert command(*words, "--thesis", "--restart") == 0
    (kept,) = (tmp_path / "out").glob("before_*")
    assert contents(kept) == before
    meta = json.loads((tmp_path / "out" / "meta.json").read_text())
    assert meta["mel"]["layout"] == "thesis"


@pytest.mark.parametrize("place", ["/dev/null/out", "/proc/out"])
def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path, capsys, place):
    record(tmp_path / "c", "s00_0", count=20)
    assert command("--data_dir", tmp_path / "c", "--out_dir", place, "--jobs", "1", "--sync", "0") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and said[0].startswith("error: Cannot write")


# ---------------------------------------------------------------------------------------------------------------- sync


def shifted_clips(folder, late_s):
    """The embedded clips, which are in sync, with their sound so much later."""
    folder.mkdir()
    for clip in sorted((ROOT / "assets" / "clips").glob("*.mp4")):
        shutil.copy(clip, folder / clip.name)
        samples, rate = read_clip(clip).sound
        moved = earlier((samples, rate), -late_s)[0]
        soundfile.write(folder / f"{clip.stem}.wav", fit(moved, len(samples)), rate, subtype="FLOAT")


@pytest.mark.slow
@pytest.mark.parametrize("late_s", [0.0, 0.11, -0.2])
def test_a_shift_of_the_corpus_is_told_with_its_interval_and_none_where_there_is_none(tmp_path, late_s):
    shifted_clips(tmp_path / "c", late_s)
    sources, _ = find_sources(tmp_path / "c", None, None, r"^(s\d+)_")
    found = corpus_lag(sources, Settings(), 20, jobs=1, backend="loky", scheduler=None)
    assert len(found.lags_s) == found.looked_at == 5
    assert found.interval_s[0] <= late_s <= found.interval_s[1] and found.interval_s[1] - found.interval_s[0] < 0.08
    assert found.in_step == (late_s == 0)
    assert ("NOT in step" in found.sentence()) == (late_s != 0)


@pytest.mark.slow
def test_auto_moves_a_late_sound_back(tmp_path, capsys):
    shifted_clips(tmp_path / "c", 0.2)
    shifted_clips(tmp_path / "true", 0.0)
    for name, words in (("c", ["--shift_ms", "auto"]), ("true", [])):
        out = tmp_path / f"out_{name}"
        assert command("--data_dir", tmp_path / name, "--out_dir", out, "--jobs", "1", *words) == 0
        said = capsys.readouterr().out
        assert ("all sounds are moved earlier by" in said) == (name == "c")
    meta = json.loads((tmp_path / "out_c" / "meta.json").read_text())
    assert meta["shift_s"] == pytest.approx(0.2, abs=0.02) and meta["sync"]["looked_at"] == 5
    mels = [
        np.load(tmp_path / f"out_{n}" / "samples" / "aiueo_new_speaker" / "mel_db.npy")[5:40] for n in ("c", "true")
    ]
    assert np.corrcoef(mels[0].ravel(), mels[1].ravel())[0, 1] > 0.97


def test_a_sound_that_cannot_be_judged_is_called_so(tmp_path):
    record(tmp_path, "s00_0", count=40)
    sources, _ = find_sources(tmp_path, None, None, r"^(s\d+)_")
    found = corpus_lag(sources, Settings(), 20, jobs=1, backend="loky", scheduler=None)
    assert found.in_step is None and "cannot be told" in found.sentence()


def test_level_moves_the_mel_by_as_many_db(tmp_path):
    record(tmp_path, "s00_0")
    (source,), _ = find_sources(tmp_path, None, None, r"^(s\d+)_")
    quiet, loud = (make_sample(source, Settings(level_dbfs=level)) for level in (-30.0, -20.0))
    np.testing.assert_allclose(loud.mel_db - quiet.mel_db, 10, atol=0.01)


def test_a_corpus_of_pictures_beside_sounds(tmp_path):
    """PNG/<id>/<id>_0000.png of 16 bits beside WAV/<id>.WAV."""
    frames = moving_frames(30).astype(np.uint16) * 200
    (tmp_path / "PNG" / "x1").mkdir(parents=True)
    (tmp_path / "WAV").mkdir()
    for k, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / "PNG" / "x1" / f"x1_{k:04d}.png"), frame)
    soundfile.write(tmp_path / "WAV" / "x1.WAV", voice(30 / 27.18, 20000), 20000, format="WAV")
    meta, _ = run(tmp_path, tmp_path / "out", Settings(fps=27.18))
    assert meta["utterances"]["x1"]["frames"] == 30
    mri = np.load(tmp_path / "out" / "samples" / "x1" / "mri.npy")
    np.testing.assert_allclose(mri.mean(axis=1).argmax(axis=1) / 4, frames.mean(axis=1).argmax(axis=1), atol=1.01)


def test_clipping_is_found_and_speech_is_not_called_clipped():
    sound = voice(1, 16000)
    assert clipped_share(sound) < 0.001
    assert clipped_share(0.2 * np.clip(5 * sound, -0.3, 0.3)) > 0.1


def test_the_same_work_over_a_dask_cluster(tmp_path):
    distributed = pytest.importorskip("distributed")
    for k in range(3):
        record(tmp_path / "c", f"s00_{k}", count=20, seed=k)
    alone, _ = run(tmp_path / "c", tmp_path / "alone")
    with distributed.LocalCluster(2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        spread, _ = run(tmp_path / "c", tmp_path / "spread", backend="dask", scheduler=cluster.scheduler_address)
    assert spread == alone
    assert contents(tmp_path / "spread") == contents(tmp_path / "alone")


def test_a_full_disk_stops_with_one_sentence(tmp_path, monkeypatch):
    record(tmp_path / "c", "s00_0", count=20)

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.np, "save", no_space)
    monkeypatch.setattr(module, "run_jobs", lambda work, items, **_: map(work, items))
    with pytest.raises(InputError, match="No space left"):
        run(tmp_path / "c", tmp_path / "out")
    assert not any((tmp_path / "out" / "samples").iterdir())

"""Every command on real input, and every kind of bad input: exit 2, one line, nothing left behind."""

import csv
import json
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
import soundfile
import torch

from rtmri2speech.cli import main
from rtmri2speech.render.encode import ffmpeg_binary
from tests.conftest import moving_frames, write_mp4

MODEL_FPS = 11413 / 420


@pytest.fixture(scope="module")
def place(tmp_path_factory, bundle_folder):
    """A folder with a short clip that has sound, and its heatmaps."""
    folder = tmp_path_factory.mktemp("cli")
    t = np.arange(int(16000 * 1.5)) / 16000
    voice = (0.3 * np.sign(np.sin(2 * np.pi * 120 * t)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)
    write_mp4(folder / "clip.mp4", moving_frames(40, 96, 80), Fraction(11413, 420), voice)
    assert (
        main(
            ["gradcam", str(folder / "clip.mp4"), "-o", str(folder / "gc"), "--bundle", str(bundle_folder)]
            + ["--target-frames", "3", "7"]
        )
        == 0
    )
    return folder


@pytest.fixture
def run(capsys, bundle_folder):
    def run(*arguments, bundle=False):
        capsys.readouterr()
        words = [str(a) for a in arguments] + (["--bundle", str(bundle_folder)] if bundle else [])
        code = main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def probe(path):
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        frames = sum(1 for _ in container.decode(video))
        return frames, float(video.average_rate), video.width, video.height, len(container.streams.audio)


# ------------------------------------------------------------------------------------------------------- good input


@pytest.mark.slow
def test_synth(place, run, tmp_path):
    code, out, err = run(
        "synth", place / "clip.mp4", "-o", tmp_path / "o.wav", "--mel", tmp_path / "m.npy", "--json", bundle=True
    )
    assert code == 0, err
    report = json.loads(out)
    samples, rate = soundfile.read(tmp_path / "o.wav")
    assert rate == 11413 and len(samples) == 40 * 420
    assert np.load(tmp_path / "m.npy").shape == (40, 64)
    assert report["frames"] == 40 and report["duration_s"] == pytest.approx(40 / MODEL_FPS, rel=1e-3)
    assert set(report["seconds"]) == {"decode", "acoustic", "vocoder", "total"}
    assert report["realtime_factor"] == pytest.approx(report["seconds"]["total"] / report["duration_s"])
    assert report["peak_memory_mb"] > 50


def test_gradcam_files(place, run, bundle_folder):
    from rtmri2speech.analysis.pipeline import analyse
    from rtmri2speech.clips.clip import read_clip
    from rtmri2speech.models.load import load_bundle

    names = sorted(f.name for f in (place / "gc").iterdir())
    expected = [
        f"gradcam_{band}_{rest}"
        for band in ("F1", "F2")
        for rest in ("average.png", "frame0003.png", "frame0007.png", "sequence.json", "sequence.npy")
    ]
    assert names == sorted(expected)
    sequence = np.load(place / "gc" / "gradcam_F2_sequence.npy")
    analysis = analyse(load_bundle(bundle_folder), read_clip(place / "clip.mp4"))
    assert sequence.shape == (40, 256, 256) and sequence.dtype == np.float32
    np.testing.assert_allclose(sequence, analysis.heatmap("F2"), atol=1e-4)
    picture = cv2.imread(str(place / "gc" / "gradcam_F1_frame0003.png"))
    assert picture is not None and picture.std() > 10


def test_thesis_maps_and_own_bands(place, run, tmp_path, bundle_folder):
    from rtmri2speech.analysis.pipeline import analyse
    from rtmri2speech.clips.clip import read_clip
    from rtmri2speech.models.load import load_bundle
    from rtmri2speech.spec import Band

    code, _, err = run(
        "gradcam", place / "clip.mp4", "-o", tmp_path / "gc", "--thesis", "--formant-band", "F3:2500-3500", bundle=True
    )
    assert code == 0, err
    analysis = analyse(
        load_bundle(bundle_folder),
        read_clip(place / "clip.mp4"),
        [Band("F3", 2500, 3500)],
        "sequence",
        "power",
        "frame",
        silence="show",
    )
    # The thesis' program: positive part, bilinear, then each frame less its minimum, over its maximum + 1e-6.
    grids = torch.from_numpy(analysis.cam["F3"]).clamp_min(0)[:, None]
    maps = torch.nn.functional.interpolate(grids, (256, 256), mode="bilinear", align_corners=False)[:, 0]
    maps = maps - maps.amin(dim=(1, 2), keepdim=True)
    maps = maps / (maps.amax(dim=(1, 2), keepdim=True) + 1e-6)
    np.testing.assert_allclose(np.load(tmp_path / "gc" / "gradcam_F3_sequence.npy"), maps.numpy(), atol=1e-3)


def test_trust_tells_the_verdict_and_prints_the_card(place, run):
    wanted = (
        "faithfulness",
        place / "clip.mp4",
        "--regions",
        "template",
        "--frames",
        "6",
        "--formant-band",
        "F2:900-2500",
    )
    code, out, err = run(*wanted, "--json", bundle=True)
    assert code == 0, err
    report = json.loads(out)
    assert report["clip"] == "clip.mp4" and report["regions"]["source"] == report["regions_source"] == "template"
    assert (report["method"], report["resolution"]) == ("layer-ig", 32)  # the page's maps
    band = report["bands"]["F2"]
    assert band["verdict"] == band["whole_picture"]["verdict"] in ("faithful", "weak", "unfaithful")
    assert len(band["frames"]) == 6 and {"ratio_to_random", "interval"} < set(band["inside_tract"])
    assert {"share_of_attribution", "effect_db", "ratio_to_random"} < set(band["outside_tract"])
    code, out, err = run(*wanted, bundle=True)
    assert code == 0 and f"F2: {band['verdict'].upper()}\n  {band['sentences']['en'][:40]}" in out
    assert "untrained bundle" in out


def test_reach_writes_every_pair_of_frames_and_tells_it_in_words(place, run, tmp_path, bundle_folder):
    from rtmri2speech.attribution.temporal import temporal_attribution
    from rtmri2speech.clips.clip import read_clip
    from rtmri2speech.models.load import load_bundle
    from rtmri2speech.spec import Band

    code, out, err = run("temporal", place / "clip.mp4", "-o", tmp_path / "r.npy", "--json", bundle=True)
    assert code == 0, err
    told, found = json.loads(out), np.load(tmp_path / "r.npy")
    expected = temporal_attribution(load_bundle(bundle_folder), read_clip(place / "clip.mp4"), Band("F2", 900, 2500))
    np.testing.assert_allclose(found, expected.contributions, atol=1e-6)
    assert told["frames"] == len(found) and found.shape == (len(found),) * 2
    code, _, err = run("temporal", place / "clip.mp4", "-o", tmp_path / "r.png", bundle=True)
    assert code == 0 and cv2.imread(str(tmp_path / "r.png")).std() > 10
    code, _, err = run("temporal", place / "clip.mp4", "-o", tmp_path / "r.txt", bundle=True)
    assert code == 2 and "npy, png, svg, pdf" in err and not (tmp_path / "r.txt").exists()


def test_loudness_and_tilt_are_targets_like_bands(place, run, tmp_path):
    asked = ("--target", "loudness", "--formant-band", "slope:tilt")
    code, out, err = run("gradcam", place / "clip.mp4", "-o", tmp_path, *asked, bundle=True)
    assert code == 0 and "slope (slope of the spectrum)" in out, err
    record = json.loads((tmp_path / "gradcam_slope_sequence.json").read_text())
    assert record["band"]["of"] == "tilt" and (tmp_path / "gradcam_loudness_average.png").exists()
    code, out, err = run("temporal", place / "clip.mp4", "-o", tmp_path / "r.npy", "--target", "tilt", bundle=True)
    assert code == 0, err
    code, _, err = run("gradcam", place / "clip.mp4", "-o", tmp_path / "x", "--target", "brightness", bundle=True)
    assert code == 2 and "Cannot read the band 'brightness'" in err and not (tmp_path / "x").exists()


def test_a_formant_is_followed(run, tmp_path):
    write_mp4(tmp_path / "p.mp4", moving_frames(30), Fraction(11413, 420))
    formants = np.full((30, 4), 1500.0)
    np.savez(tmp_path / "p.truth.npz", formants_hz=formants, f0_hz=120.0 * (np.arange(30) < 20), fps=11413 / 420)
    asked = ("--target", "F2:formant2/truth", "--silence", "show")
    code, out, err = run("gradcam", tmp_path / "p.mp4", "-o", tmp_path / "gc", *asked, bundle=True)
    assert code == 0 and "F2: its formant was measured in 20 of 30 frames; the others have no map" in out, err
    maps = np.load(tmp_path / "gc" / "gradcam_F2_sequence.npy")
    assert maps[:20].any() and not maps[20:].any()
    record = json.loads((tmp_path / "gc" / "gradcam_F2_sequence.json").read_text())
    assert record["followed_hz"]["F2"] == [1500.0] * 20 + [None] * 10 and record["band"]["of"] == "formant2"
    code, _, err = run("export", tmp_path / "p.mp4", "-o", tmp_path / "p.zip", *asked, bundle=True)
    assert code == 0, err
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        record = json.loads(archive.read("provenance.json"))
        rows = list(csv.DictReader(archive.read("p_traces.csv").decode().splitlines()))
    assert record["analysis"]["followed_hz"]["F2"][25] is None
    assert "--formant-band F2:formant2/truth" in record["command"]
    assert (rows[3]["F2_formant_hz"], rows[25]["F2_formant_hz"], rows[25]["F2_energy_db"]) == ("1500.0", "", "")
    asked = ("--target", "a:formant2/original")
    code, _, err = run("gradcam", tmp_path / "p.mp4", "-o", tmp_path / "x", *asked, bundle=True)
    assert code == 2 and "no original speech" in err and not (tmp_path / "x").exists()


def test_one_heatmap_per_clip_frame(run, tmp_path, bundle_folder):
    write_mp4(tmp_path / "fast.mp4", moving_frames(50, 64, 64), 60)
    code, _, err = run("gradcam", tmp_path / "fast.mp4", "-o", tmp_path / "gc", "--per", "clip", bundle=True)
    assert code == 0, err
    assert np.load(tmp_path / "gc" / "gradcam_F1_sequence.npy", mmap_mode="r").shape == (50, 256, 256)
    code, _, err = run(
        "overlay",
        tmp_path / "fast.mp4",
        "--heatmap",
        tmp_path / "gc" / "gradcam_F1_sequence.npy",
        "-o",
        tmp_path / "o.mp4",
        "--resize",
        128,
        160,
    )
    assert code == 0, err
    assert probe(tmp_path / "o.mp4")[:4] == (50, 60.0, 128, 160)


def test_segment_and_slowmo(place, run, tmp_path):
    sequence = place / "gc" / "gradcam_F1_sequence.npy"
    code, _, err = run("segment", sequence, "--from", 0.2, "--to", 0.6, "-o", tmp_path / "s.npy")
    assert code == 0, err
    part = np.load(tmp_path / "s.npy")
    first = int(np.ceil(0.2 * MODEL_FPS - 0.5))
    np.testing.assert_array_equal(part, np.load(sequence)[first : first + len(part)])
    assert len(part) == round(0.4 * MODEL_FPS)
    code, _, err = run("slowmo", place / "clip.mp4", "--sequence", tmp_path / "s.npy", "-o", tmp_path / "s.mp4")
    assert code == 0, err
    frames, fps, width, height, sounds = probe(tmp_path / "s.mp4")
    assert (frames, fps, width, height, sounds) == (4 * len(part), 5.0, 512, 512, 0)


@pytest.mark.parametrize(("audio", "sounds"), [("original", 1), ("none", 0), ("file", 1)])
def test_overlay_audio(place, run, tmp_path, audio, sounds):
    soundfile.write(tmp_path / "x.wav", np.zeros(11413, np.float32), 11413)
    heat = [place / "gc" / f"gradcam_{band}_sequence.npy" for band in ("F1", "F2")]
    code, _, err = run(
        "overlay",
        place / "clip.mp4",
        "--heatmap",
        heat[0],
        "--heatmap2",
        heat[1],
        "-o",
        tmp_path / "o.mp4",
        "--audio",
        tmp_path / "x.wav" if audio == "file" else audio,
        "--slow",
        2,
    )
    assert code == 0, err
    frames, fps, *_, found = probe(tmp_path / "o.mp4")
    assert frames == 80 and fps == pytest.approx(MODEL_FPS, abs=1e-3) and found == sounds


def test_mask_dims_the_region_only(place, run, tmp_path):
    from rtmri2speech.clips.clip import read_clip

    regions = {"regions": [{"name": "box", "polygon": [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]}]}
    (tmp_path / "r.json").write_text(json.dumps(regions))
    code, _, err = run(
        "mask", place / "clip.mp4", "--region", tmp_path / "r.json", "--strength", 0.5, "-o", tmp_path / "m.mp4"
    )
    assert code == 0, err
    before, after = read_clip(place / "clip.mp4"), read_clip(tmp_path / "m.mp4")
    assert after.frames.shape == before.frames.shape and after.audio is not None
    inside = (slice(None), slice(30, 66), slice(26, 54))
    assert after.frames[inside].mean() == pytest.approx(before.frames[inside].mean() / 2, rel=0.05)
    assert after.frames[:, :20].mean() == pytest.approx(before.frames[:, :20].mean(), rel=0.05)
    tongue = ("mask", place / "clip.mp4", "--region", "tongue", "-o", tmp_path / "t.mp4")
    assert run(*tongue, "--source", "template")[0] == 0
    code, _, err = run(*tongue)
    assert code == 2 and "does not show a head" in err  # a disc has no tongue


@pytest.mark.slow
def test_evaluate(place, run):
    code, out, err = run("evaluate", place / "clip.mp4", "--json", bundle=True)
    assert code == 0, err
    report = json.loads(out)
    (clip,) = report["clips"].values()
    assert report["mean"]["copy_synthesis"]["mcd_db"] == 0
    assert clip["synthesis"]["mcd_db"] > 1 and clip["mean_mel"]["mae_F1_db"] > 0
    assert abs(clip["audio_mismatch_s"]) < 0.2
    code, out, _ = run("evaluate", place / "clip.mp4", bundle=True)
    assert "the ceiling" in out and "the floor" in out


def test_info(place, run, bundle_folder):
    code, out, _ = run("info", place / "clip.mp4", "--json")
    report = json.loads(out)
    assert code == 0 and report["width"] == 80 and report["height"] == 96 and report["frames"] == 40
    assert "16 black columns" in report["padding"] and report["retimed"] is False
    code, out, _ = run("info", bundle_folder, "--json")
    assert code == 0 and json.loads(out)["bundle_kind"] == "untrained"
    assert "random weights" in run("info", bundle_folder)[1]


@pytest.mark.slow
def test_real_clips_through_every_picture_command(shared, run, tmp_path):
    for source in sorted((shared / "rtmri").glob("*.avi")):
        code, _, err = run("synth", source, "-o", tmp_path / "o.wav", bundle=True)
        assert code == 0, err
    gc = tmp_path / "gc"
    assert run("gradcam", source, "-o", gc, "--formant-band", "F1:300-900", bundle=True)[0] == 0
    heat = gc / "gradcam_F1_sequence.npy"
    assert (
        run(
            "overlay",
            source,
            "--heatmap",
            heat,
            "--audio",
            tmp_path / "o.wav",
            "--resize",
            256,
            256,
            "-o",
            tmp_path / "o.mp4",
        )[0]
        == 0
    )
    assert probe(tmp_path / "o.mp4")[0] == round(673 / 22.41 * MODEL_FPS)


def test_help_of_every_command():
    from rtmri2speech.cli import app

    for command in app.registered_commands:
        assert main([command.callback.__name__, "--help"]) == 0


# -------------------------------------------------------------------------------------------------------- bad input


def truncated(path):
    write_mp4(path, moving_frames(60, 128, 128), 27)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def truncated_with_index_first(path):
    whole = write_mp4(path.with_name("whole.mp4"), moving_frames(200, 128, 128), 27)
    command = [ffmpeg_binary(), "-loglevel", "error", "-i", whole, "-c", "copy", "-movflags", "+faststart", path]
    subprocess.run(command, check=True)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    return path


def sound_only(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        block = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        block.sample_rate = 16000
        container.mux(stream.encode(block))
        container.mux(stream.encode())
    return path


def many_frames(path):
    """100,000 real frames in a small file."""
    np.savez_compressed(path, frames=np.zeros((100_000, 16, 16), np.uint8))
    return path


def claimed_frames(path):
    """An AVI header that claims 100,000 frames a file of ten does not hold."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=27)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "gray"
        for frame in moving_frames(10, 32, 32):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "gray")))
    data = bytearray(path.read_bytes())
    for tag, offset in ((b"avih", 24), (b"strh", 40)):
        at = data.index(tag) + offset
        data[at : at + 4] = (100_000).to_bytes(4, "little")
    path.write_bytes(data)
    return path


def written(path, content: bytes):
    path.write_bytes(content)
    return path


BAD_CLIPS = {
    "missing": (lambda d: d / "none.mp4", "no file"),
    "directory": (lambda d: d, "is a folder"),
    "empty": (lambda d: written(d / "empty.mp4", b""), "is empty"),
    "text": (lambda d: written(d / "text.mp4", b"not a video\n" * 50), "not a video"),
    "truncated": (lambda d: truncated(d / "cut.mp4"), "not a video|damaged|cut short"),
    "truncated with index first": (lambda d: truncated_with_index_first(d / "cut.mp4"), "damaged or cut short"),
    "sound only": (lambda d: sound_only(d / "a.mp4"), "no video stream"),
    "one frame": (lambda d: write_mp4(d / "one.mp4", moving_frames(1)), "one frame"),
    "2x2": (lambda d: write_mp4(d / "tiny.mp4", np.zeros((9, 2, 2), np.uint8)), "at least 16 pixels"),
    "100,000 frames": (lambda d: many_frames(d / "many.npz"), "more than 20000 frames"),
    "100,000 claimed": (lambda d: claimed_frames(d / "claim.avi"), "lasts|more than|damaged"),
    "pickled array": (lambda d: written(d / "p.npy", pickle.dumps([1])), "not a NumPy"),
}


@pytest.mark.parametrize("case", BAD_CLIPS)
@pytest.mark.parametrize("command", ["synth", "gradcam"])
def test_bad_clips(run, tmp_path, case, command):
    make, words = BAD_CLIPS[case]
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in")
    out = tmp_path / "out"
    out.mkdir()
    assert_refused(run(command, path, "-o", out / ("o.wav" if command == "synth" else "gc"), bundle=True), words)
    assert list(out.iterdir()) == []


def assert_refused(result, words):
    import re

    code, out, err = result
    assert code == 2
    assert out == "" and len(err.splitlines()) == 1 and "Traceback" not in err
    assert re.search(words, err), err


def test_16_bit_and_odd_sizes_are_read(run, tmp_path):
    for k, frame in enumerate(moving_frames(6, 45, 67)):
        cv2.imwrite(str(tmp_path / f"f_{k:04d}.png"), frame.astype(np.uint16) * 257)
    code, _, err = run("synth", tmp_path, "--fps", 27, "-o", tmp_path / "out" / "o.wav", bundle=True)
    assert code == 0, err


def test_raw_bgr24_avi_that_aborts_opencv(run, tmp_path):
    with av.open(str(tmp_path / "raw.avi"), "w") as container:
        stream = container.add_stream("rawvideo", rate=Fraction(2318, 100))
        stream.width, stream.height, stream.pix_fmt = 68, 68, "bgr24"
        for frame in moving_frames(10, 68, 68):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.repeat(frame[..., None], 3, 2), "bgr24")))
    assert run("synth", tmp_path / "raw.avi", "-o", tmp_path / "o.wav", bundle=True)[0] == 0


@pytest.mark.slow
def test_bad_bands_alpha_frames_and_places(place, run, tmp_path):
    clip, out = place / "clip.mp4", tmp_path / "out"
    (tmp_path / "file").write_text("")

    def gradcam(words, *more):
        assert_refused(run("gradcam", clip, "-o", out, *more, bundle=True), words)

    gradcam("beyond the mel", "--formant-band", "X:3000-9000")
    gradcam("reversed", "--formant-band", "X:900-300")
    gradcam("no mel bin", "--formant-band", "X:301-302")
    gradcam("Cannot read the band", "--formant-band", "F1")
    gradcam("no frame 40", "--target-frames", 3, 40)
    gradcam("not one of", "--objective", "best")
    gradcam("No such option|no such option", "--nonsense")
    assert not out.exists()
    assert_refused(run("synth", clip, "-o", tmp_path / "file" / "o.wav", bundle=True), "Cannot write")
    assert_refused(run("gradcam", clip, "-o", tmp_path / "file" / "gc", bundle=True), "Cannot write")
    assert_refused(run("export", clip, "-o", tmp_path / "file" / "e.zip", bundle=True), "file is not a folder")
    assert_refused(run("export", clip, "-o", ".", bundle=True), "Cannot write")
    assert_refused(run("synth", clip, "-o", tmp_path / "o.txt", bundle=True), "ends in .wav")
    assert_refused(run("synth", clip), "Missing option")
    assert_refused(run("synth", clip, "-o", tmp_path / "o.wav", "--bundle", place), "no bundle")
    assert [f.name for f in tmp_path.iterdir()] == ["file"]


def test_bad_heatmaps(place, run, tmp_path):
    clip, heat = place / "clip.mp4", place / "gc" / "gradcam_F1_sequence.npy"
    np.save(tmp_path / "short.npy", np.zeros((7, 8, 8), np.float32))
    np.save(tmp_path / "nan.npy", np.full((40, 8, 8), np.nan, np.float32))
    (tmp_path / "text.npy").write_text("x")
    before = sorted(tmp_path.iterdir())
    out = ["-o", tmp_path / "o.mp4"]
    assert_refused(run("overlay", clip, "--heatmap", tmp_path / "short.npy", *out), "7 frames but the video has 40")
    assert_refused(run("overlay", clip, "--heatmap", tmp_path / "nan.npy", *out), "finite|NaN")
    assert_refused(run("overlay", clip, "--heatmap", tmp_path / "text.npy", *out), "not a NumPy file")
    assert_refused(run("overlay", clip, "--heatmap", tmp_path / "none.npy", *out), "no heatmap file")
    for alpha in ("-0.1", "1.1", "nan"):
        assert_refused(run("overlay", clip, "--heatmap", heat, "--alpha", alpha, *out), "0 (and|to) 1|between")
    assert_refused(run("overlay", clip, "--heatmap", heat, "--slow", "0.5", *out), "slow|1")
    assert_refused(run("overlay", clip, "--heatmap", heat, "--audio", tmp_path / "none.wav", *out), "no sound file")
    assert_refused(run("slowmo", clip, "--sequence", heat, "--start-frame", 9, *out), "do not fit")
    assert_refused(run("segment", heat, "--from", 1.2, "--to", 0.8, "-o", tmp_path / "s.npy"), "earlier first")
    assert_refused(run("mask", clip, "--region", "ear", *out), "ear")
    assert_refused(run("mask", clip, "--region", "lips", "--strength", 2, *out), "trength")
    assert sorted(tmp_path.iterdir()) == before


class Code:
    def __reduce__(self):
        return (print, ("code from a checkpoint ran",))


def test_bad_weights(place, run, tmp_path, bundle):
    bundle.save(tmp_path / "b")
    from safetensors.torch import load_file, save_file

    from rtmri2speech.files import sha256_of

    weights = tmp_path / "b" / "acoustic.safetensors"
    tensors = load_file(weights)
    tensors["head.bias"][3] = float("nan")
    save_file(tensors, weights)
    arguments = ["synth", place / "clip.mp4", "-o", tmp_path / "o.wav", "--bundle", tmp_path / "b"]
    assert_refused(run(*arguments), "sha256")
    description = json.loads((tmp_path / "b" / "bundle.json").read_text())
    description["sha256"]["acoustic.safetensors"] = sha256_of(weights)
    (tmp_path / "b" / "bundle.json").write_text(json.dumps(description))
    assert_refused(run(*arguments), "head.bias holds NaN")
    torch.save({"model_state_dict": {}}, tmp_path / "a.pt")
    torch.save({"model_state_dict": Code()}, tmp_path / "evil.pt")
    (tmp_path / "scaler.json").write_text(json.dumps({"mean": [0] * 80, "std": [1] * 80}))
    (tmp_path / "config.json").write_text("{}")
    convert = [
        "convert",
        "--acoustic",
        tmp_path / "a.pt",
        "--scaler",
        tmp_path / "scaler.json",
        "--vocoder",
        tmp_path / "a.pt",
        "--vocoder-config",
        tmp_path / "config.json",
        "-o",
        tmp_path / "new",
    ]
    assert_refused(run(*convert), "head.weight")
    convert[2] = tmp_path / "evil.pt"
    assert_refused(run(*convert), "was not loaded")
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the disk is made full by a POSIX limit")
@pytest.mark.parametrize("command", ["overlay", "gradcam", "synth", "segment"])
def test_full_disk_leaves_nothing(place, bundle_folder, tmp_path, command):
    import resource

    heat = place / "gc" / "gradcam_F1_sequence.npy"
    arguments = {
        "overlay": [place / "clip.mp4", "--heatmap", heat, "-o", tmp_path / "o.mp4"],
        "gradcam": [place / "clip.mp4", "-o", tmp_path / "gc", "--bundle", bundle_folder],
        "synth": [place / "clip.mp4", "-o", tmp_path / "o.wav", "--bundle", bundle_folder],
        "segment": [heat, "--from", "0", "--to", "1", "-o", tmp_path / "s.npy"],
    }[command]
    done = subprocess.run(
        [sys.executable, "-m", "rtmri2speech", command, *arguments],
        capture_output=True,
        encoding="utf-8",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert_refused((done.returncode, done.stdout, done.stderr), "Cannot write")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent to a process of its own on POSIX only")
def test_interrupt_leaves_nothing(place, tmp_path):
    write_mp4(tmp_path / "long.mp4", moving_frames(600, 64, 64), 27)
    np.save(tmp_path / "h.npy", np.random.default_rng(0).random((600, 8, 8), np.float32))
    before = sorted(tmp_path.iterdir())
    command = [sys.executable, "-m", "rtmri2speech", "overlay", tmp_path / "long.mp4", "--heatmap", tmp_path / "h.npy"]
    process = subprocess.Popen(
        [*command, "-o", tmp_path / "o.mp4", "--resize", "1920", "1080"],
        stderr=subprocess.PIPE,
        # a shell that runs the tests in the background makes its children ignore SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while sorted(tmp_path.iterdir()) == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.poll() is None, "the rendering ended before it could be interrupted"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and b"Traceback" not in err
    assert sorted(tmp_path.iterdir()) == before


def test_one_line_and_exit_code_in_a_real_process(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "rtmri2speech", "info", tmp_path / "発話 'x'.mp4"], capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and "発話 'x'.mp4" in done.stderr


def test_a_command_of_an_older_name_still_works_and_tells_the_new_one(place, run, tmp_path):
    code, _, err = run("reach", place / "clip.mp4", "-o", tmp_path / "r.npy", bundle=True)
    assert code == 0 and (tmp_path / "r.npy").exists() and "'reach' is now called 'temporal'" in err
    code, out, _ = run("--help")
    assert "temporal" in out and "reach" not in out and "trust" not in out

"""Videos as cameras, phones, cutting programs and broken disks leave them: what FFmpeg's own program shows and plays is
what is read, and what is missing is told."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from imageio_ffmpeg import get_ffmpeg_exe

from rtmri2speech.cli import main
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.speech_quality import read_with_sound
from training.preprocess.sample import Settings, make_sample
from training.preprocess.sources import find_sources

COUNT, HEIGHT, WIDTH, FPS, RATE = 50, 72, 96, 25, 16000


def ffmpeg(*arguments) -> bytes:
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def shown(path: Path, height: int = HEIGHT, width: int = WIDTH, *filters: str) -> np.ndarray:
    """(T, H, W): the frames that FFmpeg's program shows, which heeds edit lists and display matrices."""
    raw = ffmpeg("-i", path, *filters, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width)


def same(one: np.ndarray, other: np.ndarray) -> None:
    assert one.shape == other.shape and np.abs(one.astype(int) - other).max() <= 2


def pictures() -> np.ndarray:
    """Each brighter than the one before, with a mark at the left of the upper edge."""
    frames = np.full((COUNT, HEIGHT, WIDTH), 60, np.uint8)
    frames[:, 4:20, 4:40] = 220
    frames[:, 40:60, 50:90] = 4 * np.arange(COUNT, dtype=np.uint8)[:, None, None] + 20
    return frames


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """base.gray, base.wav (a tone of 0.1 s at 1 s), gop.mp4 and whole.mkv."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "base.gray").write_bytes(pictures().tobytes())
    t = np.arange(2 * RATE) / RATE
    tone = np.where((t >= 1) & (t < 1.1), 0.5 * np.sin(2 * np.pi * 1000 * t), 0.01 * np.sin(2 * np.pi * 300 * t))
    soundfile.write(folder / "base.wav", tone, RATE)
    coded = ["-c:v", "libx264", "-qp", 10, "-pix_fmt", "yuv420p"]
    made = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", FPS, "-i", folder / "base.gray"]
    sound = ["-i", folder / "base.wav"]
    ffmpeg(*made, *sound, *coded, "-bf", 3, "-g", 50, "-c:a", "aac", folder / "gop.mp4")
    ffmpeg(*made, *sound, *coded, "-bf", 0, "-g", 10, "-c:a", "flac", folder / "whole.mkv")
    ffmpeg(*made, *sound, *coded, "-bf", 0, "-g", 10, "-c:a", "libopus", "-ar", 48000, folder / "whole.webm.mkv")
    return folder


def tone_at_s(clip) -> float:
    return float(np.flatnonzero(np.abs(clip.audio) > 0.2)[0] / clip.audio_rate)


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mov"])
@pytest.mark.parametrize("from_s", [0.5, 0.84])
def test_a_cut_without_coding_anew_is_what_players_show(folder, tmp_path, name, from_s):
    """An edit list leaves out frames that the file still holds."""
    cut = tmp_path / name
    ffmpeg("-ss", from_s, "-i", folder / "gop.mp4", "-t", 0.9, "-c", "copy", cut)
    clip = read_clip(cut)
    same(clip.frames, shown(cut))
    assert len(clip.frames) < COUNT - 10 and not clip.notes
    assert tone_at_s(clip) == pytest.approx(1 - from_s, abs=0.005)


def test_an_mp4_that_is_cut_off_is_refused_as_before(folder, tmp_path):
    ffmpeg("-i", folder / "gop.mp4", "-c", "copy", "-movflags", "faststart", tmp_path / "a.mp4")
    whole = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(whole[: int(0.7 * len(whole))])
    with pytest.raises(InputError, match=r"cut short: \d+ of 50 frames"):
        read_clip(tmp_path / "a.mp4")


@pytest.mark.parametrize(("coding", "ending"), [("aac", "mp4"), ("flac", "mkv"), ("pcm_s16le", "avi"), ("ac3", "mkv")])
@pytest.mark.parametrize("layout", ["stereo", "5.1"])
def test_channels_are_averaged_as_those_of_a_sound_file_are(tmp_path, folder, coding, ending, layout):
    channels = {"stereo": 2, "5.1": 6}[layout]
    t = np.arange(2 * 44100) / 44100
    sound = np.stack([0.9 * np.sin(2 * np.pi * 200 * t)] * channels, 1)
    soundfile.write(tmp_path / "beside.wav", sound, 44100)
    clip_path = tmp_path / f"clip.{ending}"
    video = ["-i", folder / "gop.mp4", "-i", tmp_path / "beside.wav", "-map", "0:v", "-map", "1:a", "-c:v", "copy"]
    ffmpeg(*video, "-ac", channels, "-c:a", coding, "-b:a", "448k", clip_path)
    clip = read_clip(clip_path)
    assert clip.audio_rate == 44100
    middle = slice(22050, 66150)
    # The low-frequency channel of lossy 5.1 passes no 200 Hz: a sixth of the mean may be missing.
    least = 0.89 if coding in ("flac", "pcm_s16le") or channels == 2 else 0.89 * 5 / 6 - 0.01
    assert least < np.abs(clip.audio[middle]).max() < 0.95


def test_a_videos_sound_and_the_same_wav_give_the_same_samples(tmp_path, folder):
    """Through info's, evaluate's and the training's reading: unlike channels of noise, kept without loss."""
    noise = np.random.default_rng(0).uniform(-0.6, 0.6, (2 * RATE, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", noise, RATE, subtype="PCM_16")
    for coding in ("pcm_s16le", "flac"):
        clips = tmp_path / coding
        clips.mkdir()
        video = ["-i", folder / "gop.mp4", "-i", tmp_path / "a.wav", "-map", "0:v", "-map", "1:a", "-c:v", "copy"]
        ffmpeg(*video, "-c:a", coding, clips / "own.mkv")
        ffmpeg("-i", folder / "gop.mp4", "-an", "-c:v", "copy", clips / "beside.mkv")
        (clips / "beside.wav").write_bytes((tmp_path / "a.wav").read_bytes())
        own, beside = read_with_sound(clips / "own.mkv"), read_with_sound(clips / "beside.mkv")
        np.testing.assert_allclose(own.audio, beside.audio, atol=1e-6)
        samples = [make_sample(source, Settings()) for source in find_sources(clips, None, None, r"^(x)")[0]]
        np.testing.assert_allclose(samples[0].waveform, samples[1].waveform, atol=1e-5)


def without_sound_packets(source: Path, target: Path, from_s: float, to_s: float) -> None:
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            gone = packet.stream.type == "audio" and packet.pts and from_s <= packet.pts * packet.time_base < to_s
            if packet.dts is not None and not gone:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)


@pytest.mark.parametrize(("source", "ending"), [("whole.mkv", "mkv"), ("gop.mp4", "mp4"), ("whole.webm.mkv", "mkv")])
def test_a_gap_in_the_sound_is_silent_and_told(folder, tmp_path, capsys, source, ending):
    path = tmp_path / f"gap.{ending}"
    without_sound_packets(folder / source, path, 0.4, 0.8)
    clip, whole = read_clip(path), read_clip(folder / source)
    assert tone_at_s(clip) == pytest.approx(tone_at_s(whole), abs=0.002)
    rate = clip.audio_rate
    assert (
        not clip.audio[int(0.5 * rate) : int(0.75 * rate)].any() and clip.audio[int(0.1 * rate) :][: rate // 10].any()
    )
    assert "gaps" in str(clip.notes[0]) and 0.3 < clip.notes[0].values["seconds"] < 0.5
    assert clip.notes[0].values["at"] == pytest.approx(0.4, abs=0.07)
    assert main(["info", str(path), "--json"]) == 0
    out, err = capsys.readouterr()
    assert "gaps" in json.loads(out)["notes"][0] and "note: " in err and "gaps" in err
    assert not whole.notes


def test_a_damaged_packet_of_sound_is_left_out_and_told(folder, tmp_path):
    whole = (folder / "whole.mkv").read_bytes()
    with av.open(str(folder / "whole.mkv")) as container:
        (damaged,) = [
            bytes(p) for p in container.demux(audio=0) if p.pts is not None and 0.44 < p.pts * p.time_base < 0.5
        ] or [b""]
    assert damaged and whole.count(damaged) == 1
    at = whole.index(damaged) + len(damaged) // 2
    (tmp_path / "a.mkv").write_bytes(whole[:at] + bytes(255 - b for b in whole[at : at + 4]) + whole[at + 4 :])
    clip = read_clip(tmp_path / "a.mkv")
    assert tone_at_s(clip) == pytest.approx(1.0, abs=0.002)
    assert clip.notes and not clip.audio[int(0.47 * RATE) : int(0.5 * RATE)].any()


@pytest.mark.parametrize("name", ["whole.mkv", "whole.webm.mkv"])
def test_a_video_that_is_cut_off_says_how_much_is_missing(folder, tmp_path, capsys, name):
    whole = (folder / name).read_bytes()
    (tmp_path / "a.mkv").write_bytes(whole[: int(0.6 * len(whole))])
    assert main(["info", str(tmp_path / "a.mkv")]) == 2
    said = capsys.readouterr().err
    assert "cut short" in said and "of 2.0" in said and "missing" in said


def test_an_avi_that_is_cut_off(folder, tmp_path):
    ffmpeg("-i", folder / "gop.mp4", "-c:v", "rawvideo", "-pix_fmt", "gray", "-an", tmp_path / "whole.avi")
    whole = (tmp_path / "whole.avi").read_bytes()
    assert len(read_clip(tmp_path / "whole.avi").frames) == COUNT
    (tmp_path / "a.avi").write_bytes(whole[: int(0.6 * len(whole))])
    with pytest.raises(InputError, match="cut short"):
        read_clip(tmp_path / "a.avi")


@pytest.mark.parametrize(
    "turning",
    [
        ["-display_rotation", 90],
        ["-display_rotation", 180],
        ["-display_rotation", 270],
        ["-display_hflip"],
        ["-display_vflip"],
        ["-display_rotation", 90, "-display_hflip"],
        ["-display_rotation", 90, "-display_vflip"],
    ],
)
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_picture_is_turned_and_mirrored_as_players_do(folder, tmp_path, turning, ending):
    path = tmp_path / f"a.{ending}"
    ffmpeg(*turning, "-i", folder / "gop.mp4", "-c", "copy", path)
    sides = (WIDTH, HEIGHT) if turning[-1] in (90, 270) or len(turning) == 3 else (HEIGHT, WIDTH)
    clip = read_clip(path)
    same(clip.frames, shown(path, *sides))
    assert not np.array_equal(clip.frames, pictures())


def test_a_tilted_picture_is_refused(folder, tmp_path):
    path = tmp_path / "a.mp4"
    ffmpeg("-display_rotation", 10, "-i", folder / "gop.mp4", "-c", "copy", path)
    with pytest.raises(InputError, match="not a multiple of 90 degrees"):
        read_clip(path)


@pytest.mark.parametrize(("aspect", "sides"), [("2/1", (HEIGHT, 2 * WIDTH)), ("1/2", (2 * HEIGHT, WIDTH))])
@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi"])
def test_pixels_that_are_no_squares(folder, tmp_path, aspect, sides, ending):
    path = tmp_path / f"a.{ending}"
    coding = ["-c:v", "mpeg4", "-q:v", 1] if ending == "avi" else ["-c:v", "libx264", "-qp", 5]
    ffmpeg("-i", folder / "gop.mp4", "-vf", f"setsar={aspect}", *coding, "-an", path)
    clip = read_clip(path)
    assert clip.frames.shape == (COUNT, *sides)
    height, width = sides
    expected = shown(path, height, width, "-vf", f"scale={width}:{height}:flags=bilinear,setsar=1")
    assert np.abs(clip.frames.astype(int) - expected).mean() < 2


def test_the_sound_track_marked_as_default_is_taken(folder, tmp_path):
    t = np.arange(2 * RATE) / RATE
    soundfile.write(tmp_path / "second.wav", 0.25 * np.sin(2 * np.pi * 440 * t), RATE)
    both = ["-i", folder / "whole.mkv", "-i", tmp_path / "second.wav", "-map", "0:v", "-map", "0:a", "-map", "1:a"]
    ffmpeg(
        *both, "-c:v", "copy", "-c:a", "flac", "-disposition:a:0", 0, "-disposition:a:1", "default", tmp_path / "a.mkv"
    )
    assert 0.24 < np.abs(read_clip(tmp_path / "a.mkv").audio).max() < 0.26
    ffmpeg(*both, "-c:v", "copy", "-c:a", "flac", "-disposition:a", 0, tmp_path / "b.mkv")  # none: the first
    assert 0.49 < np.abs(read_clip(tmp_path / "b.mkv").audio).max() < 0.51


def test_time_stamps_that_are_rounded_leave_no_gaps(folder, tmp_path):
    """Matroska rounds to 1 ms: sounds of any rate and coding stay whole."""
    for rate, coding in ((44100, "aac"), (22050, "libmp3lame"), (48000, "libopus"), (11025, "flac")):
        path = tmp_path / f"{coding}.mkv"
        ffmpeg("-i", folder / "gop.mp4", "-c:v", "copy", "-ar", rate, "-c:a", coding, path)
        clip = read_clip(path)
        assert not clip.notes and tone_at_s(clip) == pytest.approx(1.0, abs=0.003)
        assert len(clip.audio) == pytest.approx(2 * clip.audio_rate, rel=0.04)


def test_a_leap_in_time_stamps_takes_no_memory(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        video = container.add_stream("ffv1", rate=10)
        video.height = video.width = 64
        video.pix_fmt = "gray"
        sound = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for _ in range(5):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64), np.uint8), "gray")))
        container.mux(video.encode())
        for at_s in (0, 360_000):
            block = av.AudioFrame.from_ndarray(np.ones((1, 1000), np.int16), format="s16", layout="mono")
            block.sample_rate, block.pts, block.time_base = RATE, at_s * RATE, Fraction(1, RATE)
            container.mux(sound.encode(block))
    with pytest.raises(InputError, match="lasts"):
        read_clip(tmp_path / "a.mkv", fps=10)

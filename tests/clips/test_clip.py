"""Reading clips: what goes in by other writers (PyAV, OpenCV, NumPy) comes out, or is refused in one sentence."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from rtmri2speech.clips import frame_rate
from rtmri2speech.clips.clip import Clip, ClipLimits, read_clip
from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.errors import InputError
from tests.conftest import moving_frames, write_mp4

MODEL_FPS = 11413 / 420


def test_real_clips(shared):
    expected = {"lac12112011_13_29_46": (645, 23.18), "lac12112011_13_30_52": (562, 23.18), "s2_study6_3": (673, 22.41)}
    for name, (count, fps) in expected.items():
        clip = read_clip(shared / "rtmri" / f"{name}.avi")
        assert clip.frames.shape == (count, 68, 68) and clip.frames.dtype == np.uint8
        assert clip.fps == pytest.approx(fps) and clip.audio is None
        assert clip.duration == pytest.approx(count / fps)
        retimed = frame_rate.retime(clip, MODEL_FPS)
        assert len(retimed) == round(count / fps * MODEL_FPS)


def test_raw_bgr24_avi_that_aborts_opencv(tmp_path):
    frames = moving_frames(12, 68, 68)
    path = tmp_path / "raw.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=Fraction(2318, 100))
        stream.width = stream.height = 68
        stream.pix_fmt = "bgr24"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.repeat(frame[..., None], 3, 2), "bgr24")))
    clip = read_clip(path)
    assert np.abs(clip.frames.astype(int) - frames).max() <= 1
    assert clip.fps == pytest.approx(23.18)


def test_lossless_gray_and_sound_in_sync(tmp_path):
    frames, rate = moving_frames(30, 66, 90), 16000
    audio = np.zeros(rate, np.float32)
    audio[8000:8200] = 0.8 * np.sin(np.arange(200) / 3)
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=30)
        video.height, video.width, video.pix_fmt = 66, 90, "gray"
        sound = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, "gray")))
        block = av.AudioFrame.from_ndarray((audio * 32767).astype(np.int16)[None], format="s16", layout="mono")
        block.sample_rate = rate
        container.mux(sound.encode(block))
        container.mux(video.encode())
        container.mux(sound.encode())
    clip = read_clip(path)
    np.testing.assert_array_equal(clip.frames, frames)
    assert clip.constant_rate and clip.fps == pytest.approx(30)  # Matroska rounds to 1 ms
    assert clip.audio_rate == rate and clip.audio.dtype == np.float32
    np.testing.assert_allclose(clip.audio[: len(audio)], audio, atol=1e-3)
    assert clip.padding == (24, 0)


@pytest.mark.parametrize(
    ("packets", "refused"),
    [
        ([10] * 100 + [8000], False),  # a large one last: the total is what counts
        ([20_000, 10_000, 5000], True),  # a small one last
    ],
)
def test_a_sound_is_as_long_as_its_packets_together(tmp_path, packets, refused):
    rate, path = 16_000, tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=10)
        video.height = video.width = 64
        video.pix_fmt = "gray"
        sound = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for frame in moving_frames(5):
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, "gray")))
        container.mux(video.encode())
        for at, count in zip(np.cumsum([0, *packets]), packets, strict=False):
            block = av.AudioFrame.from_ndarray(np.ones((1, count), np.int16), format="s16", layout="mono")
            block.sample_rate, block.pts, block.time_base = rate, int(at), Fraction(1, rate)
            container.mux(sound.encode(block))
        container.mux(sound.encode())
    limits = ClipLimits(longest_s=1.0)  # of the pictures; a sound may last twice as long
    if refused:
        with pytest.raises(InputError, match="sound lasts longer than 2 s"):
            read_clip(path, fps=10, limits=limits)
    else:
        assert len(read_clip(path, fps=10, limits=limits).audio) == sum(packets)


def test_variable_rate_is_honoured(tmp_path):
    frames = moving_frames(4)
    steps = [0, 1, 5, 6]  # tenths of a second
    path = tmp_path / "v.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.height = stream.width = 64
        stream.pix_fmt, stream.codec_context.time_base = "gray", Fraction(1, 10)
        for frame, step in zip(frames, steps, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, "gray")
            picture.pts, picture.time_base = step, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    clip = read_clip(path)
    np.testing.assert_allclose(clip.times_s[:4], [0, 0.1, 0.5, 0.6], atol=2e-3)
    assert not clip.constant_rate
    shown = frame_rate.clip_frame_of_each(clip, 20)
    assert list(shown[:13]) == [0, 0] + [1] * 8 + [2, 2] + [3]


def test_gif_and_colour(tmp_path):
    from PIL import Image

    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    pictures = [Image.new("RGB", (40, 30), colour) for colour in colours]
    pictures[0].save(tmp_path / "c.gif", save_all=True, append_images=pictures[1:], duration=50, loop=0)
    clip = read_clip(tmp_path / "c.gif")
    assert clip.frames.shape == (3, 30, 40)
    luma = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b in colours]
    np.testing.assert_allclose(clip.frames.mean(axis=(1, 2)), luma, atol=3)
    assert clip.fps == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_folder_of_16_bit_frames(tmp_path, suffix):
    deep = (moving_frames(10).astype(np.uint16) * 16).clip(0, 4095)
    for k in range(10):
        # 9 before 10 by number, not by name
        assert cv2.imwrite(str(tmp_path / f"x_{k + 1}.{suffix}"), deep[k])
    clip = read_clip(tmp_path, fps=50)
    expected = np.rint(deep * (255 / deep.max()))
    assert np.abs(clip.frames - expected).max() <= 1
    assert clip.duration == pytest.approx(0.2)
    (tmp_path / f"x_4.{suffix}").unlink()
    with pytest.raises(InputError, match="number 4 is missing"):
        read_clip(tmp_path, fps=50)


def test_arrays(tmp_path):
    frames = moving_frames(8)
    np.save(tmp_path / "a.npy", frames)
    np.testing.assert_array_equal(read_clip(tmp_path / "a.npy").frames, frames)
    assert read_clip(tmp_path / "a.npy").fps == pytest.approx(MODEL_FPS)
    np.savez(tmp_path / "a.npz", frames=frames / 255.0, fps=50.0)
    clip = read_clip(tmp_path / "a.npz")
    assert clip.fps == pytest.approx(50)
    scaled = np.rint(frames * (255 / frames.max()))
    assert np.abs(clip.frames - scaled).max() <= 1
    for name, wrong in {
        "nan": np.full((4, 32, 32), np.nan),
        "flat": np.zeros((4, 32)),
        "text": np.array(["a"]),
        "none": np.zeros((0, 32, 32), np.uint8),
    }.items():
        np.save(tmp_path / f"{name}.npy", wrong)
        with pytest.raises(InputError):
            read_clip(tmp_path / f"{name}.npy")


def test_playlists_do_not_reach_other_files(tmp_path):
    write_mp4(tmp_path / "secret.mp4", moving_frames(10))
    (tmp_path / "list.ffconcat").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nsecret.mp4\n#EXT-X-ENDLIST\n")
    for name in ("list.ffconcat", "list.mp4"):
        with pytest.raises(InputError, match="not a video"):
            read_clip(tmp_path / name)


def test_limits(tmp_path):
    path = write_mp4(tmp_path / "a.mp4", moving_frames(54))
    for limits, words in (
        (ClipLimits(longest_s=1), "lasts 2.0 s"),
        (ClipLimits(most_frames=50), "more than 50 frames"),
        (ClipLimits(largest_side=60), "at most 60 pixels"),
        (ClipLimits(most_bytes=100_000), "once decoded"),
    ):
        with pytest.raises(InputError, match=words):
            read_clip(path, limits=limits)


@pytest.mark.parametrize("fps", [10.0, 22.41, 83.28, 27.0])
def test_retiming_keeps_duration_and_mean(fps):
    ramp = np.arange(0, 200, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8)
    clip = Clip(ramp, np.arange(201) / fps)
    retimed = frame_rate.retime(clip, MODEL_FPS)
    assert len(retimed) == round(200 / fps * MODEL_FPS)
    midpoints = (np.arange(len(retimed)) + 0.5) / MODEL_FPS
    inside = midpoints < clip.duration - 1 / MODEL_FPS
    # frame k shows the gray level k from k / fps to (k + 1) / fps
    shown = midpoints * fps - 0.5
    assert np.abs(retimed[:, 0, 0] - shown)[inside].max() <= 1.01
    assert abs((retimed[:, 0, 0] - shown)[inside].mean()) < 0.1
    back = frame_rate.model_frame_of_each(clip, MODEL_FPS)
    assert np.abs(frame_rate.clip_frame_of_each(clip, MODEL_FPS)[back] - np.arange(200)).max() <= np.ceil(
        fps / MODEL_FPS
    )


def test_a_clip_at_the_models_rate_is_not_touched():
    frames = moving_frames(104)
    clip = Clip(frames, np.round(np.arange(105) / MODEL_FPS, 2))  # a container that rounds to 10 ms
    assert frame_rate.retime(clip, MODEL_FPS) is frames


def test_frames_are_padded_not_stretched():
    wide = np.full((1, 32, 64), 200, np.uint8)
    wide[0, 0, 0] = 0
    prepared = prepare_frames(wide, 64)[0]
    assert prepared[:16].max() == 0 and prepared[48:].max() == 0
    assert prepared[17:48].min() == 1
    assert prepare_frames(np.full((1, 32, 32), 7, np.uint8), 64).max() == 0
    scaled = prepare_frames(moving_frames(3, 68, 68), 256)
    assert (scaled.min(axis=(1, 2)) == 0).all() and (scaled.max(axis=(1, 2)) == 1).all()
    # standardising each frame first changes nothing
    frame = moving_frames(1, 256, 256)[0].astype(np.float64)
    standardised = (frame - frame.mean()) / frame.std()
    thesis = (standardised - standardised.min()) / np.ptp(standardised)
    np.testing.assert_allclose(prepare_frames(moving_frames(1, 256, 256), 256)[0], thesis, atol=1e-6)


def with_sound(path, packets, rate=16000):
    """40 frames in 1.5 s, and PCM in packets of these many samples."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("rawvideo", rate=27)
        video.width, video.height, video.pix_fmt = 64, 64, "gray"
        sound = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for frame in moving_frames(40):
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, "gray")))
        at = 0
        for samples in packets:
            block = av.AudioFrame.from_ndarray(np.full((1, samples), 1000, np.int16), format="s16", layout="mono")
            block.sample_rate, block.pts = rate, at
            at += samples
            container.mux(sound.encode(block))
    return path


def test_the_length_of_a_sound_is_that_of_all_its_packets(tmp_path):
    limits = ClipLimits(longest_s=2)
    clip = read_clip(with_sound(tmp_path / "uneven.mkv", [160] * 40 + [16000]), limits=limits)
    assert len(clip.audio) == 40 * 160 + 16000
    with pytest.raises(InputError, match="sound lasts longer than 4 s"):
        read_clip(with_sound(tmp_path / "long.mkv", [16000] * 5 + [16]), fps=27, limits=limits)


def test_an_npz_says_which_array_holds_the_frames(tmp_path):
    frames, other = moving_frames(9), np.zeros((5, 32, 32), np.uint8)
    for names in ({"frames": frames, "mask": other}, {"mask": other, "mri": frames}, {"clip": frames, "fps": 20.0}):
        np.savez(tmp_path / "clip.npz", **names)
        np.testing.assert_array_equal(read_clip(tmp_path / "clip.npz").frames, frames)
    np.savez(tmp_path / "clip.npz", first=other, second=frames, fps=20.0)
    with pytest.raises(InputError, match=r"which array of .*clip.npz holds the frames \(first, second\)"):
        read_clip(tmp_path / "clip.npz")

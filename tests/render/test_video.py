"""Overlay and slow-motion videos: geometry, colours, order of frames, sound."""

import av
import numpy as np
import parselmouth
import pytest

from rtmri2speech.attribution.upsampling import upsample_grid
from rtmri2speech.errors import InputError
from rtmri2speech.render.overlay import band_picture, overlay
from rtmri2speech.render.slowmo import slowmo
from rtmri2speech.render.time_stretch import stretch
from rtmri2speech.spec import F1, F2

FPS = 11413 / 420
RATE = 11413


def decoded(path):
    """(frames, H, W, 3) RGB by the matrix that the file states, and the frames' times in seconds."""
    with av.open(str(path)) as file:
        frames = list(file.decode(video=0))
    pictures = [frame.to_ndarray(format="rgb24", src_colorspace=frame.colorspace).astype(int) for frame in frames]
    return np.stack(pictures), [float(frame.time) for frame in frames]


def gray_clip(count, height=64, width=64):
    """Frame t is flat gray 40 + 8 t."""
    return np.repeat(np.arange(40, 40 + 8 * count, 8, dtype=np.uint8), height * width).reshape(count, height, width)


def heat_at(count, rows, columns, side=64):
    heat = np.zeros((count, side, side), np.float32)
    heat[:, rows, columns] = 1
    return heat


def vowel(seconds, f0_hz, rate=RATE):
    """A steady buzz with formants at 500 and 1500 Hz."""
    t = np.arange(round(seconds * rate)) / rate
    gains = [
        (k, 1 / (1 + ((k * f0_hz - 500) / 90) ** 2) + 0.5 / (1 + ((k * f0_hz - 1500) / 120) ** 2)) for k in range(1, 25)
    ]
    wave = sum(gain * np.cos(2 * np.pi * k * f0_hz * t) for k, gain in gains)
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)


def test_heat_lies_where_it_belongs_and_frames_in_order(tmp_path):
    heatmaps = {F1.label: heat_at(9, slice(0, 20), slice(0, 20)), F2.label: heat_at(9, slice(44, 64), slice(44, 64))}
    made = overlay(tmp_path / "a.mp4", gray_clip(9), FPS, heatmaps, size=(301, 255), alpha=0.7)
    pictures, times = decoded(tmp_path / "a.mp4")
    assert made.size == (302, 256) and pictures.shape == (9, 256, 302, 3)
    assert times == pytest.approx([t / FPS for t in range(9)], abs=1e-4)
    # The clip is square: it fills the height above the legend and is centred, black on both sides.
    ink = pictures[8, 100, :, 1] > 50
    left, right = np.flatnonzero(ink)[[0, -1]]
    side = right - left + 1
    assert abs(left - (301 - right)) <= 3
    bottom = np.flatnonzero(pictures[8, :, 151, 1] > 90)
    bottom = bottom[bottom < side + 4][-1]
    assert abs(bottom + 1 - side) <= 3
    assert 180 < side < 230
    for t in (0, 8):
        np.testing.assert_allclose(pictures[t, side // 2, 151], 40 + 8 * t, atol=4)
        orange = 0.3 * (40 + 8 * t) + 0.7 * np.array([255, 164, 32])
        blue = 0.3 * (40 + 8 * t) + 0.7 * np.array([86, 190, 245])
        np.testing.assert_allclose(pictures[t, 20, left + 20], orange, atol=10)
        np.testing.assert_allclose(pictures[t, side - 20, right - 20], blue, atol=10)


def test_side_by_side_keeps_a_plain_frame(tmp_path):
    overlay(tmp_path / "a.mp4", gray_clip(3), FPS, {"F1": np.ones((3, 8, 8), np.float32)}, layout="side-by-side",
            size=(512, 300), alpha=1.0)  # fmt: skip
    picture = decoded(tmp_path / "a.mp4")[0][2]
    np.testing.assert_allclose(picture[100, 128], 56, atol=4)
    np.testing.assert_allclose(picture[100, 384], [252, 255, 164], atol=8)


def test_a_square_heatmap_belongs_to_the_frame_padded_to_a_square(tmp_path):
    """A clip of 64x32 (wide): its rows fill the middle half of the square that the heatmap covers."""
    heat = {"F1": heat_at(2, slice(30, 34), slice(0, 64))}
    overlay(tmp_path / "a.mp4", gray_clip(2, height=32) + np.uint8(100), FPS, heat, size=(100, 100), alpha=1)
    column = decoded(tmp_path / "a.mp4")[0][0][:, 70]
    assert column[10].max() < 12 and column[90].max() < 12  # padding
    np.testing.assert_allclose(column[[30, 70]], 140, atol=6)  # the frame
    np.testing.assert_allclose(column[50], [252, 255, 164], atol=20)  # its middle row


@pytest.mark.slow
@pytest.mark.parametrize("size", [(256, 256), (1080, 1080)])
def test_the_legend_changes_with_frame_and_label_only_below_the_picture(tmp_path, size):
    heat = np.zeros((3, 8, 8), np.float32)
    for label in ("F1 band (300-900 Hz)", "F2 band (900-2500 Hz)", "舌 (900-2500 Hz)"):
        overlay(tmp_path / f"{label}.mp4", np.full((3, 64, 64), 99, np.uint8), FPS, {label: heat}, size=size)
    first, second, third = (decoded(tmp_path / f"{label}.mp4")[0] for label in
                            ("F1 band (300-900 Hz)", "F2 band (900-2500 Hz)", "舌 (900-2500 Hz)"))  # fmt: skip
    rows = np.flatnonzero((np.abs(first[0] - second[0]) > 60).any(axis=(1, 2)))
    assert rows.min() > 0.8 * size[1]
    assert (np.abs(first[0] - third[0]) > 60).any()
    caption = np.flatnonzero((np.abs(first[0] - first[2]) > 60).any(axis=(1, 2)))
    assert caption.min() > rows.max()
    assert np.ptp(caption) + 1 >= 8  # digits are at least 8 pixels tall


def test_slow_repeats_frames_and_keeps_the_pitch(tmp_path):
    audio = vowel(12 / FPS, 120)
    made = overlay(
        tmp_path / "a.mp4", gray_clip(12), FPS, {"F1": np.zeros((12, 8, 8), np.float32)}, size=(128, 128),
        slow=3, audio=audio, audio_rate=RATE,
    )  # fmt: skip
    pictures, times = decoded(tmp_path / "a.mp4")
    assert made.frames == len(pictures) == 36
    assert times[-1] == pytest.approx(35 / FPS, abs=1e-3)
    np.testing.assert_allclose(pictures[:, 40, 64, 0], np.repeat(np.arange(40, 136, 8), 3), atol=4)
    with av.open(str(tmp_path / "a.mp4")) as file:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)]).astype(float)
        rate = file.streams.audio[0].rate
    assert len(sound) / rate == pytest.approx(36 / FPS, abs=1 / FPS)
    heard = parselmouth.Sound(sound, rate).to_pitch().selected_array["frequency"]
    assert np.median(heard[heard > 0]) == pytest.approx(120, rel=0.01)


@pytest.mark.parametrize("slow", [1.5, 2, 5])
@pytest.mark.parametrize("f0_hz", [95, 230])
def test_stretch_keeps_f0_formants_and_place(slow, f0_hz):
    """Silence, a vowel from 0.4 to 0.9 s, silence: all N times later, F0 within 1 %, edges within a frame of source."""
    audio = np.concatenate([np.zeros(round(0.4 * RATE)), vowel(0.5, f0_hz), np.zeros(round(0.3 * RATE))])
    slowed = stretch(audio.astype(np.float32), RATE, slow)
    assert len(slowed) == round(len(audio) * slow)
    loud = np.flatnonzero(np.abs(slowed) > 0.1) / RATE / slow
    assert loud[0] == pytest.approx(0.4, abs=1 / FPS)
    assert loud[-1] == pytest.approx(0.9, abs=1 / FPS)
    middle = slowed[round(0.5 * slow * RATE) : round(0.8 * slow * RATE)].astype(float)
    sound = parselmouth.Sound(middle, RATE)
    heard = sound.to_pitch().selected_array["frequency"]
    assert np.median(heard[heard > 0]) == pytest.approx(f0_hz, rel=0.01)
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
    before = audio[round(0.5 * RATE) : round(0.8 * RATE)]
    power_before = np.abs(np.fft.rfft(before * np.hanning(len(before)))) ** 2
    low, low_before = (
        p[: round(len(p) * 1000 / (RATE / 2))].sum() / p.sum() for p in (power, power_before)
    )  # fmt: skip
    assert low == pytest.approx(low_before, abs=0.1)


def test_slowmo_shows_the_stretch_it_was_given(tmp_path):
    made = slowmo(tmp_path / "a.mp4", gray_clip(20), FPS, np.zeros((3, 8, 8), np.float32), "F1", start_frame=7,
                  size=(128, 128))  # fmt: skip
    pictures, times = decoded(tmp_path / "a.mp4")
    assert made.duration_s == pytest.approx(12 / 5)
    assert times == pytest.approx([t / 5 for t in range(12)])
    np.testing.assert_allclose(pictures[:, 40, 64, 0], np.repeat([96, 104, 112], 4), atol=4)


def with_value(value):
    heat = np.zeros((4, 8, 8), np.float32)
    heat[2, 1, 1] = value
    return {"F1": heat}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"heatmaps": {"F1": np.zeros((5, 8, 8), np.float32)}}, r"F1.* 5 frames .* 4"),
        ({"heatmaps": with_value(np.nan)}, "frame 2 .*finite"),
        ({"heatmaps": with_value(-np.inf)}, "frame 2 .*finite"),
        ({"heatmaps": with_value(37.0)}, "frame 2 .*37"),
        ({"heatmaps": {}}, "one to four bands"),
        ({"alpha": 1.5}, "alpha.*1.5"),
        ({"colour_maps": ["nonesuch"]}, "nonesuch"),
        ({"colour_maps": ["orange", "blue"]}, "one colour map for each"),
        ({"slow": 0.5}, "0.5"),
        ({"slow": float("nan")}, "nan"),
        ({"size": (16, 512)}, "16x512"),
        ({"size": (512, 5000)}, "512x5000"),
        ({"layout": "stacked"}, "stacked"),
        ({"combine": "sum"}, "sum"),
        ({"audio": np.zeros((2, 99), np.float32), "audio_rate": 11413}, "one channel"),
        ({"audio": np.full(99, np.nan, np.float32), "audio_rate": 11413}, "finite"),
        ({"fps": 0}, "frame rate"),
    ],
)
def test_bad_input_is_named_and_nothing_is_left(tmp_path, changes, words):
    call = {"frames": gray_clip(4), "fps": FPS, "heatmaps": {"F1": np.zeros((4, 8, 8), np.float32)}} | changes
    with pytest.raises(InputError, match=words) as caught:
        overlay(tmp_path / "a.mp4", **call)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("count", "start", "repeat", "words"),
    [
        (0, 0, 4, "empty"),
        (5, 0, 4, "do not fit"),
        (2, 3, 4, "do not fit"),
        (2, -1, 4, "do not fit"),
        (2, 0, 0, "not 0"),
    ],
)
def test_slowmo_outside_the_clip(tmp_path, count, start, repeat, words):
    with pytest.raises(InputError, match=words):
        slowmo(tmp_path / "a.mp4", gray_clip(4), FPS, np.zeros((count, 8, 8)), "F1", start_frame=start, repeat=repeat)
    assert list(tmp_path.iterdir()) == []


def test_an_upsampled_grid_serves_as_a_heatmap(tmp_path):
    grids = np.random.default_rng(0).random((4, 8, 8), dtype=np.float32)
    for name, heat in (("lazy", upsample_grid(grids)), ("whole", np.stack(list(upsample_grid(grids))))):
        overlay(tmp_path / f"{name}.mp4", gray_clip(4), FPS, {"F1": heat}, size=(128, 128))
    assert np.array_equal(decoded(tmp_path / "lazy.mp4")[0], decoded(tmp_path / "whole.mp4")[0])


def test_the_clips_name_stands_beside_the_caption_where_it_has_room():
    heat = np.zeros((8, 8), np.float32)
    frame = np.full((64, 64), 90, np.uint8)

    def drawn(name):
        picture = band_picture((256, 256), {"F1": heat[None]}, "overlay", 0.7, None, "max", name)
        return picture.draw(frame, [heat], "frame 3").astype(int)

    changed = np.abs(drawn("aiueo") - drawn("")).max(axis=2)
    assert changed[:230].max() == 0 and changed[230:, :128].max() == 0 and changed[230:, 200:].max() > 60
    np.testing.assert_array_equal(drawn("a very long name of a clip " * 3), drawn(""))

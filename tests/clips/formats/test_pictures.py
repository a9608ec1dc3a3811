"""TIFFs of many pages, alone and in folders, as Pillow and ImageJ write them."""

import cv2
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from rtmri2speech.clips.clip import ClipLimits, read_clip
from rtmri2speech.errors import InputError
from tests.conftest import moving_frames

FRAMES = moving_frames(9, 40, 48)
DEEP = FRAMES.astype(np.uint16) * 16


def stack(path, frames, described=""):
    pages = [Image.fromarray(frame) for frame in frames]
    info = TiffImagePlugin.ImageFileDirectory_v2()
    if described:
        info[270] = described
    pages[0].save(path, save_all=True, append_images=pages[1:], tiffinfo=info)
    return path


@pytest.mark.parametrize("suffix", [".tif", ".TIFF"])
def test_a_stack_is_a_clip(tmp_path, suffix):
    path = stack(tmp_path / f"a{suffix}", FRAMES)
    np.testing.assert_array_equal(read_clip(path, fps=25).frames, FRAMES)
    with pytest.raises(InputError, match="does not tell its frame rate"):
        read_clip(path)
    deep = read_clip(stack(tmp_path / f"deep{suffix}", DEEP), fps=25)
    assert np.abs(deep.frames - np.rint(DEEP * (255 / DEEP.max()))).max() <= 1


def test_imagej_tells_the_rate(tmp_path):
    described = "ImageJ=1.54f\nimages=9\nslices=9\nunit=sec\nfinterval=0.04\nmin=0\n"
    assert read_clip(stack(tmp_path / "a.tif", FRAMES, described)).fps == pytest.approx(25)
    for wrong in (described.replace("images=9", "images=500"), described.replace("slices=9", "channels=3\nslices=3")):
        with pytest.raises(InputError, match="ImageJ's own kind"):
            read_clip(stack(tmp_path / "b.tif", FRAMES, wrong), fps=25)
    with pytest.raises(InputError, match="frame rate is"):
        read_clip(stack(tmp_path / "c.tif", FRAMES, described.replace("0.04", "1e-9")))


def test_every_page_of_a_folders_files_is_a_frame(tmp_path):
    for k in range(3):
        stack(tmp_path / f"part_{k}.tif", FRAMES[3 * k : 3 * k + 3])
    np.testing.assert_array_equal(read_clip(tmp_path, fps=25).frames, FRAMES)
    with pytest.raises(InputError, match="more than 8 frames"):
        read_clip(tmp_path, fps=25, limits=ClipLimits(most_frames=8))


def test_pictures_of_8_and_of_16_bits_are_not_mixed(tmp_path):
    for k in range(4):
        cv2.imwrite(str(tmp_path / f"{k}.png"), DEEP[k] if k == 2 else FRAMES[k])
    with pytest.raises(InputError, match="frame 2 holds gray levels of type uint16"):
        read_clip(tmp_path, fps=25)


def test_a_macs_shadow_of_a_frame_is_none(tmp_path):
    for k in range(4):
        cv2.imwrite(str(tmp_path / f"{k}.png"), FRAMES[k])
        (tmp_path / f"._{k}.png").write_bytes(b"\0\5\x16\7")
    np.testing.assert_array_equal(read_clip(tmp_path, fps=25).frames, FRAMES[:4])


def test_a_stack_that_is_cut_off_is_one_sentence(tmp_path):
    path = stack(tmp_path / "a.tif", FRAMES)
    whole = path.read_bytes()
    for share in (0.05, 0.3, 0.6, 0.95):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError):
            read_clip(path, fps=25)

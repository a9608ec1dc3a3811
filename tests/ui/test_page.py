"""The page's handlers without Gradio, and what the page is made of."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import moving_frames, write_mp4

from rtmri2speech.errors import InputError
from rtmri2speech.ui import build, handlers
from rtmri2speech.ui.texts import TEXTS


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_mp4(folder / "disc 円.mp4", moving_frames(20, 64, 64))
    return folder


def test_run_and_pictures(bundle, clips, tmp_path):
    shares = []
    analysis = handlers.run(
        bundle, clips / "disc 円.mp4", tmp_path / "o.mp4", lambda share, stage: shares.append(share)
    )
    assert (tmp_path / "o.mp4").stat().st_size > 1000
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
    pictures = [handlers.frame_picture(analysis, frame) for frame in (2, 12)]
    assert pictures[0].shape == (handlers.PANEL, 3 * handlers.PANEL, 3)
    # the plain panel is the frame itself: its brightest place is the disc's
    for picture, frame in zip(pictures, (2, 12), strict=True):
        plain = picture[: handlers.PANEL - 60, : handlers.PANEL].mean(axis=2)
        y, x = np.unravel_index(plain.argmax(), plain.shape)
        assert (x > handlers.PANEL / 2) == (np.cos(2 * np.pi * frame / 20) > 0)
    line = handlers.frame_numbers(analysis, 12)
    assert f"{12 / analysis.fps:.3f} s" in line
    assert f"F1 band (300-900 Hz): {analysis.band_db['F1'][12]:.1f} dB" in line


def test_page_needs_a_bundle(tmp_path):
    with pytest.raises(InputError, match="no bundle"):
        build(tmp_path)


def test_every_text_exists_in_both_languages():
    assert TEXTS["en"].keys() == TEXTS["ja"].keys()
    assert all(text.strip() for language in TEXTS.values() for text in language.values())


def test_core_does_not_import_gradio_and_imports_nothing_heavy_by_itself():
    code = (
        "import sys, rtmri2speech; assert 'torch' not in sys.modules; import rtmri2speech.analysis, rtmri2speech.cli;"
        "assert 'training' not in sys.modules; import app; assert 'gradio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bad_bundle_is_one_line(tmp_path):
    done = subprocess.run([sys.executable, "app.py", "--bundle", tmp_path], capture_output=True, encoding="utf-8")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "no bundle" in done.stderr

"""The page's handlers without Gradio, and what the page is made of."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import moving_frames, write_mp4

from rtmri2speech.audio import write_audio
from rtmri2speech.errors import InputError
from rtmri2speech.regions import TEMPLATE
from rtmri2speech.ui import build, explorer, handlers
from rtmri2speech.ui.examples import Examples
from rtmri2speech.ui.jobs import Jobs, Stopped
from rtmri2speech.ui.texts import EXPLORER, TEXTS


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_mp4(folder / "disc 円.mp4", moving_frames(20, 64, 64))
    return folder


def test_open_a_clip_and_write_its_overlay(bundle, clips, tmp_path):
    shares = []
    result = handlers.open_clip(bundle, clips / "disc 円.mp4", None, lambda share, stage: shares.append(share))
    assert result.name == "disc 円" == json.loads(result.payload)["name"]
    assert shares == sorted(shares) and 0.9 < shares[-1] <= 1
    handlers.write_overlay(result.analysis, tmp_path / "o.mp4", lambda share, stage: shares.append(share))
    assert (tmp_path / "o.mp4").stat().st_size > 1000 and shares[-1] == pytest.approx(1)


def test_every_stage_has_words(bundle, clips, tmp_path):
    stages = set()
    result = handlers.open_clip(bundle, clips / "disc 円.mp4", None, lambda share, stage: stages.add(stage))
    handlers.write_overlay(result.analysis, tmp_path / "o.mp4", lambda share, stage: stages.add(stage))
    assert stages and all(f"stage_{stage}" in TEXTS["ja"] for stage in stages)


def test_stop_ends_the_work_at_its_next_step(bundle, clips):
    jobs, seen = Jobs(), []
    check = jobs.start("someone")
    jobs.start("someone else")

    def progress(share, stage):
        seen.append(stage)
        if stage == "attention":
            jobs.stop("someone")
        check()

    with pytest.raises(Stopped):
        handlers.open_clip(bundle, clips / "disc 円.mp4", None, progress)
    assert seen[-1] == "attention" and "speech" not in seen


def test_a_new_job_ends_the_sessions_old_one():
    jobs = Jobs()
    old, other = jobs.start("a"), jobs.start("b")
    new = jobs.start("a")
    with pytest.raises(Stopped):
        old()
    new(), other()


def test_an_example_is_analysed_once_and_found_by_name_only(bundle, clips):
    write_audio(clips / "disc 円.wav", np.sin(np.arange(8000) / 5).astype(np.float32), 16000)
    examples, stages = Examples(bundle, clips), []
    assert examples.names == ["disc 円"]
    first = examples.open("disc 円", lambda share, stage: stages.append(stage))
    assert "original" in json.loads(first.payload)["sounds"]
    stages.clear()
    assert examples.open("disc 円", lambda share, stage: stages.append(stage)) is first and not stages
    for name in ("../disc 円", str(clips / "disc 円.mp4"), "disc 円.mp4"):
        with pytest.raises(KeyError):
            examples.open(name, lambda share, stage: None)


def test_page_needs_a_bundle(tmp_path):
    with pytest.raises(InputError, match="no bundle"):
        build(tmp_path)


def test_every_text_exists_in_both_languages():
    for texts in (TEXTS, EXPLORER):
        assert texts["en"].keys() == texts["ja"].keys()
        assert all(text.strip() for language in texts.values() for text in language.values())
    assert {f"region_{region.name}" for region in TEMPLATE} <= EXPLORER["en"].keys()


def test_every_word_the_explorer_asks_for_exists():
    folder = Path(explorer.__file__).parent
    html, script = ((folder / name).read_text(encoding="utf-8") for name in ("explorer.html", "explorer.js"))
    asked = re.findall(r'data-(?:text|label|title)="(\w+)"', html) + re.findall(r'word\("(\w+[a-z])"\)', script)
    assert len(asked) > 40 and set(asked) <= EXPLORER["en"].keys()


def test_core_does_not_import_gradio_and_imports_nothing_heavy_by_itself():
    code = (
        "import sys, rtmri2speech; assert 'torch' not in sys.modules; import rtmri2speech.analysis, rtmri2speech.cli;"
        "assert 'training' not in sys.modules; import app; assert 'gradio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bad_bundle_is_one_line(tmp_path):
    done = subprocess.run([sys.executable, "app.py", "--bundle", tmp_path], capture_output=True, encoding="utf-8")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "no bundle" in done.stderr

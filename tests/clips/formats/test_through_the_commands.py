"""Recordings of every format through what people do with them: info, synth, regions, training.preprocess, the page."""

import csv
import json
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import h5py
import numpy as np
import pytest
import scipy.io
import soundfile

from rtmri2speech.cli import main
from rtmri2speech.cli.describe import describe_clip
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.ui.clip_notes import own_clip_note
from rtmri2speech.ui.page import build
from tests.clips.formats.test_dicom import SAGITTAL, write, write_series
from tests.clips.formats.test_lab_files import ismrmrd, matlab73, nifti
from tests.conftest import moving_frames
from training.preprocess.sample import Settings
from training.preprocess.sources import find_sources
from training.preprocess.write_dataset import write_dataset

FRAMES = moving_frames(40, 64, 64)
FPS = 25.0


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The same clip in every format, with a sound beside each."""
    folder = tmp_path_factory.mktemp("corpus")
    known = {"ImageOrientationPatient": SAGITTAL, "PixelSpacing": [2.4, 2.4]}
    write_series(folder / "series", FRAMES, **known)
    write(folder / "many.dcm", FRAMES, FrameTime=40, **known)
    nifti(folder / "packed.nii.gz", FRAMES, 0.04)
    in_matlab = {"frames": FRAMES.transpose(1, 2, 0), "fps": FPS, "pixel_mm": 2.4}
    scipy.io.savemat(folder / "five.mat", in_matlab)
    matlab73(folder / "seven.mat", **in_matlab)
    ismrmrd(folder / "scanner.h5", FRAMES[:, None, None])
    with h5py.File(folder / "recon.h5", "w") as file:
        file["recon"] = FRAMES.transpose(0, 2, 1)
    noise = np.convolve(np.random.default_rng(0).normal(size=32000), np.ones(8) / 8, "same")
    names = [path.name.removesuffix(".gz").rpartition(".")[0] or path.name for path in folder.iterdir()]
    for name in names:
        soundfile.write(folder / f"{name}.wav", 0.3 * noise[: int(40 / FPS * 20000)] / np.abs(noise).max(), 20000)
    return folder


CLIPS = ["series", "many.dcm", "packed.nii.gz", "five.mat", "seven.mat", "scanner.h5", "recon.h5"]


@pytest.mark.parametrize("name", CLIPS)
def test_info_and_synth(corpus, tmp_path, capsys, bundle_folder, name):
    rate = ["--fps", "25"] if name.endswith(".h5") else []
    if rate:
        assert main(["info", str(corpus / name)]) == 2
        assert (
            capsys.readouterr()
            .err.strip()
            .endswith("does not tell its frame rate: on the command line, give it with --fps.")
        )
    assert main(["info", str(corpus / name), "--json", *rate]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["frames"], told["width"], told["height"], told["fps"]) == (40, 64, 64, 25.0)
    assert told["pixel_mm"] == {"packed.nii.gz": 1.5, "recon.h5": None}.get(name, 2.4)
    out = tmp_path / "said.wav"
    assert main(["synth", str(corpus / name), "-o", str(out), "--bundle", str(bundle_folder), *rate]) == 0
    said, hz = soundfile.read(out)
    assert len(said) / hz == pytest.approx(40 / FPS, abs=0.03)


def test_preprocess_takes_every_format(corpus, tmp_path):
    sources, unusable = find_sources(corpus, None, None, r"^(s\d+)_")
    assert not unusable and {source.video.name for source in sources} == set(CLIPS)
    meta = write_dataset(sources, {}, Settings(fps=FPS), tmp_path / "dataset", tell=lambda text: None)
    assert sorted(meta["utterances"]) == sorted(["series", "many", "packed", "five", "seven", "scanner", "recon"])
    made = [np.load(tmp_path / "dataset" / "samples" / id_ / "mri.npy") for id_ in meta["utterances"]]
    for other in made[1:]:
        assert np.abs(other.astype(int) - made[0]).max() <= 1


def test_lengths_in_cm_follow_from_the_file(tmp_path, capsys):
    """A phantom's frames, saved as NIfTI with and without the size of a pixel."""
    clip = read_clip("assets/clips/aiueo_new_speaker.mp4")
    for name, mm in (("told", 0.9), ("untold", None)):
        arrays = {"frames": clip.frames[:12].transpose(1, 2, 0), "fps": clip.fps} | ({"pixel_mm": mm} if mm else {})
        scipy.io.savemat(tmp_path / f"{name}.mat", arrays)
        assert main(["regions", str(tmp_path / f"{name}.mat"), "-o", str(tmp_path / f"{name}.csv")]) == 0
    with (tmp_path / "told.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "untold.csv").open() as file:
        assert "tract_length_cm" not in next(csv.reader(file))
    lengths = [(float(row["tract_length_px"]), float(row["tract_length_cm"])) for row in rows if row["tract_length_px"]]
    assert lengths and all(cm == pytest.approx(px * 0.09, abs=1e-3) for px, cm in lengths)


def test_the_page_takes_such_files(corpus, tmp_path, monkeypatch):
    """Whatever can be read, DICOM without a suffix, too; of what cannot, and of any fault of a reader, it says so."""
    page = build()
    (upload,) = [block for block in page.blocks.values() if getattr(block, "elem_id", None) == "upload"]
    assert upload.file_types is None
    (given,) = [fn for fn in page.fns.values() if fn.name == "opened"]
    warned = []
    monkeypatch.setattr(gr, "Warning", warned.append)
    (tmp_path / "IM0001").write_bytes((corpus / "many.dcm").read_bytes())
    for file in (*(corpus / n for n in ("many.dcm", "packed.nii.gz", "five.mat", "seven.mat")), tmp_path / "IM0001"):
        assert given.fn(str(file), "en")[0]["label"] == file.name and not warned
    (tmp_path / "notes.txt").write_text("no clip")
    assert given.fn(str(tmp_path / "notes.txt"), "ja")[0]["value"] is None
    assert warned.pop() == "notes.txtは動画として読み込めません。"

    def broken(*arguments):
        raise RecursionError

    monkeypatch.setattr("rtmri2speech.clips.formats.matlab.read_matlab", broken)
    given.fn(str(corpus / "five.mat"), "en")
    assert warned == ["five.mat is damaged or not what its name says: it cannot be read."]


def test_what_was_amiss_is_told_above_the_picture():
    context = build().context
    clip = replace(read_clip("assets/clips/aiueo_new_speaker.mp4"), notes=(InputError("A <note>."),))
    shown = SimpleNamespace(source=context.examples.path(context.examples.first), analysis=SimpleNamespace(clip=clip))
    assert own_clip_note(context, shown, "en") == {"value": "A &lt;note&gt;.", "visible": True, "__type__": "update"}
    assert describe_clip(clip)["notes"] == ["A <note>."]


def test_any_fault_on_the_page_is_a_message(capfd):
    context = build().context

    @context.guard
    def faulty(language):
        raise ZeroDivisionError

    for language, words in (("en", "This program has a fault"), ("ja", "プログラムの不具合")):
        with pytest.raises(gr.Error, match=words):
            faulty(language)
    assert "ZeroDivisionError" in capfd.readouterr().err  # for whoever runs the page

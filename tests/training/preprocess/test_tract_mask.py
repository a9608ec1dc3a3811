"""--mask tract: where the vocal tract is, written beside the pictures and seen by a model of data.view=tract."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from rtmri2speech import read_clip
from rtmri2speech.assets import ASSETS
from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.errors import InputError
from rtmri2speech.spec import FrameSpec
from tests.training.preprocess.test_preprocess import record, run
from training.acoustic.config import AcousticRun
from training.acoustic.dataset import DataConfig, Segment, WindowDataset
from training.acoustic.losses import LossConfig
from training.preprocess.dataset import Corpus
from training.preprocess.sample import Settings
from training.preprocess.tract_mask import read_view


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dataset of an embedded phantom, and of a recording without a head."""
    folder = tmp_path_factory.mktemp("tract")
    (folder / "corpus").mkdir()
    shutil.copy(ASSETS / "clips" / "sakura_known_speaker.mp4", folder / "corpus" / "s00_0000.mp4")
    record(folder / "corpus", "s01_0000")
    meta, _ = run(folder / "corpus", folder / "made", Settings(frames=FrameSpec(128, "tract")))
    return folder / "made", meta


def test_a_recording_without_a_tract_is_left_out(made):
    _, meta = made
    assert list(meta["utterances"]) == ["s00_0000"]
    assert meta["skipped"]["s01_0000"].startswith("No vocal tract was found")


def test_the_mask_is_that_of_the_clip(made):
    folder, _ = made
    view = read_view(folder / "samples" / "s00_0000", "tract")
    frames = read_clip(ASSETS / "clips" / "sakura_known_speaker.mp4").frames
    assert view.region.shape == (256, 256) and 0.1 < view.region.mean() < 0.25
    assert np.isfinite(view.prepare(frames[:1], 64)).all()
    with pytest.raises(InputError, match="--mask tract"):
        read_view(folder, "tract")


def test_a_model_of_that_view_sees_the_window_alone(made):
    folder, _ = made
    corpus = Corpus.read(folder)
    segments = [Segment(corpus.utterances[0], 0, 12)]
    whole, tract = (
        WindowDataset(segments, DataConfig(window=8, image_size=64, view=v), corpus.scaler, jitter=False, augment=None)
        for v in ("full", "tract")
    )
    stored = np.load(folder / "samples" / "s00_0000" / "mri.npy")[:8]
    assert torch.allclose(whole[0, 0]["frames"].mean(), torch.tensor(prepare_frames(stored, 64).mean()), atol=0.01)
    seen = tract[0, 0]["frames"]
    assert (seen == 0.5).float().mean() > 0.3 and seen.shape == (8, 1, 64, 64)


def test_other_datasets_need_not_be_made_anew(made, tmp_path):
    """The view is a newer setting: samples that do not name it are of the whole picture."""
    folder, _ = made
    origin = json.loads((folder / "samples" / "s00_0000" / "source.json").read_text())["origin"]
    assert origin["settings"]["frames"] == {"size": 128, "view": "tract"}
    record(tmp_path / "corpus", "s01_0000")
    run(tmp_path / "corpus", tmp_path / "made")
    told = json.loads((tmp_path / "made" / "samples" / "s01_0000" / "source.json").read_text())
    assert "view" not in told["origin"]["settings"]["frames"]


def test_the_localisation_loss_is_for_whole_pictures():
    with pytest.raises(InputError, match="sees nothing else"):
        AcousticRun("data", "run", data=DataConfig(view="tract"), loss=replace(LossConfig(), focus=0.5))
    with pytest.raises(InputError, match="full or tract"):
        DataConfig(view="mouth")

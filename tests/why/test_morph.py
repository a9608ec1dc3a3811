"""From one frame to another: the features of both, mixed."""

import numpy as np
import pytest
import torch

from rtmri2speech.assets import ASSETS
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.errors import InputError
from rtmri2speech.models.load import load_bundle
from rtmri2speech.morph import morph
from tests.conftest import moving_frames

T = 9


def test_a_morph_is_what_the_model_says_of_mixed_features(bundle, clip):
    made = morph(bundle, clip, 1, 7, change_s=0.4, hold_s=0.2)
    assert made.share.tolist() == pytest.approx([0] * 5 + [k / 12 for k in range(1, 12)] + [1] * 5)
    pictures = torch.from_numpy(prepare_frames(moving_frames(T)[[1, 7]], bundle.frames.size))[:, None]
    with torch.no_grad():
        one, other = bundle.acoustic.cnn(pictures)[-1].mean(dim=(2, 3))
        mixed = torch.stack([one + float(share) * (other - one) for share in made.share])
        mel_db = bundle.scaler.to_db(bundle.acoustic.mel_from_features(mixed[None])[0]).numpy()
    np.testing.assert_allclose(made.mel_db, mel_db, atol=0.02)
    assert len(made.audio) == len(made.share) * bundle.mel.hop_length


def test_a_phantoms_a_turns_into_its_i():
    """Its F2 truly rises from 1281 to 2288 Hz (aiueo_known_speaker.truth.npz)."""
    made = morph(load_bundle(), read_clip(ASSETS / "clips" / "aiueo_known_speaker.mp4"), 14, 22)
    f2 = np.array([row["F2_hz"] for row in made.table], float)
    ends = [np.nanmedian(f2[made.share == share]) for share in (0, 1)]
    assert ends == [pytest.approx(1281, rel=0.15), pytest.approx(2288, rel=0.15)]
    known = f2[np.isfinite(f2)]
    assert len(known) > len(f2) / 2 and np.diff(known).clip(max=0).sum() > -100  # it hardly ever turns back


def test_what_cannot_be_mixed_is_a_sentence(bundle, clip):
    for frames, times, told in (
        ((0, 9), {}, "There is no frame 9: the clip has frames 0 to 8"),
        ((-1, 3), {}, "There is no frame -1"),
        ((3, 3), {}, "from one frame to another"),
        ((0, 3), {"change_s": 0.0}, "for 0.1 to 20 s"),
        ((0, 3), {"hold_s": float("nan")}, "for 0.1 to 20 s"),
    ):
        with pytest.raises(InputError, match=told):
            morph(bundle, clip, *frames, **times)

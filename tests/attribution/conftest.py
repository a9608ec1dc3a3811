"""Nine frames in each of which something moves, and a bundle for which they differ."""

import numpy as np
import pytest

from rtmri2speech.clips.clip import Clip
from rtmri2speech.models.bundle import Bundle
from tests.conftest import lively_bundle, moving_frames


@pytest.fixture(scope="package")
def bundle() -> Bundle:
    return lively_bundle(moving_frames(9))


@pytest.fixture(scope="package")
def clip(bundle) -> Clip:
    return Clip(moving_frames(9), np.arange(10) / bundle.fps)

"""A worker's tests here share a browser and, for each bundle, a server. Pages are opened in contexts of their own."""

import copy
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.region_attribution import SurfaceMasks
from rtmri2speech.anatomy.sources import regions_of
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.models.load import load_bundle
from rtmri2speech.ui import Settings, session
from rtmri2speech.ui.session import DEFAULT_MAPS
from tests.browser.serving import (
    LABELS,
    LARGEST_UPLOAD,
    LONG_CLIP,
    chromium,
    pages,
    served,
    shortest_example,
    text_grid,
)
from tests.conftest import moving_frames, write_mp4

MODEL_FPS = Fraction(11413, 420)  # at the model's own rate a clip keeps its frames


@pytest.fixture(scope="package")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser):
    """open_page(address, ...) as serving.pages has it; the pages are closed after the test."""
    with pages(browser) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def keep_page(browser):
    """As open_page, for a page on which a module's tests go on one after another."""
    with pages(browser) as open_page:
        yield open_page


# ---- the bundle with random weights: what does not depend on what the model says ----


@pytest.fixture(scope="package")
def address(bundle_folder, tmp_path_factory):
    """The page with two clips: "clip" of two seconds with sound, which opens, and a long one with labels."""
    clips = tmp_path_factory.mktemp("clips")
    tone = 0.02 * np.sign(np.sin(np.arange(30_000) / 20)).astype(np.float32)
    write_mp4(clips / "clip.mp4", moving_frames(54), audio=tone)
    name, frames = LONG_CLIP
    write_mp4(clips / f"{name}.mp4", moving_frames(frames), fps=MODEL_FPS)
    grid = text_grid(LABELS, float(frames / MODEL_FPS))
    (clips / f"{name}.TextGrid").write_text(grid, encoding="utf-8")
    limits = replace(session.PAGE_LIMITS, longest_s=60.0)
    settings = Settings(
        bundle=bundle_folder, clips=clips, regions="template", limits=limits, largest_upload=LARGEST_UPLOAD
    )
    with served(settings) as address:
        yield address


# ---- the embedded bundle on the shortest of the embedded clips: numbers of the page are the core's ----


@pytest.fixture(scope="package")
def embedded():
    return load_bundle()


@pytest.fixture(scope="package")
def rough(embedded):
    """The embedded bundle with a rougher vocoder."""
    rough = copy.copy(embedded)
    rough.vocoder = copy.deepcopy(embedded.vocoder)
    torch.manual_seed(0)
    with torch.no_grad():
        for weights in rough.vocoder.parameters():
            weights.add_(0.8 * weights.abs().mean() * torch.randn_like(weights))
    return rough


@pytest.fixture(scope="package")
def example(tmp_path_factory):
    """The file of the shortest of the embedded clips, alone in a folder, with its truth."""
    return shortest_example(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="package")
def spoken(embedded, example):
    """Analysed as the core does unasked."""
    return analyse(embedded, read_clip(example))


@pytest.fixture(scope="package")
def fine(embedded, spoken):
    """With the maps that the page opens with."""
    return analyse(embedded, spoken.clip, method=DEFAULT_MAPS, speak=False)


@pytest.fixture(scope="package")
def found(spoken, example):
    return regions_of(spoken.model_frames, spoken.fps, example)


@pytest.fixture(scope="package")
def masks(found):
    return SurfaceMasks(found)


@pytest.fixture(scope="package")
def embedded_address(rough, example, tmp_path_factory):
    """The page with the embedded bundle and a rougher one."""
    bundles = tmp_path_factory.mktemp("bundles")
    rough.save(bundles / "rough & <b>ready")
    with served(Settings(bundles=bundles, clips=example.parent, language="en")) as address:
        yield address


@pytest.fixture(scope="module")
def page(keep_page, embedded_address):
    """The page of a module whose tests go on with it, unless the module opens one of its own."""
    return keep_page(embedded_address)

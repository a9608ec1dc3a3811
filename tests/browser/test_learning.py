"""Learning from recordings on the page: before and after on what is held out, and a bundle for this session alone."""

import zipfile
from fractions import Fraction

import pytest

from rtmri2speech.finetuning import tuning
from rtmri2speech.models.load import load_bundle
from rtmri2speech.speech.audio import resample
from tests.conftest import write_mp4
from tests.finetuning.test_finetuning import speaking

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    for seed in range(3):
        clip = speaking(seed)
        write_mp4(folder / f"take {seed}.mp4", clip.frames, Fraction(11413, 420), resample(*clip.sound, 16000))
    return sorted(folder.iterdir())


def test_recordings_are_learned_from_and_the_clip_is_spoken_again(
    open_page, address, recordings, bundle_folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(tuning, "_figures", lambda *_: dict.fromkeys(tuning.FIGURES, 0.5))
    page = open_page(address)
    page.wait_for_function("() => window.rtmri2speechReady")
    page.locator("#tab-voice-button").click()
    assert page.locator("#voice-tuned").is_hidden()
    page.locator("#learn-run").click()
    page.get_by_text("Give some clips with sound to learn from first.").wait_for()
    page.locator("#learn-files input[type=file]").set_input_files(recordings)
    page.locator("#learn-files").get_by_text("take 2").first.wait_for()
    stop = page.locator("#learn-stop")
    assert stop.is_disabled()
    page.locator("#learn-run").click()
    page.locator("#learn-stop:enabled").wait_for()
    report = page.locator("#learn-report .in-en")
    report.locator("tr[data-figure=estoi]").wait_for()
    assert "Better: kept for this session." in report.inner_text() and "2 clips" in report.inner_text()
    assert "It is the model that was tuned in this session." in page.locator("#voice-report .in-en").inner_text()
    assert page.locator("#voice-tuned input").is_checked()
    page.locator("#learn-stop:disabled").wait_for()
    with page.expect_download() as download:
        page.locator("#learn-archive a").first.click()
    download.value.save_as(tmp_path / "tuned.zip")
    with zipfile.ZipFile(tmp_path / "tuned.zip") as archive:
        archive.extractall(tmp_path)
    made = load_bundle(tmp_path / f"{bundle_folder.name}-tuned")
    assert made.training["finetuned"]["better"] and made.training["finetuned"]["from"] == "fixture"
    other = open_page(address)
    other.locator("#tab-voice-button").click()
    other.locator("#learn-run").wait_for()
    assert other.locator("#voice-tuned").is_hidden() and other.locator("#learn-archive").is_hidden()

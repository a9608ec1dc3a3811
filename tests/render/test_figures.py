"""PNG figures."""

import numpy as np
import pytest
from PIL import Image

from rtmri2speech.errors import InputError
from rtmri2speech.render import fonts
from rtmri2speech.render.figures import average_figure, frame_figure
from rtmri2speech.render.romaji import romaji
from rtmri2speech.render.spectrogram import spectrogram_figure
from rtmri2speech.spec import Band, MelSpec
from rtmri2speech.speech.mel import centre_frequencies_hz

FPS = 11413 / 420


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int), image.info["dpi"]


def share_near(picture, rgb, within=6):
    return (np.abs(picture - np.array(rgb)).max(axis=2) <= within).mean()


def test_frame_figure_shows_that_frame_and_its_heat(tmp_path):
    frames = np.repeat(np.uint8([50, 130]), 64 * 64).reshape(2, 64, 64)
    heat = np.zeros((2, 64, 64), np.float32)
    heat[1, :, :32] = 1  # the left half of frame 1
    frame_figure(tmp_path / "a.png", frames, {"F1 band (300-900 Hz)": heat}, 1, FPS, alpha=1.0, dpi=100)
    picture, dpi = pixels(tmp_path / "a.png")
    assert dpi == pytest.approx((100, 100), abs=0.1)
    hot, plain = (252, 255, 164), (130, 130, 130)
    assert share_near(picture, hot) == pytest.approx(share_near(picture, plain), rel=0.1)
    assert share_near(picture, plain) > 0.2
    columns = np.flatnonzero((np.abs(picture - plain).max(axis=2) <= 3).mean(axis=0) > 0.5)
    hot_columns = np.flatnonzero((np.abs(picture - hot).max(axis=2) <= 6).mean(axis=0) > 0.5)
    assert hot_columns.max() < columns.min() + 3


def test_average_figure_is_the_mean_over_time_and_dpi_scales_it(tmp_path):
    frames = np.repeat(np.uint8([60, 160]), 64 * 64).reshape(2, 64, 64)
    heat = np.zeros((2, 8, 8), np.float32)
    for dpi in (100, 300):
        average_figure(tmp_path / f"{dpi}.png", frames, {"F1": heat, "F2": heat}, dpi=dpi)
    small, large = (pixels(tmp_path / f"{dpi}.png")[0] for dpi in (100, 300))
    assert share_near(small, (110, 110, 110), 1) > 0.4
    assert large.shape[0] == pytest.approx(3 * small.shape[0], abs=3)


@pytest.fixture
def no_japanese_font(monkeypatch):
    monkeypatch.setattr(fonts, "_japanese_font", lambda: None)


@pytest.mark.filterwarnings("error")
def test_without_a_font_japanese_is_in_latin_letters(tmp_path, no_japanese_font):
    """The same picture as of those letters: no box, no warning."""
    frames, heat = np.zeros((1, 32, 32), np.uint8), np.zeros((1, 8, 8), np.float32)
    for name, label, title in (("a", "シャツ (Hz)", "きゃっか"), ("b", "shatsu (Hz)", "kyakka")):
        frame_figure(tmp_path / f"{name}.png", frames, {label: heat}, 0, FPS, title=title)
    np.testing.assert_array_equal(pixels(tmp_path / "a.png")[0], pixels(tmp_path / "b.png")[0])
    assert fonts.drawable("舌の /ɯ/ 第1") == "?no /ɯ/ ?1" and fonts.lacking("ja") and not fonts.lacking("en", "a")
    assert fonts.lacking("en", "あ")


@pytest.mark.parametrize(
    ("kana", "said"),
    [
        ("おんせい", "onsei"), ("シャッター", "shattaa"), ("マッチ", "matchi"), ("ティ", "ti"), ("ヴァ", "va"),
        ("ｱｲｳ", "aiu"), ("ファイル", "fairu"), ("じゅぎょう", "jugyou"), ("あっ", "at"), ("ア、イ。", "a, i. "),
        ("か\u3099", "ga"),
    ],
)  # fmt: skip
def test_romaji(kana, said):
    assert romaji(kana) == said


def test_a_font_is_found_by_its_letters(monkeypatch):
    """Whatever it is called: by fontconfig, or among all that are installed."""
    known = fonts._japanese_font()
    if known is None:
        pytest.skip("No Japanese font is installed.")
    monkeypatch.setattr(fonts, "_JAPANESE", ())
    for asked in (fonts._of_fontconfig, list):
        monkeypatch.setattr(fonts, "_of_fontconfig", asked)
        found = fonts._japanese_font.__wrapped__()
        assert found is not None and ord("あ") in fonts._letters_of(found)
    monkeypatch.setattr(fonts, "_letters_of", lambda file: frozenset())
    assert fonts._japanese_font.__wrapped__() is None


def test_figure_errors_leave_nothing(tmp_path):
    frames, heat = np.zeros((3, 32, 32), np.uint8), np.zeros((3, 8, 8), np.float32)
    path = tmp_path / "a.png"
    with pytest.raises(InputError, match="frames 0 to 2"):
        frame_figure(path, frames, {"F1": heat}, 3, FPS)
    with pytest.raises(InputError, match="F1.* 2 frames .* 3"):
        average_figure(path, frames, {"F1": heat[:2]})
    with pytest.raises(InputError, match="dpi"):
        average_figure(path, frames, {"F1": heat}, dpi=0)
    with pytest.raises(InputError, match="finite"):
        average_figure(path, frames, {"F1": heat * np.nan})
    with pytest.raises(InputError, match="empty"):
        average_figure(path, frames[:0], {"F1": heat[:0]})
    assert list(tmp_path.iterdir()) == []


def test_a_spectrogram_stands_on_the_axis_of_its_band_limits(tmp_path):
    """The only loud bin of a mel is dark where the dashed limit of a band at its frequency is drawn."""
    mel_hz = centre_frequencies_hz(MelSpec())
    loud = {}
    for number in (8, 30, 55):
        mel = np.full((40, 64), -100.0)
        mel[:, number] = 0.0
        band = Band("X", mel_hz[number], 5706)
        spectrogram_figure(tmp_path / "s.png", {"": mel}, mel_hz, FPS, [band], {"X": mel[:, number]}, dpi=200)
        picture, _ = pixels(tmp_path / "s.png")
        column = picture[:320, 300:900]  # the spectrogram alone, without its axis and colour bar
        dark = np.flatnonzero((column.max(axis=2) < 60).mean(axis=1) > 0.3)
        dark = dark[(dark > dark.min() + 4) & (dark < dark.max() - 4)]  # without the frame around it
        line = np.flatnonzero((np.ptp(column, axis=2) > 60).mean(axis=1) > 0.3)
        line = line[line > line.min() + 4]  # without the band's upper limit, which is at the top
        assert len(dark) and dark.min() - 1 <= line.mean() <= dark.max() + 1
        loud[number] = line.mean()
    assert loud[8] > loud[30] > loud[55]


def on_white(picture, margin_px):
    """Whether nothing reaches into the outermost columns."""
    return picture[:, :margin_px].min() == 255 == picture[:, -margin_px:].min()


@pytest.mark.parametrize("title", ["average of the 1038 speech frames of 0 to 1053\n0.000 to 38.751 s", "平均" * 20])
def test_in_a_papers_column_no_word_is_cut_off(title, tmp_path):
    heat = np.zeros((2, 8, 8), np.float32)
    bands = {"F1 band (300-900 Hz)": heat, "F2 band (900-2500 Hz)": heat}
    frames = np.full((2, 64, 64), 90, np.uint8)
    average_figure(tmp_path / "a.png", frames, bands, width_cm=8.5, dpi=100, title=title)
    picture, _ = pixels(tmp_path / "a.png")
    assert on_white(picture, 2) and picture.shape[1] == pytest.approx(8.5 / 2.54 * 100, abs=1)


def test_the_legend_of_a_columns_spectrogram_lies_within_it(tmp_path):
    mel_hz, mel = centre_frequencies_hz(MelSpec()), np.random.default_rng(0).normal(-50, 10, (40, 64))
    bands = [Band("F1", 300, 900), Band("F2", 900, 2500), Band("F3", 2500, 3500)]
    energies = {band.name: mel[:, 0] for band in bands}
    spectrogram_figure(tmp_path / "s.png", {"Original": mel}, mel_hz, FPS, bands, energies, width_cm=8.5, dpi=100)
    picture, _ = pixels(tmp_path / "s.png")
    assert on_white(picture, 2) and picture.shape[1] == pytest.approx(8.5 / 2.54 * 100, abs=1)
    row = picture[20:60]  # through the spectrogram alone: its axes take most of the width
    inside = np.flatnonzero((row.max(axis=2) < 250).mean(axis=0) > 0.9)
    assert np.ptp(inside) > 0.55 * picture.shape[1]

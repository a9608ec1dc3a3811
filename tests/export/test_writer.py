"""Exports against the analysis they are of, as other programs read them; and what a failure leaves: nothing."""

import csv
import hashlib
import io
import json
import re
import shlex
import shutil
import zipfile
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import parselmouth
import pytest
import soundfile
from PIL import Image

from rtmri2speech.analysis.domain_adaptation import adapt
from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.reference import earlier
from rtmri2speech.anatomy.sources import regions_from_template
from rtmri2speech.attribution.temporal import temporal_attribution
from rtmri2speech.cli import main
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.faithfulness import BandFaithfulness, DeletionTest, FaithfulnessReport
from rtmri2speech.export import writer
from rtmri2speech.export.captions import figure_note
from rtmri2speech.export.provenance import command, provenance
from rtmri2speech.export.selection import select
from rtmri2speech.export.writer import KINDS, ExportOptions, ExportSource, available, preview, write_files, write_zip
from rtmri2speech.labels.textgrid import read_intervals, write_labels
from rtmri2speech.models.load import load_bundle
from rtmri2speech.progress import Progress
from rtmri2speech.render.colour import LINE_COLOURS, layer
from rtmri2speech.render.figure_texts import region_name
from rtmri2speech.spec import Band
from rtmri2speech.speech.audio import read_audio, write_audio
from rtmri2speech.speech.mel import centre_frequencies_hz
from rtmri2speech.speech.voice import Voice, VoicingProbe
from tests.conftest import lively_bundle, moving_frames, write_mp4

RATE = Fraction(11413, 420)
COUNT = 30
STRETCH = (8, 19)
GRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.1
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 1.1
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = "あ"
        intervals [2]:
            xmin = 0.5
            xmax = 1.1
            text = "i"
"""


def still_regions(analysis):
    return regions_from_template(len(analysis.mel_db), analysis.fps, analysis.model_frames.shape[1:])


@pytest.fixture(scope="module")
def subject(bundle_folder, tmp_path_factory):
    """A clip with sound and labels whose name is not easy, analysed by two bands."""
    from rtmri2speech.models.load import load_bundle

    folder = tmp_path_factory.mktemp("export")
    bundle = load_bundle(bundle_folder)
    t = np.arange(round(16000 * COUNT / RATE)) / 16000  # with harmonics: most of a pure tone's spectrum is silent
    tone = (0.4 * np.sign(np.sin(2 * np.pi * 440 * t)) * (0.9 + 0.1 * np.sin(2 * np.pi * 5 * t))).astype(np.float32)
    source = write_mp4(folder / "発話 'a' 1.mp4", moving_frames(COUNT, 64, 64), RATE, tone)
    source.with_suffix(".TextGrid").write_text(GRID, encoding="utf-8")
    analysis = analyse(bundle, read_clip(source), precision="fp32")
    analysis = replace(analysis, silent=np.zeros(COUNT, bool))  # whatever random weights and a disc are taken for
    # Random weights leave the maps nearly still: here F1's heat is in one cell, upper left, and F2's lower right.
    for name, (row, column) in (("F1", (1, 1)), ("F2", (6, 6))):
        analysis.cam[name][:] = 0
        analysis.cam[name][:, row, column] = np.linspace(0.1, 1, COUNT)
        analysis.cam[name][3] = -1
    return ExportSource(source.stem, analysis, still_regions(analysis), bundle, source)


@pytest.fixture(scope="module")
def real(bundle_folder, subject):
    """The same clip as the model sees it."""
    from rtmri2speech.models.load import load_bundle

    bundle = load_bundle(bundle_folder)
    analysis = analyse(bundle, read_clip(subject.source), precision="fp32")
    return ExportSource(subject.name, analysis, still_regions(analysis), bundle, subject.source)


@pytest.fixture
def coarse(monkeypatch):
    """Figures of few pixels, which are quick to draw."""
    monkeypatch.setattr(writer, "DPI", 60)


def decoded(path):
    with av.open(str(path)) as file:
        audio = [frame.to_ndarray()[0] for frame in file.decode(audio=0)] if file.streams.audio else []
        rate = file.streams.audio[0].rate if file.streams.audio else None
    with av.open(str(path)) as file:
        frames = [
            frame.to_ndarray(format="rgb24", src_colorspace=frame.colorspace).astype(int)
            for frame in file.decode(video=0)
        ]
    return frames, np.concatenate(audio) if audio else None, rate


def test_the_video_is_the_stretch_slowed_with_sound_at_its_pitch_and_as_previewed(subject, tmp_path):
    look = ExportOptions(stretch=STRETCH, slow=2.5, sound="original", side=256)
    (path,) = write_files(tmp_path, subject, look, ["video"])
    assert path.name == "発話_a_1_video.mp4"
    frames, sound, rate = decoded(path)
    count = STRETCH[1] - STRETCH[0] + 1
    assert len(frames) == round(2.5 * count)
    assert len(sound) / rate == pytest.approx(2.5 * count / RATE, abs=0.06)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.argmax(spectrum) * rate / len(sound) == pytest.approx(440, rel=0.02)
    for shown, frame in ((0, 8), (15, 14), (29, 19)):
        difference = np.abs(frames[shown] - preview(subject, look, frame))
        assert difference.mean() < 2 and np.quantile(difference, 0.99) < 25
    assert np.abs(frames[0] - preview(subject, look, 19)).mean() > 2


def test_a_band_keeps_the_pages_colour_where_others_are_left_out(subject):
    """Orange is the first band's and blue the second's, whichever of them is exported, as on the page."""
    frame = int(subject.analysis.explained[0])
    both, first, second = (preview(subject, ExportOptions(bands=b, layout="heatmap", side=96), frame)
                           for b in (None, ("F1",), ("F2",)))  # fmt: skip
    warm = [(np.float32(p)[..., 0] - np.float32(p)[..., 2]).sum() for p in (first, second)]
    assert warm[0] > 0 > warm[1] and np.abs(both.astype(int) - first).max() > 0
    colours = writer.select(subject, ExportOptions(bands=("F2",))).line_colours("light")
    assert colours == [LINE_COLOURS["light"][1]]


def test_colours_stand_where_the_heat_is(subject, tmp_path):
    look = ExportOptions(layout="side-by-side", side=320, colour_maps=("violet", "ivory"), alpha=1.0, sound="none")
    (path,) = write_files(tmp_path, subject, look, ["video"])
    frames, sound, _ = decoded(path)
    last, width = frames[-1], 320
    assert sound is None and last.shape == (320, 640, 3) and len(frames) == COUNT
    # both panels are as wide as the picture above the legend is high
    high = next(y for y in range(320) if (last[y : y + 3] == last[-3:, :1]).all() or np.abs(last[y] - 24).max() < 12)
    left = width + (width - high) // 2
    for name, (row, column) in (("violet", (1, 1)), ("ivory", (6, 6))):
        x, y = left + round(high * (column + 0.5) / 8), round(high * (row + 0.5) / 8)
        np.testing.assert_allclose(last[y, x], layer(name, 1.0).paint[255], atol=25)
        plain = last[y, x - width]
        assert np.ptp(plain) <= 8  # gray: no heat on the left


def test_heat_alone_has_no_frame_under_it_and_is_slow_and_silent(subject, tmp_path):
    (path,) = write_files(tmp_path, subject, ExportOptions(side=256, stretch=(0, 5)), ["heat_video"])
    frames, sound, _ = decoded(path)
    assert sound is None and len(frames) == 30
    cold = frames[-1][120:124, 120:124]
    assert np.ptp(cold) <= 6 and 30 < cold.mean() < 60  # dark gray, not the black of a broken video
    (path,) = write_files(tmp_path, subject, ExportOptions(side=256, layout="heatmap", bands=("F2",)), ["video"])
    frames, sound, _ = decoded(path)
    assert sound is not None and np.ptp(frames[-1][5:100, 40:100]) <= 12 < np.ptp(frames[-1][120:])


@pytest.mark.slow
def test_figures_are_for_print(subject, tmp_path):
    kinds = ["frame", "average", "spectrogram"]
    look = ExportOptions(stretch=STRETCH, language="ja", alpha=1.0)
    paths = {path.name: path for path in write_files(tmp_path, subject, look, kinds, frame=12)}
    made = {f"発話_a_1_{kind}.png" for kind in ("frame0012", "average", "spectrogram")}
    assert set(paths) == made | {"発話_a_1_captions.txt"}
    for path in map(paths.get, made):
        with Image.open(path) as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert min(image.size) > 1000


def test_the_average_is_of_the_stretch(subject, tmp_path, coarse):
    pictures = []
    for stretch in ((3, 3), (20, 29)):
        path, _ = write_files(tmp_path, subject, ExportOptions(stretch=stretch, alpha=1.0), ["average"])
        with Image.open(path) as image:
            pictures.append(np.asarray(image.convert("RGB")).astype(int)[72:212, 20:200])
    blue = [((picture[..., 2] - picture[..., 0]) > 60).mean() for picture in pictures]
    assert blue[0] == 0 and blue[1] > 0.002  # frame 3 has attribution against the bands only


def test_figures_are_as_wide_as_asked_in_every_format(subject, tmp_path, coarse):
    look = ExportOptions(stretch=STRETCH, figures=("png", "svg", "pdf"), width_cm=9.0)
    paths = {path.suffix: path for path in write_files(tmp_path, subject, look, ["frame"], frame=12)}
    with Image.open(paths[".png"]) as image:
        assert image.width / image.info["dpi"][0] * 2.54 == pytest.approx(9, abs=0.05)
    points = float(re.search(r'<svg[^>]* width="([\d.]+)pt"', paths[".svg"].read_text())[1])
    assert points / 72 * 2.54 == pytest.approx(9, abs=0.01)
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+)", paths[".pdf"].read_bytes())
    assert float(box[1]) / 72 * 2.54 == pytest.approx(9, abs=0.01)


def test_a_caption_says_what_the_account_says(subject, tmp_path, coarse):
    look = ExportOptions(stretch=STRETCH)
    told = {path.suffix: path for path in write_files(tmp_path, subject, look, ["frame", "average"], frame=12)}[".txt"]
    frame, average = told.read_text(encoding="utf-8").strip().split("\n\n")
    assert "frame 12 0.442 s" in frame and "8 x 8 cells" in frame and subject.bundle.name in frame
    for band in ("F1", "F2"):
        shares = {name: share[12] for name, share in subject.account.bands[band].shares.items()}
        most = max(shares, key=shares.get)
        energy, region = subject.analysis.band_db[band][12], region_name(most, "en")
        assert f"{band}: {energy:.1f} dB; most attention on {region} {shares[most]:.0%}" in frame
    assert "frames" in average and "F1: " not in average


def test_captions_figures_traces_and_provenance_carry_the_verdict_where_it_was_asked_for(subject, tmp_path, coarse):
    test = DeletionTest("weak", 2.0, 1.0, 2.0, (0.75, 3.5), (0.1, 2.0), 0.5, 0.2, 0.8)
    bands = {"F1": BandFaithfulness("weak", tuple(range(10)), test), "F2": BandFaithfulness("untested", (1,))}
    tested = replace(subject, trust=FaithfulnessReport(bands, "grad-cam", 8, None))
    paths = write_files(tmp_path, tested, ExportOptions(figures=("svg",)), ["frame", "traces"], frame=12)
    by_ending = {path.suffix: path for path in paths}
    sentence = "F1 passes weakly (2.0 times random, 95 % interval 0.75 to 3.50; 10 frames), F2 not tested."
    assert sentence in by_ending[".txt"].read_text(encoding="utf-8")
    with by_ending[".csv"].open(encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert (row["method"], row["resolution"], row["baseline"]) == ("grad-cam", "8", "zero")
    assert [row[f"F1_{name}"] for name in ("verdict", "ratio_to_random", "interval_low", "interval_high")] == [
        "weak", "2.000", "0.750", "3.500",
    ]  # fmt: skip
    assert row["F2_verdict"] == "untested" and "F2_interval_low" not in row
    recorded = provenance(select(tested, ExportOptions()))["faithfulness"]
    assert recorded["F1"] == {"verdict": "weak", "ratio_to_random": 2.0, "interval": (0.75, 3.5)}
    assert recorded["F2"] is None and provenance(select(subject, ExportOptions()))["faithfulness"] is None
    assert figure_note(select(tested, ExportOptions())).endswith("deletion test: F1 weakly, F2 not tested")
    assert figure_note(select(subject, ExportOptions())) == "Grad-CAM, 8 x 8"


def test_a_video_shows_outlines_labels_and_the_spectrogram_where_asked(subject):
    plain = preview(subject, ExportOptions(alpha=0.0), 12).astype(int)
    outlined = preview(subject, ExportOptions(alpha=0.0, show=("outlines",)), 12).astype(int)
    changed = np.abs(outlined - plain).sum(axis=-1) > 30
    assert 0.001 < changed.mean() < 0.1
    below = preview(subject, ExportOptions(alpha=0.0, show=("labels", "spectrogram")), 12).astype(int)
    assert below.shape[0] > 600 and (below[:512] == plain).all()
    with_labels = preview(subject, ExportOptions(alpha=0.0, show=("labels",)), 12)
    assert 512 < with_labels.shape[0] < below.shape[0]


def test_traces_can_be_recomputed(subject, tmp_path):
    (path,) = write_files(tmp_path, subject, ExportOptions(stretch=STRETCH), ["traces"])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(8, 20))
    assert [float(row["time_s"]) for row in rows] == pytest.approx([float(t / RATE) for t in range(8, 20)], abs=1e-6)
    analysis = subject.analysis
    assert [float(row["F2_energy_db"]) for row in rows] == pytest.approx(analysis.band_db["F2"][8:20], abs=1e-4)
    (path,) = write_files(tmp_path, subject, ExportOptions(stretch=(3, 3)), ["traces"])
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["F1_share_lips"] == "" and float(row["F1_evidence_db"]) == 0  # no positive attention: no share


def test_tilt_loudness_and_frequencies_are_exported_in_their_own_units(bundle, subject, tmp_path):
    asked = [Band.parse(text) for text in ("F2:900-2500", "tilt", "loudness")]
    analysis = analyse(bundle, read_clip(subject.source), asked, energy="hz")
    made = replace(subject, analysis=analysis)
    paths = write_files(tmp_path, made, ExportOptions(), ["average", "spectrogram", "traces"])
    named = {path.suffix: path for path in paths}
    with named[".csv"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    power, hz = 10 ** (analysis.mel_db / 10), centre_frequencies_hz(bundle.mel)
    slopes = [np.polyfit(np.log2(hz), frame, 1)[0] for frame in analysis.mel_db]
    assert [float(row["tilt_db_per_octave"]) for row in rows] == pytest.approx(slopes, abs=1e-3)
    inside = (hz >= 900) & (hz <= 2500)
    centres = (power[:, inside] @ hz[inside]) / power[:, inside].sum(axis=1)
    assert [float(row["F2_hz"]) for row in rows] == pytest.approx(centres, abs=0.1)
    assert [float(row["loudness_energy_db"]) for row in rows] == pytest.approx(10 * np.log10(power.sum(1)), abs=1e-3)
    assert {"tilt_evidence_db_per_octave", "loudness_evidence_db", "F2_evidence_hz"} <= rows[0].keys()
    told = named[".txt"].read_text(encoding="utf-8")
    assert "the centre of gravity (Hz) of F2 band" in told and "slope of the spectrum (dB per octave)" in told
    assert "--formant-band tilt --formant-band loudness" in command(select(made, ExportOptions()))
    without = replace(made, analysis=replace(analysis, settings=replace(analysis.settings, bands=analysis.bands[:2])))
    assert "trust" in available(made) and "trust" not in available(without)


@pytest.mark.slow
def test_how_far_in_time_is_in_the_zip_where_it_is_known_or_asked_for(bundle, subject, tmp_path):
    analysis = analyse(
        bundle,
        read_clip(subject.source),
        [Band.parse(t) for t in ("F1:300-900", "F2:900-2500@0.1-0.3")],
        silence="show",
    )
    made, look = replace(subject, analysis=analysis), ExportOptions(side=64, figures=("svg",))
    expected = temporal_attribution(bundle, analysis.clip, analysis.bands[0])
    doubled = replace(expected, contributions=2 * expected.contributions)  # to tell that it is taken as it is
    found = {}
    for name, one, asked in (
        ("no", made, False),
        ("asked", made, True),
        ("known", replace(made, reach=(doubled,)), False),
    ):
        write_zip(tmp_path / f"{name}.zip", one, look, reach=asked)
        with zipfile.ZipFile(tmp_path / f"{name}.zip") as archive:
            files = sorted(file for file in archive.namelist() if "reach" in file)
            found[name] = [np.load(archive.open(file)) for file in files if file.endswith(".npy")]
            command = json.loads(archive.read("provenance.json"))["command"]
        assert ("--reach" in command.split()) == bool(files) == (name != "no")
        assert [file[-4:] for file in files] == [".npy", ".svg"] * bool(files)  # of the box there is none
    np.testing.assert_allclose(found["asked"][0], expected.contributions, atol=1e-6)
    np.testing.assert_allclose(found["known"][0], doubled.contributions, atol=1e-6)


def test_pictures_of_a_frequency_show_what_raises_it_and_what_lowers_it(bundle, subject, tmp_path):
    """Warm where a cell is strongly positive, cold where it is strongly negative; each band its own picture, the
    arrays as they were, and the caption says so."""
    asked = [Band.parse(text) for text in ("F1:300-900", "F2:900-2500")]
    analysis = analyse(bundle, read_clip(subject.source), asked, energy="hz", silence="show")
    made, look = replace(subject, analysis=analysis), ExportOptions(side=256)
    frame = int(analysis.speech[0])
    signed = {name: np.where(np.indices((8, 8)).sum(0) < 7, 1, -1) * np.abs(cam) for name, cam in analysis.cam.items()}
    signed = {name: cam * (1 if name == "F1" else -1) + np.float32(0) for name, cam in signed.items()}
    big = {name: np.sign(cam).astype(np.float32) for name, cam in signed.items()}
    made = replace(made, analysis=replace(analysis, cam=big))
    picture = preview(made, look, frame).astype(int)
    assert picture.shape == (256, 512, 3)  # not one over the other
    high = next(y for y in range(255, 0, -1) if (picture[y, 128] != picture[y, 129]).any()) // 2
    side = min(high, 60)
    warm_first = picture[10:side, 60:110].mean(axis=(0, 1)), picture[10:side, 316:366].mean(axis=(0, 1))
    assert warm_first[0][0] > warm_first[0][2] + 20 and warm_first[1][2] > warm_first[1][0] + 20
    paths = write_files(tmp_path, made, look, ["frame", "average", "heatmaps", "heat_video"], frame=frame)
    told = next(path for path in paths if path.suffix == ".txt").read_text(encoding="utf-8")
    assert told.count("both signs: warm raises it, cold lowers it") == 2 and "positive part" not in told
    heat = np.load(next(path for path in paths if path.name.endswith("F1_heatmaps.npy")))
    np.testing.assert_allclose(heat[frame], np.asarray(made.analysis.heatmap("F1")[frame]), atol=1e-6)
    assert heat[frame].min() == 0  # the positive part
    with av.open(next(path for path in paths if path.suffix == ".mp4")) as video:
        assert (video.streams.video[0].width, video.streams.video[0].height) == (512, 256)
    one = preview(made, replace(look, bands=("F1",)), frame)
    assert one.shape == (256, 256, 3)
    assert preview(made, replace(look, layout="side-by-side"), frame).shape == (256, 768, 3)
    assert "--colour-map orange --colour-map blue" in command(select(made, look))


def test_a_table_with_japanese_names_is_marked_as_utf_8_for_excel(bundle, subject, tmp_path):
    analysis = analyse(bundle, read_clip(subject.source), [Band("低域", 300, 900)])
    named = ExportSource("x", analysis, subject.regions, bundle, subject.source)
    (path,) = write_files(tmp_path, named, ExportOptions(), ["traces"])
    assert path.read_bytes().startswith(b"\xef\xbb\xbfframe,") and "低域_energy_db" in path.read_text(encoding="utf-8")


def test_speech_and_labels_are_cut_like_the_frames(subject, tmp_path):
    made = write_files(tmp_path, subject, ExportOptions(stretch=STRETCH), ["speech", "labels"])
    paths = {path.name.removeprefix("発話_a_1_"): path for path in made}
    speech, rate = soundfile.read(paths["speech.wav"])
    assert rate == 11413 and len(speech) == 12 * 420
    np.testing.assert_allclose(speech, subject.analysis.audio[8 * 420 : 20 * 420], atol=2e-4)
    original, rate = soundfile.read(paths["original.wav"])
    assert rate == 16000 and len(original) == pytest.approx(12 / RATE * 16000, abs=1)
    grid = parselmouth.read(str(paths["labels.TextGrid"]))
    assert grid.xmin == 0 and grid.xmax == pytest.approx(float(12 / RATE), abs=1e-6)
    first, second = read_intervals(paths["labels.TextGrid"])
    assert (first[2], second[2]) == ("あ", "i")
    assert first[1] == pytest.approx(0.5 - float(8 / RATE), abs=1e-6)
    with pytest.raises(InputError, match="no labels from 2.000 to 3.000 s"):
        write_labels(tmp_path / "no.TextGrid", subject.source.with_suffix(".TextGrid"), 2, 3)
    with pytest.raises(InputError, match="not a TextGrid|neither in UTF-8"):
        read_intervals(subject.source)


@pytest.mark.slow
def test_everything_and_where_it_came_from(subject, tmp_path, coarse):
    shares = []
    told = Progress(lambda stage, done, total: shares.append((done / total, stage)))
    write_zip(tmp_path / "all.zip", subject, ExportOptions(side=128), 5, told, trust=True)
    assert [share for share, _ in shares] == sorted(share for share, _ in shares) and shares[-1][0] == 1
    assert {stage for _, stage in shares} == {"video", "figures", "heatmaps", "trust", "zip"}
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        record = json.loads(archive.read("provenance.json"))
        held = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    assert held.pop("provenance.json") and held == record["files"]
    ends = [
        "video.mp4",
        "heatmaps.mp4",
        "captions.txt",
        "frame0005.png",
        "average.png",
        "spectrogram.png",
        "traces.csv",
    ]
    ends += ["trust.json", "speech.wav", "original.wav", "labels.TextGrid"]
    ends += [f"{band}_{what}" for band in ("F1", "F2") for what in ("heatmaps.npy", "heatmaps.json", "cam.npy")]
    assert set(held) == {f"発話_a_1_{end}" for end in ends}
    assert record["clip"]["file"] == "発話 'a' 1.mp4"
    assert record["clip"]["sha256"] == hashlib.sha256(subject.source.read_bytes()).hexdigest()
    weights = (subject.bundle.folder / "vocoder.safetensors").read_bytes()
    assert record["bundle"]["sha256"]["vocoder.safetensors"] == hashlib.sha256(weights).hexdigest()
    assert record["packages"]["torch"] and str(subject.source.parent) not in json.dumps(record, ensure_ascii=False)
    assert list(tmp_path.iterdir()) == [tmp_path / "all.zip"]


@pytest.mark.slow
@pytest.mark.parametrize("stretch", [None, STRETCH])
def test_the_command_of_the_provenance_makes_the_same(real, stretch, tmp_path, monkeypatch):
    """Run as written, where nothing but the clip, its labels and the bundle lies: every file comes out the same."""
    look = ExportOptions(stretch=stretch, layout="side-by-side", side=96, slow=2.0, colour_maps=("magma", "jet"),
                language="ja",
                show=("outlines", "labels", "spectrogram"), figures=("svg", "pdf"), width_cm=9.5)  # fmt: skip
    write_zip(tmp_path / "ours.zip", real, look, 6, trust=stretch is None)
    for file in (real.source, real.source.with_suffix(".TextGrid")):
        shutil.copy(file, tmp_path)
    shutil.copytree(real.bundle.folder, tmp_path / real.bundle.folder.name)
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("ours.zip") as archive:
        record = json.loads(archive.read("provenance.json"))
    program, *words = shlex.split(record["command"])
    assert [program, *words[:2]] == ["python", "-m", "rtmri2speech"]
    assert main(words[2:]) == 0
    with zipfile.ZipFile("発話_a_1.zip") as archive:
        again = json.loads(archive.read("provenance.json"))
        heat = np.load(io.BytesIO(archive.read("発話_a_1_F1_heatmaps.npy")))
    first, last = stretch or (0, COUNT - 1)
    assert heat.shape == (last - first + 1, 256, 256) and heat.max() > 0.1
    assert len(record["files"]) > 10 and again["files"] == record["files"]
    assert ("発話_a_1_trust.json" in record["files"]) == (stretch is None)  # it takes seconds: only where asked for
    assert {**again, "made_at": 0} == {**record, "made_at": 0}


@pytest.mark.slow
def test_the_command_moves_the_original_speech_as_the_page_did(real, tmp_path, monkeypatch):
    sound = np.random.default_rng(3).normal(0, 0.1, 2 * 16000).astype(np.float32)
    for file in (real.source, real.source.with_suffix(".TextGrid")):
        shutil.copy(file, tmp_path)
    shutil.copytree(real.bundle.folder, tmp_path / real.bundle.folder.name)
    monkeypatch.chdir(tmp_path)
    write_audio(tmp_path / "theirs.wav", sound, 16000)
    given, heard = read_audio(tmp_path / "theirs.wav"), []

    def noted(*others, original, **choices):
        heard.append(original)
        return analyse(*others, original=original, **choices)

    monkeypatch.setattr("rtmri2speech.analysis.chunked.analyse", noted)
    for ms in (147.0, -80.0):
        moved = replace(
            real,
            reference=earlier(given, ms / 1000),
            reference_source=tmp_path / "theirs.wav",
            reference_shift_ms=ms,
        )
        write_zip(tmp_path / "ours.zip", moved, ExportOptions(side=96), 6)
        with zipfile.ZipFile("ours.zip") as archive:
            record = json.loads(archive.read("provenance.json"))
        assert main(shlex.split(record["command"])[3:]) == 0
        with zipfile.ZipFile("発話_a_1.zip") as archive:
            again = json.loads(archive.read("provenance.json"))
        assert again["original_speech"] == record["original_speech"] and again["files"] == record["files"]
        np.testing.assert_array_equal(heard[-1][0], moved.reference[0])  # bands that follow its formants move, too
    assert main(["export", real.source.name, "-o", "x.zip", "--reference-later", "9"]) == 2
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.slow
def test_the_command_asks_for_the_voice_and_fits_the_bundle(tmp_path, monkeypatch):
    """A fitted bundle lies in no folder: the command names the one it was fitted from, and fits it again."""
    frames = moving_frames(70, 64, 64)
    bundle = lively_bundle(frames)
    bundle = replace(bundle, voice=VoicingProbe(np.zeros((2, bundle.acoustic.config.rnn_hidden)), [1.0, 7.0]))
    (tmp_path / "there").mkdir()
    bundle.save(tmp_path / "there" / "lively")
    clip = read_clip(write_mp4(tmp_path / "there" / "clip.mp4", frames, RATE))
    fitted, _ = adapt(load_bundle(tmp_path / "there" / "lively"), [clip])
    asked = Voice(semitones=-3.0, intonation="flat")
    analysis = analyse(fitted, clip, precision="fp32", voice=asked)
    assert analysis.f0_hz.max() == pytest.approx(128 * 2 ** (-3 / 12))
    subject = ExportSource("clip", analysis, still_regions(analysis), fitted, tmp_path / "there" / "clip.mp4")
    write_zip(tmp_path / "ours.zip", subject, ExportOptions(side=96))
    monkeypatch.chdir(tmp_path / "there")
    with zipfile.ZipFile(tmp_path / "ours.zip") as archive:
        record, speech = json.loads(archive.read("provenance.json")), archive.read("clip_speech.wav")
    assert record["analysis"]["voice"]["semitones"] == -3 and record["bundle"]["adapted"]["from"] == "fixture"
    assert record["bundle"]["adapted"]["from_sha256"] == load_bundle("lively").sha256
    words = shlex.split(record["command"])
    assert words[-5:] == ["--intonation", "flat", "--pitch", "-3st", "--fit"]
    assert main(words[3:]) == 0
    with zipfile.ZipFile("clip.zip") as archive:
        again = json.loads(archive.read("provenance.json"))
        assert archive.read("clip_speech.wav") == speech
    assert again["files"] == record["files"] and again["bundle"] == record["bundle"]
    assert again["command"] == record["command"]


def test_a_long_japanese_name_and_one_without_letters_are_still_file_names(subject, tmp_path):
    for name, stem in (("声" * 200, "声" * 40), ("../..", "clip"), ("a/b\\c", "a_b_c")):
        named = ExportSource(name, subject.analysis, subject.regions, subject.bundle, subject.source)
        (path,) = write_files(tmp_path, named, ExportOptions(), ["traces"])
        assert path.parent == tmp_path and path.name == f"{stem}_traces.csv" and path.is_file()


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (ExportOptions(stretch=(5, 30)), "frames 0 to 29"),
        (ExportOptions(stretch=(9, 8)), "frames 0 to 29"),
        (ExportOptions(bands=("F3",)), "no band F3"),
        (ExportOptions(bands=()), "one band or more"),
        (ExportOptions(sound="theirs"), "sound"),
        (ExportOptions(slow=0.5), "[Ss]low"),
        (ExportOptions(slow=float("nan")), "[Ss]low"),
        (ExportOptions(layout="tiled"), "layout"),
        (ExportOptions(colour_maps=("orange",)), "one colour map"),
        (ExportOptions(colour_maps=("orange", "none such")), "none such"),
        (ExportOptions(alpha=2.0), "alpha"),
        (ExportOptions(side=20), "32 to 4096"),
        (ExportOptions(language="fr"), "en or ja"),
        (ExportOptions(show=("subtitles",)), "outlines, labels, spectrogram"),
        (ExportOptions(figures=("eps",)), "png, svg, pdf"),
        (ExportOptions(figures=()), "format"),
        (ExportOptions(width_cm=5.0), "8.1 to 40 cm"),
    ],
)
def test_choices_that_do_not_fit_are_named_before_anything_is_written(subject, look, words, tmp_path):
    with pytest.raises(InputError, match=words):
        preview(subject, look, 0)
    with pytest.raises(InputError, match=words):
        write_files(tmp_path / "out", subject, look)
    with pytest.raises(InputError, match=words):
        write_zip(tmp_path / "out.zip", subject, look)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_clip_does_not_have(subject, bundle, tmp_path, coarse):
    silent = write_mp4(tmp_path / "silent.mp4", moving_frames(6, 64, 64), RATE)
    analysis = analyse(bundle, read_clip(silent))
    bare = ExportSource("silent", analysis, still_regions(analysis), bundle, silent)
    with pytest.raises(InputError, match="no original speech"):
        write_files(tmp_path / "out", bare, ExportOptions(sound="original"), ["video"])
    with pytest.raises(InputError, match="no labels"):
        write_files(tmp_path / "out", bare, ExportOptions(), KINDS)
    with pytest.raises(InputError, match="what to export"):
        write_files(tmp_path / "out", bare, ExportOptions(), ["nonsense"])
    assert not (tmp_path / "out").exists()
    assert "--bundle" not in command(select(bare, ExportOptions()))  # a bundle in memory has no folder
    silent.unlink()
    with pytest.raises(InputError, match="silent.mp4 is no longer there"):
        write_zip(tmp_path / "out.zip", bare, ExportOptions())


@pytest.mark.parametrize("stage", ["video", "figures", "heatmaps", "zip"])
def test_stopping_leaves_nothing(subject, stage, tmp_path, coarse):
    class Enough(Exception):
        pass

    seen = []

    def stop(now, done, total):
        seen.append(now)
        if now == stage and seen.count(stage) > 1:
            raise Enough

    look = ExportOptions(side=128, stretch=(0, 3))
    with pytest.raises(Enough):
        if stage == "zip":
            write_zip(tmp_path / "out" / "all.zip", subject, look, progress=Progress(stop))
        else:
            kinds = ["heat_video", "frame", "traces", "heatmaps"]
            write_files(tmp_path / "out", subject, look, kinds, progress=Progress(stop))
    assert not any(tmp_path.rglob("*.*"))


@pytest.mark.slow
def test_a_zip_holds_the_maps_of_a_box_and_a_contrast_drawn_on_the_page(bundle_folder, subject, tmp_path, coarse):
    """Those of the core for just that sound, told in the provenance, and its command asks for them again."""
    from rtmri2speech.ui.session import open_clip
    from rtmri2speech.ui.time_frequency_boxes import band_of

    bundle, none = load_bundle(bundle_folder), Progress(lambda *_: None)
    result = open_clip(bundle, subject.source, None, none, regions="template", maps="grad-cam")
    speech_s = result.analysis.speech / result.analysis.fps
    times = [round(float(speech_s[k]), 3) for k in (0, 4, 6, 9)]  # as the page sends them
    span = dict(zip(("from_s", "to_s", "than_from_s", "than_to_s"), times, strict=True))
    asked = [
        {"low_hz": 900, "high_hz": 2500} | {key: span[key] for key in ("from_s", "to_s")},
        {"low_hz": 300, "high_hz": 5000} | span,
    ]
    for one in asked:
        result = result.with_box(bundle, band_of(one), none)
    box, contrast = result.analysis.bands[2:]
    drawn = ExportSource(result.name, result.analysis, result.regions, bundle, result.source)
    write_zip(tmp_path / "all.zip", drawn, ExportOptions(side=64))
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        record = json.loads(archive.read("provenance.json"))
        held = {band: np.load(io.BytesIO(archive.read(f"発話_a_1_{band.name}_cam.npy"))) for band in (box, contrast)}
        header = archive.read("発話_a_1_traces.csv").decode("utf-8-sig").splitlines()[0]
    expected = analyse(bundle, read_clip(subject.source), [box, contrast], speak=False).cam
    for band, cam in held.items():
        np.testing.assert_allclose(cam, expected[band.name], atol=1e-6 * np.abs(expected[band.name]).max())
        assert band.to_json() in record["analysis"]["bands"] and f"{band.name}_energy_db" in header
        assert Band.parse(shlex.split(record["command"])[shlex.split(record["command"]).index(str(band))]) == band
    assert contrast.than is not None and not np.allclose(held[box], held[contrast])

"""What the frame explorer is sent, against the analysis it came from."""

import base64
import io
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import soundfile

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.tract_sensitivity import STRETCHES, read_tract
from rtmri2speech.anatomy.outlines import outlines
from rtmri2speech.anatomy.sources import regions_from_template
from rtmri2speech.anatomy.surfaces import ELSEWHERE, SURFACES, surface_labels
from rtmri2speech.assets import ASSETS
from rtmri2speech.attribution.temporal import TemporalAttribution
from rtmri2speech.attribution.upsampling import upsample_grid
from rtmri2speech.clips.clip import Clip, read_clip
from rtmri2speech.evaluation.faithfulness.rank_correlation import rank_correlation
from rtmri2speech.spec import Band
from rtmri2speech.speech.mel import centre_frequencies_hz
from rtmri2speech.ui.explorer.chunks import Store
from rtmri2speech.ui.explorer.payload import change_of, of_other_bands, of_other_labels, payload, temporal_payload
from tests.conftest import moving_frames

RATE = 16000


def raw(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)


@pytest.fixture(scope="module")
def analysis(bundle):
    frames = moving_frames(70, 60, 44)  # more than one sheet; neither square nor a multiple of 8
    return analyse(bundle, Clip(frames, np.arange(71) / bundle.fps))


@pytest.fixture(scope="module")
def regions(analysis):
    return regions_from_template(len(analysis.mel_db), analysis.fps, analysis.model_frames.shape[1:])


@pytest.fixture(scope="module")
def sent(bundle, analysis, regions):
    times = np.arange(RATE) / RATE  # one second: shorter than the clip
    tone = (0.3 * np.sin(2 * np.pi * 1500 * times)).astype(np.float32)
    return json.loads(payload(analysis, bundle.mel, regions, "円 'clip'", (tone, RATE)))


def shown_as_one(cam, analysis):
    speech = cam[~analysis.silent]
    return max(np.percentile(np.maximum(speech, 0), 99), np.percentile(np.abs(speech), 99) / 4)


def test_numbers_are_the_analysis(analysis, regions, sent):
    assert (sent["name"], sent["frames"], sent["fps"]) == ("円 'clip'", 70, analysis.fps)
    for number, (band, sent_band) in enumerate(zip(analysis.bands, sent["bands"], strict=True)):
        cam = analysis.cam[band.name]
        np.testing.assert_array_equal(raw(sent["parts"][0]["cams"][number], "<f4"), cam.ravel())
        np.testing.assert_array_equal(raw(sent_band["db"], "<f4"), analysis.band_db[band.name])
        positive = np.maximum(cam, 0)
        assert sent_band["scale"] == pytest.approx(shown_as_one(cam, analysis))
        assert sent_band["limit"] == pytest.approx(shown_as_one(np.abs(cam), analysis))
        surfaces = surface_labels(regions)[0]
        drawn = {"tongue_front": surfaces == SURFACES.index("tongue_front"), "elsewhere": surfaces == ELSEWHERE}
        heat = np.stack(list(upsample_grid(positive, method="linear")))
        for name in ("tongue_front", "elsewhere"):
            expected = heat[:, drawn[name]].sum(axis=1) / heat.sum(axis=(1, 2))
            np.testing.assert_allclose(raw(sent_band["shares"][name], "<f4"), expected, rtol=1e-4)
        total = positive.sum(axis=(1, 2))
        np.testing.assert_allclose(raw(sent_band["evidence"], "<f4"), total, rtol=1e-5)
        expected = np.minimum(1, total / np.percentile(total[~analysis.silent], 95))
        np.testing.assert_allclose(raw(sent_band["amount"], "<f4"), expected, rtol=1e-5)
        low, high = sent_band["bins"]
        inside = [k for k, hz in enumerate(sent["mel_hz"]) if band.low_hz <= hz <= band.high_hz]
        assert (low, high) == (inside[0], inside[-1])


@pytest.mark.parametrize("count", [1, 3, 4])
def test_other_numbers_of_bands(bundle, regions, count):
    bands = [Band(f"B{k}", 300 + 700 * k, 1000 + 700 * k) for k in range(count)]
    analysis = analyse(bundle, Clip(moving_frames(8), np.arange(9) / bundle.fps), bands)
    sent = json.loads(payload(analysis, bundle.mel, regions.at(np.arange(len(analysis.mel_db))), "x"))
    assert [band["name"] for band in sent["bands"]] == [band.name for band in bands]
    tables = sent["tables"]["bands"]
    assert len(tables) == count and len(set(tables)) == count  # a colour for each
    np.testing.assert_array_equal(raw(sent["bands"][-1]["db"], "<f4"), analysis.band_db[bands[-1].name])


def test_what_is_no_fixed_band_says_what_it_is(bundle, regions, tmp_path):
    """Where it lies, what its maps explain, and how a link writes it."""
    f1_hz = np.where(np.arange(8) == 3, np.nan, np.linspace(400, 900, 8))
    truth = {"formants_hz": np.stack([f1_hz] * 3, axis=1), "f0_hz": np.where(np.isnan(f1_hz), 0.0, 120.0)}
    np.savez(tmp_path / "a.truth.npz", fps=bundle.fps, **truth)
    clip = Clip(moving_frames(8), np.arange(9) / bundle.fps, source=str(tmp_path / "a.mp4"))
    texts = ["loudness", "steil:tilt", "F1:formant1+-150/truth"]
    for energy in ("db", "hz"):
        made = analyse(bundle, clip, [Band.parse(text) for text in texts], energy=energy, silence="show")
        loud, tilt, follows = json.loads(payload(made, bundle.mel, regions.at(np.arange(8)), "x"))["bands"]
        assert [band["text"] for band in (loud, tilt, follows)] == texts
        assert loud["bins"] == tilt["bins"] == [0, 63] and loud["value"] is loud["formant_hz"] is None
        hz = np.array(centre_frequencies_hz(bundle.mel))
        slope = np.polyfit(np.log2(hz), made.mel_db.T, 1)[0]
        np.testing.assert_allclose(raw(tilt["value"], "<f4"), slope, atol=1e-4)
        assert (tilt["unit"], loud["unit"]) == ("dB per octave", "dB")
        np.testing.assert_allclose(raw(follows["formant_hz"], "<f4"), f1_hz, rtol=1e-6)
        assert (follows["of"], follows["track"], follows["width_hz"]) == ("formant1", "truth", 150)
        assert np.isnan(raw(follows["db"], "<f4")).tolist() == np.isnan(f1_hz).tolist()
    near = np.abs(hz - f1_hz[5]) <= 150
    power = 10 ** (made.mel_db[5, near].astype(float) / 10)
    values = raw(follows["value"], "<f4")
    assert values[5] == pytest.approx((power * hz[near]).sum() / power.sum(), rel=1e-5) and np.isnan(values[3])


def test_frames_are_the_clips_padded_not_stretched(analysis, sent):
    sheet = sent["sheet"]
    sheets = sent["parts"][0]["images"]
    assert sheet["side"] == 60 and len(sheets) == 2 and len(sent["parts"]) == 1
    images = [cv2.imdecode(raw(image, np.uint8), cv2.IMREAD_GRAYSCALE) for image in sheets]
    for frame in (0, 9, 63, 64, 69):
        place = frame % 64
        top, left = place // 8 * sheet["pitch"], place % 8 * sheet["pitch"]
        tile = images[frame // 64][top : top + 60, left : left + 60].astype(int)
        expected = np.pad(analysis.model_frames[frame], ((0, 0), (8, 8))).astype(int)
        assert np.abs(tile - expected).mean() < 3  # JPEG of noise


def test_sounds_play_and_their_pictures_are_their_mels(bundle, analysis, sent):
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sent["sounds"]["synthesised"]["wav"])))
    assert rate == analysis.sample_rate
    np.testing.assert_allclose(samples, analysis.audio, atol=1e-4)
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sent["sounds"]["original"]["wav"])))
    assert rate == RATE and len(samples) == round(70 / analysis.fps * RATE)
    assert np.abs(samples[:RATE]).max() > 0.29 and not samples[RATE:].any()
    picture = raw(sent["sounds"]["original"]["mel"], np.uint8).reshape(64, 70)[::-1]  # the highest bin is sent first
    # the tone's row is the brightest while it lasts
    row = int(np.argmin(np.abs(np.array(sent["mel_hz"]) - 1500)))
    assert abs(int(picture[:, 10].argmax()) - row) <= 1 and picture[row, 10] > 200 and picture[row, 60] == 0
    synthesised = raw(sent["sounds"]["synthesised"]["mel"], np.uint8).reshape(64, 70)[::-1]
    t, b = np.unravel_index(analysis.mel_db.argmax(), analysis.mel_db.shape)
    assert synthesised[b, t] == 255


def test_labels_are_sent_where_something_is_said(bundle, analysis, regions):
    labels = [(0.0, 0.5, ""), (0.5, 0.9, "a"), (0.9, 2.0, " ")]
    assert json.loads(payload(analysis, bundle.mel, regions, "x", labels=labels))["labels"] == [[0.5, 0.9, "a"]]


def test_without_original_speech_there_is_one_sound(bundle, analysis, regions):
    assert list(json.loads(payload(analysis, bundle.mel, regions, "x"))["sounds"]) == ["synthesised"]


def test_a_long_clip_is_sent_smaller(bundle, analysis, regions, monkeypatch):
    monkeypatch.setattr("rtmri2speech.ui.explorer.chunks.MOST_PIXELS", 70 * 32 * 32)
    assert json.loads(payload(analysis, bundle.mel, regions, "x"))["sheet"]["side"] == 32


def test_outlines_are_the_regions(regions, sent):
    """Read as the page reads them (explorer_core.js, outlinePath)."""
    found = sent["regions"]
    (part,) = sent["parts"]
    numbers, starts = raw(part["numbers"], "<u2"), raw(part["starts"], "<u4")
    assert found["source"] == "template" and len(starts) == len(regions) * len(found["names"]) + 1
    for frame in (0, 69):
        expected = outlines(regions, frame, found["names"])
        for place, name in enumerate(found["names"], frame * len(found["names"])):
            record, pieces = numbers[starts[place] : starts[place + 1]].tolist(), []
            while record:
                count, record = 2 * record[0], record[1:]
                pieces.append(np.reshape(record[:count], (-1, 2)) / found["steps"])
                record = record[count:]
            assert len(pieces) == len(expected[name]), name
            for piece, points in zip(pieces, expected[name], strict=True):
                np.testing.assert_allclose(piece, points.clip(0, 1), atol=1e-4)


@pytest.fixture(scope="module")
def with_box(bundle, analysis):
    box = Band("box", 900, 1500, 0.5, 1.0)
    return analyse(bundle, analysis.clip, [*analysis.bands, box], silence="show")


@pytest.fixture
def in_parts(monkeypatch):
    """A payload of the clip's 70 frames has three parts."""
    for module in ("chunks", "payload"):
        monkeypatch.setattr(f"rtmri2speech.ui.explorer.{module}.PART", 30)


def test_of_other_bands_it_is_what_it_would_be_made_anew(bundle, analysis, regions, with_box, in_parts):
    before = payload(analysis, bundle.mel, regions, "clip")
    anew = payload(with_box, bundle.mel, regions, "clip")
    none = of_other_bands(before, with_box, bundle.mel, regions)
    assert json.loads(none)["key"] != json.loads(before)["key"]
    assert none == anew
    mixed = replace(
        with_box, settings=replace(with_box.settings, silence=analysis.settings.silence)
    )  # F1 and F2 as they were
    kept = json.loads(of_other_bands(before, mixed, bundle.mel, regions, kept=["F1", "F2"]))
    assert kept["bands"][:2] == json.loads(before)["bands"] and kept["bands"][2]["name"] == "box"
    back = replace(
        mixed, settings=replace(mixed.settings, bands=with_box.bands[2:1:-1] + with_box.bands[:1])
    )  # the order is the bands'
    turned = json.loads(of_other_bands(json.dumps(kept), back, bundle.mel, regions, kept=["F1", "box"]))
    assert [band["name"] for band in turned["bands"]] == ["box", "F1"]
    assert len(turned["parts"]) == 3
    for made, part in zip(turned["parts"], kept["parts"], strict=True):
        assert made["cams"] == [part["cams"][k] for k in (2, 0)]
    other = analyse(bundle, analysis.clip, energy="hz")  # of the same names, of which none was kept
    anew = payload(other, bundle.mel, regions, "clip")
    assert of_other_bands(before, other, bundle.mel, regions) == anew


def changed(before: str, change: str) -> dict:
    """What the page makes of both (explorer.js and chunks.js, `change` and `setCams`)."""
    shown, change = json.loads(before), json.loads(change)
    assert change.pop("onto") == shown["key"]
    old = {band["name"]: (band, number) for number, band in enumerate(shown["bands"])}
    names = [band if isinstance(band, str) else band["name"] for band in change["bands"]]
    for number, part in enumerate(shown["parts"]):
        new = change["cams"]
        part["cams"] = [new[name][number] if name in new else part["cams"][old[name][1]] for name in names]
    del change["cams"]
    change["bands"] = [old[band][0] if isinstance(band, str) else band for band in change["bands"]]
    return shown | change


def test_a_change_is_small_and_leads_to_the_same(bundle, analysis, regions, with_box, in_parts):
    before = payload(analysis, bundle.mel, regions, "clip")
    boxed = of_other_bands(
        before,
        replace(with_box, settings=replace(with_box.settings, silence=analysis.settings.silence)),
        bundle.mel,
        regions,
        ["F1", "F2"],
    )
    said = of_other_labels(boxed, [(0.0, 0.5, "a")], [(0.2, "here")])
    energy = of_other_bands(before, analyse(bundle, analysis.clip, energy="hz"), bundle.mel, regions)
    for old, new in ((before, boxed), (boxed, before), (boxed, said), (said, before), (before, energy)):
        change = change_of(old, new)
        assert changed(old, change) == json.loads(new)
        assert len(change) < 0.7 * len(new)
    assert len(change_of(boxed, said)) < 1500  # words need no maps
    other_db, other_cam = json.loads(before), json.loads(before)
    other_db["bands"][1]["db"] = other_db["bands"][0]["db"]
    other_cam["parts"][2]["cams"].reverse()
    for other in (other_db, other_cam):  # of a band that keeps its name, numbers alone and maps alone
        assert changed(before, change_of(before, json.dumps(other))) == other
    assert json.loads(change_of(before, boxed))["bands"][:2] == ["F1", "F2"]


def test_where_more_changed_all_is_sent(bundle, analysis, regions, sent):
    before = payload(analysis, bundle.mel, regions, "clip")
    with_sound = payload(analysis, bundle.mel, regions, "clip", (np.zeros(RATE, np.float32), RATE))
    others = replace(regions, corrections=((0, 1, "moved"),))
    for after in (with_sound, payload(analysis, bundle.mel, others, "clip"), json.dumps(sent)):
        assert change_of(before, after) == after
    moved = json.loads(before)
    moved["parts"][0]["starts"] = "other"
    assert change_of(before, json.dumps(moved)) == json.dumps(moved)


def test_a_long_clip_is_always_sent_whole(bundle, analysis, regions, tmp_path):
    store = Store(tmp_path / "store")
    store.folder.mkdir()
    before, after = (
        payload(analysis, bundle.mel, regions, "clip", labels=told, store=store) for told in ([], [(0, 1, "a")])
    )
    assert json.loads(before)["key"] is None
    assert change_of(before, after) == after and change_of(before, before) == before


def test_of_how_far_the_page_gets_all_pairs_as_a_picture():
    """A column for each frame that sounds, the latest frame that is seen on top; silence is dark, the most is white."""
    rng = np.random.default_rng(0)
    made = TemporalAttribution(
        Band("F1", 300, 900), 27.0, rng.normal(size=(7, 7)).astype(np.float32), np.arange(7) == 2
    )
    told = temporal_payload([made], "clip")["bands"][0]
    picture = raw(told["pairs"], np.uint8).reshape(7, 7)
    for sounds in (0, 2, 6):
        for seen in (0, 3, 6):
            share = 0 if sounds == 2 else made.shares[sounds, seen]
            assert told["most"] * (picture[6 - seen, sounds] / 255) ** 2 == pytest.approx(share, abs=0.005)
    assert picture.max() == 255 and told["most"] == pytest.approx(made.shares[~made.silent].max())
    silent = replace(made, silent=np.ones(7, bool))
    assert not raw(temporal_payload([silent], "clip")["bands"][0]["pairs"], np.uint8).any()


def test_of_a_phantom_the_page_gets_what_acoustics_says(bundle):
    """Signed shares of the core's own values, lips first; nothing of other clips, nor of what is no fixed band."""
    clip = ASSETS / "clips" / "sakura_known_speaker.mp4"
    bands = (Band("F2", 900, 2500), Band.parse("loudness"))
    made = analyse(bundle, read_clip(clip), bands, speak=False)
    regions = regions_from_template(len(made.mel_db), made.fps, made.model_frames.shape[1:])
    told = json.loads(payload(made, bundle.mel, regions, "sakura", recording=clip))
    of_band, of_level = (band["acoustics"] for band in told["bands"])
    assert of_level is None and of_band["stretches"] == STRETCHES
    tract = read_tract(clip.with_suffix(".truth.npz"), made)
    true, found = tract.sensitivity(bundle.mel, bands[:1])["F2"], tract.attribution(made.cam["F2"])
    sent = {name: raw(of_band[name], "<f4").reshape(len(made.mel_db), -1) for name in ("true", "map", "rank")}
    assert 0 < tract.known.sum() < len(tract.known)
    np.testing.assert_array_equal(np.isfinite(sent["rank"][:, 0]), tract.known)
    for t in np.flatnonzero(tract.known):
        for name, values in (("true", true), ("map", found)):
            np.testing.assert_allclose(sent[name][t][::-1], values[t] / np.abs(values[t]).sum(), rtol=1e-4, atol=1e-7)
        assert sent["rank"][t, 0] == pytest.approx(rank_correlation(true[t], found[t]), abs=1e-6)
    other = json.loads(of_other_bands(json.dumps(told), made, bundle.mel, regions, recording=clip))
    assert other["bands"][0]["acoustics"] == of_band
    without = json.loads(payload(made, bundle.mel, regions, "sakura"))
    assert [band["acoustics"] for band in without["bands"]] == [None, None]

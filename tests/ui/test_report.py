"""What the panels say: true in both languages, and no word from outside becomes markup."""

import base64
import io
import json
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
import soundfile

from rtmri2speech.analysis.occlusion import Occlusion, occlude
from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.anatomy.polygons import TEMPLATE, Region
from rtmri2speech.anatomy.sources import regions_from_template
from rtmri2speech.clips.clip import Clip
from rtmri2speech.evaluation.comparison import compare
from rtmri2speech.evaluation.speech_quality import assess, read_reference
from rtmri2speech.ui import report
from rtmri2speech.ui.ab_player.payload import Sound, ab_player_payload
from rtmri2speech.ui.texts import TEXTS
from tests.conftest import moving_frames

FPS = 11413 / 420
FRAMES = 40
NAUGHTY = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def analysis(bundle):
    return analyse(bundle, Clip(moving_frames(FRAMES), np.arange(FRAMES + 1) / FPS))


@pytest.fixture(scope="module")
def made(bundle, analysis):
    sound = np.random.default_rng(0).normal(0, 0.1, FRAMES * 420).astype(np.float32)
    return assess(bundle, analysis, read_reference(sound, 11413, bundle.mel, FRAMES))


def in_language(html, language):
    """The text of one language."""
    other = "ja" if language == "en" else "en"
    part = re.sub(rf'<div class="in-{other}".*?(?=<div class="in-|$)', "", html, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", part))


def test_every_metric_has_words_and_a_direction(made):
    for metric, good in report.METRICS.items():
        assert good in ("higher", "lower") and metric in made.scores["synthesis"]
        for texts in TEXTS.values():
            assert texts[f"quality_{metric}"] and texts[f"quality_{metric}_means"]


def quality(made, **changes):
    return report.quality_report(replace(made, **changes), FRAMES / FPS, FPS, 11413)


@pytest.mark.parametrize(
    ("changes", "english", "japanese", "warns"),
    [
        ({"mismatch_s": 0.05, "lag_s": 0.0, "lag_certainty": 0.8}, "fit together", "合っています", False),
        ({"mismatch_s": -0.4, "lag_s": 0.0, "lag_certainty": 0.8}, "(−0.40 s apart)", "差−0.40秒", True),
        ({"mismatch_s": 0.0, "lag_s": 0.11, "lag_certainty": 0.8}, "0.11 s after", "0.11秒遅れて", True),
        ({"mismatch_s": 0.0, "lag_s": -0.11, "lag_certainty": 0.8}, "0.11 s before", "0.11秒早い", True),
        ({"mismatch_s": 0.0, "lag_s": 14 / FPS, "lag_certainty": 0.8}, "≥ 0.52 s after", "≥ 0.52秒遅れて", True),
        ({"mismatch_s": 0.0, "lag_s": 0.3, "lag_certainty": 0.2}, "cannot be said", "判定できません", False),
        ({"mismatch_s": 0.0, "lag_s": None, "lag_certainty": 0.0}, "cannot be said", "判定できません", False),
    ],
)
def test_timing_is_told(made, changes, english, japanese, warns):
    html = quality(made, **changes)
    assert english in in_language(html, "en") and japanese in in_language(html, "ja")
    assert ('class="warning"' in html) == warns


def test_scores_stand_between_floor_and_ceiling(made):
    names = ("mean_mel", "synthesis", "copy_synthesis")
    scores = {name: dict(made.scores[name]) for name in names}
    for name, value in zip(names, (10.0, 4.0, 2.0), strict=True):
        scores[name]["mcd_db"] = value
        scores[name]["stoi"] = None
    html = quality(made, scores=scores)
    row = re.search(r'<tr data-metric="mcd_db">.*?</tr>', html)[0]
    assert [cell in row for cell in ("10.0", "<b>4.00</b>", "2.00", "width:75%")] == [True] * 4
    assert "–" in re.search(r'<tr data-metric="stoi">.*?</tr>', html)[0]
    assert "width" not in re.search(r'<tr data-metric="stoi">.*?</tr>', html)[0]


def test_the_better_of_two_is_bold(bundle, analysis):
    made = compare(bundle, analysis, bundle, None)
    better, worse = {"mcd_db": 2.0, "stoi": 0.9, "estoi": 0.301}, {"mcd_db": 3.0, "stoi": 0.5, "estoi": 0.302}
    scores = [dict.fromkeys(report.METRICS) | one for one in (better, worse)]
    html = report.comparison_report(replace(made, scores=tuple(scores)), NAUGHTY, "B")
    rows = {metric: re.search(rf'<tr data-metric="{metric}">.*?</tr>', html)[0] for metric in better}
    assert "<b>2.00</b></td><td>3.00" in rows["mcd_db"] and "<b>0.90</b></td><td>0.50" in rows["stoi"]
    assert "<b>" not in rows["estoi"]  # shown alike
    assert NAUGHTY not in html and NAUGHTY in in_language(html, "en")
    assert "the same weights" in in_language(html, "en") and "重みは同一" in in_language(html, "ja")


def template_of(analysis):
    return regions_from_template(len(analysis.mel_db), analysis.fps, analysis.model_frames.shape[1:])


def test_a_clip_without_original_is_told(bundle, analysis):
    html = report.comparison_report(compare(bundle, analysis, bundle, None), "A", "B")
    assert "no original speech" in in_language(html, "en") and "<table" not in html


def test_hiding_is_told(bundle, analysis):
    own = Region("own-1", ((0.1, 0.1), (0.4, 0.1), (0.4, 0.4)))
    hidden = occlude(
        bundle, analysis, Occlusion((own,), "still", 0.5, (4, 9), ("tongue",)), anatomy=template_of(analysis)
    )
    html = report.occlusion_report(hidden, frame=30)
    assert "tongue, own shape 1, its movement stopped, 50 %, frames 4–9 of 0–39" in in_language(html, "en")
    assert "舌、自分で描いた図形1（動きを止めた、強さ50 %" in in_language(html, "ja")
    assert "Frame 6:" in in_language(html, "en")  # frame 30 was not hidden
    assert html.count("data:image/png;base64,") == 2
    silent = replace(hidden, spoken=np.array([], int), mean_change_db={"F1": None, "F2": None}, mcd_db=None)
    changed = replace(silent, after=replace(hidden.after, audio=hidden.after.audio + 1))
    assert "hold no speech" in in_language(report.occlusion_report(changed, 5), "en")
    assert "25 %" in in_language(report.occlusion_report(replace(hidden, rescaled_share=0.25), 5), "en")


def test_speech_and_silence_are_told_separately(bundle, analysis):
    hidden = occlude(bundle, analysis, Occlusion((TEMPLATE[1],), "dark", 1.0))
    noisy = replace(
        hidden,
        spoken=np.arange(10),
        silent=np.arange(10, 40),
        mean_change_db={"F1": 1.1, "F2": -7.1},
        mean_size_db={"F1": 6.4, "F2": 8.2},
        silent_change_db={"F1": 37.2, "F2": 25.0},
        silent_size_db={"F1": 37.3, "F2": 25.1},
        mcd_db=6.7,
    )
    html = report.occlusion_report(noisy, 5)
    english, japanese = (in_language(html, language) for language in TEXTS)
    assert "up or down by F1 6.4 dB, F2 8.2 dB" in english and "there is sound now: F1 +37 dB, F2 +25 dB" in english
    assert "無音だった部分に音が出ています：F1 +37 dB" in japanese
    row = re.findall(r"<td>(.*?)</td>", re.search('data-change="speech-mean".*?</tr>', html)[0])
    assert row == ["+1.1", "−7.1"]
    quiet = replace(noisy, silent_change_db={"F1": -2.0, "F2": 1.0})
    assert "In its silences: F1 −2 dB" in in_language(report.occlusion_report(quiet, 5), "en")
    none = replace(noisy, silent=np.array([], int), silent_change_db={"F1": None, "F2": None})
    assert "silences" not in in_language(report.occlusion_report(none, 5), "en")


def test_the_summary_says_where_the_clip_stands(made):
    none = dict.fromkeys(report.METRICS)
    floor = none | {"stoi": 0.2, "estoi": 0.0, "mcd_db": 10.0, "pesq_nb": 1.2, "voicing_error": 0.2}
    here = none | {"stoi": 0.5, "estoi": 0.15, "mcd_db": 7.5, "loudness_correlation": 0.7, "voicing_error": 0.3}
    top = none | {"stoi": 0.9, "estoi": 0.6, "mcd_db": 0.0, "loudness_correlation": 1.0, "voicing_error": 0.1}
    scores = {"mean_mel": floor, "synthesis": here, "copy_synthesis": top}
    html = quality(made, scores=scores)
    summary = in_language(html, "en").split("Measure")[0]
    assert "Hardly a word can be understood (STOI 0.50" in summary
    for words in ("(ESTOI) 25 %", "(MCD) 25 %", "(voicing) 0 %", "rhythm of loudness 70 %"):
        assert words in summary
    assert "movement of the spectrum" not in summary  # not defined here
    assert "（ESTOI） 25 %" in in_language(html, "ja")
    for stoi, words in ((0.65, "Some of the words"), (0.8, "Most words")):
        better = scores | {"synthesis": here | {"stoi": stoi}}
        assert words in in_language(quality(made, scores=better), "en")


def test_the_description_is_in_the_pages_language(bundle):
    html = report.card_report(replace(bundle, description="Small & new.", description_ja="小さなモデル。"))
    assert "Small & new." in in_language(html, "en") and "小さなモデル。" in in_language(html, "ja")
    html = report.card_report(replace(bundle, description="Small.", description_ja=""))
    assert "Small." in in_language(html, "ja")


def test_the_card_cannot_act(bundle, tmp_path):
    text = f"# x\n\n## Limits\n\nBad & worse {NAUGHTY} words\n\n{'long ' * 1000}\n"
    (tmp_path / "MODEL_CARD.md").write_text(text, encoding="utf-8")
    html = report.card_report(replace(bundle, folder=tmp_path, name=NAUGHTY))
    assert "<img" not in html and "Bad &amp; worse words" in html and len(html) < 8000
    assert "Random weights" in in_language(html, "en") and "乱数" in in_language(html, "ja")
    assert "no model card" in in_language(report.card_report(bundle), "en")


def test_the_listener_gets_sounds_and_pictures_as_they_are():
    rng = np.random.default_rng(0)
    audio = rng.uniform(-1, 1, 4200).astype(np.float32)
    mel = rng.uniform(-100, 0, (10, 64))
    mel[3, 5] = 0.0
    words = {"en": "a", "ja": "あ"}
    difference = np.full((10, 64), -5.0)
    difference[2, 0] = 5.0
    text = ab_player_payload(
        [Sound(words, audio, 11413, mel), Sound(words, audio, 11413, mel - 60)],
        FPS,
        np.linspace(50, 5500, 64),
        changes={"F1": np.arange(10.0)},
        changes_words=words,
        difference_db=difference,
        difference_words=words,
        stretch=(2, 4),
    )
    data = json.loads(text)
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(data["sounds"][0]["wav"])))
    assert rate == 11413 and np.abs(heard - audio).max() < 1e-4 and data["stretch"] == [2, 4]
    levels = [np.frombuffer(base64.b64decode(one["mel"]), np.uint8).reshape(64, 10) for one in data["sounds"]]
    assert levels[0][63 - 5, 3] == 255 and levels[1].max() == 0  # one scale: the second is 60 dB down
    picture = np.frombuffer(base64.b64decode(data["difference"]["levels"]), np.uint8).reshape(64, 10)
    assert data["difference"]["limit_db"] == 6 and picture[63, 2] == round(255 * 11 / 12)
    assert np.frombuffer(base64.b64decode(data["changes"]["bands"]["F1"]), "<f4").tolist() == list(range(10))
    plain = json.loads(ab_player_payload([Sound(words, audio, 11413, mel)], FPS, np.linspace(50, 5500, 64)))
    assert plain["difference"] is None and plain["changes"] is None

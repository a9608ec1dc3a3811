"""Reports of the panels on a result, as HTML in both languages at once.

Numbers and sentences are chosen here; templates/ lays them out and escapes every word.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..analysis.domain_adaptation import Adaptation
from ..analysis.occlusion import OcclusionResult
from ..analysis.result import Analysis
from ..evaluation.comparison import Comparison
from ..evaluation.speech_quality import Assessment
from ..models.bundle import Bundle
from ..models.model_card import read_card
from ..render.outlines import outlined
from ..spec import Band
from ..speech.audio_lag import LONGEST_LAG_S, SURE
from .texts import EXPLORER, TEXTS

METRICS = {
    "stoi": "higher",
    "estoi": "higher",
    "pesq_nb": "higher",
    "pesq_wb": "higher",
    "mcd_db": "lower",
    "f0_rmse_hz": "lower",
    "voicing_error": "lower",
    "spectral_shape_correlation": "higher",
    "loudness_correlation": "higher",
}
MISMATCH_S = 0.15  # AAC's padding explains up to 0.13 s at 16 kHz
LATE_FRAMES = 1.5  # the estimate's resolution is one frame
NOISE_DB = 6.0  # twice the amplitude: a silence this much louder has become noise
INTELLIGIBLE = (0.6, 0.75)  # STOI: below the first hardly any word is expected, above the second most words
_CHANCE = {"spectral_shape_correlation": 0.0, "loudness_correlation": 0.0}  # the average sound has no movement
_SUMMED_UP = ("estoi", "mcd_db", "voicing_error", "spectral_shape_correlation", "loudness_correlation")
_ARROWS = {"higher": "↑", "lower": "↓"}
_PICTURE_SIDE = 256
_CARD_PARAGRAPHS = 3
_CARD_CHARACTERS = 1200
_CARD_SECTIONS = {
    "quality_card_limits": {"en": "Limits", "ja": "限界"},
    "quality_card_data": {"en": "Data", "ja": "データ"},
}


def _said(words: Mapping[str, str], key: str, /, **values: object) -> str:
    return words[key].format(**values)


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["texts"] = {language: partial(_said, words) for language, words in TEXTS.items()}


@dataclass(frozen=True)
class Sentence:
    """A key of the texts and its values. strong: in bold. kind: "warning", "note" or none."""

    key: str
    values: dict[str, object] = field(default_factory=dict)
    strong: bool = False
    kind: str = ""


@dataclass(frozen=True)
class Metric:
    """A row of the table of scores: a metric and its formatted values (None: undefined)."""

    name: str
    shown: tuple[str | None, ...]
    better: int | None = None  # of two
    percent: str | None = None  # position between baseline and topline

    @property
    def good(self) -> str:
        return METRICS[self.name]

    @property
    def arrow(self) -> str:
        return _ARROWS[self.good]


def heading(key: str) -> str:
    """A heading above a report."""
    return render("heading.html", key=key)


def occlusion_report(hidden: OcclusionResult, frame: int) -> str:
    """The report on an occlusion, with a picture of `frame`, and the changes."""
    first, last = hidden.stretch
    frame = frame if first <= frame <= last else (first + last) // 2
    return render(
        "occlusion.html",
        pictures=[
            _data_url(outlined(analysis.model_frames[frame], hidden.mask_at(frame), _PICTURE_SIDE))
            for analysis in (hidden.before, hidden.after)
        ],
        sentences={language: _told_of_hiding(hidden, frame, language) for language in TEXTS},
        bands={band.name: _unit(band) for band in hidden.before.bands},
        changes=[] if hidden.same else _changes_of_hiding(hidden),
    )


def _told_of_hiding(hidden: OcclusionResult, frame: int, language: str) -> list[Sentence]:
    hiding, (first, last) = hidden.hiding, hidden.stretch
    own = (region.name.removeprefix("own-") for region in hiding.regions if region.name.startswith("own-"))
    what = [EXPLORER[language][f"region_{r.name}"] for r in hiding.regions if not r.name.startswith("own-")]
    what += [EXPLORER[language][f"region_{name}"] for name in hiding.moving]
    what += [TEXTS[language]["hide_own_named"].format(number=number) for number in own]
    summary = {
        "what": ("、" if language == "ja" else ", ").join(what),
        "how": TEXTS[language][f"hide_how_{hiding.manner}"],
        "strength": f"{100 * hiding.strength:.0f}",
        "first": first,
        "last": last,
        "end": len(hidden.before.mel_db) - 1,
    }
    told = [Sentence("hide_summary", summary), Sentence("hide_pictures", {"frame": frame})]
    told += [Sentence("hide_nothing", strong=True)] if hidden.same else _headline(hidden)
    if hidden.rescaled_share > 0.05:
        told.append(Sentence("hide_rescaled", {"share": f"{100 * hidden.rescaled_share:.0f}"}))
    return told


def _headline(hidden: OcclusionResult) -> list[Sentence]:
    """Sentences on the change in speech and in silence."""
    told = []
    if len(hidden.spoken):
        sizes = _numbers_db(hidden.before, hidden.mean_size_db, "{:.1f}")
        values = {"sizes": sizes, "mcd": f"{hidden.mcd_db:.1f}"}
        told.append(Sentence("hide_speech", values, strong=True))
    else:
        told.append(Sentence("hide_no_speech", strong=True))
    if len(hidden.silent):
        known = [change for change in hidden.silent_change_db.values() if change is not None]
        if known:
            key = "hide_noise" if max(known) > NOISE_DB else "hide_quiet"
            changes = _numbers_db(hidden.before, hidden.silent_change_db, "{:+.0f}")
            told.append(Sentence(key, {"changes": changes}, strong=True))
    return told


def _changes_of_hiding(hidden: OcclusionResult) -> list[dict]:
    """Rows of the table: for each band the mean change and the mean absolute change, in speech and in silence."""
    rows = []
    for part, frames, change, size in (
        ("speech", hidden.spoken, hidden.mean_change_db, hidden.mean_size_db),
        ("silence", hidden.silent, hidden.silent_change_db, hidden.silent_size_db),
    ):
        for kind, values, shape in (("mean", change, "{:+.1f}"), ("size", size, "{:.1f}")):
            if len(frames):
                cells = [_signed(values[band], shape) for band in hidden.change_db]
                rows.append({"part": part, "kind": kind, "frames": len(frames), "cells": cells})
    return rows


def comparison_report(made: Comparison, first: str, other: str) -> str:
    """The report on two bundles, `first` and `other`: shared networks, and the difference of their speech."""
    shared = {
        (True, True): "compare_same_bundle",
        (True, False): "compare_same_acoustic",
        (False, True): "compare_same_vocoder",
        (False, False): "compare_both_differ",
    }
    spoken = len(made.spoken)
    return render(
        "comparison.html",
        first=first,
        other=other,
        shared=shared[made.same_acoustic, made.same_vocoder],
        spoken=spoken,
        changes=_numbers_db(made.first, made.mean_change_db, "{:+.1f}") if spoken else "",
        mcd=f"{made.mcd_db:.1f}" if spoken else "",
        metrics=None if made.scores is None else [_compared(metric, *made.scores) for metric in METRICS],
        top_khz=f"{made.first.sample_rate / 2000:.1f}",
    )


def voice_report(made: Comparison, adaptation: Adaptation | None, tuned: bool = False) -> str:
    """The report on a resynthesis: voice, adaptation, and the changes. tuned: by a bundle that was tuned in the
    session."""
    now = made.second
    told = [Sentence("voice_told_whisper")]
    if now.f0_hz is not None and now.f0_hz.any():
        heard = now.f0_hz[now.f0_hz > 0]
        ends = {"low": f"{heard.min():.0f}", "high": f"{heard.max():.0f}"}
        share = f"{100 * len(heard) / len(now.f0_hz):.0f}"
        told = [Sentence("voice_told_voiced", {"hz": f"{heard.mean():.0f}", "share": share, **ends}, strong=True)]
    if tuned:
        told.append(Sentence("voice_told_tuned"))
    elif adaptation is None:
        told.append(Sentence("voice_told_plain"))
    if adaptation is not None:
        moved = {"shift": f"{adaptation.mean_shift:.2f}", "spread": f"{adaptation.spread:.2f}"}
        told.append(Sentence("voice_told_fitted", {"frames": adaptation.frames, "layers": adaptation.layers, **moved}))
    before_db, now_db = (_above_pauses_db(analysis) for analysis in (made.first, made.second))
    if before_db is not None and now_db is not None:
        told.append(Sentence("voice_told_pauses", {"before": f"{before_db:.0f}", "now": f"{now_db:.0f}"}))
    return render(
        "voice.html",
        sentences=told,
        metrics=None if made.scores is None else [_compared(metric, *made.scores) for metric in METRICS],
        top_khz=f"{now.sample_rate / 2000:.1f}",
    )


def _above_pauses_db(analysis: Analysis) -> float | None:
    """Mean level of speech frames minus that of silent frames; None without either."""
    if analysis.silent.all() or not analysis.silent.any():
        return None
    return float(analysis.mel_db[analysis.speech].mean() - analysis.mel_db[analysis.silent].mean())


def _compared(metric: str, *scores: Mapping[str, float | None]) -> Metric:
    one, two = (score[metric] for score in scores)
    shown = _number(one), _number(two)
    if one is None or two is None or shown[0] == shown[1]:
        return Metric(metric, shown)
    return Metric(metric, shown, better=0 if (one > two) == (METRICS[metric] == "higher") else 1)


def quality_report(made: Assessment, pictures_s: float, fps: float, sample_rate: int) -> str:
    """The table of scores between baseline and topline, and the fit of sound and pictures."""
    shares = {metric: _share(made, metric) for metric in METRICS}
    percents = {metric: None if share is None else f"{100 * share:.0f}" for metric, share in shares.items()}
    stoi, understood = made.scores["synthesis"]["stoi"], None
    if stoi is not None:
        key = ("not", "partly", "well")[int(np.searchsorted(INTELLIGIBLE, stoi, side="right"))]
        understood = Sentence(f"quality_understood_{key}", {"stoi": f"{stoi:.2f}"}, strong=True)
    return render(
        "quality.html",
        understood=understood,
        ways=[(metric, percents[metric]) for metric in _SUMMED_UP if percents[metric] is not None],
        timing=_timing(made, pictures_s, fps),
        metrics=[
            Metric(metric, tuple(_number(value) for value in _from_floor(made, metric)), percent=percents[metric])
            for metric in METRICS
        ],
        top_khz=f"{sample_rate / 2000:.1f}",
    )


def card_report(bundle: Bundle) -> str:
    """A bundle's model card, in Japanese where it has a Japanese one."""
    cards = {language: read_card(bundle, language) for language in TEXTS}
    return render(
        "model_card.html",
        name=bundle.name,
        kind=bundle.kind,
        descriptions={language: bundle.description_in(language) for language in TEXTS},
        written_in={language: written for language, (_, written) in cards.items()},
        sections={
            language: {
                key: [_shortened(paragraph) for paragraph in card[headings[written]][:_CARD_PARAGRAPHS]]
                for key, headings in _CARD_SECTIONS.items()
                if card.get(headings[written])
            }
            for language, (card, written) in cards.items()
        },
    )


def _shortened(paragraph: str) -> str:
    return paragraph[:_CARD_CHARACTERS] + (" …" if len(paragraph) > _CARD_CHARACTERS else "")


def _timing(made: Assessment, pictures_s: float, fps: float) -> list[Sentence]:
    """Sentences on the sound's duration and delay."""
    told = []
    mismatch = f"{made.mismatch_s:+.2f}".replace("-", "−")
    apart = abs(made.mismatch_s) > MISMATCH_S
    if apart:
        lengths = {"sound": f"{made.reference.duration_s:.2f}", "pictures": f"{pictures_s:.2f}", "mismatch": mismatch}
        told.append(Sentence("quality_mismatch", lengths, kind="warning"))
    certainty = f"{made.lag_certainty:.2f}"
    if made.lag_s is None or made.lag_certainty < SURE:
        told.append(Sentence("quality_unsure", {"mismatch": mismatch, "certainty": certainty}, kind="note"))
    elif abs(made.lag_s) * fps > LATE_FRAMES:
        most = "≥ " if abs(made.lag_s) > LONGEST_LAG_S - 1 / fps else ""
        key = "quality_late" if made.lag_s > 0 else "quality_early"
        values = {"lag": f"{most}{abs(made.lag_s):.2f}", "certainty": certainty}
        told.append(Sentence(key, values, kind="warning"))
    elif not apart:
        told.append(Sentence("quality_good_sync", {"mismatch": mismatch, "frames": 2}, kind="note"))
    return told


def _from_floor(made: Assessment, metric: str) -> tuple[float | None, float | None, float | None]:
    """A metric's baseline, value and topline."""
    scores = made.scores
    return scores["mean_mel"][metric], scores["synthesis"][metric], scores["copy_synthesis"][metric]


def _share(made: Assessment, metric: str) -> float | None:
    """Position of the value between baseline and topline, 0 to 1; None where undefined."""
    floor, here, ceiling = _from_floor(made, metric)
    floor = _CHANCE.get(metric) if floor is None else floor
    if floor is None or here is None or ceiling is None or floor == ceiling:
        return None
    if (ceiling > floor) != (METRICS[metric] == "higher"):
        return None
    return float(np.clip((here - floor) / (ceiling - floor), 0, 1))


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    return (f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}").replace("-", "−")


def _numbers_db(analysis: Analysis, values: Mapping[str, float | None], shape: str) -> str:
    """Changes of each band, without bands whose formant was never measured."""
    known = {band: values[band.name] for band in analysis.bands if values[band.name] is not None}
    return ", ".join(f"{band.name} {_signed(value, shape)} {_unit(band)}" for band, value in known.items())


def _unit(band: Band) -> str:
    return "dB/oct" if band.of == "tilt" else "dB"


def _signed(value: float | None, shape: str) -> str:
    return "–" if value is None else shape.format(value).replace("-", "−")


def _data_url(picture: np.ndarray) -> str:
    png = cv2.imencode(".png", picture[..., ::-1])[1]
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def render(template: str, **values: object) -> str:
    return _TEMPLATES.get_template(template).render(**values)

"""The faithfulness report of the panel "Trust" as HTML in both languages at once: verdicts, curves, tables."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..attribution.temporal import TemporalAttribution
from ..evaluation.faithfulness import SHARES, BandFaithfulness, FaithfulnessReport
from ..evaluation.faithfulness.report import Curves
from ..render.colour import LINE_COLOURS
from ..render.temporal import temporal_figure
from .report import Sentence, render
from .texts import TEXTS

ORDERS = ("hottest", "random", "coldest")
_WIDTH, _HEIGHT = 300, 170  # of a chart, in its own units
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 8, 8, 30
_MOST_SHARE = max(SHARES)


@dataclass(frozen=True)
class Chart:
    """A chart of a band's deletion or insertion curves. colours: on a light and on a dark page.

    lines: order -> points of a polyline."""

    band: str
    colours: dict[str, str]
    what: str
    lines: dict[str, str]
    dots: dict[str, list[tuple[float, float]]]
    marks_x: list[tuple[float, str]]
    marks_y: list[tuple[float, str]]
    told: dict[str, str]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM


def faithfulness_report(card: FaithfulnessReport, left_out: Sequence[str] = ()) -> str:
    """The report as HTML. left_out: names of bands that cannot be tested."""
    tested = {name: judged for name, judged in card.bands.items() if judged.verdict != "untested"}
    return render(
        "faithfulness.html",
        left_out=", ".join(left_out),
        area=card.area,
        verdicts=[(name, judged, _certainty(judged)) for name, judged in card.bands.items()],
        said={
            language: {name: (card.sentence(name, language), card.caution(name, language)) for name in card.bands}
            for language in TEXTS
        },
        training={language: card.training_sentence(language) for language in TEXTS},
        charts=_charts(card),
        regions=_regions(tested),
        ranks=", ".join(f"{name} {_signed(judged.rank_of_regions, 2)}" for name, judged in tested.items()),
        weights=_weights(tested),
        tested=list(tested),
    )


def temporal_report(made: Sequence[TemporalAttribution], frame: int, folder: Path) -> str:
    """Temporal attribution of each band at a frame and over speech, with a figure. folder: for the figure."""
    rows = []
    for number, one in enumerate(made):
        speech = np.flatnonzero(~one.silent)
        at = "reach_silent" if one.silent[frame] else "reach_frame"
        pictures = {}
        for language in TEXTS:
            path = folder / f"reach_{number}_{language}.png"
            temporal_figure(path, one, language, dpi=110)
            pictures[language] = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
        told = [Sentence(at, {"frame": frame, **_percents(one.parts([frame]))})]
        if len(speech):
            told.append(Sentence("reach_speech", {"frames": len(speech), **_percents(one.parts(speech))}))
        rows.append({"band": one.band.name, "told": told, "pictures": pictures})
    return render("temporal.html", rows=rows)


def _percents(parts: dict[str, float]) -> dict[str, str]:
    return {name: f"{100 * share:.0f}" for name, share in parts.items()}


def _certainty(judged: BandFaithfulness) -> dict[str, str] | None:
    if judged.times is None or judged.times_interval is None or judged.right is None or judged.p is None:
        return None
    low, high = judged.times_interval
    return {
        "times": _plain(judged.times, 1),
        "low": _plain(low, 1),
        "high": _plain(high, 1),
        "right": f"{100 * judged.right:.0f}",
        "p": f"{judged.p:.2g}",
        "frames": _ranges(judged.frames),
    }


def _ranges(frames: tuple[int, ...]) -> str:
    """(3, 4, 5, 9) -> "3–5, 9"."""
    begins = [f for k, f in enumerate(frames) if k == 0 or frames[k - 1] != f - 1]
    ends = [f for k, f in enumerate(frames) if k == len(frames) - 1 or frames[k + 1] != f + 1]
    return ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in zip(begins, ends, strict=True))


def _charts(card: FaithfulnessReport) -> list[Chart]:
    """Deletion and insertion charts of each band, all on one scale."""
    drawn = [
        (number, name, what, curves)
        for number, (name, judged) in enumerate(card.bands.items())
        for what, curves in (("hidden", judged.hidden), ("revealed", judged.revealed))
        if curves is not None
    ]
    values = [0.0] + [db for *_, curves in drawn for order in ORDERS for db in _of(curves, order)]
    low, high = min(values), max(values)
    low, high = low - 0.05 * (high - low) - 0.1, high + 0.05 * (high - low) + 0.1
    return [
        _chart(name, {ground: of[number] for ground, of in LINE_COLOURS.items()}, what, curves, low, high)
        for number, name, what, curves in drawn
    ]


def _of(curves: Curves, order: str) -> tuple[float, ...]:
    return getattr(curves, f"{order}_db")


def _chart(name: str, colours: dict[str, str], what: str, curves: Curves, low: float, high: float) -> Chart:
    def x(share: float) -> float:
        return round(_LEFT + share / _MOST_SHARE * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(db: float) -> float:
        return round(_TOP + (high - db) / (high - low) * (_HEIGHT - _TOP - _BOTTOM), 1)

    begins = [(0.0, 0.0)] if what == "hidden" else []  # nothing deleted, nothing changed
    dots = {
        order: [(x(share), y(db)) for share, db in [*begins, *zip(SHARES, _of(curves, order), strict=True)]]
        for order in ORDERS
    }
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50) if (high - low) / s <= 6)
    told = {order: ", ".join(_signed(db, 1) for db in _of(curves, order)) for order in ORDERS}
    return Chart(
        name,
        colours,
        what,
        {order: " ".join(f"{a},{b}" for a, b in points) for order, points in dots.items()},
        dots,
        [(x(share), f"{100 * share:g}") for share in (0.0, *SHARES)],
        [
            (y(k * step), _signed(k * step, 1))
            for k in range(int(low / step) - 1, int(high / step) + 2)
            if low <= k * step <= high
        ],  # fmt: skip
        told | {"shares": ", ".join(f"{100 * share:g}" for share in SHARES)},
    )


def _regions(tested: dict[str, BandFaithfulness]) -> list[dict]:
    """Rows of the table, most salient first: a region's area, and for each band its share of the attribution, and the
    mean absolute and mean change."""
    names: list[str] = []
    for judged in tested.values():
        rows = sorted((judged.regions or {}).items(), key=lambda row: -row[1].heat_share)
        names += [name for name, _ in rows if name not in names]
    made = []
    for name in names:
        of_bands = [(judged.regions or {}).get(name) for judged in tested.values()]
        area = next(one.area_share for one in of_bands if one)
        cells = [
            cell
            for one in of_bands
            for cell in ((f"{100 * one.heat_share:.0f} %", f"{one.size_db:.1f} dB ({_signed(one.change_db, 1)})") if one
                         else ("–", "–"))
        ]  # fmt: skip
        made.append({"name": name, "area": f"{100 * area:.1f} %", "cells": cells})
    return made


def _weights(tested: dict[str, BandFaithfulness]) -> list[dict]:
    parts = next((list(judged.random_weights or {}) for judged in tested.values()), [])
    return [
        {
            "part": part,
            "cells": [_signed((judged.random_weights or {})[part]["absolute"], 2) for judged in tested.values()],
        }
        for part in parts
    ]


def _plain(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _signed(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:+.{digits}f}".replace("-", "−")

"""The faithfulness report of the panel "Trust" as HTML in both languages at once: verdicts, curves, tables."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..attribution.temporal import TemporalAttribution
from ..evaluation.faithfulness import AREAS, SHARES, BandFaithfulness, FaithfulnessReport
from ..evaluation.faithfulness.report import ORDERS, Curves
from ..evaluation.faithfulness.sentences import signed
from ..render.colour import LINE_COLOURS
from ..render.temporal import temporal_figure
from .report import Sentence, render
from .texts import TEXTS

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
    values: dict[str, str]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM


def faithfulness_report(report: FaithfulnessReport, left_out: Sequence[str] = ()) -> str:
    """The report as HTML. left_out: names of bands that cannot be tested."""
    tested = {name: result for name, result in report.bands.items() if result.verdict != "untested"}
    return render(
        "faithfulness.html",
        left_out=", ".join(left_out),
        verdicts=[(name, result, _tested_in(result)) for name, result in report.bands.items()],
        rows={language: {name: _rows(report, name, language) for name in report.bands} for language in TEXTS},
        training={language: report.training_sentence(language) for language in TEXTS},
        charts=_charts(report),
        regions=_regions(tested),
        ranks=", ".join(f"{name} {_signed(result.rank_of_regions, 2)}" for name, result in tested.items()),
        weights=_weights(tested),
        tested=list(tested),
    )


def _rows(report: FaithfulnessReport, band: str, language: str) -> list[tuple[str, str, str]]:
    """(name, verdict, sentences) of each statement on a band, that of the whole picture first; verdict "" without
    one."""
    result = report.bands[band]
    tests = [(area, getattr(result, area)) for area in AREAS]
    rows = [(area, test.verdict if test else "untested", report.sentence(band, language, area)) for area, test in tests]
    listens = result.outside_tract is not None and result.outside_tract.listens
    rows.append(("outside_tract", "listens" if listens else "", report.outside_sentence(band, language)))
    rows.append(("raising", "", report.raising_sentence(band, language)))
    rows.append(("caution", "", report.caution(band, language)))
    return [(name, verdict, sentences) for name, verdict, sentences in rows if sentences]


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


def _tested_in(result: BandFaithfulness) -> dict[str, str] | None:
    if result.whole_picture is None:
        return None
    return {"right": f"{100 * result.whole_picture.right:.0f}", "frames": _ranges(result.frames)}


def _ranges(frames: tuple[int, ...]) -> str:
    """(3, 4, 5, 9) -> "3–5, 9"."""
    begins = [f for k, f in enumerate(frames) if k == 0 or frames[k - 1] != f - 1]
    ends = [f for k, f in enumerate(frames) if k == len(frames) - 1 or frames[k + 1] != f + 1]
    return ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in zip(begins, ends, strict=True))


def _charts(report: FaithfulnessReport) -> list[Chart]:
    """Deletion and insertion charts of each band, all on one scale."""
    drawn = [
        (number, name, what, curves)
        for number, (name, result) in enumerate(report.bands.items())
        for what, curves in (("deletion", result.deletion), ("insertion", result.insertion))
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

    begins = [(0.0, 0.0)] if what == "deletion" else []  # nothing deleted, nothing changed
    dots = {
        order: [(x(share), y(db)) for share, db in [*begins, *zip(SHARES, _of(curves, order), strict=True)]]
        for order in ORDERS
    }
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50) if (high - low) / s <= 6)
    values = {order: ", ".join(signed(db) for db in _of(curves, order)) for order in ORDERS}
    return Chart(
        name,
        colours,
        what,
        {order: " ".join(f"{a},{b}" for a, b in points) for order, points in dots.items()},
        dots,
        [(x(share), f"{100 * share:g}") for share in (0.0, *SHARES)],
        [
            (y(k * step), signed(k * step))
            for k in range(int(low / step) - 1, int(high / step) + 2)
            if low <= k * step <= high
        ],  # fmt: skip
        values | {"shares": ", ".join(f"{100 * share:g}" for share in SHARES)},
    )


def _regions(tested: dict[str, BandFaithfulness]) -> list[dict]:
    """Rows of the table, most salient first: a region's area, and for each band its share of the attribution, and the
    mean and mean absolute change."""
    names: list[str] = []
    for result in tested.values():
        rows = sorted((result.regions or {}).items(), key=lambda row: -row[1].attribution_share)
        names += [name for name, _ in rows if name not in names]
    table = []
    for name in names:
        of_bands = [(result.regions or {}).get(name) for result in tested.values()]
        area = next(one.area_share for one in of_bands if one)
        cells = [
            cell
            for one in of_bands
            for cell in ((f"{100 * one.attribution_share:.0f} %", f"{signed(one.change_db)} dB ({one.size_db:.1f})")
                         if one else ("–", "–"))
        ]  # fmt: skip
        table.append({"name": name, "area": f"{100 * area:.1f} %", "cells": cells})
    return table


def _weights(tested: dict[str, BandFaithfulness]) -> list[dict]:
    parts = next((list(result.random_weights or {}) for result in tested.values()), [])
    return [
        {
            "part": part,
            "cells": [_signed((result.random_weights or {})[part]["absolute"], 2) for result in tested.values()],
        }
        for part in parts
    ]


def _signed(value: float | None, digits: int) -> str:
    return "–" if value is None else signed(value, digits)

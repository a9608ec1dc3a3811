"""The survey's report: one self-contained HTML file with a sortable table and a figure for each phone."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..errors import InputError
from ..files import atomic_write
from ..render.figure_texts import band_label, region_name
from ..spec import Band
from .statistics import LEVEL, Estimate, Phone

_WIDTH = 760  # pixels of a figure
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88]
WORDS = {
    "en": {
        "title": "Survey: attribution by phone and region",
        "phone": "phone",
        "band": "band",
        "clips": "clips",
        "frames": "frames",
        "evidence": "attribution a frame",
        "found": "{phones} phones in {clips} clips.",
        "left_out": "Left out: {clips} clips (clips.csv says why).",
        "cell": "Cells: mean share of the attribution over clips, %, with its {level:.0%} confidence interval "
        "(Student’s t over clips; none for one clip). Each clip counts once. Clips of one speaker are not independent: "
        "with few speakers the intervals are too narrow.",
        "sort": "Press a heading to sort, a phone to see its figure.",
        "no_shares": "Without regions there are no shares.",
        "figure": "Mean maps over the mean picture of the clips that say [{phone}].",
        "back": "To the table",
    },
    "ja": {
        "title": "調査：音素ごとの根拠の場所",
        "phone": "音素",
        "band": "帯域",
        "clips": "動画",
        "frames": "フレーム",
        "evidence": "1フレームの根拠",
        "found": "動画{clips}本、音素{phones}種。",
        "left_out": "除外した動画：{clips}本（理由はclips.csv）。",
        "cell": "各セルは動画ごとの根拠の割合の平均（%）と、その{level:.0%}信頼区間です（動画間のt分布。1本だけなら"
        "区間はありません）。動画は1本ずつ同じ重みです。同じ話者の動画は独立ではないため、話者が少ないと区間は狭すぎます。",
        "sort": "見出しを押すと並べ替え、音素を押すと図を表示します。",
        "no_shares": "領域がないため、割合はありません。",
        "figure": "[{phone}]を含む動画の平均画像に重ねた平均マップ。",
        "back": "表へ戻る",
    },
}


def write_page(
    path: Path,
    phones: Sequence[Phone],
    figures: Mapping[str, Path],
    bands: Sequence[Band],
    counts: tuple[int, int],
    language: str = "en",
) -> None:
    """Write the page of a survey. figures: a phone's label -> its PNG. counts: clips used, and left out.

    Raises InputError for a language other than "en" or "ja".
    """
    if language not in WORDS:
        raise InputError("The page of a survey is in {known}, not {given!r}.", known="en or ja", given=language)
    used, left_out = counts
    said = WORDS[language]
    regions = list(next(iter(phones[0].shares.values())))
    labels = {band.name: band_label(band, language) for band in bands}
    shares = [one for phone in phones for of_band in phone.shares.values() for one in of_band.values()]
    known = any(one.clips for one in shares)
    page = _ENVIRONMENT.get_template("report.html").render(
        language=language,
        said=said,
        told=[
            said["found"].format(phones=len(phones), clips=used),
            *([said["left_out"].format(clips=left_out)] if left_out else []),
            said["cell"].format(level=LEVEL) if known else said["no_shares"],
            said["sort"],
        ],
        regions=[region_name(name, language) for name in regions] if known else [],
        rows=[
            {
                "number": number,
                "phone": phone.label,
                "band": labels[band],
                "clips": len(phone.clips),
                "frames": phone.frames,
                "evidence": _cell(phone.amount[band], 1, 3),
                "shares": [_cell(phone.shares[band][region], 100, 0) for region in regions] if known else [],
            }
            for number, phone in enumerate(phones)
            for band in phone.shares
        ],
        figures=[
            {
                "number": number,
                "phone": phone.label,
                "told": said["figure"].format(phone=phone.label),
                "data": _shrunk(figures[phone.label]),
            }
            for number, phone in enumerate(phones)
        ],
    )
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _cell(value: Estimate, times: float, digits: int) -> dict[str, object]:
    """value: to sort by, None where unknown. text, interval: as displayed."""
    if not np.isfinite(value.mean):
        return {"value": None, "text": "–", "interval": ""}
    shown = lambda number: f"{times * number:.{digits}f}"  # noqa: E731
    interval = f"{shown(value.low)}–{shown(value.high)}" if np.isfinite(value.low) else ""
    return {"value": float(value.mean), "text": shown(value.mean), "interval": interval}


def _shrunk(path: Path) -> str:
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)  # OpenCV may not open the path itself
    assert picture is not None
    height, width = picture.shape[:2]
    if width > _WIDTH:
        picture = cv2.resize(picture, (_WIDTH, round(height * _WIDTH / width)), interpolation=cv2.INTER_AREA)
    return base64.b64encode(cv2.imencode(".jpg", picture, _JPEG)[1].tobytes()).decode("ascii")


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

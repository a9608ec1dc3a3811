"""What the panels say of a result, as HTML in both languages at once. Every word from outside is escaped."""

import base64
import html
from collections.abc import Callable, Mapping

import cv2
import numpy as np

from ..comparison import Comparison
from ..evaluation import Assessment
from ..experiment import Hidden
from ..models.bundle import Bundle
from ..models.card import read_card
from ..regions import outlined
from ..sync import LONGEST_LAG_S, SURE
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
LATE_FRAMES = 1.5  # the estimate's own resolution is one frame
_ARROWS = {"higher": "↑", "lower": "↓"}
_PICTURE_SIDE = 256
_CARD_PARAGRAPHS = 3
_CARD_CHARACTERS = 1200

Text = Callable[..., str]  # key, values -> words, escaped


def in_both_languages(say: Callable[[Text, str], str]) -> str:
    """HTML of what `say(text, language)` gives in each language; the style sheet shows that of the page."""
    return "".join(
        f'<div class="in-{language}" lang="{language}">{say(_text(language), language)}</div>' for language in TEXTS
    )


def hiding_report(hidden: Hidden, frame: int) -> str:
    """What was hidden, with a picture of `frame`, and what it changed."""
    first, last = hidden.stretch
    frame = frame if first <= frame <= last else (first + last) // 2
    pictures = "".join(
        f'<img src="{_data_url(outlined(analysis.model_frames[frame], hidden.mask, _PICTURE_SIDE))}" alt="">'
        for analysis in (hidden.before, hidden.after)
    )

    def say(text: Text, language: str) -> str:
        hiding = hidden.hiding
        own = (region.name.removeprefix("own-") for region in hiding.regions if region.name.startswith("own-"))
        what = [EXPLORER[language][f"region_{r.name}"] for r in hiding.regions if not r.name.startswith("own-")]
        what += [TEXTS[language]["hide_own_named"].format(number=number) for number in own]
        lines = [
            text(
                "hide_summary",
                what=("、" if language == "ja" else ", ").join(what),
                how=TEXTS[language][f"hide_how_{hiding.manner}"],
                strength=f"{100 * hiding.strength:.0f}",
                first=first,
                last=last,
                end=len(hidden.before.mel_db) - 1,
            ),
            text("hide_pictures", frame=frame),
        ]
        if hidden.same:
            lines.append(f"<b>{text('hide_nothing')}</b>")
        elif len(hidden.spoken):
            lines.append(f"{text('hide_mean', frames=len(hidden.spoken))} <b>{_changes(hidden.mean_change_db)}</b>")
            lines.append(text("hide_mcd", mcd=f"{hidden.mcd_db:.1f}"))
        else:
            lines.append(text("hide_no_speech"))
        if hidden.rescaled_share > 0.05:
            lines.append(text("hide_rescaled", share=f"{100 * hidden.rescaled_share:.0f}"))
        return "".join(f"<p>{line}</p>" for line in lines)

    return f'<div class="hiding"><div class="pair">{pictures}</div><div>{in_both_languages(say)}</div></div>'


def comparison_report(made: Comparison, first: str, other: str) -> str:
    """What two bundles, called `first` and `other`, have in common, and how their speech differs."""

    def say(text: Text, language: str) -> str:
        if made.same_acoustic and made.same_vocoder:
            shared = text("compare_same_bundle", first=first, other=other)
        elif made.same_acoustic:
            shared = text("compare_same_acoustic")
        elif made.same_vocoder:
            shared = text("compare_same_vocoder")
        else:
            shared = text("compare_both_differ")
        lines = [shared]
        if len(made.spoken):
            changes = _changes(made.mean_change_db)
            lines.append(f"{text('compare_mean', frames=len(made.spoken), first=first, other=other)} <b>{changes}</b>")
            lines.append(text("compare_mcd", mcd=f"{made.mcd_db:.1f}"))
        told = "".join(f"<p>{line}</p>" for line in lines)
        if made.scores is None:
            return f"{told}<p>{text('compare_no_original')}</p>"
        head = _cells("th", text("quality_metric"), html.escape(first), html.escape(other), text("quality_meaning"))
        rows = []
        for metric, good in METRICS.items():
            one, two = (score[metric] for score in made.scores)
            shown = [_number(text, value) for value in (one, two)]
            if None not in (one, two) and shown[0] != shown[1]:
                better = 0 if (one > two) == (good == "higher") else 1
                shown[better] = f"<b>{shown[better]}</b>"
            rows.append(_row(text, metric, *shown, _meaning(text, metric, made.first.sample_rate)))
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        return f"{told}<h4>{text('compare_scores')}</h4>{table}"

    return in_both_languages(say)


def quality_report(made: Assessment, pictures_s: float, fps: float, sample_rate: int) -> str:
    """The table of scores between floor and ceiling, and whether sound and pictures fit together."""

    def say(text: Text, language: str) -> str:
        head = _cells(
            "th",
            *(text(f"quality_{key}") for key in ("metric", "floor", "here", "ceiling", "between", "meaning")),
        )
        rows = []
        for metric in METRICS:
            floor, here, ceiling = (made.scores[name][metric] for name in ("mean_mel", "synthesis", "copy_synthesis"))
            rows.append(
                _row(
                    text,
                    metric,
                    _number(text, floor),
                    f"<b>{_number(text, here)}</b>",
                    _number(text, ceiling),
                    _bar(floor, here, ceiling),
                    _meaning(text, metric, sample_rate),
                )
            )
        warnings = "".join(f'<p class="{kind}">{words}</p>' for kind, words in _timing(made, pictures_s, fps, text))
        return f"{warnings}<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

    return in_both_languages(say)


def card_report(bundle: Bundle) -> str:
    """What a bundle is and is not, from its model card, which is in the language its author wrote."""
    card = read_card(bundle)

    def say(text: Text, language: str) -> str:
        parts = [f"<h4>{text('quality_about')}</h4>", f"<p><b>{html.escape(bundle.name)}</b>. "]
        parts.append(f"{text(f'quality_kind_{bundle.kind}')}</p>")
        sections = {"quality_card_limits": "Limits", "quality_card_data": "Data"}
        found = {key: card[heading] for key, heading in sections.items() if card.get(heading)}
        if not found:
            parts.append(f"<p>{text('quality_no_card', description=bundle.description)}</p>")
        for key, paragraphs in found.items():
            parts.append(f"<h5>{text(key)}</h5>")
            for paragraph in paragraphs[:_CARD_PARAGRAPHS]:
                short = paragraph[:_CARD_CHARACTERS] + (" …" if len(paragraph) > _CARD_CHARACTERS else "")
                parts.append(f'<p lang="en">{html.escape(short)}</p>')
        return "".join(parts)

    return f'<div class="card-of-bundle">{in_both_languages(say)}</div>'


def _timing(made: Assessment, pictures_s: float, fps: float, text: Text) -> list[tuple[str, str]]:
    """What to tell of the sound's length and offset: ("warning" or "note", words)."""
    told = []
    mismatch = f"{made.mismatch_s:+.2f}".replace("-", "−")
    apart = abs(made.mismatch_s) > MISMATCH_S
    if apart:
        sound_s = f"{made.reference.duration_s:.2f}"
        told.append(
            ("warning", text("quality_mismatch", sound=sound_s, pictures=f"{pictures_s:.2f}", mismatch=mismatch))
        )
    certainty = f"{made.lag_certainty:.2f}"
    if made.lag_s is None or made.lag_certainty < SURE:
        told.append(("note", text("quality_unsure", mismatch=mismatch, certainty=certainty)))
    elif abs(made.lag_s) * fps > LATE_FRAMES:
        most = "≥ " if abs(made.lag_s) > LONGEST_LAG_S - 1 / fps else ""
        lag = f"{most}{abs(made.lag_s):.2f}"
        key = "quality_late" if made.lag_s > 0 else "quality_early"
        told.append(("warning", text(key, lag=lag, certainty=certainty)))
    elif not apart:
        told.append(("note", text("quality_good_sync", mismatch=mismatch, frames=2)))
    return told


def _text(language: str) -> Text:
    words = TEXTS[language]
    return lambda key, **values: html.escape(words[key].format(**values))


def _meaning(text: Text, metric: str, sample_rate: int) -> str:
    return f"{text(f'quality_{metric}_means', top=f'{sample_rate / 2000:.1f}')} {text('quality_' + METRICS[metric])}"


def _row(text: Text, metric: str, *cells: str) -> str:
    name = f"{text(f'quality_{metric}')}&nbsp;<span aria-hidden='true'>{_ARROWS[METRICS[metric]]}</span>"
    return f'<tr data-metric="{metric}"><th scope="row">{name}</th>{_cells("td", *cells)}</tr>'


def _cells(tag: str, *cells: str) -> str:
    return "".join(f"<{tag}>{cell}</{tag}>" for cell in cells)


def _number(text: Text, value: float | None) -> str:
    if value is None:
        return f'<span title="{text("quality_undefined")}">–</span>'
    return (f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}").replace("-", "−")


def _changes(mean_db: Mapping[str, float | None]) -> str:
    return ", ".join(f"{html.escape(name)} {db:+.1f} dB".replace("-", "−") for name, db in mean_db.items())


def _bar(floor: float | None, here: float | None, ceiling: float | None) -> str:
    """Where a value lies between floor and ceiling."""
    if None in (floor, here, ceiling) or floor == ceiling:
        return ""
    share = float(np.clip((here - floor) / (ceiling - floor), 0, 1))
    return f'<div class="between"><i style="width:{100 * share:.0f}%"></i></div>'


def _data_url(picture: np.ndarray) -> str:
    png = cv2.imencode(".png", picture[..., ::-1])[1]
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")

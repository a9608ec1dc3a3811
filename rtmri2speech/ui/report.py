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
NOISE_DB = 6.0  # twice the amplitude: a silence this much louder is no longer one
INTELLIGIBLE = (0.6, 0.75)  # STOI: below the first hardly a word is expected, above the second most words
_CHANCE = {"spectral_shape_correlation": 0.0, "loudness_correlation": 0.0}  # the average sound has no movement
_SUMMED_UP = ("estoi", "mcd_db", "voicing_error", "spectral_shape_correlation", "loudness_correlation")
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
        f'<img src="{_data_url(outlined(analysis.model_frames[frame], hidden.mask_at(frame), _PICTURE_SIDE))}" alt="">'
        for analysis in (hidden.before, hidden.after)
    )

    def say(text: Text, language: str) -> str:
        hiding = hidden.hiding
        own = (region.name.removeprefix("own-") for region in hiding.regions if region.name.startswith("own-"))
        what = [EXPLORER[language][f"region_{r.name}"] for r in hiding.regions if not r.name.startswith("own-")]
        what += [EXPLORER[language][f"region_{name}"] for name in hiding.moving]
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
        else:
            lines += _headline(hidden, text)
        if hidden.rescaled_share > 0.05:
            lines.append(text("hide_rescaled", share=f"{100 * hidden.rescaled_share:.0f}"))
        told = "".join(f"<p>{line}</p>" for line in lines)
        return told if hidden.same else told + _change_table(hidden, text)

    return f'<div class="hiding"><div class="pair">{pictures}</div><div>{in_both_languages(say)}</div></div>'


def _headline(hidden: Hidden, text: Text) -> list[str]:
    """What changed while the speech sounds and what in its silences, a sentence each."""
    told = []
    if len(hidden.spoken):
        sizes = _numbers_db(hidden.mean_size_db, "{:.1f}")
        told.append(text("hide_speech", sizes=sizes, mcd=f"{hidden.mcd_db:.1f}"))
    else:
        told.append(text("hide_no_speech"))
    if len(hidden.silent):
        loudest = max(hidden.silent_change_db.values())
        key = "hide_noise" if loudest > NOISE_DB else "hide_quiet"
        told.append(text(key, changes=_numbers_db(hidden.silent_change_db, "{:+.0f}")))
    return [f"<b>{line}</b>" for line in told]


def _change_table(hidden: Hidden, text: Text) -> str:
    """For each band the mean change and the mean size of the change, in speech and in silence."""
    bands = list(hidden.change_db)
    head = _cells("th", "", *(f"{html.escape(name)} (dB)" for name in bands))
    rows = []
    for part, frames, change, size in (
        ("speech", hidden.spoken, hidden.mean_change_db, hidden.mean_size_db),
        ("silence", hidden.silent, hidden.silent_change_db, hidden.silent_size_db),
    ):
        if not len(frames):
            continue
        for kind, values, shape in (("mean", change, "{:+.1f}"), ("size", size, "{:.1f}")):
            name = text(f"hide_{part}_{kind}", frames=len(frames))
            cells = _cells("td", *(_signed(values[band], shape) for band in bands))
            rows.append(f'<tr data-change="{part}-{kind}"><th scope="row">{name}</th>{cells}</tr>')
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'{table}<p class="note">{text("hide_cancel")}</p>'


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
                    _bar(_share(made, metric)),
                    _meaning(text, metric, sample_rate),
                )
            )
        warnings = "".join(f'<p class="{kind}">{words}</p>' for kind, words in _timing(made, pictures_s, fps, text))
        summary = f'<p class="summary">{_summary(made, text)}</p>'
        return f"{summary}{warnings}<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

    return in_both_languages(say)


def _summary(made: Assessment, text: Text) -> str:
    """In words: whether it can be understood, and how far it has come from floor to ceiling."""
    told = []
    stoi = made.scores["synthesis"]["stoi"]
    if stoi is not None:
        key = ("not", "partly", "well")[int(np.searchsorted(INTELLIGIBLE, stoi, side="right"))]
        told.append(f"<b>{text(f'quality_understood_{key}', stoi=f'{stoi:.2f}')}</b>")
    shares = {metric: _share(made, metric) for metric in _SUMMED_UP}
    ways = [
        text("quality_way", what=text(f"quality_short_{metric}"), share=f"{100 * share:.0f}")
        for metric, share in shares.items()
        if share is not None
    ]
    if ways:
        told.append(text("quality_ways") + text("quality_and").join(ways) + text("quality_stop"))
    return " ".join(told)


def card_report(bundle: Bundle) -> str:
    """What a bundle is and is not, from its model card, which is in the language its author wrote."""
    card = read_card(bundle)

    def say(text: Text, language: str) -> str:
        parts = [f"<h4>{text('quality_about')}</h4>", f"<p><b>{html.escape(bundle.name)}</b>. "]
        parts.append(f"{text(f'quality_kind_{bundle.kind}')} {html.escape(bundle.description_in(language))}</p>")
        sections = {"quality_card_limits": "Limits", "quality_card_data": "Data"}
        found = {key: card[heading] for key, heading in sections.items() if card.get(heading)}
        if not found:
            parts.append(f"<p>{text('quality_no_card')}</p>")
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
    return html.escape(_numbers_db(mean_db, "{:+.1f}"))


def _numbers_db(values: Mapping[str, float], shape: str) -> str:
    return ", ".join(f"{name} {_signed(db, shape)} dB" for name, db in values.items())


def _signed(value: float, shape: str) -> str:
    return shape.format(value).replace("-", "−")


def _share(made: Assessment, metric: str) -> float | None:
    """How much of the way from floor to ceiling this clip has come, 0 to 1; None where that is not defined."""
    floor, here, ceiling = (made.scores[name][metric] for name in ("mean_mel", "synthesis", "copy_synthesis"))
    floor = _CHANCE.get(metric) if floor is None else floor
    if None in (floor, here, ceiling) or floor == ceiling or (ceiling > floor) != (METRICS[metric] == "higher"):
        return None
    return float(np.clip((here - floor) / (ceiling - floor), 0, 1))


def _bar(share: float | None) -> str:
    """Where a value lies between floor and ceiling."""
    if share is None:
        return ""
    return f'<div class="between"><i style="width:{100 * share:.0f}%"></i></div>'


def _data_url(picture: np.ndarray) -> str:
    png = cv2.imencode(".png", picture[..., ::-1])[1]
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")

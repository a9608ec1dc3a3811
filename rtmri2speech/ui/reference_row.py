"""The row below the explorer: the fit of uploaded reference speech to the clip, and its shift in time."""

from dataclasses import dataclass

import gradio as gr

from ..analysis.reference import SAME_LENGTH_S, fit_of
from ..errors import InputError
from .page_context import PageContext
from .session import Result

FURTHEST_MS = 5000


@dataclass(frozen=True)
class _Row:
    row: gr.Row
    said: gr.Markdown
    shift_ms: gr.Number
    apply: gr.Button
    measured: gr.Button
    lag_ms: gr.State


def build(context: PageContext) -> None:
    """Lay out and wire the row, visible while the clip has uploaded reference speech."""
    with gr.Row(visible=False, elem_id="original") as row:
        said = gr.Markdown(elem_classes="note", container=False, elem_id="original-said")
        looks = {"step": 1, "min_width": 120, "scale": 0, "elem_id": "original-shift"}
        shift_ms = context.worded(gr.Number, {"label": "original_shift"}, 0, **looks)
        apply = context.button("original_apply", size="sm", min_width=80, scale=0, elem_id="original-apply")
        measured = context.button("original_measured", size="sm", min_width=120, scale=0, elem_id="original-measured")
    _connect(context, _Row(row, said, shift_ms, apply, measured, gr.State(None)))


def _connect(context: PageContext, row: _Row) -> None:
    shown = [row.row, row.said, row.shift_ms, row.measured, row.lag_ms]

    def tell(result: Result | None, language: str):
        if result is None or result.given is None:
            return gr.update(visible=False), gr.skip(), gr.skip(), gr.skip(), None
        words, lag_ms = sentence(context, result, language)
        return gr.update(visible=True), words, round(result.shift_ms), gr.update(interactive=bool(lag_ms)), lag_ms

    @context.guard
    def move(result: Result | None, ms, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None or result.given is None:
            return gr.skip(), gr.skip()
        if ms is None or not abs(ms) <= FURTHEST_MS:
            raise InputError("The sound can be moved by up to {most} ms.", most=FURTHEST_MS)
        moved = result.with_shift(context.bundle_of(result), float(ms), context.progress(request, language, progress))
        return moved.payload, moved

    def move_by_lag(result: Result | None, lag_ms, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        return move(result, (result.shift_ms if result else 0) + (lag_ms or 0), language, request, progress)

    context.result.change(tell, [context.result, context.language], shown, **context.at_once)
    context.language.input(tell, [context.result, context.language], shown, **context.at_once)
    known = {"outputs": [context.view, context.result], "show_progress": "hidden", **context.private}
    gr.on(
        [row.apply.click, row.shift_ms.submit], move, inputs=[context.result, row.shift_ms, context.language], **known
    )
    row.measured.click(move_by_lag, [context.result, row.lag_ms, context.language], **known)


def sentence(context: PageContext, result: Result, language: str) -> tuple[str, int | None]:
    """The text on the reference speech, and its estimated delay in ms, if there is one to correct."""
    assert result.reference is not None and result.given is not None
    found = fit_of(result.reference, result.analysis, result.mel)
    given_s = len(result.given[0]) / result.given[1]
    said = [context.text(language, "original_is").format(name=result.reference_source.name, seconds=f"{given_s:.2f}")]
    if abs(given_s - found.clip_s) > SAME_LENGTH_S:
        said.append(context.text(language, "original_length").format(clip=f"{found.clip_s:.2f}"))
    if result.shift_ms:
        said.append(context.text(language, "original_moved").format(ms=f"{result.shift_ms:+.0f}"))
    lag_ms = None if found.lag_s is None else round(1000 * found.lag_s)
    if lag_ms:
        said.append(context.text(language, "original_late" if lag_ms > 0 else "original_early").format(ms=abs(lag_ms)))
    else:
        said.append(context.text(language, "original_unsure" if lag_ms is None else "original_fits"))
    return " ".join(said), lag_ms or None

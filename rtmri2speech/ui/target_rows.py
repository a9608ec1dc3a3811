"""Targets of the maps: one to four rows, each a fixed band, the level or tilt of the whole spectrum, or a
formant-tracking band."""

from dataclasses import dataclass

import gradio as gr

from ..spec import DEFAULT_BANDS, FOLLOWING_HZ, FORMANTS, TRACKS, WHOLE, Band
from .controls import PENDING_JS
from .page_context import PageContext
from .session import FIXED, Row, rows_of

# Bands of new rows; the first two are the default bands.
SUGGESTED_BANDS = (*DEFAULT_BANDS, Band("F3", 2500.0, 3500.0), Band("F4", 3500.0, 4500.0))
KINDS = (FIXED, *WHOLE, *FORMANTS)
_EDIT_JS = "() => { document.body.classList.toggle('editing-bands'); }"
_ESCAPE_JS = """() => document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.body.classList.remove("editing-bands");
})"""
_COLUMNS = 6  # of a Row


@dataclass(frozen=True)
class BandRows:
    """rows: gr.State of list[Row], as of the last row added or removed, or of `read`. fields: of each row in the order
    of a Row, hidden rows included. places: the rows as laid out. add: the button for one more."""

    rows: gr.State
    fields: list[gr.components.Component]
    places: list[gr.Row]
    add: gr.Button

    @property
    def values(self) -> list[gr.components.Component]:
        """The inputs of `read`."""
        return [self.rows, *self.fields]

    @staticmethod
    def read(rows: list[Row], *values) -> list[Row]:
        """The values of the visible rows."""
        return [tuple(values[_COLUMNS * k : _COLUMNS * (k + 1)]) for k in range(len(rows))]

    @property
    def shown(self) -> list[gr.blocks.Block]:
        """The outputs of `show`."""
        return [self.rows, *self.fields, *self.places, self.add]

    def show(self, rows: list[Row]) -> list:
        """Updates that show these rows, each with the fields of its kind."""
        values = [update for row in rows for update in fields_of(row)]
        values += [gr.skip()] * (len(self.fields) - len(values))
        visible = [gr.update(visible=k < len(rows)) for k in range(len(self.places))]
        return [rows, *values, *visible, gr.update(visible=len(rows) < len(self.places))]


def fields_of(row: Row) -> list[dict]:
    """Updates of a row's fields, in their order."""
    name, kind, low_hz, high_hz, width_hz, track = row
    fixed, follows = kind == FIXED, kind in FORMANTS
    limits = [gr.update(value=limit, visible=fixed) for limit in (low_hz, high_hz)]
    follow = [gr.update(value=value, visible=follows) for value in (width_hz, track)]
    return [gr.update(value=name), gr.update(value=kind), *limits, *follow]


def renamed(rows: list[Row], number: int) -> Row:
    """A row named after its kind, unless it was named by hand, with limits where it needs them."""
    name, kind, low_hz, high_hz, *follow = rows[number]
    suggested = SUGGESTED_BANDS[number]
    if kind == FIXED and (low_hz is None or high_hz is None):
        low_hz, high_hz = suggested.low_hz, suggested.high_hz
    called = {FIXED: suggested.name} | {of: of for of in WHOLE} | {of: f"F{k}" for k, of in enumerate(FORMANTS, 1)}
    plain = str(name or "").strip().removesuffix("_followed")
    if plain in ("", *called.values(), *(band.name for band in SUGGESTED_BANDS)):
        taken = {other[0] for k, other in enumerate(rows) if k != number}
        name = called[kind] if called[kind] not in taken else f"{called[kind]}_followed"
    return name, kind, low_hz, high_hz, *follow


def build(context: PageContext, edit: gr.Button) -> BandRows:
    """Lay out the rows, which the button `edit` shows and hides."""
    rows = gr.State(rows_of(DEFAULT_BANDS))
    fields, places, removers = [], [], []
    with gr.Row(elem_id="bands"):
        for number, band in enumerate(SUGGESTED_BANDS):
            with gr.Row(visible=number < len(DEFAULT_BANDS), elem_classes="band") as place:
                fields += _fields(context, band)
                removers.append(context.button("band_remove", size="sm", min_width=40))
            places.append(place)
        add = context.button("band_add", size="sm", min_width=80, elem_id="band-add")
        context.note("bands_note")
    made = BandRows(rows, fields, places, add)
    _connect(context, made, removers)
    edit.click(None, js=_EDIT_JS, **context.private)
    context.page.load(None, js=_ESCAPE_JS, **context.private)
    return made


def _fields(context: PageContext, band: Band) -> list[gr.components.Component]:
    """The fields of one row, in the order of a Row."""
    kinds = {kind: f"band_kind_{kind}" for kind in KINDS}
    tracks = {track: f"band_track_{track}" for track in TRACKS}
    hz, one_of = {"min_width": 80}, {"elem_classes": "kind"}
    return [
        context.worded(gr.Textbox, {"label": "band_name"}, band.name, max_length=24, min_width=60),
        context.worded(gr.Dropdown, {"label": "band_kind", "choices": kinds}, value=FIXED, **one_of),
        context.worded(gr.Number, {"label": "band_low"}, band.low_hz, **hz),
        context.worded(gr.Number, {"label": "band_high"}, band.high_hz, **hz),
        context.worded(gr.Number, {"label": "band_width"}, FOLLOWING_HZ, visible=False, **hz),
        context.worded(
            gr.Dropdown, {"label": "band_track", "choices": tracks}, value=TRACKS[0], visible=False, **one_of
        ),
    ]


def _connect(context: PageContext, made: BandRows, removers: list[gr.Button]) -> None:
    def add_row(rows, *values):
        rows = made.read(rows, *values)
        names = {name for name, *_ in rows}
        fresh = next((band for band in SUGGESTED_BANDS if band.name not in names), SUGGESTED_BANDS[len(rows)])
        return made.show([*rows, *rows_of([fresh])])

    def remove_row(number):
        def removed(rows, *values):
            rows = made.read(rows, *values)
            return made.show(rows[:number] + rows[number + 1 :] if len(rows) > 1 else rows)

        return removed

    def change_kind(number):
        return lambda rows, *values: fields_of(renamed(made.read(rows, *values), number))

    made.add.click(add_row, made.values, made.shown, **context.at_once)
    for number, remove in enumerate(removers):
        remove.click(remove_row(number), made.values, made.shown, **context.at_once)
        own = made.fields[_COLUMNS * number : _COLUMNS * (number + 1)]
        own[1].input(change_kind(number), made.values, own, **context.at_once)
    changed = [made.add.click, *(button.click for button in removers), *(field.input for field in made.fields)]
    gr.on(changed, None, js=PENDING_JS.format("true"), **context.private)

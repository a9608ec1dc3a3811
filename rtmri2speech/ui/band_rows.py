"""The bands to explain: one to four rows of name, lower and upper limit."""

from dataclasses import dataclass

import gradio as gr

from ..spec import DEFAULT_BANDS, Band
from .controls import PENDING_JS
from .desk import Desk

# What a new row holds; the first two are the default bands.
SUGGESTED_BANDS = (*DEFAULT_BANDS, Band("F3", 2500.0, 3500.0), Band("F4", 3500.0, 4500.0))
_EDIT_JS = "() => { document.body.classList.toggle('editing-bands'); }"
_ESCAPE_JS = """() => document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.body.classList.remove("editing-bands");
})"""

Row = tuple[str, float | None, float | None]


@dataclass(frozen=True)
class BandRows:
    """rows: gr.State of list[Row], as they were when a row was added or removed, or by `read`. fields: name, low, high
    of each row, also of those that are not shown. places: the rows as laid out. add: the button for one more."""

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
        """What stands in the rows that are shown."""
        return [tuple(values[3 * k : 3 * k + 3]) for k in range(len(rows))]

    @property
    def shown(self) -> list[gr.blocks.Block]:
        """The outputs of `show`."""
        return [self.rows, *self.fields, *self.places, self.add]

    def show(self, rows: list[Row]) -> list:
        """Updates so that these rows are shown."""
        values = [value for row in rows for value in row]
        values += [gr.skip()] * (len(self.fields) - len(values))
        visible = [gr.update(visible=k < len(rows)) for k in range(len(self.places))]
        return [rows, *values, *visible, gr.update(visible=len(rows) < len(self.places))]


def build(desk: Desk, edit: gr.Button) -> BandRows:
    """Lays out the rows, which the button `edit` shows and hides."""
    words = {key: desk.text("en", key) for key in ("band_name", "band_low", "band_high", "band_remove", "band_add")}
    rows = gr.State([(band.name, band.low_hz, band.high_hz) for band in DEFAULT_BANDS])
    fields, places, removers = [], [], []
    with gr.Row(elem_id="bands"):
        for number, band in enumerate(SUGGESTED_BANDS):
            with gr.Row(visible=number < len(DEFAULT_BANDS), elem_classes="band") as place:
                name = gr.Textbox(band.name, label=words["band_name"], max_length=24, min_width=60)
                low = gr.Number(band.low_hz, label=words["band_low"], min_width=80)
                high = gr.Number(band.high_hz, label=words["band_high"], min_width=80)
                remove = gr.Button(words["band_remove"], size="sm", min_width=40)
            for component, key in ((name, "band_name"), (low, "band_low"), (high, "band_high")):
                desk.localise(component, "label", key)
            desk.localise(remove, "value", "band_remove")
            fields += [name, low, high]
            places.append(place)
            removers.append(remove)
        add = gr.Button(words["band_add"], size="sm", min_width=80, elem_id="band-add")
        note = gr.Markdown(desk.text("en", "bands_note"), elem_classes="note", container=False)
    desk.localise(add, "value", "band_add")
    desk.localise(note, "value", "bands_note")
    made = BandRows(rows, fields, places, add)

    def add_row(rows, *values):
        rows = made.read(rows, *values)
        names = {name for name, _, _ in rows}
        fresh = next((band for band in SUGGESTED_BANDS if band.name not in names), SUGGESTED_BANDS[len(rows)])
        return made.show([*rows, (fresh.name, fresh.low_hz, fresh.high_hz)])

    def remove_row(number):
        def removed(rows, *values):
            rows = made.read(rows, *values)
            return made.show(rows[:number] + rows[number + 1 :] if len(rows) > 1 else rows)

        return removed

    add.click(add_row, made.values, made.shown, **desk.at_once)
    for number, remove in enumerate(removers):
        remove.click(remove_row(number), made.values, made.shown, **desk.at_once)
    changed = [add.click, *(button.click for button in removers), *(field.input for field in fields)]
    gr.on(changed, None, js=PENDING_JS.format("true"), **desk.private)
    edit.click(None, js=_EDIT_JS, **desk.private)
    desk.page.load(None, js=_ESCAPE_JS, **desk.private)
    return made

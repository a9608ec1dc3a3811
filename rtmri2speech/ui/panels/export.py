"""The panel "Export": options with a preview, the video, single files, and everything in one zip."""

from dataclasses import dataclass, replace

import gradio as gr

from ...export import writer
from ...export.selection import SHOWN, WIDEST_CM
from ...export.writer import SOUNDS, ExportOptions, ExportSource
from ...render.colour import BAND_MAPS, COMBINE, default_maps
from ...render.figure_size import FORMATS
from ...render.fonts import lacking
from ...render.picture import LAYOUTS
from ..page_context import PageContext, interval_of
from ..session import Result

AROUND = 6  # frames before and after the one shown
_MAPS = ("default", *BAND_MAPS, "inferno", "viridis", "cividis", "gray", "jet")
_SIDES = (256, 512, 720, 1080)
_MOST_SLOW = 10
# Clicks the hidden button when the explorer shows other bands than before.
_FOLLOW_JS = """() => {
    const explorer = document.querySelector("#explorer");
    const look = () => explorer.querySelector(".explorer")?.dataset.look;
    let last = look();
    new MutationObserver(() => {
        if (look() === last) return;
        last = look();
        document.querySelector("#export-follow").click();
    }).observe(explorer, {subtree: true, attributes: true, attributeFilter: ["data-look"]});
}"""
# The page's current language, which the radio does not hold yet right after loading.
_NEW_CLIP_JS = """(...args) => {{
    const [moment, result] = ({explorer_state})(...args);
    return [moment, result, document.documentElement.lang.startsWith("ja") ? "ja" : "en"];
}}"""
# Addition to the video -> key of its words.
_SHOWN = {name: f"export_show_{name}" for name in SHOWN}
# Kind of file -> key of its words.
_KINDS = {
    kind: f"export_kind_{kind}"
    for kind in ("frame", "average", "spectrogram", "traces", "heatmaps", "speech", "labels", "heat_video")
}


@dataclass(frozen=True)
class _Choices:
    """Options of exported pictures. own_bands: whether the bands were chosen in the panel."""

    bands: gr.CheckboxGroup
    own_bands: gr.State
    follow: gr.Button
    maps: list[gr.Dropdown]
    alpha: gr.Slider
    slow: gr.Slider
    side: gr.Dropdown
    layout: gr.Radio
    combine: gr.Radio
    part: gr.Radio
    sound: gr.Radio
    show: gr.CheckboxGroup

    @property
    def of_picture(self) -> list[gr.components.Component]:
        """The options of a single picture."""
        return [component for component in self.of_look if component is not self.sound]

    @property
    def of_look(self) -> list[gr.components.Component]:
        """The inputs of `_look`, but for the language."""
        return [
            *(self.bands, *self.maps, self.alpha, self.combine, self.layout),
            *(self.sound, self.slow, self.side, self.part, self.show),
        ]


@dataclass(frozen=True)
class _Pictures:
    picture: gr.Image
    video: gr.Video
    preview: gr.Button
    around: gr.Button
    make: gr.Button


@dataclass(frozen=True)
class _Files:
    kinds: gr.CheckboxGroup
    formats: gr.CheckboxGroup
    width_cm: gr.Number
    trust: gr.Checkbox
    make: gr.Button
    make_zip: gr.Button
    files: gr.File


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    context.note("export_intro")
    with gr.Row(elem_id="export-look"):
        choices = _lay_out_choices(context)
        with gr.Column(scale=4, min_width=480):
            pictures = _lay_out_pictures(context)
    with gr.Row(elem_id="export-files"):
        files = _lay_out_files(context)
    _connect_preview(context, choices, pictures)
    _connect_making(context, choices, pictures, files)
    _connect_explorer(context, choices)
    _connect_new_clip(context, choices, pictures, files)


def _lay_out_choices(context: PageContext) -> _Choices:
    with gr.Column(scale=2, min_width=230):
        bands = _field(context, gr.CheckboxGroup, "bands", [])
        own_bands = gr.State(False)
        follow = gr.Button(elem_id="export-follow")  # never seen
        colours = {"choices": {value: f"export_map_{value}" for value in _MAPS}}
        with gr.Row(elem_classes="maps"):
            looks = {"value": "default", "visible": False, "min_width": 100}
            maps = [context.worded(gr.Dropdown, colours, **looks) for _ in BAND_MAPS]
        alpha = _field(context, gr.Slider, "alpha", 0.0, 1.0, 0.7, step=0.05, buttons=[])
        slow = _field(context, gr.Slider, "slow", 1, _MOST_SLOW, 1, step=0.5, buttons=[])
        side = _field(context, gr.Dropdown, "side", _SIDES, value=512)
    with gr.Column(scale=2, min_width=230):
        layout = _radio(context, "layout", LAYOUTS)
        combine = _radio(context, "combine", COMBINE)
        part = _radio(context, "part", ("clip", "stretch"))
        sound = _radio(context, "sound", SOUNDS)
        show = _field(context, gr.CheckboxGroup, "show", choices=_SHOWN, value=[])
    return _Choices(bands, own_bands, follow, maps, alpha, slow, side, layout, combine, part, sound, show)


def _lay_out_pictures(context: PageContext) -> _Pictures:
    frame = {"height": 330, "min_width": 220, "interactive": False}
    with gr.Row():
        words, looks = {"label": "export_preview_picture"}, {"buttons": ["fullscreen"], "elem_id": "export-picture"}
        picture = context.worded(gr.Image, words, format="png", **looks, **frame)
        video = context.worded(gr.Video, {"label": "export_video"}, buttons=["download"], elem_id="overlay", **frame)
    with gr.Row(elem_classes="act"):
        preview = context.button("export_preview", elem_id="export-preview", min_width=120)
        around = context.button("export_around", elem_id="make-around", min_width=120)
        make = context.button("export_make_video", variant="primary", elem_id="make-overlay", min_width=120)
        context.stop_button("export-stop")
    return _Pictures(picture, video, preview, around, make)


def _lay_out_files(context: PageContext) -> _Files:
    with gr.Column(scale=3, min_width=300):
        kinds = _field(context, gr.CheckboxGroup, "kinds", choices=_KINDS, value=["frame", "spectrogram"])
        with gr.Row(elem_classes="figures"):
            formats = _field(context, gr.CheckboxGroup, "formats", list(FORMATS), value=["png"], min_width=200)
            width_cm = _field(context, gr.Number, "width", None, maximum=WIDEST_CM, min_width=160)
        with gr.Row(elem_classes="act"):
            make = context.button("export_make_files", elem_id="make-files", scale=0, min_width=220)
            make_zip = context.button("export_make_zip", variant="primary", elem_id="make-zip", scale=0, min_width=240)
        trust = _field(context, gr.Checkbox, "trust", False, container=False)
        context.note("export_zip_note")
    with gr.Column(scale=2, min_width=300):
        looks = {"file_count": "multiple", "interactive": False, "elem_id": "exported"}
        files = context.worded(gr.File, {"label": "export_files"}, **looks)
    return _Files(kinds, formats, width_cm, trust, make, make_zip, files)


def _field(context: PageContext, kind: type, name: str, *values, choices: dict | None = None, **options):
    words = {"label": f"export_{name}", **({"choices": choices} if choices else {})}
    return context.worded(kind, words, *values, elem_id=f"export-{name}", **options)


def _radio(context: PageContext, name: str, values) -> gr.Radio:
    choices = {value: f"export_{name}_{value}" for value in values}
    return _field(context, gr.Radio, name, choices=choices, value=values[0])


def _connect_preview(context: PageContext, choices: _Choices, pictures: _Pictures) -> None:
    @context.guard_result
    def show(explorer_state, result, language, *chosen):
        subject = _subject(context, result)
        return writer.preview(subject, _look(explorer_state, subject, *chosen), int(explorer_state["frame"]))

    inputs = [context.explorer_state, context.result, context.language, *choices.of_look, context.language]
    event = {**context.private, "js": context.explorer_state_js, "concurrency_id": "preview", "concurrency_limit": 2}
    pictures.preview.click(show, inputs, pictures.picture, show_progress_on=pictures.picture, **event)
    gr.on(
        [component.input for component in choices.of_picture],
        show,
        inputs,
        pictures.picture,
        trigger_mode="always_last",
        show_progress="hidden",
        **event,
    )


def _connect_making(context: PageContext, choices: _Choices, pictures: _Pictures, files: _Files) -> None:
    def asked(explorer_state, result, language, *chosen) -> tuple[ExportSource, ExportOptions]:
        """The source and options of an export, after a notice if the chosen interval is missing."""
        subject = _subject(context, result)
        if chosen[-3] == "stretch" and interval_of(explorer_state) is None:
            gr.Info(context.text(language, "export_no_stretch"), title=context.text(language, "notice"))
        if lacking(language, subject.name):
            gr.Info(context.text(language, "export_no_font"), title=context.text(language, "notice"))
        return subject, _look(explorer_state, subject, *chosen)

    @context.guard_result
    def video_of(explorer_state, result, language, request: gr.Request, progress=gr.Progress(), *chosen):  # noqa: B008
        subject, look = asked(explorer_state, result, language, *chosen)
        tell = context.progress(request, language, progress)
        (path,) = writer.write_files(context.folder(), subject, look, ["video"], progress=tell)
        return str(path)

    @context.guard_result
    def video_around(explorer_state, result, language, request: gr.Request, progress=gr.Progress(), *chosen):  # noqa: B008
        *others, _part, shown, words = chosen
        frame, last = int(explorer_state["frame"]), len(result.analysis.mel_db) - 1
        here = explorer_state | {"first": max(0, frame - AROUND), "last": min(last, frame + AROUND)}
        return video_of(here, result, language, request, progress, *others, "stretch", shown, words)

    def on_paper(write):
        """The handler of a button that makes files, whose figures are of a format and width."""

        @context.guard_result
        def made(
            explorer_state,
            result,
            language,
            what,
            formats,
            width_cm,
            request: gr.Request,
            progress=gr.Progress(),  # noqa: B008
            *chosen,
        ):
            subject, look = asked(explorer_state, result, language, *chosen)
            look = replace(look, figures=tuple(formats), width_cm=width_cm or None)  # an empty or zero one: its own
            tell = context.progress(request, language, progress)
            return [str(path) for path in write(what, subject, look, int(explorer_state["frame"]), tell)]

        return made

    def files_of(kinds, subject, look, frame, tell):
        return writer.write_files(context.folder(), subject, look, kinds, frame, tell)

    def zip_of(trust, subject, look, frame, tell):
        path = context.folder() / f"{subject.stem}_export.zip"
        writer.write_zip(path, subject, look, frame, tell, trust=trust)
        return [path]

    first, look_of = [context.explorer_state, context.result, context.language], [*choices.of_look, context.language]
    paper = [files.formats, files.width_cm]
    for button, make, inputs, made in (
        (pictures.make, video_of, [*first, *look_of], pictures.video),
        (pictures.around, video_around, [*first, *look_of], pictures.video),
        (files.make, on_paper(files_of), [*first, files.kinds, *paper, *look_of], files.files),
        (files.make_zip, on_paper(zip_of), [*first, files.trust, *paper, *look_of], files.files),
    ):
        context.work(button.click, make, inputs, made, show_progress_on=made, js=context.explorer_state_js)


def _connect_explorer(context: PageContext, choices: _Choices) -> None:
    """The bands are the explorer's until bands are chosen in the panel."""

    def follow_explorer(explorer_state, result, own):
        if result is None or own:
            return gr.skip()
        return _shown(explorer_state, [band.name for band in result.analysis.bands])

    choices.bands.input(lambda: True, None, choices.own_bands, **context.at_once)
    context.page.load(None, js=_FOLLOW_JS, **context.private)
    inputs = [context.explorer_state, context.result, choices.own_bands]
    choices.follow.click(follow_explorer, inputs, choices.bands, js=context.explorer_state_js, **context.at_once)


def _connect_new_clip(context: PageContext, choices: _Choices, pictures: _Pictures, files: _Files) -> None:
    """Another clip resets bands and labels, and clears earlier exports."""
    maps = choices.maps
    changed = [choices.bands, *maps, files.kinds, choices.show, choices.part, choices.own_bands]
    emptied = [pictures.picture, pictures.video, files.files]

    def choices_of(known, lacking, language):
        return [(context.text(language, key), name) for name, key in known.items() if name not in lacking]

    def new_clip(explorer_state, result, language):
        if result is None:
            return [gr.skip()] * len([*changed, *emptied])
        names = [band.name for band in result.analysis.bands]
        lacking = set() if result.labels or result.remarks else {"labels"}
        return [
            gr.update(choices=names, value=_shown(explorer_state, names)),
            *(
                gr.update(visible=k < len(names), label=names[k] if k < len(names) else "", value="default")
                for k in range(len(maps))
            ),
            *(gr.update(choices=choices_of(known, lacking, language)) for known in (_KINDS, _SHOWN)),
            "clip",
            False,
            *([None] * len(emptied)),
        ]

    first = [context.explorer_state, context.result, context.language]
    js = _NEW_CLIP_JS.format(explorer_state=context.explorer_state_js)
    context.result.change(new_clip, first, [*changed, *emptied], js=js, **context.at_once)


def _subject(context: PageContext, result: Result) -> ExportSource:
    return ExportSource(
        result.name,
        result.analysis,
        result.regions,
        context.bundle_of(result),
        result.source,
        result.reference,
        result.reference_source,
        result.shift_ms,
        result.faithfulness,
        result.labels if result.edited else None,
        result.remarks,
        tuple(result.far.get("reach", ())),
    )


def _look(explorer_state: dict, subject: ExportSource, bands: list[str], *choices) -> ExportOptions:
    """ExportOptions of the panel's controls, in their order, and of the explorer's interval (else the whole clip) and
    colours."""
    maps, (alpha, combine, layout, sound, slow, side, part, show, language) = choices[:-9], choices[-9:]
    order = [band.name for band in subject.analysis.bands]
    colours = {
        name: default if one == "default" else one
        for name, one, default in zip(order, maps, default_maps(len(order)), strict=False)
        if name in bands
    }
    return ExportOptions(
        bands=tuple(colours),
        colour_maps=tuple(colours.values()),
        alpha=float(alpha),
        combine=combine,
        layout=layout,
        side=int(side),
        sound=sound,
        slow=float(slow),
        stretch=interval_of(explorer_state) if part == "stretch" else None,
        language=language,
        show=tuple(show),
    )


def _shown(explorer_state: dict, names: list[str]) -> list[str]:
    """The bands that the explorer shows: one alone, or all."""
    view = str(explorer_state["view"])
    return [names[int(view)]] if view.isdecimal() and int(view) < len(names) else names

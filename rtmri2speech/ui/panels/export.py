"""The panel "Export": a look with its preview, the video, single files, and everything in one zip."""

import gradio as gr

from ... import export
from ...export import SOUNDS, Look, Subject
from ...labels import labels_of
from ...render.colour import BAND_MAPS, COMBINE, default_maps
from ...render.picture import LAYOUTS
from ..desk import Desk

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
# The page's language as it stands: right after opening, the radio of languages does not have it yet.
_NEW_CLIP_JS = """(...args) => {{
    const [moment, result] = ({moment})(...args);
    return [moment, result, document.documentElement.lang.startsWith("ja") ? "ja" : "en"];
}}"""
_FILES = ("frame", "average", "spectrogram", "traces", "heatmaps", "speech", "labels", "heat_video")


def build(desk: Desk) -> None:
    """Lays out the panel's tab."""

    def radio(name: str, values, elem_id: str) -> gr.Radio:
        choices = {value: f"export_{name}_{value}" for value in values}
        made = gr.Radio(_in_english(desk, choices), value=values[0], label=say(name), elem_id=elem_id)
        desk.localise(made, "choices", choices)
        return desk.localise(made, "label", f"export_{name}")

    def say(name: str) -> str:
        return desk.text("en", f"export_{name}")

    intro = gr.Markdown(say("intro"), elem_classes="note", container=False)
    desk.localise(intro, "value", "export_intro")
    with gr.Row(elem_id="export-look"):
        with gr.Column(scale=2, min_width=230):
            bands = gr.CheckboxGroup([], label=say("bands"), elem_id="export-bands")
            own_bands = gr.State(False)  # whether the person chose them here
            follow = gr.Button(elem_id="export-follow")  # never seen
            colours = {value: f"export_map_{value}" for value in _MAPS}
            with gr.Row(elem_classes="maps"):
                maps = [
                    gr.Dropdown(_in_english(desk, colours), value="default", visible=False, min_width=100)
                    for _ in BAND_MAPS
                ]
            alpha = gr.Slider(0.0, 1.0, 0.7, step=0.05, label=say("alpha"), buttons=[], elem_id="export-alpha")
            slow = gr.Slider(1, _MOST_SLOW, 1, step=0.5, label=say("slow"), buttons=[], elem_id="export-slow")
            side = gr.Dropdown(_SIDES, value=512, label=say("side"), elem_id="export-side")
        with gr.Column(scale=2, min_width=230):
            layout = radio("layout", LAYOUTS, "export-layout")
            combine = radio("combine", COMBINE, "export-combine")
            part = radio("part", ("clip", "stretch"), "export-part")
            sound = radio("sound", SOUNDS, "export-sound")
        with gr.Column(scale=4, min_width=480):
            with gr.Row():
                picture = gr.Image(
                    label=say("preview_picture"),
                    format="png",
                    height=330,
                    min_width=220,
                    interactive=False,
                    buttons=["fullscreen"],
                    elem_id="export-picture",
                )
                video = gr.Video(
                    label=say("video"),
                    height=330,
                    min_width=220,
                    interactive=False,
                    buttons=["download"],
                    elem_id="overlay",
                )
            with gr.Row(elem_classes="act"):
                preview = gr.Button(say("preview"), elem_id="export-preview", min_width=120)
                make = gr.Button(say("make_video"), variant="primary", elem_id="make-overlay", min_width=120)
                stop = desk.stop_button(gr.Button(desk.text("en", "stop"), scale=0, min_width=80))
    with gr.Row(elem_id="export-files"):
        with gr.Column(scale=3, min_width=300):
            kinds = {kind: f"export_kind_{kind}" for kind in _FILES}
            chosen = gr.CheckboxGroup(_in_english(desk, kinds), value=["frame", "spectrogram"], label=say("kinds"))
            with gr.Row(elem_classes="act"):
                make_files = gr.Button(say("make_files"), elem_id="make-files", scale=0, min_width=220)
                make_zip = gr.Button(say("make_zip"), variant="primary", elem_id="make-zip", scale=0, min_width=240)
            note = gr.Markdown(say("zip_note"), elem_classes="note", container=False)
        with gr.Column(scale=2, min_width=300):
            files = gr.File(label=say("files"), file_count="multiple", interactive=False, elem_id="exported")

    for one in maps:
        desk.localise(one, "choices", colours)
    desk.localise(chosen, "choices", kinds)
    for component, name in ((bands, "bands"), (alpha, "alpha"), (slow, "slow"), (side, "side"), (chosen, "kinds")):
        desk.localise(component, "label", f"export_{name}")
    for component, name in ((picture, "preview_picture"), (video, "video"), (files, "files")):
        desk.localise(component, "label", f"export_{name}")
    for component, name in (
        (preview, "preview"),
        (make, "make_video"),
        (make_files, "make_files"),
        (make_zip, "make_zip"),
        (note, "zip_note"),
    ):
        desk.localise(component, "value", f"export_{name}")
    desk.localise(stop, "value", "stop")

    look_of = [bands, *maps, alpha, combine, layout, sound, slow, side, part, desk.language]
    controls = [component for component in look_of if component is not desk.language]

    def subject_of(result, language) -> Subject:
        if result is None:
            raise gr.Error(desk.text(language, "first_run"), print_exception=False, title=desk.text(language, "error"))
        bundle = desk.bundles.load(result.bundle_name)
        return Subject(result.name, result.analysis, bundle, result.source, result.reference, result.reference_source)

    def asked(moment, subject, *choices) -> Look:
        """The look, after a notice if the stretch that it asks for is not there."""
        part, language = choices[-2:]
        if part == "stretch" and not _has_stretch(moment):
            gr.Info(desk.text(language, "export_no_stretch"), title=desk.text(language, "notice"))
        return _look(moment, subject, *choices)

    @desk.guard
    def show(moment, result, language, *choices):
        subject = subject_of(result, language)
        return export.preview(subject, _look(moment, subject, *choices), int(moment["frame"]))

    @desk.guard
    def video_of(moment, result, language, request: gr.Request, progress=gr.Progress(), *choices):  # noqa: B008
        subject = subject_of(result, language)
        look, tell = asked(moment, subject, *choices), desk.progress(request, language, progress)
        (path,) = export.write_files(desk.folder(), subject, look, ["video"], progress=tell)
        return str(path)

    @desk.guard
    def files_of(moment, result, language, kinds, request: gr.Request, progress=gr.Progress(), *choices):  # noqa: B008
        subject = subject_of(result, language)
        look, tell = asked(moment, subject, *choices), desk.progress(request, language, progress)
        paths = export.write_files(desk.folder(), subject, look, kinds, int(moment["frame"]), tell)
        return [str(path) for path in paths]

    @desk.guard
    def zip_of(moment, result, language, request: gr.Request, progress=gr.Progress(), *choices):  # noqa: B008
        subject = subject_of(result, language)
        look, tell = asked(moment, subject, *choices), desk.progress(request, language, progress)
        path = desk.folder() / f"{subject.stem}_export.zip"
        export.write_zip(path, subject, look, int(moment["frame"]), tell)
        return [str(path)]

    def follow_explorer(moment, result, own):
        if result is None or own:
            return gr.skip()
        return _shown(moment, [band.name for band in result.analysis.bands])

    first = [desk.moment, desk.result, desk.language]
    moment = {"js": desk.moment_js}
    showing = {**desk.private, **moment, "concurrency_id": "preview", "concurrency_limit": 2}
    preview.click(show, [*first, *look_of], picture, show_progress_on=picture, **showing)
    # Only what the picture depends on.
    seen = [component for component in controls if component is not sound]
    gr.on(
        [component.input for component in seen],
        show,
        [*first, *look_of],
        picture,
        trigger_mode="always_last",
        show_progress="hidden",
        **showing,
    )
    bands.input(lambda: True, None, own_bands, queue=False, show_progress="hidden", **desk.private)
    desk.page.load(None, js=_FOLLOW_JS, **desk.private)
    follow.click(
        follow_explorer,
        [desk.moment, desk.result, own_bands],
        bands,
        queue=False,
        show_progress="hidden",
        **moment,
        **desk.private,
    )
    for event in (
        make.click(video_of, [*first, *look_of], video, show_progress_on=video, **moment, **desk.queued),
        make_files.click(files_of, [*first, chosen, *look_of], files, show_progress_on=files, **moment, **desk.queued),
        make_zip.click(zip_of, [*first, *look_of], files, show_progress_on=files, **moment, **desk.queued),
    ):
        desk.stoppable(event)

    def new_clip(moment, result, language):
        if result is None:
            return [gr.skip()] * (1 + len(maps) + 6)
        names = [band.name for band in result.analysis.bands]
        there = [kind for kind in _FILES if kind != "labels" or labels_of(result.source)]
        return [
            gr.update(choices=names, value=_shown(moment, names)),
            *(
                gr.update(visible=k < len(names), label=names[k] if k < len(names) else "", value="default")
                for k in range(len(maps))
            ),
            gr.update(choices=[(desk.text(language, kinds[kind]), kind) for kind in there]),
            "clip",
            False,
            None,
            None,
            None,
        ]

    desk.result.change(
        new_clip,
        first,
        [bands, *maps, chosen, part, own_bands, picture, video, files],
        js=_NEW_CLIP_JS.format(moment=desk.moment_js),
        queue=False,
        show_progress="hidden",
        **desk.private,
    )


def _look(moment: dict, subject: Subject, bands: list[str], *choices) -> Look:
    """What the panel's controls say, in their order, and the explorer's stretch, without one the whole clip. Colours
    are the explorer's."""
    maps, (alpha, combine, layout, sound, slow, side, part, language) = choices[:-8], choices[-8:]
    order = [band.name for band in subject.analysis.bands]
    colours = {
        name: default if one == "default" else one
        for name, one, default in zip(order, maps, default_maps(len(order)), strict=False)
        if name in bands
    }
    return Look(
        bands=tuple(colours),
        colour_maps=tuple(colours.values()),
        alpha=float(alpha),
        combine=combine,
        layout=layout,
        side=int(side),
        sound=sound,
        slow=float(slow),
        stretch=(int(moment["first"]), int(moment["last"])) if part == "stretch" and _has_stretch(moment) else None,
        language=language,
    )


def _has_stretch(moment: dict) -> bool:
    return moment["first"] is not None


def _shown(moment: dict, names: list[str]) -> list[str]:
    """The bands that the explorer shows: one alone, or all."""
    view = str(moment["view"])
    return [names[int(view)]] if view.isdecimal() and int(view) < len(names) else names


def _in_english(desk: Desk, choices: dict[str, str]) -> list[tuple[str, str]]:
    return [(desk.text("en", key), value) for value, key in choices.items()]

"""PageContext: what all parts of one page share. panels/ shows its use."""

import errno
import html
import re
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from inspect import isgeneratorfunction, signature
from pathlib import Path

import gradio as gr

from ..clips.clip import ClipLimits
from ..errors import InputError
from ..models.bundle import Bundle
from ..names import readable
from ..progress import Progress
from .bundles import Bundles
from .examples import Examples
from .jobs import Jobs, Stopped
from .session import Result
from .texts import TEXTS, in_language

_EXPLORER_STATE_JS = """(_, ...rest) => {
    const shown = document.querySelector("#explorer .explorer")?.dataset ?? {};
    const number = (key) => (shown[key] ? Number(shown[key]) : null);
    const view = shown.look ?? "both";
    return [{frame: number("frame") ?? 0, first: number("first"), last: number("last"), view}, ...rest];
}"""
TOLD_EVERY_S = 0.3
# Tracks running work, and enables the stop buttons during it.
_WORKING_JS = """() => {{
    const working = (window.rtmri2speechWorking ??= new Map());
    working.set({work}, {going});
    const idle = ![...working.values()].some(Boolean);
    for (const button of document.querySelectorAll("button.ends-work")) button.disabled = idle;
}}"""


@dataclass
class PageContext:
    """The shared context of a page: bundles and examples, the session's result, language and explorer state, and the
    wiring, guarding, progress and cancellation of events.

    result: gr.State of session.Result | None. language: "en" or "ja". view: the frame explorer.
    explorer_state: as an event's FIRST input, with js=context.explorer_state_js, it holds the explorer's state,
    {"frame": int, "first": int | None, "last": int | None, "view": "0".."3" | "both" | "difference" | "off"};
    first and last are the chosen interval, None: the whole clip.
    """

    page: gr.Blocks
    bundles: Bundles
    examples: Examples
    limits: ClipLimits
    result: gr.State
    language: gr.Radio
    explorer_state: gr.JSON
    view: gr.HTML | None = None
    jobs: Jobs = field(default_factory=Jobs)
    words: list[tuple[gr.blocks.Block, str, str | dict]] = field(default_factory=list)
    running: list = field(default_factory=list)
    works: int = 0
    stops: list[gr.Button] = field(default_factory=list)

    explorer_state_js = _EXPLORER_STATE_JS
    # Event arguments: private endpoints; long work, one at a time on this machine.
    private = {"api_visibility": "private"}
    at_once = {**private, "queue": False, "show_progress": "hidden"}
    queued = {"api_visibility": "private", "concurrency_id": "analysis", "concurrency_limit": 1}

    def text(self, language: str, key: str) -> str:
        return TEXTS[language][key]

    def localise(self, component, attribute: str, key: str | dict):
        """Keep a component's label, value, info, placeholder or choices in the page's language; returns the component.

        key: of texts/; for choices {value: key of its words, or {language: words}}.
        """
        self.words.append((component, attribute, key))
        return component

    def worded(self, kind: type, words: dict[str, str | dict], *values, **options):
        """A component of this kind, attribute -> key in the page's language (`localise`), laid out in English."""
        made = kind(*values, **{attribute: self._words("en", key) for attribute, key in words.items()}, **options)
        for attribute, key in words.items():
            self.localise(made, attribute, key)
        return made

    def note(self, key: str) -> gr.Markdown:
        return self.worded(gr.Markdown, {"value": key}, elem_classes="note", container=False)

    def button(self, key: str, **options) -> gr.Button:
        return self.worded(gr.Button, {"value": key}, **options)

    def words_in(self, language: str) -> list[dict]:
        """An update of each localised component, in the order of `words`."""
        return [gr.update(**{attribute: self._words(language, key)}) for _, attribute, key in self.words]

    def _words(self, language: str, key: str | dict):
        if isinstance(key, dict):
            # a choice without words, such as an uploaded clip, shows its name
            return [
                (words[language] if isinstance(words, dict) else TEXTS[language].get(words, value), value)
                for value, words in key.items()
            ]
        return self.text(language, key)

    def progress(self, request: gr.Request, language: str, progress: gr.Progress) -> Progress:
        """A Progress for a new job of this session, shown on the page. It raises Stopped when the user cancels or
        leaves."""
        check = self.jobs.start(request.session_hash)
        told_stage, told_at = "", 0.0

        def show(stage: str, done: float, total: float) -> None:
            nonlocal told_stage, told_at
            check()
            # Updates for every frame would keep the browser busy.
            if stage == told_stage and time.monotonic() - told_at < TOLD_EVERY_S:
                return
            told_stage, told_at = stage, time.monotonic()
            progress(done / total, desc=self.text(language, f"stage_{stage}"))

        return Progress(show)

    def bundle_of(self, result: Result) -> Bundle:
        """The bundle of a result, as adapted to its clip."""
        return result.fitted or self.bundles.load(result.bundle_name)

    def work(self, trigger: Callable, handler: Callable, inputs, outputs, **options):
        """Long work that a trigger such as button.click begins: in the queue of analyses, and to be stopped."""
        number = self.begins(trigger)
        return self.stoppable(trigger(handler, inputs, outputs, **self.queued, **options), number)

    def begins(self, trigger: Callable) -> int:
        """Let the stop buttons know that work begins with this trigger; returns its number for `stoppable`.

        To be called before the work is wired, as the page runs a trigger's events one after the other."""
        self.works += 1
        self._tell(trigger, self.works, True)
        return self.works

    def stoppable(self, event, number: int):
        """Let the stop buttons end the event, also while it waits in the queue; returns the event. number: of
        `begins`."""
        for end in (event.then, event.failure):  # the page leaves `then` out where the event fails
            self._tell(end, number, False)
        self.running.append(event)
        return event

    def _tell(self, trigger: Callable, number: int, going: bool) -> None:
        trigger(None, js=_WORKING_JS.format(work=number, going=str(going).lower()), **self.private)

    def stop_button(self, elem_id: str) -> gr.Button:
        """A button that ends this session's work, enabled while there is any (`stoppable`)."""
        looks = {"scale": 0, "min_width": 100, "elem_classes": "ends-work"}
        self.stops.append(self.button("stop", interactive=False, elem_id=elem_id, **looks))
        return self.stops[-1]

    def folder(self) -> Path:
        """A new folder from which Gradio may serve; removed after a time."""
        cache = Path(self.page.GRADIO_CACHE)
        cache.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="rtmri2speech-", dir=cache))

    def guard(self, handler: Callable) -> Callable:
        """Decorator of handlers with a parameter `language`: an InputError, or a fault of this program, becomes a
        message in that language without paths; after a stopped job the outputs stay unchanged. Handlers may yield."""
        place = list(signature(handler).parameters).index("language")

        def told(error: Exception, language: str) -> gr.Error:
            return gr.Error(html.escape(self.message(error, language), quote=False), print_exception=False)

        @wraps(handler)
        def guarded(*args):
            try:
                return handler(*args)
            except gr.Error:
                raise
            except Stopped:
                return gr.skip()
            except Exception as error:
                raise told(error, args[place]) from None

        @wraps(handler)
        def guarded_steps(*args):
            try:
                yield from handler(*args)
            except gr.Error:
                raise
            except Stopped:
                yield gr.skip()
            except Exception as error:
                raise told(error, args[place]) from None

        return guarded_steps if isgeneratorfunction(handler) else guarded

    def guard_result(self, handler: Callable) -> Callable:
        """As `guard`, of a handler with a parameter `result`: it is called once there is a clip, and before it is said
        what to do."""
        place, of_language = (list(signature(handler).parameters).index(name) for name in ("result", "language"))

        @wraps(handler)
        def with_result(*args):
            if args[place] is None:
                raise self.refusal("first_run", args[of_language])
            return handler(*args)

        return self.guard(with_result)

    def refusal(self, key: str, language: str) -> gr.Error:
        return gr.Error(self.text(language, key), print_exception=False, title=self.text(language, "error"))

    def message(self, error: Exception, language: str = "en") -> str:
        """An error's message in the language, with file names in place of paths."""
        if isinstance(error, MemoryError):
            error = InputError("This machine has too little memory for this clip: cut it first.")
        elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
            error = InputError("The disk of this machine is full.")
        elif not isinstance(error, InputError):
            traceback.print_exception(error)  # a fault of this program, for whoever runs the page
            error = InputError("This program has a fault ({kind}): tell its authors.", kind=type(error).__name__)
        message = readable(in_language(error, language))
        for root in self._folders():
            message = re.sub(re.escape(root) + r"[/\\](?:[\w.-]+[/\\])*", "", message)
        return message

    def _folders(self) -> list[str]:
        known = [Path(self.page.GRADIO_CACHE), Path(tempfile.gettempdir())]
        known += [self.examples.folder, *(folder.parent for folder in self.bundles.folders.values())]
        # the longest first, and as written as well as resolved
        return sorted({str(form) for path in known for form in (path, path.resolve())}, key=len, reverse=True)


def interval_of(explorer_state: dict) -> tuple[int, int] | None:
    """First and last frame of the chosen interval; None for the whole clip."""
    return None if explorer_state["first"] is None else (int(explorer_state["first"]), int(explorer_state["last"]))


def in_each_language(key: str, **values: str) -> dict[str, str]:
    return {language: words[key].format(**values) for language, words in TEXTS.items()}

"""The page's endpoints for other programs: /synthesise, /gradcam and /overlay. See docs/api.md.

They share the page's functions, limits and messages; each call is a job of its own session.
"""

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import gradio as gr
import numpy as np

from ..analysis.result import Analysis
from ..analysis.settings import ENERGIES, NORMALIZATIONS, OBJECTIVES, settings_of
from ..attribution.methods import METHODS
from ..errors import InputError
from ..export.heatmap_files import write_heatmaps
from ..export.writer import MOST_HEATMAP_BYTES
from ..progress import Progress
from ..render.colour import SIGNED, default_maps
from ..render.overlay import LAYOUTS, overlay
from ..spec import DEFAULT_BANDS, Band
from ..speech.audio import write_audio
from . import session
from .jobs import Stopped
from .page_context import PageContext

DEFAULT_BANDS_TEXT = " ".join(f"{band.name}:{band.low_hz:g}-{band.high_hz:g}" for band in DEFAULT_BANDS)
SLOWEST = 10  # largest slow-motion factor
AUDIO_CHOICES = ("synthesised", "original", "none")


def build(context: PageContext) -> None:
    """Add the endpoints to the page, invisibly."""
    with gr.Row(visible=False):
        video = gr.File(label="video", file_count="single")
        bundle = gr.Dropdown(context.bundles.names, value=context.bundles.first, label="bundle")
        bands = gr.Textbox(DEFAULT_BANDS_TEXT, label="bands")
        objective = gr.Dropdown(list(OBJECTIVES), value="frame", label="objective")
        energy = gr.Dropdown(list(ENERGIES), value="db", label="energy")
        normalize = gr.Dropdown(list(NORMALIZATIONS), value="clip", label="normalize")
        method = gr.Dropdown(list(METHODS), value="grad-cam", label="method")
        layout = gr.Dropdown(list(LAYOUTS), value="overlay", label="layout")
        audio = gr.Dropdown(list(AUDIO_CHOICES), value="synthesised", label="audio")
        alpha = gr.Number(0.7, label="alpha")
        slow = gr.Number(1.0, label="slow")
        wav, file, files = gr.File(label="wav"), gr.File(label="mp4"), gr.File(label="files", file_count="multiple")
        report = gr.JSON(label="report")
        button = gr.Button()
    public = {**context.queued, "api_visibility": "public"}
    choices = [bands, objective, energy, normalize]
    button.click(_synthesise(context), [video, bundle], [wav, report], api_name="synthesise", **public)
    button.click(_gradcam(context), [video, *choices, bundle, method], [files, report], api_name="gradcam", **public)
    inputs = [video, *choices, layout, audio, alpha, slow, bundle, method]
    button.click(_overlay(context), inputs, [file, report], api_name="overlay", **public)


def _analysed(context: PageContext, video: str, bundle_name: str, bands: tuple[Band, ...], tell: Progress, **choices):
    if not video:
        raise InputError("Give a video.")
    bundle = context.bundles.load(bundle_name)
    return session.analyse_file(bundle, Path(video), None, tell, settings_of(bands, **choices), context.limits)


def _synthesise(context: PageContext) -> Callable:
    @_plain_errors(context)
    def synthesise(video: str, bundle: str, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        """Speech of a real-time MRI clip, as a WAV file and a report."""
        analysis, _ = _analysed(context, video, bundle, (), context.progress(request, "en", progress))
        path = context.folder() / "speech.wav"
        write_audio(path, analysis.audio, analysis.sample_rate)
        return str(path), report_of(analysis, bundle)

    return synthesise


def _gradcam(context: PageContext) -> Callable:
    @_plain_errors(context)
    def gradcam(
        video: str,
        bands: str,
        objective: str,
        energy: str,
        normalize: str,
        bundle: str,
        method: str,
        request: gr.Request,
        progress=gr.Progress(),  # noqa: B008
    ):
        """Heatmaps (T, 256, 256) in [0, 1] of each band of a real-time MRI clip, as NumPy files, and a report."""
        choices = {"objective": objective, "energy": energy, "normalize": normalize, "method": method}
        tell = context.progress(request, "en", progress)
        analysis, _ = _analysed(context, video, bundle, bands_of(bands), tell.part(None, 0, 0.6), **choices)
        count = len(analysis.mel_db)
        if 4 * count * analysis.frame_size**2 * len(analysis.bands) > MOST_HEATMAP_BYTES:
            most = f"{MOST_HEATMAP_BYTES / 2**30:g}"
            raise InputError(
                "The heatmaps of {count} frames would take more than {most} GiB: choose fewer bands.",
                count=count,
                most=most,
            )
        folder, paths = context.folder(), []
        write = 0.4 / len(analysis.bands)
        for number, band in enumerate(analysis.bands):
            paths.append(folder / f"gradcam_{band.name}_sequence.npy")
            part = tell.part(None, 0.6 + write * number, 0.6 + write * (number + 1))
            write_heatmaps(paths[-1], analysis.heatmap_frames(band.name), part)
        return [str(path) for path in paths], report_of(analysis, bundle)

    return gradcam


def _overlay(context: PageContext) -> Callable:
    @_plain_errors(context)
    def overlay_video(
        video: str,
        bands: str,
        objective: str,
        energy: str,
        normalize: str,
        layout: str,
        audio: str,
        alpha: float,
        slow: float,
        bundle: str,
        method: str,
        request: gr.Request,
        progress=gr.Progress(),  # noqa: B008
    ):
        """A real-time MRI clip under the heatmaps of its bands, with sound, as an mp4, and a report."""
        choices = {"objective": objective, "energy": energy, "normalize": normalize, "method": method}
        if slow > SLOWEST:
            raise InputError("Slow motion takes a factor from 1 to {most}, not {given:g}.", most=SLOWEST, given=slow)
        tell = context.progress(request, "en", progress)
        analysis, original = _analysed(context, video, bundle, bands_of(bands), tell.part(None, 0, 0.6), **choices)
        sounds = {"synthesised": (analysis.audio, analysis.sample_rate), "original": original}
        samples, rate = sounds.get(audio) or (None, None)
        path = context.folder() / "overlay.mp4"
        overlay(
            path,
            analysis.model_frames,
            analysis.fps,
            {band.label: analysis.shown_frames(band) for band in analysis.bands},
            layout=layout,
            alpha=alpha,
            colour_maps=colour_maps_of(analysis),
            audio=samples,
            audio_rate=rate,
            slow=slow,
            progress=tell.part(None, 0.6, 1),
        )
        return str(path), report_of(analysis, bundle)

    return overlay_video


def colour_maps_of(analysis: Analysis) -> list[str]:
    """The colour map of each band; SIGNED for a two-sided one."""
    defaults = default_maps(len(analysis.bands))
    return [SIGNED if analysis.two_sided(b) else one for b, one in zip(analysis.bands, defaults, strict=True)]


def bands_of(text: str) -> tuple[Band, ...]:
    """ "F1:300-900 F2:900-2500", separated by blanks or commas -> 1 to 4 bands. Raises InputError."""
    return session.checked_bands(tuple(Band.parse(part) for part in re.split(r"[\s,]+", text.strip()) if part))


def report_of(analysis: Analysis, bundle_name: str) -> dict:
    """An endpoint's report on an analysis: timing, rates, energy of each band in each frame (dB)."""
    report = {
        "clip": Path(analysis.clip.source).stem,
        "bundle": bundle_name,
        "frames": len(analysis.mel_db),
        "fps": analysis.fps,
        "sample_rate": analysis.sample_rate,
        "duration_s": len(analysis.mel_db) / analysis.fps,
        "notes": [str(note) for note in analysis.clip.notes],
        "seconds": {stage: round(took, 3) for stage, took in analysis.seconds.items()},
        "bands": [{**band.to_json(), "db": _numbers(analysis.band_db[band.name])} for band in analysis.bands],
    }
    if analysis.tracked_hz:
        report["followed_hz"] = analysis.followed
    if analysis.bands:
        report |= analysis.settings.to_json()
    return report


def _numbers(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 3) for value in values]


def _plain_errors(context: PageContext):
    """Decorator of endpoints: an InputError becomes an error with its English sentence, without paths."""

    def decorate(endpoint):
        @wraps(endpoint)
        def guarded(*args):
            try:
                return endpoint(*args)
            except Stopped:
                raise gr.Error(context.text("en", "stopped"), print_exception=False) from None
            except Exception as error:
                raise gr.Error(context.message(error), print_exception=False) from None

        return guarded

    return decorate

"""analyse(bundle, clip): the pipeline from a clip to speech and attribution maps, for page and commands alike.

frames -> model's rate -> CNN -> temporal model -> mel (-> voice) -> vocoder -> waveform
                           |       |
                           +-------+-> attribution of each band's energy
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from ..anatomy.tract_window import tract_view_of_frames
from ..attribution.band_targets import band_energies, targets_of
from ..attribution.formant_targets import track_formant
from ..attribution.grad_cam import gradients
from ..attribution.method import Inputs
from ..attribution.methods import method_of, resolution_of
from ..clips import frame_rate
from ..clips.clip import Clip
from ..clips.frame_view import FULL, FrameView
from ..clips.pauses import pauses
from ..errors import InputError
from ..models.bundle import Bundle
from ..models.features import BATCH, FeatureExtractor
from ..models.precision import choose_precision
from ..models.vocoding import vocode
from ..progress import UNSEEN, Progress
from ..spec import Band
from ..speech.audio import Sound
from ..speech.formants import measure_f0
from ..speech.mel import within
from ..speech.voice import Voice, f0_contour
from .formants import SynthesisedSpeech, check_found, formants_of
from .result import Analysis
from .settings import AnalysisSettings, check_bands, check_boxes, check_voice, settings_of


def analyse(
    bundle: Bundle,
    clip: Clip,
    bands: Sequence[Band] | None = None,
    objective: str = "frame",
    energy: str = "db",
    normalize: str = "clip",
    *,
    settings: AnalysisSettings | None = None,
    speak: bool = True,
    original: Sound | None = None,
    formants_hz: Mapping[str, np.ndarray] | None = None,
    level_hz: float | None = None,
    known: Analysis | None = None,
    view: FrameView | None = None,
    progress: Progress = UNSEEN,
    **choices,
) -> Analysis:
    """Synthesise the clip's speech and attribute the energy in each band, frame by frame.

    settings: an AnalysisSettings; or, in its place, its fields by name. speak: False skips the vocoder: audio is empty.
    original: (samples,) and rate of the reference speech, whose F0 contour a voice may take; default: the clip's own
    sound. level_hz: the F0 level that fits the vocal tract, where it is known from a longer part of the clip.
    formants_hz: formant-tracking band -> (T,) Hz, NaN in frames without the formant, as Analysis.tracked_hz of the same
    clip; other formants are measured.
    known: an analysis of this clip by this bundle. Its features are reused at the same precision, unless the method
    needs the CNN's last maps.
    view: what the model sees of the pictures, such as that of another analysis; default: `view_of` the clip.
    progress: its stages are frames, attention and speech.
    Raises InputError on a band outside the mel or without a formant to track, an unknown choice, two bands of one
    name, a voice that the bundle lacks, or a clip without a vocal tract where the model sees that only.
    """
    if settings is None:
        settings = settings_of(bands, objective=objective, energy=energy, normalize=normalize, **choices)
    elif bands is not None or choices:
        raise TypeError("Give settings, or bands and other choices by name.")
    settings = _resolved(bundle, settings)
    clock, size, method = _Clock(), bundle.frames.size, method_of(settings.method)
    model_frames = frame_rate.retime(clip, bundle.fps)
    count = len(model_frames)
    view = view or (known.view if known else view_of(bundle, model_frames))
    chunks = lambda: (view.prepare(model_frames[k : k + BATCH], size) for k in range(0, count, BATCH))  # noqa: E731
    features, maps, engine = _features(bundle, settings, chunks, count, known, progress.part(None, 0, 0.4))
    with torch.no_grad():
        states = bundle.acoustic.states_from_features(features[None])
        mel = bundle.acoustic.mel_from_states(states)[0]
    seconds = {"acoustic": clock.lap()}

    progress("attention", 0.4)
    mel_db = bundle.scaler.to_db(mel)
    original = original or clip.sound
    silent = pauses(mel_db.cpu().numpy(), bundle.mel, bundle.scaler, model_frames, original)
    check_boxes(settings.bands, bundle.fps, silent, settings.silence)
    wanted = {band.name for band in settings.bands}
    formants_hz = {name: hz for name, hz in (formants_hz or {}).items() if name in wanted}
    unknown = [band for band in settings.bands if band.track and band.name not in formants_hz]
    following = any(band.track == "synthesised" for band in unknown)
    f0_hz = None
    if speak or following:
        f0_hz, level_hz = _melody(bundle, original, settings.voice, states[0], silent, level_hz)
    told = progress.part(None, *((0.4, 0.5) if following else (0.75, 1)))
    speaking = partial(vocode, bundle, mel_db, settings.precision, told, f0_hz)
    audio = speaking() if following else None
    if unknown:
        spoken = None if audio is None else SynthesisedSpeech(audio, bundle.mel.sample_rate, f0_hz is None, silent)
        measured = formants_of(unknown, (np.arange(count) + 0.5) / bundle.fps, clip.source, original, spoken)
        check_found(unknown, measured)
        formants_hz |= measured
    followed = {b.name: track_formant(b, formants_hz[b.name], bundle.mel) for b in settings.bands if b.track}
    bands = tuple(followed[b.name].band if b.name in followed else b for b in settings.bands)
    targets, objectives = targets_of(
        bundle.mel, bands, followed, settings.energy, settings.objective, bundle.fps, count
    )
    slopes = gradients(bundle.acoustic, bundle.scaler, features, targets, objectives)
    asked = (bundle.acoustic, bundle.scaler, size, settings.resolution or 0, features, np.arange(count), chunks)
    told = progress.part(None, 0.5 if following else 0.4, 0.75)
    seen = method.maps(Inputs(*asked, targets, objectives, slopes, maps, blurred=view.blurred), told) if bands else {}
    cam = {name: view.on_picture(maps_seen) for name, maps_seen in seen.items()}
    del maps
    seconds["attention"] = clock.lap()

    if audio is None and speak:
        audio = speaking()
    seconds["vocoder"] = clock.lap()
    return Analysis(
        clip=clip,
        settings=replace(settings, bands=bands),
        engine=engine,
        frame_size=size,
        model_frames=model_frames,
        audio=np.zeros(0, np.float32) if audio is None or not speak else audio,
        sample_rate=bundle.mel.sample_rate,
        mel_db=mel_db.cpu().numpy(),
        fps=bundle.fps,
        silent=silent,
        f0_hz=f0_hz if speak else None,
        level_hz=level_hz,
        cam=cam,
        band_db=band_energies(bundle.mel, mel_db, bands, formants_hz),
        seconds=seconds,
        original=original,
        tracked_hz={name: along.formant_hz for name, along in followed.items()},
        features=features.cpu().numpy(),
        view=view,
    )


def view_of(bundle: Bundle, model_frames: np.ndarray, progress: Progress = UNSEEN) -> FrameView:
    """What the bundle's model sees of a clip's frames. Raises InputError where it sees the vocal tract only, and none
    is found."""
    if bundle.frames.view == "full":
        return FULL
    try:
        return tract_view_of_frames(model_frames, progress)
    except InputError as error:
        raise InputError(
            "{error} The bundle {bundle} sees nothing else; choose one that sees whole pictures, such as phantom.",
            error=error,
            bundle=bundle.name,
        ) from None


def _resolved(bundle: Bundle, settings: AnalysisSettings) -> AnalysisSettings:
    """The settings with bands within the mel, and with the resolution and precision used. Raises InputError for what
    the bundle lacks."""
    bands = tuple(within(bundle.mel, band) for band in settings.bands)
    check_bands(bundle, bands)
    check_voice(bundle, settings.voice)
    cells = resolution_of(settings.method, settings.resolution, bundle.acoustic, bundle.frames.size)
    dtype = choose_precision(settings.precision, bundle.device)
    precision = "bf16" if dtype == torch.bfloat16 else "fp32"
    return replace(settings, bands=bands, resolution=cells, precision=precision)


def _features(
    bundle: Bundle,
    settings: AnalysisSettings,
    chunks: Callable[[], Iterable[np.ndarray]],
    count: int,
    known: Analysis | None,
    progress: Progress,
) -> tuple[torch.Tensor, torch.Tensor | None, str]:
    """Features (T, C), the CNN's last maps (None unless the method needs them), and the engine of the CNN."""
    needs_maps = method_of(settings.method).needs_last_maps and bool(settings.bands)
    if known is not None and known.settings.precision == settings.precision and not needs_maps:
        if known.features is not None:
            return torch.from_numpy(known.features).to(bundle.device), None, known.engine
    dtype = choose_precision(settings.precision, bundle.device)
    extract = FeatureExtractor(bundle.acoustic, dtype, bundle.onnx, bundle.frames.size)
    if not needs_maps:
        return extract(chunks(), count, progress), None, extract.engine
    maps = extract.last_maps(chunks(), count, progress)
    return maps.mean(dim=(2, 3)), maps, extract.engine


def _melody(
    bundle: Bundle,
    original: Sound | None,
    asked: Voice | None,
    states: torch.Tensor,
    silent: np.ndarray,
    level_hz: float | None,
) -> tuple[np.ndarray | None, float | None]:
    """F0 contour (T,) in Hz, 0 where the model is unvoiced or silent (None without a voice), and the F0 level that fits
    the vocal tract. states: (T, H) of the temporal model. level_hz: that level, where it is known."""
    if bundle.voice is None:
        return None, level_hz
    voice = asked or bundle.voice.default_voice()
    if voice.whisper:
        return None, level_hz
    voiced, fitting_hz = bundle.voice.read(states.float().cpu().numpy())
    if level_hz is None and voiced.any():
        level_hz = fitting_hz
    original_hz = None
    if voice.intonation == "original" and original is not None:
        original_hz = measure_f0(*original, (np.arange(len(voiced)) + 0.5) / bundle.fps)
    f0_hz = f0_contour(voice, voiced & ~silent, level_hz or fitting_hz, bundle.fps, original_hz)
    return f0_hz, level_hz


class _Clock:
    def __init__(self):
        self.last = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        took, self.last = now - self.last, now
        return took

"""analyse(bundle, clip): the one road from a clip to speech and heatmaps. The page and the commands take it.

clip's frames -> model's rate -> CNN -> BiLSTM -> mel (-> voice) -> vocoder -> waveform
                                  |       |
                                  +-------+-> Grad-CAM of each band's energy
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np
import torch

from ..attribution.band_targets import band_energies, target_gradients
from ..attribution.formant_targets import follow
from ..attribution.grad_cam import OBJECTIVES, last_cams
from ..attribution.layer_attribution import AGAINST, FinerMaps
from ..attribution.targets import ENERGIES
from ..clips import frame_rate
from ..clips.clip import Clip
from ..clips.preprocessing import prepare_frames
from ..models.bundle import Bundle
from ..models.features import BATCH, FeatureExtractor
from ..models.precision import choose_precision
from ..models.vocoding import vocode
from ..progress import UNSEEN, Progress
from ..spec import DEFAULT_BANDS, Band
from ..speech.audio import Sound
from ..speech.formants import measure_f0
from ..speech.mel import silent_frames, within
from ..speech.voice import Voice, melody, painted
from .formants import Spoken, check_found, formants_of
from .options import NORMALIZATIONS, SILENCES, check_bands, check_boxes, check_choices, check_voice
from .result import Analysis


def analyse(
    bundle: Bundle,
    clip: Clip,
    bands: Sequence[Band] | None = None,
    objective: str = "frame",
    energy: str = "db",
    normalize: str = "clip",
    *,
    silence: str = "hide",
    grid: int | None = None,
    against: str = "nothing",
    precision: str = "fp32",
    speak: bool = True,
    voice: Voice | None = None,
    original: Sound | None = None,
    formants_hz: Mapping[str, np.ndarray] | None = None,
    known: Analysis | None = None,
    progress: Progress = UNSEEN,
) -> Analysis:
    """Synthesise the clip's speech and explain the energy in each band, frame by frame.

    bands: default F1 and F2; an empty sequence skips Grad-CAM. Of a box, a band in a stretch of time, each frame's map
    tells what this frame gave to that sound, before and after it, too. objective: "frame" or "sequence" (grad_cam.py).
    energy: "db", "power", or "hz": not how much there is in the band but where its centre of gravity lies. Bands of the
    whole spectrum, loudness and tilt (targets.py), are in dB and dB per octave in any case. A band that follows a
    formant (formant_targets.py) has other limits in each frame.
    normalize: "clip" or "frame", how heatmaps are scaled for display.
    silence: "hide" or "show" the heatmaps of frames in which the model is silent; they explain silence, not speech.
    grid: cells along a side of the maps, 8, 16 or 32; default: those of the CNN's last maps. against: "blur", the same
    frame blurred, or "nothing", maps of zeros, as plain Grad-CAM (layer_attribution.py).
    precision: "fp32", "bf16" or "auto" (precision.py), of the CNN and the vocoder. speak: False skips the vocoder:
    audio is empty.
    voice: how a bundle that carries a voice speaks (voice.py); default: as the bundle says. original: (samples,) and
    rate of the speech whose melody it follows where that is asked for; default: the clip's own sound.
    formants_hz: band that follows a formant -> (T,) Hz where it is known already, NaN in frames without it: what an
    analysis of the same clip found (Analysis.followed_hz). Others are measured.
    known: an analysis of this clip by this bundle, at the same precision: its features are not found again where maps
    against blur are all that is asked of the CNN.
    progress: its stages are frames, attention and speech.
    Raises InputError on a band outside the mel or without a formant to follow, an unknown choice, two bands of one
    name, or a voice that is not there.
    """
    bands = tuple(within(bundle.mel, band) for band in (DEFAULT_BANDS if bands is None else bands))
    check_bands(bundle, bands)
    check_choices((objective, OBJECTIVES), (energy, ENERGIES), (normalize, NORMALIZATIONS))
    check_choices((silence, SILENCES), (against, AGAINST))
    check_voice(bundle, voice)
    clock, dtype = _Clock(), choose_precision(precision, bundle.device)

    model_frames = frame_rate.retime(clip, bundle.fps)
    size, count = bundle.frames.size, len(model_frames)
    chunks = lambda: (prepare_frames(model_frames[k : k + BATCH], size) for k in range(0, count, BATCH))  # noqa: E731
    finer = grid and against == "blur"
    maps, features, engine = _seen(bundle, chunks(), count, dtype, known if finer else None, progress)
    with torch.no_grad():
        states = bundle.acoustic.states_from_features(features[None])
        mel = bundle.acoustic.mel_from_states(states)[0]
    seconds = {"acoustic": clock.lap()}

    progress("attention", 0.4)
    mel_db = bundle.scaler.to_db(mel)
    silent = silent_frames(mel_db.cpu().numpy(), bundle.fps, bundle.scaler.faint_db)
    check_boxes(bands, bundle.fps, silent, silence)
    original = original or clip.sound
    wanted = {band.name for band in bands}
    formants_hz = {name: hz for name, hz in (formants_hz or {}).items() if name in wanted}
    unknown = [band for band in bands if band.track and band.name not in formants_hz]
    following = any(band.track == "synthesised" for band in unknown)
    f0_hz = _melody(bundle, original, voice, states[0], silent) if speak or following else None
    told = progress.part(None, *((0.4, 0.5) if following else (0.75, 1)))
    speaking = partial(_spoken, bundle, mel_db, f0_hz, precision, told)
    audio = speaking() if following else None
    if unknown:
        spoken = None if audio is None else Spoken(audio, bundle.mel.sample_rate, f0_hz is None, silent)
        measured = formants_of(unknown, (np.arange(count) + 0.5) / bundle.fps, clip.source, original, spoken)
        check_found(unknown, measured)
        formants_hz |= measured
    followed = {band.name: follow(band, formants_hz[band.name], bundle.mel) for band in bands if band.track}
    bands = tuple(followed[band.name].band if band.name in followed else band for band in bands)
    slopes = target_gradients(bundle, features, bands, followed, objective, energy)
    if against == "nothing" and grid in (None, maps.shape[-1]):
        cam = last_cams(slopes, maps)
    else:
        told = progress.part(None, 0.5 if following else 0.4, 0.75)
        cells = grid or maps.shape[-1]
        del maps
        cam = FinerMaps(bundle.acoustic, size, cells, against)(slopes, chunks(), told)
    seconds["attention"] = clock.lap()

    if audio is None and speak:
        audio = speaking()
    seconds["vocoder"] = clock.lap()
    return Analysis(
        clip=clip,
        bands=bands,
        objective=objective,
        energy=energy,
        normalize=normalize,
        silence=silence,
        against=against,
        precision=_name(dtype),
        engine=engine,
        frame_size=size,
        model_frames=model_frames,
        audio=np.zeros(0, np.float32) if audio is None or not speak else audio,
        sample_rate=bundle.mel.sample_rate,
        mel_db=mel_db.cpu().numpy(),
        fps=bundle.fps,
        silent=silent,
        f0_hz=f0_hz if speak else None,
        cam=cam,
        band_db=band_energies(bundle.mel, mel_db, bands, formants_hz),
        seconds=seconds,
        voice=voice,
        original=original,
        followed_hz={name: along.formant_hz for name, along in followed.items()},
        features=features.cpu().numpy(),
    )


def _name(dtype: torch.dtype) -> str:
    return "bf16" if dtype == torch.bfloat16 else "fp32"


def _seen(
    bundle: Bundle, chunks: Iterable[np.ndarray], count: int, dtype: torch.dtype, known: Analysis | None, told: Progress
) -> tuple[torch.Tensor, torch.Tensor, str]:
    """The CNN's last maps (count, C, h, w), their means (count, C), and what ran it; of what is known, no maps."""
    if known is not None and known.features is not None and known.precision == _name(dtype):
        return torch.empty(0), torch.from_numpy(known.features).to(bundle.device), known.engine
    extract = FeatureExtractor(bundle.acoustic, dtype, bundle.onnx, bundle.frames.size)
    return *extract(chunks, count, told.part(None, 0, 0.4)), extract.engine


def _melody(
    bundle: Bundle, original: Sound | None, asked: Voice | None, states: torch.Tensor, silent: np.ndarray
) -> np.ndarray | None:
    """(T,) F0 in Hz, 0 where the model is unvoiced or silent; None without a voice. states: (T, H) of the BiLSTM."""
    if bundle.voice is None:
        return None
    voice = asked or bundle.voice.unasked()
    if voice.whisper:
        return None
    voiced, fitting_hz = bundle.voice.read(states.float().cpu().numpy())
    original_hz = None
    if voice.intonation == "original" and original is not None:
        original_hz = measure_f0(*original, (np.arange(len(voiced)) + 0.5) / bundle.fps)
    return melody(voice, voiced & ~silent, fitting_hz, bundle.fps, original_hz)


def _spoken(
    bundle: Bundle, mel_db: torch.Tensor, f0_hz: np.ndarray | None, precision: str, progress: Progress
) -> np.ndarray:
    if f0_hz is not None:
        mel_db = torch.from_numpy(painted(mel_db.cpu().numpy(), f0_hz, bundle.mel))
    return vocode(bundle, mel_db, precision, progress)


class _Clock:
    def __init__(self):
        self.last = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        took, self.last = now - self.last, now
        return took

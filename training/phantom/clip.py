"""One utterance from score to clip: frames, sound in step with them, and the truth behind both."""

from dataclasses import dataclass

import numpy as np

from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.audio import fit

from .head import Outline
from .scanner import INSTANTS, HeadMotion, Scanner
from .score import Utterance
from .tube import formants
from .voice import GLOTTIS, SAMPLE_RATE, Motion, Voice

FPS = MelSpec().fps
LOUDNESS_DBFS = -23.0
PEAK = 0.95
NOISE_FLOOR_DB = -62.0  # below the speech: a recording is never digitally silent
OPEN_GLOTTIS_CM = 0.30  # between the vocal folds when the glottis counts as fully open
CLOSED_GLOTTIS_CM = 0.035
SAME_STATE = 1e-4


@dataclass(frozen=True)
class PhantomSpeech:
    """audio float32 (samples,) at SAMPLE_RATE; sample n sounds at n / SAMPLE_RATE.

    Truth is taken at the middle of each frame, (k + 0.5) / FPS: tract (T, 19), glottis (T, 11), area_cm2 and length_cm
    (T, 40) from the glottis to the lips, velum_cm2 (T,), formants_hz (T, 4), f0_hz (T,), 0 where unvoiced.
    """

    utterance: Utterance
    audio: np.ndarray
    tract: np.ndarray
    glottis: np.ndarray
    area_cm2: np.ndarray
    length_cm: np.ndarray
    velum_cm2: np.ndarray
    formants_hz: np.ndarray
    f0_hz: np.ndarray


@dataclass(frozen=True)
class PhantomClip:
    """Speech with its pictures: frames uint8 (T, 256, 256), each the mean over [k, k+1) / FPS of the sound's clock;
    labels uint8 (T, 128, 128)."""

    speech: PhantomSpeech
    frames: np.ndarray
    labels: np.ndarray


def frame_count(utterance: Utterance) -> int:
    """Whole frames of an utterance; what is left of the last one is silence and is cut."""
    return int(utterance.duration_s * FPS + 1e-9)


def glottis_opening(glottis: np.ndarray) -> np.ndarray:
    """(N,) 0 for folds that touch in voicing, 1 for the open glottis, from glottis states (N, 11)."""
    width_cm = glottis[:, GLOTTIS["XB"]] + glottis[:, GLOTTIS["XT"]]
    return np.clip((width_cm - CLOSED_GLOTTIS_CM) / (OPEN_GLOTTIS_CM - CLOSED_GLOTTIS_CM), 0, 1)


def make_clip(voice: Voice, scanner: Scanner, utterance: Utterance, rng: np.random.Generator) -> PhantomClip:
    """The clip of an utterance; all that is random in it comes from `rng`."""
    motion = voice.move(utterance)
    speech = _speech(voice, motion, utterance, rng)
    return PhantomClip(speech, *_film(voice, scanner, motion, frame_count(utterance), rng))


def make_speech(voice: Voice, utterance: Utterance, rng: np.random.Generator) -> PhantomSpeech:
    """The sound and the truth of the same clip, without its pictures, which take two thirds of the time."""
    return _speech(voice, voice.move(utterance), utterance, rng)


def _speech(voice: Voice, motion: Motion, utterance: Utterance, rng: np.random.Generator) -> PhantomSpeech:
    count = frame_count(utterance)
    audio = normalised(voice.speak(motion, utterance), round(count / FPS * SAMPLE_RATE), rng)
    middle = motion.at((np.arange(count) + 0.5) / FPS)
    length_cm, area_cm2, velum_cm2 = (np.array(v) for v in zip(*tubes(voice, middle.tract), strict=True))
    return PhantomSpeech(
        utterance=utterance,
        audio=audio,
        tract=middle.tract,
        glottis=middle.glottis,
        area_cm2=area_cm2,
        length_cm=length_cm,
        velum_cm2=velum_cm2,
        formants_hz=formants(length_cm, area_cm2),
        f0_hz=np.where(voiced_states(middle), middle.glottis[:, GLOTTIS["F0"]], 0.0),
    )


def voiced_states(motion: Motion) -> np.ndarray:
    """(N,) whether the folds can vibrate: under pressure and nearly together."""
    return (motion.glottis[:, GLOTTIS["PR"]] > 2500) & (motion.glottis[:, GLOTTIS["XB"]] < 0.06)


def tubes(voice: Voice, states: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """voice.tube of each state; a state like the one before, as at rest, is not computed again."""
    out = []
    for k, state in enumerate(states):
        same = k > 0 and np.abs(state - states[k - 1]).max() < SAME_STATE
        out.append(out[-1] if same else voice.tube(state))
    return out


def _film(
    voice: Voice, scanner: Scanner, motion: Motion, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Frames and labels. Outlines are computed at the frames' edges and moved in straight lines between them."""
    edges = motion.at(np.arange(count + 1) / FPS)
    opening = glottis_opening(edges.glottis)
    polylines: list[list[np.ndarray]] = []
    for k, state in enumerate(edges.tract):
        same = k > 0 and np.abs(state - edges.tract[k - 1]).max() < SAME_STATE
        polylines.append(polylines[-1] if same else voice.outline(state))
    outlines = [Outline.of(p, voice.speaker, float(g)) for p, g in zip(polylines, opening, strict=True)]
    sway = HeadMotion.drawn(rng, scanner.view)
    taken = []
    for k in range(count):
        instants = [outlines[k].mixed(outlines[k + 1], w) for w in INSTANTS]
        taken.append(scanner.frame(instants, sway.at((k + 0.5) / FPS), rng))
    frames, labels = zip(*taken, strict=True)
    return np.stack(frames), np.stack(labels)


def normalised(audio: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """float32 (samples,): the speech at LOUDNESS_DBFS (RMS where it is loud), peaks under PEAK, a faint noise floor."""
    audio = fit(np.asarray(audio, float), samples)
    power = np.convolve(audio**2, np.full(1024, 1 / 1024), "same")
    speech = audio[power > 0.01 * power.max()]
    level = float(np.sqrt(np.mean(speech**2))) if power.max() > 0 else 1.0
    gain = 10 ** (LOUDNESS_DBFS / 20) / level
    gain = min(gain, PEAK / max(float(np.abs(audio).max()), 1e-9))
    floor = 10 ** ((LOUDNESS_DBFS + NOISE_FLOOR_DB) / 20)
    return (gain * audio + floor * rng.standard_normal(samples)).astype(np.float32)

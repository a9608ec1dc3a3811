"""VocalTractLab: a gestural score -> motion of the tract and the glottis -> sound, outlines, tube.

VocalTractLab's state is global: one speaker at a time in a process, so `Voice` is used in worker processes of its own.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vocaltractlab_cython as vtl
from vocaltractlab_cython import VocalTractLabApi as vtl_api
from vocaltractlab_cython import VtlApiError

from .score import REST_HOLD_S, Rest, Utterance, gestural_score, speech_stretches
from .speaker import Speaker, write_speaker_file

SAMPLE_RATE = 44100
STATE_SAMPLES = 110  # between two states of a motion, as VocalTractLab writes it: 401 states per second
SYNTHESIS_STEP = 588  # samples between two tract shapes given to the synthesis: 75 per second
CM_PER_SVG_UNIT = 1 / 37.8
VERSION = f"VocalTractLab 2.4 (vocaltractlab-cython), states at {SAMPLE_RATE / STATE_SAMPLES:.2f} Hz"

TRACT_NAMES = tuple(p["name"] for p in vtl.get_param_info("tract"))
GLOTTIS_NAMES = tuple(p["name"] for p in vtl.get_param_info("glottis"))
TRACT = {name: k for k, name in enumerate(TRACT_NAMES)}
GLOTTIS = {name: k for k, name in enumerate(GLOTTIS_NAMES)}

# Breathing at rest: the vocal folds apart, without pressure.
REST_GLOTTIS = {"PR": 0.0, "XB": 0.17, "XT": 0.18, "CA": 0.2}
REST_ONSET_S = 0.16  # time to leave or to reach the rest posture
LARYNX_CM_PER_OCTAVE = 0.7
BEFORE_SPEECH_S, AFTER_SPEECH_S = 0.06, 0.12
_POLYLINE = re.compile(r'points="([^"]*)"')


__all__ = ["GLOTTIS", "GLOTTIS_NAMES", "SAMPLE_RATE", "TRACT", "TRACT_NAMES", "Motion", "Voice", "VtlApiError"]


@dataclass(frozen=True)
class Motion:
    """States of tract (N, 19) and glottis (N, 11) at 401 states per second."""

    tract: np.ndarray
    glottis: np.ndarray

    def at(self, times_s: np.ndarray) -> "Motion":
        """The states at these times, between the computed ones by straight line."""
        t = np.arange(len(self.tract)) * STATE_SAMPLES / SAMPLE_RATE
        return Motion(*(np.stack([np.interp(times_s, t, c) for c in s.T], 1) for s in (self.tract, self.glottis)))


class Voice:
    """VocalTractLab set to one speaker. Use as a context manager; the speaker file lives in a temporary folder."""

    def __init__(self, speaker: Speaker):
        self.speaker = speaker

    def __enter__(self) -> "Voice":
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        speaker_file = self.folder / "scaled.speaker"
        write_speaker_file(self.speaker, Path(vtl.DEFAULT_SPEAKER_PATH), speaker_file)
        vtl_api._close()
        vtl_api._initialize(str(speaker_file))
        self._low, self._high = (np.array([p[k] for p in vtl.get_param_info("tract")]) for k in ("min", "max"))
        return self

    def __exit__(self, *_):
        # The library keeps this speaker until the next one comes: every initialisation costs memory for ever.
        self._folder.cleanup()

    def rest_posture(self, rest: Rest) -> np.ndarray:
        """The tract state (19,) of a posture of rest."""
        posture = sum(share * np.array(vtl.get_shape(vowel, "tract"), float) for vowel, share in rest.tongue)
        lips = rest.lip_distance * self.speaker.scale_y
        given = {"JA": rest.jaw, "LP": rest.lip_protrusion, "LD": lips, "VO": rest.velum, "VS": 0.0}
        for name, value in given.items():
            posture[TRACT[name]] = value
        return np.clip(posture, self._low, self._high)

    def move(self, utterance: Utterance) -> Motion:
        """The motion of an utterance: VocalTractLab's, resting in the pauses, the larynx following F0."""
        score, motor = self.folder / "score.ges", self.folder / "motion.txt"
        score.write_text(gestural_score(utterance), encoding="utf-8")
        vtl.gesture_file_to_motor_file(str(score), str(motor))
        motion = _read_motion(motor)
        motion = self._rest_in_pauses(motion, utterance)
        tract = motion.tract.copy()
        octaves = np.log2(motion.glottis[:, GLOTTIS["F0"]] / self.speaker.f0_hz)
        tract[:, TRACT["HY"]] += LARYNX_CM_PER_OCTAVE * self.speaker.scale_y * octaves
        return Motion(np.clip(tract, self._low, self._high), motion.glottis)

    def _rest_in_pauses(self, motion: Motion, utterance: Utterance) -> Motion:
        rest = restfulness(utterance, len(motion.tract))[:, None]
        tract = (1 - rest) * motion.tract + rest * self._resting(utterance.rests, len(motion.tract))
        rest_glottis = motion.glottis.copy()
        for name, value in REST_GLOTTIS.items():
            rest_glottis[:, GLOTTIS[name]] = value
        return Motion(tract, (1 - rest) * motion.glottis + rest * rest_glottis)

    def _resting(self, rests: tuple[Rest, ...], states: int) -> np.ndarray:
        """(states, 19), or (1, 19) for a single rest: the postures after one another, with smooth passages."""
        postures = np.stack([self.rest_posture(rest) for rest in rests])
        if len(postures) == 1:
            return postures
        place = np.arange(states) * STATE_SAMPLES / SAMPLE_RATE / REST_HOLD_S
        before = place.astype(int)
        share = (0.5 - 0.5 * np.cos(np.pi * (place - before)))[:, None]
        return (1 - share) * postures[before % len(rests)] + share * postures[(before + 1) % len(rests)]

    def speak(self, motion: Motion, utterance: Utterance) -> np.ndarray:
        """(samples,) float64 at 44.1 kHz, as VocalTractLab's time-domain synthesis gives it (quiet, not scaled).

        Each stretch between pauses is synthesised alone: without pressure there is nothing to hear, and synthesis is
        the slowest part of a clip.
        """
        end_s = (len(motion.tract) - 1) * STATE_SAMPLES / SAMPLE_RATE
        audio = np.zeros(round(end_s * SAMPLE_RATE))
        for start, end in speech_stretches(utterance.phones):
            first = max(0, round((start - BEFORE_SPEECH_S) * SAMPLE_RATE))
            last = min(len(audio), round((end + AFTER_SPEECH_S) * SAMPLE_RATE))
            sound = self._synthesise(motion.at(np.arange(first, last, SYNTHESIS_STEP) / SAMPLE_RATE))[: last - first]
            audio[first : first + len(sound)] += sound * _faded(len(sound))
        return audio

    @staticmethod
    def _synthesise(motion: Motion) -> np.ndarray:
        tract, glottis = np.ascontiguousarray(motion.tract), np.ascontiguousarray(motion.glottis)
        if not (np.isfinite(tract).all() and np.isfinite(glottis).all()):
            raise RuntimeError("The motion holds values that are not finite; VocalTractLab would not notice.")
        return np.asarray(vtl.synth_block(tract, glottis, SYNTHESIS_STEP))

    def outline(self, tract_state: np.ndarray) -> list[np.ndarray]:
        """The mid-sagittal polylines (n, 2) of one state (19,), in cm, x to the front, y down. See head.Outline."""
        drawing = self.folder / "outline.svg"
        vtl.tract_state_to_svg(tract_state, str(drawing))
        lines = _POLYLINE.findall(drawing.read_text(encoding="utf-8"))
        return [np.array(points.split(), float).reshape(-1, 2) * CM_PER_SVG_UNIT for points in lines]

    def tube(self, tract_state: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """(lengths_cm (40,), areas_cm2 (40,), velum opening in cm2) of one state, glottis first."""
        tube = vtl.tract_state_to_tube_state(tract_state, fast_calculation=True)
        return np.asarray(tube["tube_length"]), np.asarray(tube["tube_area"]), float(tube["velum_opening"])


def _faded(samples: int) -> np.ndarray:
    """(samples,) 1 with smooth ends of 10 ms, so that a stretch begins and ends without a click."""
    edge = min(441, samples // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    return np.concatenate([ramp, np.ones(samples - 2 * edge), ramp[::-1]])


def restfulness(utterance: Utterance, states: int) -> np.ndarray:
    """(states,) 0 in speech, 1 in pauses, with smooth passages: rest begins when the breath has ebbed."""
    t = np.arange(states) * STATE_SAMPLES / SAMPLE_RATE
    rest = np.ones(states)
    for start, end in speech_stretches(utterance.phones):
        before = np.clip((start - 0.03 - t) / REST_ONSET_S, 0, 1)
        after = np.clip((t - end - 0.02) / REST_ONSET_S, 0, 1)
        away = np.maximum(before, after)
        rest = np.minimum(rest, 0.5 - 0.5 * np.cos(np.pi * away))
    return rest


def _read_motion(path: Path) -> Motion:
    """VocalTractLab's motor file: two lines a state, the glottis first."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")][2:]
    rows = [np.array(line.split(), float) for line in lines]
    return Motion(np.array(rows[1::2]), np.array(rows[0::2]))

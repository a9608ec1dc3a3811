"""Voice: harmonics of a chosen F0, added to a predicted spectral envelope.

MRI does not show F0, so a model trained on it may predict spectral envelopes, which sound whispered when vocoded.
Voiced frames get the harmonics of a pulse train at F0: mel = envelope + [mel(pulses) - envelope(mel(pulses))], in dB. A
linear probe in the bundle predicts voicing, and the F0 level that fits the vocal tract, from the states of the temporal
model. The F0 contour is a choice, not a finding:

    Voice()                           declining over each phrase, at the F0 level that fits the vocal tract
    Voice(pitch_hz=120)               another mean F0; Voice(semitones=-3): relative to the fitting level
    Voice(intonation="flat")          or "original": F0 contour of the clip's own sound
    Voice(whisper=True)               without harmonics
"""

import re
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import InputError
from ..spec import MelSpec
from .formants import measure_f0
from .mel import mel_spectrogram_db, spectral_envelope

INTONATIONS = ("declining", "flat", "original")
LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0
ENVELOPE = 16  # cepstral coefficients, as in the training targets of such models
_MEASURED_HZ = (65.0, 500.0)
_FALL_ST = (
    3.0  # semitones that F0 falls in a phrase: 't Hart, Collier and Cohen, A Perceptual Study of Intonation (1990)
)
_PHRASE_GAP_S = 0.3  # a longer unvoiced interval begins a new phrase
_TOP_HZ = 5600.0  # highest cosine of the pulse train


@dataclass(frozen=True)
class Voice:
    """How to speak. pitch_hz: mean F0; None: the level that fits the vocal tract. semitones: shift of that level."""

    pitch_hz: float | None = None
    semitones: float = 0.0
    intonation: str = "declining"
    whisper: bool = False

    def __post_init__(self):
        if self.intonation not in INTONATIONS:
            raise InputError(
                "The intonation is one of {known}, not {given}.", known=", ".join(INTONATIONS), given=self.intonation
            )
        if self.pitch_hz is not None and not LOWEST_HZ <= self.pitch_hz <= HIGHEST_HZ:
            raise InputError(
                "The pitch is from {low:g} to {high:g} Hz, not {hz:g}.",
                low=LOWEST_HZ,
                high=HIGHEST_HZ,
                hz=self.pitch_hz,
            )

    @property
    def options(self) -> list[str]:
        """This voice as options of the command line."""
        if self.whisper:
            return ["--whisper"]
        pitch = f"{self.semitones:+g}st" if self.pitch_hz is None else f"{self.pitch_hz!r}"
        return ["--intonation", self.intonation, *(["--pitch", pitch] if self.pitch_hz or self.semitones else [])]


def asked_voice(pitch: str | None, intonation: str | None, whisper: bool) -> Voice | None:
    """A voice from options: pitch "120", "120Hz" or "-3st" (semitones). None without any option. Raises InputError."""
    if pitch is None and intonation is None and not whisper:
        return None
    given = {"whisper": whisper} if intonation is None else {"whisper": whisper, "intonation": intonation}
    if pitch is None:
        return Voice(**given)
    words = re.fullmatch(r"\s*([+-]?\d+(?:\.\d+)?)\s*(hz|st)?\s*", pitch, re.IGNORECASE)
    if not words:
        raise InputError("Cannot read the pitch {text!r}: write 120 (Hz) or -3st (semitones).", text=pitch)
    value, unit = float(words[1]), (words[2] or "hz").lower()
    return Voice(semitones=value, **given) if unit == "st" else Voice(pitch_hz=value, **given)


@dataclass(frozen=True)
class VoicingProbe:
    """Linear probe, weight (2, H) and bias (2,) float32: temporal model's state -> log-odds of voicing, log2 F0 in Hz.

    default: the bundle's default voice: one of INTONATIONS, or "whisper".
    """

    weight: np.ndarray
    bias: np.ndarray
    default: str = "declining"

    def __post_init__(self):
        self.default_voice()  # raises for an unknown intonation
        for name, dimensions in (("weight", 2), ("bias", 1)):
            value = np.asarray(getattr(self, name), np.float32)
            if value.ndim != dimensions or len(value) != 2 or not np.isfinite(value).all():
                raise InputError("A bundle's voice has two rows of finite weights, and two of bias.")
            object.__setattr__(self, name, value)

    def read(self, states: np.ndarray) -> tuple[np.ndarray, float]:
        """States (T, H) -> voicing (T,) bool, and the F0 level, Hz: the median over voiced frames."""
        odds, octaves = (states @ self.weight.T + self.bias).T
        voiced = odds > 0
        return voiced, float(2 ** np.median(octaves[voiced] if voiced.any() else octaves))

    def default_voice(self) -> Voice:
        """The bundle's default voice."""
        return Voice(whisper=True) if self.default == "whisper" else Voice(intonation=self.default)

    def to_json(self) -> dict:
        return {"default": self.default, "weight": self.weight.tolist(), "bias": self.bias.tolist()}

    @classmethod
    def from_json(cls, data: dict) -> "VoicingProbe":
        return cls(data["weight"], data["bias"], data.get("default", "declining"))


def f0_contour(
    voice: Voice, voiced: np.ndarray, fitting_hz: float, fps: float, original_hz: np.ndarray | None = None
) -> np.ndarray:
    """F0 contour (T,) in Hz, 0 where unvoiced. voiced: (T,) bool. original_hz: (T,) F0 of the reference speech, or NaN.

    Raises InputError if the reference's intonation is asked for and it has no voiced frame.
    """
    frames = np.arange(len(voiced))
    if not voiced.any():
        return np.zeros(len(voiced))
    if voice.intonation == "original":
        if original_hz is None or not np.isfinite(original_hz).any():
            raise InputError("The clip has no voiced sound of its own: choose declining or flat intonation.")
        known = np.flatnonzero(np.isfinite(original_hz))
        octaves = np.interp(frames, known, np.log2(original_hz[known]))
        height = np.median(octaves[voiced]) if voice.pitch_hz is None else np.log2(voice.pitch_hz)
        octaves = octaves - np.median(octaves[voiced]) + height
    else:
        octaves = np.full(len(voiced), np.log2(fitting_hz if voice.pitch_hz is None else voice.pitch_hz))
        if voice.intonation == "declining":
            octaves += _decline(voiced, fps) / 12
    f0_hz = np.clip(2 ** (octaves + voice.semitones / 12), LOWEST_HZ, HIGHEST_HZ)
    return np.where(voiced, f0_hz, 0.0)


def _decline(voiced: np.ndarray, fps: float) -> np.ndarray:
    """Declination (T,) in semitones: from half of _FALL_ST above to half below in each phrase."""
    out = np.zeros(len(voiced))
    at = np.flatnonzero(voiced)
    for phrase in np.split(at, np.flatnonzero(np.diff(at) > _PHRASE_GAP_S * fps) + 1):
        span = np.arange(phrase[0], phrase[-1] + 1)
        out[span] = np.linspace(0.5, -0.5, len(span)) * _FALL_ST if len(span) > 1 else 0.0
    return out


def own_f0(waveform: np.ndarray, spec: MelSpec, frames: int, per_frame: int = 1) -> np.ndarray:
    """F0 of a recording at spec.sample_rate as vocoders take it: (frames * per_frame,) Hz, evenly spaced, 0 where it is
    unvoiced, too short or over."""
    times_s = (np.arange(frames * per_frame) + 0.5) / per_frame / spec.fps
    if len(waveform) / spec.sample_rate <= 3 / _MEASURED_HZ[0]:
        return np.zeros(len(times_s))
    return np.nan_to_num(measure_f0(waveform, spec.sample_rate, times_s, *_MEASURED_HZ))


def add_harmonics(mel_db: np.ndarray, f0_hz: np.ndarray, spec: MelSpec) -> np.ndarray:
    """The mel (T, n_mels) dB with harmonics of f0_hz (T,) added where that is above 0."""
    voiced = f0_hz > 0
    if not voiced.any():
        return mel_db
    frames = np.arange(len(f0_hz))
    steady = np.interp(frames, frames[voiced], f0_hz[voiced])
    pulses = mel_spectrogram_db(torch.from_numpy(pulse_train(steady, spec)), spec).numpy()
    harmonics = pulses - spectral_envelope(pulses, ENVELOPE)
    return np.where(voiced[:, None], mel_db + harmonics, mel_db).astype(mel_db.dtype)


def pulse_train(f0_hz: np.ndarray, spec: MelSpec) -> np.ndarray:
    """F0 (T,) at the frames' midpoints, above 0 -> (T * hop_length,) float32: equal cosines up to _TOP_HZ."""
    samples = np.arange(len(f0_hz) * spec.hop_length)
    hz = np.interp(samples, (np.arange(len(f0_hz)) + 0.5) * spec.hop_length, f0_hz)
    phase = 2 * np.pi * np.cumsum(hz) / spec.sample_rate
    out = np.zeros(len(samples))
    top_hz = min(_TOP_HZ, spec.sample_rate / 2)
    for k in range(1, int(top_hz / hz.min()) + 1):
        out += np.where(k * hz < top_hz, np.cos(k * phase), 0.0)
    return (0.1 * out / max(1e-9, np.abs(out).max())).astype(np.float32)

"""Clean speech -> the same speech as a microphone in a running scanner records it. Deterministic per generator."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfilt

from rtmri2speech.errors import InputError
from rtmri2speech.speech.audio import read_audio, resample

from ..preprocess.recordings import find_recordings
from .codecs import CODECS, coded
from .noise import draw_scanner, scanner_noise
from .rooms import draw_room, reverberate


@dataclass(frozen=True)
class Degradation:
    """How speech is spoiled. A *_share is the share (0 to 1) of segments that it befalls; ranges are (low, high).

    snr_db: speech power over noise power, over the whole segment. noise_folder: recordings of one's own scanner without
    speech; noise_folder_share: how often they are taken instead of synthetic noise. late_start_share: how often the
    scanner starts within the segment. level_db: the result's level re the clean level, or as far as full scale allows.
    """

    noise_share: float = 0.95
    snr_db: tuple[float, float] = (-5.0, 20.0)
    noise_folder: str | None = None
    noise_folder_share: float = 0.8
    late_start_share: float = 0.1
    room_share: float = 0.5
    rt60_s: tuple[float, float] = (0.1, 0.6)
    rooms: int = 64
    band_limit_share: float = 0.3
    low_cut_hz: tuple[float, float] = (50.0, 300.0)
    high_cut_hz: tuple[float, float] = (2500.0, 7000.0)
    clipping_share: float = 0.1
    clipping_db: tuple[float, float] = (3.0, 12.0)
    codec_share: float = 0.15
    level_db: tuple[float, float] = (-30.0, 0.0)

    def __post_init__(self):
        for name, value in vars(self).items():
            if name.endswith("_share") and not 0 <= value <= 1:
                raise InputError("{name} must lie between 0 and 1, not {value}.", name=name, value=value)
            if isinstance(value, tuple) and (len(value) != 2 or value[0] > value[1]):
                raise InputError("{name} must be a range [low, high], not {given}.", name=name, given=list(value))
        if self.rooms < 1:
            raise InputError("rooms must be at least 1, not {rooms}.", rooms=self.rooms)


class Degrader:
    """Degradation at one sampling rate, with its rooms and recorded noises at hand."""

    def __init__(self, settings: Degradation, rate: int, seed: int):
        self.settings, self.rate = settings, rate
        random = np.random.default_rng([seed, 0])
        rooms = settings.rooms if settings.room_share else 0
        self.rooms = [draw_room(random, rate, settings.rt60_s) for _ in range(rooms)]
        self.noises = read_noises(settings.noise_folder, rate) if settings.noise_folder else []

    def __call__(self, clean: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """(samples,) -> (samples,) float32 within [-1, 1], aligned with the clean one."""
        s, rate = self.settings, self.rate
        # Every choice is drawn whether it is used or not, so that one setting does not change all other draws.
        chance = dict(zip(("noise", "room", "band", "clip", "codec"), random.random(5), strict=True))
        room, snr_db = int(random.integers(s.rooms)), random.uniform(*s.snr_db)
        low_hz, high_hz, clip_db = (random.uniform(*r) for r in (s.low_cut_hz, s.high_cut_hz, s.clipping_db))
        codec, rank, level_db = str(random.choice(list(CODECS))), random.random(), random.uniform(*s.level_db)
        noise = self._noise(len(clean), random) if chance["noise"] < s.noise_share else None

        x = reverberate(clean, self.rooms[room]) if chance["room"] < s.room_share else clean.astype(np.float32)
        if noise is not None:
            x = mixed(x, noise, snr_db)
        if chance["band"] < s.band_limit_share:
            x = band_limited(x, rate, low_hz, high_hz)
        if chance["clip"] < s.clipping_share:
            x = clipped(x, clip_db)
        x = levelled(x, level_db)
        if chance["codec"] < s.codec_share:
            choices = CODECS[codec].bits_per_s
            x = coded(x, rate, codec, choices[int(rank * len(choices))] if choices else None)
        return np.clip(x, -1, 1).astype(np.float32)

    def _noise(self, samples: int, random: np.random.Generator) -> np.ndarray:
        if self.noises and random.random() < self.settings.noise_folder_share:
            recording = self.noises[int(random.integers(len(self.noises)))]
            recording = np.tile(recording, -(-samples // len(recording)))
            first = int(random.integers(len(recording) - samples + 1))
            noise = recording[first : first + samples].copy()
        else:
            noise = scanner_noise(draw_scanner(random), samples, self.rate, random)
        if random.random() < self.settings.late_start_share:
            noise[: int(random.uniform(0.1, 0.7) * samples)] = 0
        return noise


def mixed(speech: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """speech + noise at this ratio of their powers, dB; silence as speech gets noise of RMS 0.1."""
    power = float(np.mean(np.square(speech, dtype=np.float64)))
    noise_power = float(np.mean(np.square(noise, dtype=np.float64)))
    if noise_power == 0:
        return speech
    wanted = power / 10 ** (snr_db / 10) if power else 0.01
    return (speech + noise * np.sqrt(wanted / noise_power)).astype(np.float32)


def band_limited(x: np.ndarray, rate: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Butterworth filters of order 2 at low_hz and 6 at high_hz (none where that is above the sound's own band)."""
    x = sosfilt(butter(2, low_hz, "highpass", fs=rate, output="sos"), x)
    if high_hz < 0.45 * rate:
        x = sosfilt(butter(6, high_hz, fs=rate, output="sos"), x)
    return x.astype(np.float32)


def clipped(x: np.ndarray, by_db: float) -> np.ndarray:
    """Peaks cut off this many dB below the largest."""
    top = float(np.abs(x).max(initial=0.0)) * 10 ** (-by_db / 20)
    return np.clip(x, -top, top)


def levelled(x: np.ndarray, level_db: float) -> np.ndarray:
    """Changed by level_db, but never over full scale."""
    peak = float(np.abs(x).max(initial=0.0))
    gain = 10 ** (level_db / 20)
    return x * np.float32(min(gain, 0.99 / peak) if peak else gain)


def read_noises(folder: str, rate: int) -> list[np.ndarray]:
    """The sound files of a folder at this rate. Raises InputError if one is silent or shorter than a second."""
    noises = []
    for path in find_recordings(Path(folder)).values():
        samples = resample(*read_audio(path), rate)
        if len(samples) < rate or not samples.any():
            raise InputError("{path} is silent or shorter than 1 s: give scanner noise without speech.", path=path)
        noises.append(samples)
    return noises

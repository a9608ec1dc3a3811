"""The noise of an MRI scanner at work, synthesised from what causes it.

Every repetition (TR) switches the gradient coils along the same path; the Lorentz force of the changing current knocks
on the bore, which rings in its modes. So the noise is periodic in TR, with lines at its multiples; where the readout
turns from one repetition to the next (spiral interleaves, radial spokes), it is periodic in the whole turn only, with
fainter lines between. Clocks of scanner and recorder differ by some parts per million. Ventilation and the cold head's
pump go on all the time.

M. McJury and F. Shellock, "Auditory noise associated with MR procedures", JMRI 12 (2000) 37; E. Bresch et al.,
"Synchronized and noise-robust audio recordings during realtime MRI scans", JASA 120 (2006) 1791 (spiral, TR 6 ms).
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

# Repetition times and interleaves as published for speech: USC spiral (Bresch 2006; Lingala et al., MRM 77, 2017),
# radial FLASH at 50 frames/s (Uecker, Niebergall), Cartesian bSSFP and GRE as on clinical scanners.
SEQUENCES = {
    "spiral": {"tr_s": (0.0055, 0.0065), "turn": (9, 13, 34), "readout": 0.45},
    "radial": {"tr_s": (0.0020, 0.0026), "turn": (5, 9, 17), "readout": 0.5},
    "cartesian": {"tr_s": (0.0028, 0.0060), "turn": (1,), "readout": 0.6},
}
_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class ScannerSound:
    """One scanner running one sequence.

    tr_s: repetition time. turn: repetitions until the readout's direction recurs; 0 for golden-angle steps, which never
    do. readout: share of TR in which the coils sweep. drift: relative change of TR over a minute. clock: constant
    relative error of the recorder's clock. modes_hz, decays_s, strengths (3 coils, modes): how the bore rings.
    top_hz: where the spectrum ends. scatter: relative change of loudness from one repetition to the next, which no
    subtraction of the periodic part can foresee. ventilation_db, pump_db: level against the coils' noise.
    """

    tr_s: float
    turn: int
    readout: float
    drift: float
    clock: float
    modes_hz: np.ndarray
    decays_s: np.ndarray
    strengths: np.ndarray
    top_hz: float
    scatter: float
    ventilation_db: float
    pump_db: float


def draw_scanner(random: np.random.Generator) -> ScannerSound:
    """A scanner and a sequence such as are used for speech."""
    kind = SEQUENCES[str(random.choice(list(SEQUENCES)))]
    modes = int(random.integers(12, 30))
    modes_hz = np.exp(random.uniform(np.log(200), np.log(5000), modes))
    tilt = (modes_hz / 1000) ** -random.uniform(0.2, 1.2)
    return ScannerSound(
        tr_s=random.uniform(*kind["tr_s"]),
        turn=0 if random.random() < 0.15 else int(random.choice(kind["turn"])),
        readout=kind["readout"],
        drift=random.normal(0, 3e-6),
        clock=random.normal(0, 3e-5),
        modes_hz=modes_hz,
        decays_s=np.exp(random.uniform(np.log(0.002), np.log(0.03), modes)),
        strengths=random.normal(0, 1, (3, modes)) * tilt,
        top_hz=random.uniform(2500, 8000),
        scatter=np.exp(random.uniform(np.log(0.03), np.log(0.4))),
        ventilation_db=random.uniform(-35, -15),
        pump_db=random.uniform(-45, -25),
    )


def scanner_noise(sound: ScannerSound, samples: int, rate: int, random: np.random.Generator) -> np.ndarray:
    """(samples,) float32 of RMS 1, from a random point of the sequence on; the scanner was on before."""
    before = round(0.3 * rate)  # the bore already rings when the recording begins
    total = samples + before
    duration_s = total / rate
    count = int(duration_s / sound.tr_s) + 2
    nominal_s = (np.arange(count) - random.random()) * sound.tr_s
    onsets = nominal_s * (1 + sound.clock + sound.drift * nominal_s / 120) * rate
    step = np.arange(count) + int(random.integers(10_000))
    angle = 2 * np.pi * (step * _GOLDEN if sound.turn == 0 else step / sound.turn)
    coils = np.zeros(total)
    for amplitudes, strengths in zip((np.cos(angle), np.sin(angle), np.full(count, 0.5)), sound.strengths, strict=True):
        amplitudes = amplitudes + sound.scatter * random.standard_normal(count)
        coils += fftconvolve(_impulses(onsets, amplitudes, total), _knock(sound, strengths, rate))[:total]
    if sound.top_hz < 0.45 * rate:
        coils = sosfilt(butter(6, sound.top_hz, fs=rate, output="sos"), coils)
    coils /= _rms(coils[before:])
    ventilation = sosfilt(butter(1, 150, fs=rate, output="sos"), random.standard_normal(total))
    ventilation += 0.05 * ventilation.std() * random.standard_normal(total)
    noise = coils + _db(sound.ventilation_db) * ventilation / _rms(ventilation)
    pump = _pump(total, rate, random)
    noise = (noise + _db(sound.pump_db) * pump / _rms(pump))[before:]
    return (noise / _rms(noise)).astype(np.float32)


def _impulses(onsets: np.ndarray, amplitudes: np.ndarray, samples: int) -> np.ndarray:
    """Band-limited impulses at fractional sample positions: sinc under a Hann window of 16 samples."""
    out = np.zeros(samples + 16)
    whole = np.floor(onsets).astype(int)
    for offset in range(-7, 9):
        t = offset - (onsets - whole)
        place = whole + offset
        inside = (place >= 0) & (place < samples)
        np.add.at(out, place[inside], (amplitudes * np.sinc(t) * np.cos(np.pi * t / 16) ** 2)[inside])
    return out[:samples]


def _knock(sound: ScannerSound, strengths: np.ndarray, rate: int) -> np.ndarray:
    """What one repetition of one coil sounds like: its sweep, heard through the modes of the bore."""
    t = np.arange(round(0.12 * rate)) / rate
    ringing = sum(
        strength * np.exp(-t / decay) * np.sin(2 * np.pi * hz * t)
        for strength, decay, hz in zip(strengths, sound.decays_s, sound.modes_hz, strict=True)
        if hz < 0.45 * rate
    )
    sweep_t = np.arange(max(2, round(sound.readout * sound.tr_s * rate))) / rate
    length = sweep_t[-1]
    # A spiral's gradient falls in frequency as it leaves the centre.
    phase = 2 * np.pi * (3000 * sweep_t - 2400 * sweep_t**2 / (2 * length))
    sweep = np.cos(phase) * np.hanning(len(sweep_t) + 2)[1:-1]
    sweep[0] += 0.5 * np.sqrt(len(sweep))  # the click of the coil being switched on
    return np.convolve(ringing, sweep)[: len(t)]


def _pump(samples: int, rate: int, random: np.random.Generator) -> np.ndarray:
    """The cold head: a soft chirp a little more than once a second."""
    t = np.arange(round(0.25 * rate)) / rate
    chirp = np.sin(2 * np.pi * (random.uniform(300, 700) * t - 300 * t**2)) * np.exp(-t / 0.06)
    onsets = np.arange(random.random(), samples / rate, random.uniform(0.5, 0.9)) * rate
    return fftconvolve(_impulses(onsets, np.ones(len(onsets)), samples), chirp)[:samples] + 1e-9


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x)))) + 1e-12


def _db(level: float) -> float:
    return 10 ** (level / 20)

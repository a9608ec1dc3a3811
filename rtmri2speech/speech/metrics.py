"""Metrics of synthesised against reference speech: pure functions on waveforms (samples,) and dB mels (T, n_mels).

The reference comes first. A metric that is undefined for a pair (silence, nothing voiced) is None, and so is PESQ
without the optional package pesq. Wrong shapes and NaN raise InputError. Nothing is aligned in time: mels share the
clip's frames, and waveforms its clock.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from ..errors import InputError
from .formants import measure_f0

_STOI_RATE = 10_000
_STOI_TOO_SHORT = 1e-5  # pystoi's value in place of a score for under 0.4 s of speech
_PESQ_PIECE_S = 10.0
_F0_STEP_S = 0.010
_DB_PER_CEPSTRAL_DISTANCE = 10 / math.log(10) * math.sqrt(2)

# --- mel against mel ------------------------------------------------------------------------------------------------


def mcd(reference_db: np.ndarray, candidate_db: np.ndarray, order: int = 12) -> float:
    """Mel-cepstral distortion, dB, mean over frames. 0 is perfect; lower is better.

    MCD = 10/ln(10) * sqrt(2 * sum over m = 1..order of (c[m] - c'[m])^2), with c the mel cepstrum of the
    natural-log magnitude mel spectrum: ln|H_k| = c[0] + sum c[m] cos(pi m (k + 1/2) / n_mels), a DCT-II. c[0], the
    loudness, is left out. With this scaling the MCD is the RMS difference, in dB, of two smoothed spectra.
    MCDs of cepstra with another scale, order or frequency warping (SPTK, MFCC) are not comparable to it.

    R. Kubichek, "Mel-cepstral distance measure for objective speech quality assessment", PACRIM 1993.
    """
    reference, candidate = _mel_cepstrum(*_mels(reference_db, candidate_db), order=order)
    return float(_DB_PER_CEPSTRAL_DISTANCE * np.mean(np.linalg.norm(reference - candidate, axis=1)))


def band_mae(reference_db: np.ndarray, candidate_db: np.ndarray, bins: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Mean absolute error of the dB mel inside each band: name -> mel bin indices gives name -> dB."""
    reference_db, candidate_db = _mels(reference_db, candidate_db)
    error = np.abs(reference_db - candidate_db)
    result = {}
    for name, indices in bins.items():
        indices = np.asarray(indices)
        if indices.size == 0 or indices.min() < 0 or indices.max() >= error.shape[1]:
            raise InputError(
                "Band {name} holds no mel bin, or one outside 0 to {most}.", name=name, most=error.shape[1] - 1
            )
        result[name] = float(error[:, indices].mean())
    return result


def spectral_shape_correlation(reference_db: np.ndarray, candidate_db: np.ndarray) -> float | None:
    """Correlation of two mels after removal of frame means, then of bin means. 1 is perfect, 0 chance.

    It compares the movement of the spectrum's shape: neither the level (frame mean) nor the average voice and channel
    (bin mean) can raise it. None if a mel is constant in shape.
    """
    return _correlation(*(_shape(mel) for mel in _mels(reference_db, candidate_db)))


def loudness_correlation(reference_db: np.ndarray, candidate_db: np.ndarray) -> float | None:
    """Correlation over time of the mean level of each frame, dB. None if either level is constant."""
    return _correlation(*(mel.mean(axis=1) for mel in _mels(reference_db, candidate_db)))


def evaluate_mels(
    reference_db: np.ndarray, candidate_db: np.ndarray, bins: Mapping[str, np.ndarray]
) -> dict[str, float | None]:
    """All metrics of two dB mels of the same frames (T, n_mels), by name; `bins` as for `band_mae`."""
    return {
        "mcd_db": mcd(reference_db, candidate_db),
        **{f"mae_{name}_db": value for name, value in band_mae(reference_db, candidate_db, bins).items()},
        "spectral_shape_correlation": spectral_shape_correlation(reference_db, candidate_db),
        "loudness_correlation": loudness_correlation(reference_db, candidate_db),
    }


# --- waveform against waveform --------------------------------------------------------------------------------------


def stoi(reference: np.ndarray, candidate: np.ndarray, rate: int) -> float | None:
    """Short-time objective intelligibility, about 0 to 1 (1 is perfect), at 10 kHz. None under 0.4 s of speech.

    C. Taal et al., "An algorithm for intelligibility prediction of time-frequency weighted noisy speech",
    IEEE TASLP 19 (2011); package pystoi.
    """
    return _stoi(reference, candidate, rate, extended=False)


def estoi(reference: np.ndarray, candidate: np.ndarray, rate: int) -> float | None:
    """Extended STOI, about 0 to 1: stricter for modulated errors, such as a neural vocoder's.

    J. Jensen and C. Taal, "An algorithm for predicting the intelligibility of speech masked by modulated noise
    maskers", IEEE/ACM TASLP 24 (2016); package pystoi.
    """
    return _stoi(reference, candidate, rate, extended=True)


def pesq_nb(reference: np.ndarray, candidate: np.ndarray, rate: int) -> float | None:
    """Narrow-band PESQ at 8 kHz as MOS-LQO, about 1.0 to 4.55. None without speech or without the package `pesq`.

    ITU-T P.862 (2001) mapped by P.862.1; package pesq. Sounds over 10 s are scored in equal pieces of at most 10 s
    and averaged: P.862 is meant for such lengths, and its code crashes on more than 50 utterances.
    """
    return _pesq(reference, candidate, rate, 8_000, "nb")


def pesq_wb(reference: np.ndarray, candidate: np.ndarray, rate: int) -> float | None:
    """Wide-band PESQ at 16 kHz as MOS-LQO, about 1.0 to 4.64. As `pesq_nb`; ITU-T P.862.2 (2007).

    Speech sampled below 16 kHz holds nothing above its own Nyquist, in the reference too if both were cut alike.
    """
    return _pesq(reference, candidate, rate, 16_000, "wb")


def si_sdr(reference: np.ndarray, candidate: np.ndarray) -> float | None:
    """Scale-invariant signal-to-distortion ratio, dB; infinite for a scaled copy. None if either is silent.

    10 log10(|a s|^2 / |x - a s|^2), a = <x, s> / |s|^2, for zero-mean s (reference) and x (candidate).
    J. Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019. It compares sample by sample: vocoded speech,
    whose phase is free, scores far below 0 dB however good it sounds.
    """
    reference, candidate = _waveforms(reference, candidate)
    reference, candidate = reference - reference.mean(), candidate - candidate.mean()
    energy = reference @ reference
    if energy == 0 or candidate @ candidate == 0:
        return None
    target = (candidate @ reference / energy) * reference
    distortion = candidate - target
    target_energy, distortion_energy = target @ target, distortion @ distortion
    if distortion_energy <= np.finfo(np.float64).eps ** 2 * target_energy:
        return math.inf
    return -math.inf if target_energy == 0 else float(10 * np.log10(target_energy / distortion_energy))


def f0_rmse(reference_f0_hz: np.ndarray, candidate_f0_hz: np.ndarray) -> float | None:
    """Root mean square error of F0, Hz, over the frames voiced in both contours (T,); NaN marks unvoiced.

    None if no frame is voiced in both. Read it with `voicing_error`, as it ignores all other frames. Contours from
    `formants.measure_f0`.
    """
    reference_f0_hz, candidate_f0_hz = _contours(reference_f0_hz, candidate_f0_hz)
    both = np.isfinite(reference_f0_hz) & np.isfinite(candidate_f0_hz)
    if not both.any():
        return None
    return float(np.sqrt(np.mean((reference_f0_hz[both] - candidate_f0_hz[both]) ** 2)))


def voicing_error(reference_f0_hz: np.ndarray, candidate_f0_hz: np.ndarray) -> float:
    """Share of frames, 0 to 1, that are voiced in one contour (T,) and unvoiced (NaN) in the other.

    The voicing decision error of T. Nakatani et al., Speech Communication 50 (2008) 203.
    """
    reference_f0_hz, candidate_f0_hz = _contours(reference_f0_hz, candidate_f0_hz)
    return float(np.mean(np.isfinite(reference_f0_hz) != np.isfinite(candidate_f0_hz)))


def evaluate_waveforms(
    reference: np.ndarray,
    reference_rate: int,
    candidate: np.ndarray,
    candidate_rate: int,
    length_tolerance_s: float = 0.25,
    pitch_range_hz: tuple[float, float] = (75.0, 600.0),
) -> dict[str, float | None]:
    """All metrics of two recordings that start together, by name.

    Both are resampled to the lower rate and cut to the shorter. Levels are not matched, as no metric depends on them.
    F0 is compared every 10 ms; a narrower `pitch_range_hz` around a known speaker avoids octave errors, which dominate
    its RMSE. Infinite values (SI-SDR of a copy) become None, for valid JSON. Raises InputError when durations differ by
    more than `length_tolerance_s` (container padding and the last frame explain less than the default), or when the
    reference is silent.
    """
    reference, candidate = _waveform(reference, reference_rate), _waveform(candidate, candidate_rate)
    durations_s = reference.size / reference_rate, candidate.size / candidate_rate
    if abs(durations_s[0] - durations_s[1]) > length_tolerance_s:
        raise InputError(
            "The reference lasts {one:.2f} s and the candidate {other:.2f} s, more than "
            "{tolerance:g} s apart: compare recordings of the same clip.",
            one=durations_s[0],
            other=durations_s[1],
            tolerance=length_tolerance_s,
        )
    if not reference.any():
        raise InputError("The reference is silent: there is nothing to compare with.")
    rate = min(reference_rate, candidate_rate)
    reference, candidate = _resample(reference, reference_rate, rate), _resample(candidate, candidate_rate, rate)
    samples = min(reference.size, candidate.size)
    reference, candidate = reference[:samples], candidate[:samples]

    times_s = np.arange(_F0_STEP_S, samples / rate, _F0_STEP_S)
    f0_hz = [measure_f0(wave, rate, times_s, *pitch_range_hz) for wave in (reference, candidate)]
    result = {
        "stoi": stoi(reference, candidate, rate),
        "estoi": estoi(reference, candidate, rate),
        "pesq_nb": pesq_nb(reference, candidate, rate),
        "pesq_wb": pesq_wb(reference, candidate, rate),
        "f0_rmse_hz": f0_rmse(*f0_hz),
        "voicing_error": voicing_error(*f0_hz),
        "si_sdr_db": si_sdr(reference, candidate),
    }
    return {name: value if value is not None and math.isfinite(value) else None for name, value in result.items()}


# --- the parts they share -------------------------------------------------------------------------------------------


def _stoi(reference: np.ndarray, candidate: np.ndarray, rate: int, extended: bool) -> float | None:
    from pystoi import stoi as pystoi

    reference, candidate = (_resample(wave, rate, _STOI_RATE) for wave in _waveforms(reference, candidate, rate))
    if not reference.any():
        return None
    if reference.size < 0.4 * _STOI_RATE:  # pystoi fails outright on less than one analysis frame
        return None
    score = float(pystoi(reference, candidate, _STOI_RATE, extended=extended))
    return None if score == _STOI_TOO_SHORT or math.isnan(score) else score


def _pesq(reference: np.ndarray, candidate: np.ndarray, rate: int, pesq_rate: int, mode: str) -> float | None:
    reference, candidate = _waveforms(reference, candidate, rate)
    try:
        import pesq
    except ImportError:
        return None
    if not candidate.any():
        return None
    reference, candidate = _resample(reference, rate, pesq_rate), _resample(candidate, rate, pesq_rate)
    pieces = math.ceil(reference.size / (_PESQ_PIECE_S * pesq_rate))
    scores = []
    for piece in zip(np.array_split(reference, pieces), np.array_split(candidate, pieces), strict=True):
        try:
            scores.append(pesq.pesq(pesq_rate, *piece, mode))
        except pesq.PesqError:  # no speech in this piece, or shorter than a quarter of a second
            continue
    scores = [score for score in scores if math.isfinite(score)]
    return float(np.mean(scores)) if scores else None


def _resample(waveform: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    if rate == new_rate:
        return waveform
    import soxr

    return soxr.resample(waveform, rate, new_rate)


def _mel_cepstrum(*mels_db: np.ndarray, order: int) -> list[np.ndarray]:
    """Coefficients 1..order (T, order) of the natural-log magnitude of each dB mel (T, n_mels)."""
    from scipy.fft import dct

    n_mels = mels_db[0].shape[1]
    if not 1 <= order < n_mels:
        raise InputError("The cepstral order must be from 1 to {most}, not {given!r}.", most=n_mels - 1, given=order)
    ln_per_db = math.log(10) / 20
    return [dct(mel * ln_per_db, axis=1)[:, 1 : order + 1] / n_mels for mel in mels_db]


def _shape(mel_db: np.ndarray) -> np.ndarray:
    without_loudness = mel_db - mel_db.mean(axis=1, keepdims=True)
    return without_loudness - without_loudness.mean(axis=0, keepdims=True)


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    scale = math.sqrt((a @ a) * (b @ b))
    # movement of 1e-9 dB is rounding
    return float(a @ b / scale) if min(np.abs(a).max(), np.abs(b).max()) > 1e-9 else None


def _mel(mel_db: np.ndarray) -> np.ndarray:
    mel_db = np.asarray(mel_db, np.float64)
    if mel_db.ndim != 2 or 0 in mel_db.shape or not np.isfinite(mel_db).all():
        raise InputError(
            "A dB mel must be (frames, bins) of finite numbers; this one has shape {shape}.", shape=mel_db.shape
        )
    return mel_db


def _mels(reference_db: np.ndarray, candidate_db: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _pair(_mel, reference_db, candidate_db)


def _waveform(waveform: np.ndarray, rate: int = 1) -> np.ndarray:
    waveform = np.asarray(waveform, np.float64)
    if waveform.ndim != 1 or waveform.size == 0 or not np.isfinite(waveform).all():
        raise InputError(
            "A waveform must be mono, of finite numbers; this one has shape {shape}.", shape=waveform.shape
        )
    if not rate > 0:
        raise InputError("The sample rate must be above 0, not {rate!r}.", rate=rate)
    return waveform


def _waveforms(reference: np.ndarray, candidate: np.ndarray, rate: int = 1) -> tuple[np.ndarray, np.ndarray]:
    return _pair(lambda wave: _waveform(wave, rate), reference, candidate)


def _contour(f0_hz: np.ndarray) -> np.ndarray:
    f0_hz = np.asarray(f0_hz, np.float64)
    if f0_hz.ndim != 1 or f0_hz.size == 0 or np.any(f0_hz <= 0) or np.isinf(f0_hz).any():
        raise InputError("An F0 contour must be a list of frequencies above 0 Hz, with NaN where unvoiced.")
    return f0_hz


def _contours(reference_f0_hz: np.ndarray, candidate_f0_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _pair(_contour, reference_f0_hz, candidate_f0_hz)


def _pair(validate: Callable, reference: np.ndarray, candidate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    reference, candidate = validate(reference), validate(candidate)
    if reference.shape != candidate.shape:
        raise InputError(
            "Reference and candidate differ in shape: {one} and {other}.", one=reference.shape, other=candidate.shape
        )
    return reference, candidate

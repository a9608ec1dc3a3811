"""Classical restoration: periodic scanner noise is subtracted, the rest suppressed, by signal processing alone.

1. `subtract_lines`: the periodic noise of the sequence is a comb of lines that keep amplitude and phase for seconds,
   unlike a voice. Each line is estimated over some seconds and subtracted; speech between and under lines stays.
2. `suppress_noise`: the log-spectral amplitude estimator of Y. Ephraim and D. Malah (IEEE TASSP 33, 1985, 443), with
   the noise spectrum from the quieter frames of the seconds around.

Their receptive field is CONTEXT_S on either side, and their frames and estimates lie on multiples of `grid(rate)`, so
overlapping chunks that start there give the result of the whole recording.
"""

import numpy as np
from scipy.fft import irfft, rfft
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.special import exp1

CONTEXT_S = 16.0

_HOP_S = 0.008  # of the suppressor, whose window is 4 hops
_LONG = 32  # hop of the line estimator in hops of the suppressor; its window is 4 of them, 1.02 s
_LINE_REACH = 8  # frames on either side over which a line must keep its phase, about 2 s
_CHANCE = 3.5  # chance coherence of a bin without a line, times the number of frames
_NOISE_REACH_S = 6.0
_TICK = 2 * _LONG  # hops between two estimates of the noise
_NOISE_SHARE = 0.35  # share of the frames around that counts as noise
_QUANTILE_TO_MEAN = 1.35  # for the power of Gaussian noise averaged over five overlapping frames
_MEMORY = 0.96  # of the decision-directed a priori SNR, per hop
_LEAST_SNR = 10 ** (-25 / 10)


def restore_classical(waveform: np.ndarray, rate: int, floor_db: float = -20.0) -> np.ndarray:
    """(samples,) -> (samples,) float32 with less noise. floor_db: largest attenuation of noise."""
    if len(waveform) == 0 or not np.any(waveform):
        return np.array(waveform, np.float32)
    return suppress_noise(subtract_lines(waveform, rate), rate, floor_db)


def grid(rate: int) -> int:
    """Samples between noise estimates, the coarsest step."""
    return _TICK * _hop(rate)


def subtract_lines(waveform: np.ndarray, rate: int) -> np.ndarray:
    """(samples,) without spectral lines that keep amplitude and phase over about four seconds.

    Each bin of a 1 s spectrum is rotated back by its mean phase advance and averaged over the frames around; unusually
    loud (speech) or soft (scanner pauses) frames weigh less. The average is subtracted in proportion to the bin's
    coherence, hence hardly where there is no line. Under two seconds of sound show hardly any line.
    """
    hop = _LONG * _hop(rate)
    spectrum = _frames(waveform, hop)
    power = np.square(np.abs(spectrum))
    usual = median_filter(power, size=(2 * _LINE_REACH + 1, 1), mode="nearest") + 1e-20
    weight = np.minimum(usual, power + 1e-20) / np.maximum(usual, power)
    full = np.arange(len(power)) + 1
    weight[(full < 4) | (full * hop > len(waveform))] = 0  # a frame that the sound fills only partly
    unit = spectrum * np.sqrt(weight)
    advance = np.zeros_like(spectrum)
    advance[1:] = unit[1:] * unit[:-1].conj()
    advance[0] = advance[1] if len(advance) > 1 else 1
    turned = _mean_over_time(advance, 2 * _LINE_REACH)
    step = np.divide(turned, np.abs(turned), out=np.ones_like(turned), where=np.abs(turned) > 0)

    line, total, weights = (np.zeros_like(x) for x in (spectrum, power, power))
    turn = np.ones_like(step)
    for k in range(_LINE_REACH + 1):
        if k == len(spectrum):
            break
        for offset, rotation in ((k, turn.conj()), (-k, turn))[: 2 if k else 1]:
            here = slice(max(0, -offset), len(spectrum) - max(0, offset))
            there = slice(max(0, offset), len(spectrum) - max(0, -offset))
            line[here] += weight[there] * spectrum[there] * rotation[here]
            total[here] += weight[there] * power[there]
            weights[here] += weight[there]
        turn *= step
    coherence = np.square(np.abs(line)) / np.maximum(weights * total, 1e-30)
    chance = np.minimum(_CHANCE / np.maximum(weights, _CHANCE), 1 - 1e-6)
    certainty = np.clip((coherence - chance) / (1 - chance), 0, 1)
    return _joined(spectrum - certainty * line / np.maximum(weights, 1e-12), hop, len(waveform))


def suppress_noise(waveform: np.ndarray, rate: int, floor_db: float) -> np.ndarray:
    """(samples,) with each time-frequency bin attenuated by its estimated noise, at most by floor_db."""
    hop = _hop(rate)
    spectrum = _frames(waveform, hop)
    power = np.square(np.abs(spectrum))
    noise = _noise_power(power, rate)
    posterior = np.minimum(power / noise, 1e4)
    least = 10 ** (floor_db / 20)
    gains = np.empty_like(power)
    speech = np.maximum(posterior[0] - 1, 0)
    for t, gamma in enumerate(posterior):
        prior = np.maximum(_MEMORY * speech + (1 - _MEMORY) * np.maximum(gamma - 1, 0), _LEAST_SNR)
        wiener = prior / (1 + prior)
        gain = wiener * np.exp(0.5 * exp1(np.maximum(wiener * gamma, 1e-6)))
        gains[t] = np.minimum(gain, 1)
        speech = np.square(gains[t]) * gamma
    return _joined(spectrum * np.maximum(gains, least), hop, len(waveform)).astype(np.float32)


def _noise_power(power: np.ndarray, rate: int) -> np.ndarray:
    """Power (T, bins) -> mean noise power, from the quieter share of the frames within _NOISE_REACH_S."""
    smooth = uniform_filter1d(power, 5, axis=0, mode="nearest")
    smooth = np.maximum(smooth, 1e-12 * max(float(power.max()), 1e-20))
    reach = round(_NOISE_REACH_S * rate / grid(rate)) * _TICK
    ticks = np.arange(0, len(power) + _TICK, _TICK)
    levels = np.empty((len(ticks), power.shape[1]))
    for i, t in enumerate(ticks):
        around = smooth[max(0, t - reach) : t + reach : 4]
        levels[i] = np.quantile(around, _NOISE_SHARE, axis=0) if len(around) else levels[i - 1]
    levels *= _QUANTILE_TO_MEAN
    at = np.arange(len(power)) / _TICK
    left = np.minimum(at.astype(int), len(ticks) - 2)
    share = (at - left)[:, None]
    return np.exp((1 - share) * np.log(levels[left]) + share * np.log(levels[left + 1]))


def _hop(rate: int) -> int:
    return max(8, round(_HOP_S * rate))


def _mean_over_time(x: np.ndarray, frames: int) -> np.ndarray:
    real, imaginary = (uniform_filter1d(part, frames, axis=0, mode="nearest") for part in (x.real, x.imag))
    return real + 1j * imaginary


def _window(hop: int) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(4 * hop) / (4 * hop))


def _frames(waveform: np.ndarray, hop: int) -> np.ndarray:
    """(samples,) -> spectra (T, bins) of Hann windows of 4 hops; frame t starts at sample (t - 3) * hop."""
    count = -(-len(waveform) // hop) + 3
    padded = np.zeros((count + 3) * hop)
    padded[3 * hop : 3 * hop + len(waveform)] = waveform
    views = np.lib.stride_tricks.sliding_window_view(padded, 4 * hop)[::hop]
    return rfft(views * _window(hop), axis=1)


def _joined(spectrum: np.ndarray, hop: int, samples: int) -> np.ndarray:
    """The inverse of `_frames` by overlap-add with Hann windows, whose squares sum to 1.5."""
    frames = irfft(spectrum, 4 * hop, axis=1) * (_window(hop) / 1.5)
    out = np.zeros((len(frames) + 3) * hop)
    quarters = frames.reshape(len(frames), 4, hop)
    for k in range(4):
        out[k * hop : (k + len(frames)) * hop] += quarters[:, k].ravel()
    return out[3 * hop : 3 * hop + samples]

"""A source-filter vocoder (DDSP): dB mel and F0 -> filters of a pulse train and of noise -> waveform.

J. Engel et al., "DDSP: Differentiable digital signal processing", ICLR 2020; with noise and harmonics filtered apart as
in X. Wang, S. Takaki and J. Yamagishi, "Neural source-filter-based waveform model", ICASSP 2019. What is learned is a
correction of the mel's own envelope, for either source, on `steps` moments of each mel frame. So it speaks before any
training, and a louder mel is a louder waveform and nothing else.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import fold, gelu, max_pool1d, pad

from ..errors import InputError
from ..mapping import from_json
from ..spec import MelSpec
from ..speech.mel import centre_frequencies_hz, filterbank
from .vocoder import Vocoder

FREE_GAIN_DB = 10.0  # the network's output 1 is a change of a filter by so much
_INPUT_RANGE_DB = 20.0
_LOUDEST_WITHIN = 5  # mel frames on either side whose loudest bin is the level that a frame is seen against
_LOWEST_HZ = 50.0  # no noise and no filter's detail below: a microphone's offset is no speech
_TOP_OF_NYQUIST = 0.96  # highest harmonic
_MIDDLE_HZ = 150.0  # F0 is seen in octaves from here
_FFT = 384  # of a filter step: samples of the source, and of its response after them
_NOISE_SAMPLES = 1 << 16  # of the noise before it repeats, 5.7 s
_NOISE_SEED = 0
_STEADY_WITHIN_S, _STEADY_ROUNDS = 0.025, 30  # of what the noise is made steady in


@dataclass(frozen=True)
class DdspConfig:
    """Hyperparameters. steps: moments of each mel frame that have filters of their own; the hop is a multiple of it.

    channels, dilations: of the convolutions at the mel's rate; fine_...: at the filters'. envelope: cepstral
    coefficients of the mel that the filters begin as.
    """

    mel: MelSpec = MelSpec()
    steps: int = 7
    channels: int = 256
    dilations: tuple[int, ...] = (1, 2, 4, 1, 1)
    fine_channels: int = 96
    fine_dilations: tuple[int, ...] = (1, 2, 4, 8, 1)
    envelope: int = 16

    def __post_init__(self):
        for name in ("dilations", "fine_dilations"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for field in fields(self):
            value = getattr(self, field.name)
            sizes = value if isinstance(value, tuple) else (value,)
            if field.name != "mel" and not all(isinstance(n, int) and 1 <= n <= 4096 for n in sizes):
                raise InputError(
                    "The vocoder's {name} must be whole numbers from 1 to {most}, not {given!r}.",
                    name=field.name,
                    most=4096,
                    given=value,
                )
        if self.mel.hop_length % self.steps or 2 * self.step_samples > _FFT // 2:
            raise InputError(
                "The vocoder's steps must divide the hop ({hop_length}) into parts of at most {most} samples, not "
                "{given}.",
                hop_length=self.mel.hop_length,
                most=_FFT // 4,
                given=self.steps,
            )

    @property
    def step_samples(self) -> int:
        return self.mel.hop_length // self.steps

    def to_json(self) -> dict:
        return asdict(self) | {"mel": self.mel.to_json()}

    @classmethod
    def from_json(cls, data: Mapping) -> "DdspConfig":
        return from_json(cls, data)


class _Residual(nn.Module):
    """(B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int, dilation: int):
        super().__init__()
        self.wide = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.wide(gelu(x))


class SourceFilter(Vocoder):
    """dB mel (B, T, n_mels), F0 (B, T * steps) in Hz, 0 where unvoiced, and sources (B, T * hop_length, 2), pulses and
    noise -> waveform (B, T * hop_length)."""

    takes_f0 = True
    response: Tensor
    level: Tensor
    smooth: Tensor
    window: Tensor
    noise: Tensor
    balance_db: Tensor

    def __init__(self, config: DdspConfig = DdspConfig()):
        super().__init__()
        self.config = config
        self.n_mels, self.hop_length, self.f0_per_frame = config.mel.n_mels, config.mel.hop_length, config.steps
        channels, fine = config.channels, config.fine_channels
        self.first = nn.Conv1d(self.n_mels + 2 * config.steps, channels, 3, padding=1)
        self.coarse = nn.ModuleList(_Residual(channels, d) for d in config.dilations)
        self.apart = nn.Conv1d(channels, fine * config.steps, 1)
        self.melody = nn.Conv1d(2, fine, 3, padding=1)
        self.fine = nn.ModuleList(_Residual(fine, d) for d in config.fine_dilations)
        self.last = nn.Conv1d(fine, 2 * self.n_mels, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)
        response, level = _responses(config.mel)
        for name, value in {
            "response": response,
            "level": level,
            "smooth": _smoothing(self.n_mels, config.envelope),
            "window": torch.hann_window(2 * config.step_samples),
        }.items():
            self.register_buffer(name, value, persistent=False)
        self.register_buffer("noise", torch.zeros(_NOISE_SAMPLES))  # kept with the weights: see `begin`
        self.register_buffer("balance_db", torch.tensor([-1.0, -12.0]), persistent=False)  # pulses, noise: at the start

    @property
    def context_frames(self) -> int:
        config = self.config
        samples = _FFT + config.mel.sample_rate / _LOWEST_HZ
        fine = 2 + sum(config.fine_dilations) + math.ceil(samples / config.step_samples)
        return 1 + sum(config.dilations) + -(-fine // config.steps) + _LOUDEST_WITHIN

    @classmethod
    def from_json(cls, data: Mapping) -> "SourceFilter":
        return cls(DdspConfig.from_json(data))

    def to_json(self) -> dict:
        return self.config.to_json()

    def begin(self) -> "SourceFilter":
        """Itself, with its noise made: of a vocoder that is to be trained."""
        self.noise.copy_(steady_noise(self.config.mel.sample_rate))
        return self

    def source(self, f0_hz: Tensor | None, frames: int) -> Tensor:
        """The sources (frames * hop_length, 2) of a whole clip: pulses and noise."""
        fine = self._at_steps(f0_hz, frames)
        samples = frames * self.hop_length
        noise = self.noise.repeat(-(-samples // len(self.noise)))[:samples]
        return torch.stack([self.pulses(fine[None])[0], noise], dim=-1)

    def speak(self, mel_db: Tensor, f0_hz: Tensor | None = None, source: Tensor | None = None) -> Tensor:
        if source is None:
            source = self.source(f0_hz, len(mel_db))
        with torch.autocast(mel_db.device.type, enabled=False):
            f0_hz = self._at_steps(f0_hz, len(mel_db))
            return self(mel_db[None].float(), f0_hz[None], source[None])[0].clamp(-1, 1)

    def _at_steps(self, f0_hz: Tensor | None, frames: int) -> Tensor:
        device = self.window.device
        if f0_hz is None:
            return torch.zeros(frames * self.config.steps, device=device)
        values = f0_at_steps(f0_hz.cpu().numpy(), frames, self.config.steps)
        return torch.from_numpy(values.astype(np.float32)).to(device)

    def pulses(self, f0_hz: Tensor) -> Tensor:
        """F0 (B, T * steps) -> a train of band-limited pulses of power 1 (B, T * hop_length), whose spectrum is white.

        It begins a frame before each voiced stretch and ends a frame after it: the filters say where exactly it is
        heard. The sum of cosines in closed form: Dirichlet's kernel.
        """
        hz, on = self._held(f0_hz)
        hz, on = (x.repeat_interleave(self.config.step_samples, dim=-1) for x in (hz, on))
        rate = self.config.mel.sample_rate
        cycles = (hz.double() / rate).cumsum(dim=-1)
        angle = torch.pi * (cycles - cycles.round()).float()  # half of the fundamental's phase
        harmonics = (_TOP_OF_NYQUIST * rate / 2 / hz).floor()
        below = angle.sin()
        near = below.abs() < 1e-4
        kernel = torch.where(
            near, 2 * harmonics + 1, ((2 * harmonics + 1) * angle).sin() / torch.where(near, 1.0, below)
        )
        return on * (kernel - 1) / (2 * harmonics).sqrt()

    def _held(self, f0_hz: Tensor) -> tuple[Tensor, Tensor]:
        """F0 and whether pulses sound (B, N), a frame beyond each voiced stretch with the F0 of its end."""
        steps = self.config.steps
        on = max_pool1d((f0_hz > 0).float()[:, None], 2 * steps + 1, 1, steps)[:, 0]
        hz = f0_hz.clone()
        for shift in (1, -1):
            for _ in range(steps):
                moved = hz.roll(shift, dims=-1)
                hz = torch.where(hz > 0, hz, moved)
        return torch.where(hz > 0, hz, torch.full_like(hz, _MIDDLE_HZ)), on

    def gains_db(self, mel_db: Tensor, f0_hz: Tensor) -> Tensor:
        """Mel (B, T, n_mels) and F0 (B, T * steps) -> both sources' filters (B, T * steps, 2, n_mels), as a mel, dB."""
        steps, (batch, frames, _) = self.config.steps, mel_db.shape
        loudest = max_pool1d(mel_db.amax(dim=2)[:, None], 2 * _LOUDEST_WITHIN + 1, 1, _LOUDEST_WITHIN)[:, 0]
        seen = (mel_db - loudest[..., None]) / _INPUT_RANGE_DB + 1
        voiced = f0_hz > 0
        octaves = torch.where(voiced, (f0_hz.clamp_min(1) / _MIDDLE_HZ).log2(), torch.zeros_like(f0_hz))
        melody = torch.stack([voiced.float(), octaves], dim=1)
        by_frame = melody.reshape(batch, 2, frames, steps).transpose(2, 3).reshape(batch, 2 * steps, frames)
        x = self.first(torch.cat([seen.clamp_min(-4).transpose(1, 2), by_frame], dim=1))
        for layer in self.coarse:
            x = layer(x)
        x = self.apart(gelu(x)).reshape(batch, -1, steps, frames).transpose(2, 3).reshape(batch, -1, frames * steps)
        x = x + self.melody(melody)
        for layer in self.fine:
            x = layer(x)
        free = self.last(gelu(x)).reshape(batch, 2, self.n_mels, -1).permute(0, 3, 1, 2)
        base = _between(mel_db @ self.smooth, steps)
        return base[:, :, None] + self.balance_db[:, None] + FREE_GAIN_DB * free

    def forward(self, mel_db: Tensor, f0_hz: Tensor, source: Tensor) -> Tensor:
        return self.filtered(self.gains_db(mel_db, f0_hz), source)

    def filtered(self, gains_db: Tensor, source: Tensor) -> Tensor:
        """The sum (B, T * hop_length) of both sources, each through its filters."""
        step, bins = self.config.step_samples, _FFT // 2 + 1
        gains = ((gains_db - self.level) * (np.log(10) / 20)).contiguous()
        magnitudes = (gains @ self.response[:, :bins]).clamp(-20, 12).exp()
        phase = gains[:, :, 0].contiguous() @ self.response[:, bins:]  # of noise any phase will do
        frames = pad(source.transpose(1, 2), (step // 2, step - step // 2)).unfold(2, 2 * step, step)
        spectra = torch.view_as_real(torch.fft.rfft(frames.transpose(1, 2) * self.window, _FFT))  # (B, N, 2, bins, 2)
        mixed = torch.view_as_complex((spectra * magnitudes[..., None]).sum(dim=2))
        heard = torch.fft.irfft(mixed * torch.polar(torch.ones_like(phase), phase), _FFT)
        length = (heard.shape[1] - 1) * step + _FFT
        joined = fold(heard.transpose(1, 2), (1, length), (1, _FFT), stride=(1, step))[:, 0, 0]
        return _without_offset(joined[:, step // 2 :][:, : source.shape[1]], self.config.mel.sample_rate)


def _without_offset(x: Tensor, rate: int) -> Tensor:
    """The waveform (B, L) less its mean over _LOWEST_HZ's period before and after each sample, with triangular weights:
    steps of a filter's gain would be heard as thumps."""
    width = int(rate / _LOWEST_HZ) | 1
    low = x
    for _ in range(2):
        sums = pad(low, (width // 2 + 1, width // 2)).double().cumsum(dim=-1)
        low = ((sums[:, width:] - sums[:, :-width]) / width).to(x)
    return x - low


def f0_at_steps(f0_hz: np.ndarray, frames: int, steps: int) -> np.ndarray:
    """F0 (frames * steps,) in Hz, 0 where unvoiced. f0_hz: the same, or (frames,) at the frames' midpoints, between
    which voiced frames are joined by straight lines in octaves."""
    voiced = np.flatnonzero(f0_hz)
    if len(f0_hz) == frames * steps or not len(voiced):
        return f0_hz if len(f0_hz) == frames * steps else np.zeros(frames * steps)
    place = (np.arange(frames * steps) + 0.5) / steps - 0.5
    octaves = np.interp(place, voiced, np.log2(f0_hz[voiced].astype(np.float64)))
    return np.exp2(octaves) * np.repeat(f0_hz > 0, steps)


def _between(mel_db: Tensor, steps: int) -> Tensor:
    """(B, T, n_mels) at the frames' midpoints -> (B, T * steps, n_mels), by straight lines."""
    return torch.nn.functional.interpolate(mel_db.transpose(1, 2), scale_factor=steps, mode="linear").transpose(1, 2)


def _smoothing(n_mels: int, coefficients: int) -> Tensor:
    """(n_mels, n_mels): a mel times this is its envelope, speech.mel.spectral_envelope."""
    from scipy.fft import dct, idct

    cepstra = dct(np.eye(n_mels), norm="ortho", axis=1)
    cepstra[:, coefficients:] = 0
    return torch.from_numpy(idct(cepstra, norm="ortho", axis=1)).float()


def _responses(spec: MelSpec) -> tuple[Tensor, Tensor]:
    """What turns a mel into a filter of white noise of power 1 that would give that mel.

    Returns (n_mels, 2 * bins): of a mel's natural-log gains, the log magnitude and the phase at each bin of the
    filter's spectrum; the phase is that of minimum phase, the Hilbert transform of the log magnitude. And (n_mels,):
    the mel of white noise, dB, which a filter without gain has.
    """
    hz = np.arange(_FFT // 2 + 1) * spec.sample_rate / _FFT
    centres = centre_frequencies_hz(spec)
    at = np.interp(np.maximum(hz, _LOWEST_HZ), centres, np.arange(spec.n_mels))
    low = np.minimum(at.astype(int), spec.n_mels - 2)
    magnitude = np.zeros((spec.n_mels, len(hz)))
    magnitude[low, np.arange(len(hz))] = 1 - (at - low)
    magnitude[low + 1, np.arange(len(hz))] = at - low
    cepstrum = np.fft.irfft(magnitude, _FFT)
    cepstrum[:, 1 : _FFT // 2] *= 2
    cepstrum[:, _FFT // 2 + 1 :] = 0
    causal = np.fft.rfft(cepstrum, _FFT)
    bins_hz = np.arange(spec.n_fft // 2 + 1) * spec.sample_rate / spec.n_fft
    emphasis = np.abs(1 - spec.preemphasis * np.exp(-2j * np.pi * bins_hz / spec.sample_rate)) ** 2
    window = np.hanning(spec.win_length + 1)[:-1]
    level = 10 * np.log10(filterbank(spec) @ emphasis * np.square(window).sum())
    both = np.concatenate([causal.real, causal.imag], axis=1)
    return torch.from_numpy(both).float(), torch.from_numpy(level).float()


def steady_noise(rate: float) -> Tensor:
    """White noise (_NOISE_SAMPLES,) of power 1 above _LOWEST_HZ, with a steady short-time spectrum; always the same.

    Noise by chance is now louder, now softer in each narrow band, which is heard as movement that speech does not have.
    Its short-time spectrum is made flat by the iterations of D. W. Griffin and J. S. Lim, IEEE Trans. ASSP 32 (1984);
    the idea is low-noise noise (J. Pumplin, J. Acoust. Soc. Am. 78, 1985).
    """
    hop = round(_STEADY_WITHIN_S * rate / 4)
    noise = torch.randn(_NOISE_SAMPLES, generator=torch.Generator().manual_seed(_NOISE_SEED))
    window = torch.hann_window(4 * hop)
    for _ in range(_STEADY_ROUNDS):
        spectra = torch.stft(noise, 4 * hop, hop, 4 * hop, window, return_complex=True)
        flat = spectra / spectra.abs().clamp_min(1e-6)
        noise = torch.istft(flat, 4 * hop, hop, 4 * hop, window, length=_NOISE_SAMPLES)
    spectrum = torch.fft.rfft(noise)
    spectrum[: round(_LOWEST_HZ / rate * _NOISE_SAMPLES)] = 0
    noise = torch.fft.irfft(spectrum)
    return noise / noise.square().mean().sqrt()

"""HiFi-GAN's generator (Kong, Kim and Bae, NeurIPS 2020) and the thesis' variant: log mel -> waveform."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch.nn.utils.parametrizations import weight_norm

from ..errors import InputError
from ..mapping import from_json
from .vocoder import Vocoder

_SLOPE = 0.1
_LAST_SLOPE = 0.01  # the reference implementation leaves the last activation at PyTorch's default
_LARGEST_SIZE = 4096
LAYOUTS = ("hifigan", "thesis")


def _tuples(value):
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value


def _sizes(value) -> bool:
    """Whether a value, or every value in it, is a valid layer size."""
    if isinstance(value, tuple):
        return bool(value) and all(map(_sizes, value))
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST_SIZE


@dataclass(frozen=True)
class GeneratorConfig:
    """Hyperparameters of a Generator. layout: "hifigan", the reference's, or "thesis" (see Generator)."""

    n_mels: int = 64
    upsample_rates: tuple[int, ...] = (10, 7, 3, 2)
    upsample_kernel_sizes: tuple[int, ...] = (20, 15, 7, 4)
    initial_channel: int = 512
    resblock: str = "1"
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    layout: str = "hifigan"

    def __post_init__(self):
        for f in fields(self):
            object.__setattr__(self, f.name, _tuples(getattr(self, f.name)))
            if f.name not in ("resblock", "layout") and not _sizes(getattr(self, f.name)):
                raise InputError(
                    "The vocoder's {name} must be whole numbers from 1 to {most}, not {given!r}.",
                    name=f.name,
                    most=_LARGEST_SIZE,
                    given=getattr(self, f.name),
                )
        if len(self.upsample_rates) != len(self.upsample_kernel_sizes):
            raise InputError("The vocoder needs one upsample_kernel_size for each upsample_rate.")
        for kernel, rate in zip(self.upsample_kernel_sizes, self.upsample_rates, strict=True):
            if kernel < rate or (kernel - rate) % 2:
                raise InputError(
                    "The vocoder's upsample kernel {kernel} minus its rate {rate} must be even and not negative.",
                    kernel=kernel,
                    rate=rate,
                )
        if self.resblock not in ("1", "2"):
            raise InputError("The vocoder's resblock must be '1' or '2', not {given!r}.", given=self.resblock)
        if len(self.resblock_kernel_sizes) != len(self.resblock_dilation_sizes):
            raise InputError("The vocoder needs one list of dilations for each resblock kernel size.")
        if self.initial_channel % 2 ** len(self.upsample_rates):
            raise InputError("The vocoder's initial_channel must be divisible by 2 for each upsampling.")
        if self.layout not in LAYOUTS:
            raise InputError(
                "The vocoder's layout is one of {layouts}, not {given!r}.",
                layouts=", ".join(LAYOUTS),
                given=self.layout,
            )

    @property
    def hop_length(self) -> int:
        """Samples made for each mel frame."""
        return math.prod(self.upsample_rates)

    to_json = asdict

    @classmethod
    def from_json(cls, data: dict) -> "GeneratorConfig":
        """Also reads files older than `layout`, whose edge_padding "both" was HiFi-GAN's layout.

        Raises InputError for the thesis' layout of that time, whose residual convolutions were misread.
        """
        data = dict(data)
        if data.pop("edge_padding", "both") != "both" and "layout" not in data:
            raise InputError(
                "This vocoder has the thesis' layout and was converted when that was misread (up to 44 % off): "
                "convert its checkpoints again."
            )
        return from_json(cls, data)


Convolution = Callable[[int, int, int], nn.Conv1d]
Norm = Callable[[nn.Module], nn.Module]


def _centred(channels: int, kernel: int, dilation: int) -> nn.Conv1d:
    """Convolution with symmetric padding: (B, C, L) -> (B, C, L)."""
    return nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)


class _LookingBack(nn.Conv1d):
    """Causal convolution: (B, C, L) -> (B, C, L)."""

    def __init__(self, channels: int, kernel: int, dilation: int):
        super().__init__(channels, channels, kernel, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(x, (self.dilation[0] * (self.kernel_size[0] - 1), 0)))


def unnormed(convolution: nn.Module) -> nn.Module:
    return convolution


class ResBlock1(nn.Module):
    """Residual pairs of a dilated and a plain convolution. (B, C, L) -> (B, C, L)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...], convolution: Convolution, norm: Norm):
        super().__init__()
        self.convs1 = nn.ModuleList(norm(convolution(channels, kernel, d)) for d in dilations)
        self.convs2 = nn.ModuleList(norm(convolution(channels, kernel, 1)) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(leaky_relu(dilated(leaky_relu(x, _SLOPE)), _SLOPE))
        return x


class ResBlock2(nn.Module):
    """Residual dilated convolutions, the light variant. (B, C, L) -> (B, C, L)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...], convolution: Convolution, norm: Norm):
        super().__init__()
        self.convs = nn.ModuleList(norm(convolution(channels, kernel, d)) for d in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = x + conv(leaky_relu(x, _SLOPE))
        return x


LOG_MEL_FLOOR = 1e-5
VOCODER_INPUTS = {"ln_power": 10.0, "ln_magnitude": 20.0}


def vocoder_input(mel_db: Tensor, kind: str) -> Tensor:
    """dB power mel (..., n_mels) -> a vocoder's input, natural log with a floor of 1e-5.

    kind "ln_power": ln of the power mel, the thesis'. "ln_magnitude": ln of the magnitude mel, the reference
    implementation's.
    """
    return (mel_db * (math.log(10) / VOCODER_INPUTS[kind])).clamp_min(math.log(LOG_MEL_FLOOR))


class Generator(Vocoder):
    """Log mel (B, n_mels, T) -> waveform (B, 1, T * hop_length) in [-1, 1].

    Layout "thesis" differs in three: the first convolution has no weight norm; the first and the last convolution pad
    six zeros at the end instead of three on each side; and residual convolutions are causal.
    """

    takes_f0 = False

    def __init__(self, config: GeneratorConfig = GeneratorConfig(), norm: Norm = weight_norm, input: str = "ln_power"):
        """norm: of the convolutions; `unnormed` for folded weights, as in bundles. input: of VOCODER_INPUTS."""
        super().__init__()
        if input not in VOCODER_INPUTS:
            raise InputError(
                "A vocoder's input is one of {known}, not {given!r}.", known=", ".join(VOCODER_INPUTS), given=input
            )
        self.config, self.input = config, input
        self.n_mels, self.hop_length = config.n_mels, config.hop_length
        thesis = config.layout == "thesis"
        self.beyond_the_end = 6 if thesis else 0
        on_each_side = 0 if thesis else 3
        first = nn.Conv1d(config.n_mels, config.initial_channel, 7, padding=on_each_side)
        self.conv_pre = first if thesis else norm(first)
        convolution = _LookingBack if thesis else _centred
        block = ResBlock1 if config.resblock == "1" else ResBlock2
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        channels = config.initial_channel
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
            up = nn.ConvTranspose1d(channels, channels // 2, kernel, rate, padding=(kernel - rate) // 2)
            self.ups.append(norm(up))
            channels //= 2
            for size, dilations in zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True):
                self.resblocks.append(block(channels, size, dilations, convolution, norm))
        self.conv_post = norm(nn.Conv1d(channels, 1, 7, padding=on_each_side))

    def forward(self, mel: Tensor) -> Tensor:
        branches = len(self.config.resblock_kernel_sizes)
        x = self.conv_pre(self._pad(mel))
        for i, up in enumerate(self.ups):
            x = up(leaky_relu(x, _SLOPE))
            x = sum(block(x) for block in self.resblocks[i * branches : (i + 1) * branches]) / branches
        return torch.tanh(self.conv_post(self._pad(leaky_relu(x, _LAST_SLOPE))))

    def _pad(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x, (0, self.beyond_the_end)) if self.beyond_the_end else x

    @classmethod
    def from_json(cls, data: Mapping) -> "Generator":
        """A generator for folded weights. data: the config's fields, and "input"."""
        data = dict(data)
        kind = data.pop("input", "ln_power")
        return cls(GeneratorConfig.from_json(data), unnormed, kind)

    def to_json(self) -> dict:
        return {"input": self.input, **self.config.to_json()}

    def speak(self, mel_db: Tensor, f0_hz: Tensor | None = None, source: Tensor | None = None) -> Tensor:
        return self(vocoder_input(mel_db, self.input).T[None])[0, 0]

    def ready(self) -> "Generator":
        return self.fold_weight_norm()

    @property
    def context_frames(self) -> int:
        """Receptive field on either side in mel frames, computed from the last layer back."""
        config = self.config
        block = max(
            sum((size - 1) * (d + (1 if config.resblock == "1" else 0)) for d in dilations)
            for size, dilations in zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True)
        )  # a residual block's whole receptive field, as if on one side
        reach = 6
        for rate, kernel in zip(config.upsample_rates[::-1], config.upsample_kernel_sizes[::-1], strict=True):
            reach = math.ceil((reach + (block if config.layout == "thesis" else block / 2) + kernel) / rate)
        return reach + 6

    def fold_weight_norm(self) -> "Generator":
        """Fold weight norm into the convolutions, in place, for inference."""
        for module in self.modules():
            if nn.utils.parametrize.is_parametrized(module, "weight"):
                nn.utils.parametrize.remove_parametrizations(module, "weight")
        return self

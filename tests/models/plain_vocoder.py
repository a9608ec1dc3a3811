"""HiFi-GAN's generator and the thesis' variant written out layer by layer, independently of the code they test.

A reference for tests. `checkpoint` makes a file's content with random weights, `speak` computes what it says.

HiFi-GAN (jik876/hifi-gan, models.py): convolutions see as much of the past as of the future. The thesis' code
(YamaneKoyo/mri-to-speech, models.py and utils.py) pads every residual convolution with kernel * dilation - dilation on
both sides, twice as much as keeps the length, and afterwards cuts the pair's output to the length of its input, first
sample first; its first convolution has no weight norm; and it puts six zeros after the signal before the first and the
last convolution, which have no padding.
"""

import torch
from torch import Tensor
from torch.nn.functional import conv1d, conv2d, conv_transpose1d, leaky_relu, pad


def config(resblock: str = "1", channels: int = 16) -> dict:
    """A HiFi-GAN config.json: the thesis' with fewer channels."""
    return {
        "resblock": resblock,
        "upsample_rates": [10, 7, 3, 2],
        "upsample_kernel_sizes": [20, 15, 7, 4],
        "upsample_initial_channel": channels,
        "resblock_kernel_sizes": [3, 7, 11],
        "resblock_dilation_sizes": [[1, 3, 5]] * 3 if resblock == "1" else [[1, 3]] * 3,
        "num_mels": 64,
        "sampling_rate": 11413,
        "hop_size": 420,
    }


def checkpoint(h: dict, thesis: bool, seed: int = 0) -> dict[str, Tensor]:
    """A generator's tensors under the names both programs give them, loud enough that every layer matters."""
    random = torch.Generator().manual_seed(seed)
    state = {}

    def put(name: str, *shape: int, transposed: bool = False, plain: bool = False) -> None:
        fan_in = shape[0] * 2 if transposed else shape[1] * shape[2]
        weight = torch.randn(*shape, generator=random) * (2 / fan_in) ** 0.5
        state[f"{name}.bias"] = 0.05 * torch.randn(shape[1] if transposed else shape[0], generator=random)
        if plain:
            state[f"{name}.weight"] = weight
        else:
            size = weight.flatten(1).norm(dim=1)[:, None, None]
            state[f"{name}.weight_g"] = size
            state[f"{name}.weight_v"] = weight * (0.5 + torch.rand(shape[0], 1, 1, generator=random))

    channels = h["upsample_initial_channel"]
    put("conv_pre", channels, h["num_mels"], 7, plain=thesis)
    number = 0
    for i, kernel in enumerate(h["upsample_kernel_sizes"]):
        put(f"ups.{i}", channels, channels // 2, kernel, transposed=True)
        channels //= 2
        for size, dilations in zip(h["resblock_kernel_sizes"], h["resblock_dilation_sizes"], strict=True):
            for d in range(len(dilations)):
                for part in ("convs1", "convs2") if h["resblock"] == "1" else ("convs",):
                    put(f"resblocks.{number}.{part}.{d}", channels, channels, size)
            number += 1
    put("conv_post", 1, channels, 7)
    return state


def speak(state: dict[str, Tensor], h: dict, mel: Tensor, thesis: bool) -> Tensor:
    """mel (B, n_mels, T) -> waveform (B, 1, T * hop)."""

    def weight(name: str) -> Tensor:
        if f"{name}.weight" in state:
            return state[f"{name}.weight"]
        v = state[f"{name}.weight_v"]
        return state[f"{name}.weight_g"] * v / v.pow(2).sum(dim=(1, 2), keepdim=True).sqrt()

    def residual(name: str, x: Tensor, dilation: int) -> Tensor:
        w = weight(name)
        around = w.shape[2] * dilation - dilation
        return conv1d(x, w, state[f"{name}.bias"], padding=around if thesis else around // 2, dilation=dilation)

    def end(name: str, x: Tensor) -> Tensor:
        return conv1d(pad(x, (0, 6) if thesis else (3, 3)), weight(name), state[f"{name}.bias"])

    x = end("conv_pre", mel)
    number = 0
    for i, (rate, kernel) in enumerate(zip(h["upsample_rates"], h["upsample_kernel_sizes"], strict=True)):
        name = f"ups.{i}"
        x = leaky_relu(x, 0.1)
        x = conv_transpose1d(x, weight(name), state[f"{name}.bias"], stride=rate, padding=(kernel - rate) // 2)
        branches = []
        for dilations in h["resblock_dilation_sizes"]:
            y = x
            for d, dilation in enumerate(dilations):
                z = leaky_relu(y, 0.1)
                if h["resblock"] == "1":
                    z = leaky_relu(residual(f"resblocks.{number}.convs1.{d}", z, dilation), 0.1)
                    z = residual(f"resblocks.{number}.convs2.{d}", z, 1)
                else:
                    z = residual(f"resblocks.{number}.convs.{d}", z, dilation)
                y = y + z[..., : y.shape[-1]]
            branches.append(y)
            number += 1
        x = torch.stack(branches).mean(dim=0)
    return torch.tanh(end("conv_post", leaky_relu(x, 0.01)))


def judge(state: dict[str, Tensor], period: int, sound: Tensor, thesis: bool) -> Tensor:
    """The scores (B, n) of a period discriminator of five convolutions; sound (B, 1, L), L a multiple of the period.

    HiFi-GAN pads its first four convolutions by 2, which get_padding gives for kernel 5; the thesis' gives 4.
    """

    def convolve(name: str, x: Tensor, stride: int, around: int) -> Tensor:
        v, g = state[f"{name}.weight_v"], state[f"{name}.weight_g"]
        weight = g * v / v.pow(2).sum(dim=(1, 2, 3), keepdim=True).sqrt()
        return conv2d(x, weight, state[f"{name}.bias"], stride=(stride, 1), padding=(around, 0))

    x = sound.reshape(len(sound), 1, -1, period)
    for k in range(4):
        x = leaky_relu(convolve(f"convs.{k}", x, 3, 4 if thesis else 2), 0.1)
    x = leaky_relu(convolve("convs.4", x, 1, 2), 0.1)
    return convolve("conv_post", x, 1, 1).flatten(1)


def relative_rms(made: Tensor, wanted: Tensor) -> float:
    """Root mean square of the difference, relative to the wanted signal's."""
    return float((made - wanted).pow(2).mean().sqrt() / wanted.pow(2).mean().sqrt())

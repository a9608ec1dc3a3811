"""Checkpoints -> Bundle: the thesis' acoustic .pt, and HiFi-GAN's g_######## with its config.json.

docs/thesis_model_settings.md describes their keys and the two variants of the vocoder.
"""

import json
import os
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..spec import FrameSpec, MelSpec
from ..speech.mel import Scaler
from .acoustic import AcousticConfig, AcousticModel, fold_stem
from .bundle import Bundle
from .hifigan import Generator, GeneratorConfig
from .weights import load_exactly, read_checkpoint

Paths = str | os.PathLike
THESIS_MEL = MelSpec(layout="thesis")


def convert(
    acoustic: Paths,
    scaler: Paths,
    vocoder: Paths,
    vocoder_config: Paths,
    *,
    mel: MelSpec = THESIS_MEL,
    vocoder_input: str | None = None,
    vocoder_layout: str | None = None,
    name: str | None = None,
) -> Bundle:
    """The bundle of a thesis acoustic checkpoint, its scaler.json, and a HiFi-GAN generator with its config.json.

    vocoder_input None: "ln_power" for the thesis' vocoder, "ln_magnitude" for the reference implementation's.
    vocoder_layout: needed for a generator saved without its weight norm; otherwise the file shows it.
    Raises InputError naming the tensor, file or setting that does not fit.
    """
    acoustic_model = read_thesis_acoustic(acoustic)
    generator = read_hifigan_generator(vocoder, vocoder_config, mel, vocoder_layout)
    generator.input = vocoder_input or ("ln_power" if generator.config.layout == "thesis" else "ln_magnitude")
    return Bundle(
        name=name or Path(acoustic).stem,
        kind="converted",
        mel=mel,
        frames=FrameSpec(),
        scaler=Scaler.read(scaler, mel.n_mels),
        acoustic=acoustic_model,
        vocoder=generator,
        description=f"Converted from {Path(acoustic).name} and {Path(vocoder).name}.",
        training={"acoustic_file": Path(acoustic).name, "vocoder_file": Path(vocoder).name}
        | ({"vocoder_config_tells": other} if (other := other_mel(vocoder_config, mel)) else {}),
    )


def is_thesis_acoustic(checkpoint: dict) -> bool:
    """Whether a checkpoint has the keys of the thesis' acoustic model."""
    state = checkpoint.get("model_state_dict", checkpoint)
    return isinstance(state, dict) and any(
        str(key).removeprefix("module.").startswith("cnn.backbone.") for key in state
    )


def read_thesis_acoustic(path: Paths, cnn: str = AcousticConfig.cnn) -> AcousticModel:
    """A thesis checkpoint: {"model_state_dict": ...} or a bare state dict, keys cnn.backbone.*, rnn.lstm.*, head.*.

    A three-channel stem is folded to one channel (exact for equal channels).
    """
    checkpoint = read_checkpoint(path)
    state = checkpoint.get("model_state_dict", checkpoint)
    tensors: dict[str, Tensor] = {}
    for key, value in state.items() if isinstance(state, dict) else ():
        if not isinstance(value, Tensor):
            raise InputError("{path}: the entry {key} is not a tensor.", path=path, key=key)
        key = key.removeprefix("module.")
        for old, new in (("cnn.backbone.", "cnn."), ("rnn.lstm.", "rnn.")):
            if key.startswith(old):
                key = new + key.removeprefix(old)
        tensors[key] = value.float() if value.is_floating_point() else value
    for dimensions, name in ((2, "head.weight"), (1, "head.bias")):
        found = [k for k, t in tensors.items() if k.startswith("head.") and t.dim() == dimensions]
        if len(found) != 1:
            raise InputError("{path}: expected one {name}, found {count}.", path=path, name=name, count=len(found))
        tensors[name] = tensors.pop(found[0])
    if "rnn.weight_hh_l0" not in tensors:
        raise InputError("{path} lacks tensor rnn.lstm.weight_hh_l0: it is not a thesis acoustic model.", path=path)
    config = AcousticConfig(
        cnn=cnn, n_mels=tensors["head.weight"].shape[0], rnn_hidden=tensors["rnn.weight_hh_l0"].shape[1]
    )
    model = AcousticModel(config)
    stem = next(key for key in model.state_dict() if key.startswith("cnn."))
    if stem in tensors and tensors[stem].dim() == 4:
        tensors[stem] = fold_stem(tensors[stem])
    load_exactly(model, tensors, str(path))
    return model


def read_hifigan_generator(path: Paths, config_path: Paths, mel: MelSpec, layout: str | None = None) -> Generator:
    """A HiFi-GAN generator {"generator": ...} with its config.json, weight norm folded in.

    layout None: told by the first convolution's weight norm, which the thesis' layout lacks.
    """
    checkpoint = read_checkpoint(path)
    state = checkpoint.get("generator", checkpoint)
    if not isinstance(state, dict):
        raise InputError("{path}: the entry 'generator' is not a dictionary of tensors.", path=path)
    state = {str(name).removeprefix("module."): tensor for name, tensor in state.items()}
    config = _generator_config(config_path, _layout(state, path, layout), mel)
    try:
        generator = Generator(config).fold_weight_norm()
    except (RuntimeError, TypeError, ValueError):
        raise InputError(
            "The vocoder's config {path} does not describe a HiFi-GAN generator.", path=config_path
        ) from None
    load_exactly(generator, _fold_weight_norm(state, path), str(path))
    return generator


def _layout(state: dict[str, Tensor], path: Paths, given: str | None) -> str:
    plain = {name for name in ("conv_pre", "ups.0") if f"{name}.weight" in state}
    if len(plain) == 2:
        if given is None:
            raise InputError(
                "{path} has no weight norm left, so it does not show which layout it has: give --vocoder-layout.",
                path=path,
            )
        return given
    found = "thesis" if plain == {"conv_pre"} else "hifigan"
    if given not in (None, found):
        raise InputError(
            "{path} is in layout {found}, not {given}: leave out --vocoder-layout.", path=path, found=found, given=given
        )
    return found


def other_mel(config_path: Paths, mel: MelSpec) -> list[str]:
    """Differences of the mel in a vocoder's config from the acoustic model's: "fmax 8000, not 5706.5"."""
    data = _read_config(config_path)
    ours = {"n_fft": mel.n_fft, "win_size": mel.win_length, "fmin": mel.fmin_hz, "fmax": mel.top_hz}
    told = {name: data[name] for name in ours if name in data} | ({"fmax": mel.top_hz} if not data.get("fmax") else {})
    return [f"{name} {value}, not {ours[name]:g}" for name, value in told.items() if value != ours[name]]


def _read_config(path: Paths) -> dict:
    """HiFi-GAN's config.json. A byte order mark and quoted numbers are accepted."""
    try:
        data = json.loads(Path(path).read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise InputError(
            "Cannot read the vocoder's config {path}: {reason}.", path=path, reason=error.strerror
        ) from None
    except ValueError:
        raise InputError("The vocoder's config {path} is not a JSON file.", path=path) from None
    if not isinstance(data, dict):
        raise InputError("The vocoder's config {path} does not describe a HiFi-GAN generator.", path=path)
    return {name: _number(value) for name, value in data.items()}


def _number(value):
    if isinstance(value, list):
        return [_number(one) for one in value]
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value


def _generator_config(path: Paths, layout: str, mel: MelSpec) -> GeneratorConfig:
    data = _read_config(path)
    for name, ours in (("sampling_rate", mel.sample_rate), ("hop_size", mel.hop_length), ("num_mels", mel.n_mels)):
        if data.get(name, ours) != ours:
            raise InputError(
                "The vocoder's {name} in {path} is {given}, the acoustic model's is {ours}.",
                name=name,
                path=path,
                given=data[name],
                ours=ours,
            )
    try:
        return GeneratorConfig(
            n_mels=data.get("num_mels", mel.n_mels),
            upsample_rates=data["upsample_rates"],
            upsample_kernel_sizes=data["upsample_kernel_sizes"],
            initial_channel=data["upsample_initial_channel"],
            resblock=str(data["resblock"]),
            resblock_kernel_sizes=data["resblock_kernel_sizes"],
            resblock_dilation_sizes=data["resblock_dilation_sizes"],
            layout=layout,
        )
    except KeyError as error:
        raise InputError("The vocoder's config {path} lacks the entry {reason}.", path=path, reason=error) from None
    except (TypeError, AttributeError):
        raise InputError("The vocoder's config {path} does not describe a HiFi-GAN generator.", path=path) from None


def _fold_weight_norm(state: dict[str, Tensor], path: Paths) -> dict[str, Tensor]:
    """weight_g and weight_v (or PyTorch's newer original0 and original1) -> weight."""
    names = ((".weight_g", ".weight_v"), (".parametrizations.weight.original0", ".parametrizations.weight.original1"))
    folded: dict[str, Tensor] = {}
    rest = dict(state)
    for magnitude, direction in names:
        for key in [k for k in rest if k.endswith(direction)]:
            base = key.removesuffix(direction)
            if base + magnitude not in rest:
                raise InputError("{path} lacks tensor {name}.", path=path, name=base + magnitude)
            v, g = rest.pop(key), rest.pop(base + magnitude)
            if g.shape != (v.shape[0],) + (1,) * (v.dim() - 1):
                raise InputError(
                    "{path}: tensor {name} has shape {shape}, which does not fit.",
                    path=path,
                    name=base + magnitude,
                    shape=tuple(g.shape),
                )
            folded[base + ".weight"] = torch._weight_norm(v.float(), g.float(), 0)
    return folded | {k: t.float() if isinstance(t, Tensor) else t for k, t in rest.items()}

"""Restorer: the adapted encoder and a vocoder on its features; and its bundle.

restore.json         name, hyperparameters, sampling rate, training, sha256 of the file below
restore.safetensors  the encoder up to the tap layer, adapters and vocoder (weight norm folded in), float16 or float32
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from ..errors import InputError
from ..files import atomic_write, sha256_of
from ..models.hifigan import Generator, GeneratorConfig, unnormed
from ..models.weights import load_exactly, read_safetensors, write_safetensors
from .encoder import ENCODER_RATE, AdaptedEncoder, build_hubert

FORMAT = "rtmri2speech restoration"
FORMAT_VERSION = 1


class Restorer(nn.Module):
    """Speech (B, L) at 16 kHz -> restored speech (B, frames * vocoder hop) at `rate` Hz."""

    def __init__(self, encoder: AdaptedEncoder, vocoder: Generator, rate: int):
        super().__init__()
        if vocoder.config.n_mels != encoder.channels:
            raise InputError(
                "The vocoder takes {n_mels} channels, the encoder gives {channels}.",
                n_mels=vocoder.config.n_mels,
                channels=encoder.channels,
            )
        if vocoder.config.hop_length * ENCODER_RATE != rate * encoder.hop:
            raise InputError(
                "The vocoder makes {hop_length} samples a frame; at {rate} Hz and "
                "{fps:g} frames/s it must make {wanted:g}.",
                hop_length=vocoder.config.hop_length,
                rate=rate,
                fps=ENCODER_RATE / encoder.hop,
                wanted=rate * encoder.hop / ENCODER_RATE,
            )
        self.encoder, self.vocoder, self.rate = encoder, vocoder, rate

    def forward(self, waveform: Tensor) -> Tensor:
        return self.speak(self.encoder.restored(waveform))

    def speak(self, features: Tensor) -> Tensor:
        """Features (B, T, C) -> waveform (B, T * hop), after layer norm, as HuBERT's layers differ in scale."""
        return self.vocoder(layer_norm(features, features.shape[-1:]).transpose(1, 2))[:, 0]


@dataclass
class RestorationBundle:
    """A trained Restorer, in eval mode and without gradients."""

    name: str
    model: Restorer
    description: str = ""
    training: dict = field(default_factory=dict)

    def __post_init__(self):
        self.model.vocoder.fold_weight_norm()
        self.model.eval().requires_grad_(False)

    def save(self, folder: str | os.PathLike, *, half: bool = False) -> None:
        """Write the folder, complete or not at all. half: store float16 weights."""
        folder, model = Path(folder), self.model
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise InputError("{folder} exists already: give the name of a new folder.", folder=folder)
        config = model.encoder.hubert.config.to_dict()
        kind = torch.float16 if half else torch.float32
        with atomic_write(folder) as temporary:
            temporary.mkdir()
            weights = temporary / "restore.safetensors"
            write_safetensors(weights, {name: t.to(kind) for name, t in model.state_dict().items()})
            description = {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "name": self.name,
                "description": self.description,
                "encoder": {k: config[k] for k in sorted(config) if k in _SHAPE},
                "tap": model.encoder.tap,
                "bottleneck": model.encoder.bottleneck,
                "normalise": model.encoder.normalise,
                "vocoder": model.vocoder.config.to_json(),
                "rate": model.rate,
                "training": self.training,
                "sha256": {weights.name: sha256_of(weights)},
            }
            text = json.dumps(description, indent=1, ensure_ascii=False)
            (temporary / "restore.json").write_text(text, encoding="utf-8")


# Fields of a HubertConfig that determine the encoder's output.
_SHAPE = frozenset(
    "hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act conv_dim conv_kernel conv_stride "
    "conv_bias num_feat_extract_layers feat_extract_norm feat_extract_activation feat_proj_layer_norm "
    "do_stable_layer_norm num_conv_pos_embeddings num_conv_pos_embedding_groups conv_pos_batch_norm layer_norm_eps "
    "mask_time_prob mask_feature_prob".split()
)


def load_restoration(folder: str | os.PathLike) -> RestorationBundle:
    """Load a folder of `RestorationBundle.save`. Raises InputError if anything is missing or damaged."""
    folder = Path(folder)
    path, weights = folder / "restore.json", folder / "restore.safetensors"
    if not path.is_file() or not weights.is_file():
        raise InputError(
            "There is no restoration bundle in {folder}: restore.json or restore.safetensors is missing.", folder=folder
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT or data["format_version"] != FORMAT_VERSION:
            raise InputError(
                "{path} is not a restoration bundle of format version {format_version}.",
                path=path,
                format_version=FORMAT_VERSION,
            )
        if sha256_of(weights) != data["sha256"][weights.name]:
            raise InputError("{weights} is damaged: its sha256 is not the one in restore.json.", weights=weights)
        hubert = build_hubert(data["encoder"] | {"num_hidden_layers": data["tap"]})
        encoder = AdaptedEncoder(hubert, data["tap"], data["bottleneck"], data["normalise"])
        vocoder = Generator(GeneratorConfig.from_json(data["vocoder"]), unnormed)
        model = Restorer(encoder, vocoder, data["rate"])
        about = data["name"], data["description"], data["training"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("{path} is damaged or lacks an entry ({reason}).", path=path, reason=error) from None
    load_exactly(model, read_safetensors(weights), str(weights))
    return RestorationBundle(about[0], model, about[1], about[2])

"""A tiny untrained restoration model: it tests the way, not the speech."""

import torch

from rtmri2speech.models.hifigan import Generator, GeneratorConfig
from rtmri2speech.restore.encoder import AdaptedEncoder, build_hubert
from rtmri2speech.restore.model import Restorer

ENCODER = {
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8, 8, 16],
    "conv_kernel": [32, 16, 5],
    "conv_stride": [16, 10, 2],
    "conv_bias": True,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    # Everything that training mode would switch on, to be seen if it is.
    "hidden_dropout": 0.5,
    "attention_dropout": 0.5,
    "activation_dropout": 0.5,
    "layerdrop": 0.5,
    "mask_time_prob": 0.5,
}
VOCODER = {
    "n_mels": 16,
    "upsample_rates": [8, 5, 4, 2],
    "upsample_kernel_sizes": [16, 11, 8, 4],
    "initial_channel": 16,
    "resblock": "2",
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3]],
}


def small_encoder(tap: int = 3, **changes) -> AdaptedEncoder:
    torch.manual_seed(0)
    return AdaptedEncoder(build_hubert(ENCODER | changes), tap, bottleneck=4)


def small_restorer(tap: int = 3) -> Restorer:
    encoder = small_encoder(tap)
    torch.manual_seed(1)
    return Restorer(encoder, Generator(GeneratorConfig.from_json(VOCODER)), 16_000)


def adapters_that_do_something(encoder: AdaptedEncoder) -> None:
    """Adapters begin as zero: make them matter."""
    torch.manual_seed(2)
    for adapter in encoder.adapters:
        torch.nn.init.normal_(adapter.up.weight, std=0.3)

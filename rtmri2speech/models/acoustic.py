"""MRI frames -> standardised mel: a timm CNN, global average pooling, a temporal model (default: BiLSTM)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ..errors import InputError
from ..mapping import from_json
from ..speech.mel import Scaler
from .temporal_model import temporal_model
from .timm_import import FeatureInfo, timm

HEAD = ("head.weight", "head.bias")  # of an AcousticModel's tensors


@dataclass(frozen=True)
class AcousticConfig:
    """Hyperparameters of an AcousticModel; the defaults are the thesis'.

    cnn: any timm model with features_only. output_stride: input pixels per cell of the last map, 32, or 16 or 8 where
    the CNN can dilate its last stages. input_pool: factor of average pooling of the input. Pooling by 2 and an output
    stride of 16 give the 8x8 cells of a 256 px picture at about half the work. temporal: a name of
    temporal_model.TEMPORAL_MODELS; rnn_hidden: width of its state.
    """

    cnn: str = "tf_efficientnetv2_b2"
    n_mels: int = 64
    rnn_hidden: int = 640
    dropout: float = 0.5
    output_stride: int = 32
    input_pool: int = 1
    temporal: str = "bilstm"

    def __post_init__(self):
        if self.output_stride not in (8, 16, 32) or self.input_pool not in (1, 2, 4):
            raise InputError("The acoustic model's output_stride is 8, 16 or 32, and its input_pool 1, 2 or 4.")

    to_json = asdict

    @classmethod
    def from_json(cls, data: dict) -> "AcousticConfig":
        return from_json(cls, data)


class AcousticModel(nn.Module):
    """EfficientNetV2-B2 -> GAP -> temporal model -> Dropout -> Linear.

    The input has one gray channel. Three-channel checkpoints are folded by `fold_stem`.
    """

    def __init__(self, config: AcousticConfig = AcousticConfig()):
        super().__init__()
        self.config = config
        if not timm.is_model(config.cnn):
            raise InputError("timm has no model called {name!r}.", name=config.cnn)
        try:
            dilated: dict[str, Any] = {} if config.output_stride == 32 else {"output_stride": config.output_stride}
            self.cnn = timm.create_model(
                config.cnn, features_only=True, pretrained=False, in_chans=1, out_indices=(-1,), **dilated
            )
        except (RuntimeError, TypeError, AttributeError, AssertionError) as error:
            raise InputError(
                "The CNN {name!r} cannot give feature maps: {reason}.", name=config.cnn, reason=error
            ) from None
        self.channels = cast(FeatureInfo, self.cnn.feature_info).channels()[-1]
        self.rnn = temporal_model(config.temporal, self.channels, config.rnn_hidden)  # `rnn` as in the weights' names
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.rnn_hidden, config.n_mels)

    def feature_maps(self, frames: Tensor) -> Tensor:
        """Frames (N, 1, H, W) in [0, 1] -> last feature maps (N, C, h, w), by default h = H/32 and w = W/32."""
        return self.cnn(avg_pool2d(frames, self.config.input_pool))[-1]

    def states_from_features(self, features: Tensor) -> Tensor:
        """Pooled features (B, T, C) -> states of the temporal model (B, T, rnn_hidden)."""
        # cuDNN's LSTM has no backward in eval mode
        with torch.backends.cudnn.flags(enabled=self.training and torch.backends.cudnn.enabled):
            return self.rnn.states(features)

    def mel_from_states(self, states: Tensor) -> Tensor:
        """States (B, T, rnn_hidden) -> standardised mel (B, T, n_mels)."""
        return self.head(self.dropout(states))

    def mel_from_features(self, features: Tensor) -> Tensor:
        """Pooled features (B, T, C) -> standardised mel (B, T, n_mels)."""
        return self.mel_from_states(self.states_from_features(features))

    def frame_local_mel(self, features: Tensor, frames: np.ndarray | None = None) -> Callable[[Tensor], Tensor]:
        """A function of g (n, C) -> standardised mel (n, n_mels) in which each frame depends on its own row of g only.

        The features (T, C) of all other frames are held fixed. frames: indices of the n frames; default: all.
        """
        rows = np.arange(len(features)) if frames is None else frames
        local = self.rnn.frame_local_states(features, torch.as_tensor(rows, device=features.device))
        return lambda g: self.mel_from_states(local(g))

    def forward(self, frames: Tensor) -> Tensor:
        """Frames (B, T, 1, H, W) in [0, 1] -> standardised mel (B, T, n_mels)."""
        batch, time = frames.shape[:2]
        pooled = self.feature_maps(frames.flatten(0, 1)).mean(dim=(2, 3))
        return self.mel_from_features(pooled.unflatten(0, (batch, time)))


def head_in_scaler(weight: Tensor, bias: Tensor, old: Scaler, new: Scaler) -> tuple[Tensor, Tensor]:
    """Weight (n_mels, H) and bias (n_mels,) of an output layer that gives the same dB mel through another scaler:
    W * sigma_old / sigma_new and (b * sigma_old + mu_old - mu_new) / sigma_new, up to rounding."""
    sigma = torch.from_numpy(old.std / new.std).to(weight)
    shift = torch.from_numpy((old.mean - new.mean) / new.std).to(bias)
    return weight * sigma[:, None], bias * sigma + shift


def fold_stem(weight: Tensor) -> Tensor:
    """Stem weights (out, in, kh, kw) -> (out, 1, kh, kw): exact for inputs whose channels are all equal."""
    return weight.sum(dim=1, keepdim=True)

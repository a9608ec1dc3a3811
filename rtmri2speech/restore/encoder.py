"""A frozen HuBERT with parallel adapters: waveform -> features of one layer, plain or restored.

After Miipher-2 (S. Karita et al., arXiv 2505.04457, 2025), whose encoder is the Universal Speech Model.
"""

import json
import math
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import gelu, pad

from ..errors import InputError

if TYPE_CHECKING:  # slow to import
    from transformers import HubertModel

ENCODER_RATE = 16_000  # Hz; every model of the HuBERT family


class ParallelAdapter(nn.Module):
    """A bottleneck in parallel to a feed-forward block: (B, T, C) -> (B, T, C), zero at initialisation.

    J. He et al., "Towards a unified view of parameter-efficient transfer learning", ICLR 2022.
    """

    def __init__(self, channels: int, bottleneck: int):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.down = nn.Linear(channels, bottleneck)
        self.up = nn.Linear(bottleneck, channels)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(gelu(self.down(self.norm(x))))


class AdaptedEncoder(nn.Module):
    """The first `tap` transformer layers of a HubertModel, frozen, with an adapter in parallel to each feed-forward
    block.

    tap counts transformer layers from 1: tap 13 is the output of the 13th layer, transformers' hidden_states[13]; later
    layers are dropped. The encoder always stays in eval mode, without dropout, layer drop or masking. Its tensors never
    change, as adapters are hooks.
    """

    def __init__(self, hubert: "HubertModel", tap: int, bottleneck: int, normalise: bool = True):
        super().__init__()
        layers = hubert.encoder.layers
        if not 1 <= tap <= len(layers):
            raise InputError(
                "The tap layer must be from 1 to {count}, the encoder's layers, not {tap}.", count=len(layers), tap=tap
            )
        if bottleneck < 1:
            raise InputError("An adapter needs a bottleneck of at least 1, not {bottleneck}.", bottleneck=bottleneck)
        hubert.encoder.layers = layers[:tap]
        self.hubert = hubert.requires_grad_(False).eval()
        self.tap, self.bottleneck, self.normalise = tap, bottleneck, normalise
        self.channels = hubert.config.hidden_size
        self.hop = math.prod(hubert.config.conv_stride)
        adapters = [ParallelAdapter(self.channels, bottleneck) for _ in range(tap)]
        self.adapters = nn.ModuleList(adapters)
        self._adapted = False
        self._tapped: Tensor | None = None
        for layer, adapter in zip(hubert.encoder.layers, adapters, strict=True):
            layer.feed_forward.register_forward_hook(self._beside(adapter))
        hubert.encoder.layers[-1].register_forward_hook(self._keep)

    def train(self, mode: bool = True) -> "AdaptedEncoder":
        super().train(mode)
        self.hubert.eval()
        return self

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, L) at 16 kHz -> features (B, T, C) of the encoder alone, T = ceil(L / hop): the training targets."""
        return self._run(waveform, adapted=False)

    def restored(self, waveform: Tensor) -> Tensor:
        """(B, L) -> features (B, T, C) with the adapters."""
        return self._run(waveform, adapted=True)

    def _run(self, waveform: Tensor, adapted: bool) -> Tensor:
        self._adapted = adapted
        try:
            self.hubert(framed(waveform, self.hubert.config))
            assert self._tapped is not None  # set by _keep
            return self._tapped
        finally:
            self._adapted, self._tapped = False, None

    def _beside(self, adapter: ParallelAdapter):
        return lambda _block, inputs, output: output + adapter(inputs[0]) if self._adapted else None

    def _keep(self, _layer, _inputs, output) -> None:
        self._tapped = output[0] if isinstance(output, tuple) else output


def framed(waveform: Tensor, config) -> Tensor:
    """(B, L) padded with silence on both sides, so that feature t is centred on samples t * hop to (t + 1) * hop.

    HuBERT's convolutions drop an incomplete last frame; here every sample is in a frame: ceil(L / hop) frames.
    """
    hop, field = math.prod(config.conv_stride), receptive_field(config)
    frames = -(-waveform.shape[-1] // hop)
    before = (field - hop) // 2
    return pad(waveform, (before, (frames - 1) * hop + field - before - waveform.shape[-1]))


def receptive_field(config) -> int:
    """Receptive field of one frame of the convolutions, in samples."""
    field = 1
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        field = (field - 1) * stride + kernel
    return field


def standardise(waveform: Tensor, eps: float = 1e-7) -> Tensor:
    """(B, L) standardised to mean 0 and variance 1 over L, as in HuBERT's training."""
    mean, var = waveform.mean(-1, keepdim=True), waveform.var(-1, keepdim=True, unbiased=False)
    return (waveform - mean) / (var + eps).sqrt()


def load_hubert(name: str | os.PathLike) -> tuple["HubertModel", bool]:
    """A HubertModel by folder or hub name ("rinna/japanese-hubert-large"), and whether its input is standardised.

    A name is sought in the local cache, then on the hub. Raises InputError if it is in neither, is no HuBERT, or lacks
    weights.
    """
    HubertModel, HubertConfig = _transformers()
    name, folder = os.fspath(name), Path(name)
    if folder.exists() and not (folder / "config.json").is_file():
        raise InputError("The encoder folder {folder} has no config.json.", folder=folder)
    if not folder.exists() and (folder.is_absolute() or len(folder.parts) > 2 or name.startswith(".")):
        raise InputError("There is no encoder folder {folder}.", folder=folder)
    for local in (True,) if folder.exists() else (True, False):
        try:
            if not local:
                _reach_hub()
            config = HubertConfig.get_config_dict(name, local_files_only=local)[0]
            if config.get("model_type") != "hubert":
                raise InputError(
                    "{name} is a {kind} model: the encoder must be of HuBERT's kind.",
                    name=name,
                    kind=config.get("model_type"),
                )
            model, report = HubertModel.from_pretrained(name, local_files_only=local, output_loading_info=True)
            break
        except InputError:
            raise
        except (OSError, ValueError, RuntimeError) as error:
            if not local or folder.exists():
                reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                if folder.exists():
                    raise InputError(
                        "The encoder in {folder} cannot be loaded ({reason}).", folder=folder, reason=reason
                    ) from None
                raise InputError(
                    "The encoder {name} is neither a folder, nor in the local cache, nor can it be downloaded "
                    "({reason}): download it once where there is a network, and give its folder.",
                    name=name,
                    reason=reason,
                ) from None
    lacking = sorted(set(report["missing_keys"]) - {"masked_spec_embed"})
    if lacking or report["mismatched_keys"]:
        what = lacking[0] if lacking else sorted(report["mismatched_keys"])[0][0]
        raise InputError("The encoder {name} lacks the tensor {what}, or it has another shape.", name=name, what=what)
    return model.eval(), _wants_standardised(name)


def _reach_hub() -> None:
    """Raises OSError within seconds without a network; the hub's own client tries for half a minute."""
    import httpx
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise OSError("HF_HUB_OFFLINE is set")
    try:
        httpx.head(constants.ENDPOINT, timeout=5)
    except httpx.HTTPError as error:
        raise OSError(f"the hub does not answer: {error}") from None


def build_hubert(config: dict) -> "HubertModel":
    """A HubertModel of this configuration, weights not yet loaded."""
    HubertModel, HubertConfig = _transformers()
    try:
        return HubertModel(HubertConfig(**config)).eval()
    except (TypeError, ValueError) as error:
        raise InputError("The encoder's configuration cannot be used: {reason}.", reason=error) from None


def _transformers():
    # transformers warns on import about packages that are unused here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from transformers import HubertConfig, HubertModel, logging
        except ImportError:
            raise InputError("The neural restoration needs transformers: pip install transformers.") from None
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return HubertModel, HubertConfig


def _wants_standardised(name: str) -> bool:
    """Whether the model's preprocessing standardises; HuBERT's default where it is not stated."""
    from huggingface_hub import try_to_load_from_cache

    path = Path(name) / "preprocessor_config.json"
    if not path.is_file():
        try:
            cached = try_to_load_from_cache(name, "preprocessor_config.json")
        except ValueError:  # a folder's name is not a hub name
            return True
        if not isinstance(cached, str):
            return True
        path = Path(cached)
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")).get("do_normalize", True))
    except (OSError, ValueError, AttributeError):
        return True

"""The segmenter's bundle: a folder, and a function of pictures.

segmenter.json         name, hyperparameters, training, sha256 of the files below
segmenter.safetensors  the weights
segmenter.onnx         optional: a faster ONNX graph
"""

import importlib.util
import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..assets import ASSETS
from ..errors import InputError
from ..files import atomic_write, sha256_of
from ..models.device import choose_device, in_parts
from ..models.features import fold_batch_norm
from ..models.onnx_graph import open_graph
from ..models.precision import choose_precision
from ..models.weights import load_exactly, read_safetensors, write_safetensors
from .network import Segmenter, SegmenterConfig
from .regions import NAMES

FORMAT = "rtmri2speech segmenter"
FORMAT_VERSION = 1
DEFAULT_FOLDER = ASSETS / "models" / "regions"
_BATCH = 8  # pictures a batch: more do not fit the cache
SURE = 255  # probability 1 in 8 bits, which suffice and are several times faster
Run = Callable[[np.ndarray], np.ndarray]  # pictures float32 (n, h, w) -> probabilities uint8 (n, regions, h, w)


@dataclass
class SegmenterBundle:
    """A trained segmenter, in eval mode."""

    name: str
    network: Segmenter
    training: dict = field(default_factory=dict)
    folder: Path | None = None

    def __post_init__(self):
        self.network.eval().requires_grad_(False)

    @cached_property
    def folded(self) -> nn.Module:
        """The network with BatchNorm folded into the convolutions."""
        return fold_batch_norm(self.network).to(memory_format=torch.channels_last)

    def save(self, folder: str | os.PathLike, *, card: str | None = None) -> None:
        """Write the folder, complete or not at all. card: text of MODEL_CARD.md."""
        folder = Path(folder)
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise InputError("{folder} exists already: give the name of a new folder.", folder=folder)
        with atomic_write(folder) as temporary:
            temporary.mkdir()
            tensors = {k: t for k, t in self.network.state_dict().items() if not k.endswith("num_batches_tracked")}
            write_safetensors(temporary / "segmenter.safetensors", tensors)
            write_graph(temporary / "segmenter.onnx", self.network)
            description = {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "name": self.name,
                "network": self.network.config.to_json(),
                "training": self.training,
                "sha256": {file.name: sha256_of(file) for file in sorted(temporary.iterdir())},
            }
            text = json.dumps(description, indent=1, ensure_ascii=False)
            (temporary / "segmenter.json").write_text(text, encoding="utf-8")
            if card is not None:
                (temporary / "MODEL_CARD.md").write_text(card, encoding="utf-8", newline="\n")


def load_segmenter(folder: str | os.PathLike | None = None) -> SegmenterBundle:
    """Load a folder of `SegmenterBundle.save`, by default the embedded one.

    Raises InputError if anything is missing, damaged or does not fit together.
    """
    folder = DEFAULT_FOLDER if folder is None else Path(folder)
    path = folder / "segmenter.json"
    if not path.is_file():
        raise InputError("There is no segmenter in {folder}: segmenter.json is missing.", folder=folder)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT or data["format_version"] != FORMAT_VERSION:
            raise InputError(
                "{path} is not a segmenter of format version {version}.", path=path, version=FORMAT_VERSION
            )
        for name, digest in data["sha256"].items():
            if Path(name).name != name or not (folder / name).is_file():
                raise InputError("The segmenter {folder} lacks its file {name}.", folder=folder, name=name)
            if sha256_of(folder / name) != digest:
                raise InputError("{file} is damaged: its sha256 is not the one in segmenter.json.", file=folder / name)
        config = SegmenterConfig.from_json(data["network"])
        if config.regions != NAMES:
            raise InputError("{path} is a segmenter of other regions than this program knows.", path=path)
        about = str(data["name"]), dict(data["training"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("{path} is damaged or lacks an entry ({reason}).", path=path, reason=error) from None
    network = Segmenter(config)
    weights = folder / "segmenter.safetensors"
    load_exactly(network, read_safetensors(weights), str(weights))
    return SegmenterBundle(about[0], network, about[1], folder)


def runner(segmenter: SegmenterBundle, precision: str = "fp32") -> Run:
    """The network as a function of pictures, on the device that "auto" means; run by ONNX Runtime if there is a graph
    that it runs on this device, and the precision is fp32."""
    device = choose_device()
    dtype = choose_precision(precision, device)
    graph = segmenter.folder / "segmenter.onnx" if segmenter.folder else None
    session = open_graph(graph, device) if dtype == torch.float32 and graph and graph.is_file() else None
    if session:
        return session
    network = segmenter.folded.to(device)

    def run(batch: np.ndarray) -> np.ndarray:
        def some(part: np.ndarray) -> np.ndarray:
            tensor = torch.from_numpy(part)[:, None].to(device, memory_format=torch.channels_last)
            return _levels(network(tensor)).contiguous().cpu().numpy()

        with torch.inference_mode(), torch.autocast(device.type, dtype, dtype != torch.float32):
            parts = (in_parts(some, batch[k : k + _BATCH]) for k in range(0, len(batch), _BATCH))
            return np.concatenate([made for part in parts for made in part])

    return run


def _levels(logits: torch.Tensor) -> torch.Tensor:
    return (logits.float().softmax(1) * SURE + 0.5).to(torch.uint8)


class _Probabilities(torch.nn.Module):
    def __init__(self, network: Segmenter):
        super().__init__()
        self.network = fold_batch_norm(network).cpu().float().eval()

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return _levels(self.network(batch))


def write_graph(path: Path, network: Segmenter) -> None:
    """Write the network as an ONNX graph; nothing without the onnx package."""
    if importlib.util.find_spec("onnx") is None:
        return
    size = network.config.size
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's notes on its own future
        torch.onnx.export(
            _Probabilities(network),
            (torch.zeros(1, 1, size, size),),
            path,
            dynamo=False,
            input_names=["pictures"],
            output_names=["probabilities"],
            dynamic_axes={"pictures": {0: "n"}, "probabilities": {0: "n"}},
            opset_version=17,
        )

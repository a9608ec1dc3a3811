"""Frames -> regions: the network over a clip, smoothed in time; where the face looks; whether it is a head at all.

segmenter.json         name, shape, what it was trained on, sha256 of the file below
segmenter.safetensors  the weights
segmenter.onnx         the same as a graph for ONNX Runtime; optional, it only saves time
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch

from ..atomic import replacing
from ..checksum import sha256_of
from ..errors import InputError
from ..models.features import choose_precision, fold_batch_norm
from ..models.weights import load_exactly, read_safetensors
from ..progress import UNSEEN, Progress
from .network import Segmenter, SegmenterConfig
from .plausibility import plausibility, verdict_of
from .regions import NAMES, REST, SIZE, Regions, Verdict

FORMAT = "rtmri2speech segmenter"
FORMAT_VERSION = 1
DEFAULT_FOLDER = Path(__file__).parents[2] / "assets" / "models" / "regions"
SMOOTHED_OVER_S = 0.02  # deviation of the weights in time: less than a fast closure lasts
_PROBES = 8  # frames that decide where the face looks
_CHUNK = 64  # frames whose probabilities are held at once
_STRAY = 0.2  # of a region's largest piece: a smaller one is taken for a mistake
_IN_ONE_PIECE = ("tongue", "lower_lip", "upper_lip", "velum", "jaw", "hard_palate", "pharynx_wall")

Run = Callable[[np.ndarray], np.ndarray]  # pictures float32 (n, size, size) -> probabilities (n, regions, size, size)


@dataclass
class SegmenterBundle:
    """A trained segmenter, in eval mode, with its name and its training."""

    name: str
    network: Segmenter
    training: dict = field(default_factory=dict)
    folder: Path | None = None

    def __post_init__(self):
        self.network.eval().requires_grad_(False)

    def save(self, folder: str | os.PathLike) -> None:
        """Write the folder, complete or not at all."""
        from safetensors.torch import save_file

        folder = Path(folder)
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise InputError("{folder} exists already: give the name of a new folder.", folder=folder)
        with replacing(folder) as temporary:
            temporary.mkdir()
            weights = temporary / "segmenter.safetensors"
            tensors = self.network.state_dict().items()
            save_file({k: t.contiguous() for k, t in tensors if not k.endswith("num_batches_tracked")}, weights)
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


def load_segmenter(folder: str | os.PathLike | None = None) -> SegmenterBundle:
    """Load a folder that `SegmenterBundle.save` wrote, by default the embedded one.

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


def segment_regions(
    frames: np.ndarray,
    fps: float,
    segmenter: SegmenterBundle | None = None,
    *,
    precision: str = "auto",
    progress: Progress = UNSEEN,
) -> Regions:
    """uint8 (T, H, W) -> the regions of every frame. segmenter: by default the embedded one.

    A face that looks right is recognised and segmented as well. What is no head in profile has no regions: the
    verdict says so. progress is told ("regions", frames done, frames).
    """
    if frames.dtype != np.uint8 or frames.ndim != 3 or not len(frames):
        raise InputError("Regions are found in uint8 frames (T, H, W), not {shape}.", shape=frames.shape)
    segmenter = segmenter or load_segmenter()
    size = segmenter.network.config.size
    run = runner(segmenter, precision)
    probes = pictures(frames[np.unique(np.linspace(0, len(frames) - 1, _PROBES).round().astype(int))], size)
    facing = _facing(run, probes)
    labels = np.empty((len(frames), SIZE, SIZE), np.uint8)
    confidence = np.empty((len(frames), len(NAMES)), np.float32)
    plausible = np.empty(len(frames), np.float32)
    for first, smoothed in _smoothed(run, frames, size, fps, facing):
        for k, shares in enumerate(smoothed, first):
            labels[k], confidence[k], plausible[k] = _labelled(shares)
        progress("regions", first + len(smoothed), len(frames))
    verdict = verdict_of(labels, confidence, plausible, lambda: _best_turned(run, probes))
    if not verdict.usable:
        labels[:], confidence[:] = REST, 0.0
    elif facing == "right":
        labels = np.ascontiguousarray(labels[:, :, ::-1])
    return Regions(labels, fps, frames.shape[1:], "segmenter", confidence, facing, verdict)


def pictures(frames: np.ndarray, size: int) -> np.ndarray:
    """uint8 (T, H, W) -> float32 (T, size, size): made square with black, each of mean 0 and deviation 1."""
    height, width = frames.shape[1:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    out = np.empty((len(frames), size, size), np.float32)
    square = np.zeros((side, side), np.uint8)
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    for picture, frame in zip(out, frames, strict=True):
        square[top : top + height, left : left + width] = frame
        picture[:] = square if side == size else cv2.resize(square, (size, size), interpolation=how)
        picture -= picture.mean()
        picture /= max(float(picture.std()), 1e-3)
    return out


# ------------------------------------------------------------------------------------------------------- the network


def runner(segmenter: SegmenterBundle, precision: str = "auto") -> Run:
    """The network as a function of pictures: by ONNX Runtime where there is a graph and fp32 is asked for."""
    dtype = choose_precision(precision, torch.device("cpu"))
    graph = segmenter.folder / "segmenter.onnx" if segmenter.folder else None
    session = _session(graph) if dtype == torch.float32 and graph and graph.is_file() else None
    if session:
        return lambda batch: np.concatenate([session(picture[None]) for picture in batch])
    network = fold_batch_norm(segmenter.network).to(memory_format=torch.channels_last)

    def run(batch: np.ndarray) -> np.ndarray:
        pieces = []
        with torch.inference_mode(), torch.autocast("cpu", dtype, dtype != torch.float32):
            for k in range(0, len(batch), 8):
                tensor = torch.from_numpy(batch[k : k + 8])[:, None].to(memory_format=torch.channels_last)
                pieces.append(network(tensor).float().softmax(1).contiguous().numpy())
        return np.concatenate(pieces)

    return run


class _Probabilities(torch.nn.Module):
    def __init__(self, network: Segmenter):
        super().__init__()
        self.network = fold_batch_norm(network).cpu().float().eval()

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch).softmax(1)


def write_graph(path: Path, network: Segmenter) -> None:
    """Write the network as an ONNX graph; does nothing without the onnx package."""
    import importlib.util
    import warnings

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


def _session(path: Path) -> Run | None:
    try:
        import onnxruntime
    except ImportError:
        return None
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no public base class
        raise InputError(
            "{path} is not a graph that can be run ({reason}).", path=path, reason=str(error).splitlines()[0]
        ) from None
    return lambda batch: session.run(None, {"pictures": np.ascontiguousarray(batch[:, None])})[0]


# ----------------------------------------------------------------------------------------------- from shares to labels


def _facing(run: Run, probes: np.ndarray) -> str:
    """Where the face looks: as it is or mirrored, whichever is more like a head in profile."""
    left, right = (
        np.mean([plausibility(*largest(p)) for p in run(batch)]) for batch in (probes, probes[:, :, ::-1].copy())
    )
    return "right" if right > left else "left"


def _best_turned(run: Run, probes: np.ndarray) -> float:
    """How plausible the best of the turned and tilted views of some frames is."""
    some = probes[:: max(1, len(probes) // 3)]
    views = [np.ascontiguousarray(np.rot90(v, k, (1, 2))) for v in (some, some[:, :, ::-1]) for k in (1, 2, 3)]
    return max(float(np.mean([plausibility(*largest(p)) for p in run(view)])) for view in views)


def _smoothed(run: Run, frames: np.ndarray, size: int, fps: float, facing: str) -> Iterator[tuple[int, np.ndarray]]:
    """(first frame, probabilities (n, regions, size, size)) in pieces, each frame a mean over its neighbours."""
    reach = min(int(np.ceil(3 * SMOOTHED_OVER_S * fps)), len(frames) - 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (SMOOTHED_OVER_S * fps)) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)[weights > 0.01 * weights.max()]
    reach = len(weights) // 2
    held, start = np.empty((0, len(NAMES), size, size), np.float32), 0
    for first in range(0, len(frames), _CHUNK):
        last = min(first + _CHUNK, len(frames))
        known, until = start + len(held), min(last + reach, len(frames))
        new = pictures(frames[known:until], size)
        if facing == "right":
            new = np.ascontiguousarray(new[:, :, ::-1])
        held = np.concatenate([held, run(new)]) if len(new) else held
        out = np.empty((last - first, *held.shape[1:]), np.float32)
        for t in range(first, last):
            near = np.clip(np.arange(t - reach, t + reach + 1), 0, len(frames) - 1) - start
            np.multiply(held[near[0]], weights[0], out=out[t - first])
            for k, weight in zip(near[1:], weights[1:], strict=True):
                out[t - first] += weight * held[k]
        yield first, out
        keep = max(0, last - reach - start)
        held, start = held[keep:], start + keep


def _labelled(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Probabilities (regions, size, size) -> labels uint8 (SIZE, SIZE), confidence (regions,), plausibility."""
    best, sure = largest(shares)
    strays = _strays(best)
    if strays.any():
        shares[:, strays] = 0
        shares[REST, strays] = 1
        best[strays], sure[strays] = REST, 1
    pixels = np.bincount(best.ravel(), minlength=len(shares))
    confidence = np.bincount(best.ravel(), sure.ravel(), minlength=len(shares)) / np.maximum(pixels, 1)
    # Borders between the pixels of the finer picture need no more than 8 bits, and those are enlarged fastest.
    present = np.flatnonzero(pixels)
    levels = np.rint(255 * shares[present]).astype(np.uint8)
    fine = [cv2.resize(level, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) for level in levels]
    labels = present.astype(np.uint8)[largest(fine)[0]]
    return labels, confidence.astype(np.float32), plausibility(best, sure)


def largest(shares: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """K arrays (h, w) -> index of the largest (h, w) uint8, and its value; several times faster than argmax."""
    best, value = np.zeros(shares[0].shape, np.uint8), shares[0].copy()
    for k in range(1, len(shares)):
        best[shares[k] > value] = k
        np.maximum(value, shares[k], out=value)
    return best, value


def _strays(labels: np.ndarray) -> np.ndarray:
    """(h, w) bool: small pieces of a region that is in one piece, apart from it. They become rest."""
    strays = np.zeros(labels.shape, bool)
    for name in _IN_ONE_PIECE:
        region = (labels == NAMES.index(name)).astype(np.uint8)
        count, pieces, sizes, _ = cv2.connectedComponentsWithStats(region, connectivity=8)
        if count > 2:
            areas = sizes[1:, cv2.CC_STAT_AREA]
            small = np.flatnonzero(areas < _STRAY * areas.max()) + 1
            strays |= np.isin(pieces, small)
    return strays


__all__ = ["SegmenterBundle", "Verdict", "load_segmenter", "pictures", "runner", "segment_regions"]

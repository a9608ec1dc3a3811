"""The CNN as an ONNX graph beside a bundle's weights: ONNX Runtime is faster than PyTorch (benchmarks/features.py).
Without a graph or ONNX Runtime, the PyTorch network runs."""

import copy
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ..errors import InputError
from .acoustic import AcousticModel

FILE = "acoustic_cnn.onnx"
Session = Callable[[np.ndarray], np.ndarray]  # prepared frames, float32 (n, size, size) -> maps (n, C, h, w)
_SAME = 0.99  # least correlation of the maps: untrained networks magnify rounding; other weights give about 0


class _LastMap(nn.Module):
    """Frames (n, 1, H, W) -> last feature maps, input pooling included."""

    def __init__(self, model: AcousticModel, half: bool):
        super().__init__()
        self.cnn = copy.deepcopy(model.cnn).cpu()
        self.cnn = (self.cnn.half().float() if half else self.cnn.float()).eval()
        self.pool = model.config.input_pool

    def forward(self, frames: Tensor) -> Tensor:
        return self.cnn(avg_pool2d(frames, self.pool))[-1]


def write_graph(path: Path, model: AcousticModel, size: int, *, half: bool = False) -> None:
    """Write the CNN's graph for frames of size x size. half: with weights rounded to float16.

    Does nothing without the onnx package, or for a CNN without an ONNX form: the graph only saves time.
    """
    if importlib.util.find_spec("onnx") is None:
        return
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's notes on its own future
        try:
            torch.onnx.export(
                _LastMap(model, half),
                (torch.zeros(2, 1, size, size),),
                path,
                dynamo=False,  # the other exporter needs onnxscript, and its graphs are no faster
                input_names=["frames"],
                output_names=["map"],
                dynamic_axes={"frames": {0: "n"}, "map": {0: "n"}},
                opset_version=17,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError):
            path.unlink(missing_ok=True)


def open_graph(path: Path, device: torch.device) -> Session | None:
    """A graph of one input (n, 1, H, W) and one output, as a function of (n, H, W); None without an ONNX Runtime that
    runs it on this device.

    Raises InputError if the graph cannot be read.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}.get(device.type)
    if provider not in onnxruntime.get_available_providers():
        return None
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    with _runs(path):
        of_cuda = {"device_id": str(device.index or 0), "use_tf32": "0"}
        providers = [(provider, of_cuda if device.type == "cuda" else {})]
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    (given,) = session.get_inputs()
    if device.type == "cuda":
        return lambda frames: session.run(None, {given.name: np.ascontiguousarray(frames[:, None])})[0]
    # One thread per frame: threads that share a frame wait for each other at every layer.
    pool = ThreadPoolExecutor(torch.get_num_threads())

    def of_one(frame: np.ndarray) -> np.ndarray:
        return session.run(None, {given.name: np.ascontiguousarray(frame[None, None])})[0]

    return lambda frames: np.concatenate(list(pool.map(of_one, frames)))


@contextmanager
def _runs(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # ONNX Runtime's errors have no public base class
        raise InputError(
            "{path} is not a graph that can be run ({reason}).", path=path, reason=str(error).splitlines()[0]
        ) from None


def read_graph(path: Path, model: AcousticModel, size: int) -> Session | None:
    """The graph as a function of prepared frames; None without ONNX Runtime.

    Raises InputError if the graph cannot be read or its maps are not the model's.
    """
    device = next(model.parameters()).device
    run = open_graph(path, device)
    if run is None:
        return None
    across = np.linspace(-1, 1, size, dtype=np.float32)
    probe = np.exp(-4 * (across**2 + across[:, None] ** 2))[None]  # a bright disc on black
    with _runs(path):
        found = run(probe)
    with torch.inference_mode():
        wanted = model.feature_maps(torch.from_numpy(probe)[None].to(device)).cpu().numpy()
    if found.shape != wanted.shape or np.corrcoef(found.ravel(), wanted.ravel())[0, 1] < _SAME:
        raise InputError(
            "{path} does not compute what the bundle's weights do: publish or convert the bundle again.", path=path
        )
    return run

"""A CUDA device that is not there: tensors without numbers (PyTorch's FakeTensorMode), which may not be mixed with
those of another device. What leaves it for NumPy is noise of the right shape, and only from the CPU."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily

from rtmri2speech.anatomy import segmenter
from rtmri2speech.models import device, features, load

_RNG = np.random.default_rng(0)


def _numbers(tensor: FakeTensor) -> np.ndarray:
    if tensor.device.type != "cpu":
        raise TypeError(f"can't convert {tensor.device} device type tensor to numpy")
    dtype = np.dtype(str(tensor.dtype).removeprefix("torch."))
    return (_RNG.uniform(0, 1, tuple(tensor.shape)) + (dtype.kind == "i")).astype(dtype)


def _applied(network: nn.Module, change, recurse: bool = True) -> nn.Module:
    """nn.Module._apply, which cannot exchange the data of such tensors."""
    for child in network.children():
        _applied(child, change)
    for name, tensor in network._parameters.items():
        if tensor is not None:
            network._parameters[name] = nn.Parameter(change(tensor.detach()), requires_grad=tensor.requires_grad)
    for name, tensor in network._buffers.items():
        if tensor is not None:
            network._buffers[name] = change(tensor)
    return network


@contextmanager
def fake_cuda() -> Iterator[None]:
    """Within it there is one CUDA device."""
    real_numpy, real_item, load_real_segmenter = Tensor.numpy, Tensor.item, segmenter.load_segmenter

    def numpy(self, *given, **named):
        return _numbers(self) if isinstance(self, FakeTensor) else real_numpy(self, *given, **named)

    def item(self):
        return float(_numbers(self.cpu())) if isinstance(self, FakeTensor) else real_item(self)

    def grad(outputs, inputs, *given, **named):
        """The engine needs a real device; backward passes mix devices only where forward passes do."""
        return tuple(map(torch.zeros_like, [inputs] if isinstance(inputs, Tensor) else inputs))

    def with_numbers(function):
        """The function, outside of the mode: what is read from files is checked."""

        def real(*given, **named):
            with unset_fake_temporarily():
                return function(*given, **named)

        return real

    def load_segmenter():
        loaded = load_real_segmenter()
        assert loaded.folded  # cached, as a copy of tensors with numbers is not made in the mode
        return loaded

    def no_fingerprint(network: nn.Module) -> str:
        return str(id(network))

    patches = (
        (Tensor, "numpy", numpy),
        (Tensor, "item", item),
        (Tensor, "__float__", item),
        (nn.Module, "_apply", _applied),
        (torch.autograd, "grad", grad),
        (Tensor, "backward", lambda self, *_, **__: None),
        (torch, "allclose", lambda *_, **__: True),  # there are no numbers to compare
        (features, "_fingerprint", no_fingerprint),
        (device, "_cuda_devices", lambda: 1),
        (load, "_bundle", with_numbers(load._bundle)),
        (segmenter, "load_segmenter", with_numbers(load_segmenter)),
    )
    with ExitStack() as stack:
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))  # its LSTM asks the driver
        stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        for owner, name, instead in patches:
            stack.enter_context(patch.object(owner, name, instead))
        yield

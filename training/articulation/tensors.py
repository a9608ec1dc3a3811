"""The weights that the runs of this package leave behind: a file that is whole or not there."""

from pathlib import Path

from torch import nn

from rtmri2speech.files import atomic_write
from rtmri2speech.models.weights import write_safetensors


def write_tensors(path: Path, network: nn.Module) -> None:
    """The network's weights as safetensors."""
    with atomic_write(path) as temporary:
        write_safetensors(temporary, network.state_dict())

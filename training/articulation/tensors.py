"""The weights that the runs of this package leave behind: a file that is whole or not there."""

from pathlib import Path

from torch import nn

from rtmri2speech.files import replacing


def write_tensors(path: Path, network: nn.Module) -> None:
    """The network's weights as safetensors."""
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        save_file({name: t.contiguous() for name, t in network.state_dict().items()}, temporary)

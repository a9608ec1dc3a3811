"""What the runs of this package leave behind: settings, a row an interval, weights; each whole or not at all."""

import csv
import json
from pathlib import Path

from torch import nn

from rtmri2speech.atomic import replacing


def write_json(path: Path, content: dict) -> None:
    """Readable, in UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def append_row(path: Path, row: dict) -> None:
    """A row of a CSV file, its names first where the file is new."""
    fresh = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row)
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def write_tensors(path: Path, network: nn.Module) -> None:
    """The network's weights as safetensors."""
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        save_file({name: t.contiguous() for name, t in network.state_dict().items()}, temporary)

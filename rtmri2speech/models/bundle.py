"""Bundle: everything needed to run a trained model, in one folder.

bundle.json            name, kind, specs, architectures, training provenance, sha256 of the files below
scaler.json            mean and std of the mel, per bin
acoustic.safetensors   AcousticModel, float32 or float16
vocoder.safetensors    the vocoder (vocoder.py), ready for inference, float32 or float16
acoustic_cnn.onnx      optional: the CNN as a faster ONNX graph (onnx_graph.py)

"shared" in bundle.json names files in a neighbouring bundle's folder: {"vocoder.safetensors": NAME}.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from ..assets import ASSETS
from ..errors import InputError
from ..files import atomic_write, sha256_of
from ..spec import FrameSpec, MelSpec
from ..speech.mel import Scaler
from ..speech.voice import VoicingProbe
from . import onnx_graph
from .acoustic import AcousticModel
from .vocoder import Vocoder, kind_of
from .weights import write_safetensors

FORMAT, FORMAT_VERSION = "rtmri2speech bundle", 1
_VOCODER = "vocoder.safetensors"
NEEDED = ("acoustic.safetensors", _VOCODER, "scaler.json")
OPTIONAL = (onnx_graph.FILE,)
KINDS = {
    "trained": "trained with this project's training package",
    "converted": "converted from checkpoints of the thesis' code or of HiFi-GAN's",
    "untrained": "random weights, for tests only: its output means nothing",
}
DEFAULT_FOLDER = ASSETS / "models" / "tract"


@dataclass
class Bundle:
    """A trained pipeline. Both networks are in eval mode, without gradients.

    voice: for a model whose mels have no harmonics (speech/voice.py). None: its mel is vocoded unchanged.
    """

    name: str
    kind: str
    mel: MelSpec
    frames: FrameSpec
    scaler: Scaler
    acoustic: AcousticModel
    vocoder: Vocoder
    description: str = ""
    description_ja: str = ""
    training: dict = field(default_factory=dict)
    voice: VoicingProbe | None = None
    folder: Path | None = None
    sha256: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        if self.kind not in KINDS:
            raise InputError(
                "A bundle's kind is one of {known}, not {given!r}.", known=", ".join(KINDS), given=self.kind
            )
        for what, n_mels in (
            ("acoustic model", self.acoustic.config.n_mels),
            ("vocoder", self.vocoder.n_mels),
            ("scaler", len(self.scaler.mean)),
        ):
            if n_mels != self.mel.n_mels:
                raise InputError(
                    "The {part} is for {bins} mel bins, the bundle's mel has {wanted}.",
                    part=what,
                    bins=n_mels,
                    wanted=self.mel.n_mels,
                )
        if self.voice and self.voice.weight.shape[1] != self.acoustic.config.rnn_hidden:
            raise InputError("The bundle's voice is for another acoustic model: its weights are of another width.")
        if self.vocoder.hop_length != self.mel.hop_length:
            raise InputError(
                "The vocoder makes {samples} samples a frame, the bundle's mel has {wanted}.",
                samples=self.vocoder.hop_length,
                wanted=self.mel.hop_length,
            )
        for network in (self.acoustic, self.vocoder.ready()):
            network.eval().requires_grad_(False)

    @property
    def fps(self) -> float:
        """The model's frame rate, frames per second."""
        return self.mel.fps

    def description_in(self, language: str) -> str:
        """The description in "en" or "ja"; English where there is no Japanese one."""
        return (self.description_ja if language == "ja" else "") or self.description

    @property
    def onnx(self) -> Path | None:
        """Path of the CNN's ONNX graph; None without one."""
        return self.folder / onnx_graph.FILE if self.folder and onnx_graph.FILE in self.sha256 else None

    @property
    def stored_as_half(self) -> bool:
        """Whether the folder holds float16 weights."""
        from safetensors import safe_open

        if self.folder is None:
            return False
        with safe_open(self.folder / "acoustic.safetensors", "pt") as file:
            return file.get_slice("head.weight").get_dtype() == "F16"

    @property
    def device(self) -> torch.device:
        """The device of both networks."""
        return next(self.acoustic.parameters()).device

    def to(self, device: str | torch.device) -> "Bundle":
        """Move both networks, in place."""
        self.acoustic.to(device)
        self.vocoder.to(device)
        return self

    def save(
        self, folder: str | os.PathLike, *, half: bool = False, beside: Path | None = None, card: str | None = None
    ) -> None:
        """Write the bundle folder, complete or not at all. half: store float16 weights. card: text of MODEL_CARD.md.

        beside: a neighbouring bundle whose vocoder file is shared; no ONNX graph is written then.
        """
        folder = Path(folder)
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise InputError("{folder} exists already: give the name of a new folder.", folder=folder)
        if beside and beside.resolve().parent != folder.resolve().parent:
            raise InputError(
                "{folder} does not lie beside {other}: its vocoder cannot be shared.", folder=folder, other=beside
            )
        if beside and not (beside / _VOCODER).is_file():
            raise InputError("The bundle {folder} lacks its file {name}.", folder=beside, name=_VOCODER)
        with atomic_write(folder) as temporary:
            temporary.mkdir()
            write_safetensors(temporary / "acoustic.safetensors", _tensors(self.acoustic, half))
            if not beside:
                write_safetensors(temporary / _VOCODER, _tensors(self.vocoder, half))
                onnx_graph.write_graph(temporary / onnx_graph.FILE, self.acoustic, self.frames.size, half=half)
            self.scaler.write(temporary / "scaler.json")
            files = [*temporary.iterdir(), *([beside / _VOCODER] if beside else [])]
            sha256 = {p.name: sha256_of(p) for p in sorted(files, key=lambda p: p.name)}
            description = {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "name": self.name,
                "kind": self.kind,
                "description": self.description,
                **({"description_ja": self.description_ja} if self.description_ja else {}),
                "mel": self.mel.to_json(),
                "frames": self.frames.to_json(),
                "acoustic": self.acoustic.config.to_json(),
                "vocoder": {"kind": kind_of(self.vocoder), **self.vocoder.to_json()},
                **({"voice": self.voice.to_json()} if self.voice else {}),
                "training": self.training,
                "torch_version": torch.__version__.split("+")[0],
                "sha256": sha256,
                **({"shared": {_VOCODER: beside.resolve().name}} if beside else {}),
            }
            text = json.dumps(description, indent=1, ensure_ascii=False)
            (temporary / "bundle.json").write_text(text, encoding="utf-8")
            if card is not None:
                (temporary / "MODEL_CARD.md").write_text(card, encoding="utf-8", newline="\n")


def _tensors(network: nn.Module, half: bool) -> dict[str, torch.Tensor]:
    return {
        name: t.half() if half and t.is_floating_point() else t
        for name, t in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }

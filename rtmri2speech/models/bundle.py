"""Bundle: everything needed to run a trained model, in one folder.

bundle.json            name, kind, specs, architectures, training provenance, sha256 of the files below
scaler.json            mean and std of the mel, per bin
acoustic.safetensors   AcousticModel, float32 or float16
vocoder.safetensors    Generator with weight norm folded in, float32 or float16
acoustic_cnn.onnx      the CNN once more, as a graph that runs faster; may be absent (graph.py)
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import torch
from torch import nn

from ..atomic import replacing
from ..errors import InputError
from ..mel import Scaler
from ..spec import FrameSpec, MelSpec
from . import graph
from .acoustic import AcousticConfig, AcousticModel
from .hifigan import VOCODER_INPUTS, Generator, GeneratorConfig
from .weights import load_exactly, read_safetensors

FORMAT_VERSION = 1
KINDS = {
    "trained": "trained with this project's training package",
    "converted": "converted from checkpoints of the thesis' code or of HiFi-GAN's",
    "untrained": "random weights, for tests only: its output means nothing",
}
DEFAULT_FOLDER = Path(str(files("rtmri2speech"))).parent / "assets" / "models" / "phantom"


@dataclass
class Bundle:
    """A trained pipeline. Both networks are in eval mode, without gradients."""

    name: str
    kind: str
    mel: MelSpec
    frames: FrameSpec
    scaler: Scaler
    acoustic: AcousticModel
    vocoder: Generator
    vocoder_input: str = "ln_power"
    description: str = ""
    description_ja: str = ""
    training: dict = field(default_factory=dict)
    folder: Path | None = None
    sha256: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        if self.kind not in KINDS:
            raise InputError(f"A bundle's kind is one of {', '.join(KINDS)}, not {self.kind!r}.")
        if self.vocoder_input not in VOCODER_INPUTS:
            raise InputError(f"A vocoder's input is one of {', '.join(VOCODER_INPUTS)}, not {self.vocoder_input!r}.")
        for what, n_mels in (
            ("acoustic model", self.acoustic.config.n_mels),
            ("vocoder", self.vocoder.config.n_mels),
            ("scaler", len(self.scaler.mean)),
        ):
            if n_mels != self.mel.n_mels:
                raise InputError(f"The {what} is for {n_mels} mel bins, the bundle's mel has {self.mel.n_mels}.")
        if self.vocoder.config.hop_length != self.mel.hop_length:
            raise InputError(
                f"The vocoder makes {self.vocoder.config.hop_length} samples a frame, the bundle's mel has "
                f"{self.mel.hop_length}."
            )
        for network in (self.acoustic, self.vocoder.fold_weight_norm()):
            network.eval().requires_grad_(False)

    @property
    def fps(self) -> float:
        """Frames per second the model works at."""
        return self.mel.fps

    def description_in(self, language: str) -> str:
        """The description in "en" or "ja"; the English one where there is no other."""
        return (self.description_ja if language == "ja" else "") or self.description

    @property
    def onnx(self) -> Path | None:
        """The CNN's graph, where the bundle has one."""
        return self.folder / graph.FILE if self.folder and graph.FILE in self.sha256 else None

    @property
    def device(self) -> torch.device:
        """Where both networks are."""
        return next(self.acoustic.parameters()).device

    def to(self, device: str | torch.device) -> "Bundle":
        """Move both networks, in place."""
        self.acoustic.to(device)
        self.vocoder.to(device)
        return self

    def save(self, folder: str | os.PathLike, *, half: bool = False) -> None:
        """Write the bundle folder (complete or not at all). half: store the weights as float16."""
        from safetensors.torch import save_file

        folder = Path(folder)
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise InputError(f"{folder} exists already: give the name of a new folder.")
        with replacing(folder) as temporary:
            temporary.mkdir()
            for name, network in (("acoustic", self.acoustic), ("vocoder", self.vocoder)):
                save_file(_tensors(network, half), temporary / f"{name}.safetensors")
            graph.write_graph(temporary / graph.FILE, self.acoustic, self.frames.size, half=half)
            self.scaler.write(temporary / "scaler.json")
            sha256 = {p.name: _sha256(p) for p in sorted(temporary.iterdir())}
            description = {
                "format": "rtmri2speech bundle",
                "format_version": FORMAT_VERSION,
                "name": self.name,
                "kind": self.kind,
                "description": self.description,
                **({"description_ja": self.description_ja} if self.description_ja else {}),
                "mel": self.mel.to_json(),
                "frames": self.frames.to_json(),
                "acoustic": self.acoustic.config.to_json(),
                "vocoder": self.vocoder.config.to_json(),
                "vocoder_input": self.vocoder_input,
                "training": self.training,
                "torch_version": torch.__version__.split("+")[0],
                "sha256": sha256,
            }
            text = json.dumps(description, indent=1, ensure_ascii=False)
            (temporary / "bundle.json").write_text(text, encoding="utf-8")


def load_bundle(folder: str | os.PathLike | None = None, *, thesis: dict | None = None) -> Bundle:
    """Load a bundle folder, by default the embedded one; or convert old checkpoints in memory.

    thesis: dict(acoustic=..., scaler=..., vocoder=..., vocoder_config=...), paths of the files `convert` takes.
    Raises InputError if anything is missing, extra, damaged or does not fit together.
    """
    if thesis is not None:
        from .convert import convert

        return convert(**thesis)
    folder = DEFAULT_FOLDER if folder is None else Path(folder)
    path = folder / "bundle.json"
    if not path.is_file():
        raise InputError(f"There is no bundle in {folder}: bundle.json is missing.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data["format_version"]
        if data["format"] != "rtmri2speech bundle" or version != FORMAT_VERSION:
            raise InputError(f"{path} is of format version {version}, this program reads version {FORMAT_VERSION}.")
        for name, digest in data["sha256"].items():
            if Path(name).name != name or not (folder / name).is_file():
                raise InputError(f"The bundle {folder} lacks its file {name}.")
            if _sha256(folder / name) != digest:
                raise InputError(f"{folder / name} is damaged: its sha256 is not the one in bundle.json.")
        mel = MelSpec.from_json(data["mel"])
        acoustic = AcousticModel(AcousticConfig.from_json(data["acoustic"]))
        vocoder = Generator(GeneratorConfig.from_json(data["vocoder"])).fold_weight_norm()
        for name, network in (("acoustic", acoustic), ("vocoder", vocoder)):
            weights = folder / f"{name}.safetensors"
            load_exactly(network, read_safetensors(weights), str(weights))
        return Bundle(
            name=str(data["name"]),
            kind=data["kind"],
            mel=mel,
            frames=FrameSpec.from_json(data["frames"]),
            scaler=Scaler.read(folder / "scaler.json", mel.n_mels),
            acoustic=acoustic,
            vocoder=vocoder,
            vocoder_input=data["vocoder_input"],
            description=str(data["description"]),
            description_ja=str(data.get("description_ja", "")),
            training=data["training"],
            folder=folder,
            sha256=data["sha256"],
        )
    except KeyError as error:
        raise InputError(f"{path} lacks the entry {error}.") from None
    except (ValueError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read as a bundle: {error}.") from None


def _tensors(network: nn.Module, half: bool) -> dict[str, torch.Tensor]:
    return {
        name: (t.half() if half and t.is_floating_point() else t).contiguous()
        for name, t in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

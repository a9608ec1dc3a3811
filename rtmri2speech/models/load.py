"""Load a trained pipeline: a bundle folder, or checkpoints of the thesis' code and of HiFi-GAN's."""

import json
import os
from pathlib import Path

from ..errors import InputError
from ..files import sha256_of
from ..spec import FrameSpec, MelSpec
from ..speech.mel import Scaler
from ..speech.voice import VoicingProbe
from .acoustic import AcousticConfig, AcousticModel
from .bundle import DEFAULT_FOLDER, FORMAT, FORMAT_VERSION, NEEDED, OPTIONAL, Bundle
from .convert import convert
from .device import choose_device
from .vocoder import vocoder_of
from .weights import load_exactly, read_safetensors


def load_bundle(folder: str | os.PathLike | None = None, *, thesis: dict | None = None, device: str = "auto") -> Bundle:
    """Load a bundle folder or an embedded bundle by name (default: the embedded one), or convert checkpoints in memory.

    thesis: dict(acoustic=..., scaler=..., vocoder=..., vocoder_config=...), paths as `convert` takes them. device: as
    `choose_device` takes it.
    Raises InputError if anything is missing, extra, damaged or does not fit together.
    """
    on = choose_device(device)
    if thesis is not None:
        return convert(**thesis).to(on)
    folder = DEFAULT_FOLDER if folder is None else _embedded(Path(folder))
    path = folder / "bundle.json"
    if not path.is_file():
        raise InputError("There is no bundle in {folder}: bundle.json is missing.", folder=folder)
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(data, dict):
            raise InputError(
                "{path} does not describe a bundle: it holds a {kind}.", path=path, kind=type(data).__name__
            )
        version = data["format_version"]
        if data["format"] != FORMAT or version != FORMAT_VERSION:
            raise InputError(
                "{path} is of format version {version}, this program reads version {known}.",
                path=path,
                version=version,
                known=FORMAT_VERSION,
            )
        files = _files(folder, data["sha256"], data.get("shared", {}))
        return _bundle(folder, data, files).to(on)
    except KeyError as error:
        raise InputError("{path} lacks the entry {name}.", path=path, name=error) from None
    except (InputError, MemoryError):
        raise
    except Exception as error:  # by JSON, PyTorch, timm, ...
        reason = str(error).splitlines()[:1] or [type(error).__name__]
        raise InputError("{path} cannot be read as a bundle: {reason}.", path=path, reason=reason[0]) from None


def _embedded(folder: Path) -> Path:
    """The embedded bundle of that name, where `folder` is a bare name and no folder here; else `folder`."""
    embedded = DEFAULT_FOLDER.parent / folder.name
    named = folder.parts == (folder.name,) and not folder.exists() and (embedded / "bundle.json").is_file()
    return embedded if named else folder


def _files(folder: Path, sha256: dict[str, str], shared: dict[str, str]) -> dict[str, Path]:
    """Path of each file of the bundle, in its folder or a neighbour's (`shared`). Raises InputError if one is missing
    or its sha256 is not the one in bundle.json."""
    for name in (*NEEDED, *(name for name in OPTIONAL if (folder / name).exists())):
        if name not in sha256:
            raise InputError("The sha256 of {path} is not in bundle.json: it cannot be trusted.", path=folder / name)
    files = {}
    for name, digest in sha256.items():
        home = folder.resolve().parent / shared[name] if name in shared else folder
        plain = Path(name).name == name and (name not in shared or Path(shared[name]).name == shared[name] != "..")
        files[name] = home / name
        if not plain or not files[name].is_file():
            raise InputError("The bundle {folder} lacks its file {name}.", folder=home, name=name)
        if sha256_of(files[name]) != digest:
            raise InputError("{path} is damaged: its sha256 is not the one in bundle.json.", path=files[name])
    return files


def _bundle(folder: Path, data: dict, files: dict[str, Path]) -> Bundle:
    mel = MelSpec.from_json(data["mel"])
    acoustic = AcousticModel(AcousticConfig.from_json(data["acoustic"]))
    # bundles older than vocoder kinds hold the input beside the hyperparameters
    shape = {key: data[old] for old, key in (("vocoder_input", "input"),) if old in data} | data["vocoder"]
    vocoder = vocoder_of(shape)
    for name, network in (("acoustic", acoustic), ("vocoder", vocoder)):
        weights = files[f"{name}.safetensors"]
        load_exactly(network, read_safetensors(weights), str(weights))
    return Bundle(
        name=str(data["name"]),
        kind=data["kind"],
        mel=mel,
        frames=FrameSpec.from_json(data["frames"]),
        scaler=Scaler.read(files["scaler.json"], mel.n_mels),
        acoustic=acoustic,
        vocoder=vocoder,
        description=str(data["description"]),
        description_ja=str(data.get("description_ja", "")),
        training=data["training"],
        voice=VoicingProbe.from_json(data["voice"]) if "voice" in data else None,
        folder=folder,
        sha256=data["sha256"],
    )

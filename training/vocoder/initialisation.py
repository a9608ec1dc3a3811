"""What a vocoder run starts from: an earlier run, a bundle, or checkpoints of HiFi-GAN's own code or of the thesis'.

Both of these codes write g_######## (the generator), do_######## (discriminators and optimisers) and config.json into
one folder. A generator keeps its layout, whoever trains it on; so do its discriminators.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path

from torch import Tensor, nn

from rtmri2speech.errors import InputError
from rtmri2speech.models.convert import read_hifigan_generator
from rtmri2speech.models.hifigan import Generator, GeneratorConfig
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.weights import load_exactly, read_checkpoint
from rtmri2speech.spec import MelSpec

from ..engine.checkpoint import newest_whole
from ..engine.run_folder import SETTINGS, read_settings
from .checkpoints import checkpoints
from .discriminators import DiscriminatorConfig, Discriminators


@dataclass(frozen=True)
class Start:
    """Weights to begin with.

    source: the generator's file, for messages. generator, tensors: its shape, and its tensors with weight norm.
    discriminators: the file that holds some, None to begin with new ones. layout: theirs.
    """

    source: Path
    generator: GeneratorConfig
    tensors: dict[str, Tensor]
    discriminators: Path | None
    layout: str


def read_start(place: str, mel: MelSpec) -> Start:
    """place: a run folder of training.vocoder; a bundle's folder, whose weights are all there is of it; a folder of g_
    and do_ files, whose newest pair is taken; or a g_ file, for its generator alone.

    Raises InputError if it is none of these, or the generator does not fit the mel.
    """
    folder = Path(place)
    if (folder / SETTINGS).is_file():
        settings, newest = read_settings(folder, "vocoder"), newest_whole(reversed(checkpoints(folder)))
        if "generator" not in settings:
            raise _another_kind(place)
        if newest is None:
            raise InputError("{run} holds no checkpoint to start from.", run=place)
        layout = settings["discriminators"].get("layout", DiscriminatorConfig.layout)
        config = GeneratorConfig.from_json(settings["generator"])
        return Start(newest, config, read_checkpoint(newest)["generator"], newest, layout)
    if (folder / "bundle.json").is_file():
        bundle = load_bundle(folder)
        if bundle.mel != mel:
            raise InputError("The vocoder of {bundle} speaks another mel than the settings describe.", bundle=place)
        vocoder = bundle.vocoder
        if not isinstance(vocoder, Generator):
            raise _another_kind(place)
        return Start(folder, vocoder.config, unfolded(vocoder), None, DiscriminatorConfig.layout)
    files = sorted(folder.glob("g_[0-9]*")) if folder.is_dir() else [folder]
    if not files:
        raise InputError(
            "{run} holds neither a run of training.vocoder, nor a bundle, nor a generator g_########.", run=place
        )
    config, tensors = read_reference_generator(files[-1], files[-1].with_name("config.json"), mel)
    beside = files[-1].with_name(files[-1].name.replace("g_", "do_", 1))
    return Start(files[-1], config, tensors, beside if folder.is_dir() and beside.is_file() else None, config.layout)


def _another_kind(place: str) -> InputError:
    return InputError("{place} holds a vocoder that is no HiFi-GAN: give another init_from.", place=place)


def unfolded(vocoder: Generator) -> dict[str, Tensor]:
    """The tensors of a generator with weight norm that computes what this one without it computes."""
    trained, folded = Generator(vocoder.config), dict(vocoder.named_parameters())
    for name, module in trained.named_modules():
        if nn.utils.parametrize.is_parametrized(module, "weight"):
            module.weight = folded[f"{name}.weight"].detach().float()
        elif f"{name}.weight" in folded:
            module.weight.data.copy_(folded[f"{name}.weight"])
        if f"{name}.bias" in folded:
            module.bias.data.copy_(folded[f"{name}.bias"])
    return trained.state_dict()


def kept_layouts(settings, run: Path | None):
    """The settings of a run that starts from other weights with their layouts, of one that goes on with its own.

    settings: VocoderSettings. run: the folder of one that goes on, None of a new one.
    Raises InputError if the weights are of another shape.
    """
    if not settings.init_from:
        return settings
    if run:
        before = read_settings(run, "vocoder")
        layout = GeneratorConfig.from_json(before["generator"]).layout
        other = before["discriminators"].get("layout", DiscriminatorConfig.layout)
    else:
        start = read_start(settings.init_from, settings.mel)
        layout = start.generator.layout
        require_generator(start.generator, settings.generator, start.source)
        other = start.layout if start.discriminators else settings.discriminators.layout
    return replace(
        settings,
        generator=replace(settings.generator, layout=layout),
        discriminators=replace(settings.discriminators, layout=other),
    )


def require_generator(theirs: GeneratorConfig, ours: GeneratorConfig, source: Path) -> None:
    """Raises InputError, naming the setting, unless both are of one shape; their layouts may differ."""
    for field in fields(ours):
        given, wanted = getattr(theirs, field.name), getattr(ours, field.name)
        if field.name != "layout" and given != wanted:
            raise InputError(
                "{source} is a generator with {name} = {given}, and the settings say {wanted}: give its "
                "generator.{name}, or another init_from.",
                source=source,
                name=field.name,
                given=given,
                wanted=wanted,
            )


def read_reference_generator(path: Path, config_path: Path, mel: MelSpec) -> tuple[GeneratorConfig, dict[str, Tensor]]:
    """A g_######## with its config.json -> the generator's shape and its trainable (not folded) tensors."""
    config = read_hifigan_generator(path, config_path, mel).config  # checks every tensor by name
    checkpoint = read_checkpoint(path)
    generator = Generator(config)
    generator.load_state_dict(checkpoint.get("generator", checkpoint))  # PyTorch renames weight_g and weight_v
    return config, generator.state_dict()


def load_discriminators(path: Path, discriminators: Discriminators) -> dict[str, dict]:
    """Load those of a run's checkpoint, or of a do_########, in place; returns optimiser states {"optim_g", "optim_d"}.

    These are those of AdamW, in the parameter order of Generator and Discriminators; empty for a run's own
    checkpoint, from which a new run takes none, and for the thesis', whose AdaBelief keeps other ones.
    """
    checkpoint = read_checkpoint(path)
    if "discriminators" in checkpoint:
        load_exactly(discriminators, checkpoint["discriminators"], str(path))
        return {}
    for entry in ("mpd", "msd", "optim_g", "optim_d"):
        if entry not in checkpoint:
            raise InputError(
                "{path} lacks the entry {entry}: it is not a HiFi-GAN do_ checkpoint.", path=path, entry=entry
            )
    for name in ("mpd", "msd"):
        part = getattr(discriminators, name)
        load_exactly(part, _renamed(checkpoint[name], part), f"{path} ({name})")
    states = {name: checkpoint[name] for name in ("optim_g", "optim_d")}
    of_adamw = all("exp_avg_sq" in moments for state in states.values() for moments in state["state"].values())
    return states if of_adamw else {}


_NEW_NAMES = {
    "weight_g": "parametrizations.weight.original0",
    "weight_v": "parametrizations.weight.original1",
    "weight_orig": "parametrizations.weight.original",
    "weight_u": "parametrizations.weight.0._u",
}


def _renamed(state: dict[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
    """The tensor names of PyTorch's old weight and spectral norm -> those of its parametrisations."""
    spectral = {name.rpartition(".")[0] for name in state if name.endswith(".weight_orig")}
    renamed = {}
    for name, tensor in state.items():
        owner, _, leaf = name.rpartition(".")
        if leaf == "weight_v" and owner in spectral:
            leaf = "parametrizations.weight.0._v"
        renamed[f"{owner}.{_NEW_NAMES.get(leaf, leaf)}"] = tensor
    return renamed

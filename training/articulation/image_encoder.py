"""Image encoder: picture of the tract's window -> articulation. A CNN learns single moments of many heads, each with
its own appearance.

    python -m training.articulation.image_encoder pictures=[FILE.npz] val_pictures=[FILE.npz] run_dir=RUN [setting=value
    ...]

What is kept is the CNN of an AcousticModel and a linear read-out of its pooled maps. A second read-out, of every cell
of the maps, learns the regions that the cell shows; it is thrown away. RUN holds settings.json, articulation.json (the
scaler), history.csv, last.ckpt and sight.safetensors (weights averaged over the last steps); the same command goes on
where it was stopped, also with more steps. Settings: training/configs/articulation_image_encoder.yaml.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset

from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.models.weights import load_exactly, read_safetensors
from rtmri2speech.speech.mel import Scaler

from ..engine.checkpoint import load_start
from ..engine.config import build, run_command
from ..engine.loop import Intervals, choose_device, descend, set_lr, train_loop
from ..engine.run_folder import held, read_last, read_settings, write_last, write_settings
from ..engine.weight_averaging import average
from .corpus import COLUMNS, GROUPS, VOICED
from .label_maps import Pictures, concatenated, read_pictures
from .tensors import write_tensors
from .tract_pictures import REGION, REGION_CELLS, Views, clip_pictures, views_of

WEIGHTS = "sight.safetensors"
_VALIDATION_PICTURES = 256
_REPORT_EVERY = 100


@dataclass(frozen=True)
class ImageEncoderRun:
    """All settings. pictures: files of label maps to learn from; val_pictures: of other heads.

    init_from: a bundle or a run of this training whose CNN to start from. size: of the pictures in pixels, as the CNN
    sees them. batch: pictures a step, `moments` of each head in one appearance. The learning rate rises in `warmup`
    steps, stays, and falls in a straight line in the last `decay` steps. weights: of each group of columns
    (corpus.GROUPS) and of voicing. regions: weight of the second read-out. average: of the weights, over about
    1 / (1 - average) steps. device: auto, cpu or cuda. workers: processes that draw the pictures, the same ones however
    many; 0: this one.
    """

    pictures: tuple[str, ...]
    val_pictures: tuple[str, ...]
    run_dir: str
    init_from: str | None = None
    seed: int = 42
    size: int = 128
    model: AcousticConfig = field(default_factory=AcousticConfig)
    batch: int = 48
    moments: int = 4
    steps: int = 4000
    decay: int = 1000
    warmup: int = 50
    lr: float = 1.5e-3
    weight_decay: float = 0.02
    average: float = 0.995
    areas: float = 1.0
    length: float = 0.05
    tract: float = 0.6
    velum: float = 0.15
    glottis: float = 0.2
    voiced: float = 0.25
    regions: float = 0.3
    device: str = "auto"
    workers: int = 0
    restart: bool = False


_MAY_CHANGE = ("steps", "decay", "run_dir", "pictures", "val_pictures", "init_from", "device", "workers")


class ImageEncoder(nn.Module):
    """Pictures -> maps -> standardised articulation, and the regions of each cell."""

    def __init__(self, config: AcousticConfig, size: int):
        super().__init__()
        whole = AcousticModel(config)
        self.cnn = whole.cnn
        self.readout = nn.Linear(whole.channels, COLUMNS)
        self.cells = max(1, size // config.input_pool // config.output_stride)
        self.each = REGION_CELLS // self.cells
        self.kinds = int(REGION.max()) + 1
        self.regions = nn.Conv2d(whole.channels, self.kinds * self.each**2, 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, size, size) -> articulation (N, COLUMNS), regions (N, kinds, REGION_CELLS, REGION_CELLS)."""
        maps = self.cnn(pictures)[-1]
        return self.readout(maps.mean(dim=(2, 3))), nn.functional.pixel_shuffle(self.regions(maps), self.each)


def batch(
    pictures: Pictures, views: Views, known: np.ndarray, indices: np.ndarray, seed: tuple, size: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (N, 1, size, size), articulation (N, COLUMNS), regions (N, cells, cells). indices: (n, moments), each
    row of one head, which share an appearance."""
    made = [one for k, row in enumerate(indices) for one in clip_pictures(pictures, views, row, (*seed, k), size)]
    shown, regions = (np.stack(part) for part in zip(*made, strict=True))
    shown = torch.from_numpy(shown)[:, None].to(memory_format=torch.channels_last)
    return shown, torch.from_numpy(known[indices.ravel()]), torch.from_numpy(regions).long()


@dataclass(frozen=True)
class Steps(Dataset):
    """What each step learns from: it depends on the seed and the step's number alone."""

    learn: Pictures
    views: Views
    known: np.ndarray
    run: ImageEncoderRun

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        cv2.setNumThreads(1)
        rng, run = np.random.default_rng((self.run.seed, step)), self.run
        heads = self.learn.group[rng.integers(len(self.learn.maps), size=run.batch // run.moments)]
        own = [np.flatnonzero(self.learn.group == head) for head in heads]
        chosen = np.stack([rng.choice(some, run.moments, replace=len(some) < run.moments) for some in own])
        return batch(self.learn, self.views, self.known, chosen, (self.run.seed, step, 1), self.run.size)


def column_weights(run: ImageEncoderRun) -> Tensor:
    """(COLUMNS,) of the squared error: each group's weight shared among its columns."""
    weights = torch.zeros(COLUMNS)
    for name, (first, end) in GROUPS.items():
        weights[first:end] = getattr(run, name) / (end - first)
    weights[VOICED] = run.voiced
    return weights


def articulation_error(found: Tensor, known: Tensor, weights: Tensor) -> Tensor:
    """Weighted squared error; what is not known (NaN) does not count."""
    there = torch.isfinite(known)
    return ((found - torch.where(there, known, 0.0)).square() * there * weights).sum() / len(known)


def r2(found: np.ndarray, known: np.ndarray) -> dict[str, float]:
    """Of each group of columns: 1 - error / variance, the mean over its columns; "voiced": share of frames wrong."""
    result = {}
    for name, (first, end) in GROUPS.items():
        there = np.isfinite(known[:, first:end]).all(axis=1)
        a, b = found[there, first:end], known[there, first:end]
        result[name] = float(np.mean(1 - ((a - b) ** 2).mean(0) / np.maximum(b.var(0), 1e-9)))
    there = np.isfinite(known[:, VOICED])
    middle = 0.5 * (np.nanmin(known[:, VOICED]) + np.nanmax(known[:, VOICED]))
    wrong = (found[there, VOICED] > middle) != (known[there, VOICED] > middle)
    return result | {"voicing_wrong": float(wrong.mean())}


def train(run: ImageEncoderRun) -> Path:
    """Train, or go on with, the run. Raises InputError if the files or the settings do not fit."""
    cv2.setNumThreads(1)
    folder = Path(run.run_dir)
    read = [*run.pictures, *run.val_pictures, run.init_from]
    refuse_overwriting_inputs([folder / "settings.json", folder / "articulation.json"], read)
    with held(run):
        return _train(run, folder)


def _train(run: ImageEncoderRun, folder: Path) -> Path:
    learn, judge = (concatenated([read_pictures(Path(p)) for p in files]) for files in (run.pictures, run.val_pictures))
    state = read_last(folder, run, _MAY_CHANGE)
    if state is None:
        fit_known(learn).write(folder / "articulation.json")
    write_settings(folder, run)
    scaler = Scaler.read(folder / "articulation.json", COLUMNS)
    known, val_known = scaler.standardise(learn.articulation), scaler.standardise(judge.articulation)

    torch.manual_seed(run.seed)
    device = choose_device(run.device)
    network = ImageEncoder(run.model, run.size).to(device, memory_format=torch.channels_last)
    averaged = ImageEncoder(run.model, run.size).to(device, memory_format=torch.channels_last)
    if run.init_from and state is None:
        read_start(Path(run.init_from), network)
    averaged.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), run.lr, weight_decay=run.weight_decay)
    parts = {"network": network, "averaged": averaged, "optimizer": optimizer}
    if state is not None:
        for name, part in parts.items():
            part.load_state_dict(state[name])
    weights = column_weights(run).to(device)
    steps = range(0 if state is None else state["step"], run.steps)
    batches = iter(DataLoader(Steps(learn, views_of(learn), known, run), None, sampler=steps, num_workers=run.workers))

    def advance(step: int) -> dict[str, float]:
        shown, target, regions = (part.to(device) for part in next(batches))
        set_lr(run.lr * pace(run, step), optimizer)
        network.train()
        found, cells = network(shown)
        losses = {"error": articulation_error(found, target, weights), "regions": cross_entropy(cells, regions)}
        descend(losses["error"] + run.regions * losses["regions"], optimizer, clip=2.0, step=step)
        average(averaged, network, min(run.average, (step + 1) / (step + 10)))
        return {name: float(value.detach()) for name, value in losses.items()}

    def save(done: int) -> None:
        write_last(folder, run, parts, step=done)
        write_tensors(folder / WEIGHTS, averaged)

    every = Intervals(_REPORT_EVERY, _REPORT_EVERY, _REPORT_EVERY)
    validated = partial(validate, averaged, judge, views_of(judge), val_known, run)
    train_loop(folder, steps, advance, every, save=save, validate=validated, history=True)
    return folder


def pace(run: ImageEncoderRun, step: int) -> float:
    """The learning rate of a step as a share of run.lr."""
    return min(1.0, (step + 1) / run.warmup, (run.steps - step) / max(1, run.decay))


def fit_known(pictures: Pictures) -> Scaler:
    """Mean and deviation of each column, of what is known of it."""
    mean, std = np.nanmean(pictures.articulation, axis=0), np.nanstd(pictures.articulation, axis=0)
    return Scaler(mean, np.where(std < 1e-6, 1.0, std))


@torch.no_grad()
def validate(
    network: ImageEncoder, judge: Pictures, views: Views, known: np.ndarray, run: ImageEncoderRun
) -> dict[str, float]:
    """r2 over pictures of heads that do not train, always the same ones."""
    network.eval()
    device = next(network.parameters()).device
    found, true = [], []
    chosen = np.random.default_rng(0).permutation(len(judge.maps))[:_VALIDATION_PICTURES]
    for start in range(0, len(chosen), 32):
        some = chosen[start : start + 32, None]
        shown, target, _ = batch(judge, views, known, some, (10**6, start), run.size)
        found.append(network(shown.to(device))[0].cpu().numpy())
        true.append(target.numpy())
    return r2(np.concatenate(found), np.concatenate(true))


def read_start(source: Path, network: ImageEncoder) -> None:
    """The CNN's weights of a bundle, or all of a run of this training. Raises InputError if it is neither."""
    if (source / WEIGHTS).is_file():
        load_start(network, read_safetensors(source / WEIGHTS), str(source / WEIGHTS))
        return
    tensors = read_safetensors(source / "acoustic.safetensors")
    load_start(
        network.cnn,
        {name.removeprefix("cnn."): t for name, t in tensors.items() if name.startswith("cnn.")},
        str(source),
    )


def write_image_encoder(folder: Path, network: ImageEncoder, scaler: Scaler, run: ImageEncoderRun) -> None:
    """What read_image_encoder reads. scaler: of the articulation."""
    folder.mkdir(parents=True, exist_ok=True)
    scaler.write(folder / "articulation.json")
    write_settings(folder, run)
    write_tensors(folder / WEIGHTS, network)


def read_image_encoder(folder: Path) -> tuple[ImageEncoder, Scaler, ImageEncoderRun]:
    """(network in eval mode, scaler of the articulation, settings) of a run."""
    run = build(ImageEncoderRun, read_settings(folder, "articulation.image_encoder"))
    network = ImageEncoder(run.model, run.size)
    load_exactly(network, read_safetensors(folder / WEIGHTS), str(folder / WEIGHTS))
    return network.eval(), Scaler.read(folder / "articulation.json", COLUMNS), run


if __name__ == "__main__":
    run_command(train, ImageEncoderRun, "articulation_image_encoder")

"""One run of the segmenter's training: python -m training.segmentation (see training/configs/segmentation.yaml)."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from rtmri2speech.anatomy.network import Segmenter, SegmenterConfig, soft_cross_entropy_and_dice
from rtmri2speech.anatomy.regions import NAMES
from rtmri2speech.models.precision import choose_precision
from rtmri2speech.models.weights import read_checkpoint

from ..engine.checkpoint import before, load_start, newest_whole, write_newest
from ..engine.loop import Intervals, descend, set_lr, train_loop
from ..engine.run_folder import check_resumable, held, newest_checkpoint, read_settings, write_settings
from ..engine.schedules import cosine
from ..engine.weight_averaging import average
from .domain_randomisation import Example, example
from .label_map_cache import LabelMaps, read_or_make_maps

# How much a pixel of each region counts: thin and small ones more, or they are given up for their neighbours.
_WEIGHT = {"rest": 0.6, "brain": 0.6, "spine": 0.6, "velum": 2.0, "pharynx_wall": 1.6, "larynx": 1.6}
_WEIGHT |= {"lower_lip": 1.6, "upper_lip": 1.6, "hard_palate": 1.6, "jaw": 1.6, "airway": 1.4}


@dataclass(frozen=True)
class SegmentationSettings:
    """run_dir: the run's folder. maps: the cache of label maps, made if missing, of `each` postures of each head.

    speakers, held_out: how many heads train, and how many more judge. negative: share of pictures that show no head in
    profile. init_from: a run to take the weights of at the start, of any picture size. average: of the weights, over
    about 1 / (1 - average) steps; the average is what is kept.
    """

    run_dir: str
    init_from: str | None
    maps: str
    seed: int
    speakers: int
    held_out: int
    each: int
    workers: int
    size: int
    widths: tuple[int, ...]
    fold: int
    steps: int
    batch: int
    learning_rate: float
    warmup: int
    weight_decay: float
    negative: float
    average: float
    precision: str
    threads: int
    validate_every: int
    validate_pictures: int
    checkpoint_every: int
    restart: bool = False


NEWEST = "last.pt"
_FREE = {"run_dir", "maps", "workers", "precision", "threads"}
_FREE |= {"validate_every", "validate_pictures", "checkpoint_every"}


def train(settings: SegmentationSettings) -> Segmenter:
    """Train until `steps` are made, going on where the run's folder left off; returns the averaged network.

    Every batch depends on (seed, step) alone. Raises InputError if the folder holds a run of other settings.
    """
    torch.set_num_threads(settings.threads)
    cv2.setNumThreads(1)
    with held(settings):
        return _train(settings, Path(settings.run_dir))


def _train(settings: SegmentationSettings, run: Path) -> Segmenter:
    newest = newest_checkpoint(run, [before(run / NEWEST), run / NEWEST])
    if newest:
        check_resumable(run, settings, read_settings(run, "segmentation"), free=_FREE)
    write_settings(run, settings)
    learning, judging = _maps(settings)
    torch.manual_seed(settings.seed)
    network = Segmenter(SegmenterConfig(settings.size, settings.widths, settings.fold)).to(
        memory_format=torch.channels_last
    )
    if settings.init_from:
        load_start(network, read_newest(Path(settings.init_from))["averaged"], settings.init_from)
    averaged = Segmenter(network.config).to(memory_format=torch.channels_last).eval()
    averaged.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    parts = {"network": network, "averaged": averaged, "optimiser": optimiser}
    first = 0
    if newest:
        state = read_checkpoint(newest)
        first = state["step"]
        for name, part in parts.items():
            part.load_state_dict(state[name])
    dtype = choose_precision(settings.precision, torch.device("cpu"))
    weights = torch.tensor([_WEIGHT.get(name, 1.0) for name in NAMES])

    def advance(step: int) -> dict[str, float]:
        rates = {"lr": settings.learning_rate, "min_lr": 0.01 * settings.learning_rate}
        set_lr(cosine(step, **rates, warmup_steps=settings.warmup, total_steps=settings.steps), optimiser)
        pictures, quarters = batch(learning, settings, step)
        network.train()
        with torch.autocast("cpu", dtype, dtype != torch.float32):
            logits = network(pictures)
        loss = soft_cross_entropy_and_dice(logits.float(), quarters, weights)
        descend(loss, optimiser, clip=2.0, step=step)
        average(averaged, network, min(settings.average, (step + 1) / (step + 11)))
        return {"loss": loss.item()}

    def save(done: int) -> None:
        write_newest(run / NEWEST, {name: part.state_dict() for name, part in parts.items()} | {"step": done})

    every = Intervals(settings.validate_every, settings.validate_every, settings.checkpoint_every)
    judged = partial(validate, averaged, judging, settings, dtype)
    train_loop(run, range(first, settings.steps), advance, every, save=save, validate=judged, history=True)
    return averaged


def batch(maps: LabelMaps, settings: SegmentationSettings, step: int) -> tuple[Tensor, Tensor]:
    """Pictures (N, 1, size, size) and quarters int64 (N, 4, size, size) of this step."""
    made = []
    for k in range(settings.batch):
        rng = np.random.default_rng([settings.seed, step, k])
        made.append(_drawn(maps, rng, settings.size, settings.negative))
    return _stacked(made)


def _drawn(maps: LabelMaps, rng: np.random.Generator, size: int, negative: float) -> Example:
    chosen = rng.integers(len(maps.labels))
    same_head = np.flatnonzero(maps.speaker == maps.speaker[chosen])
    return example(maps.labels[chosen], maps.labels[rng.choice(same_head)], rng, size, negative)


def _stacked(examples: list[Example]) -> tuple[Tensor, Tensor]:
    pictures = torch.from_numpy(np.stack([e.picture for e in examples]))[:, None]
    quarters = torch.from_numpy(np.stack([e.regions for e in examples])).long()
    return pictures.to(memory_format=torch.channels_last), quarters


@torch.no_grad()
def validate(
    network: Segmenter, maps: LabelMaps, settings: SegmentationSettings, dtype: torch.dtype
) -> dict[str, float]:
    """Dice of each region over pictures of heads that do not train, always the same ones."""
    overlap, total = np.zeros(len(NAMES)), np.zeros(len(NAMES))
    for start in range(0, settings.validate_pictures, 16):
        made = []
        for k in range(start, min(start + 16, settings.validate_pictures)):
            rng = np.random.default_rng([settings.seed, 10**9, k])
            made.append(_drawn(maps, rng, settings.size, 0.0))
        pictures, quarters = _stacked(made)
        with torch.autocast("cpu", dtype, dtype != torch.float32):
            found = network(pictures).argmax(1).numpy()
        true = quarters[:, 0].numpy()
        for k in range(len(NAMES)):
            overlap[k] += 2 * np.sum((found == k) & (true == k))
            total[k] += np.sum(found == k) + np.sum(true == k)
    return {name: float(overlap[k] / max(total[k], 1)) for k, name in enumerate(NAMES)}


def _maps(settings: SegmentationSettings) -> tuple[LabelMaps, LabelMaps]:
    count = settings.speakers + settings.held_out
    maps = read_or_make_maps(Path(settings.maps), settings.seed, range(count), settings.each, settings.workers)
    trains = maps.speaker < settings.speakers
    return tuple(LabelMaps(maps.labels[chosen], maps.speaker[chosen]) for chosen in (trains, ~trains))


def read_newest(run: Path) -> dict:
    """The newest whole checkpoint of a run. Raises InputError if there is none."""
    return read_checkpoint(newest_whole([run / NEWEST, before(run / NEWEST)]) or run / NEWEST)

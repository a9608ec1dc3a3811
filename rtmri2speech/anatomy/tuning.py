"""Tuning of the segmenter to one scanner, on a few frames whose regions were corrected by hand.

    made = tune_segmenter(load_segmenter(), clip.frames, corrected_regions)
    if made.better:
        made.segmenter.save(folder)

The last fifth of the corrected frames is held out: the tuned network is judged there, by the Dice coefficient of the
moving regions (L. Dice, Ecology 26, 1945), against the one it began as. Pictures and labels are turned, scaled, shifted
and changed in contrast at random; BatchNorm keeps its statistics, as a few frames have none to give.
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import nn

from ..errors import InputError
from ..progress import UNSEEN, Progress
from .network import Segmenter, soft_cross_entropy_and_dice
from .regions import GROUPS, NAMES, SIZE, Correction, Regions
from .segmenter import SOLID_TRACT, Crop, segment_regions, square_around
from .segmenter_bundle import SegmenterBundle

FEWEST_FRAMES = 5
HELD_OUT_SHARE = 0.2
LEAST_GAIN = (
    0.02  # of the Dice coefficient: below, other clips of the scanner did not gain (benchmarks.segmenter_tuning)
)
_MOVING = tuple(NAMES.index(name) for name in GROUPS["tract"])
_WHOLE_SHARE = 0.25  # of the pictures drawn: whole, as in the segmenter's first pass; the others cropped to the tract


@dataclass(frozen=True)
class SegmenterTuning:
    """steps of AdamW at lr with cosine decay, on `batch` pictures each."""

    steps: int = 80
    batch: int = 8
    lr: float = 3e-4
    weight_decay: float = 1e-3
    seed: int = 0


@dataclass(frozen=True, eq=False)
class TunedSegmenter:
    """learnt, held_out: corrected frames. before, after: mean Dice of the moving regions in the frames held out."""

    segmenter: SegmenterBundle
    learnt: tuple[int, ...]
    held_out: tuple[int, ...]
    before: float
    after: float

    @property
    def better(self) -> bool:
        return self.after >= self.before + LEAST_GAIN

    def to_json(self) -> dict:
        return {
            "better": self.better,
            "learnt_frames": len(self.learnt),
            "held_out_frames": len(self.held_out),
            "dice_before": round(self.before, 4),
            "dice_after": round(self.after, 4),
        }


def corrected_frames(corrections: Sequence[Correction]) -> list[int]:
    """The frames that corrections changed, in order."""
    spans = [correction.values["frames"] for correction in corrections]
    return sorted({frame for first, last in spans for frame in range(first, last + 1)})


def tune_segmenter(
    segmenter: SegmenterBundle,
    frames: np.ndarray,
    regions: Regions,
    settings: SegmenterTuning = SegmenterTuning(),
    progress: Progress = UNSEEN,
) -> TunedSegmenter:
    """Tune a segmenter, which stays as it is, to frames uint8 (T, H, W) whose `regions` were corrected in some.

    progress: its stages are tuning and regions. Raises InputError for fewer than FEWEST_FRAMES corrected frames.
    """
    chosen = corrected_frames(regions.corrections)
    if len(chosen) < FEWEST_FRAMES:
        raise InputError(
            "Regions are learned from {least} corrected frames or more, not {count}.",
            least=FEWEST_FRAMES,
            count=len(chosen),
        )
    held = max(1, round(HELD_OUT_SHARE * len(chosen)))
    learnt, held_out = chosen[:-held], chosen[-held:]
    pictures, labels = _turned_left(frames[learnt], regions.at(np.array(learnt)))
    network = _trained(segmenter.network, pictures, labels, settings, progress.part(None, 0, 0.8))
    tuned = SegmenterBundle(f"{segmenter.name}, tuned", network, dict(segmenter.training))
    true = regions.labels[held_out]
    scores = [
        mean_dice(segment_regions(frames, regions.fps, one, progress=told).labels[held_out], true)
        for one, told in ((segmenter, progress.part(None, 0.8, 0.9)), (tuned, progress.part(None, 0.9, 1)))
    ]
    made = TunedSegmenter(tuned, tuple(learnt), tuple(held_out), *scores)
    tuned.training["tuned"] = made.to_json()
    return made


def mean_dice(found: np.ndarray, true: np.ndarray) -> float:
    """Mean Dice coefficient of the moving regions of labels (n, h, w), over those that are there."""
    scores = []
    for k in _MOVING:
        a, b = found == k, true == k
        if b.any():
            scores.append(2 * (a & b).sum() / (a.sum() + b.sum()))
    return float(np.mean(scores)) if scores else 0.0


def _turned_left(frames: np.ndarray, regions: Regions) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and labels uint8 (n, SIZE, SIZE), square, of a face to the left."""
    height, width = frames.shape[1:]
    side = max(height, width)
    square = np.zeros((len(frames), side, side), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[:, top : top + height, left : left + width] = frames
    pictures = np.stack([cv2.resize(one, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) for one in square])
    if regions.facing == "left":
        return pictures, regions.labels
    return pictures[:, :, ::-1].copy(), regions.labels[:, :, ::-1].copy()


def _trained(
    start: Segmenter, pictures: np.ndarray, labels: np.ndarray, settings: SegmenterTuning, progress: Progress
) -> Segmenter:
    network = copy.deepcopy(start).train().requires_grad_(True)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    optimiser = torch.optim.AdamW(network.parameters(), settings.lr, weight_decay=settings.weight_decay)
    rng, weights = np.random.default_rng(settings.seed), torch.ones(len(NAMES))
    tract = square_around(np.isin(labels, SOLID_TRACT).mean(axis=0) > 0.3)
    for step in range(settings.steps):
        drawn = [_drawn(pictures, labels, tract, network.config.size, rng) for _ in range(settings.batch)]
        shown, quarters = (torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True))
        for group in optimiser.param_groups:
            group["lr"] = settings.lr * 0.5 * (1 + math.cos(math.pi * step / settings.steps))
        loss = soft_cross_entropy_and_dice(network(shown[:, None]), quarters.long(), weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        progress("tuning", step + 1, settings.steps)
    return network


def _drawn(
    pictures: np.ndarray, labels: np.ndarray, tract: Crop, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A picture float32 (size, size) and the quarters of its labels (4, size, size), changed at random."""
    k = rng.integers(len(pictures))
    crop = Crop() if rng.random() < _WHOLE_SHARE else tract
    angle, zoom = np.deg2rad(rng.normal(0, 4)), SIZE / crop.side * np.exp(rng.normal(0, 0.05))
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([crop.left, crop.top]) + crop.side / 2
    motion = np.c_[turn, SIZE / 2 + rng.normal(0, 5, 2) - turn @ middle]
    moved = cv2.warpAffine(pictures[k], motion, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
    true = cv2.warpAffine(labels[k], motion, (SIZE, SIZE), flags=cv2.INTER_NEAREST)
    bright = 255 * (moved.astype(np.float32) / 255) ** np.exp(rng.normal(0, 0.2))
    picture = cv2.resize(bright, (size, size), interpolation=cv2.INTER_AREA)
    picture = (picture - picture.mean()) / max(float(picture.std()), 1e-3)
    fine = cv2.resize(true, (2 * size, 2 * size), interpolation=cv2.INTER_NEAREST)
    quarters = np.stack([fine[row::2, column::2] for row in (0, 1) for column in (0, 1)])
    return (picture + rng.normal(0, 0.1, picture.shape)).astype(np.float32), quarters

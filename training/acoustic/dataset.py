"""The dataset folder as torch sees it: windows of frames and mel, read straight from samples/ by memory map."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from rtmri2speech.errors import InputError
from rtmri2speech.spec import VIEWS
from rtmri2speech.speech.mel import Scaler, spectral_envelope

from ..preprocess.dataset import Corpus, Utterance
from ..preprocess.phantom_truth import REGIONS, TRACT
from ..preprocess.tract_mask import read_view
from .region_augmentation import vary_regions
from .split import PARTS, SplitConfig, split_utterances

# (frames, masks or None, generator) -> the same, changed at random: augment.augment_together at a strength
Augment = Callable[[np.ndarray, np.ndarray | None, np.random.Generator], tuple[np.ndarray, np.ndarray | None]]
TRACT_CELLS = 16
_IN_TRACT = np.isin(np.arange(256), [REGIONS.index(name) for name in TRACT]).astype(np.float32)


@dataclass(frozen=True)
class DataConfig:
    """Which windows, at which size.

    window: frames, or None for whole recordings. stride: frames from one window to the next; None: the window.
    image_size: side in pixels the CNN is trained at. view: what the model sees, full or tract, for which the dataset
    needs training.preprocess --mask tract. augment: strength, 0 is off (see acoustic.augment).
    floor_db: mel values below are raised to it, None for none. What the vocoder's own floor hides anyway (-50 dB for
    ln_power) need not be learned.
    envelope: how many cepstral coefficients of each target spectrum to keep, None for all. 16 of 64 keep the formants
    and drop the harmonics of F0, which pictures do not show: a model that is asked for them learns them by heart.
    vary_regions: strength of training.acoustic.region_augmentation, for phantoms with their truth; 0 is off.
    split: see SplitConfig. workers: processes that read windows.
    """

    window: int | None = 4
    stride: int | None = 1
    image_size: int = 256
    view: str = "full"
    floor_db: float | None = None
    envelope: int | None = None
    augment: float = 0.0
    vary_regions: float = 0.0
    split: SplitConfig = field(default_factory=SplitConfig)
    workers: int = 2

    def __post_init__(self):
        if any(n is not None and n < 1 for n in (self.window, self.stride)):
            raise InputError("data.window and data.stride must be at least 1 frame.")
        if self.image_size < 32 or self.image_size % 32:
            raise InputError("data.image_size must be a multiple of 32, not {image_size}.", image_size=self.image_size)
        if self.view not in VIEWS:
            raise InputError("data.view is {known}, not {view!r}.", known=" or ".join(VIEWS), view=self.view)
        if self.envelope is not None and self.envelope < 1:
            raise InputError("data.envelope is a number of coefficients from 1 on, or null.")
        for name in ("augment", "vary_regions"):
            if getattr(self, name) < 0:
                raise InputError(
                    "data.{name} is a strength of 0 (off) or more, not {given:g}.", name=name, given=getattr(self, name)
                )
        if self.split.by == "window" and self.window is None:
            raise InputError("data.split.by=window needs windows: give data.window.")


@dataclass(frozen=True)
class Segment:
    """The frames [start, stop) of a recording."""

    utterance: Utterance
    start: int
    stop: int


def split_corpus(
    corpus: Corpus, data: DataConfig, previous: dict[str, list[str]] | None = None
) -> tuple[dict[str, list[Segment]], dict[str, list[str]]]:
    """Training, validation and test segments, and the ids of each part (empty for the split by window).

    By utterance or speaker, a segment is a whole recording. By window, as in the thesis, every overlapping window of
    every recording is drawn into a part, so that parts share frames: its validation figures are too good.
    """
    if data.split.by != "window":
        ids = split_utterances(corpus.utterances, data.split, previous)
        by_id = {u.id: u for u in corpus.utterances}
        return {p: [Segment(by_id[i], 0, by_id[i].frames) for i in ids[p]] for p in PARTS}, ids
    windows = [s for u in corpus.utterances for s in windows_of(Segment(u, 0, u.frames), data.window, data.stride)]
    random.Random(data.split.seed).shuffle(windows)
    train, val = (round(share * len(windows)) for share in data.split.shares[:2])
    parts = windows[:train], windows[train : train + val], windows[train + val :]
    return dict(zip(PARTS, parts, strict=True)), {part: [] for part in PARTS}


def windows_of(segment: Segment, window: int | None, stride: int | None) -> list[Segment]:
    """Windows of `window` frames, `stride` apart, the last one moved back so that every frame is in one."""
    length = segment.stop - segment.start
    if window is None or length <= window:
        return [segment]
    starts = list(range(0, length - window + 1, stride or window))
    if starts[-1] != length - window:
        starts.append(length - window)
    return [Segment(segment.utterance, segment.start + s, segment.start + s + window) for s in starts]


class WindowDataset(Dataset):
    """Item (index, seed) -> {"frames" (T, 1, S, S) float32 in [0, 1], "mel" (T, n_mels) standardised,
    "mask" (T,) bool, "index"}; "articulation" (T, K) where `articulation` says how to standardise it; with `tract`,
    "tract" (T, TRACT_CELLS, TRACT_CELLS), the share of each cell of the picture that the vocal tract covers.

    With `jitter`, windows are moved at random within their segment; with `augment`, the pictures are changed at
    random. Both draw from the item's seed alone, so any run that asks for the same item gets the same.
    """

    def __init__(
        self,
        segments: Sequence[Segment],
        data: DataConfig,
        scaler: Scaler,
        *,
        jitter: bool,
        augment: Augment | None,
        articulation: Scaler | None = None,
        tract: bool = False,
    ):
        self.windows = [(w, s) for s in segments for w in windows_of(s, data.window, data.stride)]
        self.data, self.scaler, self.jitter, self.augment = data, scaler, jitter, augment
        self.articulation, self.tract = articulation, tract

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, item: tuple[int, int]) -> dict[str, torch.Tensor]:
        index, seed = item
        window, segment = self.windows[index]
        rng = np.random.default_rng(seed)
        start, length = window.start, window.stop - window.start
        if self.jitter:
            start = int(rng.integers(segment.start, segment.stop - length + 1))
        arrays = {
            name: np.load(window.utterance.folder / f"{name}.npy", mmap_mode="r")[start : start + length]
            for name in ("mri", "mel_db", "mask")
        }
        frames = _resize(arrays["mri"], self.data.image_size)
        view = read_view(window.utterance.folder, self.data.view)
        regions = None
        if self.tract or (self.augment and self.data.vary_regions and has_regions(window.utterance)):
            regions = _read_regions(window.utterance.folder, slice(start, start + length), self.data.image_size)
        tract = _IN_TRACT[regions] if self.tract else None
        if self.augment:
            if self.data.vary_regions and regions is not None:
                frames = self._vary_regions(frames, regions, rng)
            frames, tract = self.augment(frames, tract, rng)
        item = {
            "frames": torch.from_numpy(view.prepare(frames, self.data.image_size))[:, None],
            "mel": torch.from_numpy(self.scaler.standardise(target_mel(arrays["mel_db"], self.data))),
            "mask": torch.from_numpy(np.array(arrays["mask"], bool)),
            "index": index,
        }
        if self.articulation:
            known = np.load(window.utterance.folder / "articulation.npy")[start : start + length]
            item["articulation"] = torch.from_numpy(self.articulation.standardise(known))
        if self.tract:
            cells = (TRACT_CELLS, TRACT_CELLS)
            item["tract"] = torch.from_numpy(
                np.stack([cv2.resize(mask, cells, interpolation=cv2.INTER_AREA) for mask in tract])
            )
        return item

    def _vary_regions(self, frames: np.ndarray, regions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        size = self.data.image_size
        other = self.windows[rng.integers(len(self.windows))][0].utterance
        stranger = None
        if has_regions(other):
            picture = _resize(np.load(other.folder / "mri.npy", mmap_mode="r")[:1], size)[0]
            stranger = picture, _read_regions(other.folder, slice(0, 1), size)[0]
        return vary_regions(frames, regions, rng, self.data.vary_regions, stranger)


def has_regions(utterance: Utterance) -> bool:
    """Whether it is a phantom, whose regions are known."""
    return (utterance.folder / "regions.npy").is_file()


def _read_regions(folder: Path, frames: slice, size: int) -> np.ndarray:
    """uint8 (T, size, size): the truth's regions of these frames."""
    regions = np.load(folder / "regions.npy", mmap_mode="r")[frames]
    return np.stack([cv2.resize(region, (size, size), interpolation=cv2.INTER_NEAREST) for region in regions])


def fit_articulation(segments: Sequence[Segment]) -> Scaler:
    """Mean and deviation of each column of the articulation of these recordings.

    Raises InputError if one of them has none, as recordings of people have not.
    """
    paths = [s.utterance.folder / "articulation.npy" for s in segments]
    without = next((p.parent.name for p in paths if not p.is_file()), None)
    if without:
        raise InputError(
            "{without} has no articulation.npy, which only phantoms have: set loss.articulation=0.", without=without
        )
    return Scaler.fit([np.load(path) for path in paths])


def require_regions(segments: Sequence[Segment]) -> None:
    """Raises InputError if one of these recordings has no known regions, as recordings of people have not."""
    without = next((s.utterance.id for s in segments if not has_regions(s.utterance)), None)
    if without:
        raise InputError("{without} has no regions.npy, which only phantoms have: set loss.focus=0.", without=without)


def target_mel(mel_db: np.ndarray, data: DataConfig) -> np.ndarray:
    """The target of (T, n_mels) dB: a float32 copy, smoothed to data.envelope, not below data.floor_db."""
    target = np.array(mel_db, np.float32) if data.envelope is None else spectral_envelope(mel_db, data.envelope)
    return target if data.floor_db is None else np.maximum(target, np.float32(data.floor_db))


def fit_scaler(corpus: Corpus, data: DataConfig) -> Scaler:
    """The scaler of the targets of all recordings."""
    if data.floor_db is None and data.envelope is None:
        return corpus.scaler
    mels = (np.load(u.folder / "mel_db.npy")[np.load(u.folder / "mask.npy")] for u in corpus.utterances)
    return Scaler.fit([target_mel(mel, data) for mel in mels])


def _resize(frames: np.ndarray, size: int) -> np.ndarray:
    """uint8 (T, H, H) -> uint8 (T, size, size). Before augmentation, which then has fewer pixels to change."""
    if frames.shape[1] == size:
        return np.array(frames)
    how = cv2.INTER_AREA if frames.shape[1] > size else cv2.INTER_CUBIC
    return np.stack([cv2.resize(frame, (size, size), interpolation=how) for frame in frames])


def collate(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Items of different lengths -> a batch padded with zeros, with "lengths" (B,) and "index" (B,)."""
    pad = torch.nn.utils.rnn.pad_sequence
    tensors = [name for name in items[0] if name != "index"]
    batch = {name: pad([item[name] for item in items], batch_first=True) for name in tensors}
    numbers = {"lengths": [len(item["mask"]) for item in items], "index": [item["index"] for item in items]}
    return batch | {name: torch.tensor(values) for name, values in numbers.items()}


class SeededSampler(Sampler):
    """Yields (index, seed) for an epoch; order and seeds follow from (seed, epoch) alone, whatever was drawn before.

    Several processes (rank of world) each get every world-th item of the same order, all equally many.
    """

    def __init__(self, count: int, seed: int, *, shuffle: bool, rank: int = 0, world: int = 1):
        self.count, self.seed, self.shuffle, self.rank, self.world = count, seed, shuffle, rank, world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the training loop before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.count // self.world)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng((self.seed, self.epoch if self.shuffle else 0))
        order = rng.permutation(self.count) if self.shuffle else np.arange(self.count)
        seeds = rng.integers(2**62, size=self.count)
        for k in range(len(self)):
            index = order[(k * self.world + self.rank) % self.count]
            yield int(index), int(seeds[index])

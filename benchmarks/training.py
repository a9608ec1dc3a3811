"""Preprocessing and training input, against the plain way: pairs in compressed npz files, one process.

Clips are the benchmark's own; their content does not matter for speed. The compact configuration's CNN is used.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from training.acoustic.dataset import DataConfig, Segment, WindowDataset, collate
from training.preprocess.dataset import Corpus
from training.preprocess.sample import Settings
from training.preprocess.sources import find_sources
from training.preprocess.thesis_pairs import write_pairs_npz
from training.preprocess.write_dataset import write_dataset

from .material import FPS, write_clip

CLIPS, FRAMES, WINDOW, BATCH = 4, 80, 4, 8
STEPS = 6


def measure() -> dict:
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sources = _corpus(folder / "corpus")
        seconds = CLIPS * FRAMES / float(FPS)
        one = seconds / _preprocess(sources, folder / "one", 1)
        several = seconds / _preprocess(sources, folder / "several", cores)
        corpus = Corpus.read(folder / "one")
        write_pairs_npz(corpus.folder, WINDOW)
        data = DataConfig(window=WINDOW, stride=1, image_size=256)
        segments = [Segment(u, 0, u.frames) for u in corpus.utterances]
        mapped = WindowDataset(segments, data, corpus.scaler, jitter=False, augment=None)
        rng = np.random.default_rng(0)
        chosen = [int(k) for k in rng.integers(len(mapped), size=BATCH * STEPS)]
        read_mapped = _rate(lambda: [mapped[k, 0] for k in chosen])
        read_pairs = _rate(lambda: [_from_npz(corpus.folder, *_place(mapped, k)) for k in chosen])
        batches = [chosen[k : k + BATCH] for k in range(0, len(chosen), BATCH)]
        learn = _learner()
        train_mapped = _rate(lambda: [learn(collate([mapped[k, 0] for k in b])) for b in batches])
        train_pairs = _rate(
            lambda: [learn(collate([_from_npz(corpus.folder, *_place(mapped, k)) for k in b])) for b in batches]
        )
        return {
            "preprocessing, 1 process (s of clip a s)": one,
            f"preprocessing, {cores} processes (s of clip a s)": several,
            "reading windows from samples/ (frames/s)": read_mapped,
            "reading windows from pairs npz (frames/s)": read_pairs,
            "reading, ratio": read_mapped / read_pairs,
            "training the compact model from samples/ (frames/s)": train_mapped,
            "training the compact model from pairs npz (frames/s)": train_pairs,
            "training, ratio": train_mapped / train_pairs,
            "bytes of samples/ over pairs npz": _bytes(folder / "one" / "samples")
            / _bytes(folder / "one" / f"pairs_ref{WINDOW}"),
        }


def _corpus(folder: Path) -> list:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(CLIPS):
        write_clip(folder / f"s{k:02d}_0000.mp4", FRAMES)
        soundfile.write(folder / f"s{k:02d}_0000.wav", rng.normal(0, 0.1, round(FRAMES / float(FPS) * 20000)), 20000)
    return find_sources(folder, None, None, r"^(s\d+)_")[0]


def _preprocess(sources: list, out: Path, jobs: int) -> float:
    """Seconds; the workers are started beforehand, as they are once for a whole corpus."""
    write_dataset(sources[:jobs], {}, Settings(), out.with_name(out.name + "_warm"), jobs=jobs, tell=lambda line: None)
    start = time.perf_counter()
    write_dataset(sources, {}, Settings(), out, jobs=jobs, tell=lambda line: None)
    return time.perf_counter() - start


def _place(windows: WindowDataset, index: int) -> tuple[str, int]:
    window = windows.windows[index][0]
    return window.utterance.id, window.start


def _from_npz(dataset: Path, id_: str, start: int) -> dict:
    """One window of the thesis' pair files, as the same item that WindowDataset gives."""
    with np.load(dataset / f"pairs_ref{WINDOW}" / f"{id_}.npz") as pairs:
        mri, mel, mask = pairs["mri"][start], pairs["mel"][start], pairs["mask"][start]
    low, high = (f(axis=(1, 2, 3), keepdims=True) for f in (mri.min, mri.max))
    frames = (mri - low.astype(np.float32)) / (high.astype(np.float32) - low)
    return {
        "frames": torch.from_numpy(frames),
        "mel": torch.from_numpy(np.array(mel)),
        "mask": torch.from_numpy(mask > 0),
        "index": 0,
    }


def _learner():
    model = AcousticModel(
        AcousticConfig("mobilenetv4_conv_small", rnn_hidden=256, dropout=0.3, output_stride=16, input_pool=2)
    )
    model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4)

    def step(batch: dict) -> None:
        optimizer.zero_grad()
        (model(batch["frames"]) - batch["mel"]).square().mean().backward()
        optimizer.step()

    return step


def _rate(work) -> float:
    """Frames a second: the better of two passes."""
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return BATCH * STEPS * WINDOW / best


def _bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())

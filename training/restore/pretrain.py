"""Pre-train a small HuBERT on clean speech (W.-N. Hsu et al., IEEE/ACM TASLP 29, 2021; its first iteration).

    python -m training.restore.pretrain run_dir=RUN +sources.mine.folder=WAVS

Masked frames are to be told apart by the class of their MFCCs. The same command again goes on where it stopped; the
encoder lies in RUN/encoder, in transformers' own format. Settings: training/configs/restore_encoder.yaml.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from rtmri2speech.files import atomic_write, refuse_overwriting_inputs, write_json
from rtmri2speech.models.weights import read_checkpoint, write_safetensors
from rtmri2speech.restore.encoder import ENCODER_RATE, build_hubert, framed, standardise

from ..engine.checkpoint import before, write_newest
from ..engine.config import run_command
from ..engine.loop import Intervals, choose_device, descend, set_lr, train_loop
from ..engine.run_folder import as_kept, check_resumable, held, newest_checkpoint
from ..engine.schedules import linear
from ..preprocess.recordings import Recording, SpeechSource, prepare_sources
from .recordings import PEAK, SegmentDraw

_CLASS_FRAMES = 200_000  # frames that the classes are found from
_FREE = {"run_dir", "prepared", "log_every", "checkpoint_every", "steps", "device"}  # may change within a run


@dataclass(frozen=True)
class PretrainSettings:
    """See training/configs/restore_encoder.yaml for each."""

    run_dir: str
    sources: dict[str, SpeechSource]
    encoder: dict = field(default_factory=dict)
    prepared: str | None = None
    classes: int = 100
    segment_s: float = 3.0
    batch_size: int = 8
    gain_db: tuple[float, float] = (-20.0, 0.0)
    seed: int = 1234
    lr: float = 1e-3
    warmup_steps: int = 300
    steps: int = 4000
    log_every: int = 50
    checkpoint_every: int = 100
    device: str = "auto"
    restart: bool = False


class MaskedPrediction(nn.Module):
    """HuBERT with a class for each frame: waveform (B, L), mask (B, T) -> logits (B, T, classes)."""

    def __init__(self, config: dict, classes: int):
        super().__init__()
        self.hubert = build_hubert(config)
        self.head = nn.Linear(self.hubert.config.hidden_size, classes)

    def forward(self, waveform: Tensor, mask: Tensor) -> Tensor:
        return self.head(self.hubert(framed(waveform, self.hubert.config), mask_time_indices=mask).last_hidden_state)


def mfcc(waveform: np.ndarray, frames: int) -> np.ndarray:
    """(frames, 39): 13 MFCCs of 25 ms every 20 ms with their first and second differences, centred as `framed` does."""
    import librosa

    hop, window = ENCODER_RATE // 50, ENCODER_RATE // 40
    before = (window - hop) // 2
    padded = np.pad(waveform, (before, (frames - 1) * hop + window - before - len(waveform)))
    # A trace of noise: digital silence would have its own class, far from all others.
    padded = padded + 1e-5 * np.random.default_rng(0).standard_normal(len(padded)).astype(np.float32)
    cepstra = librosa.feature.mfcc(
        y=padded, sr=ENCODER_RATE, n_mfcc=13, n_fft=512, win_length=window, hop_length=hop, center=False, n_mels=26
    )[:, :frames]
    cepstra = np.pad(cepstra, ((0, 0), (0, frames - cepstra.shape[1])), mode="edge")
    differences = [librosa.feature.delta(cepstra, width=5, order=order) for order in (1, 2)]
    return np.concatenate([cepstra, *differences]).T


def frame_classes(recordings: list[Recording], hop: int, classes: int, seed: int) -> dict[str, np.ndarray]:
    """path of each recording -> class of each of its frames (T,), by k-means over standardised MFCCs."""
    from sklearn.cluster import MiniBatchKMeans

    cepstra = {str(r.path): mfcc(np.load(r.path), -(-r.samples // hop)) for r in recordings}
    everything = np.concatenate(list(cepstra.values()))
    mean, std = everything.mean(0), everything.std(0)
    random = np.random.default_rng(seed)
    sample = random.permutation(len(everything))[:_CLASS_FRAMES]
    clusters = MiniBatchKMeans(min(classes, len(sample)), batch_size=4096, random_state=seed, n_init=3)
    clusters.fit((everything[sample] - mean) / std)
    return {path: clusters.predict((c - mean) / std).astype(np.int64) for path, c in cepstra.items()}


class MaskedSegments:
    """Batches of (waveform, classes, mask). A batch depends on the seed and its number alone."""

    def __init__(self, recordings: list[Recording], settings: PretrainSettings, config):
        hop = int(np.prod(config.conv_stride))
        self.hop, self.frames, self.config = hop, round(settings.segment_s * ENCODER_RATE) // hop, config
        self.settings = settings
        self.classes = frame_classes(recordings, hop, settings.classes, settings.seed)
        self.pool = SegmentDraw(recordings, self.frames * hop)

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """waveform (B, L) standardised, classes (B, T), mask (B, T)."""
        random = np.random.default_rng([self.settings.seed, step])
        waves, labels = [], []
        for _ in range(self.settings.batch_size):
            recording = self.pool.recordings[random.choice(len(self.pool.recordings), p=self.pool.shares)]
            classes = self.classes[str(recording.path)]
            first = int(random.integers(max(1, len(classes) - self.frames + 1)))
            wave = np.load(recording.path, mmap_mode="r")[first * self.hop : (first + self.frames) * self.hop]
            chosen = classes[first : first + self.frames]
            gain = 10 ** (random.uniform(*self.settings.gain_db) / 20)
            waves.append(gain * np.pad(wave, (0, self.frames * self.hop - len(wave))))
            labels.append(np.pad(chosen, (0, self.frames - len(chosen)), constant_values=-100))
        mask = np.zeros((len(waves), self.frames), bool)
        length = min(self.config.mask_time_length, self.frames)
        for row in mask:
            spans = max(2, round(self.config.mask_time_prob * self.frames / length))
            for first in random.integers(0, self.frames - length + 1, spans):
                row[first : first + length] = True
        wave = standardise(torch.from_numpy(np.stack(waves).astype(np.float32)))
        return wave, torch.from_numpy(np.stack(labels)), torch.from_numpy(mask)


class Pretraining:
    """The network, its optimiser and the step count: all that a checkpoint holds, beside the settings."""

    def __init__(self, settings: PretrainSettings):
        self.settings, self.device, self.step = settings, choose_device(settings.device), 0
        torch.manual_seed(settings.seed)
        self.model = MaskedPrediction(settings.encoder, settings.classes).to(self.device).train()
        self.optimiser = torch.optim.AdamW(self.model.parameters(), settings.lr, (0.9, 0.98), weight_decay=0.01)

    def advance(self, waveform: Tensor, classes: Tensor, mask: Tensor) -> dict[str, float]:
        """One step on a batch of MaskedSegments. Returns the loss and the share of masked frames that are right."""
        settings = self.settings
        torch.manual_seed(hash((settings.seed, self.step)) % 2**31)  # dropout depends on the step alone, for resuming
        waveform, classes, mask = (x.to(self.device) for x in (waveform, classes, mask))
        rate = linear(self.step, lr=settings.lr, warmup_steps=settings.warmup_steps, total_steps=settings.steps)
        set_lr(rate, self.optimiser)
        logits = self.model(waveform, mask)
        loss = cross_entropy(logits[mask], classes[mask])
        descend(loss, self.optimiser, clip=5.0, step=self.step, part="pretraining")
        self.step += 1
        counted = mask & (classes >= 0)
        right = (logits.detach().argmax(-1) == classes)[counted].float().mean()
        return {"loss": float(loss.detach()), "masked_right": float(right)}

    def save(self, path: Path) -> None:
        """Everything `load` needs to go on exactly."""
        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        write_newest(path, state | {"settings": json.dumps(as_kept(self.settings))})

    def load(self, path: Path) -> None:
        """Go on from a checkpoint. Raises InputError if it is one of other settings."""
        state = read_checkpoint(path)
        check_resumable(path.parent, self.settings, json.loads(state["settings"]), free=_FREE)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def pretrain(settings: PretrainSettings) -> Path:
    """Train until `steps`; writes and returns the folder RUN/encoder."""
    run = Path(settings.run_dir)
    checkpoint = run / "last.pt"
    refuse_overwriting_inputs([checkpoint, run / "encoder"], [source.folder for source in settings.sources.values()])
    with held(settings):
        return _pretrain(settings, run, checkpoint)


def _pretrain(settings: PretrainSettings, run: Path, checkpoint: Path) -> Path:
    newest = newest_checkpoint(run, [before(checkpoint), checkpoint])
    recordings, _ = prepare_sources(settings.sources, Path(settings.prepared or run / "speech"), ENCODER_RATE, PEAK)
    training = Pretraining(settings)
    if newest:
        training.load(newest)
    segments = MaskedSegments(recordings, settings, training.model.hubert.config)
    seconds = sum(r.samples for r in recordings) / ENCODER_RATE
    print(f"{len(recordings)} recordings ({seconds / 60:.1f} min); from step {training.step} to {settings.steps}")
    train_loop(
        run,
        range(training.step, settings.steps),
        lambda step: training.advance(*segments.batch(step)),
        Intervals(settings.log_every, settings.checkpoint_every, settings.checkpoint_every),
        save=lambda _: training.save(checkpoint),
    )
    return save_encoder(training.model, settings, seconds, run / "encoder")


def save_encoder(model: MaskedPrediction, settings: PretrainSettings, seconds: float, folder: Path) -> Path:
    """The encoder in transformers' format, with a note of what it was trained on."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / "model.safetensors") as temporary:
        write_safetensors(temporary, model.hubert.state_dict(), {"format": "pt"})
    trained = {"minutes": round(seconds / 60, 1), "sources": sorted(settings.sources), "steps": settings.steps}
    notes = {
        "config.json": model.hubert.config.to_dict() | {"architectures": ["HubertModel"]},
        "preprocessor_config.json": {"do_normalize": True, "sampling_rate": ENCODER_RATE},
        "training.json": trained,
    }
    for name, content in notes.items():
        write_json(folder / name, content)
    return folder


if __name__ == "__main__":
    run_command(pretrain, PretrainSettings, "restore_encoder")

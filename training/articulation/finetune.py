"""Fine-tuning: the image encoder (a CNN) and the mel decoder (a BiLSTM) as one AcousticModel, trained on clips.

    python -m training.articulation.finetune sight=RUN speech=RUN corpus=SOUND clips=[FILE.npz] val_clips=[FILE.npz] \\
        run_dir=RUN [setting=value ...]

steps=0 only composes them. RUN is a run folder as training.publish takes it (settings.json, split.json, scaler.json,
history.csv, best.ckpt), with voice.json, the linear probe of the voicing. Clips are label maps of whole utterances of
the sound corpus; their pictures are drawn when they are read. What is judged, and kept, are the weights averaged over
the last steps; the best step by the correlations on val_clips stays, the composed model before fine-tuning among them.
The same command goes on where it was stopped, from the last step that was judged (last.ckpt). RUN/sight is the
fine-tuned CNN with its linear probe, a run as of training.articulation.image_encoder, to be composed with another
speech=RUN.
"""

import copy
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import SPEECH_RANGE_DB, Scaler, speech_frames
from rtmri2speech.speech.metrics import loudness_correlation, spectral_shape_correlation
from rtmri2speech.speech.voice import VoicingProbe

from ..acoustic.losses import LossConfig, MaskedMSEMAE
from ..engine.checkpoint import write_checkpoint
from ..engine.config import run_command
from ..engine.loop import Intervals, choose_device, descend, train_loop
from ..engine.run_folder import append_row, as_kept, held, read_last, write_last
from ..engine.weight_averaging import average
from .corpus import SynthesisedSpeech, read_spoken
from .image_encoder import (
    ImageEncoder,
    ImageEncoderRun,
    articulation_error,
    column_weights,
    read_image_encoder,
    write_image_encoder,
)
from .label_maps import Pictures, concatenated, read_pictures
from .mel_decoder import ArticulationToMel, read_mel_decoder, target_mel, voice_loss
from .tract_pictures import Views, clip_pictures, views_of, without_shapes

VOICE = "voice.json"
_WHOLLY_BLANK, _LONGEST_BLANK = 0.2, 6  # share of the blanked windows blurred throughout; frames blurred in others
_IGNORED = -100  # of cross_entropy


@dataclass(frozen=True)
class FinetuneRun:
    """All settings. output_stride: of the published CNN; train_stride: while it is fine-tuned and judged, where 32 is
    half the work: the same weights fit, and their pooled maps are nearly the same.

    `batch` windows of `window` frames a step, one appearance each. blank: of so many windows some frames are heavily
    blurred, and the model learns to be silent in them: without shapes in the picture there is no sound.

    lr: of the BiLSTM and what follows; cnn_lr: of the CNN, whose BatchNorm keeps its statistics. articulation, regions:
    weights of the tasks of training.articulation.image_encoder, which go on; voicing, pitch: as in
    training.articulation.mel_decoder. average: as in
    training.articulation.image_encoder. looks: appearances in which each clip of val_clips is evaluated. device: auto,
    cpu or cuda.
    """

    sight: str
    speech: str
    corpus: str
    clips: tuple[str, ...]
    val_clips: tuple[str, ...]
    run_dir: str
    seed: int = 42
    output_stride: int = 16
    train_stride: int = 32
    window: int = 20
    batch: int = 4
    blank: float = 0.5
    steps: int = 200
    lr: float = 5e-4
    cnn_lr: float = 2e-4
    weight_decay: float = 0.01
    articulation: float = 0.3
    regions: float = 0.1
    voicing: float = 0.3
    pitch: float = 0.1
    dropout: float = 0.2
    average: float = 0.99
    validate_every: int = 40
    looks: int = 3
    loss: LossConfig = field(default_factory=LossConfig)
    device: str = "auto"
    restart: bool = False

    def __post_init__(self):
        if self.loss.articulation or self.loss.focus:
            raise InputError("loss.articulation and loss.focus are of training.acoustic; here it is `articulation`.")


_MAY_CHANGE = ("run_dir", "device")


def merged(
    sight: ImageEncoder, seen: Scaler, speech: ArticulationToMel, known: Scaler, config: AcousticConfig
) -> tuple[AcousticModel, nn.Linear]:
    """One AcousticModel that computes what both compute after one another, and the linear probe of its voicing.

    seen, known: the scalers of what the CNN gives and of what the BiLSTM takes.
    """
    model = AcousticModel(config)
    model.cnn.load_state_dict(sight.cnn.state_dict())
    gain = torch.from_numpy(seen.std / known.std)
    weight = sight.readout.weight * gain[:, None]
    bias = sight.readout.bias * gain + torch.from_numpy((seen.mean - known.mean) / known.std)
    tensors = dict(speech.rnn.state_dict())
    for direction in ("", "_reverse"):
        into = tensors[f"weight_ih_l0{direction}"]
        tensors[f"bias_ih_l0{direction}"] = tensors[f"bias_ih_l0{direction}"] + into @ bias
        tensors[f"weight_ih_l0{direction}"] = into @ weight
    model.rnn.load_state_dict(tensors)
    model.head.load_state_dict(speech.head.state_dict())
    voice = nn.Linear(config.rnn_hidden, 2)
    voice.load_state_dict(speech.voice.state_dict())
    return model, voice


@dataclass(frozen=True)
class Clips:
    """Label maps of whole utterances beside their sound: (frames' indices, mel, voice) of each, standardised.

    silence: (n_mels,), the standardised mel at its floor.
    """

    pictures: Pictures
    views: Views
    known: np.ndarray
    silence: np.ndarray
    utterances: list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]

    @classmethod
    def read(
        cls, paths: tuple[str, ...], spoken: dict[str, SynthesisedSpeech], known: Scaler, mel: Scaler, how: dict
    ) -> "Clips":
        """Raises InputError if a clip's sound is not in the corpus."""
        pictures = concatenated([read_pictures(Path(path)) for path in paths])
        utterances = []
        for number, name in enumerate(pictures.names):
            if name not in spoken:
                raise InputError("The clip {name} is not in the sound corpus.", name=name)
            s = spoken[name]
            frames = np.flatnonzero(pictures.group == number)[: len(s.mel_db)]
            voice = np.stack([s.voiced, np.full(len(s.voiced), s.octaves, np.float32)], axis=1)
            utterances.append((name, frames, mel.standardise(target_mel(s.mel_db, **how)), voice))
        silence = mel.standardise(np.full((1, len(mel.mean)), how["floor_db"], np.float32))[0]
        return cls(pictures, views_of(pictures), known.standardise(pictures.articulation), silence, utterances)


class FinetunedModel(nn.Module):
    """The model that is published, with what helps to train it."""

    def __init__(self, model: AcousticModel, voice: nn.Linear, sight: ImageEncoder):
        super().__init__()
        self.model, self.voice = model, voice
        self.readout, self.regions = sight.readout, sight.regions
        self.each, self.cells = sight.each, sight.cells

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, T, 1, S, S) -> mel (B, T, n_mels), voice (B, T, 2), articulation (B*T, K), regions (B*T, kinds, c, c)."""
        maps = self.model.feature_maps(pictures.flatten(0, 1))
        pooled = maps.mean(dim=(2, 3))
        states = self.model.states_from_features(pooled.unflatten(0, pictures.shape[:2]))
        kept = self.model.dropout(states)
        coarse = nn.functional.adaptive_avg_pool2d(maps, self.cells)
        cells = nn.functional.pixel_shuffle(self.regions(coarse), self.each)
        return self.model.head(kept), self.voice(kept), self.readout(pooled), cells

    def image_encoder(self, run: ImageEncoderRun) -> ImageEncoder:
        """The CNN with its read-outs alone, as they are now."""
        sight = ImageEncoder(run.model, run.size)
        for name in ("readout", "regions"):
            getattr(sight, name).load_state_dict(getattr(self, name).state_dict())
        sight.cnn.load_state_dict(self.model.cnn.state_dict())
        return sight


@dataclass(frozen=True)
class Assembled:
    """Image encoder and mel decoder as one network, and what its clips need.

    config: of the published model. seen: scaler of the image encoder's articulation; mel: of the target.
    """

    network: FinetunedModel
    config: AcousticConfig
    spec: MelSpec
    seen: Scaler
    mel: Scaler
    encoder_run: ImageEncoderRun
    speech: dict
    spoken: dict[str, SynthesisedSpeech]

    def clips(self, files: tuple[str, ...]) -> Clips:
        how = {key: self.speech[key] for key in ("envelope", "floor_db")}
        return Clips.read(files, self.spoken, self.seen, self.mel, how)

    def published_settings(self, run: FinetuneRun) -> dict:
        """settings.json, with the names that training.publish reads; all runs' settings with it."""
        speech, size = self.speech, self.encoder_run.size
        split = {"by": "speaker", "seed": run.seed, "val_speakers": list(speech["val_speakers"]), "test_speakers": []}
        data = {
            "image_size": size,
            "view": "tract",
            "window": run.window,
            "augment": "training.segmentation.domain_randomisation",
            "split": split,
        }
        settings = {"model": self.config.to_json(), "data": data, "mel": self.spec.to_json()}
        return settings | {"join": as_kept(run), "speech": speech}


def assembled(run: FinetuneRun) -> Assembled:
    """The two steps of a run composed, before any fine-tuning. Raises InputError if they do not belong together."""
    sight, seen, encoder_run = read_image_encoder(Path(run.sight))
    speech, known, mel, settings = read_mel_decoder(Path(run.speech))
    spec = MelSpec.from_json(settings["mel"])
    shape = asdict(encoder_run.model) | {"output_stride": run.output_stride, "rnn_hidden": settings["hidden"]}
    config = AcousticConfig.from_json(shape | {"n_mels": spec.n_mels, "dropout": run.dropout})
    torch.manual_seed(run.seed)
    network = FinetunedModel(
        *merged(sight, seen, speech, known, replace(config, output_stride=run.train_stride)), sight
    )
    network.to(choose_device(run.device))
    spoken = {s.id: s for s in read_spoken(Path(run.corpus), spec)}
    return Assembled(network, config, spec, seen, mel, encoder_run, settings, spoken)


def draw(clips: Clips, run: FinetuneRun, size: int, step: int) -> dict[str, Tensor]:
    """A batch of windows, each in one appearance."""
    rng = np.random.default_rng((run.seed, step))
    lengths = np.array([len(u[1]) for u in clips.utterances], float)
    shown, parts = [], {"mel": [], "voice": [], "known": [], "regions": []}
    for k in range(run.batch):
        _, frames, mel, voice = clips.utterances[rng.choice(len(lengths), p=lengths / lengths.sum())]
        start = int(rng.integers(0, max(1, len(frames) - run.window + 1)))
        cut = slice(start, start + run.window)
        if len(frames[cut]) < run.window:
            raise InputError("A clip is shorter than the window of {window} frames.", window=run.window)
        made = list(clip_pictures(clips.pictures, clips.views, frames[cut], (run.seed, step, k, 3), size))
        pictures, regions = (np.stack(part) for part in zip(*made, strict=True))
        window = {"mel": mel[cut], "voice": voice[cut], "known": clips.known[frames[cut]], "regions": regions}
        window = {name: array.copy() for name, array in window.items()} | {"regions": regions.astype(np.int64)}
        if rng.random() < run.blank:
            _blank(pictures, window, clips.silence, rng)
        shown.append(pictures)
        for name, array in window.items():
            parts[name].append(array)
    batch = {name: torch.from_numpy(np.stack(arrays)) for name, arrays in parts.items()}
    return batch | {"pictures": torch.from_numpy(np.stack(shown))[:, :, None]}


def _blank(pictures: np.ndarray, window: dict[str, np.ndarray], silence: np.ndarray, rng: np.random.Generator) -> None:
    """Blur some frames of a window in place: there the mel is silence, and nothing else is to be learned."""
    count = len(pictures)
    length = count if rng.random() < _WHOLLY_BLANK else int(rng.integers(1, _LONGEST_BLANK + 1))
    start = int(rng.integers(0, count - length + 1))
    rows = slice(start, start + length)
    pictures[rows] = without_shapes(pictures[rows], rng)
    window["mel"][rows], window["voice"][rows, 0] = silence, 0
    window["known"][rows], window["regions"][rows] = np.nan, _IGNORED


@torch.no_grad()
def validate(network: FinetunedModel, clips: Clips, mel: Scaler, size: int, looks: int = 1) -> dict[str, float]:
    """Mean correlations of shape and loudness over the clips' speech frames, each in so many
    appearances; the share of frames whose voicing is wrong; how far the level in pauses lies below speech, dB."""
    network.eval()
    device = next(network.parameters()).device
    rows: dict[str, list] = {"shape": [], "loudness": [], "voicing": [], "pause_db": []}
    each = [(appearance, number, u) for appearance in range(looks) for number, u in enumerate(clips.utterances)]
    for appearance, number, (_, frames, target, voice) in each:
        seed = (10**6 + appearance, number)
        shown = np.stack([p for p, _ in clip_pictures(clips.pictures, clips.views, frames, seed, size)])
        pooled = [
            network.model.feature_maps(part.to(device)).mean(dim=(2, 3))
            for part in torch.from_numpy(shown)[:, None].split(32)
        ]
        states = network.model.states_from_features(torch.cat(pooled)[None])
        given = mel.to_db(network.model.mel_from_states(states)[0].cpu().numpy())
        true = mel.to_db(target)
        speech = speech_frames(true, SPEECH_RANGE_DB)
        pause = np.setdiff1d(np.arange(len(true)), speech)
        pair = true[speech], given[speech]
        rows["shape"].append(spectral_shape_correlation(*pair))
        rows["loudness"].append(loudness_correlation(*pair))
        rows["voicing"].append(np.mean((network.voice(states)[0, :, 0] > 0).cpu().numpy() != (voice[:, 0] > 0.5)))
        rows["pause_db"].append(given[speech].mean() - given[pause].mean() if len(pause) else None)
    known = {name: [v for v in values if v is not None] for name, values in rows.items()}
    return {name: float(np.mean(values)) if values else 0.0 for name, values in known.items()}


def train(run: FinetuneRun) -> Path:
    """Compose, fine-tune, keep the best. Raises InputError if runs, corpus and clips do not belong together."""
    cv2.setNumThreads(1)
    folder = Path(run.run_dir)
    written = ("settings.json", "scaler.json", "best.ckpt", VOICE)
    refuse_overwriting_inputs(
        (folder / name for name in written), [run.sight, run.speech, run.corpus, *run.clips, *run.val_clips]
    )
    with held(run):
        return _train(run, folder)


def _train(run: FinetuneRun, folder: Path) -> Path:
    state = read_last(folder, run, _MAY_CHANGE)
    if state is not None and state["step"] == run.steps:
        return folder
    made = assembled(run)
    network, mel, size = made.network, made.mel, made.encoder_run.size
    device = next(network.parameters()).device
    judge, learn = made.clips(run.val_clips), made.clips(run.clips)
    mel.write(folder / "scaler.json")
    write_json(folder / "settings.json", made.published_settings(run))
    split = {"train": [u[0] for u in learn.utterances], "val": [u[0] for u in judge.utterances], "test": []}
    write_json(folder / "split.json", split)
    (folder / "held_out.txt").write_text("".join(f"{name}\n" for name in sorted(split["val"])), encoding="utf-8")

    cnn = list(network.model.cnn.parameters()) + list(network.regions.parameters()) + list(network.readout.parameters())
    rest = [*network.model.rnn.parameters(), *network.model.head.parameters(), *network.voice.parameters()]
    groups = [{"params": cnn, "lr": run.cnn_lr}, {"params": rest, "lr": run.lr}]
    optimizer = torch.optim.AdamW(groups, weight_decay=run.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(1.0, (s + 1) / 10, (run.steps - s) / max(1, run.steps))
    )
    loss_of = MaskedMSEMAE(run.loss, made.spec.n_mels).to(device)
    weights = column_weights(made.encoder_run).to(device)
    averaged, best, done, last_loss = copy.deepcopy(network), -np.inf, 0, 0.0
    parts = {"network": network, "averaged": averaged, "optimizer": optimizer, "schedule": schedule}

    def judged() -> dict[str, float]:
        nonlocal best
        scores = validate(averaged, judge, mel, size, run.looks)
        now = keep_better(folder, averaged, scores, done, last_loss, best)
        if now > best:
            write_image_encoder(folder / "sight", averaged.image_encoder(made.encoder_run), made.seen, made.encoder_run)
        best = now
        return scores

    if state is None:
        print("val 0: " + "  ".join(f"{name} {value:.4g}" for name, value in judged().items()), flush=True)
        write_last(folder, run, parts, step=0, best=best)
    else:
        best, done = state["best"], state["step"]
        for name, part in parts.items():
            part.load_state_dict(state[name])

    def advance(step: int) -> dict[str, float]:
        nonlocal done, last_loss
        torch.manual_seed(run.seed + step)
        batch = {name: part.to(device) for name, part in draw(learn, run, size, step).items()}
        network.train()
        network.model.cnn.eval()
        predicted, read, found, cells = network(batch["pictures"])
        mask = torch.ones(predicted.shape[:2], dtype=torch.bool, device=device)
        loss = loss_of(predicted, batch["mel"], mask, step)
        loss = loss + voice_loss(read.flatten(0, 1), batch["voice"].flatten(0, 1), run.voicing, run.pitch)
        loss = loss + run.articulation * articulation_error(found, batch["known"].flatten(0, 1), weights)
        regions = batch["regions"].flatten(0, 1).long()
        loss = loss + run.regions * cross_entropy(cells, regions)
        descend(loss, optimizer, clip=1.0, step=step)
        schedule.step()
        average(averaged, network, min(run.average, (step + 1) / (step + 10)))
        done, last_loss = step + 1, float(loss.detach())
        return {"loss": last_loss}

    every = Intervals(run.validate_every, run.validate_every, run.validate_every)
    save = lambda _: write_last(folder, run, parts, step=done, best=best)  # noqa: E731
    train_loop(folder, range(done, run.steps), advance, every, save=save, validate=judged)
    return folder


def keep_better(
    folder: Path, network: FinetunedModel, scores: dict[str, float], step: int, loss: float, best: float
) -> float:
    """Write the row, and keep the model if its correlations are the best so far; returns their sum or `best`."""
    quality = scores["shape"] + 0.5 * scores["loudness"]
    row = {"epoch": step, "step": step, "train/loss": loss, "val/loss": -quality}
    append_row(folder / "history.csv", row | {f"val/{key}": value for key, value in scores.items()})
    if quality <= best:
        return best
    state = {f"model.{name}": tensor.cpu() for name, tensor in network.model.state_dict().items()}
    write_checkpoint(folder / "best.ckpt", {"state_dict": state})
    readout = VoicingProbe(*(part.detach().cpu().numpy() for part in (network.voice.weight, network.voice.bias)))
    write_json(folder / VOICE, readout.to_json())
    return quality


if __name__ == "__main__":
    run_command(train, FinetuneRun, "articulation_finetune")

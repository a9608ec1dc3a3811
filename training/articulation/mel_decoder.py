"""Mel decoder: articulation -> mel and voicing.

    python -m training.articulation.mel_decoder corpus=SOUND run_dir=RUN [setting=value ...]

SOUND is a corpus of training.phantom, with --no-pictures for the most speech in the least time. A BiLSTM of the
AcousticModel's kind learns the mel's envelope and the voicing, from articulation with input noise such as a
CNN's errors. RUN holds settings.json, scaler.json (of the mel), articulation.json (of the articulation), history.csv
and speech.safetensors; the same command goes on where it was stopped. Settings:
training/configs/articulation_mel_decoder.yaml.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.models.weights import load_exactly, read_safetensors
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import SPEECH_RANGE_DB, Scaler, spectral_envelope, speech_frames
from rtmri2speech.speech.metrics import loudness_correlation, spectral_shape_correlation

from ..acoustic.losses import LossConfig, MaskedMSEMAE
from ..engine.checkpoint import load_start
from ..engine.config import run_command
from ..engine.loop import Intervals, choose_device, descend, train_loop
from ..engine.run_folder import held, read_last, read_settings, write_last, write_settings
from .corpus import COLUMNS, SynthesisedSpeech, held_out_speakers, read_spoken
from .input_noise import InputNoiseConfig, with_input_noise
from .tensors import write_tensors

WEIGHTS = "speech.safetensors"
_REPORT_EVERY = 200
_MIDDLE_OCTAVES = 7.4  # 170 Hz, where the height of F0 is sought first

_MAY_CHANGE = ("device",)


@dataclass(frozen=True)
class MelDecoderRun:
    """All settings. val_speakers are kept out of training. envelope, floor_db: see training's DataConfig.

    init_from: a finished run to start from; its scalers are kept. steps of `batch` windows of `window` frames, learning
    rate from lr to 0 along half a cosine. voicing: weight of the cross-entropy of being voiced; pitch: of the squared
    error of the height of F0, octaves. device: auto, cpu or cuda.
    """

    corpus: str
    run_dir: str
    val_speakers: tuple[str, ...]
    seed: int = 42
    envelope: int = 16
    floor_db: float = -60.0
    init_from: str | None = None
    hidden: int = 256
    dropout: float = 0.3
    window: int = 80
    batch: int = 24
    steps: int = 6000
    lr: float = 2e-3
    weight_decay: float = 0.01
    voicing: float = 0.3
    pitch: float = 0.1
    disturb: InputNoiseConfig = field(default_factory=InputNoiseConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    device: str = "auto"
    restart: bool = False


class ArticulationToMel(nn.Module):
    """Standardised articulation -> standardised mel, log-odds of voicing, log2 of F0's height.

    BiLSTM (sum) -> linear.
    """

    def __init__(self, hidden: int, n_mels: int, dropout: float = 0.0):
        super().__init__()
        self.rnn = nn.LSTM(COLUMNS, hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, n_mels)
        self.voice = nn.Linear(hidden, 2)
        nn.init.constant_(self.voice.bias[1:], _MIDDLE_OCTAVES)

    def forward(self, articulation: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, COLUMNS) -> mel (B, T, n_mels), voice (B, T, 2)."""
        forward, backward = self.rnn(articulation)[0].chunk(2, dim=-1)
        states = self.dropout(forward + backward)
        return self.head(states), self.voice(states)


def target_mel(mel_db: np.ndarray, envelope: int, floor_db: float) -> np.ndarray:
    """(T, n_mels) dB -> its envelope, not below the floor: what articulation can tell."""
    return np.maximum(spectral_envelope(mel_db, envelope), np.float32(floor_db))


@dataclass(frozen=True)
class Windows:
    """Standardised utterances from which windows are cut: articulation (T, K), mel (T, n_mels), voice (T, 2) each.

    voice: 1 where the frame is voiced, else 0; log2 of the utterance's median F0 in Hz.
    """

    utterances: list[tuple[np.ndarray, np.ndarray, np.ndarray]]

    def draw(self, count: int, length: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(count, length, ...) of articulation, mel, voice, and a mask of what is no padding; long ones more often."""
        sizes = np.array([len(u[0]) for u in self.utterances], float)
        chosen = rng.choice(len(sizes), count, p=sizes / sizes.sum())
        batch = [np.zeros((count, length, *part.shape[1:]), np.float32) for part in self.utterances[0]]
        mask = np.zeros((count, length), bool)
        for row, index in enumerate(chosen):
            parts = self.utterances[index]
            start = int(rng.integers(0, max(1, len(parts[0]) - length + 1)))
            for out, part in zip(batch, parts, strict=True):
                piece = part[start : start + length]
                out[row, : len(piece)] = piece
            mask[row, : len(piece)] = True
        return *(torch.from_numpy(part) for part in batch), torch.from_numpy(mask)


def standardised(spoken: list[SynthesisedSpeech], known: Scaler, mel: Scaler, run: MelDecoderRun) -> Windows:
    """The utterances as the network learns them."""
    return Windows(
        [
            (
                known.standardise(s.articulation),
                mel.standardise(target_mel(s.mel_db, run.envelope, run.floor_db)),
                np.stack([s.voiced, np.full(len(s.voiced), s.octaves, np.float32)], axis=1),
            )
            for s in spoken
        ]
    )


def figures(network: ArticulationToMel, windows: Windows, mel: Scaler, disturb: InputNoiseConfig | None) -> dict:
    """shape, loudness: mean correlations over the speech frames of whole utterances; voicing: share of frames wrong;
    pitch_octaves: mean error of the height of F0."""
    rows, pitch, wrong, frames = [], [], 0, 0
    generator = torch.Generator().manual_seed(0)
    network.eval()
    device = next(network.parameters()).device
    for articulation, true, voice in windows.utterances:
        given = torch.from_numpy(articulation)[None]
        given = given if disturb is None else with_input_noise(given, disturb, generator)
        with torch.no_grad():
            predicted, read = (made.cpu() for made in network(given.to(device)))
        pair = mel.to_db(true), mel.to_db(predicted[0].numpy())
        speech = speech_frames(pair[0], SPEECH_RANGE_DB)
        pair = pair[0][speech], pair[1][speech]
        rows.append([spectral_shape_correlation(*pair), loudness_correlation(*pair)])
        wrong += int(((read[0, :, 0] > 0).numpy() != (voice[:, 0] > 0.5)).sum())
        frames += len(voice)
        pitch.append(abs(float(read[0, :, 1].median()) - voice[0, 1]))
    shape, loudness = np.nanmean(np.array(rows, float), axis=0)
    means = {"shape": float(shape), "loudness": float(loudness), "voicing": wrong / frames}
    return means | {"pitch_octaves": float(np.mean(pitch))}


def voice_loss(read: Tensor, known: Tensor, voicing: float, pitch: float) -> Tensor:
    """read, known (N, 2): cross-entropy of voicing and squared error of the height, under these weights."""
    odds = binary_cross_entropy_with_logits(read[:, 0], known[:, 0])
    return voicing * odds + pitch * mse_loss(read[:, 1], known[:, 1])


def train(run: MelDecoderRun) -> Path:
    """Train, or go on with, the run. Raises InputError if the corpus or the settings do not fit."""
    folder, mel = Path(run.run_dir), MelSpec()
    made = ("settings.json", "articulation.json", "scaler.json")
    refuse_overwriting_inputs((folder / name for name in made), [run.corpus, run.init_from])
    with held(run):
        return _train(run, folder, mel)


def _train(run: MelDecoderRun, folder: Path, mel: MelSpec) -> Path:
    everything = read_spoken(Path(run.corpus), mel)
    learn, judge = held_out_speakers(everything, run.val_speakers)
    state = read_last(folder, run, _MAY_CHANGE)
    if state is None:
        if run.init_from:
            _, known, mel_scaler, _ = read_mel_decoder(Path(run.init_from))
        else:
            known = Scaler.fit([s.articulation for s in learn])
            mel_scaler = Scaler.fit([target_mel(s.mel_db, run.envelope, run.floor_db) for s in learn])
        known.write(folder / "articulation.json")
        mel_scaler.write(folder / "scaler.json")
        write_settings(folder, run, mel=mel.to_json(), utterances=len(learn))
    known = Scaler.read(folder / "articulation.json", COLUMNS)
    mel_scaler = Scaler.read(folder / "scaler.json", mel.n_mels)
    windows, held_out = standardised(learn, known, mel_scaler, run), standardised(judge, known, mel_scaler, run)

    torch.manual_seed(run.seed)
    device = choose_device(run.device)
    network = ArticulationToMel(run.hidden, mel.n_mels, run.dropout).to(device)
    loss_of = MaskedMSEMAE(run.loss, mel.n_mels).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), run.lr, weight_decay=run.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, run.steps)
    if run.init_from and state is None:
        load_start(network, read_mel_decoder(Path(run.init_from))[0].state_dict(), run.init_from)
    parts = {"network": network, "optimizer": optimizer, "schedule": schedule}
    if state is not None:
        for name, part in parts.items():
            part.load_state_dict(state[name])
    steps = range(0 if state is None else state["step"], run.steps)

    def advance(step: int) -> dict[str, float]:
        rng = np.random.default_rng((run.seed, step))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        torch.manual_seed(int(rng.integers(2**62)))
        network.train()
        articulation, target, voice, mask = windows.draw(run.batch, run.window, rng)
        articulation = with_input_noise(articulation, run.disturb, generator)
        articulation, target, voice, mask = (part.to(device) for part in (articulation, target, voice, mask))
        predicted, read = network(articulation)
        loss = loss_of(predicted, target, mask, step) + voice_loss(read[mask], voice[mask], run.voicing, run.pitch)
        descend(loss, optimizer, clip=1.0, step=step)
        schedule.step()
        return {"loss": float(loss.detach())}

    def validate() -> dict[str, float]:
        clear, hard = (figures(network, held_out, mel_scaler, d) for d in (None, run.disturb))
        return clear | {f"{key}_disturbed": value for key, value in hard.items()}

    train_loop(
        folder,
        steps,
        advance,
        Intervals(_REPORT_EVERY, _REPORT_EVERY, _REPORT_EVERY),
        save=lambda done: write_last(folder, run, parts, step=done),
        validate=validate,
        history=True,
    )
    write_tensors(folder / WEIGHTS, network)
    return folder


def read_mel_decoder(folder: Path) -> tuple[ArticulationToMel, Scaler, Scaler, dict]:
    """(network, scaler of the articulation, scaler of the mel, settings) of a finished run."""
    settings = read_settings(folder, "articulation.mel_decoder")
    n_mels = settings["mel"]["n_mels"]
    network = ArticulationToMel(settings["hidden"], n_mels, settings["dropout"])
    load_exactly(network, read_safetensors(folder / WEIGHTS), str(folder / WEIGHTS))
    known = Scaler.read(folder / "articulation.json", COLUMNS)
    return network.eval(), known, Scaler.read(folder / "scaler.json", n_mels), settings


if __name__ == "__main__":
    run_command(train, MelDecoderRun, "articulation_mel_decoder")

"""The three stages of Miipher-2's training (S. Karita et al., arXiv 2505.04457) as a Lightning module.

pa        the adapters learn to give, from degraded speech, the features that the encoder alone gives for clean speech
vocoder   the vocoder learns to speak clean speech's features (no adapters)
finetune  adapters and vocoder together: degraded speech in, clean speech out
The encoder is frozen throughout.
"""

import hashlib
from pathlib import Path

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss
from torch.utils.data import DataLoader, Dataset

from rtmri2speech.errors import InputError
from rtmri2speech.mel import mel_spectrogram_db
from rtmri2speech.models.hifigan import Generator
from rtmri2speech.restore.encoder import AdaptedEncoder, load_hubert, standardise
from rtmri2speech.restore.model import Restorer
from rtmri2speech.spec import MelSpec

from ..corpus.speech import Recording, spread
from ..schedules import linear
from ..vocoder.discriminators import Discriminators
from ..vocoder.losses import discriminator_loss, generator_losses, mel_loss, stft_loss
from .batches import StageBatches
from .degrade import Degrader
from .settings import STAGES, RestoreSettings

_FROZEN = "model.encoder.hubert."


def feature_loss(restored: Tensor, clean: Tensor) -> Tensor:
    """L1 + L2 + spectral convergence of features (B, T, C), as in Miipher (Y. Koizumi et al., WASPAA 2023)."""
    difference = (restored - clean).norm(dim=(1, 2)) / clean.norm(dim=(1, 2)).clamp_min(1e-6)
    return l1_loss(restored, clean) + mse_loss(restored, clean) + difference.mean()


def loss_mel(rate: int) -> MelSpec:
    """The mel of loss and validation: HiFi-GAN's own, 80 bins every 256 samples at 22 kHz, in proportion."""
    return MelSpec(sample_rate=rate, n_fft=1024, win_length=1024, hop_length=256, n_mels=80, preemphasis=0.0)


class RestoreLearner(L.LightningModule):
    """Model, discriminators and, in `done`, the steps made in each of STAGES. Epochs end where stages end."""

    def __init__(self, settings: RestoreSettings, recordings: list[Recording], held_out: list[Recording]):
        super().__init__()
        self.automatic_optimization = False
        self.settings, self.recordings, self.held_out = settings, recordings, held_out
        torch.manual_seed(settings.seed)
        hubert, normalise = load_hubert(settings.encoder)
        encoder = AdaptedEncoder(hubert, settings.tap, settings.bottleneck, normalise)
        self.model = Restorer(encoder, Generator(settings.vocoder), settings.rate)
        self.discriminators = Discriminators(settings.discriminators)
        self.register_buffer("done", torch.zeros(len(STAGES), dtype=torch.long))
        self.frame_s = settings.vocoder.hop_length / settings.rate
        self.degrader = Degrader(settings.degradation, settings.rate, settings.seed)
        self.figures: dict[str, list[float]] = {}

    @property
    def stage(self) -> str | None:
        """The stage that is on: the first of those asked for that has steps to make; None when all are done."""
        asked = STAGES if self.settings.stage == "all" else (self.settings.stage,)
        return next((s for s in asked if self.steps_done(s) < self.settings.of(s).steps), None)

    def steps_done(self, stage: str) -> int:
        return int(self.done[STAGES.index(stage)])

    # ------------------------------------------------------------------------------------------------------- data

    def train_dataloader(self) -> DataLoader:
        """The batches up to the next checkpoint or to the stage's end, whichever comes first."""
        stage, settings = self.stage, self.settings
        first = self.steps_done(stage)
        count = min(settings.checkpoint_every - first % settings.checkpoint_every, settings.of(stage).steps - first)
        batches = StageBatches(settings, self.recordings, self.degrader, self.frame_s, stage, first, count)
        self.slice_frames = batches.slice_frames
        return DataLoader(batches, batch_size=None, num_workers=settings.workers)

    def val_dataloader(self) -> DataLoader:
        """Held-out recordings, 4 s of each, degraded the same way every time."""
        settings = self.settings
        chosen = spread(self.held_out, settings.validate_recordings)
        return DataLoader(_Fixed(settings, chosen, self.degrader, self.frame_s), batch_size=None)

    # --------------------------------------------------------------------------------------------------- training

    def training_step(self, batch: dict[str, Tensor], _index: int) -> None:
        stage = self.stage
        step, own = self.steps_done(stage), self.settings.of(stage)
        adapters, vocoder, discriminators = self.optimizers()
        for optimiser in (adapters, vocoder, discriminators):
            for group in optimiser.param_groups:
                group["lr"] = linear(step, lr=own.lr, warmup_steps=own.warmup_steps, total_steps=own.steps)
        encoder, heard = self.model.encoder, self._standardised(batch["heard"])
        losses = {}
        if stage != "vocoder":
            with torch.no_grad():
                target = encoder(self._standardised(batch["target"]))
            restored = encoder.restored(heard)
            losses["features"] = feature_loss(restored, target)
        if stage == "pa":
            total = losses["features"]
        else:
            features = restored if stage == "finetune" else encoder(heard)
            total = self._speak(features, batch, losses)
            if stage == "finetune" and self.settings.loss.features:
                total = total + self.settings.loss.features * losses["features"]
        if not torch.isfinite(total):
            raise InputError(
                "The loss is not finite at step {step} of {stage}: lower lr, or check the recordings.",
                step=step,
                stage=stage,
            )
        taught = {"pa": (adapters,), "vocoder": (vocoder,), "finetune": (adapters, vocoder)}[stage]
        for optimiser in taught:
            optimiser.zero_grad()
        self.manual_backward(total)
        for optimiser in taught:
            nn.utils.clip_grad_norm_([p for g in optimiser.param_groups for p in g["params"]], 5.0)
            optimiser.step()
        self.done[STAGES.index(stage)] += 1
        self._report(stage, losses)

    def _speak(self, features: Tensor, batch: dict[str, Tensor], losses: dict[str, Tensor]) -> Tensor:
        """The vocoder's loss on a slice of the segment; trains the discriminators on the way."""
        hop, first = self.model.vocoder.config.hop_length, int(batch["from"])
        weights = self.settings.loss
        fake = self.model.speak(features[:, first : first + self.slice_frames])
        real = batch["clean"][:, first * hop : first * hop + fake.shape[-1]]
        mel = loss_mel(self.settings.rate)
        losses["mel"] = mel_loss(real, fake, mel, "ln_magnitude")
        losses["stft"] = stft_loss(real, fake, weights.stft_sizes)
        total = weights.mel * losses["mel"] + weights.stft * losses["stft"]
        if self.steps_done("vocoder") + self.steps_done("finetune") >= self.settings.adversarial_from:
            optimiser = self.optimizers()[2]
            self.discriminators.requires_grad_(True)
            losses["discriminator"] = discriminator_loss(
                self.discriminators(real[:, None]), self.discriminators(fake.detach()[:, None])
            )
            optimiser.zero_grad()
            self.manual_backward(losses["discriminator"])
            optimiser.step()
            losses |= generator_losses(self.discriminators, real, fake)
            total = total + losses["adversarial"] + weights.feature_matching * losses["feature_matching"]
        return total

    def _standardised(self, waveform: Tensor) -> Tensor:
        return standardise(waveform) if self.model.encoder.normalise else waveform

    def on_train_epoch_end(self) -> None:
        if self.stage is None:
            self.trainer.should_stop = True

    def configure_optimizers(self):
        s = self.settings
        return [
            torch.optim.AdamW(list(part.parameters()), 1e-4, s.betas, weight_decay=0.01)
            for part in (self.model.encoder.adapters, self.model.vocoder, self.discriminators)
        ]

    # ------------------------------------------------------------------------------------------------- validation

    def validation_step(self, batch: dict[str, Tensor], _index: int) -> None:
        """features: loss of the restored features. copy and restored: mel error, dB, of the vocoder on clean features
        and of the whole."""
        encoder, mel = self.model.encoder, loss_mel(self.settings.rate)
        target = encoder(self._standardised(batch["target"]))
        restored = encoder.restored(self._standardised(batch["heard"]))
        self._keep("val/features", feature_loss(restored, target))
        clean_db = _floored_db(batch["clean"], mel)
        for name, features in (("copy", target), ("restored", restored)):
            made = self.model.speak(features)[:, : batch["clean"].shape[-1]]
            self._keep(f"val/{name}_mel_mae_db", l1_loss(_floored_db(made, mel), clean_db))

    def on_validation_epoch_end(self) -> None:
        self._flush("val")

    # ---------------------------------------------------------------------------------------------------- logging

    def _report(self, stage: str, losses: dict[str, Tensor]) -> None:
        for name, value in losses.items():
            self._keep(f"{stage}/{name}", value)
        done = self.steps_done(stage)
        if done % self.settings.log_every == 0 or done == self.settings.of(stage).steps:
            self._flush(f"{stage} {done}/{self.settings.of(stage).steps}")

    def _keep(self, name: str, value: Tensor) -> None:
        self.figures.setdefault(name, []).append(float(value.detach()))

    def _flush(self, title: str) -> None:
        means = {name: sum(values) / len(values) for name, values in self.figures.items()}
        self.figures = {}
        if self.logger:
            self.logger.log_metrics(means, step=int(self.done.sum()))
        print(f"{title}: " + "  ".join(f"{n.partition('/')[2]} {v:.4g}" for n, v in means.items()), flush=True)

    # ------------------------------------------------------------------------------------------------ checkpoints

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """The frozen encoder is named, not stored: it is large and never changes."""
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {k: v for k, v in state.items() if not k.startswith(_FROZEN)}
        checkpoint["encoder_sha256"] = self.encoder_sha256()

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        if checkpoint.get("encoder_sha256") != self.encoder_sha256():
            raise InputError(
                "The run was begun with another encoder than {encoder}: give that one.", encoder=self.settings.encoder
            )
        frozen = {k: v for k, v in self.state_dict().items() if k.startswith(_FROZEN)}
        checkpoint["state_dict"] = checkpoint["state_dict"] | frozen

    def encoder_sha256(self) -> str:
        """Of the tensors of the frozen encoder up to the tap layer."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.model.encoder.hubert.state_dict().items()):
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


class _Fixed(Dataset):
    """One held-out recording each, as a batch of one, degraded by its number."""

    def __init__(self, settings: RestoreSettings, recordings: list[Recording], degrader: Degrader, frame_s: float):
        self.made = (settings, recordings, degrader, frame_s)

    def __len__(self) -> int:
        return len(self.made[1])

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        import numpy as np

        from rtmri2speech.audio import resample
        from rtmri2speech.restore.encoder import ENCODER_RATE

        settings, recordings, degrader, frame_s = self.made
        frames = round(4 / frame_s)
        clean = np.load(recordings[index].path, mmap_mode="r")[: round(frames * frame_s * settings.rate)]
        hop = settings.vocoder.hop_length
        clean = np.array(clean[: len(clean) // hop * hop], np.float32)
        heard = degrader(clean, np.random.default_rng([settings.seed, 99, index]))
        to_encoder = (resample(x, settings.rate, ENCODER_RATE)[None] for x in (clean, heard))
        target, heard = (torch.from_numpy(x) for x in to_encoder)
        return {"clean": torch.from_numpy(clean[None]), "target": target, "heard": heard}


def _floored_db(waveform: Tensor, mel: MelSpec) -> Tensor:
    """The dB mel, no further down than 80 dB below full scale: how silent silence is does not count."""
    return mel_spectrogram_db(waveform, mel).clamp_min(-80.0)


def run_state(folder: str | Path) -> dict:
    """The checkpoint of a run folder, as a dict. Raises InputError if there is none."""
    from rtmri2speech.models.weights import read_checkpoint

    return read_checkpoint(Path(folder) / "last.ckpt")

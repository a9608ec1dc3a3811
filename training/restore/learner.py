"""The three stages of Miipher-2's training (S. Karita et al., arXiv 2505.04457).

pa        the adapters learn to give, from degraded speech, the features that the encoder alone gives for clean speech
vocoder   the vocoder learns to speak clean speech's features (no adapters)
finetune  adapters and vocoder together: degraded speech in, clean speech out
The encoder is frozen throughout.
"""

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss

from rtmri2speech.errors import InputError
from rtmri2speech.models.hifigan import Generator
from rtmri2speech.models.precision import choose_precision
from rtmri2speech.models.weights import load_exactly, read_checkpoint
from rtmri2speech.restore.encoder import AdaptedEncoder, load_hubert, standardise
from rtmri2speech.restore.model import Restorer

from ..engine.checkpoint import before, load_start, newest_whole
from ..engine.loop import choose_device, descend, set_lr
from ..engine.run_folder import LAST
from ..engine.schedules import linear
from ..vocoder.adversarial import generator_losses, train_discriminators
from ..vocoder.discriminators import Discriminators
from ..vocoder.losses import mel_loss, stft_loss
from .batches import slice_frames
from .config import STAGES, RestoreSettings, loss_mel

_FROZEN = "model.encoder.hubert."
_TAUGHT = {"pa": ("adapters",), "vocoder": ("vocoder",), "finetune": ("adapters", "vocoder")}
_CLIP = 5.0  # largest norm of a part's gradient


def feature_loss(restored: Tensor, clean: Tensor) -> Tensor:
    """L1 + L2 + spectral convergence of features (B, T, C), as in Miipher (Y. Koizumi et al., WASPAA 2023)."""
    difference = (restored - clean).norm(dim=(1, 2)) / clean.norm(dim=(1, 2)).clamp_min(1e-6)
    return l1_loss(restored, clean) + mse_loss(restored, clean) + difference.mean()


class RestoreLearner(nn.Module):
    """Model, discriminators, their optimisers and, in `done`, the steps made in each of STAGES."""

    def __init__(self, settings: RestoreSettings):
        super().__init__()
        self.settings = settings
        torch.manual_seed(settings.seed)
        hubert, normalise = load_hubert(settings.encoder)
        encoder = AdaptedEncoder(hubert, settings.tap, settings.bottleneck, normalise)
        self.model = Restorer(encoder, Generator(settings.vocoder), settings.rate)
        self.discriminators = Discriminators(settings.discriminators)
        self.register_buffer("done", torch.zeros(len(STAGES), dtype=torch.long))
        self.device = choose_device(settings.accelerator)
        self.dtype = choose_precision(settings.precision, self.device)
        self.to(self.device)
        parts = {"adapters": encoder.adapters, "vocoder": self.model.vocoder, "discriminators": self.discriminators}
        self.optimisers = {
            name: torch.optim.AdamW(list(part.parameters()), betas=settings.betas, weight_decay=0.01)
            for name, part in parts.items()
        }

    def steps_done(self, stage: str) -> int:
        return int(self.done[STAGES.index(stage)])

    def advance(self, stage: str, batch: dict[str, Tensor]) -> dict[str, float]:
        """One step of a stage on a batch of StageBatches. Returns the losses."""
        step, own = self.steps_done(stage), self.settings.of(stage)
        set_lr(linear(step, lr=own.lr, warmup_steps=own.warmup_steps, total_steps=own.steps), *self.optimisers.values())
        self.train()
        losses: dict[str, Tensor] = {}
        batch = {name: tensor.to(self.device) for name, tensor in batch.items()}
        with self.autocast():
            total = self._loss(stage, batch, losses)
        descend(total, *(self.optimisers[name] for name in _TAUGHT[stage]), clip=_CLIP, step=step, part=stage)
        self.done[STAGES.index(stage)] += 1
        return {name: float(value.detach()) for name, value in losses.items()}

    def _loss(self, stage: str, batch: dict[str, Tensor], losses: dict[str, Tensor]) -> Tensor:
        """The loss of what the stage teaches; its terms are put into `losses`."""
        encoder, heard = self.model.encoder, self.standardised(batch["heard"])
        if stage == "vocoder":
            return self._speak(stage, encoder(heard), batch, losses)
        with torch.no_grad():
            target = encoder(self.standardised(batch["target"]))
        restored = encoder.restored(heard)
        losses["features"] = feature_loss(restored, target)
        if stage == "pa":
            return losses["features"]
        total = self._speak(stage, restored, batch, losses)
        weight = self.settings.loss.features
        return total + weight * losses["features"] if weight else total

    def _speak(self, stage: str, features: Tensor, batch: dict[str, Tensor], losses: dict[str, Tensor]) -> Tensor:
        """The vocoder's loss on a slice of the segment; trains the discriminators on the way."""
        hop, first = self.model.vocoder.config.hop_length, int(batch["from"])
        weights = self.settings.loss
        fake = self.model.speak(features[:, first : first + slice_frames(self.settings, stage)])
        real = batch["clean"][:, first * hop : first * hop + fake.shape[-1]]
        losses["mel"] = mel_loss(real, fake, loss_mel(self.settings.rate), "ln_magnitude")
        losses["stft"] = stft_loss(real, fake, weights.stft_sizes)
        total = weights.mel * losses["mel"] + weights.stft * losses["stft"]
        if self.steps_done("vocoder") + self.steps_done("finetune") >= self.settings.adversarial_from:
            optimiser = self.optimisers["discriminators"]
            losses["discriminator"] = train_discriminators(self.discriminators, optimiser, real, fake)
            losses |= generator_losses(self.discriminators, real, fake)
            total = total + losses["adversarial"] + weights.feature_matching * losses["feature_matching"]
        return total

    def standardised(self, waveform: Tensor) -> Tensor:
        """The waveform as the encoder wants it."""
        return standardise(waveform) if self.model.encoder.normalise else waveform

    def autocast(self) -> torch.autocast:
        """The context that forward passes are made in, of the run's precision."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    # ------------------------------------------------------------------------------------------------ checkpoints

    def state(self) -> dict:
        """What `load` needs to go on exactly. The frozen encoder is large and never changes: named, not stored."""
        return {
            "state_dict": {k: v for k, v in self.state_dict().items() if not k.startswith(_FROZEN)},
            "optimizer_states": [optimiser.state_dict() for optimiser in self.optimisers.values()],
            "encoder_sha256": self.encoder_sha256(),
        }

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of `state`. Raises InputError if it is damaged, or was made with another encoder."""
        state = read_checkpoint(path)
        if state.get("encoder_sha256") != self.encoder_sha256():
            raise InputError(
                "The run was begun with another encoder than {encoder}: give that one.", encoder=self.settings.encoder
            )
        frozen = {k: v for k, v in self.state_dict().items() if k.startswith(_FROZEN)}
        load_exactly(self, state["state_dict"] | frozen, str(path))
        for optimiser, its_state in zip(self.optimisers.values(), state["optimizer_states"], strict=True):
            optimiser.load_state_dict(its_state)

    def initialise(self, run: str) -> None:
        """Take adapters, vocoder and discriminators of another run; steps and learning rates start anew."""
        state = run_state(run)["state_dict"]
        parts = {
            "model.encoder.adapters.": self.model.encoder.adapters,
            "model.vocoder.": self.model.vocoder,
            "discriminators.": self.discriminators,
        }
        for prefix, part in parts.items():
            tensors = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            load_start(part, tensors, f"{run} ({prefix.rstrip('.')})")

    def encoder_sha256(self) -> str:
        """Of the tensors of the frozen encoder up to the tap layer."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.model.encoder.hubert.state_dict().items()):
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def run_state(folder: str | Path) -> dict:
    """The newest whole checkpoint of a run folder, as a dict. Raises InputError if there is none."""
    last = Path(folder) / LAST
    return read_checkpoint(newest_whole([last, before(last)]) or last)

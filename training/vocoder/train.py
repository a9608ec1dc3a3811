"""One run of vocoder training: python -m training.vocoder (see training/configs/vocoder.yaml)."""

from dataclasses import fields
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.models.hifigan import Generator, vocoder_input
from rtmri2speech.models.weights import load_exactly, read_checkpoint

from ..engine.checkpoint import load_start
from ..engine.loop import Intervals, choose_device, require_finite, set_lr, train_loop
from ..engine.run_folder import SETTINGS, check_resumable, held, newest_checkpoint, read_settings, write_settings
from ..preprocess.recordings import prepare_sources, spread
from .adversarial import generator_losses, train_discriminators
from .checkpoints import checkpoints, save_checkpoint
from .config import VocoderSettings
from .discriminators import Discriminators
from .initialisation import kept_layouts, load_discriminators, read_start
from .losses import mel_loss, stft_loss
from .segments import VocoderSegments
from .validation import validate

# A run may go on with other recordings, weights of the loss and learning rates, not with other networks.
_FREE = {f.name for f in fields(VocoderSettings)} - {"generator", "mel", "vocoder_input", "discriminators"}


class VocoderTraining:
    """Both networks, their optimisers and the step count: all that a checkpoint holds."""

    def __init__(self, settings: VocoderSettings, epoch_steps: int, device: str | torch.device = "cpu"):
        self.settings, self.epoch_steps, self.device = settings, epoch_steps, torch.device(device)
        torch.manual_seed(settings.seed)
        self.generator = Generator(settings.generator).to(device)
        self.discriminators = Discriminators(settings.discriminators).to(device)
        self.optim_g, self.optim_d = (
            torch.optim.AdamW(network.parameters(), settings.lr, settings.betas)
            for network in (self.generator, self.discriminators)
        )
        self.step = 0

    def advance(self, mel_db: Tensor, real: Tensor) -> dict[str, float]:
        """One step of each network on mel_db (B, T, n_mels) and real (B, T * hop_length). Returns the losses."""
        mel_db, real = mel_db.to(self.device), real.to(self.device)
        set_lr(self.lr(), self.optim_g, self.optim_d)
        self.generator.train()
        fake = self.generator(vocoder_input(mel_db, self.settings.vocoder_input).transpose(1, 2))[:, 0]
        weights, losses = self.settings.loss, {}
        total = torch.zeros((), device=self.device)
        if self.step >= self.settings.adversarial_from:
            losses["discriminator"] = train_discriminators(self.discriminators, self.optim_d, real, fake)
            losses |= generator_losses(self.discriminators, real, fake)
            total = total + losses["adversarial"] + weights.feature_matching * losses["feature_matching"]
        losses["mel"] = mel_loss(real, fake, self.settings.mel, self.settings.vocoder_input)
        total = total + weights.mel * losses["mel"]
        if weights.stft:
            losses["stft"] = stft_loss(real, fake, weights.stft_sizes)
            total = total + weights.stft * losses["stft"]
        require_finite(total, "train", self.step)
        self.optim_g.zero_grad()
        total.backward()
        self.optim_g.step()
        self.step += 1
        return {name: float(value.detach()) for name, value in losses.items()}

    def lr(self) -> float:
        """lr * lr_decay ** epoch, from the step alone, so that nothing else need be remembered."""
        return self.settings.lr * self.settings.lr_decay ** (self.step // self.epoch_steps)

    def state(self) -> dict:
        """Everything `load` needs to go on exactly."""
        return {
            "step": self.step,
            "generator": self.generator.state_dict(),
            "discriminators": self.discriminators.state_dict(),
            "optim_g": self.optim_g.state_dict(),
            "optim_d": self.optim_d.state_dict(),
        }

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of `state`. Raises InputError if it is damaged or of other networks."""
        state = read_checkpoint(path)
        try:
            load_exactly(self.generator, state["generator"], str(path))
            load_exactly(self.discriminators, state["discriminators"], str(path))
            self.optim_g.load_state_dict(state["optim_g"])
            self.optim_d.load_state_dict(state["optim_d"])
            self.step = int(state["step"])
        except (KeyError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError("{path} is not a checkpoint of this run ({reason}).", path=path, reason=error) from None

    def initialise(self) -> None:
        """Take the weights the settings name; the step count and the learning rate start anew."""
        if not self.settings.init_from:
            return
        start = read_start(self.settings.init_from, self.settings.mel)
        load_start(self.generator, start.tensors, str(start.source))
        states = load_discriminators(start.discriminators, self.discriminators) if start.discriminators else {}
        try:
            for name, state in states.items():
                getattr(self, name).load_state_dict(state)
        except ValueError as error:
            raise InputError(
                "The optimiser states of {path} do not fit ({reason}).", path=start.discriminators, reason=error
            ) from None


def train(settings: VocoderSettings) -> VocoderTraining:
    """Train until `steps`, from the run's newest checkpoint if it has one."""
    run = Path(settings.run_dir)
    read = [place for source in settings.sources.values() for place in (source.folder, source.mels)]
    refuse_overwriting_inputs([run / SETTINGS, run / "checkpoints"], [*read, settings.init_from])
    with held(settings):
        return _train(settings, run)


def _train(settings: VocoderSettings, run: Path) -> VocoderTraining:
    newest = newest_checkpoint(run, checkpoints(run))
    settings = kept_layouts(settings, run if newest else None)
    if newest:
        check_resumable(run, settings, read_settings(run, "vocoder"), free=_FREE)
    recordings, held_out = prepare_sources(
        settings.sources,
        Path(settings.prepared or run / "speech"),
        settings.mel.sample_rate,
        settings.normalize_peak,
        settings.mel,
    )
    validation = spread(held_out, settings.validate_recordings)
    segments = VocoderSegments(
        recordings,
        settings.mel,
        frames=settings.segment_size // settings.mel.hop_length,
        batch_size=settings.batch_size,
        seed=settings.seed,
        extra_mels_weight=settings.extra_mels_weight,
        gain_db=settings.gain_db,
    )
    write_settings(run, settings)
    epoch_steps = settings.epoch_steps or max(1, len(recordings) // settings.batch_size)
    device = choose_device(settings.device)
    training = VocoderTraining(settings, epoch_steps, device)
    if newest:
        training.load(newest)
    else:
        training.initialise()
    hours = sum(r.samples for r in recordings) / settings.mel.sample_rate / 3600
    print(
        f"{len(recordings)} recordings ({hours:.2f} h) to train on, {len(held_out)} held out; "
        f"{device}, from step {training.step} to {settings.steps}",
        flush=True,
    )
    train_loop(
        run,
        range(training.step, settings.steps),
        lambda step: training.advance(*segments.batch(step)),
        Intervals(settings.log_every, settings.validate_every, settings.checkpoint_every),
        save=lambda _: save_checkpoint(run, training.state(), settings.keep_checkpoints),
        validate=partial(validate, training.generator, validation, settings) if validation else None,
    )
    return training

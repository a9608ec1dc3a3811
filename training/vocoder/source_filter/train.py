"""One run of training of the source-filter vocoder: python -m training.vocoder kind=ddsp."""

import copy
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import torch

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.models.ddsp import SourceFilter
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.weights import load_exactly, read_checkpoint
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.mel import mel_spectrogram_db, spectral_envelope
from rtmri2speech.speech.metrics import estoi

from ...engine.checkpoint import load_start, newest_whole
from ...engine.loop import Intervals, choose_device, descend, set_lr, train_loop
from ...engine.run_folder import SETTINGS, check_resumable, held, newest_checkpoint, read_settings, write_settings
from ...engine.schedules import cosine
from ...engine.weight_averaging import average
from ...preprocess.recordings import Recording, prepare_sources, spread
from ..checkpoints import checkpoints, save_checkpoint
from ..losses import stft_loss
from .config import SourceFilterSettings
from .f0 import at_times, f0_of
from .losses import band_loss, constancy_loss, intelligibility_loss
from .segments import Batch, SourceFilterSegments, prepared_rate

_FREE = {f.name for f in fields(SourceFilterSettings)} - {"kind", "vocoder"}


class SourceFilterTraining:
    """The vocoder, its average over the last steps, its optimiser and the step count: all that a checkpoint holds."""

    def __init__(self, settings: SourceFilterSettings, device: str | torch.device = "cpu"):
        self.settings, self.device = settings, torch.device(device)
        torch.manual_seed(settings.seed)
        self.generator = SourceFilter(settings.vocoder).begin().to(device)
        if settings.init_from:
            load_start(self.generator, _start(settings.init_from), settings.init_from)
        self.averaged = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.generator.parameters(), settings.lr, settings.betas, weight_decay=settings.weight_decay
        )
        self.step = 0

    def advance(self, batch: Batch) -> dict[str, float]:
        """One step. Returns the losses."""
        settings = self.settings
        mel_db, f0_hz, real = (x.to(self.device) for x in (batch.mel_db, batch.f0_hz, batch.waveform))
        schedule = {"lr": settings.lr, "warmup_steps": settings.warmup_steps, "total_steps": settings.steps}
        set_lr(cosine(self.step, **schedule, min_lr=settings.lr / 100), self.optimiser)
        gains_db = self.generator.gains_db(mel_db, f0_hz)
        fake = self.generator.filtered(gains_db, self._sources(f0_hz))
        losses, total, rate = {}, torch.zeros((), device=self.device), settings.mel.sample_rate
        own, other = batch.of("own"), batch.of("other")
        if not other.all():
            heard = real[~other], fake[~other]
            losses |= {"bands": band_loss(*heard, rate), "intelligibility": intelligibility_loss(*heard, rate)}
        if own.any():
            losses["stft"] = stft_loss(real[own], fake[own], settings.loss.stft_sizes)
        if other.any():
            own_hz = batch.own_hz[other].to(self.device)
            with torch.no_grad():
                wanted_db = self.generator.gains_db(mel_db[other], own_hz)
            losses["constancy"] = constancy_loss(gains_db[other], wanted_db, own_hz > 0)
        shares = {"stft": own, "constancy": other, "bands": ~other, "intelligibility": ~other}
        for name, loss in losses.items():
            total = total + getattr(settings.loss, name) * shares[name].float().mean() * loss
        descend(total, self.optimiser, clip=settings.clip, step=self.step)
        self.step += 1
        average(self.averaged, self.generator, min(1 - 1 / settings.averaged_steps, self.step / (self.step + 10)))
        return {name: float(value.detach()) for name, value in losses.items()}

    def _sources(self, f0_hz: torch.Tensor) -> torch.Tensor:
        """Pulses, and each segment's own piece of the noise: (B, T * hop_length, 2)."""
        pulses = self.generator.pulses(f0_hz)
        random = torch.Generator().manual_seed(self.step)
        first = torch.randint(len(self.generator.noise), (len(f0_hz),), generator=random).tolist()
        noise = torch.stack([self.generator.noise.roll(-k)[: pulses.shape[1]] for k in first])
        return torch.stack([pulses, noise], dim=-1)

    def state(self) -> dict:
        """Everything `load` needs to go on exactly. "generator" is the average, which is published."""
        return {
            "step": self.step,
            "generator": self.averaged.state_dict(),
            "trained": self.generator.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of `state`. Raises InputError if it is damaged or of another network."""
        state = read_checkpoint(path)
        try:
            load_exactly(self.averaged, state["generator"], str(path))
            load_exactly(self.generator, state["trained"], str(path))
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = int(state["step"])
        except (KeyError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError("{path} is not a checkpoint of this run ({reason}).", path=path, reason=error) from None


def _start(place: str) -> dict[str, torch.Tensor]:
    """Weights of a run or of a bundle."""
    folder = Path(place)
    if (folder / "bundle.json").is_file():
        return load_bundle(folder).vocoder.state_dict()
    newest = newest_whole(reversed(checkpoints(folder)))
    if newest is None:
        raise InputError("{run} holds neither a checkpoint of training.vocoder nor a bundle.", run=place)
    return read_checkpoint(newest)["generator"]


@torch.no_grad()
def validate(vocoder: SourceFilter, recordings: list[Recording]) -> dict[str, float]:
    """ESTOI of held-out recordings spoken again: from the whole mel and from its envelope, with their own F0, the same
    once a frame, and none."""
    spec, rows = vocoder.config.mel, []
    for recording in recordings:
        rate = prepared_rate(spec)
        original = resample(np.load(recording.path), rate, spec.sample_rate)
        mel_db = mel_spectrogram_db(torch.from_numpy(original), spec).numpy()
        times_s = (np.arange(len(mel_db) * vocoder.f0_per_frame) + 0.5) / vocoder.f0_per_frame / spec.fps
        f0_hz = torch.from_numpy(at_times(f0_of(recording.path, rate), times_s))
        envelope = torch.from_numpy(spectral_envelope(mel_db, vocoder.config.envelope))
        given = {
            "mel": (torch.from_numpy(mel_db), f0_hz),
            "envelope": (envelope, f0_hz),
            "by_frame": (envelope, f0_hz[vocoder.f0_per_frame // 2 :: vocoder.f0_per_frame]),
            "whisper": (envelope, None),
        }
        made = {name: vocoder.speak(*each).cpu().numpy() for name, each in given.items()}
        rows.append({name: estoi(original[: len(x)], x, spec.sample_rate) for name, x in made.items()})
    values = {name: [row[name] for row in rows if row[name] is not None] for name in rows[0]}
    return {f"estoi_{name}": float(np.mean(v)) for name, v in values.items() if v}


def train(settings: SourceFilterSettings) -> SourceFilterTraining:
    """Train until `steps`, from the run's newest checkpoint if it has one."""
    run = Path(settings.run_dir)
    read = [source.folder for source in settings.sources.values()]
    refuse_overwriting_inputs([run / SETTINGS, run / "checkpoints"], [*read, settings.init_from])
    with held(settings):
        return _train(settings, run)


def _train(settings: SourceFilterSettings, run: Path) -> SourceFilterTraining:
    newest = newest_checkpoint(run, checkpoints(run))
    if newest:
        check_resumable(run, settings, read_settings(run, "vocoder"), free=_FREE)
    rate = prepared_rate(settings.mel)
    prepared = Path(settings.prepared or run / "speech")
    recordings, held_out = prepare_sources(settings.sources, prepared, rate, settings.normalize_peak)
    validation = spread(held_out, settings.validate_recordings)
    config = settings.vocoder
    segments = SourceFilterSegments(
        recordings, settings.draws, config.mel, config.steps, frames=settings.frames, envelope=config.envelope
    )
    write_settings(run, settings)
    training = SourceFilterTraining(settings, choose_device(settings.device))
    if newest:
        training.load(newest)
    hours = sum(r.samples for r in recordings) / rate / 3600
    print(
        f"{len(recordings)} recordings ({hours:.2f} h) to train on, {len(held_out)} held out; "
        f"{training.device}, from step {training.step} to {settings.steps}",
        flush=True,
    )
    train_loop(
        run,
        range(training.step, settings.steps),
        lambda step: training.advance(segments.batch(settings.seed, step, settings.batch_size)),
        Intervals(settings.log_every, settings.validate_every, settings.checkpoint_every),
        save=lambda _: save_checkpoint(run, training.state(), settings.keep_checkpoints),
        validate=partial(validate, training.averaged, validation) if validation else None,
        history=True,
    )
    return training

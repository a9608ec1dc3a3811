"""Fine-tuning of the temporal model and the output layer on cached features, validated on held-out recordings.

At step 0 the model is exactly the bundle's: its output layer is re-expressed in the scaler of the new recordings
(models.acoustic.head_in_scaler). Features are augmented by noise a frame and
a window, as between frames and clips of one scanner. The weights of the step with the least held-out error are kept; if
that is step 0, nothing was gained and the bundle is unchanged.
"""

import copy
import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ..analysis.pipeline import analyse
from ..errors import InputError
from ..evaluation.speech_quality import score
from ..models.acoustic import AcousticModel, head_in_scaler
from ..models.bundle import Bundle
from ..models.features import BATCH
from ..progress import UNSEEN, Progress
from ..speech.mel import Scaler
from ..speech.metrics import loudness_correlation, spectral_shape_correlation
from .recordings import Recording, of_one_level
from .voicing import fit_voicing_probe

CNN_STEPS = 60  # of `finetune --cnn`
_CNN_STEP_COSTS = 30  # time of a step with the CNN, in steps without
FIGURES = ("shape", "loudness", "stoi", "estoi", "mae_F1_db", "mae_F2_db")


@dataclass(frozen=True)
class FinetuneSettings:
    """steps: largest number of steps. The held-out error is computed every `judge_every` steps; early stopping after
    `patience` of these without a gain. lr: AdamW's peak, after a warm-up of a tenth of the steps, with cosine decay to
    0. Each step takes `batch` windows of `window` frames. frame_noise, clip_noise: deviation of the noise added to the
    features of each frame, and of each window, in deviations of the feature over the recordings. delta: weight of the
    squared error of the mel's difference over time.

    cnn_steps: further steps in which the CNN learns, too, from the best weights so far, with its own lr, on cnn_batch
    windows of cnn_window frames each; its BatchNorm keeps its statistics.
    """

    steps: int = 200
    batch: int = 8
    window: int = 96
    lr: float = 3e-4
    weight_decay: float = 1e-3
    frame_noise: float = 0.15
    clip_noise: float = 0.2
    delta: float = 0.5
    judge_every: int = 10
    patience: int = 6
    seed: int = 0
    cnn_steps: int = 0
    cnn_lr: float = 1e-4
    cnn_batch: int = 2
    cnn_window: int = 32

    def __post_init__(self):
        if self.steps < 1:
            raise InputError("Tuning takes 1 step or more, not {steps}.", steps=self.steps)


@dataclass(frozen=True, eq=False)
class Finetuned:
    """bundle: the fine-tuned one, or the initial one where nothing was gained. best_step: of its weights.
    errors: (step, held-out mean squared error of the standardised mel). before, after: FIGURES -> mean over the
    held-out recordings, None where undefined. learnt, held_out: number of recordings, and their total seconds.
    """

    bundle: Bundle
    settings: FinetuneSettings
    best_step: int
    errors: tuple[tuple[int, float], ...]
    before: dict[str, float | None]
    after: dict[str, float | None]
    learnt: tuple[int, float]
    held_out: tuple[int, float]

    @property
    def better(self) -> bool:
        """Whether the held-out error fell, and the speech of what was held out is no less intelligible (ESTOI)."""
        before, after = self.before["estoi"], self.after["estoi"]
        return self.best_step > 0 and (before is None or after is None or after >= before)

    def to_json(self) -> dict:
        """A record without names of recordings, which may be people's."""
        return {
            "better": self.better,
            "best_step": self.best_step,
            "settings": asdict(self.settings),
            "held_out_error": [{"step": step, "error": round(error, 5)} for step, error in self.errors],
            "before": self.before,
            "after": self.after,
            "learnt_from": {"recordings": self.learnt[0], "seconds": round(self.learnt[1], 1)},
            "held_out": {"recordings": self.held_out[0], "seconds": round(self.held_out[1], 1)},
        }


def finetune(
    bundle: Bundle,
    learnt: Sequence[Recording],
    held_out: Sequence[Recording],
    settings: FinetuneSettings = FinetuneSettings(),
    progress: Progress = UNSEEN,
) -> Finetuned:
    """Fine-tune a bundle on recordings (recordings.prepare); the given bundle is unchanged.

    The same recordings, settings and machine give the same weights. progress: its stage is tuning.
    """
    steps = finetuning_steps(bundle, learnt, held_out, settings, progress)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def finetuning_steps(
    bundle: Bundle,
    learnt: Sequence[Recording],
    held_out: Sequence[Recording],
    settings: FinetuneSettings = FinetuneSettings(),
    progress: Progress = UNSEEN,
) -> Generator[tuple[int, float], None, Finetuned]:
    """`finetune`, in steps: yields (step, held-out error) as they are computed, returns the result."""
    every = of_one_level([*learnt, *held_out])
    own, others = every[: len(learnt)], every[len(learnt) :]
    scaler = Scaler.fit([one.target_db for one in own])
    model = in_scaler(bundle.acoustic, bundle.scaler, scaler)
    run = _Run(model, scaler, others, settings)
    share = settings.steps / (settings.steps + _CNN_STEP_COSTS * settings.cnn_steps)
    with torch.random.fork_rng(devices=[bundle.device] if bundle.device.type == "cuda" else []):
        torch.manual_seed(settings.seed)
        batches = _Batches(own, scaler, settings, bundle.device)
        yield from run.train(batches, settings.steps, progress.part(None, 0, share))
        if settings.cnn_steps:
            batches = _PictureBatches(own, scaler, settings, bundle.device)
            yield from run.train(batches, settings.cnn_steps, progress.part(None, share, 1))
    model.load_state_dict(run.best)
    model.eval().requires_grad_(False)
    if settings.cnn_steps:
        own = [replace(one, features=features_of(model, one.analysis.seen)) for one in own]
    tuned = bundle if not run.best_step else _tuned(bundle, model, scaler, own)
    result = Finetuned(
        tuned,
        settings,
        run.best_step,
        tuple(run.errors),
        _figures(bundle, held_out),
        _figures(tuned, held_out),
        (len(learnt), sum(one.seconds for one in learnt)),
        (len(held_out), sum(one.seconds for one in held_out)),
    )
    if not result.better:
        return replace(result, bundle=bundle)
    record = result.to_json() | {"from": bundle.name, "from_sha256": bundle.sha256}
    return replace(result, bundle=replace(tuned, training=bundle.training | {"finetuned": record}))


class _Run:
    """Training of a model with early stopping. best: the weights of the step with the least held-out error."""

    def __init__(self, model: AcousticModel, scaler: Scaler, held_out: Sequence[Recording], settings: FinetuneSettings):
        self.model, self.scaler, self.held_out, self.settings = model, scaler, held_out, settings
        self.best, self.best_step, self.least = copy.deepcopy(model.state_dict()), 0, math.inf
        self.errors: list[tuple[int, float]] = []
        self.done = 0  # steps of earlier stages

    def train(self, batches: "_Batches", steps: int, progress: Progress) -> Iterator[tuple[int, float]]:
        """A stage, from the best weights so far: at most `steps` on these batches. Yields each (step, held-out
        error)."""
        settings, model, since = self.settings, self.model, 0
        model.load_state_dict(self.best)
        parts = (model.rnn, model.head, *((model.cnn,) if batches.of_pictures else ()))
        weights = [weight for part in parts for weight in part.parameters()]
        for weight in weights:
            weight.requires_grad_(True)
        lr = settings.cnn_lr if batches.of_pictures else settings.lr
        optimiser = torch.optim.AdamW(weights, lr=lr, weight_decay=settings.weight_decay)
        for step in range(steps + 1):
            if step % settings.judge_every == 0 or step == steps:
                since = 0 if self._judge(self.done + step, batches) else since + 1
                yield self.errors[-1]
                if since >= settings.patience or step == steps:
                    break
            for group in optimiser.param_groups:
                group["lr"] = lr * _lr_share(step, steps)
            model.train()
            model.cnn.eval()  # BatchNorm keeps its statistics
            features, target = batches.draw(model)
            loss = _loss(model, features, target, settings.delta)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            progress("tuning", step + 1, steps)
        self.done += step

    def _judge(self, step: int, batches: "_Batches") -> bool:
        """Whether the held-out error is the least so far. The first of a later stage was judged before."""
        if self.errors and self.errors[-1][0] == step:
            return True
        recordings = self.held_out
        self.model.eval()
        if batches.of_pictures:
            recordings = [replace(r, features=features_of(self.model, r.analysis.seen)) for r in recordings]
        error = _error(self.model, recordings, self.scaler)
        self.errors.append((step, error))
        if error >= self.least:
            return False
        self.best, self.best_step, self.least = copy.deepcopy(self.model.state_dict()), step, error
        return True


def _lr_share(step: int, steps: int) -> float:
    """Warm-up over a tenth of the steps, cosine decay to 0."""
    return min(1.0, (step + 1) / max(1, steps // 10)) * 0.5 * (1 + math.cos(math.pi * step / steps))


def features_of(model: AcousticModel, frames: np.ndarray) -> np.ndarray:
    """Features (T, C) of prepared frames (T, size, size) by the model's CNN."""
    device = model.head.weight.device
    with torch.no_grad():
        parts = [
            model.feature_maps(torch.from_numpy(frames[k : k + BATCH])[:, None].to(device)).mean(dim=(2, 3)).cpu()
            for k in range(0, len(frames), BATCH)
        ]
    return torch.cat(parts).numpy()


def in_scaler(model: AcousticModel, old: Scaler, new: Scaler) -> AcousticModel:
    """A copy with the same dB mel through another scaler, up to rounding."""
    model = copy.deepcopy(model)
    model.head.weight.data, model.head.bias.data = head_in_scaler(model.head.weight, model.head.bias, old, new)
    return model


class _Batches:
    """Windows of recordings with augmented features, drawn by (seed, step) alone."""

    of_pictures = False

    def __init__(self, recordings: Sequence[Recording], scaler: Scaler, settings: FinetuneSettings, device):
        self.settings, self.device = settings, device
        self.rng = np.random.default_rng(settings.seed)
        self.inputs: list[np.ndarray] = [one.features for one in recordings]
        self.targets = [(one.target_db - scaler.mean) / scaler.std for one in recordings]
        self.deviation = np.concatenate(self.inputs).std(axis=0)
        lengths = np.array([len(one) for one in self.inputs], float)
        self.shares = lengths / lengths.sum()

    def draw(self, model: AcousticModel) -> tuple[Tensor, Tensor]:
        """Features (B, window, C) and standardised mels (B, window, n_mels); NaN beyond a recording's end."""
        features, target = self._windows(self.settings.batch, self.settings.window)
        return features + self._noise(features.shape), target

    def _windows(self, batch: int, window: int) -> tuple[Tensor, Tensor]:
        """Inputs (batch, window, ...), 0 beyond a recording's end, and targets."""
        chosen = self.rng.choice(len(self.inputs), batch, p=self.shares)
        longest = min(window, max(len(self.inputs[k]) for k in chosen))
        given = np.zeros((batch, longest, *self.inputs[0].shape[1:]), np.float32)
        target = np.full((batch, longest, self.targets[0].shape[1]), np.nan, np.float32)
        for row, k in enumerate(chosen):
            first = int(self.rng.integers(0, max(1, len(self.inputs[k]) - longest + 1)))
            own = self.inputs[k][first : first + longest]
            given[row, : len(own)], target[row, : len(own)] = own, self.targets[k][first : first + longest]
        return torch.from_numpy(given).to(self.device), torch.from_numpy(target).to(self.device)

    def _noise(self, shape: torch.Size) -> Tensor:
        batch, _, channels = shape
        noise = self.settings.frame_noise * self.rng.standard_normal(shape)
        noise += self.settings.clip_noise * self.rng.standard_normal((batch, 1, channels))
        return torch.from_numpy((noise * self.deviation).astype(np.float32)).to(self.device)


class _PictureBatches(_Batches):
    """The same from pictures, through the model's CNN."""

    of_pictures = True

    def __init__(self, recordings: Sequence[Recording], scaler: Scaler, settings: FinetuneSettings, device):
        super().__init__(recordings, scaler, settings, device)
        # in bytes: floats of all pictures would fill the memory
        self.inputs = [np.rint(255 * one.analysis.seen[: len(one.features)]).astype(np.uint8) for one in recordings]

    def draw(self, model: AcousticModel) -> tuple[Tensor, Tensor]:
        pictures, target = self._windows(self.settings.cnn_batch, self.settings.cnn_window)
        features = model.feature_maps(pictures.flatten(0, 1)[:, None] / 255).mean(dim=(2, 3))
        features = features.unflatten(0, pictures.shape[:2])
        return features + self._noise(features.shape), target


def _loss(model: AcousticModel, features: Tensor, target: Tensor, delta: float) -> Tensor:
    there = ~target.isnan()
    error = torch.where(there, model.mel_from_features(features) - target.nan_to_num(), 0)
    moving = there[:, 1:] & there[:, :-1]
    motion = torch.where(moving, torch.diff(error, dim=1), 0)
    return error.square().sum() / there.sum() + delta * motion.square().sum() / moving.sum()


def _error(model: AcousticModel, recordings: Sequence[Recording], scaler: Scaler) -> float:
    """Mean squared error of the standardised mel over all frames of the recordings."""
    model.eval()
    device, errors = model.head.weight.device, []
    with torch.no_grad():
        for one in recordings:
            mel = model.mel_from_features(torch.from_numpy(one.features)[None].to(device))[0].cpu().numpy()
            errors.append((mel - (one.target_db - scaler.mean) / scaler.std) ** 2)
    return float(np.concatenate(errors).mean())


def _tuned(bundle: Bundle, model: AcousticModel, scaler: Scaler, recordings: Sequence[Recording]) -> Bundle:
    """The bundle with this model and, if it has a voice, a voicing probe fitted to the recordings."""
    voice = bundle.voice
    if voice is not None:
        with torch.no_grad():
            states = [
                model.states_from_features(torch.from_numpy(one.features)[None].to(bundle.device))[0].cpu().numpy()
                for one in recordings
            ]
        f0_hz = np.concatenate([np.nan_to_num(one.f0_hz) for one in recordings])
        if 0 < np.count_nonzero(f0_hz) < len(f0_hz):
            voice = fit_voicing_probe(np.concatenate(states), f0_hz, voice.default)
    return replace(
        bundle,
        name=f"{bundle.name}, tuned",
        acoustic=model,
        scaler=scaler,
        voice=voice,
        folder=None,
        sha256={},
    )


def _figures(bundle: Bundle, recordings: Sequence[Recording]) -> dict[str, float | None]:
    """FIGURES of a bundle with its default voice, means over recordings."""
    rows = []
    for one in recordings:
        reference = one.reference
        made = analyse(bundle, one.analysis.clip, [], original=one.analysis.original)
        speech, count = reference.speech_frames, len(reference.mel_db)
        pair = reference.mel_db[speech], made.mel_db[:count][speech]
        own = score(reference, made.mel_db[:count], made.audio)
        rows.append(
            {"shape": spectral_shape_correlation(*pair), "loudness": loudness_correlation(*pair)}
            | {name: own.get(name) for name in FIGURES[2:]}
        )
    means = {}
    for name in FIGURES:
        known = [value for row in rows if (value := row[name]) is not None]
        means[name] = float(np.mean(known)) if known else None
    return means

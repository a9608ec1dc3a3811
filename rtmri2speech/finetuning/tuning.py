"""Fine-tuning of the temporal model and the output layer on cached features, validated on held-out recordings.

At step 0 the model is exactly the bundle's: its output layer is re-expressed in the scaler of the new recordings,
W * sigma_old / sigma_new and (b * sigma_old + mu_old - mu_new) / sigma_new. Features are augmented by noise a frame and
a window, as between frames and clips of one scanner. The weights of the step with the least held-out error are kept; if
that is step 0, nothing was gained and the bundle is unchanged.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ..analysis.pipeline import analyse
from ..errors import InputError
from ..evaluation.speech_quality import score
from ..models.acoustic import AcousticModel
from ..models.bundle import Bundle
from ..progress import UNSEEN, Progress
from ..speech.mel import Scaler
from ..speech.metrics import loudness_correlation, spectral_shape_correlation
from .recordings import Recording, of_one_level
from .voicing import fit_voicing_probe

FIGURES = ("shape", "loudness", "stoi", "estoi", "mae_F1_db", "mae_F2_db")


@dataclass(frozen=True)
class FinetuneSettings:
    """steps: largest number of steps. The held-out error is computed every `judge_every` steps; early stopping after
    `patience` of these without a gain. lr: AdamW's peak, after a warm-up of a tenth of the steps, with cosine decay to
    0. Each step takes `batch` windows of `window` frames. frame_noise, clip_noise: deviation of the noise added to the
    features of each frame, and of each window, in deviations of the feature over the recordings. delta: weight of the
    squared error of the mel's difference over time.
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
    judged: Callable[[int, float], None] = lambda step, error: None,
) -> Finetuned:
    """Fine-tune a bundle on recordings (recordings.prepare); the given bundle is unchanged.

    judged: called with each (step, held-out error). The same recordings, settings and machine give the same weights.
    progress: its stage is tuning.
    """
    every = of_one_level([*learnt, *held_out])
    own, others = every[: len(learnt)], every[len(learnt) :]
    scaler = Scaler.fit([one.target_db for one in own])
    model = in_scaler(bundle.acoustic, bundle.scaler, scaler)
    device = bundle.device
    batches = _Batches(own, scaler, settings, device)
    best, best_step, best_error, errors, since = copy.deepcopy(model.state_dict()), 0, math.inf, [], 0
    trained = [*model.rnn.parameters(), *model.head.parameters()]
    for weight in trained:
        weight.requires_grad_(True)
    optimiser = torch.optim.AdamW(trained, lr=settings.lr, weight_decay=settings.weight_decay)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(settings.seed)
        for step in range(settings.steps + 1):
            if step % settings.judge_every == 0 or step == settings.steps:
                error = _error(model, others, scaler)
                errors.append((step, error))
                judged(step, error)
                if error < best_error:
                    best, best_step, best_error, since = copy.deepcopy(model.state_dict()), step, error, 0
                else:
                    since += 1
                if since >= settings.patience or step == settings.steps:
                    break
            _set_lr(optimiser, step, settings)
            features, target = batches.draw()
            loss = _loss(model.train(), features, target, settings.delta)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            progress("tuning", step + 1, settings.steps)
    model.load_state_dict(best)
    model.eval().requires_grad_(False)
    tuned = bundle if not best_step else _tuned(bundle, model, scaler, own)
    result = Finetuned(
        tuned,
        settings,
        best_step,
        tuple(errors),
        _figures(bundle, held_out),
        _figures(tuned, held_out),
        (len(learnt), sum(one.seconds for one in learnt)),
        (len(held_out), sum(one.seconds for one in held_out)),
    )
    if not result.better:
        return replace(result, bundle=bundle)
    record = result.to_json() | {"from": bundle.name, "from_sha256": bundle.sha256}
    return replace(result, bundle=replace(tuned, training=bundle.training | {"finetuned": record}))


def in_scaler(model: AcousticModel, old: Scaler, new: Scaler) -> AcousticModel:
    """A copy with the same dB mel through another scaler, up to rounding."""
    model = copy.deepcopy(model)
    sigma = torch.from_numpy(old.std / new.std).to(model.head.weight)
    shift = torch.from_numpy((old.mean - new.mean) / new.std).to(model.head.bias)
    model.head.weight.data.mul_(sigma[:, None])
    model.head.bias.data.mul_(sigma).add_(shift)
    return model


class _Batches:
    """Windows of recordings with augmented features, drawn by (seed, step) alone."""

    def __init__(self, recordings: Sequence[Recording], scaler: Scaler, settings: FinetuneSettings, device):
        self.settings, self.device = settings, device
        self.rng = np.random.default_rng(settings.seed)
        self.features = [one.features for one in recordings]
        self.targets = [(one.target_db - scaler.mean) / scaler.std for one in recordings]
        self.deviation = np.concatenate(self.features).std(axis=0)
        lengths = np.array([len(one) for one in self.features], float)
        self.shares = lengths / lengths.sum()

    def draw(self) -> tuple[Tensor, Tensor]:
        """Features (B, window, C) and standardised mels (B, window, n_mels); NaN beyond a recording's end."""
        settings, channels = self.settings, len(self.deviation)
        chosen = self.rng.choice(len(self.features), settings.batch, p=self.shares)
        longest = min(settings.window, max(len(self.features[k]) for k in chosen))
        features = np.zeros((settings.batch, longest, channels), np.float32)
        target = np.full((settings.batch, longest, self.targets[0].shape[1]), np.nan, np.float32)
        for row, k in enumerate(chosen):
            first = int(self.rng.integers(0, max(1, len(self.features[k]) - longest + 1)))
            own = self.features[k][first : first + longest]
            features[row, : len(own)], target[row, : len(own)] = own, self.targets[k][first : first + longest]
        noise = settings.frame_noise * self.rng.standard_normal(features.shape)
        noise += settings.clip_noise * self.rng.standard_normal((settings.batch, 1, channels))
        features += (noise * self.deviation).astype(np.float32)
        return torch.from_numpy(features).to(self.device), torch.from_numpy(target).to(self.device)


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


def _set_lr(optimiser: torch.optim.Optimizer, step: int, settings: FinetuneSettings) -> None:
    warm = max(1, settings.steps // 10)
    share = min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    for group in optimiser.param_groups:
        group["lr"] = settings.lr * share


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

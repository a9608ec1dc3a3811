"""How well a restoration does on held-out speech while it trains."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from rtmri2speech.restore.encoder import ENCODER_RATE
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.mel import mel_spectrogram_db

from ..preprocess.recordings import Recording
from .config import RestoreSettings, loss_mel
from .degrade import Degrader
from .learner import RestoreLearner, feature_loss

_SECONDS = 4
_FLOOR_DB = -80.0  # re full scale: how silent silence is does not count


@torch.no_grad()
def validate(learner: RestoreLearner, recordings: list[Recording], degrader: Degrader) -> dict[str, float]:
    """Means over the recordings' first 4 s, each degraded the same way every time.

    features: loss of the restored features. copy_mel_mae_db, restored_mel_mae_db: mel error, dB, of the vocoder on
    clean features and of the whole.
    """
    learner.eval()
    model, mel, rows = learner.model, loss_mel(learner.settings.rate), []
    for number, recording in enumerate(recordings):
        parts = _clean_and_degraded(recording, number, learner.settings, degrader)
        clean, target, heard = (x.to(learner.device) for x in parts)
        with learner.autocast():
            wanted = model.encoder(learner.standardised(target))
            restored = model.encoder.restored(learner.standardised(heard))
            row = {"features": float(feature_loss(restored, wanted))}
            for name, features in (("copy", wanted), ("restored", restored)):
                made = model.speak(features)[:, : clean.shape[-1]]
                row[f"{name}_mel_mae_db"] = float(l1_loss(_floored_db(made, mel), _floored_db(clean, mel)))
        rows.append(row)
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _clean_and_degraded(
    recording: Recording, number: int, settings: RestoreSettings, degrader: Degrader
) -> tuple[Tensor, Tensor, Tensor]:
    """clean (1, L) at the output rate; clean and degraded at the encoder's, (1, L16)."""
    hop = settings.vocoder.hop_length
    clean = np.load(recording.path, mmap_mode="r")[: round(_SECONDS * settings.rate / hop) * hop]
    clean = np.array(clean[: len(clean) // hop * hop], np.float32)
    heard = degrader(clean, np.random.default_rng([settings.seed, 99, number]))
    target, heard = (resample(x, settings.rate, ENCODER_RATE) for x in (clean, heard))
    return tuple(torch.from_numpy(x[None]) for x in (clean, target, heard))


def _floored_db(waveform: Tensor, mel: MelSpec) -> Tensor:
    return mel_spectrogram_db(waveform, mel).clamp_min(_FLOOR_DB)

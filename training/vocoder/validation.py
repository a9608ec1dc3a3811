"""How well a vocoder speaks held-out recordings while it trains."""

import numpy as np
import torch

from rtmri2speech.models.hifigan import Generator, vocoder_input
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import mel_spectrogram_db
from rtmri2speech.speech.metrics import estoi, stoi

from ..preprocess.recordings import Recording
from .config import VocoderSettings


@torch.no_grad()
def copy_synthesis(generator: Generator, waveform: np.ndarray, mel: MelSpec, kind: str) -> np.ndarray:
    """The waveform (samples,) made from the waveform's own mel: (samples rounded down to whole frames,)."""
    device = next(generator.parameters()).device
    mel_db = mel_spectrogram_db(torch.from_numpy(np.array(waveform, dtype=np.float32)).to(device), mel)
    return generator(vocoder_input(mel_db, kind).T[None])[0, 0].cpu().numpy()


def validate(generator: Generator, recordings: list[Recording], settings: VocoderSettings) -> dict[str, float]:
    """Copy-synthesis of held-out recordings against the originals: mean mel error (dB), STOI and ESTOI."""
    generator.eval()
    rows = []
    for recording in recordings:
        original = np.load(recording.path)
        made = copy_synthesis(generator, original, settings.mel, settings.vocoder_input)
        original = original[: len(made)]
        mels = (mel_spectrogram_db(torch.from_numpy(x), settings.mel).numpy() for x in (original, made))
        row = {"mel_mae_db": float(np.abs(np.subtract(*mels)).mean())}
        for metric in (stoi, estoi):
            try:
                row[metric.__name__] = metric(original, made, settings.mel.sample_rate)
            except ImportError:  # a machine that only trains need not have pystoi
                row[metric.__name__] = None
        rows.append(row)
    values = {name: [row[name] for row in rows if row[name] is not None] for name in rows[0]}
    return {name: float(np.mean(v)) for name, v in values.items() if v}

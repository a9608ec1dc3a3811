"""dB mel -> waveform, in overlapping chunks."""

import numpy as np
import torch

from ..progress import UNSEEN, Progress
from ..speech.voice import add_harmonics
from .bundle import Bundle
from .precision import choose_precision

_CHUNK = 256  # mel frames: bounds the memory of a long clip


def vocode(
    bundle: Bundle,
    mel_db: torch.Tensor,
    precision: str = "fp32",
    progress: Progress = UNSEEN,
    f0_hz: np.ndarray | None = None,
) -> np.ndarray:
    """dB mel (T, n_mels) -> waveform (T * hop_length,) float32 in [-1, 1].

    f0_hz: (T,), 0 where unvoiced; its harmonics are added to the mel unless the vocoder takes F0, of which it may then
    have vocoder.f0_per_frame values a frame. None: no F0."""
    dtype, vocoder, device = choose_precision(precision, bundle.device), bundle.vocoder, bundle.device
    if f0_hz is not None and not vocoder.takes_f0:
        mel_db = torch.from_numpy(add_harmonics(mel_db.cpu().numpy(), f0_hz, bundle.mel))
    pitch = torch.from_numpy(f0_hz).float().to(device) if f0_hz is not None and vocoder.takes_f0 else None
    hop, count, context, mel_db = vocoder.hop_length, len(mel_db), vocoder.context_frames, mel_db.to(device)
    per_frame = 1 if pitch is None else len(pitch) // count
    chunks = []
    with torch.inference_mode(), torch.autocast(device.type, dtype, dtype != torch.float32):
        source = vocoder.source(pitch, count)
        for start in range(0, count, _CHUNK):
            end = min(start + _CHUNK, count)
            first, stop = max(0, start - context), min(count, end + context)
            samples = vocoder.speak(
                mel_db[first:stop],
                None if pitch is None else pitch[first * per_frame : stop * per_frame],
                None if source is None else source[first * hop : stop * hop],
            ).float()
            chunks.append(samples[(start - first) * hop : (end - first) * hop])
            progress("speech", end, count)
    return torch.cat(chunks).cpu().numpy()

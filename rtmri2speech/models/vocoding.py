"""dB mel -> waveform, in overlapping chunks."""

import numpy as np
import torch

from ..progress import UNSEEN, Progress
from .bundle import Bundle
from .hifigan import vocoder_input
from .precision import choose_precision

_VOCODER_CHUNK = 256  # mel frames a piece: bounds the memory of a long clip


_VOCODER_CONTEXT = 24  # mel frames on each side of a piece; the generator hears 12, in the thesis' layout 17 back


def vocode(bundle: Bundle, mel_db: torch.Tensor, precision: str = "fp32", progress: Progress = UNSEEN) -> np.ndarray:
    """dB mel (T, n_mels) -> waveform (T * hop_length,) float32 in [-1, 1], in overlapping pieces without seams."""
    dtype = choose_precision(precision, bundle.device)
    hop, count = bundle.mel.hop_length, len(mel_db)
    log_mel = vocoder_input(mel_db.to(bundle.device), bundle.vocoder_input).T[None]
    pieces = []
    with torch.inference_mode(), torch.autocast(bundle.device.type, dtype, dtype != torch.float32):
        for start in range(0, count, _VOCODER_CHUNK):
            end = min(start + _VOCODER_CHUNK, count)
            before, after = min(start, _VOCODER_CONTEXT), min(count - end, _VOCODER_CONTEXT)
            samples = bundle.vocoder(log_mel[..., start - before : end + after])[0, 0].float()
            pieces.append(samples[before * hop : (before + end - start) * hop])
            progress("speech", end, count)
    return torch.cat(pieces).cpu().numpy()

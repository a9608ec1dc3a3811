"""The source-filter vocoder against a HiFi-GAN of the size that small bundles have, on one core."""

import time
from dataclasses import replace

import numpy as np
import torch

from rtmri2speech.models.ddsp import SourceFilter
from rtmri2speech.models.hifigan import Generator, GeneratorConfig
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.vocoder import Vocoder
from rtmri2speech.models.vocoding import vocode

_SECONDS = 10
_SMALL = GeneratorConfig(initial_channel=256, resblock="2", resblock_dilation_sizes=((1, 3),) * 3)


def measure() -> dict:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        hifigan = _processor_time(Generator(_SMALL).ready())
        voiced, whispered = (_processor_time(SourceFilter().begin(), f0_hz) for f0_hz in (120.0, None))
    finally:
        torch.set_num_threads(threads)
    return {
        "HiFi-GAN of 1.8 million weights, real-time factor": hifigan,
        "source-filter, real-time factor": voiced,
        "source-filter whispering, real-time factor": whispered,
        "HiFi-GAN over source-filter": hifigan / voiced,
    }


def _processor_time(vocoder: Vocoder, f0_hz: float | None = None) -> float:
    """Processor time of a second of speech, the least of five."""
    bundle = replace(load_bundle(), vocoder=vocoder)
    frames = round(_SECONDS * bundle.fps)
    mel_db = torch.randn(frames, bundle.mel.n_mels, generator=torch.Generator().manual_seed(0)) * 10 - 40
    contour = None if f0_hz is None else np.full(frames, f0_hz)
    took = []
    for _ in range(5):
        begun = time.process_time()
        vocode(bundle, mel_db, f0_hz=contour)
        took.append(time.process_time() - begun)
    return min(took) / _SECONDS

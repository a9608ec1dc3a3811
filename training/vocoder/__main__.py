"""Train a vocoder on speech, from scratch or from earlier weights.

    python -m training.vocoder run_dir=RUN +sources.mine.folder=WAVS
    python -m training.vocoder kind=ddsp run_dir=RUN +sources.mine.folder=WAVS

The first trains HiFi-GAN (Kong, Kim and Bae, NeurIPS 2020) as the thesis did, with --config-name vocoder_compact on one
CPU core; the second the source-filter vocoder of the embedded bundles. The same command again goes on where it stopped.
Any setting of training/configs/vocoder.yaml, or vocoder_ddsp.yaml, can be given as name=value.
"""

import sys

from ..engine.config import run_command
from . import train
from .config import VocoderSettings
from .source_filter import train as source_filter
from .source_filter.config import SourceFilterSettings

if __name__ == "__main__":
    if "kind=ddsp" in sys.argv or "vocoder_ddsp" in sys.argv:
        run_command(source_filter.train, SourceFilterSettings, "vocoder_ddsp")
    else:
        run_command(train.train, VocoderSettings, "vocoder")

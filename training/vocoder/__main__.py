"""Train HiFi-GAN on speech, from scratch or from earlier weights (Kong, Kim and Bae, NeurIPS 2020).

    python -m training.vocoder run_dir=RUN +sources.mine.folder=WAVS

trains as the thesis did, with --config-name vocoder_compact on one CPU core. The same command again goes on where it
stopped. Any setting of training/configs/vocoder.yaml can be given as name=value.
"""

from ..engine.config import run_command
from .config import VocoderSettings
from .train import train

if __name__ == "__main__":
    run_command(train, VocoderSettings, "vocoder")

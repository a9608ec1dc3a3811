"""Training of the acoustic model: frames -> mel.

    python -m training.acoustic data_dir=DATASET run_dir=RUN [setting=value ...]
    python -m training.acoustic --config-name acoustic_compact data_dir=DATASET run_dir=RUN

The run folder holds settings.json, split.json (and held_out.txt, its val and test, for training.vocoder), scaler.json,
history.csv, TensorBoard's files, best.ckpt (least validation loss) and last.ckpt. The same command goes on where it was
stopped, exactly: the end of the last finished epoch. Settings: training/configs/acoustic.yaml (the thesis'),
acoustic_compact.yaml (a CPU's).
"""

import logging
import warnings

from ..engine.config import run_command
from .config import AcousticRun
from .train import train

if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", "Checkpoint directory .* exists")  # a run folder is meant to be gone on with
    warnings.filterwarnings("ignore", ".*LeafSpec")  # Lightning's own, of a PyTorch function's new name
    run_command(train, AcousticRun, "acoustic")

"""python -m training.segmentation [--config-name regions] [setting=value ...]"""

from ..engine.config import run_command
from .train import SegmentationSettings, train

if __name__ == "__main__":
    run_command(train, SegmentationSettings, "segmentation")

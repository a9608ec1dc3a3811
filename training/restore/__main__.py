"""python -m training.restore [--config-name restore_small] run_dir=RUN stage=pa|vocoder|finetune|all setting=value"""

from ..engine.config import run_command
from .config import RestoreSettings
from .train import train

if __name__ == "__main__":
    run_command(train, RestoreSettings, "restore")

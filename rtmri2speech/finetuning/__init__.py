"""A bundle tuned to one's own recordings with sound: the CNN stays, its features are computed once, and the temporal
model, the read-out and the voicing probe are tuned on them in seconds.

    result = finetune(bundle, [prepare(bundle, read_clip(path), path.stem) for path in paths], settings)
    result.bundle.save(folder, card=result.card())
"""

from .recordings import Recording, prepare, split
from .tuning import Finetuned, FinetuneSettings, finetune

__all__ = ["Finetuned", "FinetuneSettings", "Recording", "finetune", "prepare", "split"]

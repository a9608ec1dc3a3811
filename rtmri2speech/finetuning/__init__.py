"""Fine-tuning of a bundle on recordings with sound: the CNN is frozen and its features are cached; the temporal model,
the output layer and the voicing probe are trained on them in seconds.

    result = finetune(bundle, [prepare(bundle, read_clip(path), path.stem) for path in paths], settings)
    result.bundle.save(folder, card=result.card())
"""

from .recordings import Recording, prepare, split
from .tuning import Finetuned, FinetuneSettings, finetune, finetuning_steps

__all__ = ["Finetuned", "FinetuneSettings", "Recording", "finetune", "finetuning_steps", "prepare", "split"]

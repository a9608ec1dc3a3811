"""Grad-CAM of a target of the mel, such as the energy in a formant band: exact, without a gradient through the CNN.

Grad-CAM (Selvaraju et al., ICCV 2017) weights the last feature maps A by the gradient of a target E. Here global
average pooling g = mean(A) follows the maps, so that gradient is the same at every position, and

    CAM_t = (1 / (h w)) * sum over channels c of  dE/dg[t, c] * A[t, c]

which also equals HiResCAM (Draelos and Carin, 2020). A and g come from one pass without gradients; only the temporal
model and the output layer are differentiated.

Two objectives:
    frame      E_t is the target's value in frame t. Its derivative with respect to frame t's own features is local:
               other frames' recurrent states are held fixed (AcousticModel.frame_local_mel), all t in one batch.
    sequence   E is the mean over time; one backward pass through the whole temporal model.

layer_attribution.py makes maps of earlier stages of the CNN from the same gradients dE/dg.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from ..models.acoustic import AcousticModel
from ..progress import Progress
from ..speech.mel import Scaler
from .layer_attribution import LayerAttribution, stages
from .method import Inputs, Method
from .targets import Target


def gradients(
    model: AcousticModel,
    scaler: Scaler,
    features: Tensor,
    targets: Mapping[str, Target],
    objectives: str | Mapping[str, str] = "frame",
) -> dict[str, Tensor]:
    """dE/dg of each target: name -> (T, C). objectives: "frame" or "sequence", for all targets or name -> objective.

    model: in eval mode. features g: (T, C), the spatial mean of the CNN's last maps.
    """
    found, local = {}, None
    for name, target in targets.items():
        objective = objectives if isinstance(objectives, str) else objectives[name]
        if objective == "frame":
            mel_of = local = local or model.frame_local_mel(features)
        else:
            mel_of = lambda g: model.mel_from_features(g[None])[0]  # noqa: E731
        g = features.detach().clone().requires_grad_(True)
        values = target(scaler.to_db(mel_of(g)))
        # In "frame" each value depends on its own row of g alone, so the gradient of the sum holds them all.
        (found[name],) = torch.autograd.grad(values.sum() if objective == "frame" else values.mean(), g)
    return found


def last_cams(gradients: Mapping[str, Tensor], maps: Tensor) -> dict[str, np.ndarray]:
    """Signed Grad-CAM from gradients, name -> (T, C), and the CNN's last maps (T, C, h, w): name -> (T, h, w)."""
    cells = maps[0, 0].numel()
    return {
        name: (torch.einsum("tc,tchw->thw", dg, maps) / cells).float().cpu().numpy() for name, dg in gradients.items()
    }


def _maps(inputs: Inputs, progress: Progress) -> dict[str, np.ndarray]:
    if inputs.last_maps is not None:
        return last_cams(inputs.gradients, inputs.last_maps)
    # HiResCAM at the last maps is Grad-CAM.
    layer = LayerAttribution(inputs.model, inputs.size, inputs.cells, cnn=inputs.cnn)
    return layer(inputs.gradients, inputs.chunks(), progress)


GRAD_CAM = Method(
    label={"en": "Grad-CAM", "ja": "Grad-CAM"},
    baseline="zero",
    resolution=None,
    resolutions=lambda model, size: [min(stages(model, size))],
    maps=_maps,
    needs_last_maps=True,
)

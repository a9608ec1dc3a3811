"""The CNN over a clip: ours against the plain way (timm's model as it comes, three copied channels, NCHW, fp32).

Also how near the plain way already comes to what this processor can multiply at most: no exact way can gain more.
"""

import tempfile
from pathlib import Path

import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.models import onnx_graph
from rtmri2speech.models.features import BATCH, FeatureExtractor
from rtmri2speech.models.precision import bf16_is_fast

from .material import frames, thesis_bundle
from .timing import best_seconds

COUNT = 64


def measure() -> dict:
    bundle = thesis_bundle()
    prepared = prepare_frames(frames(COUNT), 256)
    chunks = [prepared[k : k + BATCH] for k in range(0, COUNT, BATCH)]
    plain = timm.create_model("tf_efficientnetv2_b2", features_only=True, pretrained=False, in_chans=3).eval()
    state = bundle.acoustic.cnn.state_dict()
    stem = "conv_stem.weight"
    plain.load_state_dict(state | {stem: state[stem].expand(-1, 3, -1, -1) / 3})

    def plain_way():
        with torch.no_grad():
            return torch.cat(
                [plain(torch.from_numpy(c)[:, None].expand(-1, 3, -1, -1).contiguous())[-1] for c in chunks]
            )

    with tempfile.TemporaryDirectory() as scratch:
        onnx_graph.write_graph(Path(scratch) / onnx_graph.FILE, bundle.acoustic, 256)
        onnx = FeatureExtractor(bundle.acoustic, onnx=Path(scratch) / onnx_graph.FILE)
    eager = FeatureExtractor(bundle.acoustic)
    square = torch.rand(1024, 1024)
    contestants = {
        "plain": plain_way,
        "fp32": lambda: onnx(chunks, COUNT),
        "fp32 without ONNX Runtime": lambda: eager(chunks, COUNT),
        "matmul": lambda: square @ square,
    }
    if bf16_is_fast(bundle.device):
        bf16 = FeatureExtractor(bundle.acoustic, torch.bfloat16)
        contestants["bf16"] = lambda: bf16(chunks, COUNT)
    seconds = best_seconds(contestants)

    def mel(features):
        with torch.no_grad():
            return bundle.scaler.to_db(bundle.acoustic.mel_from_features(features[None])[0])

    truth = mel(plain_way().mean(dim=(2, 3)))
    flops = COUNT * _operations(bundle.acoustic, prepared[:1]) / seconds["plain"]
    most = 2 * len(square) ** 3 / seconds.pop("matmul")
    result = {
        "threads": torch.get_num_threads(),
        "engine": onnx.engine,
        "plain frames/s": COUNT / seconds["plain"],
        "plain way's share of a matrix product's speed (%)": 100 * flops / most,
    }
    for name in list(seconds)[1:]:
        difference = (mel(contestants[name]()[1]) - truth).abs()
        result |= {
            f"{name} frames/s": COUNT / seconds[name],
            f"{name} times the plain way's speed": seconds["plain"] / seconds[name],
            f"{name} largest difference of the mel (dB)": float(difference.max()),
            f"{name} mean difference of the mel (dB)": float(difference.mean()),
        }
    if "bf16" not in contestants:
        result["bf16"] = "not measured: this processor has no bf16 arithmetic"
    return result


def _operations(acoustic, frame) -> int:
    """Floating-point operations of the CNN on one frame."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        acoustic.feature_maps(torch.from_numpy(frame)[:, None])
    return counter.get_total_flops()

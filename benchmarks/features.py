"""The CNN over a clip: ours against the plain way (timm's model as it comes, three copied channels, NCHW, fp32)."""

import timm
import torch

from rtmri2speech.frames import prepare_frames
from rtmri2speech.models.features import BATCH, FeatureExtractor, bf16_is_fast

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

    exact = FeatureExtractor(bundle.acoustic)
    contestants = {"plain": plain_way, "fp32": lambda: exact(chunks, COUNT)}
    if bf16_is_fast(bundle.device):
        bf16 = FeatureExtractor(bundle.acoustic, torch.bfloat16)
        contestants["bf16"] = lambda: bf16(chunks, COUNT)
    seconds = best_seconds(contestants)

    def mel(features):
        with torch.no_grad():
            return bundle.scaler.to_db(bundle.acoustic.mel_from_features(features[None])[0])

    truth = mel(plain_way().mean(dim=(2, 3)))
    result = {"threads": torch.get_num_threads(), "plain frames/s": COUNT / seconds["plain"]}
    for name in list(contestants)[1:]:
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

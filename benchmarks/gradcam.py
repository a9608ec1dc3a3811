"""Grad-CAM of both bands for all frames, against the acoustic forward and against one backward pass per frame."""

import torch

from rtmri2speech.attribution.grad_cam import gradients, last_cams
from rtmri2speech.attribution.targets import band_energy
from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.models.features import BATCH, FeatureExtractor
from rtmri2speech.spec import DEFAULT_BANDS
from rtmri2speech.speech.mel import band_bins

from .material import frames, thesis_bundle
from .timing import best_seconds

LENGTHS = (100, 200, 400, 800)
SHARE_AT = 200


def measure() -> dict:
    bundle = thesis_bundle()
    targets = {band.name: band_energy(band_bins(bundle.mel, band)) for band in DEFAULT_BANDS}
    model, scaler = bundle.acoustic, bundle.scaler
    prepared = prepare_frames(frames(SHARE_AT), 256)
    extract = FeatureExtractor(bundle.acoustic)
    chunks = [prepared[k : k + BATCH] for k in range(0, SHARE_AT, BATCH)]
    maps = extract.last_maps(chunks, SHARE_AT)
    features = maps.mean(dim=(2, 3))

    def forward():
        with torch.no_grad():
            bundle.acoustic.mel_from_features(extract(chunks, SHARE_AT)[None])

    def cams(count):
        many_maps, many_features = (
            tensor.repeat(-(-count // SHARE_AT), *[1] * (tensor.dim() - 1))[:count] for tensor in (maps, features)
        )
        return lambda: last_cams(gradients(model, scaler, many_features, targets), many_maps)

    def one_backward_per_frame():
        for target in targets.values():
            g = features[: LENGTHS[0]].clone().requires_grad_(True)
            energies = target(scaler.to_db(model.mel_from_features(g[None])[0]))
            for t in range(len(g)):
                torch.autograd.grad(energies[t], g, retain_graph=True)

    seconds = best_seconds({"forward": forward} | {str(n): cams(n) for n in LENGTHS}, repeats=5)
    plain = best_seconds({"plain": one_backward_per_frame}, repeats=1)["plain"]
    per_frame = {n: seconds[str(n)] / n for n in LENGTHS}
    return {
        f"acoustic forward, T = {SHARE_AT} (s)": seconds["forward"],
        **{f"both bands, T = {n} (s)": seconds[str(n)] for n in LENGTHS},
        f"share of the forward's time, T = {SHARE_AT} (%)": 100 * seconds[str(SHARE_AT)] / seconds["forward"],
        "time per frame at T = 800 over T = 100": per_frame[800] / per_frame[100],
        f"one backward per frame through the BiLSTM, T = {LENGTHS[0]} (s)": plain,
        f"times its speed, T = {LENGTHS[0]}": plain / seconds[str(LENGTHS[0])],
    }

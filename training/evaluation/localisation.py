"""Where a bundle looks, against where a phantom's articulators are; and which regions it hears.

    python -m training.evaluation.localisation CLIPS --bundle BUNDLE [--json FILE]

CLIPS are phantom clips with their <id>.truth.npz beside them, best ones held out from training. Two tables:

Attention: the share of positive attention that falls on a region, against the region's share of the picture, per band,
over the frames with speech. The same after the weights were made random from the output backwards (cascading
randomisation; J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018): attention that stays the same
there was never learnt. A cell of the 8x8 map is a 64th of the picture: small regions blur into their neighbours. Frames
count by their heat, as on the page, where one scale holds for the whole clip; "frames alike" gives a frame that is
nearly cold the same say as a hot one.

Occlusion: how much the energy of a band changes (mean absolute change, dB) when a region is blurred beyond recognition.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from typer import Argument, Option

from rtmri2speech.attribution.grad_cam import gradients, last_cams
from rtmri2speech.attribution.targets import band_energy
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.frame_rate import retime
from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.models.acoustic import AcousticModel
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.features import BATCH, FeatureExtractor
from rtmri2speech.models.load import load_bundle
from rtmri2speech.spec import Band
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.mel import SPEECH_RANGE_DB, band_bins, mel_spectrogram_db, speech_frames

from ..engine.console import plain_errors
from ..preprocess.phantom_clips import find_phantoms, sound_of, truth_of
from ..preprocess.phantom_truth import ARTICULATORS, REGIONS, TRACT, read_truth

BANDS = (Band("F1", 300, 900), Band("F2", 900, 2500), Band("F3", 2500, 3500))
OCCLUDED = ("tongue", "lips", "velum", "jaw", "larynx", "airway", "brain", "spine")
ALIKE = "trained, frames alike"
_BLUR_SHARE = 0.08  # of the picture's width: nothing of a region's shape is left


@dataclass(frozen=True)
class Case:
    """A clip at the model's rate: frames uint8 (T, H, W), regions uint8 (T, H, W), indices of the speech frames."""

    name: str
    frames: np.ndarray
    regions: np.ndarray
    speech: np.ndarray


def read_case(path: Path, bundle: Bundle) -> Case:
    """A phantom clip with its truth. Raises InputError if it has no truth or no sound."""
    clip, truth = read_clip(path), truth_of(path)
    samples, rate = sound_of(path, clip)
    frames = retime(clip, bundle.fps)
    regions, _ = read_truth(truth, len(frames), bundle.fps)
    size = frames.shape[1:]
    regions = np.stack([cv2.resize(r, size[::-1], interpolation=cv2.INTER_NEAREST) for r in regions])
    mel_db = mel_spectrogram_db(torch.from_numpy(resample(samples, rate, bundle.mel.sample_rate)), bundle.mel).numpy()
    speech = speech_frames(mel_db, SPEECH_RANGE_DB)
    return Case(path.stem, frames, regions, speech[speech < len(frames)])


def features_of(bundle: Bundle, frames: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 (T, H, W) -> maps (T, C, h, w) and their means (T, C)."""
    chunks = (prepare_frames(frames[k : k + BATCH], bundle.frames.size) for k in range(0, len(frames), BATCH))
    maps = FeatureExtractor(bundle.acoustic).last_maps(chunks, len(frames))
    return maps, maps.mean(dim=(2, 3))


def band_levels(bundle: Bundle, features: torch.Tensor, bins: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Pooled features (T, C) -> band -> energy of the predicted mel, dB (T,)."""
    with torch.no_grad():
        mel = bundle.acoustic.mel_from_features(features[None])[0]
    return {name: band_energy(b)(bundle.scaler.to_db(mel)).numpy() for name, b in bins.items()}


def cells_of(regions: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (T, H, W) -> (T, regions, height, width), the share of each cell of the map that each region covers."""
    return np.stack(
        [
            [
                cv2.resize((picture == k).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
                for k in range(len(REGIONS))
            ]
            for picture in regions
        ]
    )


def region_shares(cam: np.ndarray, cells: np.ndarray, frames_alike: bool = False) -> np.ndarray:
    """Signed maps (T, h, w), cells (T, regions, h, w) -> (regions,) share of the positive attention of all frames.

    frames_alike: the mean of each frame's own shares; frames without any positive attention are left out.
    """
    positive = np.maximum(cam, 0)
    total = positive.sum(axis=(1, 2))
    seen = total > 0
    if not seen.any():
        return np.full(cells.shape[1], np.nan)
    heat = np.einsum("thw,trhw->tr", positive[seen], cells[seen])
    return (heat / total[seen, None]).mean(axis=0) if frames_alike else heat.sum(axis=0) / total.sum()


def randomised(model: AcousticModel, seed: int = 0) -> Iterator[tuple[str, AcousticModel]]:
    """The model with its weights drawn anew, from the output backwards: last layer, BiLSTM, the CNN in thirds."""
    model = copy.deepcopy(model)
    torch.manual_seed(seed)
    convolutions = [m for m in model.cnn.modules() if isinstance(m, torch.nn.Conv2d)]
    thirds = np.array_split(np.arange(len(convolutions)), 3)[::-1]
    stages: list[tuple[str, Sequence[torch.nn.Module]]] = [("output layer", [model.head]), ("BiLSTM", [model.rnn])]
    stages += [
        (f"{name} of the CNN", [convolutions[k] for k in third])
        for name, third in zip(("last third", "middle third", "first third"), thirds, strict=True)
    ]
    for name, modules in stages:
        for module in modules:
            module.reset_parameters()
        yield name, copy.deepcopy(model)


def attention_table(bundle: Bundle, cases: Sequence[Case], seed: int = 0) -> dict:
    """{"area": region -> share of the picture, "trained": band -> region -> share of attention, "random: ...": ...}.

    Over the speech frames of all cases. "articulators" sums tongue, lips, velum and jaw; "tract" also hard palate,
    pharynx wall, larynx and airway. "likeness" is the correlation of a band's maps with those of the trained weights,
    mean over frames. Of the trained weights there is also "trained, frames alike": see region_shares.
    """
    bins = {band.name: band_bins(bundle.mel, band) for band in BANDS}
    targets = {name: band_energy(b) for name, b in bins.items()}
    stages = [("trained", bundle.acoustic), *((f"random: {n}", m) for n, m in randomised(bundle.acoustic, seed))]
    rows = [ALIKE, *(name for name, _ in stages)]
    shares: dict = {name: {band: [] for band in bins} for name in rows}
    likeness: dict = {name: {band: [] for band in bins} for name in rows}
    areas = []
    for case in cases:
        first, cells = {}, None
        for name, model in stages:
            judged = copy.copy(bundle)
            judged.acoustic = model
            maps, features = features_of(judged, case.frames)
            if cells is None:
                cells = cells_of(case.regions[case.speech], *maps.shape[2:])
                areas.append(cells.mean(axis=(0, 2, 3)))
            cams = last_cams(gradients(model, bundle.scaler, features, targets), maps)
            for band, cam in cams.items():
                spoken = cam[case.speech]
                first.setdefault(band, spoken)
                shares[name][band].append(region_shares(spoken, cells))
                likeness[name][band].append(map_likeness(first[band], spoken))
                if name == "trained":
                    shares[ALIKE][band].append(region_shares(spoken, cells, frames_alike=True))
                    likeness[ALIKE][band].append(1.0)
    weights = [len(case.speech) for case in cases]
    table: dict = {"area": _named(np.average(areas, axis=0, weights=weights))}
    for name in shares:
        table[name] = {
            band: _named(np.average(values, axis=0, weights=weights))
            | {"likeness": float(np.average(likeness[name][band], weights=weights))}
            for band, values in shares[name].items()
        }
    return table


def map_likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over frames of the correlation between two sets of maps (T, h, w); 0 for one that is even."""
    a, b = (x.reshape(len(x), -1) - x.reshape(len(x), -1).mean(axis=1, keepdims=True) for x in (a, b))
    scale = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean(np.divide((a * b).sum(axis=1), scale, out=np.zeros(len(a)), where=scale > 0)))


def _named(shares: np.ndarray) -> dict[str, float]:
    named = {name: float(value) for name, value in zip(REGIONS, shares, strict=True)}
    sums = {"articulators": ARTICULATORS, "tract": TRACT}
    return {title: sum(named[name] for name in members) for title, members in sums.items()} | named


def occluded(frames: np.ndarray, regions: np.ndarray, name: str) -> np.ndarray:
    """uint8 (T, H, W) with one region, wherever it is in each frame, blurred beyond recognition."""
    deviation = _BLUR_SHARE * frames.shape[2]
    grow = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    out = frames.copy()
    for picture, region in zip(out, regions, strict=True):
        inside = cv2.dilate((region == REGIONS.index(name)).astype(np.uint8), grow) > 0
        picture[inside] = cv2.GaussianBlur(picture, (0, 0), deviation)[inside]
    return out


def occlusion_table(bundle: Bundle, cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """region -> {band: mean absolute change of its energy, dB, over speech frames; "area": share of the picture}."""
    bins = {band.name: band_bins(bundle.mel, band) for band in BANDS}
    before = [band_levels(bundle, features_of(bundle, case.frames)[1], bins) for case in cases]
    table = {}
    for name in OCCLUDED:
        changes: dict[str, list] = {band: [] for band in bins}
        area = []
        for case, levels in zip(cases, before, strict=True):
            hidden = occluded(case.frames, case.regions, name)
            after = band_levels(bundle, features_of(bundle, hidden)[1], bins)
            for band in bins:
                changes[band].append(np.abs(after[band] - levels[band])[case.speech])
            area.append((case.regions[case.speech] == REGIONS.index(name)).mean(axis=(1, 2)))
        table[name] = {band: float(np.concatenate(c).mean()) for band, c in changes.items()}
        table[name]["area"] = float(np.concatenate(area).mean())
    return table


def _print(table: dict, occlusion: dict) -> None:
    area = table["area"]
    columns = ("articulators", "tract", *ARTICULATORS, "larynx", "pharynx_wall", "brain", "spine", "outside")
    print(f"{'share of the picture':<36}" + "".join(f"{c:>14}" for c in columns))
    print(f"{'':<36}" + "".join(f"{100 * area[c]:>13.1f}%" for c in columns))
    print("\nshare of the positive attention")
    for name, bands in table.items():
        if name != "area":
            for band, shares in bands.items():
                values = "".join(f"{100 * shares[c]:>13.1f}%" for c in columns)
                print(f"{name + ', ' + band:<36}{values}  likeness {shares['likeness']:.2f}")
    print("\nmean absolute change of a band's energy when a region is blurred, dB")
    for region, values in occlusion.items():
        print(f"{region:<36}" + "".join(f"{band.name} {values[band.name]:>6.2f}   " for band in BANDS))


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(help="Phantom clips or folders of them, with <id>.truth.npz beside.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
    json_out: Annotated[Path | None, Option("--json", help="Also write the tables to this file.")] = None,
    seed: Annotated[int, Option("--seed", help="Of the random weights.")] = 0,
) -> None:
    """Where a bundle looks on phantoms, whose anatomy is known, and which regions its bands depend on."""
    refuse_overwriting_inputs([json_out], [*clips, bundle])
    judged = load_bundle(bundle) if bundle else load_bundle()
    cases = [read_case(path, judged) for path in find_phantoms(clips)]
    table, occlusion = attention_table(judged, cases, seed), occlusion_table(judged, cases)
    _print(table, occlusion)
    if json_out:
        content = {"clips": [case.name for case in cases], "attention": table, "occlusion_db": occlusion}
        write_json(json_out, content)


if __name__ == "__main__":
    typer.run(main)

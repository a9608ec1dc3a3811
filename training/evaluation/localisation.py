"""Localisation on phantoms, whose anatomy is known: attribution by region, and occlusion of each region.

    python -m training.evaluation.localisation CLIPS --bundle BUNDLE [--json FILE]

CLIPS are phantom clips with their <id>.truth.npz beside them, best ones held out from training. Two tables, over the
frames with speech:

Attribution: the share of the positive attribution on each region (rtmri2speech.analysis.region_attribution) beside the
region's share of the picture, per band. The same with weights shuffled from the output backwards (model randomisation
test, rtmri2speech.evaluation.faithfulness): attribution that stays the same was never learnt. "likeness" is the mean
rank correlation of a frame's map with that of the trained weights. Frames count by their attribution, as on the page;
in "trained, frames alike" each counts the same.

Occlusion: the mean absolute change of a band's energy, dB, when a region is heavily blurred in every frame.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from typer import Argument, Option

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.region_attribution import ELSEWHERE, RegionMasks, attribute_to_regions
from rtmri2speech.analysis.result import Analysis
from rtmri2speech.anatomy.regions import Regions
from rtmri2speech.anatomy.sources import regions_of
from rtmri2speech.attribution.band_targets import band_energies
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.preprocessing import blurred
from rtmri2speech.evaluation.faithfulness.perturbation import ModelInput
from rtmri2speech.evaluation.faithfulness.randomisation import randomised_models
from rtmri2speech.evaluation.faithfulness.rank_correlation import rank_correlation
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.features import BATCH
from rtmri2speech.models.load import load_bundle
from rtmri2speech.spec import Band
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.mel import SPEECH_RANGE_DB, mel_spectrogram_db, speech_frames

from ..engine.console import plain_errors
from ..preprocess.phantom_clips import find_phantoms, sound_of
from ..preprocess.phantom_truth import ARTICULATORS, TRACT

BANDS = (Band("F1", 300, 900), Band("F2", 900, 2500), Band("F3", 2500, 3500))
OCCLUDED = ("tongue", "lips", "velum", "jaw", "larynx", "airway", "brain", "spine")
ALIKE = "trained, frames alike"


@dataclass(frozen=True)
class Case:
    """A phantom clip, analysed: its true regions, and the indices of the frames in which its own sound is speech."""

    analysis: Analysis
    regions: Regions
    speech: np.ndarray


def read_case(path: Path, bundle: Bundle) -> Case:
    """Raises InputError if the clip has no truth or no sound."""
    clip = read_clip(path)
    analysis = analyse(bundle, clip, bands=BANDS, silence="show", speak=False)
    regions = regions_of(analysis.model_frames, analysis.fps, path, "truth")
    samples = resample(*sound_of(path, clip), bundle.mel.sample_rate)
    speech = speech_frames(mel_spectrogram_db(torch.from_numpy(samples), bundle.mel).numpy(), SPEECH_RANGE_DB)
    return Case(analysis, regions, speech[speech < len(analysis.mel_db)])


def attribution_table(bundle: Bundle, cases: Sequence[Case], seed: int = 0) -> dict:
    """{"area": region -> share of the picture, "trained": band -> region -> share; "random: ...": as trained}.

    "articulators" sums tongue, lips, velum and jaw; "tract" also hard palate, pharynx wall, larynx and airway. NaN
    where a map has no positive attribution.
    """
    weights = [len(case.speech) for case in cases]
    rows: dict = defaultdict(lambda: defaultdict(list))
    for stage, model in chain([("", bundle.acoustic)], randomised_models(bundle.acoustic, seed)):
        judged = replace(bundle, acoustic=model, folder=None)
        for case in cases:
            trained, masks = case.analysis, RegionMasks(case.regions)
            made = analyse(judged, trained.clip, settings=trained.settings, speak=False) if stage else trained
            found = attribute_to_regions(made, masks)
            if not stage:
                rows["area"][""].append({name: area[case.speech].mean() for name, area in found.areas.items()})
            for band, shares in found.bands.items():
                pairs = zip(trained.cam[band][case.speech], made.cam[band][case.speech], strict=True)
                likeness = {"likeness": np.mean([rank_correlation(a, b) or 0.0 for a, b in pairs])}
                title = f"random: {stage}" if stage else "trained"
                rows[title][band].append(shares.mean_shares(case.speech) | likeness)
                if not stage:
                    alike = {name: np.nanmean(share[case.speech]) for name, share in shares.shares.items()}
                    rows[ALIKE][band].append(alike | likeness)
    table = {title: {band: _mean(one, weights) for band, one in bands.items()} for title, bands in rows.items()}
    return table | {"area": table["area"][""]}


def _mean(rows: Sequence[Mapping[str, float | None]], weights: Sequence[int]) -> dict[str, float]:
    """Of the cases, by their speech frames; with the sums of some regions where there are shares of regions."""
    values = np.array([list(row.values()) for row in rows], float)
    mean = dict(zip(rows[0], np.average(values, axis=0, weights=weights).tolist(), strict=True))
    sums = {"articulators": ARTICULATORS, "tract": TRACT} if ELSEWHERE in mean else {}
    return {title: sum(mean[name] for name in members) for title, members in sums.items()} | mean


def occluded(pictures: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """float32 (T, size, size), a region bool (T, H, W): the region, with a margin, is heavily blurred in each frame."""
    size, ellipse = pictures.shape[1:], cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    inside = [cv2.resize(m.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) for m in mask]
    return np.where(np.stack([cv2.dilate(m, ellipse) > 0 for m in inside]), blurred(pictures), pictures)


def occlusion_table(bundle: Bundle, cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """region -> {band: mean absolute change of its energy, dB, over speech frames; "area": share of the picture}."""
    rows: dict[str, list[dict]] = {name: [] for name in OCCLUDED}
    for case in cases:
        model = ModelInput(bundle, case.analysis)
        pictures = model.prepared(slice(None))
        for name in OCCLUDED:
            hidden = occluded(pictures, case.regions.mask(name))
            features = model.pooled(hidden[k : k + BATCH] for k in range(0, len(hidden), BATCH))
            with torch.no_grad():
                mel_db = bundle.scaler.to_db(bundle.acoustic.mel_from_features(features[None])[0])
            after, before = band_energies(bundle.mel, mel_db, BANDS, {}), case.analysis.band_db
            change = {band: float(np.abs(after[band] - before[band])[case.speech].mean()) for band in after}
            rows[name].append(change | {"area": float(case.regions.area(name)[case.speech].mean())})
    return {name: _mean(row, [len(case.speech) for case in cases]) for name, row in rows.items()}


def _print(table: dict, occlusion: dict) -> None:
    columns = ("articulators", "tract", *ARTICULATORS, "larynx", "pharynx_wall", "brain", "spine", ELSEWHERE)
    cells = lambda shares: "".join(f"{100 * shares[c]:>13.1f}%" for c in columns)  # noqa: E731
    print(f"{'share of the picture':<36}" + "".join(f"{c:>14}" for c in columns))
    print(f"{'':<36}{cells(table['area'])}\n\nshare of the positive attribution")
    for name, bands in table.items():
        for band, shares in bands.items() if name != "area" else ():
            print(f"{name + ', ' + band:<36}{cells(shares)}  likeness {shares['likeness']:.2f}")
    print("\nmean absolute change of a band's energy when a region is blurred, dB")
    for region, values in occlusion.items():
        print(f"{region:<36}" + "".join(f"{band.name} {values[band.name]:>6.2f}   " for band in BANDS))


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(help="Phantom clips or folders of them, with <id>.truth.npz beside.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
    json_out: Annotated[Path | None, Option("--json", help="Also write the tables to this file.")] = None,
    seed: Annotated[int, Option("--seed", help="Of the shuffled weights.")] = 0,
) -> None:
    """Attribution by region on phantoms, whose anatomy is known, and the effect of occluding each region."""
    refuse_overwriting_inputs([json_out], [*clips, bundle])
    judged, paths = load_bundle(bundle), find_phantoms(clips)
    cases = [read_case(path, judged) for path in paths]
    table, occlusion = attribution_table(judged, cases, seed), occlusion_table(judged, cases)
    _print(table, occlusion)
    if json_out:
        write_json(json_out, {"clips": [p.stem for p in paths], "attention": table, "occlusion_db": occlusion})


if __name__ == "__main__":
    typer.run(main)

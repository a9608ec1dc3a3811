"""A scanner that the segmenter fails on, or not: what tuning to a few corrected frames of one phantom gains.

    python -m benchmarks.segmenter_tuning

Frames of "a i u e o" of one speaker are corrected by their true labels. Mean Dice coefficient of the moving regions in
the clip's frames two or more away from these, and in two other clips of that scanner.
"""

from dataclasses import replace

import numpy as np

from rtmri2speech.anatomy.regions import Correction, Regions
from rtmri2speech.anatomy.segmenter import segment_regions
from rtmri2speech.anatomy.segmenter_bundle import SegmenterBundle, load_segmenter
from rtmri2speech.anatomy.sources import regions_from_truth
from rtmri2speech.anatomy.tuning import mean_dice, tune_segmenter
from rtmri2speech.assets import ASSETS
from rtmri2speech.clips.clip import read_clip
from training.evaluation.domain_shift import coarse_and_noisy, surface_coil

CLIPS = ("aiueo_known_speaker", "sakura_known_speaker", "mite_kudasai_known_speaker")  # the first is corrected
FRAMES = (6, 12)


def inverted(frames: np.ndarray) -> np.ndarray:
    """Tissue dark where it was bright; air stays dark."""
    return np.where(frames > 18, np.clip(210 - 0.75 * frames.astype(float), 0, 255), frames).astype(np.uint8)


SCANNERS = {
    "inverted contrast": inverted,
    "coarse and noisy, surface coil": lambda frames: surface_coil(coarse_and_noisy(frames)),
}


def read(name: str) -> tuple[np.ndarray, Regions]:
    file = ASSETS / "clips" / f"{name}.mp4"
    clip = read_clip(file)
    return clip.frames, regions_from_truth(file.with_suffix(".truth.npz"), len(clip.frames), clip.fps, (256, 256))


def scored(segmenter: SegmenterBundle, frames: np.ndarray, truth: Regions, at: np.ndarray | None = None) -> float:
    found, chosen = segment_regions(frames, truth.fps, segmenter).labels, slice(None) if at is None else at
    return mean_dice(found[chosen], truth.labels[chosen])


def main() -> None:
    embedded, read_clips = load_segmenter(), [read(name) for name in CLIPS]
    print("| pictures | corrected frames | other frames | " + " | ".join(CLIPS[1:]) + " |\n|---|---|---|---|---|")
    for name, change in SCANNERS.items():
        clips = [(change(frames), truth) for frames, truth in read_clips]
        frames, truth = clips[0]
        for count in FRAMES:
            chosen = np.linspace(2, len(frames) - 3, count).round().astype(int)
            by_hand = tuple(
                Correction("taken_from", {"source": int(t), "frames": [int(t), int(t)], "region": None}) for t in chosen
            )
            made = tune_segmenter(embedded, frames, replace(truth, corrections=by_hand))
            away = np.array([t for t in range(len(frames)) if np.abs(chosen - t).min() >= 2])
            cells = [
                " -> ".join(f"{scored(one, *clip, at):.3f}" for one in (embedded, made.segmenter))
                for clip, at in zip(clips, (away, None, None), strict=True)
            ]
            print(f"| {name} | {count} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

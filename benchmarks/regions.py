"""The regions and the fine maps of a clip of 10 s, beside its analysis with the embedded bundle: what they add."""

import numpy as np
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.anatomy.articulation import articulation
from rtmri2speech.anatomy.segmenter import segment_regions
from rtmri2speech.anatomy.segmenter_bundle import load_segmenter
from rtmri2speech.assets import ASSETS
from rtmri2speech.clips.clip import Clip, read_clip
from rtmri2speech.models.load import load_bundle

from .timing import best_seconds

SECONDS = 10


def measure() -> dict:
    bundle, segmenter = load_bundle(), load_segmenter()
    short = read_clip(next(iter(sorted((ASSETS / "clips").glob("*.mp4")))))
    count = round(SECONDS * short.fps)
    frames = np.resize(short.frames, (count, *short.frames.shape[1:]))
    clip = Clip(frames, np.arange(count + 1) / short.fps)
    regions = segment_regions(frames, short.fps, segmenter)
    seconds = best_seconds(
        {
            "analysis": lambda: analyse(bundle, clip),
            "fine": lambda: analyse(bundle, clip, method="layer-ig"),
            "regions": lambda: segment_regions(frames, short.fps, segmenter),
            "articulation": lambda: articulation(regions),
        },
        repeats=3,
    )
    whole, fine, added = seconds["analysis"], seconds["fine"], seconds["regions"]
    return {
        "threads": torch.get_num_threads(),
        "frames": count,
        "analysis (s)": whole,
        "analysis with fine maps, as on the page (s)": fine,
        "regions (s)": seconds["regions"],
        "articulation in numbers (s)": seconds["articulation"],
        "analysis with regions, times the analysis alone": (whole + added) / whole,
        "the same with fine maps": (fine + added) / fine,
        "fine maps and regions, times the analysis alone with coarse maps": (fine + added) / whole,
    }

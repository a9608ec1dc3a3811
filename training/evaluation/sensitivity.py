"""Attribution against acoustics, on phantoms, whose area functions are known.

    python -m training.evaluation.sensitivity CLIPS [--bundle BUNDLE] [--maps layer-ig:32,grad-cam] [--json FILE]

CLIPS are phantom clips with their <id>.truth.npz beside them, best ones held out from training. In every oral, voiced
frame of a vowel: Spearman's rank correlation, over 40 equal stretches of the tract, of a band's signed attribution with
the band's true sensitivity to the stretch (rtmri2speech.analysis.tract_sensitivity says what both are and why signs are
compared), and of their sizes. Beside it, in the same frames: maps of the same model with all weights shuffled (the end
of the cascade of rtmri2speech.evaluation.faithfulness.randomisation; mean of DRAWS), an edge detector (Sobel) on the
picture at the maps' resolution, and the map against the mean sensitivity of the other vowels, which tells whether it
follows the vowel or the tract alone. Intervals: 95 %, bootstrap over blocks of neighbouring frames.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from typer import Argument, Option

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.result import Analysis
from rtmri2speech.analysis.tract_sensitivity import comparable, read_tract
from rtmri2speech.attribution.methods import parse_method
from rtmri2speech.clips.clip import Clip, read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.faithfulness.randomisation import randomised_models
from rtmri2speech.evaluation.faithfulness.rank_correlation import rank_correlation
from rtmri2speech.evaluation.faithfulness.report import BLOCK_FRAMES
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.load import load_bundle

from ..engine.console import plain_errors
from ..preprocess.phantom_clips import find_phantoms, truth_of
from .vowels import VOWELS

DRAWS = 3
ALL = "all"
_RESAMPLINGS = 1000
COLUMNS = ("map", "random weights", "edges", "other vowels", "map, size", "random, size", "edges, size")


@dataclass(frozen=True)
class Frame:
    """A band in a frame of a clip: signed sensitivity and the attribution of each of COLUMNS' first three, (draws,
    STRETCHES), glottis first."""

    maps: str
    band: str
    vowel: str
    block: tuple[str, int]
    sensitivity: np.ndarray
    found: dict[str, np.ndarray]


def vowel_of_frames(truth: Path, count: int, fps: float) -> list[str | None]:
    """The vowel that is said in the middle of each frame."""
    with np.load(truth, allow_pickle=False) as data:
        phones = list(zip(data["phones"], data["phone_start_s"], data["phone_end_s"], strict=True))
    said = lambda at: next((str(name).rstrip(":") for name, start, end in phones if start <= at < end), None)  # noqa: E731
    names = [said((k + 0.5) / fps) for k in range(count)]
    return [name if name in VOWELS else None for name in names]


def frames_of(bundle: Bundle, path: Path, maps: Sequence[str], draws: int = DRAWS) -> Iterator[Frame]:
    """The vowels' frames of a clip, for each kind of map. Raises InputError if it has no truth."""
    truth, clip = truth_of(path), read_clip(path)
    tract = None
    for kind in maps:
        method, resolution = parse_method(kind)
        made = analyse(bundle, clip, method=method, resolution=resolution, silence="show", speak=False)
        tract = tract or read_tract(truth, made)
        sensitivity = tract.sensitivity(bundle.mel, made.bands)
        random = [_with_random_weights(bundle, clip, made, seed) for seed in range(draws)]
        edges = tract.attribution(edge_maps(made.frames, made.grid or 1))[None]
        vowels = vowel_of_frames(truth, len(made.mel_db), made.fps)
        for band in comparable(made):
            found = {
                "map": tract.attribution(made.cam[band.name])[None],
                "random weights": np.stack([tract.attribution(cam[band.name]) for cam in random]),
                "edges": edges,
            }
            for t in np.flatnonzero(tract.known & np.array([v is not None for v in vowels])):
                here = {name: values[:, t] for name, values in found.items()}
                block = (path.stem, int(t) // BLOCK_FRAMES)
                yield Frame(kind, band.name, vowels[t] or "", block, sensitivity[band.name][t], here)


def _with_random_weights(bundle: Bundle, clip: Clip, made: Analysis, seed: int) -> dict[str, np.ndarray]:
    """The CAMs of the same model with all weights shuffled."""
    *_, (_, model) = randomised_models(bundle.acoustic, seed)
    return analyse(replace(bundle, acoustic=model, folder=None), clip, settings=made.settings, speak=False).cam


def edge_maps(frames: np.ndarray, cells: int) -> np.ndarray:
    """Strength of the edges in frames float32 (T, size, size), Sobel, as maps (T, cells, cells)."""
    slopes = (np.hypot(cv2.Sobel(f, cv2.CV_32F, 1, 0), cv2.Sobel(f, cv2.CV_32F, 0, 1)) for f in frames)
    return np.stack([cv2.resize(slope, (cells, cells), interpolation=cv2.INTER_AREA) for slope in slopes])


def correlations(frames: Sequence[Frame]) -> np.ndarray:
    """(frames, COLUMNS) rank correlations; NaN where not defined. frames: of one band and kind of map."""
    means = {v: np.mean([f.sensitivity for f in frames if f.vowel == v], axis=0) for v in {f.vowel for f in frames}}
    plain = lambda x: x  # noqa: E731
    rows = []
    for frame in frames:
        others = [rank_correlation(frame.found["map"][0], mean) for v, mean in means.items() if v != frame.vowel]
        signed, sizes = (
            [_mean(rank_correlation(of(one), of(frame.sensitivity)) for one in draws) for draws in frame.found.values()]
            for of in (plain, np.abs)
        )
        rows.append([*signed, _mean(others), *sizes])
    return np.array(rows, float)


def _mean(values) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else np.nan


def interval(values: np.ndarray, blocks: Sequence[tuple[str, int]], seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean of values (frames,), bootstrap over blocks of frames."""
    groups: dict[tuple[str, int], list[float]] = {}
    for value, block in zip(values, blocks, strict=True):
        groups.setdefault(block, []).append(value)
    sums, counts = (np.array([of(group) for group in groups.values()], float) for of in (np.nansum, len))
    drawn = np.random.default_rng(seed).integers(len(sums), size=(_RESAMPLINGS, len(sums)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)


def summary(frames: Sequence[Frame]) -> list[dict]:
    """A row for each kind of map, band and vowel, and for all vowels: frames, means of COLUMNS, interval of "map"."""
    rows = []
    for kind, band in dict.fromkeys((f.maps, f.band) for f in frames):
        here = [f for f in frames if (f.maps, f.band) == (kind, band)]
        values = correlations(here)
        for vowel in (*VOWELS, ALL):
            chosen = [k for k, f in enumerate(here) if vowel in (f.vowel, ALL)]
            if not chosen:
                continue
            means = dict(zip(COLUMNS, np.nanmean(values[chosen], axis=0).tolist(), strict=True))
            title = {"maps": kind, "band": band, "vowel": vowel, "frames": len(chosen)}
            rows.append(title | means | {"interval": interval(values[chosen, 0], [here[k].block for k in chosen])})
    return rows


def table(rows: Sequence[dict]) -> str:
    """The summary as Markdown."""
    lines = [
        "| maps | band | vowel | frames | map (95 %) | " + " | ".join(COLUMNS[1:]) + " |",
        "|---|---|---|---|---|" + "---|" * len(COLUMNS[1:]),
    ]
    for row in rows:
        low, high = row["interval"]
        cells = [f"{row['map']:.2f} ({low:.2f} to {high:.2f})", *(f"{row[name]:.2f}" for name in COLUMNS[1:])]
        lines.append("| " + " | ".join([row["maps"], row["band"], row["vowel"], str(row["frames"]), *cells]) + " |")
    return "\n".join(lines)


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(help="Phantom clips or folders of them, with <id>.truth.npz beside.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
    maps: Annotated[str, Option("--maps", help="METHOD or METHOD:CELLS, parted by commas.")] = "layer-ig",
    json_out: Annotated[Path | None, Option("--json", help="Also write the table to this file.")] = None,
) -> None:
    """Rank correlation of a band's attribution along the tract with its true acoustic sensitivity."""
    refuse_overwriting_inputs([json_out], [*clips, bundle])
    loaded, paths = load_bundle(bundle), find_phantoms(clips)
    frames = [frame for path in paths for frame in frames_of(loaded, path, maps.split(","))]
    if not frames:
        raise InputError("No clip has a voiced, oral vowel whose vocal tract is seen.")
    rows = summary(frames)
    print(f"{len(paths)} clips. Rank correlation of signed values, and of sizes:\n\n{table(rows)}")
    if json_out:
        write_json(json_out, {"clips": [path.stem for path in paths], "rows": rows})


if __name__ == "__main__":
    typer.run(main)

"""How well a segmenter finds the regions of phantoms it has never seen, and of the same as other scanners show them.

    python -m training.evaluation.regions CORPUS [--segmenter FOLDER] [--json FILE]

CORPUS is a folder of training.phantom: clips, truth, and corpus.json, which knows the size of a pixel. Each clip is
shown as it is and in training.evaluation.domain_shift's variants; where a variant moves or bends the picture, so is its
truth. For each: Dice of every region over all frames, the mean distance between the true outline of the tongue and the
one found (mm, both ways), and for every measure of articulation its correlation, within clips, with the same measure
taken from the true labels. Last, for the clips as they are, correlations with VocalTractLab's input.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from typer import Argument, Option

from rtmri2speech.anatomy.articulation import articulation
from rtmri2speech.anatomy.outlines import outline
from rtmri2speech.anatomy.regions import NAMES, REST, SIZE, Regions
from rtmri2speech.anatomy.segmenter import segment_regions
from rtmri2speech.anatomy.segmenter_bundle import SegmenterBundle, load_segmenter
from rtmri2speech.anatomy.sources import regions_from_truth
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.phantom_truth import truth_beside
from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs, write_json

from ..engine.console import plain_errors
from ..preprocess.phantom_clips import find_phantoms
from .domain_shift import VARIANTS

MEASURES = (
    "lip_aperture", "lip_protrusion", "tongue_palate", "tongue_velum", "tongue_pharynx", "velum_opening", "jaw_height",
    "larynx_height", "constriction", "constriction_place", "tract_length",
)  # fmt: skip
# What VocalTractLab moved, beside the measure that should show it: a tract parameter, or an array of the truth.
CAUSES = {
    "lip_aperture": "LD", "lip_protrusion": "LP", "velum_opening": "velum_cm2", "jaw_height": "JA",
    "larynx_height": "HY", "tract_length": "length_cm",
}  # fmt: skip
_STILL = 0.5  # px: a measure that hardly moves in a clip has no correlation worth the name


def picture_of(change: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each pixel of a changed picture comes from: rows, columns int (256, 256), and whether from anywhere."""
    down, across = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    moved = change(np.stack([down, across, np.full_like(down, 255)]))
    inside = moved[2] > 254
    if moved.dtype != np.float32 or not (np.abs(moved[:2, inside] - np.stack([down, across])[:, inside]) > 0.5).any():
        return (
            down.astype(int),
            across.astype(int),
            np.ones((SIZE, SIZE), bool),
        )  # the appearance changes, places do not
    rows, columns = (np.clip(np.rint(m), 0, SIZE - 1).astype(int) for m in moved[:2])
    return rows, columns, inside


def changed_truth(truth: Regions, change: Callable[[np.ndarray], np.ndarray]) -> tuple[Regions, float]:
    """The truth of a changed picture, and how many times as large it shows things."""
    rows, columns, inside = picture_of(change)
    labels = np.where(inside, truth.labels[:, rows, columns], REST).astype(np.uint8)
    if not inside.all() or (rows[:, 0] != np.arange(SIZE)).any():
        both = inside[1:, 1:] & inside[:-1, 1:] & inside[1:, :-1]
        gy = np.stack([np.diff(rows, axis=0)[:, 1:], np.diff(columns, axis=0)[:, 1:]])
        gx = np.stack([np.diff(rows, axis=1)[1:], np.diff(columns, axis=1)[1:]])
        area = np.mean((gy[0] * gx[1] - gy[1] * gx[0])[both])
        return replace(truth, labels=labels), float(1 / np.sqrt(abs(area)))
    return replace(truth, labels=labels), 1.0


def dice(found: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Region -> Dice over all frames (L. Dice, Ecology 26 (1945) 297); a region that is nowhere is left out."""
    scores = {}
    for k, name in enumerate(NAMES[1:], 1):
        a, b = found == k, true == k
        if b.any():
            scores[name] = float(2 * (a & b).sum() / (a.sum() + b.sum()))
    lips = [NAMES.index(name) for name in ("lower_lip", "upper_lip")]
    a, b = np.isin(found, lips), np.isin(true, lips)
    if b.any():
        scores["lips"] = float(2 * (a & b).sum() / (a.sum() + b.sum()))
    return scores


def outline_distance(found: np.ndarray, true: np.ndarray) -> float:
    """Mean distance in pixels between two masks' (H, W) outlines, both ways; NaN where one is empty."""
    borders = [outline(mask, tolerance=0.0) for mask in (found, true)]
    if not all(borders):
        return np.nan
    a, b = (np.concatenate(parts) for parts in borders)
    apart = np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))
    return float((apart.min(axis=0).mean() + apart.min(axis=1).mean()) / 2)


def correlation(found: np.ndarray, true: np.ndarray) -> float:
    """Pearson's over the frames where both are; NaN where the truth hardly moves."""
    known = np.isfinite(found) & np.isfinite(true)
    if known.sum() < 10 or np.std(found[known]) == 0 or np.std(true[known]) == 0:
        return np.nan
    return float(np.corrcoef(found[known], true[known])[0, 1])


def judge_clip(
    frames: np.ndarray, truth: Regions, segmenter: SegmenterBundle, pixel_mm: float, change: Callable
) -> dict[str, dict[str, float] | float]:
    """One clip in one variant. frames: uint8 (T, 256, 256), of the same times as the truth."""
    true, larger = changed_truth(truth, change)
    found = segment_regions(change(frames), truth.fps, segmenter)
    tongue = NAMES.index("tongue")
    apart = [outline_distance(a == tongue, b == tongue) for a, b in zip(found.labels, true.labels, strict=True)]
    measured, wanted = articulation(found), articulation(true)
    pairs = {name: (getattr(measured, name), getattr(wanted, name)) for name in MEASURES}
    correlations = {
        name: correlation(a, b) for name, (a, b) in pairs.items() if name.endswith("place") or np.nanstd(b) > _STILL
    }
    across = [
        correlation(a, b)
        for a, b in zip(measured.cross_distances.T, wanted.cross_distances.T, strict=True)
        if np.nanstd(b) > _STILL
    ]
    correlations["cross_distances"] = float(np.nanmean(across)) if across else np.nan
    return {
        "dice": dice(found.labels, true.labels),
        "tongue_mm": float(np.nanmean(apart)) * pixel_mm / larger,
        "correlation": correlations,
        "plain": {name: getattr(measured, name) for name in CAUSES},
    }


def judge(folder: Path, segmenter: SegmenterBundle, every: int = 1) -> dict:
    """variant -> {"dice", "tongue_mm", "correlation"}, means over the clips; and "causes" of the clips as they are."""
    sizes = pixel_sizes(folder)
    rows: dict[str, list[dict]] = {name: [] for name in VARIANTS}
    causes: dict[str, list[float]] = {name: [] for name in CAUSES}
    for path in find_phantoms([folder]):
        clip = read_clip(path)
        frames = clip.frames[::every]
        truth = regions_from_truth(truth_beside(path), len(clip.frames), clip.fps, frames.shape[1:])
        truth = replace(truth.at(np.arange(0, len(clip.frames), every)), fps=clip.fps / every)
        for variant, change in VARIANTS.items():
            made = judge_clip(frames, truth, segmenter, sizes[path.stem.split("_")[0]], change)
            rows[variant].append(made)
            if variant == "as it is":
                for name, known in _known(truth_beside(path), every).items():
                    causes[name].append(correlation(made["plain"][name], known[: len(frames)]))
        print(f"{path.stem}: tongue {made['dice'].get('tongue', 0):.3f} ({variant})", flush=True)
    table = {
        variant: {
            "dice": _means([row["dice"] for row in made]),
            "tongue_mm": float(np.mean([row["tongue_mm"] for row in made])),
            "correlation": _means([row["correlation"] for row in made]),
        }
        for variant, made in rows.items()
    }
    return {
        "clips": len(rows["as it is"]),
        "segmenter": segmenter.name,
        "variants": table,
        "causes": {name: float(np.nanmean(values)) for name, values in causes.items()},
    }


def pixel_sizes(folder: Path) -> dict[str, float]:
    """Speaker -> mm of a pixel of the 256 px picture, from the corpus' own description."""
    try:
        speakers = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))["speakers"]
        return {name: 10 * float(s["field_of_view_cm"]) / SIZE for name, s in speakers.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "{folder} is not a corpus of training.phantom ({reason}).", folder=folder, reason=error
        ) from None


def _known(path: Path, every: int) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as data:
        names = [str(name) for name in data["tract_names"]]
        tract = {name: data["tract"][:, names.index(name)] for name in ("LD", "LP", "JA", "HY")}
        known = tract | {
            "velum_cm2": np.sqrt(np.maximum(data["velum_cm2"], 0)),
            "length_cm": data["length_cm"].sum(axis=1),
        }
    return {measure: known[cause][::every] for measure, cause in CAUSES.items()}


def _means(rows: list[dict[str, float]]) -> dict[str, float]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: float(np.nanmean([row.get(name, np.nan) for row in rows])) for name in names}


def tables(figures: dict) -> str:
    """The figures as Markdown: Dice and outline, then correlations, a column for each variant."""
    variants = figures["variants"]
    head = "| | " + " | ".join(variants) + " |\n|---|" + "---|" * len(variants)
    lines = [f"Dice, {figures['clips']} clips:", "", head]
    shown = [*NAMES[1:4], "lips", *NAMES[4:]]
    for name in shown:
        lines.append(_row(name.replace("_", " "), [v["dice"].get(name) for v in variants.values()]))
    lines.append(_row("tongue's outline, mm", [v["tongue_mm"] for v in variants.values()], 2))
    lines += ["", "Correlation of each measure with the same taken from the true labels:", "", head]
    for name in (*MEASURES, "cross_distances"):
        lines.append(_row(name.replace("_", " "), [v["correlation"].get(name) for v in variants.values()], 2))
    told = ", ".join(f"{n.replace('_', ' ')} {figures['causes'][n]:.2f} ({c})" for n, c in CAUSES.items())
    return "\n".join([*lines, "", f"As it is, correlation with what VocalTractLab moved: {told}.", ""])


def _row(name: str, values: list[float | None], digits: int = 3) -> str:
    told = ["" if v is None or not np.isfinite(v) else f"{v:.{digits}f}" for v in values]
    return f"| {name} | " + " | ".join(told) + " |"


@plain_errors()
def main(
    corpus: Annotated[Path, Argument(metavar="CORPUS", help="A folder of training.phantom, of speakers never seen.")],
    segmenter: Annotated[Path | None, Option("--segmenter", help="Default: the embedded one.")] = None,
    every: Annotated[int, Option("--every", min=1, help="Take every n-th frame.")] = 1,
    json_out: Annotated[Path | None, Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Dice, outline distance and articulation of a segmenter on phantoms it has never seen."""
    refuse_overwriting_inputs([json_out], [corpus, segmenter])
    cv2.setNumThreads(1)
    figures = judge(corpus, load_segmenter(segmenter), every)
    print(tables(figures))
    if json_out:
        write_json(json_out, figures)


if __name__ == "__main__":
    typer.run(main)

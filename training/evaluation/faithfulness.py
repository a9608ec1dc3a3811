"""Faithfulness reports (rtmri2speech.evaluation.faithfulness) of many clips as a table, for each kind of map.

    python -m training.evaluation.faithfulness CLIPS... [--bundle BUNDLE] [--maps grad-cam,layer-ig:16] [--json FILE]

CLIPS are videos or folders of them. Regions are the truth of a phantom where it lies beside the clip, else those that
the segmenter finds. For each kind of map and band, over clips: how many of them have which verdict, and the means of
what the verdict rests on: dB by which occluding the most salient tenth of the tract lowers the energy, dB by which a
tenth at random changes it, share of frames in which the first is more, the rank correlation of attribution and change
over regions, and that of the map's magnitude with those of shuffled weights.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from typer import Argument, Option

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.region_attribution import RegionMasks
from rtmri2speech.anatomy.sources import regions_of
from rtmri2speech.attribution.methods import parse_method
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.formats.reading import is_video_file
from rtmri2speech.clips.phantom_truth import truth_beside
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.faithfulness import VERDICTS, BandFaithfulness, evaluate_faithfulness
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.load import load_bundle

from ..engine.console import plain_errors

_COLUMNS = ("drop dB", "random dB", "times", "right", "regions", "output layer", "BiLSTM", "CNN")


def clips_of(paths: Sequence[Path]) -> list[Path]:
    """Files as they are, and the videos of folders. Raises InputError where there is none."""
    found = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    found = list(filter(is_video_file, found))
    if not found:
        raise InputError("There is no clip in {paths}.", paths=", ".join(map(str, paths)))
    return found


def cards(bundle: Bundle, clips: Sequence[Path], maps: Sequence[str]) -> Iterator[tuple[str, str, dict]]:
    """(kind of map, clip, band -> BandFaithfulness) of every clip and kind of map."""
    for path in clips:
        clip = read_clip(path)
        masks = None
        for kind in maps:
            method, resolution = parse_method(kind)
            made = analyse(bundle, clip, method=method, resolution=resolution, speak=False)
            if masks is None:
                source = "truth" if truth_beside(path) else "segmenter"
                regions = regions_of(made.model_frames, made.fps, path, source)
                masks = RegionMasks(regions) if regions.verdict.usable else {}
            yield kind, path.stem, dict(evaluate_faithfulness(bundle, made, masks).bands)


def row_of(judged: Sequence[BandFaithfulness]) -> dict:
    """Verdicts and means of a band over clips."""
    tested = [one for one in judged if one.verdict != "untested"]
    counted = Counter(one.verdict for one in judged)
    means = {
        "drop dB": _mean(one.drop_db for one in tested),
        "random dB": _mean(one.random_size_db for one in tested),
        "right": _mean(one.right for one in tested),
        "regions": _mean(one.rank_of_regions for one in tested),
    }
    means["times"] = means["drop dB"] / means["random dB"] if tested else float("nan")
    for part in ("output layer", "BiLSTM", "CNN"):
        means[part] = _mean((one.random_weights or {})[part]["absolute"] for one in tested)
    return {"verdicts": {verdict: counted[verdict] for verdict in VERDICTS}, **means}


def _mean(values) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def table(rows: dict[tuple[str, str], dict]) -> str:
    """As Markdown; rows: (kind of map, band) -> row_of."""
    lines = [
        "| maps | band | " + " / ".join(VERDICTS) + " | " + " | ".join(_COLUMNS) + " |",
        "|---|---|---|" + "---|" * len(_COLUMNS),
    ]
    for (kind, band), row in rows.items():
        verdicts = " / ".join(str(count) for count in row["verdicts"].values())
        lines.append(f"| {kind} | {band} | {verdicts} | " + " | ".join(f"{row[name]:.2f}" for name in _COLUMNS) + " |")
    return "\n".join(lines)


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(metavar="CLIPS...", help="Videos, or folders of them.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
    maps: Annotated[str, Option("--maps", help="METHOD or METHOD:CELLS, parted by commas.")] = "grad-cam",
    json_out: Annotated[Path | None, Option("--json", help="Also write every card's figures to this file.")] = None,
) -> None:
    """How faithful a bundle's maps are, over many clips."""
    refuse_overwriting_inputs([json_out], [*clips, bundle])
    kinds = maps.split(",")
    loaded, judged, rows_of_clips = load_bundle(bundle), {}, []
    for kind, name, bands in cards(loaded, clips_of(clips), kinds):
        for band, one in bands.items():
            judged.setdefault((kind, band), []).append(one)
            rows_of_clips.append({"maps": kind, "clip": name, "band": band, "verdict": one.verdict, "times": one.times})
            print(kind, name, band, one.verdict, "-" if one.times is None else f"{one.times:.2f}", flush=True)
    rows = {key: row_of(some) for key, some in sorted(judged.items(), key=lambda item: kinds.index(item[0][0]))}
    print("\n" + table(rows))
    if json_out:
        summed_up = [{"maps": kind, "band": band, **row} for (kind, band), row in rows.items()]
        write_json(json_out, {"clips": rows_of_clips, "table": summed_up})


if __name__ == "__main__":
    typer.run(main)

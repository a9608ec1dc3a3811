"""Faithfulness reports (rtmri2speech.evaluation.faithfulness) of many clips as a table, for each kind of map.

    python -m training.evaluation.faithfulness CLIPS... [--bundle BUNDLE] [--maps layer-ig,hirescam:16] [--json FILE]
        [--regions segmenter|truth]

CLIPS are videos or folders of them. For each kind of map and band, over clips: how many have which verdict over the
whole picture, then inside the tract (which depends on the source of regions), and the means of what the verdicts rest
on: dB by which occluding the most salient tenth lowers the energy, dB by which a random tenth changes it, dB by which
the tenth of an edge detector and the centre lower it; of the outside of the tract the share of the attribution, the
share of the effect, and the drop by its most salient tenth; and the rank correlation of the map's magnitude with those
of randomised weights.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from typer import Argument, Option

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.region_attribution import SurfaceMasks
from rtmri2speech.anatomy.sources import regions_of
from rtmri2speech.attribution.methods import parse_method
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.formats.reading import is_video_file
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.faithfulness import (
    AREAS,
    VERDICTS,
    BandFaithfulness,
    DeletionTest,
    evaluate_faithfulness,
)
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.load import load_bundle

from ..engine.console import plain_errors

_AREA_COLUMNS = ("drop dB", "random dB", "ratio", "edges dB", "centre dB")
_OUTSIDE_COLUMNS = ("attribution", "effect", "drop dB")
_PARTS = ("output layer", "BiLSTM", "CNN")


def clips_of(paths: Sequence[Path]) -> list[Path]:
    """Files as they are, and the videos of folders. Raises InputError where there is none."""
    found = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    found = list(filter(is_video_file, found))
    if not found:
        raise InputError("There is no clip in {paths}.", paths=", ".join(map(str, paths)))
    return found


def reports(
    bundle: Bundle, clips: Sequence[Path], maps: Sequence[str], source: str
) -> Iterator[tuple[str, str, dict[str, BandFaithfulness]]]:
    """(kind of map, clip, band -> BandFaithfulness) of every clip and kind of map. source: of the regions."""
    for path in clips:
        clip = read_clip(path)
        masks = None
        for kind in maps:
            method, resolution = parse_method(kind)
            analysis = analyse(bundle, clip, method=method, resolution=resolution, speak=False)
            if masks is None:
                regions = regions_of(analysis.model_frames, analysis.fps, path, source)
                masks = SurfaceMasks(regions) if regions.verdict.usable else {}
            yield kind, path.stem, dict(evaluate_faithfulness(bundle, analysis, masks).bands)


def row_of(results: Sequence[BandFaithfulness]) -> dict:
    """Verdicts and means of a band over clips."""
    row: dict = {area: _area_of([getattr(one, area) for one in results]) for area in AREAS}
    outside = [one.outside_tract for one in results if one.outside_tract is not None]
    row["outside_tract"] = {
        "listens": sum(one.listens for one in outside),
        "attribution": _mean(one.share_of_attribution for one in outside),
        "effect": _mean(one.share_of_effect for one in outside),
        "drop dB": _mean(one.effect_db for one in outside),
    }
    weights = [one.random_weights for one in results if one.random_weights is not None]
    row["random_weights"] = {part: _mean(one[part]["absolute"] for one in weights) for part in _PARTS}
    return row


def _area_of(tests: Sequence[DeletionTest | None]) -> dict:
    tested = [one for one in tests if one is not None]
    counted = Counter("untested" if one is None else one.verdict for one in tests)
    means = {
        "drop dB": _mean(one.drop_db for one in tested),
        "random dB": _mean(one.random_size_db for one in tested),
        "edges dB": _mean(one.edges_drop_db for one in tested),
        "centre dB": _mean(one.centre_drop_db for one in tested),
    }
    means["ratio"] = means["drop dB"] / means["random dB"] if tested else float("nan")
    return {"verdicts": {verdict: counted[verdict] for verdict in VERDICTS}, **means}


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return float(np.mean(known)) if known else float("nan")


def table(rows: dict[tuple[str, str], dict]) -> str:
    """As Markdown: the whole picture, the tract, its outside, random weights. rows: (kind of map, band) -> row_of."""
    verdicts = " / ".join(VERDICTS)
    blocks = [_block(area, rows, (verdicts, *_AREA_COLUMNS), _area_cells) for area in AREAS]
    blocks.append(_block("outside_tract", rows, ("listens", *_OUTSIDE_COLUMNS), _cells))
    blocks.append(_block("random_weights", rows, _PARTS, _cells))
    return "\n\n".join(blocks)


def _block(part: str, rows: dict, columns: Sequence[str], cells: Callable[[dict], list[str]]) -> str:
    lines = [
        f"| {part}: maps | band | " + " | ".join(columns) + " |",
        "|---|---|" + "---|" * len(columns),
    ]
    lines += [f"| {kind} | {band} | " + " | ".join(cells(row[part])) + " |" for (kind, band), row in rows.items()]
    return "\n".join(lines)


def _area_cells(row: dict) -> list[str]:
    verdicts = " / ".join(str(count) for count in row["verdicts"].values())
    return [verdicts, *(f"{row[name]:.2f}" for name in _AREA_COLUMNS)]


def _cells(row: dict) -> list[str]:
    return [f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()]


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(metavar="CLIPS...", help="Videos, or folders of them.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
    maps: Annotated[str, Option("--maps", help="METHOD or METHOD:CELLS, parted by commas.")] = "layer-ig",
    regions: Annotated[
        str, Option("--regions", help="Their source: segmenter, as on the page, or truth.")
    ] = "segmenter",
    json_out: Annotated[Path | None, Option("--json", help="Also write every report's figures to this file.")] = None,
) -> None:
    """How faithful a bundle's maps are, over many clips."""
    refuse_overwriting_inputs([json_out], [*clips, bundle])
    kinds = maps.split(",")
    loaded, results, rows_of_clips = load_bundle(bundle), {}, []
    for kind, name, bands in reports(loaded, clips_of(clips), kinds, regions):
        for band, one in bands.items():
            results.setdefault((kind, band), []).append(one)
            tests = {area: getattr(one, area) for area in AREAS}
            shown = [f"{area} {test.verdict} {test.ratio_to_random:.2f}" for area, test in tests.items() if test]
            figures = {area: asdict(test) if test else None for area, test in tests.items()}
            outside = asdict(one.outside_tract) if one.outside_tract else None
            rows_of_clips.append({"maps": kind, "clip": name, "band": band, **figures, "outside_tract": outside})
            print(kind, name, band, *(shown or [one.verdict]), flush=True)
    rows = {key: row_of(some) for key, some in sorted(results.items(), key=lambda item: kinds.index(item[0][0]))}
    print("\n" + table(rows))
    if json_out:
        summed_up = [{"maps": kind, "band": band, **row} for (kind, band), row in rows.items()]
        write_json(json_out, {"regions": regions, "clips": rows_of_clips, "table": summed_up})


if __name__ == "__main__":
    typer.run(main)

"""Between two frames of a clip: morph."""

from pathlib import Path
from typing import Annotated

import typer

from ..atomic import never_onto
from ..errors import InputError
from .options import BundleOption, FpsOption, JsonOption, VideoArgument
from .terminal import print_json, read_clip, warning


def morph(
    video: VideoArgument,
    first: Annotated[int, typer.Argument(metavar="A", help="Frame that it begins with, at the model's rate.")],
    second: Annotated[int, typer.Argument(metavar="B", help="Frame that it ends with.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Sound to write (.wav).")],
    table: Annotated[Path | None, typer.Option("--formants", help="Also write the formants (.csv).")] = None,
    bundle: BundleOption = None,
    change: Annotated[float, typer.Option(help="Seconds from one frame to the other.")] = 1.0,
    hold: Annotated[float, typer.Option(help="Seconds that each of the two is held.")] = 0.3,
    fps: FpsOption = None,
    as_json: JsonOption = False,
):
    """Hear one frame turn into another, and see its formants move: the model's features of both, mixed in even steps.

    The steps are no pictures that the model saw; docs/morph.md says how far they can be believed.
    """
    import csv

    from ..atomic import replacing
    from ..audio import write_audio
    from ..models.load import load_bundle
    from ..morph import morph as morph_of

    never_onto([output, *([table] if table else [])], [video, bundle])
    for path, suffix in ((output, ".wav"), (table, ".csv")):
        if path is not None and path.suffix.lower() != suffix:
            raise InputError("Cannot write {path}: give a name that ends in {suffix}.", path=path, suffix=suffix)
    loaded = load_bundle(bundle)
    made = morph_of(loaded, read_clip(video, fps=fps), first, second, change, hold)
    write_audio(output, made.audio, made.sample_rate)
    if table is not None:
        with replacing(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(made.table[0]))
            writer.writeheader()
            writer.writerows(made.table)
    if as_json:
        print_json({"first": first, "second": second, "fps": made.fps, "formants": made.table})
        return
    print(f"{output}: from frame {first} to {second} in {change:g} s{warning(loaded)}")
    shown = made.table[:: max(1, len(made.table) // 12)]
    print("time s  share" + "".join(f"{f'F{n} Hz':>8}" for n in (1, 2, 3)))
    for row in shown:
        hz = "".join(f"{row[f'F{n}_hz'] or '-':>8}" for n in (1, 2, 3))
        print(f"{row['time_s']:6.2f} {row['share']:6.2f}{hz}")

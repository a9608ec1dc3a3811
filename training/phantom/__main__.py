"""python -m training.phantom: make a phantom corpus."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from rtmri2speech.errors import InputError

from .corpus import make_corpus, plan_phrases, plan_random


def _progress():
    started, first = time.monotonic(), [None]

    def report(done: int, of: int) -> None:
        if first[0] is None:
            first[0] = done
        made = done - first[0]
        left = ""
        if made:
            seconds = (time.monotonic() - started) / made * (of - done)
            left = f", about {seconds / 60:.0f} min left"
        print(f"{done} of {of} utterances{left}", file=sys.stderr, flush=True)

    return report


def main(
    out: Annotated[Path, typer.Option(help="Folder of the corpus; made if it does not exist, resumed if it does.")],
    minutes: Annotated[float, typer.Option(help="Length of all utterances together.")] = 60.0,
    speakers: Annotated[int, typer.Option(min=1, help="Number of speakers, who take turns.")] = 10,
    first_speaker: Annotated[int, typer.Option(min=0, help="Number of the first speaker.")] = 0,
    phrase: Annotated[
        list[str] | None,
        typer.Option(help='Instead of random speech, each speaker says this: "a i u e o" or "/p a t a/". Repeatable.'),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same corpus.")] = 0,
    pictures: Annotated[bool, typer.Option(help="Without: sound and truth alone, in a third of the time.")] = True,
    long_pauses: Annotated[
        bool, typer.Option("--long-pauses", help="Pauses of up to two seconds, in which the mouth moves silently.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes; one per core is best.")] = 1,
) -> None:
    """Write phantom clips (<id>.mkv, <id>.wav) with their truth (<id>.truth.npz, <id>.TextGrid) and corpus.json."""
    numbers = range(first_speaker, first_speaker + speakers)
    try:
        if phrase:
            tasks = plan_phrases(seed, numbers, phrase)
        else:
            tasks = plan_random(seed, numbers, minutes, long_pauses)
        failed = make_corpus(out, tasks, workers, _progress(), pictures)
    except InputError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where it stopped.", file=sys.stderr)
        raise typer.Exit(130) from None
    for name, problem in failed.items():
        print(f"{name} was left out: {problem}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)

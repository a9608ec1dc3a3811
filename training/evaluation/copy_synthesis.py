"""What a bundle's vocoder loses: speech made from recordings' own mel, against the recordings.

    python -m training.evaluation.copy_synthesis RECORDINGS --bundle BUNDLE [--last 0.1] [--envelope 16]

With --envelope the harmonics of F0 are taken out of the mel first. Pictures do not show them, so this is the most that
an acoustic model can be expected to reach with this vocoder.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from typer import Argument, Option

from rtmri2speech.errors import InputError
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.vocoding import vocode
from rtmri2speech.speech.audio import read_audio, resample
from rtmri2speech.speech.mel import mel_spectrogram_db, spectral_envelope
from rtmri2speech.speech.metrics import estoi, stoi

from ..engine.console import plain_errors
from ..preprocess.recordings import find_recordings


def copy_synthesis(bundle: Bundle, path: Path, envelope: int | None = None) -> dict[str, float | None]:
    """STOI and ESTOI of the recording made from its own mel; None where they are not defined (very short speech).

    envelope: how many cepstral coefficients of the mel to keep (mel.spectral_envelope); None for all.
    """
    original = resample(*read_audio(path), bundle.mel.sample_rate)
    mel_db = mel_spectrogram_db(torch.from_numpy(original), bundle.mel)
    if envelope is not None:
        mel_db = torch.from_numpy(spectral_envelope(mel_db.numpy(), envelope))
    made = vocode(bundle, mel_db)
    original = original[: len(made)]
    return {m.__name__: m(original, made, bundle.mel.sample_rate) for m in (stoi, estoi)}


@plain_errors()
def main(
    recordings: Annotated[Path, Argument(help="Folder of .wav or .flac files.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
    last: Annotated[float, Option("--last", help="Only this share of the recordings, last by name.")] = 1.0,
    envelope: Annotated[
        int | None, Option("--envelope", min=1, help="Keep only so many cepstral coefficients: 16 drops harmonics.")
    ] = None,
) -> None:
    """Mean STOI and ESTOI of copy-synthesis over a folder of recordings."""
    if not 0 < last <= 1:
        raise InputError("--last is a share of the recordings, above 0 and up to 1, not {last:g}.", last=last)
    judged = load_bundle(bundle) if bundle else load_bundle()
    paths = list(find_recordings(recordings).values())
    scores = [copy_synthesis(judged, path, envelope) for path in paths[-max(1, round(last * len(paths))) :]]
    for name in scores[0]:
        values = [s[name] for s in scores if s[name] is not None]
        print(f"{name.upper()} {np.mean(values):.3f} over {len(values)} recordings")


if __name__ == "__main__":
    typer.run(main)

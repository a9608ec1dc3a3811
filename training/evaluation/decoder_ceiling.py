"""Intelligibility of speech from true articulation: what training.articulation.mel_decoder learned, without pictures.

    python -m training.evaluation.decoder_ceiling SOUND --run SPEECH [--bundle BUNDLE] [--all]

SOUND is a phantom corpus with its truth; of it the speakers that the run held out, or, of a corpus it never saw, --all.
The vocoder of the bundle speaks the mel that the run makes of their true articulation. The topline is the
copy-synthesis of the true mel's envelope.
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
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.audio import read_audio, resample
from rtmri2speech.speech.mel import Scaler
from rtmri2speech.speech.metrics import estoi, stoi

from ..articulation.corpus import SynthesisedSpeech, held_out_speakers, read_spoken
from ..articulation.mel_decoder import ArticulationToMel, read_mel_decoder, target_mel
from ..engine.console import plain_errors

_METRICS = (stoi, estoi)


@torch.no_grad()
def decoded(network: ArticulationToMel, known: Scaler, mel: Scaler, one: SynthesisedSpeech) -> np.ndarray:
    """(T, n_mels) dB of its true articulation."""
    given = torch.from_numpy(known.standardise(one.articulation))[None]
    return mel.to_db(network(given)[0][0].numpy())


def scores(bundle: Bundle, mel_db: np.ndarray, original: np.ndarray) -> list[float | None]:
    """STOI and ESTOI of the mel as the bundle's vocoder speaks it; None where they are not defined."""
    made = vocode(bundle, torch.from_numpy(mel_db))
    length = min(len(made), len(original))
    return [metric(original[:length], made[:length], bundle.mel.sample_rate) for metric in _METRICS]


@plain_errors()
def main(
    corpus: Annotated[Path, Argument(help="Phantom corpus of training.phantom, pictures or not.")],
    run: Annotated[Path, Option("--run", help="A run of training.articulation.mel_decoder.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Whose vocoder speaks. Default: the embedded one.")] = None,
    everybody: Annotated[bool, Option("--all", help="All speakers, of a corpus that the run never saw.")] = False,
) -> None:
    """Mean STOI and ESTOI of speech from true articulation, and their topline."""
    network, known, mel, settings = read_mel_decoder(run)
    judged = load_bundle(bundle) if bundle else load_bundle()
    if MelSpec.from_json(settings["mel"]) != judged.mel:
        raise InputError("The vocoder of {bundle} speaks another mel than the run.", bundle=judged.name)
    spoken = read_spoken(corpus, judged.mel)
    if not everybody:
        _, spoken = held_out_speakers(spoken, settings["val_speakers"])
    rows = []
    for one in spoken:
        original = resample(*read_audio(corpus / f"{one.id}.wav"), judged.mel.sample_rate)
        envelope = target_mel(one.mel_db, settings["envelope"], settings["floor_db"])
        rows.append([scores(judged, mel_db, original) for mel_db in (decoded(network, known, mel, one), envelope)])
    means = np.nanmean(np.array(rows, float), axis=0)  # (true articulation, envelope) x (STOI, ESTOI)
    print(
        f"{len(spoken)} utterances of {len({s.speaker for s in spoken})} speakers"
        + "".join(f"{m:>8}" for m in ("STOI", "ESTOI"))
    )
    for name, row in zip(("from true articulation", "topline: the mel's envelope"), means, strict=True):
        print(f"{name:<31}" + "".join(f"{value:>8.3f}" for value in row))


if __name__ == "__main__":
    typer.run(main)

"""Mels to fine-tune the vocoder with, without pictures: what the BiLSTM predicts from noisy
articulation, in dB.

    python -m training.articulation.predict_mels SOUND --run SPEECH --out MELS
    python -m training.vocoder run_dir=VOCODER_RUN init_from=BUNDLE normalize_peak=null extra_mels_weight=0.4 \\
        +sources.phantom.folder=SOUND +sources.phantom.mels=MELS

SPEECH is a run of training.articulation.mel_decoder, SOUND the corpus it was learned from. Such mels have no harmonics;
in a share of the utterances those of the true F0 are add_harmonics, as rtmri2speech.speech.voice paints them.
"""

import zlib
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from typer import Argument, Option

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import Scaler, write_mel
from rtmri2speech.speech.voice import add_harmonics

from ..engine.console import plain_errors
from .corpus import SynthesisedSpeech, read_spoken
from .input_noise import InputNoiseConfig, with_input_noise
from .mel_decoder import ArticulationToMel, read_mel_decoder


@torch.no_grad()
def predicted_mel(
    network: ArticulationToMel, known: Scaler, mel: Scaler, one: SynthesisedSpeech, seed: int
) -> np.ndarray:
    """(T, n_mels) dB predicted from the utterance's articulation with input noise of this seed."""
    given = torch.from_numpy(known.standardise(one.articulation))[None]
    generator = torch.Generator().manual_seed(seed)
    return mel.to_db(network(with_input_noise(given, InputNoiseConfig(), generator))[0][0].numpy())


@plain_errors()
def main(
    corpus: Annotated[Path, Argument(help="Phantom corpus of training.phantom, pictures or not.")],
    run: Annotated[Path, Option("--run", help="A run of training.articulation.mel_decoder.")],
    out: Annotated[Path, Option("--out", help="Folder for <ID>.npy: dB, one row a frame.")],
    voiced: Annotated[float, Option("--voiced", help="Share of the utterances with the harmonics of their F0.")] = 0.5,
) -> None:
    """Write a predicted mel of every utterance."""
    if not 0 <= voiced <= 1:
        raise InputError("The share of utterances with harmonics is from 0 to 1, not {share}.", share=voiced)
    refuse_overwriting_inputs([out / "any.npy"], [corpus, run])
    network, known, mel, settings = read_mel_decoder(run)
    spec = MelSpec.from_json(settings["mel"])
    spoken = read_spoken(corpus, spec)
    out.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(spoken, 1):
        seed = zlib.crc32(one.id.encode())
        mel_db = predicted_mel(network, known, mel, one, seed)
        if np.random.default_rng(seed).random() < voiced:
            with np.load(corpus / f"{one.id}.truth.npz", allow_pickle=False) as truth:
                mel_db = add_harmonics(mel_db, truth["f0_hz"][: len(mel_db)], spec)
        write_mel(out / f"{one.id}.npy", mel_db)
        if number % 100 == 0:
            print(f"mels: {number} of {len(spoken)}", flush=True)
    print(f"{len(spoken)} mels in {out}")


if __name__ == "__main__":
    typer.run(main)

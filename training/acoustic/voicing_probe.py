"""A voice for a bundle that has none: a linear probe of the voicing, fitted to phantoms, whose truth is known.

    python -m training.acoustic.voicing_probe CLIPS --bundle BUNDLE --out NEW [--held-out CLIPS]

CLIPS have <id>.truth.npz beside them. No weight of the bundle changes: what is new stands in its bundle.json ("voice").
The height of F0 is the clips' mean: pictures of a scanner without a scale tell little of it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from typer import Argument, Option

from rtmri2speech.analysis.pipeline import view_of
from rtmri2speech.clips import frame_rate
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.finetuning.voicing import fit_voicing_probe
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.features import BATCH, FeatureExtractor
from rtmri2speech.models.load import load_bundle
from rtmri2speech.speech.voice import INTONATIONS, VoicingProbe

from ..engine.console import plain_errors
from ..preprocess.phantom_clips import find_phantoms, truth_of


def states_and_f0(bundle: Bundle, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(T, H) states of the BiLSTM over a phantom clip, (T,) its true F0, 0 where unvoiced. Raises InputError."""
    truth = truth_of(path)
    frames = frame_rate.retime(read_clip(path), bundle.fps)
    extract = FeatureExtractor(bundle.acoustic, torch.float32, bundle.onnx, bundle.frames.size)
    view = view_of(bundle, frames)
    chunks = (view.prepare(frames[k : k + BATCH], bundle.frames.size) for k in range(0, len(frames), BATCH))
    with torch.no_grad():
        states = bundle.acoustic.states_from_features(extract(chunks, len(frames))[None])[0].numpy()
    with np.load(truth, allow_pickle=False) as data:
        f0_hz, fps = data["f0_hz"], float(data["fps"])
    at = np.minimum(((np.arange(len(states)) + 0.5) / bundle.fps * fps).astype(int), len(f0_hz) - 1)
    return states, f0_hz[at]


def error(readout: VoicingProbe, states: np.ndarray, f0_hz: np.ndarray) -> float:
    """Share of the frames whose voicing is read wrong."""
    return float((readout.read(states)[0] != (f0_hz > 0)).mean())


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(help="Phantom clips, or folders of them.")],
    bundle: Annotated[Path, Option("--bundle", help="The bundle to give a voice to.")],
    out: Annotated[Path, Option("--out", help="The new bundle.")],
    held_out: Annotated[
        list[Path] | None, Option("--held-out", help="More clips: the error on these is printed.")
    ] = None,
    default: Annotated[
        str, Option("--default", help=f"Its voice by default: whisper, {', '.join(INTONATIONS)}.")
    ] = "declining",
) -> None:
    """Fit a read-out of the voicing and write the bundle with it."""
    refuse_overwriting_inputs([out], [bundle, *clips])
    loaded = load_bundle(bundle)
    readout = fit_voicing_probe(*_all(loaded, clips), default)
    made = replace(loaded, voice=readout, folder=None, sha256={})
    made.save(out, half=loaded.stored_as_half)
    message = f"{out}: mean F0 {2 ** readout.bias[1]:.0f} Hz"
    if held_out:
        message += f", voicing wrong in {100 * error(readout, *_all(loaded, held_out)):.1f} % of held-out frames"
    print(message)


def _all(bundle: Bundle, clips: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    pairs = [states_and_f0(bundle, path) for path in find_phantoms(clips)]
    states, f0_hz = zip(*pairs, strict=True)
    return np.concatenate(states), np.concatenate(f0_hz)


if __name__ == "__main__":
    typer.run(main)

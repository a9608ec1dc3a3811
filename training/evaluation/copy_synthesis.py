"""What vocoders lose: speech made from recordings' own mel, against the recordings, by ESTOI.

    python -m training.evaluation.copy_synthesis RECORDINGS [--bundle BUNDLE ...] [--vocoder RUN ...] [--last 0.1]

RECORDINGS is a folder of sounds, or of clips with sound. Each vocoder speaks the whole mel and its spectral envelope,
the target of an acoustic model, since pictures do not show the harmonics of F0: with the recording's own F0, with one
that declines from the same height, and whispered. Baselines: "mel alone" is the source-filter vocoder without any
training, "Griffin-Lim" reads the phase off the mel, and "WORLD" (if pyworld is installed) is made from the recording,
not from its mel.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from typer import Argument, Option

from rtmri2speech.clips.formats.reading import is_video_file
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.speech_quality import read_with_sound
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.ddsp import DdspConfig, SourceFilter
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.vocoding import vocode
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.audio import read_audio, resample
from rtmri2speech.speech.mel import filterbank, mel_spectrogram_db, spectral_envelope
from rtmri2speech.speech.metrics import estoi
from rtmri2speech.speech.voice import ENVELOPE, Voice, f0_contour, own_f0

from ..engine.console import plain_errors
from ..preprocess.recordings import find_recordings
from ..vocoder.checkpoints import read_vocoder

MELS = ("mel", "envelope")
F0S = ("own", "declining", "whisper")
_GRIFFIN_LIM_ROUNDS = 60

# Recording (samples,), mel (T, n_mels) dB, one of F0S -> waveform; None where it is not made so.
Speaker = Callable[[np.ndarray, np.ndarray, str], np.ndarray | None]


def bundle_speaker(bundle: Bundle) -> Speaker:
    """A bundle's vocoder. One without F0 gets harmonics added, which a whole mel has already."""
    vocoder = bundle.vocoder

    def speak(original: np.ndarray, mel_db: np.ndarray, f0: str) -> np.ndarray | None:
        hz = contour(original, bundle.mel, len(mel_db), f0, vocoder.f0_per_frame)
        return vocode(bundle, torch.from_numpy(mel_db), f0_hz=hz)

    return speak


def contour(original: np.ndarray, spec: MelSpec, frames: int, f0: str, per_frame: int) -> np.ndarray | None:
    """The recording's own F0 (frames * per_frame,), one that declines from the same height (frames,), or None."""
    if f0 == "whisper":
        return None
    own_hz = own_f0(original, spec, frames, per_frame if f0 == "own" else 1)
    if f0 == "own" or not own_hz.any():
        return own_hz
    return f0_contour(Voice(), own_hz > 0, float(np.median(own_hz[own_hz > 0])), spec.fps)


def griffin_lim(original: np.ndarray, mel_db: np.ndarray, spec: MelSpec) -> np.ndarray:
    """(T, n_mels) dB -> (T * hop_length,) samples, of phases that the magnitudes agree with.

    D. W. Griffin and J. S. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Trans. ASSP 32
    (1984). The recording is not used.
    """
    from librosa import griffinlim
    from scipy.optimize import nnls
    from scipy.signal import lfilter

    weights = filterbank(spec)
    power = np.stack([nnls(weights, 10 ** (frame / 10.0))[0] for frame in mel_db], axis=1)
    samples = griffinlim(
        np.sqrt(power),
        n_iter=_GRIFFIN_LIM_ROUNDS,
        hop_length=spec.hop_length,
        win_length=spec.win_length,
        n_fft=spec.n_fft,
        center=False,
        random_state=0,
    )
    first = (spec.n_fft - spec.hop_length) // 2
    emphasised = np.pad(samples[first:], (0, spec.n_fft))[: len(mel_db) * spec.hop_length]
    return lfilter([1], [1, -spec.preemphasis], emphasised).astype(np.float32)


def world(original: np.ndarray, f0: str, rate: int) -> np.ndarray:
    """Analysed and made again by WORLD: M. Morise, F. Yokomori and K. Ozawa, IEICE Trans. Inf. Syst. E99-D (2016)."""
    import pyworld

    samples = original.astype(np.float64)
    hz, times_s = pyworld.harvest(samples, rate)
    spectrum, aperiodicity = pyworld.cheaptrick(samples, hz, times_s, rate), pyworld.d4c(samples, hz, times_s, rate)
    if f0 == "whisper":
        hz = np.zeros_like(hz)
    elif f0 == "declining" and hz.any():
        hz = f0_contour(Voice(), hz > 0, float(np.median(hz[hz > 0])), 1 / (times_s[1] - times_s[0]))
    return pyworld.synthesize(hz, spectrum, aperiodicity, rate).astype(np.float32)


def baselines(spec: MelSpec) -> dict[str, Speaker]:
    """Name -> what speaks without having been trained; WORLD where it is installed."""
    config = DdspConfig(mel=spec)
    untrained = replace(load_bundle(), mel=spec, vocoder=SourceFilter(config).begin())
    found: dict[str, Speaker] = {
        "mel alone": bundle_speaker(untrained),
        "Griffin-Lim": lambda original, mel_db, f0: griffin_lim(original, mel_db, spec) if f0 == "own" else None,
    }
    try:
        import pyworld  # noqa: F401
    except ImportError:
        return found
    return found | {"WORLD": lambda original, mel_db, f0: world(original, f0, spec.sample_rate)}


def judge(speakers: dict[str, Speaker], paths: Iterable[Path], spec: MelSpec) -> dict[str, dict[str, float]]:
    """Speaker -> "mel own", "envelope declining", ... -> mean ESTOI over the recordings."""
    scores: dict[str, dict[str, list[float]]] = {name: {} for name in speakers}
    for path in paths:
        original = resample(*_sound_of(path), spec.sample_rate)
        whole = mel_spectrogram_db(torch.from_numpy(original), spec).numpy()
        for mel, mel_db in zip(MELS, (whole, spectral_envelope(whole, ENVELOPE)), strict=True):
            for f0 in F0S:
                for name, speak in speakers.items():
                    made = speak(original, mel_db, f0)
                    if made is not None:
                        count = min(len(made), len(original))
                        value = estoi(original[:count], made[:count], spec.sample_rate)
                        scores[name].setdefault(f"{mel} {f0}", []).extend([] if value is None else [value])
    return {name: {key: float(np.mean(v)) for key, v in given.items() if v} for name, given in scores.items()}


def _sound_of(path: Path):
    if not is_video_file(path):
        return read_audio(path)
    sound = read_with_sound(path).sound
    if sound is None:
        raise InputError("{path} has no sound, and there is no sound file beside it.", path=path)
    return sound


@plain_errors()
def main(
    recordings: Annotated[Path, Argument(help="Folder of recordings or of clips with sound.")],
    bundle: Annotated[list[Path] | None, Option("--bundle", help="Default: the embedded one.")] = None,
    vocoder: Annotated[list[Path] | None, Option("--vocoder", help="Run of training.vocoder.")] = None,
    last: Annotated[float, Option("--last", help="Only this share of the recordings, last by name.")] = 1.0,
    without_baselines: Annotated[bool, Option("--without-baselines", help="Only bundles and runs.")] = False,
    as_json: Annotated[bool, Option("--json", help="The means as JSON.")] = False,
) -> None:
    """Mean ESTOI of copy-synthesis over a folder of recordings, of each vocoder, mel and F0."""
    if not 0 < last <= 1:
        raise InputError("--last is a share of the recordings, above 0 and up to 1, not {last:g}.", last=last)
    judged = {str(folder): load_bundle(folder) for folder in bundle or ()}
    if not judged and not vocoder:
        judged = {"embedded": load_bundle()}
    for run in vocoder or ():
        speaking, settings = read_vocoder(run)
        judged[str(run)] = replace(load_bundle(), vocoder=speaking, mel=MelSpec.from_json(settings["mel"]))
    spec = next(iter(judged.values())).mel
    if any(one.mel != spec for one in judged.values()):
        raise InputError("The vocoders speak different mels: judge them apart.")
    speakers = {name: bundle_speaker(one) for name, one in judged.items()}
    if not without_baselines:
        speakers |= baselines(spec)
    paths = list(find_recordings(recordings).values())
    paths = paths[-max(1, round(last * len(paths))) :]
    means = judge(speakers, paths, spec)
    if as_json:
        print(json.dumps({"recordings": len(paths), "estoi": means}, indent=1))
        return
    columns = [f"{mel} {f0}" for mel in MELS for f0 in F0S]
    print(f"{f'ESTOI of {len(paths)} recordings':<32}" + "".join(f"{c:>19}" for c in columns))
    for name, row in means.items():
        print(f"{name[-31:]:<32}" + "".join(f"{row[c]:>19.3f}" if c in row else f"{'-':>19}" for c in columns))


if __name__ == "__main__":
    typer.run(main)

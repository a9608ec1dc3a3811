"""How much each restoration helps, on held-out clean speech with synthetic scanner noise.

    python -m training.evaluation.restoration FOLDER... --last 0.1 --snr 0 --snr 5 --snr 10 [--bundle DIR] [--out
    TABLE.json]

Every recording meets the same noise at every ratio. All candidates are compared with the clean recording: the noisy one
as it is, spectral gating (noisereduce, stationary and adaptive), this project's classical method, and the neural one
where a bundle is given. Formants are Praat's, measured in all candidates at the times and with the ceiling of the clean
recording's voiced frames; F0 errors are not hidden by leaving frames out.
"""

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from typer import Argument, Option

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.restore import restore
from rtmri2speech.speech.audio import read_audio, resample, write_audio
from rtmri2speech.speech.formants import formant_ceiling, measure_f0
from rtmri2speech.speech.mel import mel_spectrogram_db
from rtmri2speech.speech.metrics import estoi, mcd, pesq_wb, si_sdr, stoi

from ..engine.console import plain_errors
from ..preprocess.recordings import find_recordings
from ..restore.config import loss_mel
from ..restore.degrade import mixed, read_noises
from ..restore.noise import draw_scanner, scanner_noise

RATE = 16_000
METRICS = ("stoi", "estoi", "si_sdr_db", "pesq_wb", "mcd_db", "f1_error_hz", "f2_error_hz")
_MEL_FLOOR_DB = -80.0  # below this, digital silence and a faint hiss count as the same


def candidates(bundle=None) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Name -> noisy (samples,) at RATE to restored (samples,)."""
    import noisereduce

    methods = {
        "noisy": lambda x: x,
        "noisereduce, stationary": lambda x: noisereduce.reduce_noise(x, RATE, stationary=True),
        "noisereduce, adaptive": lambda x: noisereduce.reduce_noise(x, RATE),
        "classical": lambda x: restore(x, RATE),
    }
    if bundle is not None:
        methods["neural"] = lambda x: restore(x, RATE, "neural", bundle)
    return methods


def score(clean: np.ndarray, made: np.ndarray) -> dict[str, float | None]:
    """Every metric of METRICS of two recordings (samples,) at RATE."""
    import torch

    mels = []
    for x in (clean, made):
        scaled = x * (0.05 / max(float(np.sqrt(np.mean(np.square(x)))), 1e-6))
        mel = mel_spectrogram_db(torch.from_numpy(scaled.astype(np.float32)), loss_mel(RATE))
        mels.append(mel.clamp_min(_MEL_FLOOR_DB))
    f1, f2 = formant_errors(clean, made, RATE)
    return {
        "stoi": stoi(clean, made, RATE),
        "estoi": estoi(clean, made, RATE),
        "si_sdr_db": si_sdr(clean, made),
        "pesq_wb": pesq_wb(clean, made, RATE),
        "mcd_db": mcd(*(m.numpy() for m in mels)),
        "f1_error_hz": f1,
        "f2_error_hz": f2,
    }


def formant_errors(clean: np.ndarray, made: np.ndarray, rate: int) -> tuple[float | None, float | None]:
    """Mean absolute error of F1 and F2, Hz, every 10 ms where the clean recording is voiced; None without voice."""
    import parselmouth

    times_s = np.arange(0.03, len(clean) / rate - 0.03, 0.01)
    f0_hz = measure_f0(clean, rate, times_s)
    voiced = times_s[np.isfinite(f0_hz)]
    ceiling_hz = min(formant_ceiling(f0_hz), rate / 2)
    tracks = []
    for x in (clean, made):
        track = parselmouth.Sound(np.asarray(x, np.float64), rate).to_formant_burg(maximum_formant=ceiling_hz)
        tracks.append(np.array([[track.get_value_at_time(n, t) for n in (1, 2)] for t in voiced]).reshape(-1, 2))
    error = np.abs(tracks[1] - tracks[0])
    error = error[np.isfinite(error).all(axis=1)]
    return tuple(float(e) for e in error.mean(axis=0)) if len(error) else (None, None)


def recordings(folders: list[Path], last: list[float], every: int) -> Iterator[Path]:
    """The last share, by name, of each folder's recordings, and of these every so manyth."""
    if len(last) not in (1, len(folders)):
        raise InputError(
            "Give one --last for all folders or one for each of the {count}, not {given}.",
            count=len(folders),
            given=len(last),
        )
    for folder, share in zip(folders, last * len(folders) if len(last) == 1 else last, strict=True):
        if not 0 < share <= 1:
            raise InputError("--last is a share from above 0 to 1, not {share}.", share=share)
        files = list(find_recordings(folder).values())
        yield from files[-max(1, round(share * len(files))) :][::every]


def evaluate(
    folders: Annotated[list[Path], Argument(metavar="FOLDER...", help="Clean speech, .wav or .flac, not trained on.")],
    snr: Annotated[list[float], Option("--snr", help="Speech over noise, dB; repeatable.")] = [0.0, 5.0, 10.0],  # noqa: B006
    last: Annotated[list[float], Option("--last", help="Only this share, last by name; repeatable.")] = [1.0],  # noqa: B006
    every: Annotated[int, Option("--every", min=1, help="Only every so manyth of these.")] = 1,
    bundle: Annotated[Path | None, Option("--bundle", help="Also score the neural method with this bundle.")] = None,
    noises: Annotated[Path | None, Option("--noises", help="Recorded scanner noise instead of synthetic.")] = None,
    seed: Annotated[int, Option("--seed")] = 0,
    out: Annotated[Path | None, Option("--out", help="Write all scores as JSON.")] = None,
    examples: Annotated[Path | None, Option("--examples", help="Write the first recording's sounds here.")] = None,
) -> None:
    """Print a table of every candidate at every ratio, and say whether formants are no worse than the input's."""
    with plain_errors():
        if bundle is not None:
            from rtmri2speech.restore.model import load_restoration

            loaded = load_restoration(bundle)
        read = [*folders, bundle, noises]
        refuse_overwriting_inputs([out, examples / "clean.wav" if examples else None], read)
        methods = candidates(loaded if bundle else None)
        files = list(recordings(folders, last, every))
        recorded = read_noises(str(noises), RATE) if noises else []
        rows: list[dict] = []
        for number, path in enumerate(files):
            clean = resample(*read_audio(path), RATE)
            random = np.random.default_rng([seed, number])
            if recorded:
                take = np.tile(recorded[number % len(recorded)], 1 + len(clean) // RATE)  # each lasts a second or more
                first = int(random.integers(len(take) - len(clean) + 1))
                noise = take[first : first + len(clean)]
            else:
                noise = scanner_noise(draw_scanner(random), len(clean), RATE, random)
            for ratio in snr:
                noisy = mixed(clean, noise, ratio)
                noisy = noisy * np.float32(0.99 / max(0.99, float(np.abs(noisy).max())))
                for name, method in methods.items():
                    made = np.asarray(method(noisy), np.float32)
                    rows.append({"file": path.name, "snr_db": ratio, "candidate": name, **score(clean, made)})
                    if examples and number == 0:
                        write_audio(examples / f"{name.replace(', ', '_')}_{ratio:g}dB.wav", made, RATE)
            if examples and number == 0:
                write_audio(examples / "clean.wav", clean, RATE)
            print(f"{number + 1}/{len(files)} {path.name}", file=sys.stderr, flush=True)
        means = average(rows)
        print(table(means))
        for (ratio, name), mean in means.items():
            if name in ("classical", "neural"):
                before = means[ratio, "noisy"]
                worse = [m for m in ("f1_error_hz", "f2_error_hz") if mean[m] > before[m]]
                print(f"{ratio:g} dB, {name}: formants {'WORSE than' if worse else 'no worse than'} the input's")
        if out:
            write_json(out, {"files": len(files), "scores": rows})


def average(rows: list[dict]) -> dict[tuple[float, str], dict[str, float]]:
    """(ratio, candidate) -> mean of each metric over the recordings where it is defined."""
    groups: dict[tuple[float, str], list[dict]] = {}
    for row in rows:
        groups.setdefault((row["snr_db"], row["candidate"]), []).append(row)
    result = {}
    for key, members in groups.items():
        values = {m: [r[m] for r in members if r[m] is not None and math.isfinite(r[m])] for m in METRICS}
        result[key] = {m: float(np.mean(v)) if v else math.nan for m, v in values.items()}
    return result


def table(means: dict[tuple[float, str], dict[str, float]]) -> str:
    """The means as a Markdown table."""
    lines = ["| SNR | candidate | STOI | ESTOI | SI-SDR dB | PESQ-wb | MCD dB | F1 err. Hz | F2 err. Hz |"]
    lines.append("|" + "---|" * 9)
    formats = (".3f", ".3f", ".1f", ".2f", ".2f", ".0f", ".0f")
    for (ratio, name), mean in means.items():
        cells = (f"{mean[m]:{f}}" for m, f in zip(METRICS, formats, strict=True))
        lines.append(f"| {ratio:g} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(evaluate)

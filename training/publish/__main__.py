"""Run folders -> a bundle, with a model card that says what it was trained on and how good it is.

    python -m rtmri2speech evaluate CLIPS --bundle BUNDLE --json > held_out_phrases.json
    python -m training.publish --acoustic RUN --vocoder RUN --out BUNDLE --metrics held_out_phrases.json

The metrics need a bundle and the card needs the metrics, so publish twice: first without --metrics, to a folder for
measuring, then to the final one.
"""

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.models.acoustic import AcousticModel
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.spec import FrameSpec, MelSpec
from rtmri2speech.speech.mel import Scaler
from rtmri2speech.speech.voice import VoicingProbe

from ..acoustic.run import read_model
from ..engine.console import plain_errors
from ..vocoder.checkpoints import read_vocoder

CARD_METRICS = {
    "stoi": "STOI",
    "estoi": "ESTOI",
    "pesq_nb": "PESQ (8 kHz)",
    "mcd_db": "MCD, dB",
    "f0_rmse_hz": "F0 RMSE, Hz",
    "voicing_error": "voicing error",
    "mae_F1_db": "MAE F1 band, dB",
    "mae_F2_db": "MAE F2 band, dB",
    "spectral_shape_correlation": "spectral shape, correlation",
    "loudness_correlation": "loudness, correlation",
}


@dataclass(frozen=True)
class AcousticResult:
    """What a run of training.acoustic left: the model of its best epoch, and how it came about.

    voice: of a run of training.articulation.finetune, the linear probe of its voicing.
    """

    model: AcousticModel
    mel: MelSpec
    frames: FrameSpec
    scaler: Scaler
    settings: dict
    split: dict[str, list[str]]
    best: dict
    voice: VoicingProbe | None = None


def read_acoustic_run(folder: Path, pool: int = 1) -> AcousticResult:
    """The best epoch of a run; `pool`: for pictures so many times as large, averaged down to those it was trained at.

    Raises InputError if the folder is not a run with a finished epoch.
    """
    model, scaler, size, settings = read_model(folder, pool)
    settings["model"]["input_pool"] = model.config.input_pool
    voice_file = folder / "voice.json"
    try:
        mel = MelSpec.from_json(settings["mel"])
        split = json.loads((folder / "split.json").read_text(encoding="utf-8"))
        with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
            best = min(csv.DictReader(file), key=lambda row: float(row["val/loss"]))
        voice = (
            VoicingProbe.from_json(json.loads(voice_file.read_text(encoding="utf-8"))) if voice_file.is_file() else None
        )
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            "{folder} is not a run of training.acoustic with a finished epoch ({reason}).", folder=folder, reason=error
        ) from None
    return AcousticResult(
        model, mel, FrameSpec(size, settings["data"].get("view", "full")), scaler, settings, split, best, voice
    )


def read_metrics(path: Path) -> dict:
    """The JSON of `python -m rtmri2speech evaluate --json`: its means over the clips, by candidate."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        mean = data["mean"]
        return {"clips": len(data["clips"]), **{name: dict(mean[name]) for name in mean}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "{path} is not the output of `rtmri2speech evaluate --json` ({reason}).", path=path, reason=error
        ) from None


CARD = """# {name}

Speech from real-time MRI of the vocal tract: frames -> mel -> waveform.

## Data

{data}

Recordings: {split}
{restored}
## Metrics

{metrics}
Validation during training, at the best epoch ({epoch}, step {step}): {validation}.

## Settings

Acoustic model: {cnn}, BiLSTM {rnn_hidden}, dropout {dropout}; pictures of {image_size} px, windows of {window} frames,
augmentation {augment}. Mel: {mel}.

Vocoder: {vocoder}.

All settings are in bundle.json under "training".

## Limits

{limits}

## Licence

{licence}

## How to reproduce

{reproduce}
"""


def restored_sentence(ids: list[str]) -> str:
    """What a reader must know of targets that are no recordings; empty without any."""
    if not ids:
        return ""
    return (
        f"\nOf {len(ids)} of them the sound was restored (docs/restoration.md): it is an estimate, and so is every "
        "figure against it.\n"
    )


def model_card(
    name: str, acoustic: AcousticResult, vocoder: dict, metrics: dict[str, dict], texts: dict[str, str]
) -> str:
    """MODEL_CARD.md. metrics: title -> `read_metrics`; texts: "data", "limits", "licence", "reproduce"."""
    model, data, mel = acoustic.settings["model"], acoustic.settings["data"], acoustic.mel
    figures = sorted(key for key in acoustic.best if key.startswith(("val/", "band/val")))
    return CARD.format(
        name=name,
        split=split_sentence(data["split"], acoustic.split),
        restored=restored_sentence(acoustic.settings.get("restored", ())),
        metrics=metric_tables(metrics),
        epoch=acoustic.best["epoch"],
        step=acoustic.best["step"],
        validation=", ".join(f"{key} {float(acoustic.best[key]):.3g}" for key in figures),
        cnn=model["cnn"],
        rnn_hidden=model["rnn_hidden"],
        dropout=model["dropout"],
        image_size=acoustic.frames.size,
        window=data["window"] or "all",
        augment=data["augment"],
        mel=f"{mel.n_mels} bins, {mel.sample_rate} Hz, hop {mel.hop_length}, layout {mel.layout}",
        vocoder=vocoder_sentence(vocoder),
        **texts,
    )


def vocoder_sentence(settings: dict) -> str:
    """What the vocoder is and what trained it; settings: as of read_vocoder."""
    if settings["kind"] == "ddsp":
        shape = settings["vocoder"]
        what = (
            f"source-filter (DDSP), {shape['steps']} filters a frame, which begin as the mel's envelope of "
            f"{shape['envelope']} coefficients, {shape['channels']} channels at the mel's rate and "
            f"{shape['fine_channels']} at the filters'; F0 is an input"
        )
    else:
        shape = settings["generator"]
        what = (
            f"HiFi-GAN, {shape['initial_channel']} channels, upsampling {shape['upsample_rates']}, "
            f"input {settings['vocoder_input']}"
        )
    trained = ", ".join(f"{name} ({Path(given['folder']).name})" for name, given in settings.get("sources", {}).items())
    return f"{what}; trained on {trained}" if trained else what


def split_sentence(rule: dict, split: dict[str, list[str]]) -> str:
    """How many recordings each part has, and by which rule they were divided."""
    if rule["by"] == "window":
        return (
            "split by overlapping windows, as in the thesis: training and validation share frames, so the figures "
            "say little about new speech."
        )
    counts = ", ".join(f"{len(split[part])} {part}" for part in ("train", "val", "test"))
    held_out = "".join(
        f"; all of the speakers {', '.join(rule[key])} in {key.split('_')[0]}"
        for key in ("val_speakers", "test_speakers")
        if rule[key]
    )
    return f"{counts} (by {rule['by']}, seed {rule['seed']}{held_out})."


def metric_tables(metrics: dict[str, dict]) -> str:
    """A table for each set of clips: metrics down, synthesis between baseline and topline across."""
    lines = [] if metrics else ["Not measured yet.", ""]
    for title, figures in metrics.items():
        lines += [f"### {title} ({figures['clips']} clips)", ""]
        lines += ["| | baseline: mean mel | synthesis | topline: copy-synthesis |", "|---|---|---|---|"]
        for key, label in CARD_METRICS.items():
            values = [figures.get(c, {}).get(key) for c in ("mean_mel", "synthesis", "copy_synthesis")]
            if any(v is not None for v in values):
                lines.append(f"| {label} | {' | '.join('-' if v is None else f'{v:.3g}' for v in values)} |")
        lines.append("")
    return "\n".join(lines)


DEFAULT_TEXTS = {
    "data": "A corpus made into a dataset by training.preprocess.",
    "limits": "It speaks as its training data does: other speakers, scanners, views and languages are not covered by "
    "the figures under Metrics. It is no medical device.",
    "licence": "Of the weights: that of the training data, if nothing else is said here.",
    "reproduce": """```
python -m training.preprocess --data_dir CORPUS --out_dir DATASET
python -m training.acoustic data_dir=DATASET run_dir=RUN   # with the settings in bundle.json
python -m training.vocoder run_dir=VOCODER_RUN +sources.mine.folder=WAVS
python -m training.publish --acoustic RUN --vocoder VOCODER_RUN --out BUNDLE
```""",
}


def publish(
    acoustic: Annotated[Path, Option("--acoustic", help="Run folder of training.acoustic.")],
    vocoder: Annotated[Path, Option("--vocoder", help="Run of training.vocoder, or a bundle whose vocoder to take.")],
    out: Annotated[Path, Option("--out", help="The new bundle folder.")],
    name: Annotated[str | None, Option("--name", help="Default: the name of the folder.")] = None,
    description: Annotated[str, Option("--description", help="One sentence for the page.")] = "",
    description_ja: Annotated[str, Option("--description-ja", help="The same in Japanese.")] = "",
    metrics: Annotated[
        list[Path] | None, Option("--metrics", help="JSON of `rtmri2speech evaluate --json`; its name is the title.")
    ] = None,
    data: Annotated[Path | None, Option("--data", help="Text file: what the data is.")] = None,
    limits: Annotated[Path | None, Option("--limits", help="Text file: limits of use.")] = None,
    licence: Annotated[Path | None, Option("--licence", help="Text file: licence of the weights.")] = None,
    reproduce: Annotated[Path | None, Option("--reproduce", help="Text file: the commands, corpus first.")] = None,
    pool: Annotated[
        int, Option("--pool", help="2: for pictures twice as large as in training, averaged down before the CNN.")
    ] = 1,
    default_voice: Annotated[
        str | None, Option("--default-voice", "--unasked", help="Of a bundle with a voice: declining, flat or whisper.")
    ] = None,
    light: Annotated[
        bool, Option("--light", help="Share the file of --vocoder, a bundle beside OUT, and leave the graph out.")
    ] = False,
    full: Annotated[bool, Option("--full", help="Store float32 weights; default float16.")] = False,
) -> None:
    """Put a trained acoustic model and vocoder into a bundle with its MODEL_CARD.md."""
    with plain_errors():
        given = {"data": data, "limits": limits, "licence": licence, "reproduce": reproduce}
        refuse_overwriting_inputs([out], [acoustic, vocoder, *(metrics or ()), *given.values()])
        result, (generator, voice) = read_acoustic_run(acoustic, pool), read_vocoder(vocoder)
        if voice["mel"] != result.mel.to_json():
            raise InputError(
                "The mel of {vocoder} is not that of {acoustic}: train both with the same one.",
                vocoder=vocoder,
                acoustic=acoustic,
            )
        if default_voice and result.voice is None:
            raise InputError("The run {folder} has no voice: it cannot speak as asked for.", folder=acoustic)
        tables = {path.stem.replace("_", " "): read_metrics(path) for path in metrics or ()}
        texts = DEFAULT_TEXTS | {key: _text(path) for key, path in given.items() if path}
        title = name or out.name
        bundle = Bundle(
            name=title,
            kind="trained",
            mel=result.mel,
            frames=result.frames,
            scaler=result.scaler,
            acoustic=result.model,
            vocoder=generator,
            description=description,
            description_ja=description_ja,
            voice=replace(result.voice, default=default_voice) if default_voice and result.voice else result.voice,
            training={
                "acoustic": _portable(result.settings),
                "split": result.split,
                "best_epoch": result.best,
                "vocoder": _portable(voice),
                "metrics": tables,
            },
        )
        card = model_card(title, result, voice, tables, texts)
        bundle.save(out, half=not full, beside=vocoder if light else None, card=card)
    print(f"{out} is ready: python -m rtmri2speech synth CLIP -o OUT.wav --bundle {out}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("Cannot read the text {path}: {reason}.", path=path, reason=error) from None


def _portable(settings):
    """Settings without the paths of the machine that trained: of an absolute path, only its last name."""
    if isinstance(settings, dict):
        return {key: _portable(value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [_portable(value) for value in settings]
    if isinstance(settings, str) and Path(settings).is_absolute():
        return Path(settings).name
    return settings


if __name__ == "__main__":
    typer.run(publish)

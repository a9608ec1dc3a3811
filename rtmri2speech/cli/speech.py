"""Speech of clips, its quality, and restoration of recordings: synth, evaluate, restore."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from ..files import refuse_overwriting_inputs
from ..names import readable
from .options import (
    BundleOption,
    DeviceOption,
    FpsOption,
    IntonationOption,
    JsonOption,
    OutFile,
    PitchOption,
    PrecisionOption,
    VideoArgument,
    WhisperOption,
)
from .terminal import peak_memory_mb, print_json, progress_bar, read_clip, tell, warning


def synth(
    video: VideoArgument,
    output: OutFile,
    bundle: BundleOption = None,
    mel: Annotated[Path | None, typer.Option("--mel", help="Also write the dB mel (T, 64) as .npy.")] = None,
    pitch: PitchOption = None,
    intonation: IntonationOption = None,
    whisper: WhisperOption = False,
    fps: FpsOption = None,
    precision: PrecisionOption = "fp32",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
):
    """Synthesise the speech of a clip.

    Pitch and intonation need a bundle with a voice. They are choices, not predictions.
    """
    from ..analysis.pipeline import analyse
    from ..models.device import device_name
    from ..models.load import load_bundle
    from ..speech.audio import write_audio
    from ..speech.mel import write_mel
    from ..speech.voice import asked_voice

    refuse_overwriting_inputs([output, mel], [video, bundle])
    voice = asked_voice(pitch, intonation, whisper)
    loaded = load_bundle(bundle)
    with progress_bar() as progress:
        start = time.perf_counter()
        clip = read_clip(video, fps=fps, progress=progress.part(None, 0, 0.1))
        decode_s = time.perf_counter() - start
        part = progress.part(None, 0.1, 1)
        result = analyse(loaded, clip, bands=(), precision=precision, voice=voice, progress=part)
        total_s = time.perf_counter() - start
    write_audio(output, result.audio, result.sample_rate)
    if mel:
        write_mel(mel, result.mel_db)
    if as_json:
        report = {
            "frames": len(result.mel_db),
            "fps": result.fps,
            "duration_s": clip.duration,
            "clip_frames": len(clip.frames),
            "clip_fps": clip.fps,
            "bundle": loaded.name,
            "bundle_kind": loaded.kind,
            "precision": result.settings.precision,
            "device": device_name(loaded.device),
            "seconds": {
                "decode": decode_s,
                "acoustic": result.seconds["acoustic"],
                "vocoder": result.seconds["vocoder"],
                "total": total_s,
            },
            "realtime_factor": total_s / clip.duration,
            "peak_memory_mb": peak_memory_mb(),
        }
        print_json(report)
    else:
        print(f"{output}: {clip.duration:.2f} s of speech in {total_s:.2f} s{warning(loaded)}")


def evaluate(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Clips with sound, or folders of such clips.")],
    bundle: BundleOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
):
    """Score the synthesised speech of clips against their sound.

    A .wav of the same name beside a clip is its sound. Exit code 1: some clips were left out.
    """
    from ..evaluation.speech_quality import CANDIDATES, clips_in, evaluate_clip, mean_over_clips, read_with_sound
    from ..models.load import load_bundle

    loaded = load_bundle(bundle)
    files = [file for path in paths for file in clips_in(path)]
    results, left_out = {}, {}
    for number, file in enumerate(files):
        with progress_bar(f"{number + 1}/{len(files)} {file.name}") as progress:
            try:
                clip = read_with_sound(file, progress.part(None, 0, 0.1))
                results[str(file)] = evaluate_clip(loaded, clip, progress.part(None, 0.1, 1))
            except InputError as error:
                if len(files) == 1:
                    raise
                left_out[str(file)] = str(error)
                tell(f"left out {file}: {error}")
                continue
        for note in clip.notes:
            tell(f"{file}: {note}")
    if not results:
        raise InputError(
            "None of the {count} clips can be used; {name}: {reason}",
            count=len(files),
            name=next(iter(left_out)),
            reason=next(iter(left_out.values())),
        )
    means = mean_over_clips(list(results.values()))
    if as_json:
        print_json({"bundle": loaded.name, "clips": results, "left_out": left_out, "mean": means})
        raise typer.Exit(1 if left_out else 0)
    metrics = list(means["synthesis"])
    for name, result in [*results.items(), ("mean", means)]:
        print(readable(f"{name}{warning(loaded) if name == 'mean' else ''}"))
        for candidate, meaning in CANDIDATES.items():
            values = "  ".join(f"{metric} {_number(result[candidate][metric])}" for metric in metrics)
            print(f"  {candidate:<15} {values}   ({meaning})")
    raise typer.Exit(1 if left_out else 0)


def restore(
    sound: Annotated[Path, typer.Argument(metavar="IN.wav", help="A recording (WAV, FLAC, OGG, MP3) of any length.")],
    output: OutFile,
    method: Annotated[
        str | None,
        typer.Option(help="classical (default) or neural (default with --bundle); see docs/restoration.md."),
    ] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Restoration bundle for the neural method.")] = None,
    as_json: JsonOption = False,
):
    """Remove scanner noise from a recording.

    The result is an estimate: keep the recording, and measure on that.
    """
    from ..restore import restore_file

    if bundle and method == "classical":
        raise InputError("The classical method takes no bundle: leave out --bundle, or choose --method neural.")
    refuse_overwriting_inputs([output], [sound, bundle])
    with progress_bar() as progress:
        report = restore_file(sound, output, method or ("neural" if bundle else "classical"), bundle, progress)
    if report["clipped_from"]:
        tell(
            f"the restored sound reaches {report['clipped_from']:.2f} times full scale and was clipped: a .wav of a "
            "recording in floats keeps it."
        )
    if as_json:
        print_json(report | {"peak_memory_mb": peak_memory_mb()})
    elif report["silent"]:
        print(f"{output}: {report['duration_s']:.2f} s of silence, as in the recording: there was nothing to restore")
    else:
        done = f"{output}: {report['duration_s']:.2f} s restored in {report['seconds']:.2f} s ({report['method']})"
        demonstration = method == "neural" and not bundle
        print(done + "; the embedded bundle is a demonstration, far worse than classical" * demonstration)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

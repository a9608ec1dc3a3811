"""A corpus of recordings -> the dataset the training reads: see training.preprocess."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from rtmri2speech.errors import InputError
from rtmri2speech.files import replacing, write_json
from rtmri2speech.speech.audio import fit, write_audio
from rtmri2speech.speech.mel import Scaler

from .phantom_truth import truth_file
from .sample import Settings, make_sample, sound_peak
from .sources import Source

FORMAT = "rtmri2speech dataset"


def write_sample(source: Source, settings: Settings, out_dir: Path, keep_wav: bool) -> dict:
    """Make samples/<ID> unless it is there already, made from the same files with the same settings.

    Returns {"id", "speaker", "text", ...checks}, or {"id", "reason"} for a recording that cannot be used.
    Raises InputError only when the result cannot be written.
    """
    folder, wav = out_dir / "samples" / source.id, out_dir / "wavs" / f"{source.id}.wav"
    origin = {"settings": asdict(settings), "video": _stamp(source.video), "audio": _stamp(source.audio)}
    origin["truth"] = _stamp(truth_file(source.video))
    # As before there was the choice, so that samples made then are not made again.
    for name in ("restore", "allow_restored", "top_db", "gain", "gray"):
        if origin["settings"][name] == getattr(Settings, name):
            del origin["settings"][name]
    if settings.mel.layout == "thesis":
        origin["made_up_rows"] = "masked"  # until then they counted as heard
    origin = json.loads(json.dumps(origin))
    done = _read_json(folder / "source.json")
    if done and done.get("origin") == origin and (wav.is_file() or not keep_wav):
        return _entry(source, done["checks"])
    try:
        sample = make_sample(source, settings)
    except InputError as error:
        return {"id": source.id, "reason": str(error).rstrip(".")}
    if folder.exists():
        shutil.rmtree(folder)
    if keep_wav:
        write_audio(wav, fit(sample.waveform, len(sample.mri) * settings.mel.hop_length), settings.mel.sample_rate)
    with replacing(folder) as temporary:
        temporary.mkdir()
        for name in ("mri", "mel_db", "mask", "regions", "articulation"):
            if getattr(sample, name) is not None:
                np.save(temporary / f"{name}.npy", getattr(sample, name))
        write_json(temporary / "source.json", {"origin": origin, "checks": sample.checks})
    return _entry(source, sample.checks)


def _entry(source: Source, checks: dict) -> dict:
    return {"id": source.id, "speaker": source.speaker, "text": source.text, **checks}


def _stamp(path: Path | None) -> list | None:
    """Name, size and time of a file (or of the files of a folder): enough to see that it changed."""
    if path is None:
        return None
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    stats = [f.stat() for f in files]
    return [path.name, len(files), sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0)]


def _read_json(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def run_jobs(work: Callable, items: list, *, jobs: int, backend: str, scheduler: str | None) -> Iterator:
    """work(item) for each item, in order, over `jobs` processes of this machine or over a Dask cluster."""
    import joblib

    call = joblib.delayed(work)
    if backend == "dask":
        try:
            from distributed import Client
        except ImportError:
            raise InputError("--backend dask needs the package distributed: pip install distributed.") from None
        try:
            client = Client(scheduler, timeout="10s")
        except (OSError, ValueError) as error:
            raise InputError(
                "No Dask scheduler answers at {scheduler}: {reason}.", scheduler=scheduler, reason=error
            ) from None
        with client, joblib.parallel_config(backend="dask"):
            yield from joblib.Parallel()(call(item) for item in items)
    else:
        yield from joblib.Parallel(n_jobs=jobs, backend="loky", return_as="generator")(call(item) for item in items)


def corpus_peak(sources: list[Source], settings: Settings, *, jobs: int, backend: str, scheduler: str | None) -> float:
    """Largest absolute sample of all recordings at the mel's rate. Raises InputError if all are silent."""
    work = partial(sound_peak, settings=settings)
    peak = max(run_jobs(work, sources, jobs=jobs, backend=backend, scheduler=scheduler), default=0.0)
    if not peak:
        raise InputError("None of the {count} recordings has a sound that is not silent.", count=len(sources))
    return peak


def write_dataset(
    sources: list[Source],
    unusable: dict[str, str],
    settings: Settings,
    out_dir: Path,
    *,
    keep_wav: bool = False,
    jobs: int = 1,
    backend: str = "loky",
    scheduler: str | None = None,
    tell: Callable[[str], None] = print,
) -> dict:
    """Make all samples, then scaler.json and meta.json; returns meta.json's content.

    Recordings that cannot be used are told, listed under "skipped" and left out.
    Raises InputError if none can be used, or if the dataset cannot be written.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    skipped = dict(unusable)
    for id_, reason in skipped.items():
        tell(f"left out {id_}: {reason}")
    used = {}
    work = partial(write_sample, settings=settings, out_dir=out_dir, keep_wav=keep_wav)
    for k, entry in enumerate(run_jobs(work, sources, jobs=jobs, backend=backend, scheduler=scheduler), 1):
        id_ = entry.pop("id")
        if "reason" in entry:
            skipped[id_] = entry["reason"]
            tell(f"{k}/{len(sources)} left out {id_}: {entry['reason']}")
        else:
            used[id_] = entry
            tell(f"{k}/{len(sources)} {id_}: {_summary(entry)}")
    if not used:
        raise InputError(
            "None of the {count} recordings can be used; {name}: {reason}.",
            count=len(skipped),
            name=min(skipped),
            reason=skipped[min(skipped)],
        )

    mels = []
    for id_ in used:
        folder = out_dir / "samples" / id_
        mels.append(np.load(folder / "mel_db.npy")[np.load(folder / "mask.npy")])
    Scaler.fit(mels).write(out_dir / "scaler.json")
    meta = {
        "format": FORMAT,
        "mel": settings.mel.to_json(),
        "frames": settings.frames.to_json(),
        "level_dbfs": settings.level_dbfs,
        "gain": settings.gain,
        "top_db": settings.top_db,
        "gray": settings.gray,
        "restored": settings.restore,
        "total_s": round(sum(entry["video_s"] for entry in used.values()), 2),
        "utterances": used,
        "skipped": dict(sorted(skipped.items())),
    }
    write_json(out_dir / "meta.json", meta)
    return meta


def _summary(entry: dict) -> str:
    lag = entry["audio_lag_s"]
    sync = "" if lag is None else f", sound {1000 * lag:+.0f} ms (correlation {entry['audio_lag_correlation']:.2f})"
    longer_s, level = entry["audio_s"] - entry["video_s"], entry["level_dbfs"]
    notes = "".join(f"; note: {note}" for note in entry.get("notes", ()))
    told = f"{entry['frames']} frames, {entry['video_s']:.2f} s, sound {longer_s:+.2f} s longer, {level:.0f} dBFS"
    return f"{told}{sync}{notes}"

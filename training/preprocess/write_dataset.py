"""A corpus of recordings -> the dataset the training reads: see training.preprocess."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_write, write_json
from rtmri2speech.spec import FrameSpec
from rtmri2speech.speech.audio import fit, write_audio
from rtmri2speech.speech.mel import Scaler

from .phantom_truth import truth_file
from .sample import Settings, make_sample, sound_peak
from .sources import Source
from .tract_mask import write_tract_mask

FORMAT = "rtmri2speech dataset"


def write_sample(source: Source, settings: Settings, out_dir: Path, keep_wav: bool) -> dict:
    """Make samples/<ID> unless it is there already, made from the same files with the same settings.

    Returns {"id", "speaker", "text", ...checks}, or {"id", "reason"} for a recording that cannot be used.
    Raises InputError only when the result cannot be written.
    """
    folder, wav = out_dir / "samples" / source.id, out_dir / "wavs" / f"{source.id}.wav"
    origin = {"settings": _told(settings), "video": _stamp(source.video), "audio": _stamp(source.audio)}
    origin["truth"] = _stamp(truth_file(source.video))
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
    if keep_wav:
        write_audio(wav, fit(sample.waveform, len(sample.mri) * settings.mel.hop_length), settings.mel.sample_rate)
    with atomic_write(folder) as temporary:
        temporary.mkdir()
        for name in ("mri", "mel_db", "mask", "regions", "articulation"):
            if getattr(sample, name) is not None:
                np.save(temporary / f"{name}.npy", getattr(sample, name))
        if sample.tract:
            write_tract_mask(temporary, sample.tract)
        write_json(temporary / "source.json", {"origin": origin, "checks": sample.checks})
        if folder.exists():
            shutil.rmtree(folder)
    return _entry(source, sample.checks)


def _told(settings: Settings) -> dict:
    """The settings as JSON, without those of their default that older samples do not tell, which need not be made again
    for that."""
    told = json.loads(json.dumps(asdict(settings)))
    if settings.frames.view == FrameSpec.view:
        del told["frames"]["view"]
    newer = ("restore", "allow_restored", "top_db", "gain", "gray", "shift_s")
    return {name: value for name, value in told.items() if name not in newer or value != getattr(Settings, name)}


def require_same_dataset(out_dir: Path, settings: Settings) -> None:
    """Raises InputError, naming the setting, if a dataset that is there was made with others and would be replaced.

    The gain is not compared: it follows the corpus, which may have grown.
    """
    now, default = _flat(asdict(settings)), _flat(asdict(Settings()))
    for source in sorted((out_dir / "samples").glob("*/source.json")):
        origin = (_read_json(source) or {}).get("origin") or {}
        then = _flat(asdict(Settings()) | origin.get("settings", asdict(settings)))
        for name, value in now.items():
            if name != "gain" and then.get(name, default[name]) != value:
                raise InputError(
                    "The dataset in {folder} was made with {name} = {then}, not {now}: give that again, another "
                    "--out_dir, or --restart to make it anew.",
                    folder=out_dir,
                    name=name,
                    then=then.get(name, default[name]),
                    now=value,
                )


def _flat(settings: dict) -> dict:
    """{"mel": {"layout": x}} -> {"mel.layout": x}."""
    return {
        f"{name}.{inner}" if isinstance(value, dict) else name: part
        for name, value in settings.items()
        for inner, part in (value.items() if isinstance(value, dict) else (("", value),))
    }


def shift_of(out_dir: Path) -> float | None:
    """The shift of the dataset that is there, s; None without one."""
    for source in sorted((out_dir / "samples").glob("*/source.json")):
        return ((_read_json(source) or {}).get("origin") or {}).get("settings", {}).get("shift_s", Settings.shift_s)
    return None


def set_aside(out_dir: Path) -> None:
    """--restart: move the dataset that is there into <out_dir>/before_<time>."""
    made = ("samples", "scaler.json", "meta.json", "wavs", "hifigan_filelists")
    old = [path for name in (*made, "pairs_ref*") for path in out_dir.glob(name)]
    if old:
        kept = out_dir / time.strftime("before_%Y%m%d_%H%M%S")
        kept.mkdir()
        for path in old:
            path.replace(kept / path.name)
        print(f"made anew; the earlier dataset is kept in {kept}", file=sys.stderr, flush=True)


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
    sync: dict | None = None,
    jobs: int = 1,
    backend: str = "loky",
    scheduler: str | None = None,
    tell: Callable[[str], None] = print,
) -> dict:
    """Make all samples, then scaler.json and meta.json; returns meta.json's content.

    Recordings that cannot be used are told, listed under "skipped" and left out.
    Raises InputError if none can be used, the dataset was made with other settings, or it cannot be written.
    """
    require_same_dataset(out_dir, settings)
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
        "shift_s": settings.shift_s,
        **({"sync": sync} if sync else {}),
        "restored": settings.restore,
        "total_s": round(sum(entry["video_s"] for entry in used.values()), 2),
        "utterances": used,
        "skipped": dict(sorted(skipped.items())),
    }
    write_json(out_dir / "meta.json", meta)
    return meta


def _summary(entry: dict) -> str:
    longer_s, level = entry["audio_s"] - entry["video_s"], entry["level_dbfs"]
    notes = "".join(f"; note: {note}" for note in entry.get("notes", ()))
    told = f"{entry['frames']} frames, {entry['video_s']:.2f} s, sound {longer_s:+.2f} s longer, {level:.0f} dBFS"
    return f"{told}{notes}"

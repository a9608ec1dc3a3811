"""The thesis' own code beside this one, number for number.

    python -m benchmarks.against_thesis THESIS_DIR [--clips FOLDER] [--frames 24] [--write FILE.md]

THESIS_DIR is a checkout of the thesis' code (YamaneKoyo/mri-to-speech); its files are run as they are, but for one
that is in Shift-JIS (cp932), which Python reads only as UTF-8. Weights are
random, of the thesis' size, made in the old programs' layout and converted by this one. --clips: a folder of clips
with sound, at the model's rate; default: the embedded ones. --frames: of the first clip, for the networks.
--write: put the table into this file, between its two marks.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.assets import ASSETS
from rtmri2speech.attribution.upsampling import upsample_grid
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.frame_rate import retime
from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.models.convert import convert, read_hifigan_generator
from rtmri2speech.spec import F1, F2, MelSpec
from rtmri2speech.speech.audio import write_audio
from rtmri2speech.speech.mel import band_bins
from tests.models.plain_vocoder import checkpoint, config, relative_rms, speak

MARKS = ("<!-- against_thesis: begin -->", "<!-- against_thesis: end -->")
BANDS = (F1, F2)


@dataclass(frozen=True)
class Row:
    """A line of the table: what is compared, what the old and the new code gave, and how far they are apart."""

    what: str
    old: str
    new: str
    difference: str


@dataclass(frozen=True)
class Old:
    """The thesis' modules."""

    folder: Path
    infer: object
    cam: object
    acoustic: object
    vocoder: object
    pairs: object

    @classmethod
    def of(cls, folder: Path) -> "Old":
        for place in (folder / "mri2speech_code", folder / "scripts", folder):
            sys.path.insert(0, str(place))
        import dataset_fixedlen
        import models
        import mri_acoustic_model
        import mri_gradcam_formant
        import run_mri_video_inference

        modules = (run_mri_video_inference, mri_gradcam_formant, mri_acoustic_model, models, dataset_fixedlen)
        return cls(folder, *modules)

    def run(self, script: str, *words: str | Path) -> None:
        """One of its programs, as a person would start it."""
        command = [sys.executable, str(self.folder / script), *map(str, words)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def readable(folder: Path, place: Path) -> Path:
    """A copy of a checkout in `place`, in which Python can read every program: one that is not in UTF-8 and does not
    name its encoding is taken for cp932. What is no program is linked."""

    def copy(source: str, target: str) -> None:
        path = Path(source)
        if path.suffix != ".py":
            Path(target).symlink_to(path.resolve())
            return
        content = path.read_bytes()
        try:
            with tokenize.open(source) as file:
                file.read()
        except (SyntaxError, UnicodeDecodeError):
            content = content.decode("cp932").encode()
        Path(target).write_bytes(content)

    return Path(shutil.copytree(folder, place, ignore=shutil.ignore_patterns(".git"), copy_function=copy))


def apart(old: np.ndarray, new: np.ndarray, unit: str = "") -> str:
    """ "largest 0.012 dB, mean 0.0001 dB"."""
    difference = np.abs(np.asarray(old, np.float64) - np.asarray(new, np.float64))
    unit = unit and f" {unit}"
    return f"largest {difference.max():.2g}{unit}, mean {difference.mean():.2g}{unit}"


def frames(old: Old, clips: list[Path]) -> Row:
    before = [old.infer.load_video_frames(clip).numpy() for clip in clips]
    after = [prepare_frames(retime(read_clip(clip), MelSpec().fps), 256) for clip in clips]
    return Row("Frames at inference, 0 to 1", _count(before), _count(after), apart(*_joined(before, after)))


def corpus(old: Old, clips: list[Path], place: Path) -> Iterator[Row]:
    """Both preprocessings on the same clips and sounds."""
    for clip in clips:
        (place / "corpus").mkdir(exist_ok=True)
        (place / "corpus" / clip.name).write_bytes(clip.read_bytes())
        read = read_clip(clip)
        write_audio(place / "corpus" / f"{clip.stem}.wav", read.audio, read.audio_rate)
    before, after = place / "old", place / "new"
    old.run("mri2speech_code/preprocess_rtmri_data.py", "--data_dir", place / "corpus", "--out_dir", before)
    old.run("scripts/create_rtmri_filelists.py", place / "corpus", before / "hifigan_filelists")
    words = ["--thesis", "--pairs", "--hifigan_filelists", "--jobs", "1"]
    places = ["--data_dir", place / "corpus", "--out_dir", after]
    command = [sys.executable, "-m", "training.preprocess", *map(str, places), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    samples = {folder: [folder / "samples" / clip.stem for clip in clips] for folder in (before, after)}
    masks = [np.load(sample / "mask.npy").astype(bool) for sample in samples[after]]
    made = {}
    for name in ("mri", "mel_db"):
        theirs = [np.load(sample / f"{name}.npy") for sample in samples[before]]
        ours = [np.load(s / f"{name}.npy")[mask] for s, mask in zip(samples[after], masks, strict=True)]
        made[name] = (theirs, [array / np.float32(255) for array in ours] if name == "mri" else ours)
    yield Row("Frames of a dataset, 0 to 1", *map(_count, made["mri"]), apart(*_joined(*made["mri"])))
    yield Row("Mel of a dataset", *map(_count, made["mel_db"]), apart(*_joined(*made["mel_db"]), "dB"))
    scalers = [json.loads((folder / "scaler.json").read_text(encoding="utf-8")) for folder in (before, after)]
    for name in ("mean", "std"):
        values = [np.array(scaler[name]) for scaler in scalers]
        told = (f"{scaler['count_frames']} frames" for scaler in scalers)
        yield Row(f"Scaler, {name}", *told, apart(*values, "dB"))

    how = {"cache_index": False, "debug_print": False}
    read = [old.pairs.FixedLenPairDataset(str(folder), 4, **how) for folder in (before, after)]
    told = [f"{len(pairs)} windows" for pairs in read]
    if len(read[0]) == len(read[1]):
        items = [[pairs[k] for k in range(0, len(pairs), 7)] for pairs in read]
        for name, meaning in (("mri", "frames"), ("mel", "standardised mel"), ("mask", "mask")):
            values = [np.stack([item[name].numpy() for item in side]) for side in items]
            yield Row(f"Pairs as its training reads them, {meaning}", *told, apart(*values))
    else:
        yield Row("Pairs as its training reads them", *told, "not the same windows")
    lists = [
        [(folder / "hifigan_filelists" / f"{name}.txt").read_text() for name in ("training", "validation")]
        for folder in (before, after)
    ]
    counts = (f"{side[0].count('|dummy|dummy')} + {side[1].count('|dummy|dummy')} lines" for side in lists)
    yield Row("HiFi-GAN's file lists", *counts, "the same" if lists[0] == lists[1] else "not the same")


def networks(old: Old, clip: Path, count: int, place: Path) -> Iterator[Row]:
    """Acoustic model, both vocoders and Grad-CAM of random weights."""
    seen = old.infer.load_video_frames(clip, max_frames=count)
    theirs = _lively(old.acoustic.build_acoustic_model(), seen)
    torch.save({"model_state_dict": theirs.state_dict(), "epoch": 1}, place / "acoustic.pt")
    random = np.random.default_rng(0)
    scaler = {"mean": random.uniform(-60, -20, 64).tolist(), "std": random.uniform(5, 12, 64).tolist()}
    (place / "scaler.json").write_text(json.dumps(scaler), encoding="utf-8")
    h = config(channels=512)
    (place / "config.json").write_text(json.dumps(h), encoding="utf-8")
    for name, thesis in (("g_00000001", True), ("g_00000002", False)):
        torch.save({"generator": checkpoint(h, thesis)}, place / name)
    files = (place / "acoustic.pt", place / "scaler.json", place / "g_00000001", place / "config.json")
    bundle = convert(*files)
    mean, std = old.infer.load_scaler(place / "scaler.json")

    with torch.no_grad():
        standard = theirs(old.infer.frames_to_tensor(seen))[0]
        mel = old.infer.denormalize_mel(standard, mean, std).numpy()
        same = bundle.scaler.to_db(bundle.acoustic(seen[None, :, None])[0]).numpy()
    yield Row("Acoustic model on the same frames", _shape(mel), _shape(same), apart(mel, same, "dB"))
    whole = read_clip(clip)
    cut = replace(whole, frames=whole.frames[: len(seen)], times_s=whole.times_s[: len(seen) + 1])
    choices = {"objective": "sequence", "energy": "power", "normalize": "frame", "silence": "show"}
    result = analyse(bundle, cut, BANDS, **choices, precision="fp32")
    yield Row("From the clip to its mel", _shape(mel), _shape(result.mel_db), apart(mel, result.mel_db, "dB"))
    # For what comes after the frames, both get the same ones, in 8 bits.
    gray = np.rint(255 * seen.numpy()).astype(np.uint8)
    seen = torch.from_numpy(prepare_frames(gray, 256))
    result = analyse(bundle, replace(cut, frames=gray), BANDS, **choices, precision="fp32")

    log_mel = torch.from_numpy(mel * np.float32(np.log(10) / 10)).clamp_min(np.log(1e-5)).T[None]
    with torch.no_grad():
        settings = old.infer.AttrDict(h)
        generator = old.vocoder.Generator(settings).eval()
        generator.load_state_dict(checkpoint(h, True))
        wanted, given = generator(log_mel), bundle.vocoder(log_mel)
        yield Row("Vocoder, the thesis' layout", _samples(wanted), _samples(given), _rms(given, wanted))
        wanted = speak(checkpoint(h, False), h, log_mel, thesis=False)
        given = read_hifigan_generator(place / "g_00000002", place / "config.json", MelSpec())(log_mel)
        what = "Vocoder, HiFi-GAN's layout (`tests/models/plain_vocoder.py` in place of its code)"
        yield Row(what, _samples(wanted), _samples(given), _rms(given, wanted))
    yield from _gradcam(old, theirs, seen, mean, std, result)


def _gradcam(old: Old, theirs, seen, mean, std, result) -> Iterator[Row]:
    indices = old.cam.parse_band_arguments(None, 64, 11413, 0.0, 8000.0)
    for band in BANDS:
        own = band_bins(MelSpec(), band)
        told = f"bins {indices[band.name][0]}-{indices[band.name][-1]}", f"bins {own[0]}-{own[-1]}"
        maps = np.stack(list(upsample_grid(np.maximum(result.cam[band.name], 0), method="thesis")))
        as_it_is = _their_maps(old, theirs, seen, mean, std, indices[band.name])
        yield Row(f"Grad-CAM of {band.name}, `--thesis`", *told, _alike(as_it_is, maps))
        theirs.train = lambda mode=True: theirs  # BatchNorm stays in eval
        evaluated = _their_maps(old, theirs, seen, mean, std, own)
        del theirs.train
        what = f"Grad-CAM of {band.name}, the old code with BatchNorm in eval and this code's bins"
        yield Row(what, told[1], told[1], f"{apart(evaluated, maps)}; {_alike(evaluated, maps)}")


def _their_maps(old: Old, model, seen: torch.Tensor, mean, std, bins) -> np.ndarray:
    saved = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    maps = old.cam.compute_gradcam(model, old.infer.frames_to_tensor(seen), mean, std, bins).heatmaps.numpy()
    model.load_state_dict(saved)  # BatchNorm in train mode has changed its statistics
    return maps


def _lively(model, seen: torch.Tensor):
    """Random weights whose BatchNorm has the statistics of these frames, so that outputs follow the frames."""
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(seen[None, :, None])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return model.eval()


def _alike(old: np.ndarray, new: np.ndarray) -> str:
    return f"correlation {np.corrcoef(old.ravel(), new.ravel())[0, 1]:.4f}"


def _rms(given: torch.Tensor, wanted: torch.Tensor) -> str:
    return f"rms {relative_rms(given, wanted):.2g} of the signal's"


def _samples(sound: torch.Tensor) -> str:
    return f"{sound.shape[-1]} samples"


def _shape(array: np.ndarray) -> str:
    return " x ".join(map(str, array.shape))


def _count(arrays: list[np.ndarray]) -> str:
    return f"{sum(map(len, arrays))} frames"


def _joined(old: list[np.ndarray], new: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Both as one array, as far as they go together."""
    pairs = [(a[: len(b)], b[: len(a)]) for a, b in zip(old, new, strict=True)]
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])


def table(rows: list[Row]) -> str:
    lines = ["| What | Old code | This code | Difference |", "|---|---|---|---|"]
    return "\n".join(lines + [f"| {row.what} | {row.old} | {row.new} | {row.difference} |" for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against_thesis", description=__doc__.splitlines()[0])
    parser.add_argument("thesis", type=Path, help="a checkout of the thesis' code")
    parser.add_argument("--clips", type=Path, default=ASSETS / "clips", help="clips with sound, 256 pixels, 27.17 fps")
    parser.add_argument("--frames", type=int, default=24, help="of the first clip, for the networks")
    parser.add_argument("--write", type=Path, help="put the table between the marks of this file")
    args = parser.parse_args()
    torch.manual_seed(0)
    clips = sorted(args.clips.glob("*.mp4"))
    with tempfile.TemporaryDirectory() as place:
        old = Old.of(readable(args.thesis.resolve(), Path(place) / "thesis"))
        rows = [
            frames(old, clips),
            *corpus(old, clips, Path(place)),
            *networks(old, clips[0], args.frames, Path(place)),
        ]
    made = table(rows)
    print(made)
    if args.write:
        text = args.write.read_text(encoding="utf-8")
        begin, end = (text.index(mark) for mark in MARKS)
        text = f"{text[: begin + len(MARKS[0])]}\n{made}\n{text[end:]}"
        args.write.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

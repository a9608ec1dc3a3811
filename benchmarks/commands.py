"""Whole commands in fresh processes, imports included, with a bundle of the thesis' full size."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .material import FPS, thesis_bundle, write_clip

# The child reports its own processor time and peak memory: Linux' ru_maxrss, in KiB.
_CHILD = (
    "import resource, sys; from rtmri2speech.cli import main; code = main(sys.argv[1:]);"
    "used = resource.getrusage(resource.RUSAGE_SELF);"
    "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr); sys.exit(code)"
)


def measure() -> dict:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        thesis_bundle().save(folder / "bundle")
        clip, long_clip = write_clip(folder / "clip.mp4", 104), write_clip(folder / "long.mp4", round(10 * FPS))
        bundle = ["--bundle", folder / "bundle"]
        bands = ["--formant-band", "F1:300-900", "--formant-band", "F2:900-2500", "--target-frames", "60", "90"]
        gradcam = [
            _timed([sys.executable, "-c", _CHILD, "gradcam", clip, "-o", folder / f"gc{k}", *bands, *bundle])
            for k in range(3)
        ]
        synth = [
            json.loads(_timed([*_command("synth"), long_clip, "-o", folder / "o.wav", "--json", *bundle])[1])
            for _ in range(3)
        ]
        return {
            "gradcam, 104 frames, whole command (s)": min(seconds for seconds, *_ in gradcam),
            "gradcam, processor time, all cores together (s)": min(float(err.split()[-2]) for *_, err in gradcam),
            "gradcam, peak memory (MiB)": max(float(err.split()[-1]) for *_, err in gradcam),
            "synth, 10 s clip, real-time factor": min(report["realtime_factor"] for report in synth),
            "synth, of it the CNN and the BiLSTM": min(report["seconds"]["acoustic"] for report in synth) / 10,
            "synth, of it the vocoder": min(report["seconds"]["vocoder"] for report in synth) / 10,
            "synth precision": synth[0]["precision"],
            "import rtmri2speech (s)": _best([sys.executable, "-c", "import rtmri2speech"]),
            "--help (s)": _best([sys.executable, "-m", "rtmri2speech", "--help"]),
        }


def _command(name: str) -> list:
    return [sys.executable, "-m", "rtmri2speech", name]


def _best(command: list) -> float:
    return min(_timed(command)[0] for _ in range(5))


def _timed(command: list) -> tuple[float, str, str]:
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return time.perf_counter() - start, done.stdout, done.stderr

"""`restore` on a long noisy recording, in a fresh process: real-time factor and peak memory of each method."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from rtmri2speech.restore.sound import DEFAULT_BUNDLE

MINUTES = 30
RATE = 16_000


def measure() -> dict:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        long, short = write_noisy(folder / "long.wav", MINUTES), write_noisy(folder / "short.wav", 2)
        results = {}
        for method in ("classical", "neural") if (DEFAULT_BUNDLE / "restore.json").is_file() else ("classical",):
            for name, sound in ((f"{MINUTES} min", long), ("2 min", short)):
                command = [sys.executable, "-m", "rtmri2speech", "restore", sound, "-o", folder / "out.wav"]
                done = subprocess.run([*command, "--method", method, "--json"], capture_output=True, check=True)
                report = json.loads(done.stdout)
                results[f"{method}, {name}, real-time factor"] = report["realtime_factor"]
                results[f"{method}, {name}, peak memory (MiB)"] = report["peak_memory_mb"]
        return results


def write_noisy(path: Path, minutes: float) -> Path:
    """A 16-bit recording of periodic noise and hiss; what is in it does not change the time taken."""
    random = np.random.default_rng(0)
    minute = RATE * 60
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        for k in range(round(minutes)):
            t = (np.arange(minute) + k * minute) / RATE
            lines = sum(np.cos(2 * np.pi * h / 0.00607 * t) for h in range(1, 20, 3))
            file.write(0.03 * lines + 0.03 * random.standard_normal(minute))
    return path

"""How far the estimate of sync can be believed: clips that are in sync, their sound moved by known times.

    python -m benchmarks.sync [FOLDER]

FOLDER: clips with sound, in sync; default the embedded ones, others from training.phantom. Told are the error of the
estimate over all clips and shifts that it is sure of, how many these are, and how often it is sure of another clip's
sound, to which nothing belongs.
"""

import argparse
from pathlib import Path

import numpy as np

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.reference import earlier, fit_of
from rtmri2speech.assets import ASSETS
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.models.load import load_bundle
from rtmri2speech.speech.audio import read_audio

SHIFTS_MS = (-400, -300, -200, -110, -74, -40, 0, 40, 74, 110, 200, 300, 400)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sync", description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ASSETS / "clips")
    folder = parser.parse_args().folder
    bundle = load_bundle("phantom")
    paths = [path for path in sorted(folder.iterdir()) if path.suffix in (".mp4", ".mkv")]
    clips = [read_clip(path) for path in paths]
    beside = [path.with_suffix(".wav") for path in paths]
    sounds = [read_audio(wav) if wav.is_file() else clip.sound for wav, clip in zip(beside, clips, strict=True)]
    heard = [analyse(bundle, clip, (), speak=False) for clip in clips]
    errors, in_sync, asked, others = [], [], 0, []
    for k, analysis in enumerate(heard):
        for shift_ms in SHIFTS_MS:
            found = fit_of(earlier(sounds[k], -shift_ms / 1000), analysis, bundle.mel).lag_s
            asked += 1
            if found is not None:
                errors.append(1000 * found - shift_ms)
                if shift_ms == 0:
                    in_sync.append(1000 * found)
        others.append(fit_of(sounds[k - 1], analysis, bundle.mel).lag_s is not None)
    size = np.abs(errors)
    print(f"{len(clips)} clips, {len(SHIFTS_MS)} shifts: sure of {len(errors)} of {asked}")
    print(
        f"error, ms: median {np.median(size):.0f}, 95 % below {np.percentile(size, 95):.0f}, largest {size.max():.0f}"
    )
    print(f"in sync: {sum(lag != 0 for lag in in_sync)} of {len(in_sync)} told otherwise")
    print(f"another clip's sound: sure of {sum(others)} of {len(others)}")


if __name__ == "__main__":
    main()

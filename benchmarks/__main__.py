"""python -m benchmarks [PART ...] [--out FILE.json]: measure, print a table, write a JSON. The parts are in PARTS."""

import argparse
import json
import os
import platform
from pathlib import Path

from . import commands, features, page, rooms, training, vocoder

PARTS = {
    "features": features.measure,
    "commands": commands.measure,
    "rooms": rooms.measure,
    "training": training.measure,
    "vocoder": vocoder.measure,
    "box": page.measure_box,
    "long_clip": page.measure_long_clip,
    "slow_playing": page.measure_slow_playing,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure speed, as ratios in one run.")
    parser.add_argument("parts", nargs="*", help=f"which of {', '.join(PARTS)}; default: all")
    parser.add_argument("--out", type=Path, help="also write the results as JSON")
    args = parser.parse_args()
    unknown = set(args.parts) - PARTS.keys()
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    results = {"machine": {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()}}
    for name in args.parts or PARTS:
        results[name] = PARTS[name]()
        print(f"\n{name}")
        for what, value in results[name].items():
            print(f"  {what:<58} {value:.4g}" if isinstance(value, float) else f"  {what:<58} {value}")
    if args.out:
        args.out.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

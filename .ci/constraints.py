"""make constraints: the newest versions of all that the pinned packages bring along, into constraints.txt.

Nothing is installed: pip says what it would install into an empty environment. `make test` then installs and tests it.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
HEAD = """\
# The whole tested set, for pip's -c: what requirements*.txt pin, and what those packages bring along. A constraint
# installs nothing, so that what Linux alone needs (nvidia-*, triton) is passed over elsewhere. From `make constraints`.
"""


def main() -> None:
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ("--dry-run", "--ignore-installed", "--quiet", "--report", report)
        subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, "-r", ROOT / "requirements-dev.txt"], check=True
        )
        found = [one["metadata"] for one in json.loads(report.read_text(encoding="utf-8"))["install"]]
    lines = sorted(f"{one['name'].lower().replace('_', '-')}=={one['version']}" for one in found)
    (ROOT / "constraints.txt").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

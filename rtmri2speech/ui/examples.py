"""The example clips: a folder's videos by name, each analysed once and kept."""

from pathlib import Path
from threading import Lock

from ..models.bundle import Bundle
from .handlers import Progress, Result, open_clip

SUFFIXES = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".gif")


class Examples:
    """names: what the browser may ask for. Only these lead to a file."""

    def __init__(self, bundle: Bundle, folder: Path):
        found = sorted(folder.glob("*")) if folder.is_dir() else []
        self._bundle = bundle
        self._paths = {file.stem: file for file in found if file.suffix.lower() in SUFFIXES}
        self._results: dict[str, Result] = {}
        self._busy = Lock()

    @property
    def names(self) -> list[str]:
        return list(self._paths)

    def path(self, name: str) -> Path:
        return self._paths[name]

    def open(self, name: str, progress: Progress) -> Result:
        """The analysis of an example, with the sound file of the same name as its original speech, if there is one.

        Raises KeyError for a name that is not an example, InputError as open_clip.
        """
        path = self._paths[name]
        while not self._busy.acquire(timeout=0.2):
            progress(0.0, "waiting")  # so that waiting for another can be stopped, too
        try:
            if name not in self._results:
                sound = path.with_suffix(".wav")
                self._results[name] = open_clip(self._bundle, path, sound if sound.is_file() else None, progress)
            return self._results[name]
        finally:
            self._busy.release()

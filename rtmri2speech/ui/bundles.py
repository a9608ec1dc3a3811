"""The bundles that the page offers, by name. Only these names lead to a folder; each is loaded on first use."""

from pathlib import Path
from threading import Lock

from ..errors import InputError
from ..models.bundle import DEFAULT_FOLDER, Bundle
from ..models.load import load_bundle

MOST_KEPT = 4  # loaded bundles held in memory


class Bundles:
    """names: of the bundles on offer, the default first."""

    def __init__(self, first: Path | None = None, folder: Path | None = None):
        """first: the default bundle; None: the embedded one. folder: its subfolders with a bundle.json are offered too,
        and last the other embedded bundles. Raises InputError if either is missing or the default cannot be loaded."""
        if folder is not None and not folder.is_dir():
            raise InputError("There is no folder of bundles {folder}.", folder=folder)
        found = [first or DEFAULT_FOLDER, DEFAULT_FOLDER]
        if folder is not None:
            found += _in_folder(folder)
        found += _in_folder(DEFAULT_FOLDER.parent)
        self.folders: dict[str, Path] = {}
        for path in dict.fromkeys(path.resolve() for path in found):
            if (path / "bundle.json").is_file() or not self.folders:
                self.folders[_unused(path.name, self.folders)] = path
        self._kept: dict[str, Bundle] = {}
        self._busy = Lock()
        self.load(self.first)

    @property
    def names(self) -> list[str]:
        return list(self.folders)

    @property
    def first(self) -> str:
        return next(iter(self.folders))

    def load(self, name: str) -> Bundle:
        """The bundle of that name. Raises KeyError if it is not on offer, InputError if it cannot be loaded."""
        folder = self.folders[name]
        with self._busy:
            bundle = self._kept.pop(name, None) or load_bundle(folder)
            self._kept[name] = bundle  # the last entry is the most recently used
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            return bundle


def _in_folder(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("*/bundle.json"))


def _unused(name: str, taken: dict) -> str:
    return next(n for n in (name, *(f"{name} ({k})" for k in range(2, 1000))) if n not in taken)

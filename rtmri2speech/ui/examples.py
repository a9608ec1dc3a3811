"""The example clips: a folder's videos by name, with a cache of their results."""

from pathlib import Path
from threading import Lock

from ..clips.formats.reading import is_video_file
from ..names import beside, readable
from ..progress import Progress
from ..spec import DEFAULT_BANDS, Band
from .bundles import Bundles
from .session import DEFAULT_MAPS, Result, open_clip

MOST_KEPT = 20  # results held in memory


class Examples:
    """names: of the examples; only these lead to a file. regions: of anatomy.regions.SOURCES."""

    def __init__(self, bundles: Bundles, folder: Path, regions: str = "segmenter"):
        found = sorted(filter(is_video_file, folder.iterdir())) if folder.is_dir() else []
        stems = [file.stem for file in found]
        self.folder = folder
        self.regions = regions
        self._bundles = bundles
        # Two of one stem keep their suffixes.
        self._paths = {readable(f.stem if stems.count(f.stem) == 1 else f.name): f for f in found}
        self._kept: dict[tuple[str, str, tuple[Band, ...], str], Result] = {}
        self._busy = Lock()

    @property
    def names(self) -> list[str]:
        return list(self._paths)

    @property
    def first(self) -> str | None:
        return next(iter(self._paths), None)

    def path(self, name: str) -> Path:
        return self._paths[name]

    def sound(self, name: str) -> Path | None:
        """The sound file of the example's name beside it, its reference speech; None without."""
        return beside(self._paths[name], ".wav")

    def kept(
        self, name: str | None, bundle_name: str, bands: tuple[Band, ...] = DEFAULT_BANDS, maps: str = DEFAULT_MAPS
    ) -> Result | None:
        """The cached result that `open` would return; None where it would have to analyse."""
        return self._kept.get((name, bundle_name, bands, maps))

    def open(
        self,
        name: str,
        bundle_name: str,
        progress: Progress,
        bands: tuple[Band, ...] = DEFAULT_BANDS,
        maps: str = DEFAULT_MAPS,
    ) -> Result:
        """The result of an example, computed once even for simultaneous requests.

        Raises KeyError for a name that is not an example or a bundle, InputError as open_clip.
        """
        path, key = self._paths[name], (name, bundle_name, bands, maps)
        while not self._busy.acquire(timeout=0.2):
            if (kept := self._kept.get(key)) is not None:
                return kept
            progress("waiting", 0)  # so that waiting can be stopped, too
        try:
            if key not in self._kept:
                made = open_clip(
                    self._bundles.load(bundle_name),
                    path,
                    self.sound(name),
                    progress,
                    bands=bands,
                    maps=maps,
                    bundle_name=bundle_name,
                    regions=self.regions,
                    linked=True,
                )
                self._kept[key] = made
                self._forget_oldest()
            return self._kept[key]
        finally:
            self._busy.release()

    def _forget_oldest(self) -> None:
        """Drop results beyond MOST_KEPT, but never the first example's, on which the page opens."""
        landing = (self.first, self._bundles.first, DEFAULT_BANDS, DEFAULT_MAPS)
        for key in [key for key in self._kept if key != landing][: max(0, len(self._kept) - MOST_KEPT)]:
            del self._kept[key]

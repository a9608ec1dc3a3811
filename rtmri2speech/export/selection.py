"""The input of exports: an analysed clip (ExportSource), options (ExportOptions), and the part selected by both
(Selection)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..analysis.region_attribution import RegionAttribution, SurfaceMasks, attribute_to_regions
from ..analysis.result import Analysis
from ..anatomy.regions import Regions
from ..attribution.temporal import TemporalAttribution
from ..attribution.upsampling import UpsampledGrid
from ..errors import InputError
from ..evaluation.faithfulness import FaithfulnessReport
from ..labels.textgrid import Interval, Remark, labels_of, read_intervals
from ..models.bundle import Bundle
from ..names import readable
from ..render.colour import BAND_MAPS, LINE_COLOURS, SIGNED
from ..render.encode import even_size
from ..render.figure_size import FORMATS
from ..render.figure_texts import band_label, words
from ..render.figures import narrowest_cm
from ..render.fonts import writes_japanese
from ..render.outlines import region_lines
from ..render.picture import Line, panels_of
from ..render.tracks import Tracks
from ..spec import Band
from ..speech.audio import fit, resample
from ..speech.mel import centre_frequencies_hz, mel_spectrogram_db

SOUNDS = ("synthesised", "original", "none")
SHOWN = ("outlines", "labels", "spectrogram")
WIDEST_CM = 40.0  # of a figure
_LONGEST_STEM = 40  # characters: Japanese ones take 3 of the 255 bytes of a file's name


@dataclass(frozen=True)
class ExportSource:
    """An analysed clip and its origin.

    source: the file or folder that was read. reference: the reference speech, (samples,) and its rate, from
    reference_source, shifted by reference_shift_ms; default: the clip's own sound. regions: of the analysis'
    model_frames. trust: faithfulness report, reach: temporal attribution of each band, where computed already.
    labels, remarks: as edited, in place of the TextGrid's beside the clip; None: the TextGrid's.
    """

    name: str
    analysis: Analysis
    regions: Regions
    bundle: Bundle
    source: Path
    reference: tuple[np.ndarray, int] | None = None
    reference_source: Path | None = None
    reference_shift_ms: float = 0.0
    trust: FaithfulnessReport | None = None
    labels: tuple[Interval, ...] | None = None
    remarks: tuple[Remark, ...] = ()
    reach: tuple[TemporalAttribution, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "name", readable(self.name))

    @property
    def account(self) -> RegionAttribution:
        """Attribution by region, computed at each call."""
        return attribute_to_regions(self.analysis, SurfaceMasks(self.regions))

    @property
    def original(self) -> tuple[np.ndarray, int] | None:
        return self.reference or self.analysis.clip.sound

    def original_mel_db(self) -> np.ndarray | None:
        """Mel (T, n_mels) of the reference speech, as long as the analysis; None without. Computed at each call."""
        if self.original is None:
            return None
        mel, count = self.bundle.mel, len(self.analysis.mel_db)
        sound = fit(resample(*self.original, mel.sample_rate), count * mel.hop_length)
        return mel_spectrogram_db(torch.from_numpy(sound), mel).numpy()[:count]

    def intervals(self) -> list[Interval]:
        """The labels, as edited or from the clip's TextGrid; empty without either."""
        if self.labels is not None:
            return [interval for interval in self.labels if interval[2]]
        labels = labels_of(self.source)
        return read_intervals(labels) if labels else []

    @property
    def stem(self) -> str:
        """The clip's name as the stem of file names."""
        return re.sub(r"[^\w.-]+", "_", self.name).strip("._")[:_LONGEST_STEM] or "clip"


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export.

    bands: names; None: all. colour_maps: one for each band; None: the page's. side: height of the video, pixels.
    layout, alpha, combine, slow: as for render.overlay. sound: of SOUNDS. stretch: interval, first and last frame at
    the model's rate, both included; None: the whole clip. language: "en" or "ja". show: what a video adds, of SHOWN:
    outlines of the regions, and under the picture labels and a spectrogram of the video's sound (without sound, of the
    synthesised speech) with a cursor. figures: formats, of FORMATS. width_cm: of a figure; None: its default.
    """

    bands: tuple[str, ...] | None = None
    colour_maps: tuple[str, ...] | None = None
    alpha: float = 0.7
    combine: str = "max"
    layout: str = "overlay"
    side: int = 512
    sound: str = "synthesised"
    slow: float = 1.0
    stretch: tuple[int, int] | None = None
    language: str = "en"
    show: tuple[str, ...] = ()
    figures: tuple[str, ...] = ("png",)
    width_cm: float | None = None


@dataclass(frozen=True, eq=False)
class Selection:
    """The part of an ExportSource that ExportOptions select: bands, and frames `first` to `last`, both included."""

    subject: ExportSource
    look: ExportOptions
    bands: tuple[Band, ...]
    first: int
    last: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the video, pixels."""
        return panels_of(self.look.layout, self.signed) * self.look.side, self.look.side

    @property
    def signed(self) -> list[bool]:
        """For each band, whether it is two-sided."""
        return [self.subject.analysis.two_sided(band) for band in self.bands]

    @property
    def colour_maps(self) -> tuple[str, ...] | None:
        """The options' colour maps, with SIGNED for two-sided bands."""
        given = self.look.colour_maps
        if given is None or len(given) != len(self.bands):
            return given
        return tuple(SIGNED if signed else name for signed, name in zip(self.signed, given, strict=True))

    @property
    def count(self) -> int:
        """Number of frames."""
        return self.last + 1 - self.first

    @property
    def rows(self) -> slice:
        """The frames as a slice of arrays (T, ...)."""
        return slice(self.first, self.last + 1)

    @property
    def times_s(self) -> tuple[float, float]:
        """Start of the first frame and end of the last, seconds."""
        fps = self.subject.analysis.fps
        return self.first / fps, (self.last + 1) / fps

    def samples(self, rate: int) -> tuple[int, int]:
        """Start and end in samples at `rate`."""
        from_s, to_s = self.times_s
        return round(from_s * rate), round(to_s * rate)

    def frames(self) -> np.ndarray:
        """The model's frames, uint8 (count, H, W)."""
        return self.subject.analysis.model_frames[self.rows]

    def heatmaps(self) -> dict[str, UpsampledGrid]:
        """Band label -> heatmaps, on the scale of the whole clip (Analysis.shown_frames)."""
        return _heatmaps(self.subject.analysis, self.bands, self.look.language, self.rows)

    def whole_heatmaps(self) -> dict[str, UpsampledGrid]:
        """`heatmaps` of all the clip's frames."""
        return _heatmaps(self.subject.analysis, self.bands, self.look.language, slice(None))

    def line_colours(self, ground: str) -> list[str]:
        """The line colour of each band on "light" or "dark" ground, as on the page, even if not all bands are drawn."""
        known = LINE_COLOURS[ground]
        return [known[place % len(known)] for place in _places(self.subject, self.bands)]

    def lines(self, always: bool = False) -> Callable[[int], list[Line]] | None:
        """Function of a frame -> its regions' outlines, if the options show them or `always`; None without any."""
        regions = self.subject.regions
        if not regions.verdict.usable or not (always or "outlines" in self.look.show):
            return None
        return lambda frame: region_lines(regions, frame)

    def tracks(self) -> Tracks | None:
        """The tracks under the video's picture; None without any. Raises InputError for labels that are missing."""
        labels, spectrogram = (name in self.look.show for name in ("labels", "spectrogram"))
        if not labels and not spectrogram:
            return None
        subject, mel_db = self.subject, None
        if spectrogram:
            mel_db = subject.original_mel_db() if self.look.sound == "original" else subject.analysis.mel_db
            mel_db = mel_db[self.rows] if mel_db is not None else None
        intervals = subject.intervals() if labels else None
        if intervals == []:
            raise InputError("This clip has no labels: there is no TextGrid of its name beside it.")
        hz = centre_frequencies_hz(subject.bundle.mel)
        fps = subject.analysis.fps
        coloured = list(zip(self.bands, self.line_colours("dark"), strict=True))
        followed = {name: track[self.rows] for name, track in subject.analysis.tracked_hz.items()}
        return Tracks(even_size(self.size), fps, self.first, self.count, mel_db, hz, coloured, intervals, followed)

    def synthesised(self) -> tuple[np.ndarray, int]:
        """The synthesised speech of the frames, of exactly their duration, and its rate."""
        analysis = self.subject.analysis
        return self._part(analysis.audio, analysis.sample_rate)

    def original(self) -> tuple[np.ndarray, int] | None:
        """The reference speech of the frames, and its rate; None without any."""
        sound = self.subject.original
        return None if sound is None else self._part(*sound)

    def sound_of_video(self) -> tuple[np.ndarray, int] | None:
        """The sound that the options choose."""
        if self.look.sound == "none":
            return None
        return self.original() if self.look.sound == "original" else self.synthesised()

    def _part(self, samples: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
        start, stop = self.samples(rate)
        return fit(samples[start:stop], stop - start), rate


def select(subject: ExportSource, look: ExportOptions) -> Selection:
    """The selection of these options. Raises InputError for every invalid option that shows without drawing."""
    bands = _bands(subject, look)
    if look.colour_maps is None:
        look = replace(look, colour_maps=tuple(BAND_MAPS[place % len(BAND_MAPS)] for place in _places(subject, bands)))
    words(look.language)
    if look.language == "ja" and not writes_japanese():
        look = replace(look, language="en")  # fonts.lacking has warned
    count = len(subject.analysis.mel_db)
    first, last = (0, count - 1) if look.stretch is None else look.stretch
    if not 0 <= first <= last < count:
        raise InputError(
            "There is no stretch from frame {first} to {last}: the clip has frames 0 to {end}.",
            first=first,
            last=last,
            end=count - 1,
        )
    if look.sound not in SOUNDS:
        raise InputError(
            "The sound of a video is one of {sounds}, not {sound!r}.", sounds=", ".join(SOUNDS), sound=look.sound
        )
    if look.sound == "original" and subject.original is None:
        raise InputError("This clip has no original speech: choose the synthesised speech or none.")
    selection = Selection(subject, look, bands, first, last)
    _check_figures(look, selection.signed)
    even_size(selection.size)
    return selection


def _check_figures(look: ExportOptions, signed: Sequence[bool]) -> None:
    for given, known in ((look.show, SHOWN), (look.figures, FORMATS)):
        for name in given:
            if name not in known:
                raise InputError("Choose of {known}, not {given!r}.", known=", ".join(known), given=name)
    if not look.figures:
        raise InputError("Choose a format for figures, of {known}.", known=", ".join(FORMATS))
    least = narrowest_cm(signed)
    if look.width_cm is not None and not least <= look.width_cm <= WIDEST_CM:
        raise InputError(
            "A figure of {bands} bands is {least:.1f} to {most:g} cm wide, not {given:g}.",
            bands=len(signed),
            least=least,
            most=WIDEST_CM,
            given=look.width_cm,
        )


def _heatmaps(analysis: Analysis, bands: tuple[Band, ...], language: str, rows: slice) -> dict[str, UpsampledGrid]:
    maps = {}
    for band in bands:
        heat = analysis.shown_frames(band)
        maps[band_label(band, language)] = UpsampledGrid(heat.grids[rows], heat.size, heat.method)
    return maps


def _places(subject: ExportSource, bands: tuple[Band, ...]) -> list[int]:
    """Indices of these bands among the analysis' bands, which decide their colours."""
    order = [band.name for band in subject.analysis.bands]
    return [order.index(band.name) for band in bands]


def _bands(subject: ExportSource, look: ExportOptions) -> tuple[Band, ...]:
    known = {band.name: band for band in subject.analysis.bands}
    chosen = tuple(known) if look.bands is None else look.bands
    for name in chosen:
        if name not in known:
            raise InputError(
                "There is no band {name} in this analysis: it has {bands}.", name=name, bands=", ".join(known)
            )
    if not chosen:
        raise InputError("Choose one band or more to export.")
    return tuple(known[name] for name in known if name in chosen)

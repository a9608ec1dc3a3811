"""The page's functions on a session's result, without Gradio."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from ..analysis.chunked import analyse_clip, analyse_in_chunks
from ..analysis.occlusion import Occlusion, OcclusionResult, occlude
from ..analysis.pipeline import analyse
from ..analysis.reference import earlier
from ..analysis.region_attribution import SurfaceMasks
from ..analysis.result import Analysis
from ..analysis.settings import AnalysisSettings, settings_of
from ..anatomy.regions import Regions
from ..anatomy.sources import regions_of
from ..attribution.methods import METHODS, method_of, parse_method
from ..attribution.temporal import TemporalAttribution, temporal_attribution
from ..clips.clip import ClipLimits, read_clip
from ..errors import InputError
from ..evaluation.faithfulness import FaithfulnessReport, evaluate_faithfulness
from ..labels.annotation import Tier, tier_of
from ..labels.textgrid import Interval, Remark, read_labels
from ..models.bundle import Bundle
from ..names import readable
from ..progress import UNSEEN, Ended, Progress
from ..spec import FOLLOWING_HZ, FORMANTS, TRACKS, WHOLE, Band, MelSpec
from ..speech.audio import Sound, read_audio
from ..speech.mel import band_bins
from .explorer.chunks import Cams, Store
from .explorer.payload import change_of, of_other_bands, of_other_labels, payload

PAGE_LIMITS = ClipLimits(longest_s=300.0, most_frames=30_000)
MOST_BANDS = 4
DEFAULT_MAPS = "layer-ig"  # it passes the faithfulness test; see assets/models/tract/MODEL_CARD.md


@dataclass(frozen=True, eq=False)  # compared by identity, as Gradio hashes a session's state
class Result:
    """An analysed clip and the frame explorer's payload.

    regions: of the analysis' model_frames. labels: (from_s, to_s, label). reference: the reference speech, (samples,)
    float32 and its rate. source, reference_source: files of clip and reference. bundle_name: the bundle's name on the
    page. linked, store: see payload. maps: of maps_offered(). remarks: (at_s, text). edited: whether labels or remarks
    were edited on the page. given: the uploaded reference speech, before its shift by shift_ms. whole_s, newest: of a
    clip still being analysed, its duration and its newest result. fitted: the bundle as tuned, or adapted to this clip.
    again: whether this is a resynthesis (resynthesis.py).
    """

    name: str
    analysis: Analysis
    regions: Regions
    payload: str
    reference: Sound | None
    source: Path
    reference_source: Path | None
    bundle_name: str
    mel: MelSpec
    labels: tuple[Interval, ...] = ()
    linked: bool = False
    maps: str = DEFAULT_MAPS
    fitted: Bundle | None = None
    again: bool = False
    store: Store | None = None
    given: Sound | None = None
    remarks: tuple[Remark, ...] = ()
    edited: bool = False
    shift_ms: float = 0.0
    whole_s: float | None = None
    newest: "Newest | None" = None
    tested: dict[str, FaithfulnessReport] = field(default_factory=dict)  # a cache; an example's is shared by sessions
    far: dict[str, list[TemporalAttribution]] = field(default_factory=dict)  # the same

    def change_of(self, before: "Result") -> str:
        """The patch of a page that shows `before` (payload.change_of)."""
        return change_of(before.payload, self.payload)

    @property
    def faithfulness(self) -> FaithfulnessReport | None:
        """The faithfulness report, if computed already."""
        return self.tested.get("report")

    def test_faithfulness(self, bundle: Bundle, progress: Progress) -> FaithfulnessReport:
        """The faithfulness report, computed once. Raises InputError as evaluate_faithfulness."""
        if "report" not in self.tested:
            masks = SurfaceMasks(self.regions) if self.regions.verdict.usable else None
            self.tested["report"] = evaluate_faithfulness(bundle, self.analysis, masks, progress=progress)
        return self.tested["report"]

    def reached(self, bundle: Bundle, progress: Progress) -> list[TemporalAttribution]:
        """Temporal attribution of each band, computed once. Raises InputError as temporal_attribution."""
        if "reach" not in self.far:
            bands = [band for band in self.analysis.bands if not (band.stretch or band.formant)]
            if not bands:
                raise InputError(
                    "How far in time a sound came from is told of bands that stay where they are: add one under Bands."
                )
            parts = [progress.part("attention", k / len(bands), (k + 1) / len(bands)) for k in range(len(bands))]
            clip, view = self.analysis.clip, self.analysis.view
            self.far["reach"] = [
                temporal_attribution(bundle, clip, band, part, view) for band, part in zip(bands, parts, strict=True)
            ]
        return self.far["reach"]

    def hiding(self, bundle: Bundle, asked: Occlusion, progress: Progress) -> OcclusionResult:
        """Occlude part of the clip and synthesise again. Raises InputError as occlude."""
        return occlude(bundle, self.analysis, asked, progress, self.regions, by=self.analysed_by)

    def with_regions(self, regions: Regions, progress: Progress = UNSEEN) -> "Result":
        """This result with other regions."""
        return self._again(self.analysis, regions, progress)

    @property
    def analysed_by(self) -> Callable[..., Analysis]:
        """analyse(), or analyse_in_chunks() for a long clip."""
        return analyse if self.store is None else analyse_in_chunks

    @property
    def ends_s(self) -> float:
        """The clip's duration, s, also while only its beginning is analysed."""
        return self.whole_s or self.analysis.clip.duration

    def relabelled(self, edit: "Edit") -> "Result":
        """This result with `edit` applied to its tier and remarks; of a clip still being analysed, its newest result.
        Raises as `edit`."""
        if self.newest is not None:
            return self.newest.relabelled(edit)
        return self.with_labels(*edit(tier_of(self.labels, self.ends_s), self.remarks))

    def with_labels(self, labels: Sequence[Interval], remarks: Sequence[Remark]) -> "Result":
        """This result with other labels and remarks."""
        here = [label for label in labels if label[0] < self.analysis.clip.duration]
        sent = of_other_labels(self.payload, here, remarks)
        return replace(self, labels=tuple(labels), remarks=tuple(remarks), edited=True, payload=sent)

    def with_shift(self, bundle: Bundle, ms: float, progress: Progress) -> "Result":
        """This result with the uploaded reference speech shifted by so many ms. Maps of bands that track its formants,
        and speech with its F0 contour, are made again. Raises InputError where these formants are missing then."""
        assert self.given is not None
        reference, old = earlier(self.given, ms / 1000), self.analysis
        tracking = [band.name for band in old.bands if band.track == "original"]
        still = {name: track for name, track in old.tracked_hz.items() if name not in tracking}
        moved = replace(self, reference=reference, shift_ms=ms)
        moved = replace(moved, analysis=replace(old, original=reference, tracked_hz=still))
        voice = old.settings.voice or (bundle.voice.default_voice() if bundle.voice else None)
        if old.f0_hz is not None and voice is not None and voice.intonation == "original":
            return moved._again(moved._analysed(bundle, old.settings, progress), self.regions)
        if tracking:
            return moved._explained(bundle, old.bands, self.maps, progress)
        return replace(moved._again(replace(old, original=reference), self.regions), tested=self.tested)

    def with_maps(self, bundle: Bundle, maps: str, progress: Progress) -> "Result":
        """This result with other maps."""
        return self._explained(bundle, self.analysis.bands, maps, progress)

    def with_energy(self, bundle: Bundle, energy: str, progress: Progress) -> "Result":
        """This result with maps of another target of each band, of settings.ENERGIES."""
        asked = replace(self, analysis=replace(self.analysis, settings=replace(self.analysis.settings, energy=energy)))
        return asked._explained(bundle, self.analysis.bands, self.maps, progress)

    def with_box(self, bundle: Bundle, box: Band, progress: Progress) -> "Result":
        """This result with a box as well, in place of the last one beyond MOST_BANDS. Raises InputError for a silent
        box."""
        others = [band for band in self.analysis.bands if band.name != box.name]
        if len(others) == MOST_BANDS and others[-1].from_s is None:
            raise InputError("There are {most} bands already: take one away under Bands, then ask.", most=MOST_BANDS)
        made = self._explained_anew(bundle, [box], self.maps, progress)
        return self._shown_with((*others[: MOST_BANDS - 1], box), made.cam, made.band_db)

    def without_boxes(self, name: str | None = None) -> "Result":
        """This result without the box of this name; None: without any box."""
        kept = [band for band in self.analysis.bands if band.from_s is None or name not in (None, band.name)]
        return self._shown_with(kept, {}, {})

    def _shown_with(self, bands: Sequence[Band], new_cam: Cams, new_db: Cams) -> "Result":
        """This result with these bands, new ones with this CAM and energy."""
        cam, band_db = {**self.analysis.cam, **new_cam}, {**self.analysis.band_db, **new_db}
        chosen = {"cam": {b.name: cam[b.name] for b in bands}, "band_db": {b.name: band_db[b.name] for b in bands}}
        kept = [band.name for band in bands if band.name not in new_cam]
        settings = replace(self.analysis.settings, bands=tuple(bands))
        return self._told_anew(replace(self.analysis, settings=settings, **chosen), kept)

    def _explained(self, bundle: Bundle, bands: Sequence[Band], maps: str, progress: Progress) -> "Result":
        told, packed = progress, UNSEEN
        if self.store is not None:
            told, packed = progress.part(None, 0, 0.8), progress.part(None, 0.8, 1)
        old, new = self.analysis, self._explained_anew(bundle, bands, maps, told)
        spoken = replace(new, audio=old.audio, f0_hz=old.f0_hz, original=old.original)
        return replace(self._told_anew(spoken, (), packed), maps=maps)

    def _explained_anew(self, bundle: Bundle, bands: Sequence[Band], maps: str, progress: Progress) -> Analysis:
        """The analysis again with these bands and maps, without sound."""
        method, resolution = method_of_maps(bundle, maps)
        settings = replace(self.analysis.settings, bands=tuple(bands), method=method, resolution=resolution)
        return self._analysed(bundle, settings, progress, speak=False)

    def _analysed(self, bundle: Bundle, settings: AnalysisSettings, progress: Progress, speak: bool = True) -> Analysis:
        """The clip analysed with these settings, with the known reference speech and formants."""
        old = self.analysis
        given = {"original": old.original, "formants_hz": old.tracked_hz, "speak": speak, "progress": progress}
        if self.store is None:
            return analyse(bundle, old.clip, settings=settings, known=old, **given)
        return analyse_in_chunks(bundle, old.clip, settings=settings, **given)

    def _told_anew(self, analysis: Analysis, kept: Sequence[str], progress: Progress = UNSEEN) -> "Result":
        """This result with other bands; `kept`: names of unchanged ones."""
        if self.store is not None:
            return self._again(analysis, self.regions, progress)
        sent = of_other_bands(self.payload, analysis, self.mel, self.regions, kept, self.source)
        return replace(self, analysis=analysis, payload=sent, tested={}, far={})

    def _again(self, analysis: Analysis, regions: Regions, progress: Progress = UNSEEN) -> "Result":
        shown = (self.mel, regions, self.name, self.reference, self.labels, self.linked)
        held = {"store": self.store, "whole_s": self.whole_s, "recording": self.source}
        sent = payload(analysis, *shown, remarks=self.remarks, progress=progress, **held)
        return replace(self, analysis=analysis, regions=regions, payload=sent, tested={}, far={})


Edit = Callable[[Tier, tuple[Remark, ...]], tuple[Sequence[Interval], Sequence[Remark]]]


class Newest:
    """The newest result of a clip still being analysed, while labels may be edited."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.result: Result | None = None

    def grow(self, result: Result) -> Result:
        """Take a longer result; returns it with the labels edited so far."""
        with self._lock:
            before = self.result
            if before is not None and before.edited:
                result = result.with_labels(before.labels, before.remarks)
            self.result = result
            return result

    def relabelled(self, edit: Edit) -> Result:
        with self._lock:
            assert self.result is not None
            self.result = replace(replace(self.result, newest=None).relabelled(edit), newest=self.result.newest)
            return self.result


def open_clip(
    bundle: Bundle,
    path: Path,
    reference: Path | None,
    progress: Progress,
    *,
    bands: Sequence[Band] | None = None,
    limits: ClipLimits = PAGE_LIMITS,
    bundle_name: str = "",
    regions: str = "segmenter",
    maps: str = DEFAULT_MAPS,
    linked: bool = False,
) -> Result:
    """Analyse the clip at `path` for the frame explorer.

    reference: a sound file of the reference speech; default: the clip's own sound. regions: of anatomy's SOURCES.
    maps: of maps_offered(). linked: see payload. Raises InputError on a clip, sound or band that cannot be used.
    """
    told = progress.part(None, 0, 0.65)
    method, resolution = method_of_maps(bundle, maps)
    settings = settings_of(bands, method=method, resolution=resolution)
    analysis, sound = analyse_file(bundle, path, reference, told, settings, limits)
    found = regions_of(analysis.model_frames, analysis.fps, path, regions, progress.part("regions", 0.65, 0.92))
    progress("packing", 0.92)
    labels, remarks = read_labels(path)
    shown = (bundle.mel, found, readable(path.stem), sound, labels, linked)
    sent = payload(analysis, *shown, remarks=remarks, recording=path)
    given = sound if reference else None
    source = (path, reference, bundle_name, bundle.mel, labels, linked, maps)
    return Result(readable(path.stem), analysis, found, sent, sound, *source, given=given, remarks=remarks)


def maps_offered() -> list[str]:
    """The choices of maps, as parse_method reads them: every method, and a coarser default."""
    return [DEFAULT_MAPS, "layer-ig:16", *(name for name in METHODS if name != DEFAULT_MAPS)]


def method_of_maps(bundle: Bundle, maps: str) -> tuple[str, int | None]:
    """Method and resolution of the chosen maps; the method's default where the bundle lacks that resolution. Raises
    InputError for an unknown choice."""
    offered = maps_offered()
    if maps not in offered:
        raise InputError("{given!r} is not one of {known}.", given=maps, known=", ".join(offered))
    method, resolution = parse_method(maps)
    known = method_of(method).resolutions(bundle.acoustic, bundle.frames.size)
    return method, resolution if resolution in known else None


class _Opened(Ended):
    """Ends the reading of a clip once it is known to open."""


def check_clip(path: Path, limits: ClipLimits = PAGE_LIMITS) -> None:
    """Raises InputError if the file cannot be opened as a clip; reading it whole may still fail."""

    def opened(stage: str, done: float, total: float) -> None:
        raise _Opened

    try:
        read_clip(path, limits=limits, progress=Progress(opened))
    except _Opened:
        pass


def analyse_file(
    bundle: Bundle,
    path: Path,
    reference: Path | None,
    progress: Progress,
    settings: AnalysisSettings,
    limits: ClipLimits = PAGE_LIMITS,
) -> tuple[Analysis, Sound | None]:
    """The analysis of the clip at `path`, and its reference speech: (samples,) and rate, None without any.

    Raises InputError on a clip, sound or band that cannot be used.
    """
    check_limits(bundle, settings.bands)  # raises before the clip is read
    sound = read_audio(reference) if reference else None
    clip = read_clip(path, limits=limits, progress=progress.part(None, 0, 0.1))
    analysis = analyse_clip(bundle, clip, settings=settings, original=sound, progress=progress.part(None, 0.1, 1))
    return analysis, sound or clip.sound


# A row of the page: a band's name; FIXED or Band.of; its limits, Hz; for a formant-tracking band its half-width, Hz,
# and the speech that is tracked.
Row = tuple[str, str, float | None, float | None, float | None, str]
FIXED = "band"


def bands_of(rows: Sequence[Row]) -> tuple[Band, ...]:
    """The page's rows -> 1 to 4 bands. Raises InputError."""
    return checked_bands(tuple(_band_of(*row) for row in rows))


def _band_of(
    name: str, kind: str, low_hz: float | None, high_hz: float | None, width_hz: float | None, track: str
) -> Band:
    name = str(name).strip()
    if kind in WHOLE:
        return replace(Band.parse(kind), name=name)
    if kind in FORMANTS:
        if not width_hz or not width_hz > 0:
            raise InputError("Band {name}: give how many Hz on either side of the formant.", name=name)
        return replace(Band.parse(kind), name=name, width_hz=float(width_hz), track=track)
    if low_hz is None or high_hz is None:
        raise InputError("Band {name}: give its lower and its upper limit in Hz.", name=name)
    return Band(name, float(low_hz), float(high_hz))


def rows_of(bands: Sequence[Band]) -> list[Row]:
    """The page's rows of these bands; boxes have none."""
    return [
        (
            *(band.name, band.of or FIXED),
            *((None, None) if band.of else (band.low_hz, band.high_hz)),
            *(band.width_hz or FOLLOWING_HZ, band.track or TRACKS[0]),
        )
        for band in bands
        if band.stretch is None
    ]


def bands_of_link(written: Sequence[str]) -> tuple[Band, ...]:
    """The bands and boxes of a permalink, as Band.parse reads them (permalink.js); none if they cannot be read."""
    try:
        return checked_bands(tuple(Band.parse(str(text)) for text in written))
    except InputError:
        return ()


def check_limits(bundle: Bundle, bands: Sequence[Band]) -> None:
    """Raises InputError for a band beyond the bundle's mel, as far as known before the clip is read."""
    for band in bands:
        if not band.formant:
            band_bins(bundle.mel, band)


def checked_bands(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    """The bands. Raises InputError for none or too many, or two of one name."""
    if not 1 <= len(bands) <= MOST_BANDS:
        raise InputError("Give 1 to {most} bands, not {count}.", most=MOST_BANDS, count=len(bands))
    if len({band.name for band in bands}) < len(bands):
        raise InputError("Two bands have the same name: give each its own.")
    return bands

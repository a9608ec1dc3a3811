"""Long clips open in chunks: the first is shown as soon as it is analysed, then longer and longer beginnings."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np

from ..analysis.chunked import CONTEXT, FIRST, LONGEST_WHOLE_S, ChunkedAnalysis, joined, spans_of
from ..analysis.formants import check_found
from ..analysis.result import Analysis
from ..analysis.settings import settings_of
from ..anatomy.regions import Regions
from ..anatomy.sources import regions_of
from ..clips import frame_rate
from ..clips.clip import Clip, ClipLimits, read_clip
from ..clips.disk_array import DiskArray, release_heap, release_pages
from ..clips.formats.video import claimed_duration_s
from ..labels.textgrid import read_labels
from ..models.bundle import Bundle
from ..names import readable
from ..progress import Progress
from ..spec import Band
from ..speech.audio import read_audio
from .explorer.chunks import Parts, Store, parts_of
from .explorer.payload import payload
from .session import DEFAULT_MAPS, PAGE_LIMITS, Newest, Result, check_limits, method_of_maps

_CAMS_IN_MEMORY = 2**22  # bytes of a band's maps


def is_long(path: Path) -> bool:
    return (claimed_duration_s(path) or 0.0) > LONGEST_WHOLE_S


def open_long_clip(
    bundle: Bundle,
    path: Path,
    reference: Path | None,
    progress: Progress,
    folder: Path,
    *,
    bands: Sequence[Band] | None = None,
    limits: ClipLimits = PAGE_LIMITS,
    bundle_name: str = "",
    regions: str = "segmenter",
    maps: str = DEFAULT_MAPS,
    linked: bool = False,
) -> Iterator[Result]:
    """Yields results of beginnings of the clip, about doubling in length; the last is of the whole clip.

    folder: an empty one, from which the page may fetch; it is removed with the last result. Other arguments and errors
    as of session.open_clip.
    """
    check_limits(bundle, bands or ())  # raises before the clip is read
    sound = read_audio(reference) if reference else None
    method, resolution = method_of_maps(bundle, maps)
    settings = settings_of(bands, method=method, resolution=resolution)
    labels, remarks = read_labels(path)
    grown, newest = _Grown(ChunkedAnalysis(bundle, settings, original=sound), Store(folder)), Newest()
    whole_s = claimed_duration_s(path) or LONGEST_WHOLE_S
    first, reading = (FIRST / bundle.fps / whole_s * share for share in (1.0, 2.0))  # rough shares of the work

    def result(clip: Clip, frames: np.ndarray, whole_s: float) -> Result:
        heard = sound or clip.sound
        analysis, found = replace(grown.analysis(clip, frames), original=heard), grown.found
        if heard is not None:
            heard = heard[0][: round(analysis.clip.duration * heard[1])], heard[1]
        goes_on = None if analysis.clip.duration >= whole_s else whole_s
        begins = len(grown.analyses) == 1  # the first view fetches nothing
        sent = payload(
            analysis,
            bundle.mel,
            found,
            readable(path.stem),
            heard,
            [label for label in labels if label[0] < analysis.clip.duration],
            linked,
            remarks=remarks,
            store=None if begins else grown.store,
            parts=grown.parts.sent_at_once() if begins else grown.parts,
            whole_s=goes_on,
            recording=path,
        )
        for cam in analysis.cam.values():
            release_pages(cam)
        release_heap()
        source = (path, reference, bundle_name, bundle.mel, labels, linked, maps)
        return Result(
            readable(path.stem),
            analysis,
            found,
            sent,
            heard,
            *source,
            store=grown.store,
            remarks=remarks,
            given=heard if reference else None,
            whole_s=goes_on,
            newest=newest if goes_on else None,
        )

    told = progress.part(None, 0, first)
    head = read_clip(path, limits=limits, until_s=(FIRST + CONTEXT + 1) / bundle.fps, progress=told.part(None, 0, 0.1))
    frames = frame_rate.retime(head, bundle.fps)
    grown.add_piece(head, frames, 0, min(FIRST, len(frames)), path, regions, told.part(None, 0.1, 1))
    yield from _shown(newest, result(head, frames, whole_s))
    del head

    clip = read_clip(path, limits=limits, progress=progress.part(None, first, first + reading))
    frames = frame_rate.retime(clip, bundle.fps)
    release_heap()
    spans, shown = spans_of(len(frames)), 1
    for number, (start, stop) in enumerate(spans[1:], 1):
        done = first + reading + (1 - first - reading) * np.array([start - FIRST, stop - FIRST]) / (len(frames) - FIRST)
        told = progress.part(None, *done.tolist())
        grown.add_piece(clip, frames, start, stop, path, regions, told)
        if number + 1 in (2 * shown, len(spans)):
            shown = number + 1
            made = result(clip, frames, clip.duration)
            if shown == len(spans):
                check_found(made.analysis.bands, made.analysis.tracked_hz)
            yield from _shown(newest, made)
    if len(spans) == 1:
        yield from _shown(newest, result(clip, frames, clip.duration))


def _shown(newest: Newest, result: Result) -> Iterator[Result]:
    """Yields a result and, if labels were edited during its display, the edited one."""
    result = newest.grow(result)
    yield result
    if newest.result is not None and newest.result is not result:
        yield newest.result


class _Grown:
    """The chunks of the clip analysed so far."""

    def __init__(self, chunked: ChunkedAnalysis, store: Store):
        self.chunked, self.store = chunked, store
        self.analyses: list[Analysis] = []
        self.of_pieces: list[Parts] = []
        self.regions: list[Regions] = []
        self.labels = DiskArray()
        self.cams: dict[str, DiskArray] = defaultdict(lambda: DiskArray(_CAMS_IN_MEMORY))

    def add_piece(
        self,
        clip: Clip,
        frames: np.ndarray,
        start: int,
        stop: int,
        path: Path,
        source: str,
        progress: Progress,
    ) -> None:
        """Add frames [start, stop) of the clip at `path`; frames: all, at the model's rate."""
        speaking, finding = progress.part(None, 0, 0.55), progress.part("regions", 0.55, 0.85)
        analysis, fps = self.chunked.chunk(clip, frames, start, stop, speaking), self.chunked.bundle.fps
        if source == "truth":  # it spans the whole clip
            found = regions_of(frames, fps, path, source, finding).at(np.arange(start, stop))
        else:
            found = regions_of(frames[start:stop], fps, path, source, finding)
        progress("packing", 0.85)
        self.of_pieces.append(parts_of(analysis, found, self.store))
        self.labels.add(found.labels)
        for name, cam in analysis.cam.items():
            self.cams[name].add(cam)
        # without the maps, which are held elsewhere
        no_cams = {name: cam[:0].copy() for name, cam in analysis.cam.items()}
        self.analyses.append(replace(analysis, model_frames=frames[:0], clip=clip, cam=no_cams))
        self.regions.append(replace(found, labels=found.labels[:0].copy()))
        release_pages(frames)
        release_heap()

    def analysis(self, clip: Clip, frames: np.ndarray) -> Analysis:
        made = joined(self.chunked.bundle, clip, frames, self.analyses, self.chunked.original)
        return replace(made, cam={name: cams.whole() for name, cams in self.cams.items()})

    @property
    def parts(self) -> Parts:
        return reduce(add, self.of_pieces)

    @property
    def found(self) -> Regions:
        """The regions of all chunks. Their verdict is the first chunk's that is not "profile"; a chunk without a
        midsagittal head has no regions."""
        usable = [piece for piece in self.regions if piece.verdict.usable] or self.regions
        doubts = [piece.verdict for piece in usable if piece.verdict.kind != "profile"]
        return replace(
            usable[0],
            labels=self.labels.whole(),
            confidence=np.concatenate([piece.confidence for piece in self.regions]),
            verdict=doubts[0] if doubts else usable[0].verdict,
        )

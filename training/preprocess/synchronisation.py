"""Whether a corpus' sound keeps step with its pictures, judged on some of its recordings.

The embedded model speaks what it sees, and that is compared with the sound (rtmri2speech.speech.audio_lag, which tells
how far it can be believed). Where the model does not know such pictures it says nothing, rather than something wrong.
"""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.analysis.reference import fit_of
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.formats.reading import is_video
from rtmri2speech.errors import InputError
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.load import load_bundle
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.audio import read_audio

from .sample import Settings
from .sources import Source
from .write_dataset import run_jobs

FEWEST = 3  # recordings of which it must be told before anything is said of the corpus
_RESAMPLINGS = 1000


@dataclass(frozen=True)
class CorpusLag:
    """lags_s: id -> how much later the sound is than the pictures, of the recordings of which that could be told, out
    of `looked_at`. lag_s: their median, with its 95 % interval (bootstrap, and half a frame for the estimate's steps);
    None for too few."""

    looked_at: int
    lags_s: dict[str, float]
    lag_s: float | None = None
    interval_s: tuple[float, float] | None = None

    @classmethod
    def of(cls, lags_s: dict[str, float | None]) -> "CorpusLag":
        told = {id_: round(lag, 3) for id_, lag in lags_s.items() if lag is not None}
        if len(told) < FEWEST:
            return cls(len(lags_s), told)
        values = np.array(list(told.values()))
        draws = np.random.default_rng(0).integers(0, len(values), (_RESAMPLINGS, len(values)))
        low, high = np.percentile(np.median(values[draws], axis=1), (2.5, 97.5))
        half_frame = 0.5 / MelSpec().fps
        interval = round(float(low) - half_frame, 3), round(float(high) + half_frame, 3)
        return cls(len(lags_s), told, round(float(np.median(values)), 3), interval)

    @property
    def in_step(self) -> bool | None:
        """None where it cannot be told."""
        return None if self.interval_s is None else self.interval_s[0] <= 0 <= self.interval_s[1]

    def sentence(self) -> str:
        """The summary line, and which recordings differ from the others."""
        of = f"sync, told of {len(self.lags_s)} of {self.looked_at} recordings looked at"
        if self.lag_s is None or self.interval_s is None:
            return f"{of}: it cannot be told, as the embedded model does not know such pictures"
        low, high = (f"{1000 * edge:+.0f}" for edge in self.interval_s)
        told = f"{of}: the sound is {1000 * self.lag_s:+.0f} ms later than the pictures (95 %: {low} to {high} ms), "
        told += "in step" if self.in_step else "NOT in step: --shift_ms auto moves it"
        two_frames = 2 / MelSpec().fps
        others = [id_ for id_, lag in self.lags_s.items() if abs(lag - self.lag_s) > two_frames]
        return told + (f"; unlike the others: {', '.join(others[:5])}" if others else "")

    def to_json(self) -> dict:
        """As meta.json keeps it."""
        return {"lag_s": self.lag_s, "interval_s": self.interval_s, "looked_at": self.looked_at, "lags_s": self.lags_s}


def lag_of(source: Source, settings: Settings) -> float | None:
    """How much later a recording's sound is than its pictures, s; None where that cannot be told."""
    try:
        clip = read_clip(source.video, fps=None if is_video(source.video) else settings.fps)
        sound = clip.sound if source.audio is None else read_audio(source.audio)
        if sound is None:
            return None
        bundle = _bundle()
        return fit_of(sound, analyse(bundle, clip, (), speak=False), bundle.mel).lag_s
    except InputError:  # told where the dataset is written
        return None


@cache
def _bundle() -> Bundle:
    return load_bundle("phantom")  # benchmarks.sync was measured with it


def corpus_lag(sources: list[Source], settings: Settings, most: int, **cluster) -> CorpusLag:
    """Of at most `most` recordings, spread over all. cluster: see preprocess.run_jobs."""

    spread = np.linspace(0, len(sources) - 1, min(most, len(sources))).round().astype(int)
    chosen = [sources[k] for k in np.unique(spread)]
    lags = run_jobs(partial(lag_of, settings=settings), chosen, **cluster)
    return CorpusLag.of(dict(zip((source.id for source in chosen), lags, strict=True)))

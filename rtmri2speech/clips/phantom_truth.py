"""The ground truth of a phantom clip: NAME.truth.npz beside it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..names import beside
from ..speech.formant_tracks import COUNT


def truth_beside(clip: str | Path) -> Path | None:
    """The NAME.truth.npz beside a clip, or None."""
    return beside(clip, ".truth.npz")


NASAL_CM2 = 0.02  # opening of the velum above which the nose is heard


@dataclass(frozen=True)
class TrueTube:
    """A phantom's oral tract in T frames: lengths_cm, areas_cm2 (T, 40) of its sections from the glottis to the lips.
    oral: (T,) bool, frames with voice and without the nose."""

    lengths_cm: np.ndarray
    areas_cm2: np.ndarray
    oral: np.ndarray


def true_track(path: Path, times_s: np.ndarray) -> np.ndarray:
    """Resonances of the phantom's vocal tract, NaN where unvoiced. Raises InputError if the file is no ground truth."""
    with _read(path) as data:
        formants_hz, f0_hz, at = data["formants_hz"], data["f0_hz"], _frames_at(data, times_s)
        return np.where(f0_hz[at, None] > 0, formants_hz[at, :COUNT], np.nan).astype(np.float64)


def true_tube(path: Path, times_s: np.ndarray) -> TrueTube:
    """The phantom's vocal tract at these times. Raises InputError if the file is no ground truth."""
    with _read(path) as data:
        at = _frames_at(data, times_s)
        lengths, areas = (data[name][at].astype(np.float64) for name in ("length_cm", "area_cm2"))
        if lengths.ndim != 2 or lengths.shape != areas.shape:
            raise ValueError("the tube has no sections")
        return TrueTube(lengths, areas, (data["f0_hz"][at] > 0) & (data["velum_cm2"][at] < NASAL_CM2))


@contextmanager
def _read(path: Path) -> Iterator[Mapping[str, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as data:
            yield data
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError("{path} is not the truth of a phantom clip ({error}).", path=path, error=error) from None


def _frames_at(data: Mapping[str, np.ndarray], times_s: np.ndarray) -> np.ndarray:
    """Index of the truth's frame at each time."""
    return np.minimum((times_s * float(data["fps"])).astype(int), len(data["f0_hz"]) - 1)

"""The A/B player's payload, as JSON: sounds, their mels, and the tracks below them."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import soundfile

from ...render.colour import LINE_COLOURS, ONE_BAND_MAP, colour_table, signed_levels

MEL_RANGE_DB = 60.0
DIFFERENCE_RANGES_DB = (3.0, 6.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0)
# Zero is light gray, louder red, quieter blue: a dark middle would look like silence.
DIFFERENCE_MAP = "coolwarm"

Words = dict[str, str]  # language -> words


@dataclass(frozen=True)
class Sound:
    """One of the sounds to compare: (samples,) at rate, its mel (T, n_mels), and its label."""

    words: Words
    samples: np.ndarray
    rate: int
    mel_db: np.ndarray


def ab_player_payload(
    sounds: Sequence[Sound],
    fps: float,
    bins_hz: np.ndarray,
    *,
    changes: Mapping[str, np.ndarray] | None = None,
    changes_words: Words | None = None,
    difference_db: np.ndarray | None = None,
    difference_words: Words | None = None,
    stretch: tuple[int, int] | None = None,
) -> str:
    """The A/B player's JSON. All mels are on one scale, 60 dB below their common peak.

    bins_hz: (n_mels,) centre frequencies, for the axis. changes: band -> (T,) dB, drawn as lines. difference_db
    (T, n_mels): drawn as a picture on the smallest of DIFFERENCE_RANGES_DB that holds 99 % of it. stretch: first and
    last changed frame.
    """
    top = max(float(sound.mel_db.max()) for sound in sounds)
    difference = difference_db is not None and _difference(difference_db, difference_words)
    lines = {"words": changes_words, "bands": {name: _floats(db) for name, db in (changes or {}).items()}}
    return json.dumps(
        {
            "frames": len(sounds[0].mel_db),
            "fps": fps,
            "bins_hz": [round(float(hz), 1) for hz in bins_hz],
            "stretch": stretch,
            "sounds": [_sound(sound, top) for sound in sounds],
            "difference": difference or None,
            "changes": lines if changes else None,
            "colours": LINE_COLOURS,
            "tables": {"one": _base64(colour_table(ONE_BAND_MAP)), "diverging": _base64(colour_table(DIFFERENCE_MAP))},
        }
    )


def _difference(difference_db: np.ndarray, words: Words) -> dict:
    most = np.percentile(np.abs(difference_db), 99)
    limit = next((limit for limit in DIFFERENCE_RANGES_DB if limit >= most), DIFFERENCE_RANGES_DB[-1])
    levels = _picture(signed_levels(difference_db, limit))
    return {"words": words, "frames": len(difference_db), "levels": levels, "limit_db": limit}


def _sound(sound: Sound, top: float) -> dict:
    file = io.BytesIO()
    soundfile.write(file, np.clip(sound.samples, -1, 1), sound.rate, format="WAV", subtype="PCM_16")
    levels = np.clip((sound.mel_db - top) / MEL_RANGE_DB + 1, 0, 1) * 255
    return {
        "words": sound.words,
        "wav": _base64(file.getbuffer()),
        "frames": len(sound.mel_db),
        "mel": _picture(np.round(levels).astype(np.uint8)),
    }


def _picture(levels: np.ndarray) -> str:
    """uint8 (T, n_mels) as the rows of a picture, highest bin first."""
    return _base64(levels.T[::-1])


def _floats(values: np.ndarray) -> str:
    return _base64(np.ascontiguousarray(values, "<f4"))


def _base64(data) -> str:
    return base64.b64encode(np.ascontiguousarray(data)).decode("ascii")

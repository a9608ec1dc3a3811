"""What the frame explorer shows of an analysis, as one JSON text: sent once, so that scrubbing needs no server.

Arrays travel as base64: float32 for numbers that are read out, uint8 for pictures, JPEG sheets of tiles for the MRI
frames, WAV for sound.
"""

import base64
import io
import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import cv2
import numpy as np
import soundfile
import torch

from ...analysis import Analysis
from ...anatomy.articulation import articulation
from ...anatomy.outlines import outlines
from ...anatomy.regions import Regions
from ...attention import clip_scale
from ...audio import fit, resample
from ...evidence import ACCOUNTED, BandEvidence, RegionMasks, account_of
from ...labels import Interval
from ...mel import band_bins, centre_frequencies_hz, mel_spectrogram_db
from ...render.colour import BAND_MAPS, DIVERGING_MAP, LINE_COLOURS, ONE_BAND_MAP, REGION_COLOURS, colour_table
from ...render.picture import padded_to
from ...spec import Band, MelSpec

LARGEST_SIDE = 256  # pixels of a frame on the page
MOST_PIXELS = 64_000_000  # of all frames together: the page holds them uncompressed
TILES = 8  # frames along a side of one sheet
JPEG_QUALITY = 92
MEL_RANGE_DB = 60.0
OUTLINE_STEPS = 16_384  # of a picture's side: an outline's numbers take two bytes each
MEASURES = ("lip_aperture", "tongue_palate", "tongue_pharynx", "velum_opening")
HIGHEST_RATE = 24_000  # Hz, of the sound that the page plays

Sound = tuple[np.ndarray, int]


def payload(
    analysis: Analysis,
    mel: MelSpec,
    regions: Regions,
    name: str,
    reference: Sound | None = None,
    labels: Sequence[Interval] = (),
    linked: bool = False,
) -> str:
    """The analysis as the explorer's JSON.

    regions: of the model's frames. reference: the original speech, (samples,) and its rate, if there is any.
    labels: (from_s, to_s, what is said). linked: whether the page can open the clip again by its name, so that a link
    may lead to it.
    """
    count = len(analysis.mel_db)
    account = account_of(analysis, RegionMasks(regions))
    sounds = {"synthesised": _sound(analysis.audio, analysis.sample_rate, analysis.mel_db)}
    if reference is not None:
        original = _trimmed(reference, mel.sample_rate, count * mel.hop_length)
        original_mel = mel_spectrogram_db(torch.from_numpy(original), mel).numpy()[:count]
        samples, rate = reference
        played_rate = min(rate, HIGHEST_RATE)
        played = _trimmed(reference, played_rate, round(count / analysis.fps * played_rate))
        sounds["original"] = _sound(played, played_rate, original_mel)
    return json.dumps(
        {
            "name": name,
            "linked": linked,
            "frames": count,
            "fps": analysis.fps,
            "silent": analysis.silent.tolist(),
            "sheet": _sheet(analysis.model_frames),
            "grid": analysis.cam[analysis.bands[0].name].shape[-1],
            "bands": [_band(analysis, mel, band, account.bands[band.name]) for band in analysis.bands],
            "mel_hz": centre_frequencies_hz(mel).round(1).tolist(),
            "sounds": sounds,
            "regions": _regions(regions),
            "labels": [interval for interval in labels if interval[2].strip()],
            "colours": LINE_COLOURS,
            "tables": {
                "bands": [_base64(colour_table(table)) for table in BAND_MAPS[: len(analysis.bands)]],
                "one": _base64(colour_table(ONE_BAND_MAP)),
                "diverging": _base64(colour_table(DIVERGING_MAP)),
            },
        }
    )


def _band(analysis: Analysis, mel: MelSpec, band: Band, evidence: BandEvidence) -> dict:
    """A band's name and place in the mel, its CAM, energy, and its evidence (BandEvidence).

    scale and limit: what shows as 1 of the CAM's positive part, and of the signed CAM.
    """
    cam = analysis.cam[band.name]
    bins = band_bins(mel, band)
    return {
        "name": band.name,
        "label": band.label,
        "low_hz": band.low_hz,
        "high_hz": band.high_hz,
        "bins": [int(bins[0]), int(bins[-1])],
        "scale": clip_scale(cam, analysis.speech),
        "limit": clip_scale(np.abs(cam), analysis.speech),
        "cam": _floats(cam),
        "db": _floats(analysis.band_db[band.name]),
        "evidence": _floats(evidence.amount),
        "unit": evidence.unit,
        "amount": _floats(evidence.strength),
        "shares": {name: _floats(share) for name, share in evidence.shares.items()},
        "changes": [asdict(change) for change in evidence.changes],
    }


def _regions(regions: Regions) -> dict:
    """Where the regions come from, their outlines and colours, and the articulation that follows from them.

    outlines: of frame t and region r, numbers[starts[t * R + r]] and on hold, for each piece, how many points it has
    and their x, y in 1 / OUTLINE_STEPS of the picture. What is not known of a frame is NaN.
    """
    shown = [name for name in ACCOUNTED if regions.verdict.usable]
    # OpenCV leaves Python to the other threads
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = list(pool.map(lambda frame: outlines(regions, frame, shown), range(len(regions))))
    numbers, starts, length = [], [0], 0
    for of_frame in found:
        for name in shown:
            for points in of_frame[name]:
                steps = np.clip(np.rint(points * OUTLINE_STEPS), 0, OUTLINE_STEPS)
                numbers.append(np.concatenate([[len(points)], steps.ravel()]))
                length += len(numbers[-1])
            starts.append(length)
    measured = articulation(regions).columns() if shown else {}
    return {
        "source": regions.source,
        "facing": regions.facing,
        "verdict": {"kind": regions.verdict.kind, **regions.verdict.values},
        "corrected": len(regions.corrections),
        "names": shown,
        "colours": [REGION_COLOURS[name] for name in shown],
        "steps": OUTLINE_STEPS,
        "numbers": _base64(np.concatenate([np.empty(0), *numbers]).astype("<u2")),
        "starts": _base64(np.array(starts, "<u4")),
        "measures": {name: _floats(measured[name]) for name in MEASURES if name in measured},
    }


def _sheet(frames: np.ndarray) -> dict:
    """uint8 (T, H, W) -> square tiles, padded with black and never stretched, 8 x 8 of them to a JPEG."""
    side = min(max(frames.shape[1:]), LARGEST_SIDE, math.isqrt(MOST_PIXELS // len(frames)))
    pitch = 8 * math.ceil(side / 8)  # a tile must not share JPEG's 8 x 8 blocks with its neighbour
    images = []
    for start in range(0, len(frames), TILES**2):
        tiles = frames[start : start + TILES**2]
        sheet = np.zeros((math.ceil(len(tiles) / TILES) * pitch, TILES * pitch), np.uint8)
        for k, frame in enumerate(tiles):
            square = padded_to(frame, 1.0)
            if square.shape != (side, side):
                square = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)
            top, left = k // TILES * pitch, k % TILES * pitch
            tile = np.pad(square, (0, pitch - side), mode="edge")
            sheet[top : top + pitch, left : left + pitch] = tile
        images.append(_base64(cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]))
    return {"side": side, "pitch": pitch, "tiles": TILES, "images": images}


def _sound(samples: np.ndarray, rate: int, mel_db: np.ndarray) -> dict:
    """A WAV to play and to draw, and its mel as a picture (n_mels, T), highest bin first."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1, 1), rate, format="WAV", subtype="PCM_16")
    top = mel_db.max()
    picture = np.clip((mel_db - top) / MEL_RANGE_DB + 1, 0, 1)
    return {
        "wav": _base64(file.getbuffer()),
        "mel": _base64(np.round(picture.T[::-1] * 255).astype(np.uint8)),
    }


def _trimmed(sound: Sound, rate: int, samples: int) -> np.ndarray:
    """At another rate, cut or filled with silence to `samples`."""
    return fit(resample(*sound, rate), samples)


def _floats(values: np.ndarray) -> str:
    return _base64(np.ascontiguousarray(values, "<f4"))


def _base64(data) -> str:
    return base64.b64encode(np.ascontiguousarray(data)).decode("ascii")

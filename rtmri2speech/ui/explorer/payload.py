"""The frame explorer's payload: an analysis as JSON, so that scrubbing needs no server.

Arrays are base64: float32 for displayed numbers, uint8 for pictures, JPEG sheets of tiles for MRI frames, WAV for
sound. A long clip's pictures, outlines and sounds are files that the page fetches (chunks.py).
"""

import base64
import hashlib
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile
import torch

from ...analysis.formants import formant_tracks
from ...analysis.region_attribution import BandAttribution, SurfaceMasks, attribution_of_sums, region_sums
from ...analysis.result import Analysis
from ...analysis.tract_sensitivity import STRETCHES, TrueTract, comparable, read_tract, share_of
from ...anatomy.outlines import outline
from ...anatomy.regions import SIZE, Regions
from ...attribution.formant_targets import tracked_bins
from ...attribution.normalisation import clip_scale
from ...attribution.targets import TWO_SIDED, target_of, tracked_energy
from ...attribution.temporal import TemporalAttribution
from ...clips.frame_rate import at_rate
from ...clips.frame_view import FrameView
from ...clips.phantom_truth import truth_beside
from ...errors import InputError
from ...evaluation.faithfulness.rank_correlation import rank_correlation
from ...labels.textgrid import Interval, Remark
from ...progress import UNSEEN, Progress
from ...render.colour import BAND_MAPS, DIVERGING_MAP, LINE_COLOURS, ONE_BAND_MAP, REGION_COLOURS, colour_table
from ...spec import Band, MelSpec
from ...speech.audio import Sound, fit, resample
from ...speech.formant_tracks import FormantTrack
from ...speech.mel import band_bins, centre_frequencies_hz, mel_spectrogram_db
from .chunks import OUTLINE_STEPS, PART, TILES, Parts, Store, parts_of, pitch_of, shown_regions, side_of, within_box

FAR = 10  # largest lag that the strip of temporal.js resolves, frames
MEL_RANGE_DB = 60.0
_WRITTEN_AT_ONCE = 2**18  # samples: five minutes at once would take three times their memory
HIGHEST_RATE = 24_000  # Hz, of sound on the page


def payload(
    analysis: Analysis,
    mel: MelSpec,
    regions: Regions,
    name: str,
    reference: Sound | None = None,
    labels: Sequence[Interval] = (),
    linked: bool = False,
    *,
    remarks: Sequence[Remark] = (),
    store: Store | None = None,
    parts: Parts | None = None,
    whole_s: float | None = None,
    progress: Progress = UNSEEN,
    recording: Path | None = None,
) -> str:
    """The analysis as the explorer's JSON.

    regions: of the model's frames. reference: the reference speech, (samples,) and its rate. labels: (from_s, to_s,
    text). remarks: (at_s, text). linked: whether the page can open the clip by its name, as from a permalink. store: of
    a long clip. parts: the clip's chunks, if made already. whole_s: the clip's duration, if this is only its beginning.
    recording: the clip's file, beside which a phantom's ground truth may lie. progress: its stage is packing.
    """
    count = len(analysis.mel_db)
    parts = parts or parts_of(analysis, regions, store, progress)
    account = attribution_of_sums(analysis, parts.places)
    sounds = {"synthesised": _sound(analysis.audio, analysis.sample_rate, analysis.mel_db, store)}
    to_measure = reference
    if reference is not None:
        original = _trimmed(reference, mel.sample_rate, count * mel.hop_length)
        original_mel = mel_spectrogram_db(torch.from_numpy(original), mel).numpy()[:count]
        if store:  # Praat would hold several copies of a long clip at the recording's own rate
            to_measure = original, mel.sample_rate
        samples, rate = reference
        played_rate = min(rate, HIGHEST_RATE)
        played = _trimmed(reference, played_rate, round(count / analysis.fps * played_rate))
        sounds["original"] = _sound(played, played_rate, original_mel, store)
    side = side_of(analysis.model_frames, at_once=store is None)
    return _sealed(
        {
            "name": name,
            "linked": linked,
            "frames": count,
            "fps": analysis.fps,
            "whole": whole_s,
            "recording": _recording(analysis),
            "silent": analysis.silent.tolist(),
            "sheet": {"side": side, "pitch": pitch_of(side), "tiles": TILES},
            "part": PART,
            "parts": parts.of,
            **_bands_told(analysis, _bands(analysis, mel, analysis.bands, account.bands, None if store else recording)),
            "mel_hz": centre_frequencies_hz(mel).round(1).tolist(),
            "sounds": sounds,
            "formants": {name: _formants(track) for name, track in _tracks(analysis, to_measure, recording).items()},
            "regions": _regions(regions, parts),
            "seen": _seen(analysis.view),
            **labels_told(labels, remarks),
            "colours": LINE_COLOURS,
        }
    )


def of_other_labels(before: str, labels: Sequence[Interval], remarks: Sequence[Remark]) -> str:
    """A payload with other labels and remarks."""
    return _sealed(json.loads(before) | labels_told(labels, remarks))


def of_other_bands(
    before: str,
    analysis: Analysis,
    mel: MelSpec,
    regions: Regions,
    kept: Collection[str] = (),
    recording: Path | None = None,
) -> str:
    """A payload with the bands of this analysis of the same clip, speech and regions: faster than a new one. before:
    not of a long clip. kept: names of unchanged bands. recording: as for `payload`."""
    told, cams = json.loads(before), analysis.cam
    old = {band["name"]: (number, band) for number, band in enumerate(told["bands"]) if band["name"] in kept}
    new = [band for band in analysis.bands if band.name not in old]
    fresh = {}
    if new:
        places = region_sums(SurfaceMasks(regions), {band.name: cams[band.name] for band in new}, len(analysis.mel_db))
        account = attribution_of_sums(analysis, places)
        fresh = {band["name"]: band for band in _bands(analysis, mel, new, account.bands, recording)}
    for first, part in zip(range(0, told["frames"], PART), told["parts"], strict=True):
        here = {name: part["cams"][number] for name, (number, _) in old.items()}
        here |= {band.name: _floats(within_box(cams[band.name][first : first + PART], analysis.view)) for band in new}
        part["cams"] = [here[band.name] for band in analysis.bands]
    bands = [old[band.name][1] if band.name in old else fresh[band.name] for band in analysis.bands]
    return _sealed(told | _bands_told(analysis, bands))


def change_of(before: str, after: str) -> str:
    """A patch from one payload to the other: changed bands and labels if pictures and sounds are the same; else, and
    for a long clip, `after` itself."""
    old, new = json.loads(before), json.loads(after)
    differing = {key for key in new if new[key] != old.get(key)} - {"key", "parts"}
    small = differing <= {"grid", "box", "bands", "tables", "labels", "remarks"}
    if not (old["key"] and small and _without_cams(old) == _without_cams(new)):
        return after
    change = {key: new[key] for key in differing} | {"onto": old["key"], "key": new["key"]}
    known = {band["name"]: (band, _cams_of(old, number)) for number, band in enumerate(old["bands"])}
    cams = {band["name"]: _cams_of(new, number) for number, band in enumerate(new["bands"])}
    same = {band["name"] for band in new["bands"] if known.get(band["name"]) == (band, cams[band["name"]])}
    change["bands"] = [band["name"] if band["name"] in same else band for band in new["bands"]]
    return json.dumps(change | {"cams": {name: cam for name, cam in cams.items() if name not in same}})


def _without_cams(told: dict) -> list[dict]:
    return [{name: value for name, value in part.items() if name != "cams"} for part in told["parts"]]


def _cams_of(told: dict, number: int) -> list[str]:
    return [part["cams"][number] for part in told["parts"]]


def _sealed(told: dict) -> str:
    """JSON with an identifying key; without one for a long clip, whose chunks are files."""
    at_once = all(isinstance(part, dict) for part in told["parts"])
    text = json.dumps(told | {"key": None})
    return json.dumps(told | {"key": hashlib.sha256(text.encode()).hexdigest()}) if at_once else text


def _bands_told(analysis: Analysis, bands: list[dict]) -> dict:
    """The payload's entries of these bands, see `_band`."""
    return {
        "grid": analysis.grid,
        "box": _box(analysis),
        "bands": bands,
        "tables": {
            "bands": [_base64(colour_table(table)) for table in BAND_MAPS[: len(bands)]],
            "one": _base64(colour_table(ONE_BAND_MAP)),
            "diverging": _base64(colour_table(DIVERGING_MAP)),
        },
    }


def _box(analysis: Analysis) -> list[int] | None:
    """Top, left, rows and columns of the maps' cells that are sent; the others are 0."""
    if analysis.grid is None:
        return None
    rows, columns = analysis.view.box(analysis.grid)
    return [rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start]


def labels_told(labels: Sequence[Interval], remarks: Sequence[Remark]) -> dict:
    """The payload's labels and remarks."""
    return {"labels": [interval for interval in labels if interval[2].strip()], "remarks": list(remarks)}


def temporal_payload(made: Sequence[TemporalAttribution], name: str) -> dict:
    """Temporal attribution for temporal.js: for each band and frame the shares by lag up to FAR and beyond
    (TemporalAttribution.near), and the picture of all pairs. name: of the clip."""
    bands = [
        {
            "name": one.band.name,
            "low_hz": one.band.low_hz,
            "high_hz": one.band.high_hz,
            "shares": _floats(one.near(FAR).ravel()),
            **_pairs_told(one),
        }
        for one in made
    ]
    return {"far": FAR, "name": name, "frames": len(made[0].silent) if made else 0, "bands": bands}


def _pairs_told(made: TemporalAttribution) -> dict:
    """pairs: a column for each frame of the sound, the latest frame of the picture on top; square roots of the shares,
    as most are small; 255 is the largest share in speech, `most`."""
    shares = np.where(made.silent[:, None], 0, made.shares)
    most = float(shares.max())
    return {"most": most, "pairs": _base64(np.round(255 * np.sqrt(shares / (most or 1))).T[::-1].astype(np.uint8))}


def _recording(analysis: Analysis) -> dict:
    """The recording's own frame rate and, if the model's is another, its frames' times."""
    clip = analysis.clip
    same = at_rate(clip, analysis.fps)
    return {"fps": clip.fps, "times": None if same else _floats(clip.times_s)}


def _bands(
    analysis: Analysis,
    mel: MelSpec,
    bands: Sequence[Band],
    attribution: Mapping[str, BandAttribution],
    recording: Path | None,
) -> list[dict]:
    """The entries of these bands. recording: the clip's file, of a short clip."""
    asked = [band for band in comparable(analysis) if band in bands]
    tract = _tract(analysis, recording) if asked else None
    acoustics = {} if tract is None else _acoustics(analysis, mel, asked, tract)
    made = [_band(analysis, mel, band, attribution[band.name]) for band in bands]
    return [entry | {"acoustics": acoustics.get(entry["name"])} for entry in made]


def _tract(analysis: Analysis, recording: Path | None) -> TrueTract | None:
    truth = truth_beside(recording) if recording else None
    if truth is None:
        return None
    try:
        tract = read_tract(truth, analysis)
    except InputError:  # a file of that name that is no ground truth
        return None
    return tract if tract.known.any() else None


def _acoustics(analysis: Analysis, mel: MelSpec, bands: Sequence[Band], tract: TrueTract) -> dict[str, dict]:
    """Band -> true sensitivity and attribution of each stretch of the tract, lips first, frame after frame: signed
    shares, NaN where not known; and each frame's rank correlation (analysis/tract_sensitivity.py)."""
    true, unknown, told = tract.sensitivity(mel, bands), ~tract.known, {}
    for band in bands:
        found = tract.attribution(analysis.cam[band.name])
        found[unknown] = np.nan
        ranks = [
            rank_correlation(*pair) if ok else None
            for *pair, ok in zip(true[band.name], found, tract.known, strict=True)
        ]
        told[band.name] = {
            "stretches": STRETCHES,
            "true": _floats(share_of(true[band.name])[:, ::-1].ravel()),
            "map": _floats(share_of(found)[:, ::-1].ravel()),
            "rank": _floats(np.array(ranks, float)),
        }
    return told


def _band(analysis: Analysis, mel: MelSpec, band: Band, attribution: BandAttribution) -> dict:
    """A band's name and bins in the mel, its energy, and its attribution (BandAttribution).

    text: as in a permalink and on the command line. formant_hz: of a formant-tracking band, NaN where not measured.
    value: the target where it is not the energy in dB: a frequency or a slope, in `unit`, signed. scale, limit: values
    displayed as 1, of the CAM's positive part and of the signed CAM.
    """
    cam = analysis.cam[band.name]
    bins = band_bins(mel, band)
    return {
        "name": band.name,
        "label": band.label,
        "text": str(band),
        "of": band.of,
        "width_hz": band.width_hz,
        "track": band.track,
        "formant_hz": _floats(analysis.tracked_hz[band.name]) if band.formant else None,
        "low_hz": band.low_hz,
        "high_hz": band.high_hz,
        "stretch_s": band.stretch,
        "than_s": band.than,
        "bins": [int(bins[0]), int(bins[-1])],
        "scale": clip_scale(cam, analysis.speech),
        "limit": clip_scale(np.abs(cam), analysis.speech),
        "db": _floats(analysis.band_db[band.name]),
        "evidence": _floats(attribution.amount),
        "unit": attribution.unit,
        "amount": _floats(attribution.strength),
        "value": _values(analysis, mel, band) if attribution.unit in TWO_SIDED else None,
        "shares": {name: _floats(share) for name, share in attribution.shares.items()},
        "changes": [asdict(change) for change in attribution.changes],
    }


def _values(analysis: Analysis, mel: MelSpec, band: Band) -> str:
    """The frequency, Hz, or slope, dB per octave, that the band's maps explain, in each frame."""
    if band.formant is None:
        target = target_of(mel, band, analysis.energy)
        return _floats(target(torch.from_numpy(analysis.mel_db)).numpy())
    formant_hz = analysis.tracked_hz[band.name]
    target = tracked_energy(tracked_bins(band, formant_hz, mel), centre_frequencies_hz(mel), analysis.energy)
    values = target(torch.from_numpy(analysis.mel_db)).numpy()
    return _floats(np.where(np.isnan(formant_hz), np.nan, values))


def _tracks(analysis: Analysis, reference: Sound | None, recording: Path | None) -> dict[str, FormantTrack]:
    try:
        return formant_tracks(analysis, reference, recording)
    except InputError:  # a file of that name that is no ground truth
        return formant_tracks(analysis, reference)


def _formants(track: FormantTrack) -> dict:
    """F1 to F3 of each frame in turn, Hz, NaN where not measured."""
    return {"hz": _floats(track.hz.ravel()), "whispered": track.whispered}


def _regions(regions: Regions, parts: Parts) -> dict:
    """Source, names and colours of the regions, and the articulatory measures, NaN where undefined."""
    shown = shown_regions(regions)
    return {
        "source": regions.source,
        "facing": regions.facing,
        "verdict": {"kind": regions.verdict.kind, **regions.verdict.values},
        "corrected": len(regions.corrections),
        "names": shown,
        "colours": [REGION_COLOURS[name] for name in shown],
        "steps": OUTLINE_STEPS,
        "measures": {name: _floats(values) for name, values in parts.measures.items() if shown},
    }


def _seen(view: FrameView) -> list[list[float]]:
    """Outlines of what the model sees, x, y, x, y, ... from 0 to 1 each; none where it sees all of the picture."""
    mask = view.mask(SIZE)
    return [] if mask is None else [(points / SIZE).round(4).ravel().tolist() for points in outline(mask)]


def _sound(samples: np.ndarray, rate: int, mel_db: np.ndarray, store: Store | None) -> dict:
    """A WAV, or the path of its file, and its mel as a picture (n_mels, T), highest bin first."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, channels=1, format="WAV", subtype="PCM_16") as wav:
        for k in range(0, len(samples), _WRITTEN_AT_ONCE):
            wav.write(np.clip(samples[k : k + _WRITTEN_AT_ONCE], -1, 1))
    top = mel_db.max()
    picture = np.clip((mel_db - top) / MEL_RANGE_DB + 1, 0, 1)
    sent = {"file": store.sound(file.getbuffer())} if store else {"wav": _base64(file.getbuffer())}
    return sent | {
        "mel": _base64(np.round(picture.T[::-1] * 255).astype(np.uint8)),
    }


def _trimmed(sound: Sound, rate: int, samples: int) -> np.ndarray:
    """A sound resampled, and cut or padded with silence to `samples`."""
    return fit(resample(*sound, rate), samples)


def _floats(values: np.ndarray) -> str:
    return _base64(np.ascontiguousarray(values, "<f4"))


def _base64(data) -> str:
    return base64.b64encode(np.ascontiguousarray(data)).decode("ascii")

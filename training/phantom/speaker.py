"""Speakers: size and shape of the tract, voice, pace, and the looks that VocalTractLab knows nothing of.

Source of the scaling: every length of VocalTractLab's one speaker (JD3, an adult man) is scaled along x (mouth and
depth of the pharynx) and y (heights, length of the pharynx) apart, because a child's pharynx is short for its mouth
(Fitch and Giedd 1999, J. Acoust. Soc. Am. 106, 1511).
"""

import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

SMALLEST, LARGEST = 0.78, 1.10
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Speaker:
    """One virtual speaker. Lengths in cm of the unscaled head unless said otherwise."""

    index: int
    scale_x: float
    scale_y: float
    f0_hz: float
    f0_range_st: float
    rate: float
    vowel_time_s: float
    looks_seed: int
    nose: float
    chin: float
    neck: float
    nape: float
    fat: float
    spine: float
    cranium: float
    tilt_deg: float
    velum: float
    palate: float
    contrast: float
    field_of_view_cm: float
    shift_x_cm: float
    shift_y_cm: float
    sharpness: float
    noise: float

    @property
    def name(self) -> str:
        """ "s03": the start of every utterance's name, so that a corpus can be split by speaker."""
        return f"s{self.index:02d}"

    to_json = asdict


def make_speaker(seed: int, index: int) -> Speaker:
    """Speaker `index` of corpus `seed`. Sizes of the first n speakers are spread evenly, whatever n is."""
    rng = np.random.default_rng([seed, index, 0])
    start = np.random.default_rng([seed, 1]).random()
    size = SMALLEST + (LARGEST - SMALLEST) * ((start + index * _GOLDEN) % 1.0)
    shape = rng.normal(0, 0.03)
    scale_x, scale_y = (float(np.clip(s, SMALLEST, LARGEST)) for s in (size * (1 + shape), size * (1 - shape)))
    # F0 falls with size: about 110 Hz for the unscaled man, 210 Hz for a woman (0.87), 270 Hz for a child (0.78).
    f0_hz = 112 * size**-3.8 * 2 ** (rng.normal(0, 1.5) / 12)
    return Speaker(
        index=index,
        scale_x=scale_x,
        scale_y=scale_y,
        f0_hz=float(np.clip(f0_hz, 75, 330)),
        f0_range_st=float(rng.uniform(1.2, 2.6)),
        rate=float(rng.uniform(0.85, 1.25)),
        vowel_time_s=float(rng.uniform(0.012, 0.017)),
        looks_seed=int(rng.integers(2**31)),
        nose=float(rng.uniform(-0.5, 0.5)),
        chin=float(rng.uniform(-0.35, 0.4)),
        neck=float(rng.uniform(-0.5, 0.7)),
        nape=float(rng.uniform(-0.9, 0.9)),
        fat=float(rng.uniform(0.18, 0.45)),
        spine=float(rng.uniform(-0.2, 0.2)),
        cranium=float(rng.uniform(0.95, 1.04)) * size**-0.4,
        tilt_deg=float(rng.normal(0, 4)),
        velum=float(rng.uniform(0.55, 0.8)),
        palate=float(rng.uniform(0.6, 0.85)),
        contrast=float(rng.uniform(0.75, 1.2)),
        field_of_view_cm=float(rng.uniform(23.5, 26.5)),
        shift_x_cm=float(rng.normal(0, 0.5)),
        shift_y_cm=float(rng.normal(0, 0.5)),
        sharpness=float(rng.uniform(0.62, 0.95)),
        noise=float(rng.uniform(0.008, 0.02)),
    )


_ALONG_X = frozenset(
    "x z top_teeth_width bottom_teeth_width fulcrum_x rest_pos_x width radius_x trx_intercept uvula_width uvula_depth "
    "upper_depth lower_depth back_side_width epiglottis_width epiglottis_depth".split()
)
_ALONG_Y = frozenset(
    "teeth_height palate_height jaw_height fulcrum_y rest_pos_y tooth_root_length radius_y try_intercept uvula_height "
    "top_rib_y epiglottis_height".split()
)
_PARAMETERS_X = frozenset("JX TCX TTX TBX TRX".split())
_PARAMETERS_Y = frozenset("HY TCY TTY TBY TRY LD".split())


def _anatomy_factor(attribute: str, sx: float, sy: float) -> float:
    mean = (sx * sy) ** 0.5
    special = {"radius": mean, "length": mean, "volume": mean**3, "max_nasal_port_area": mean**2}
    return special.get(attribute, sx if attribute in _ALONG_X else sy if attribute in _ALONG_Y else 1.0)


def _scale_points(text: str, sx: float, sy: float) -> str:
    values = [float(v) for v in text.split()]
    return " ".join(f"{v * (sy if k % 2 else sx):.5f}" for k, v in enumerate(values)) + " "


def _scale_parameter(element: ET.Element, sx: float, sy: float) -> None:
    name = element.get("name")
    factor = sx if name in _PARAMETERS_X else sy if name in _PARAMETERS_Y else 1.0
    for attribute in ("min", "max", "neutral", "value"):
        if element.get(attribute) is not None:
            element.set(attribute, f"{float(element.get(attribute)) * factor:.6f}")


def write_speaker_file(speaker: Speaker, source: Path, path: Path) -> None:
    """VocalTractLab's speaker file `source`, with the tract and every posture scaled, and the glottis fitted."""
    sx, sy = speaker.scale_x, speaker.scale_y
    tree = ET.parse(source)
    tract = tree.getroot().find("vocal_tract_model")
    for element in tract.find("anatomy").iter():
        if element.tag == "param":
            _scale_parameter(element, sx, sy)
            continue
        for attribute, value in element.attrib.items():
            if attribute == "points":
                element.set(attribute, _scale_points(value, sx, sy))
            else:
                factor = _anatomy_factor(attribute, sx, sy)
                if factor != 1.0:
                    element.set(attribute, f"{float(value) * factor:.6f}")
    for parameter in tract.find("shapes").iter("param"):
        _scale_parameter(parameter, sx, sy)
    _fit_glottis(tree.getroot().find("glottis_models"), speaker)
    tree.write(path, encoding="utf-8")


def _fit_glottis(models: ET.Element, speaker: Speaker) -> None:
    """Vocal folds as long as the larynx is large, and at rest at the speaker's own F0."""
    size = (speaker.scale_x * speaker.scale_y) ** 0.5
    fitted = {"RL": 1.6 * size**1.8, "RT": 0.45 * size, "RF0": speaker.f0_hz}
    for model in models:
        if model.get("type") == "Geometric glottis":
            for parameter in model.find("static_params"):
                if parameter.get("name") in fitted:
                    parameter.set("neutral", f"{fitted[parameter.get('name')]:.6f}")
                    if parameter.get("value") is not None:
                        parameter.set("value", f"{fitted[parameter.get('name')]:.6f}")

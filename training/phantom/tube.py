"""Formants of an area function: resonances of a lossless tube with soft walls and an open end at the lips.

Source: chain matrices of concatenated tubes (Flanagan 1972, Speech Analysis Synthesis and Perception, section 3.7);
the walls raise every resonance as f' = sqrt(f^2 + f_wall^2) (Fant 1972); end correction of the opening 8 r / (3 pi).
The nasal branch is left out: these are the resonances of the oral tract.
"""

import numpy as np

SPEED_OF_SOUND_CM_S = 35000.0
WALL_RESONANCE_HZ = 150.0
SMALLEST_AREA_CM2 = 0.02
GRID_HZ = 10.0
HIGHEST_HZ = 6500.0


def formants(lengths_cm: np.ndarray, areas_cm2: np.ndarray, count: int = 4) -> np.ndarray:
    """(T, count) formants in Hz, NaN where there are fewer, of tubes (T, sections) from the glottis to the lips."""
    lengths, areas = np.atleast_2d(lengths_cm), np.maximum(np.atleast_2d(areas_cm2), SMALLEST_AREA_CM2)
    lengths = lengths.copy()
    lengths[:, -1] += 8 / (3 * np.pi) * np.sqrt(areas[:, -1] / np.pi)
    hz = np.arange(GRID_HZ, HIGHEST_HZ, GRID_HZ)
    response = _inverse_transfer(lengths, areas, hz)
    out = np.full((len(lengths), count), np.nan)
    for row, values in zip(out, response, strict=True):
        at = np.flatnonzero(np.sign(values[1:]) * np.sign(values[:-1]) < 0)[:count]
        crossing = hz[at] + GRID_HZ * values[at] / (values[at] - values[at + 1])
        row[: len(at)] = np.sqrt(crossing**2 + WALL_RESONANCE_HZ**2)
    return out


def _inverse_transfer(lengths: np.ndarray, areas: np.ndarray, hz: np.ndarray) -> np.ndarray:
    """(T, F) glottal flow over lip flow: real, and zero at the resonances of a lossless tube."""
    k = 2 * np.pi * hz / SPEED_OF_SOUND_CM_S
    # From the lips (pressure 0, flow 1) back to the glottis; the pressure is imaginary, kept as its imaginary part.
    pressure = np.zeros((len(lengths), len(hz)))
    flow = np.ones_like(pressure)
    for section in range(lengths.shape[1] - 1, -1, -1):
        cos, sin = np.cos(lengths[:, section, None] * k), np.sin(lengths[:, section, None] * k)
        area = areas[:, section, None]
        pressure, flow = pressure * cos + flow * sin / area, flow * cos - pressure * sin * area
    return flow

"""Acoustics of an area function: the transfer function of the tract, and a band's sensitivity to each section.

The tract is a chain of short tubes with yielding walls (chain matrices of M. Sondhi and J. Schroeter, "A hybrid
time-frequency domain articulatory speech synthesizer", IEEE Trans. ASSP 35, 1987), driven by a flow at the glottis and
open at the lips (J. Flanagan, Speech Analysis, Synthesis and Perception, 1972), with the piriform fossae as a side
branch. Viscosity, heat conduction and the nasal tract are left out. The walls and the fossae are fitted to
VocalTractLab's transfer functions: 0.8 dB RMS over 0.1-3.5 kHz of its five vowels.

The sensitivity of a band's energy to a section is its derivative by the logarithm of the section's area (G. Fant,
Acoustic Theory of Speech Production, 1960; M. Schroeder, J. Acoust. Soc. Am. 41, 1967): a hundredth of it is the change
in dB when the section is widened by 1 %. It is exact, as the area enters a section's chain matrix off the diagonal
alone. Units: cm, g, s.
"""

from dataclasses import dataclass

import numpy as np

SPEED_OF_SOUND_CM_S = 35000.0
AIR_DENSITY_G_CM3 = 0.00114
WALL_DAMPING_RAD_S = 210.0  # the walls' resistance over their mass; Sondhi and Schroeter: 408
WALL_RESONANCE_HZ = 15.0
CLOSED_TRACT_RESONANCE_HZ = 116.0  # of the air in a closed tract with the mass of its walls; 200
GLOTTAL_POLE_HZ = 100.0  # of the flow through the glottis, twice
SMALLEST_AREA_CM2 = 0.02
_DB = 10 / np.log(10)
_FOSSAE_OF_CM = 17.1  # length of the tract that has the fossae of `piriform_fossae`


@dataclass(frozen=True)
class SideBranch:
    """A closed tube that opens into the tract after so many sections from the glottis."""

    after: int
    length_cm: float
    volume_cm3: float


def piriform_fossae(tract_cm: float) -> SideBranch:
    """The fossae of a tract of this mean length, cm, whose first four of 40 sections are the larynx tube."""
    size = tract_cm / _FOSSAE_OF_CM
    return SideBranch(4, 1.74 * size, 1.40 * size**3)


def transfer_function(
    lengths_cm: np.ndarray, areas_cm2: np.ndarray, hz: np.ndarray, fossae: SideBranch | None = None
) -> np.ndarray:
    """Flow at the lips over flow at the glottis, complex (T, F), of tubes (T, sections), glottis first, at hz (F,)."""
    return 1 / _Chain(lengths_cm, areas_cm2, hz, fossae).inverse


def band_levels(
    lengths_cm: np.ndarray,
    areas_cm2: np.ndarray,
    hz: np.ndarray,
    weights: np.ndarray,
    fossae: SideBranch | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Energy of bands, dB (T, bands), and its derivative by the logarithm of each area (T, bands, sections).

    Tubes (T, sections), glottis first. weights (bands, F): of the power at hz (F,), above 0 Hz, in each band, with the
    source (`source_power`) and whatever hears it.
    """
    chain = _Chain(lengths_cm, areas_cm2, hz, fossae)
    parts = weights / np.abs(chain.inverse[:, None]) ** 2  # (T, bands, F)
    energy = parts.sum(axis=2)
    slopes = -2 * (chain.slopes() / chain.inverse[:, None]).real  # of the log power: (T, sections, F)
    return _DB * np.log(energy), _DB * np.einsum("tbf,tsf->tbs", parts / energy[:, :, None], slopes)


def source_power(hz: np.ndarray) -> np.ndarray:
    """(F,) relative power spectrum of a typical voice without its tract (Fant 1960): the glottal flow falls by 12 dB
    per octave above GLOTTAL_POLE_HZ, radiation from the lips raises by 6 dB per octave."""
    return hz**2 / (1 + (hz / GLOTTAL_POLE_HZ) ** 2) ** 2


def in_equal_stretches(values: np.ndarray, lengths_cm: np.ndarray, stretches: int) -> np.ndarray:
    """Values of sections (T, bands, sections) -> (T, bands, stretches) of equal length: a section's value is spread
    evenly along it. lengths_cm: (T, sections)."""
    edges = np.pad(np.cumsum(lengths_cm, axis=1), ((0, 0), (1, 0)))
    sums = np.pad(np.cumsum(values, axis=2), ((0, 0), (0, 0), (1, 0)))
    share = np.linspace(0, 1, stretches + 1)
    at = [[np.interp(share * edge[-1], edge, one) for one in row] for edge, row in zip(edges, sums, strict=True)]
    return np.diff(np.array(at), axis=2)


class _Chain:
    """Chain matrices of tubes (T, sections) at hz (F,).

    Pressure and flow (P, U) after a section are its matrix [[a, b], [c, a]] times those before it, each (T, F). With
    the lips' load Z, glottal flow over lip flow is `inverse` = (1, -Z) M_n ... M_1 (1, 0)'.
    """

    def __init__(self, lengths_cm: np.ndarray, areas_cm2: np.ndarray, hz: np.ndarray, fossae: SideBranch | None):
        lengths = np.atleast_2d(np.asarray(lengths_cm, float))
        areas = np.maximum(np.atleast_2d(np.asarray(areas_cm2, float)), SMALLEST_AREA_CM2)
        jw = 2j * np.pi * np.asarray(hz, float)
        closed, wall = (2 * np.pi * CLOSED_TRACT_RESONANCE_HZ) ** 2, (2 * np.pi * WALL_RESONANCE_HZ) ** 2
        yielding = jw * closed / ((jw + WALL_DAMPING_RAD_S) * jw + wall)
        ratio = np.sqrt((WALL_DAMPING_RAD_S + jw) / (yielding + jw))
        angle = ratio * (yielding + jw) / SPEED_OF_SOUND_CM_S  # per cm
        impedance = AIR_DENSITY_G_CM3 * SPEED_OF_SOUND_CM_S * ratio  # of 1 cm2
        self.matrices = []
        for length, area in zip(lengths.T[:, :, None], areas.T[:, :, None], strict=True):
            sinh = np.sinh(angle * length)
            self.matrices.append((np.cosh(angle * length), -impedance / area * sinh, -area / impedance * sinh))
        self.branch = 0
        self.lost: np.ndarray = 0 * jw  # flow into the side branch over the pressure at its opening
        if fossae is not None:
            area = fossae.volume_cm3 / fossae.length_cm
            self.branch, self.lost = fossae.after, area / impedance * np.tanh(angle * fossae.length_cm)
        self.load, self.load_slope = _radiation(areas[:, -1, None], jw)
        one = np.ones_like(self.load)
        self.before = [(one, np.zeros_like(one))]  # each section: the pressure 1 and no flow at the glottis, carried on
        for number, (a, b, c) in enumerate(self.matrices, start=1):
            p, u = self.before[-1]
            p, u = a * p + b * u, c * p + a * u
            self.before.append((p, u - self.lost * p if number == self.branch else u))
        pressure, self.flow = self.before.pop()
        self.inverse = pressure - self.load * self.flow

    def slopes(self) -> np.ndarray:
        """(T, sections, F) derivative of `inverse` by the logarithm of each area."""
        out = np.empty((len(self.load), len(self.matrices), self.load.shape[1]), complex)
        left, right = np.ones_like(self.load), -self.load  # (1, -Z) carried back to the section's end
        for k in range(len(self.matrices) - 1, -1, -1):
            (a, b, c), (p, u) = self.matrices[k], self.before[k]
            if k + 1 == self.branch:
                left = left - self.lost * right
            out[:, k] = right * c * p - left * b * u
            left, right = left * a + right * c, left * b + right * a
        out[:, -1] -= self.load_slope * self.flow
        return out


def _radiation(area: np.ndarray, jw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Load of an opening (T, 1), a resistance beside an inertance (Flanagan 1972), and its derivative by the logarithm
    of the area: (T, F) each."""
    resistance = 128 * AIR_DENSITY_G_CM3 * SPEED_OF_SOUND_CM_S / (9 * np.pi**2 * area)
    inertance = 8 * AIR_DENSITY_G_CM3 / (3 * np.pi * np.sqrt(np.pi * area))
    load = jw * inertance * resistance / (resistance + jw * inertance)
    # 1 / Z = 1 / R + 1 / (jw L), with R as area^-1 and L as area^-1/2
    return load, -(load**2) * (1 / resistance + 0.5 / (jw * inertance))

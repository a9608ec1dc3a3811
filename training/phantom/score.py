"""Phones and a melody -> a gestural score, the input of VocalTractLab (Birkholz 2013, PLoS ONE 8(4) e60603)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from .phones import BODY, CONSONANTS, GLOTTIS, LIPS, PAUSE, TIP, VELUM, VOCALIC, WHISPERED, Gesture, Phone

# The vowel's own gesture begins a little before the consonants that lead to it.
VOWEL_LEAD_S = 0.020
SHORTEST_GESTURE_S = 0.020
# Lung pressure sets in before the first phone of a stretch of speech and ebbs before its last one ends.
PRESSURE_LEAD_S, PRESSURE_EBB_S = 0.020, 0.060
REST_HOLD_S = 0.7  # from one posture of rest to the next, where an utterance has several


@dataclass(frozen=True)
class Manner:
    """How a speaker moves: time constants of the gestures (s), and the lung pressure (dPa)."""

    vowel_time_s: float = 0.014
    constriction_time_s: float = 0.012
    pressure_dpa: float = 8000.0


@dataclass(frozen=True)
class Rest:
    """A posture of breathing: what the tongue has of each vowel (shares, of sum 1), and the tract's other values.

    jaw in degrees, lip_protrusion and velum in VocalTractLab's own scale, lip_distance in cm (below 0: pressed shut).
    By default lips together, the jaw nearly shut, the tongue against the palate, the velum down.
    """

    tongue: tuple[tuple[str, float], ...] = (("I", 1.0),)
    jaw: float = -0.6
    lip_protrusion: float = -0.05
    lip_distance: float = -0.25
    velum: float = 0.75


@dataclass(frozen=True)
class Timed:
    """A gesture in absolute time; target None leaves the tier to the others."""

    target: str | None
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Utterance:
    """What is spoken and how: the phones from the first to the last sample, and the melody as (hz, seconds) steps.

    rests: the postures of its pauses, REST_HOLD_S after one another, again from the first after the last.
    """

    phones: tuple[Phone, ...]
    melody: tuple[tuple[float, float], ...]
    manner: Manner = field(default_factory=Manner)
    rests: tuple[Rest, ...] = (Rest(),)

    @property
    def duration_s(self) -> float:
        return sum(p.duration_s for p in self.phones)


def spans(phones: Sequence[Phone]) -> list[tuple[str, float, float]]:
    """(name, start_s, end_s) of each phone."""
    out, t = [], 0.0
    for p in phones:
        out.append((p.name, t, t + p.duration_s))
        t += p.duration_s
    return out


def speech_stretches(phones: Sequence[Phone]) -> list[tuple[float, float]]:
    """(start_s, end_s) of each stretch between pauses."""
    out: list[list[float]] = []
    speaking = False
    for name, start, end in spans(phones):
        if name == PAUSE:
            speaking = False
        elif speaking:
            out[-1][1] = end
        else:
            out.append([start, end])
            speaking = True
    return [(a, b) for a, b in out]


def _vowel_tier(phones: Sequence[Phone]) -> list[Timed]:
    """Targets of the whole tract: each vowel from the consonants before it until the next; schwa in pauses."""
    starts: list[tuple[float, str]] = []
    run = None  # start of the consonants that lead to the next vowel
    for name, start, end in spans(phones):
        if name == PAUSE:
            run = None
            starts.append((start, "@"))
        elif name in CONSONANTS:
            run = start if run is None else run
        else:
            targets, begin = VOCALIC[name], start if run is None else run
            starts.append((begin, targets[0]))
            if len(targets) == 2:
                starts.append((start + 0.45 * (end - start), targets[1]))
            run = None
    # Before the first consonants of a stretch the tract already takes the vowel to come: no schwa of zero length.
    total = sum(p.duration_s for p in phones)
    times = [max(0.0, t - VOWEL_LEAD_S) for t, _ in starts] + [total]
    times[0] = 0.0
    return [Timed(v, a, b) for (_, v), a, b in zip(starts, times[:-1], times[1:], strict=True)]


def _constrictions(phones: Sequence[Phone], tier: str) -> list[Timed]:
    total = sum(p.duration_s for p in phones)
    timed = []
    for name, start, end in spans(phones):
        for g in CONSONANTS.get(name, ()):
            if g.tier == tier:
                timed.append(_place(g, start, end, total))
    return timed


def _place(g: Gesture, start: float, end: float, total: float) -> Timed:
    a = start + g.start_at * (end - start) + g.start_s
    b = start + g.end_at * (end - start) + g.end_s
    return Timed(g.target, max(0.0, a), min(total, max(b, a + 0.045)))


def _without_overlap(gestures: list[Timed], filler: str | None, total: float) -> list[Timed]:
    """One gesture at a time: a later one cuts an earlier one short, and `filler` takes the gaps.

    VocalTractLab refuses very short gestures: a short gap is added to its neighbour, a short gesture left out.
    """
    out: list[Timed] = []
    for g in sorted(gestures, key=lambda g: g.start_s):
        if out and g.start_s < out[-1].end_s:
            out[-1] = Timed(out[-1].target, out[-1].start_s, g.start_s)
        out.append(g)
    filled: list[Timed] = []
    for g in [*(g for g in out if g.end_s - g.start_s >= SHORTEST_GESTURE_S), Timed(filler, total, total)]:
        before = filled[-1].end_s if filled else 0.0
        if g.start_s - before >= SHORTEST_GESTURE_S:
            filled.append(Timed(filler, before, g.start_s))
        elif filled:
            filled[-1] = Timed(filled[-1].target, filled[-1].start_s, g.start_s)
        start = filled[-1].end_s if filled else 0.0
        if g.end_s > start:
            filled.append(Timed(g.target, start, g.end_s))
    return filled


def _glottis_tier(phones: Sequence[Phone], total: float) -> list[Timed]:
    whispered = [Timed("voiceless-fricative", a - 0.03, b - 0.03) for name, a, b in spans(phones) if name in WHISPERED]
    return _without_overlap(_constrictions(phones, GLOTTIS) + whispered, "modal", total)


def _pressure_tier(phones: Sequence[Phone], pressure_dpa: float, total: float) -> list[Timed]:
    blown = [
        Timed(f"{pressure_dpa:.1f}", max(0.0, a - PRESSURE_LEAD_S), b - PRESSURE_EBB_S)
        for a, b in speech_stretches(phones)
    ]
    return _without_overlap(blown, "0.0", total)


def _melody_tier(melody: Sequence[tuple[float, float]], total: float) -> list[Timed]:
    """The score lasts as long as its longest tier: the melody is cut, or its last step held, to fit."""
    out, t = [], 0.0
    for hz, seconds in melody:
        if t < total - SHORTEST_GESTURE_S:
            out.append(Timed(f"{12 * math.log2(hz):.4f}", t, min(total, t + seconds)))
            t = out[-1].end_s
    out[-1] = Timed(out[-1].target, out[-1].start_s, total)
    return out


def _xml(tier: str, unit: str, gestures: Sequence[Timed], time_constant_s: float) -> str:
    lines = [f'  <gesture_sequence type="{tier}-gestures" unit="{unit}">']
    for g in gestures:
        numeric = unit != "" or tier == VELUM
        value = g.target if g.target is not None else ("0.0" if numeric else "")
        lines.append(
            f'    <gesture value={quoteattr(value)} slope="0.0" duration_s="{g.end_s - g.start_s:.6f}" '
            f'time_constant_s="{time_constant_s:.6f}" neutral="{int(g.target is None)}" />'
        )
    return "\n".join([*lines, "  </gesture_sequence>"])


def gestural_score(utterance: Utterance) -> str:
    """The utterance as VocalTractLab's gestural score (XML)."""
    phones, manner, total = utterance.phones, utterance.manner, utterance.duration_s
    quick = manner.constriction_time_s
    tiers = [_xml("vowel", "", _vowel_tier(phones), manner.vowel_time_s)]
    for tier in (LIPS, TIP, BODY, VELUM):
        tiers.append(_xml(tier, "", _without_overlap(_constrictions(phones, tier), None, total), quick))
    tiers.append(_xml(GLOTTIS, "", _glottis_tier(phones, total), 0.012))
    tiers.append(_xml("f0", "st", _melody_tier(utterance.melody, total), 0.03))
    tiers.append(_xml("lung-pressure", "dPa", _pressure_tier(phones, manner.pressure_dpa, total), 0.008))
    return "\n".join(["<gestural_score>", *tiers, "</gestural_score>", ""])

"""The gestural score: what VocalTractLab needs to find in it, and what the phones ask for."""

import xml.etree.ElementTree as ET

import pytest

from training.phantom.corpus import Task, utterance_of
from training.phantom.phones import PAUSE, Phone
from training.phantom.score import Utterance, gestural_score, speech_stretches


def tiers(utterance: Utterance) -> dict[str, list[tuple[str, float, float, bool]]]:
    """Tier -> (value, start_s, end_s, neutral) of its gestures."""
    out = {}
    for tier in ET.fromstring(gestural_score(utterance)):
        t, rows = 0.0, []
        for g in tier:
            end = t + float(g.get("duration_s"))
            rows.append((g.get("value"), t, end, g.get("neutral") == "1"))
            t = end
        out[tier.get("type").removesuffix("-gestures")] = rows
    return out


def spoken(*phones: tuple[str, float]) -> Utterance:
    return Utterance(tuple(Phone(n, s) for n, s in phones), ((120.0, 10.0),))


def test_random_speech_never_holds_a_gesture_that_vocaltractlab_refuses():
    """It refuses gestures below about 15 ms, and stretches the clip if a tier is longer than the phones."""
    for number in range(40):
        _, utterance = utterance_of(Task(7, number % 5, number))
        for tier, rows in tiers(utterance).items():
            assert min((b - a for _, a, b, _ in rows), default=1) >= 0.0199, tier
            assert max((b for _, _, b, _ in rows), default=0) <= utterance.duration_s + 1e-4, tier


def test_the_lips_close_before_p_is_heard_and_the_folds_part():
    found = tiers(spoken((PAUSE, 0.3), ("a", 0.2), ("p", 0.1), ("i", 0.2), (PAUSE, 0.3)))
    ((_, start, end, _),) = [g for g in found["lip"] if not g[3]]
    assert start == pytest.approx(0.5 - 0.088, abs=1e-3) and 0.5 < end < 0.6
    ((value, start, _, _),) = [g for g in found["glottal-shape"] if g[0] != "modal"]
    assert value == "voiceless-plosive" and start == pytest.approx(0.49, abs=1e-3)


def test_the_velum_opens_for_nasals_only():
    found = tiers(spoken((PAUSE, 0.3), ("b", 0.1), ("a", 0.2), ("m", 0.1), ("a", 0.2), (PAUSE, 0.3)))
    opened = [(a, b) for _, a, b, neutral in found["velic"] if not neutral]
    assert len(opened) == 1 and opened[0][0] < 0.6 + 0.05 and opened[0][1] > 0.6


def test_lungs_push_only_while_there_is_speech():
    utterance = spoken((PAUSE, 0.3), ("a", 0.3), (PAUSE, 0.4), ("i", 0.3), (PAUSE, 0.3))
    pushed = [(a, b) for value, a, b, _ in tiers(utterance)["lung-pressure"] if float(value) > 0]
    assert len(pushed) == 2
    for (a, b), (start, end) in zip(pushed, speech_stretches(utterance.phones), strict=True):
        assert abs(a - start) < 0.05 and -0.1 < b - end <= 0


def test_the_next_vowel_is_prepared_during_the_consonants():
    rows = tiers(spoken((PAUSE, 0.3), ("a", 0.2), ("s", 0.1), ("t", 0.1), ("u", 0.2), (PAUSE, 0.3)))["vowel"]
    assert [r[0] for r in rows] == ["@", "a", "u", "@"]
    assert rows[2][1] == pytest.approx(0.48, abs=1e-3)

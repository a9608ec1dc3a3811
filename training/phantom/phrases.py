"""What is said: random utterances of a speaker, or a given phrase, with melody, pace and silence around them."""

from dataclasses import replace

import numpy as np

from . import japanese
from .phones import CONSONANTS, DIPHTHONGS, PAUSE, Phone
from .score import Manner, Rest, Utterance
from .speaker import Speaker

SHORTEST_S, LONGEST_S = 2.2, 4.8
PURE_VOWELS = "a e i o u E: 2 y I E O U 9 Y @ 6".split()
CARDINAL = "a i u e o".split()
RESTING_TONGUE = "I i E @ U u a".split()
LONG_VOWELS = "a: e: i: o: u:".split()
ONSET = [c for c in CONSONANTS if c not in ("N", "?", "C")]
CODA = "p t k f s S x m n N l".split()
PLAIN_ONSETS = "k s t n h m y r w g z d b p".split()
OTHER_ONSETS = "ky sh ch ny hy my ry gy j by py ts f".split()
NOT_JAPANESE = {("y", "i"), ("y", "e"), ("w", "i"), ("w", "u"), ("w", "e")}


def _seconds(rng: np.random.Generator, low: float, high: float, pace: float) -> float:
    return float(rng.uniform(low, high) / pace)


def pseudo_word(rng: np.random.Generator, pace: float) -> list[Phone]:
    """One to three syllables of any phones."""
    out = []
    for _ in range(rng.integers(1, 4)):
        if rng.random() < 0.9:
            out.append(Phone(str(rng.choice(ONSET)), _seconds(rng, 0.06, 0.12, pace)))
        nucleus = rng.random()
        if nucleus < 0.12:
            out.append(Phone(str(rng.choice(list(DIPHTHONGS))), _seconds(rng, 0.15, 0.24, pace)))
        elif nucleus < 0.3:
            out.append(Phone(str(rng.choice(LONG_VOWELS)), _seconds(rng, 0.16, 0.3, pace)))
        else:
            out.append(Phone(str(rng.choice(PURE_VOWELS)), _seconds(rng, 0.08, 0.17, pace)))
        if rng.random() < 0.3:
            out.append(Phone(str(rng.choice(CODA)), _seconds(rng, 0.06, 0.11, pace)))
    return out


def mora_word(rng: np.random.Generator, pace: float) -> list[Phone]:
    """Two to five Japanese morae, now and then with a long vowel, a geminate, a moraic nasal or a devoiced vowel."""
    spelling = ""
    for k in range(rng.integers(2, 6)):
        onset = str(rng.choice(PLAIN_ONSETS if rng.random() < 0.75 else OTHER_ONSETS)) if rng.random() < 0.85 else ""
        vowel = str(rng.choice(CARDINAL))
        if (onset, vowel) in NOT_JAPANESE or (onset == "" and k > 0 and spelling.endswith(("n'", vowel))):
            onset = "k"
        if k > 0 and onset[:1] in ("k", "s", "t", "p") and rng.random() < 0.12 and not spelling.endswith("'"):
            spelling += onset[0]
        spelling += onset + vowel
        extra = rng.random()
        if extra < 0.1:
            spelling += "-"
        elif extra < 0.2:
            spelling += "n'"
    return japanese.word(spelling, _seconds(rng, 0.13, 0.18, pace), devoice=bool(rng.random() < 0.3))


def vowel_series(rng: np.random.Generator, pace: float) -> list[Phone]:
    """The five vowels in any order, held."""
    return [Phone(str(v), _seconds(rng, 0.2, 0.35, pace)) for v in rng.permutation(CARDINAL)]


def repeated_syllable(rng: np.random.Generator, pace: float) -> list[Phone]:
    """One consonant before several vowels: ka ki ku ke ko."""
    onset, seconds = str(rng.choice(ONSET)), _seconds(rng, 0.07, 0.11, pace)
    out = []
    for v in rng.permutation(CARDINAL)[: rng.integers(3, 6)]:
        out += [Phone(onset, seconds), Phone(str(v), _seconds(rng, 0.12, 0.2, pace))]
    return out


KINDS = ((mora_word, 0.45), (pseudo_word, 0.35), (repeated_syllable, 0.12), (vowel_series, 0.08))


def melody(
    rng: np.random.Generator, f0_hz: float, range_st: float, duration_s: float
) -> tuple[tuple[float, float], ...]:
    """F0 as (hz, seconds) steps around the speaker's own, sinking by about two semitones."""
    steps, t = [], 0.0
    while t < duration_s:
        seconds = float(rng.uniform(0.12, 0.35))
        semitones = 1.0 - 2.0 * t / duration_s + rng.normal(0, range_st)
        steps.append((f0_hz * 2 ** (float(np.clip(semitones, -7, 9)) / 12), seconds))
        t += seconds
    return tuple(steps)


def random_rest(rng: np.random.Generator) -> Rest:
    """Somewhere between pressed lips and a mouth held open, the tongue flat, bunched or against the palate."""
    vowels = rng.choice(RESTING_TONGUE, 3, replace=False)
    open_mouth = rng.random() < 0.35
    return Rest(
        tongue=tuple(zip(map(str, vowels), map(float, rng.dirichlet((1.0, 1.0, 1.0))), strict=True)),
        jaw=float(rng.uniform(-4.0, -1.5) if open_mouth else rng.uniform(-1.5, 0.0)),
        lip_protrusion=float(rng.uniform(-0.3, 0.4)),
        lip_distance=float(rng.uniform(0.05, 1.2) if open_mouth else rng.uniform(-0.4, 0.05)),
        velum=float(rng.uniform(0.3, 1.0)),
    )


def with_long_pauses(rng: np.random.Generator, speaker: Speaker, utterance: Utterance) -> Utterance:
    """The utterance with some of its pauses up to two seconds longer, and the mouth moving in them without a sound."""
    phones = tuple(
        Phone(PAUSE, p.duration_s + float(rng.uniform(0.3, 2.0))) if p.name == PAUSE and rng.random() < 0.25 else p
        for p in utterance.phones
    )
    duration_s = sum(p.duration_s for p in phones)
    tune = melody(rng, speaker.f0_hz, speaker.f0_range_st, duration_s)
    rests = tuple(random_rest(rng) for _ in range(rng.integers(2, 6)))
    return replace(utterance, phones=phones, melody=tune, rests=rests)


def _with_silence(rng: np.random.Generator, phones: list[Phone]) -> tuple[Phone, ...]:
    lead, tail = rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.55)
    return (Phone(PAUSE, float(lead)), *phones, Phone(PAUSE, float(tail)))


def _manner(rng: np.random.Generator, speaker: Speaker) -> Manner:
    return Manner(
        vowel_time_s=speaker.vowel_time_s * float(rng.uniform(0.9, 1.1)),
        constriction_time_s=float(rng.uniform(0.011, 0.0135)),
        pressure_dpa=float(rng.uniform(7400, 8400)),
    )


def _utterance(rng: np.random.Generator, speaker: Speaker, phones: list[Phone]) -> Utterance:
    spoken = _with_silence(rng, phones)
    duration_s = sum(p.duration_s for p in spoken)
    return Utterance(spoken, melody(rng, speaker.f0_hz, speaker.f0_range_st, duration_s), _manner(rng, speaker))


def random_utterance(rng: np.random.Generator, speaker: Speaker) -> Utterance:
    """Words of one kind, with pauses here and there, lasting SHORTEST_S to about LONGEST_S."""
    makers, weights = zip(*KINDS, strict=True)
    say = makers[rng.choice(len(makers), p=weights)]
    pace = speaker.rate * float(rng.uniform(0.85, 1.15))
    wanted_s = rng.uniform(SHORTEST_S, LONGEST_S) - 0.9
    phones: list[Phone] = []
    while sum(p.duration_s for p in phones) < wanted_s:
        if phones and rng.random() < 0.3:
            phones.append(Phone(PAUSE, float(rng.uniform(0.15, 0.45))))
        phones += say(rng, pace)
    return _utterance(rng, speaker, phones)


def given_utterance(rng: np.random.Generator, speaker: Speaker, text: str) -> Utterance:
    """The phrase `text` (see japanese.phrase). Raises InputError if it cannot be read or is longer than 60 s."""
    return _utterance(rng, speaker, japanese.phrase(text, mora_s=0.16 / speaker.rate))

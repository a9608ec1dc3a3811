"""The phones that can be spoken (SAMPA) and the gestures each of them asks of the articulators.

The gesture times follow VocalTractLab 2's own phone-to-gesture rules (measured from its output): a constriction is
commanded before the phone and released before its end, because the articulators lag behind their targets.
"""

from dataclasses import dataclass

from rtmri2speech.errors import InputError

PAUSE = "_"
# A vowel is one target, or two for a diphthong. "w" glides through the posture of u.
VOWELS = {v: (v,) for v in "a e i o u E: 2 y I E O U 9 Y @ 6".split()}
VOWELS |= {"a:": ("a",), "e:": ("e",), "i:": ("i",), "o:": ("o",), "u:": ("u",), "y:": ("y",), "2:": ("2",)}
DIPHTHONGS = {"aI": ("a", "e"), "aU": ("a", "o"), "OY": ("O", "i")}
GLIDES = {"w": ("u",)}
# Vowels spoken without voice, as in Japanese "sk(u)": the tongue moves, the glottis stays open.
WHISPERED = {"i_0": ("i",), "u_0": ("u",)}
VOCALIC = VOWELS | DIPHTHONGS | GLIDES | WHISPERED


@dataclass(frozen=True)
class Gesture:
    """One command to one tier. It begins `start_s` after the fraction `start_at` of the phone, and ends likewise."""

    tier: str
    target: str
    start_s: float
    end_s: float
    start_at: float = 0.0
    end_at: float = 1.0


LIPS, TIP, BODY, VELUM, GLOTTIS = "lip", "tongue-tip", "tongue-body", "velic", "glottal-shape"


def _voiceless_plosive_glottis() -> Gesture:
    return Gesture(GLOTTIS, "voiceless-plosive", -0.010, -0.040)


def _fricative_glottis(voiced: bool) -> Gesture:
    return Gesture(GLOTTIS, "voiced-fricative" if voiced else "voiceless-fricative", -0.057, -0.057)


def _plosive(tier: str, target: str, start_s: float, end_s: float, voiced: bool) -> tuple[Gesture, ...]:
    glottis = Gesture(GLOTTIS, "voiced-plosive", -0.010, -0.040) if voiced else _voiceless_plosive_glottis()
    return (Gesture(tier, target, start_s, end_s), glottis)


def _fricative(tier: str, target: str, voiced: bool) -> tuple[Gesture, ...]:
    return (Gesture(tier, target, -0.077 if voiced else -0.072, -0.047), _fricative_glottis(voiced))


def _nasal(tier: str, target: str, start_s: float, end_s: float) -> tuple[Gesture, ...]:
    return (Gesture(tier, target, start_s, end_s), Gesture(VELUM, "0.5", -0.068, -0.053))


def _affricate(tier: str, place: str, fricative: str, voiced: bool) -> tuple[Gesture, ...]:
    voice = "voiced" if voiced else "voiceless"
    return (
        Gesture(tier, place, -0.078, -0.051, 0.0, 1 / 3),
        Gesture(tier, fricative, -0.051, -0.047, 1 / 3, 1.0),
        Gesture(GLOTTIS, f"{voice}-plosive", -0.010, -0.041, 0.0, 1 / 3),
        Gesture(GLOTTIS, f"{voice}-fricative", -0.041, -0.057, 1 / 3, 1.0),
    )


CONSONANTS: dict[str, tuple[Gesture, ...]] = {
    "p": _plosive(LIPS, "ll-labial-closure", -0.088, -0.075, False),
    "b": _plosive(LIPS, "ll-labial-closure", -0.088, -0.039, True),
    "t": _plosive(TIP, "tt-alveolar-closure", -0.080, -0.091, False),
    "d": _plosive(TIP, "tt-alveolar-closure", -0.080, -0.056, True),
    "k": _plosive(BODY, "tb-velar-closure", -0.100, -0.100, False),
    "g": _plosive(BODY, "tb-velar-closure", -0.100, -0.071, True),
    "f": _fricative(LIPS, "ll-dental-fricative", False),
    "v": _fricative(LIPS, "ll-dental-fricative", True),
    "T": _fricative(TIP, "tt-dental-fricative", False),
    "D": _fricative(TIP, "tt-dental-fricative", True),
    "s": _fricative(TIP, "tt-alveolar-fricative", False),
    "z": _fricative(TIP, "tt-alveolar-fricative", True),
    "S": _fricative(TIP, "tt-postalveolar-fricative", False),
    "Z": _fricative(TIP, "tt-postalveolar-fricative", True),
    "C": _fricative(BODY, "tb-palatal-fricative", False),
    "x": _fricative(BODY, "tb-uvular-fricative", False),
    "R": _fricative(BODY, "tb-uvular-fricative", True),
    "h": (Gesture(GLOTTIS, "h", -0.060, -0.060),),
    "?": (Gesture(GLOTTIS, "stop", -0.060, -0.060),),
    "m": _nasal(LIPS, "ll-labial-closure", -0.088, -0.027),
    "n": _nasal(TIP, "tt-alveolar-closure", -0.080, -0.040),
    "J": _nasal(TIP, "tt-postalveolar-closure", -0.080, -0.045),
    "N": _nasal(BODY, "tb-velar-closure", -0.100, -0.044),
    "l": (Gesture(TIP, "tt-alveolar-lateral", -0.065, -0.055),),
    # The Japanese r, a tap: the closure of d, too short to be held and without the glottis of a plosive.
    "4": (Gesture(TIP, "tt-alveolar-closure", -0.070, -0.075),),
    "j": (Gesture(BODY, "tb-palatal-fricative", -0.077, -0.047),),
    "ts": _affricate(TIP, "tt-alveolar-closure", "tt-alveolar-fricative", False),
    "dz": _affricate(TIP, "tt-alveolar-closure", "tt-alveolar-fricative", True),
    "tS": _affricate(TIP, "tt-postalveolar-closure", "tt-postalveolar-fricative", False),
    "dZ": _affricate(TIP, "tt-postalveolar-closure", "tt-postalveolar-fricative", True),
    "pf": _affricate(LIPS, "ll-labial-closure", "ll-dental-fricative", False),
}
VOICELESS = frozenset("p t k f T s S C x h ? ts tS pf i_0 u_0".split())


@dataclass(frozen=True)
class Phone:
    """A phone (SAMPA; "_" is a pause) with its duration. Raises InputError if it cannot be spoken."""

    name: str
    duration_s: float

    def __post_init__(self):
        check_phone(self.name)
        if not 0.02 <= self.duration_s <= 5:
            raise InputError(
                "The phone {name!r} lasts {duration_s:g} s: give it between 0.02 and 5 s.",
                name=self.name,
                duration_s=self.duration_s,
            )


def check_phone(name: str) -> None:
    """Raise InputError unless `name` is a phone that can be spoken."""
    if name != PAUSE and name not in CONSONANTS and name not in VOCALIC:
        known = " ".join([*VOCALIC, *CONSONANTS, PAUSE])
        raise InputError("The phone {name!r} cannot be spoken here: use one of {known}.", name=name, known=known)

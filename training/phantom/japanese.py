"""Romaji -> phones: morae, long vowels, geminates, the moraic nasal and devoiced vowels of Japanese.

A mora takes about the same time, whatever it holds: a long vowel, a geminate and a moraic nasal count one mora more
(Vance 2008, The Sounds of Japanese, chapters 3 to 6).
"""

from rtmri2speech.errors import InputError

from .phones import CONSONANTS, PAUSE, VOICELESS, Phone

VOWELS = {"a": "a", "i": "i", "u": "u", "e": "e", "o": "o"}
# Longest spelling first. A consonant is a few phones; "y" is the palatal glide.
ONSETS = {
    "ky": ("k", "j"), "gy": ("g", "j"), "sh": ("S",), "sy": ("S",), "ch": ("tS",), "ty": ("tS",), "ts": ("ts",),
    "hy": ("C",), "ny": ("J",), "by": ("b", "j"), "py": ("p", "j"), "my": ("m", "j"), "ry": ("4", "j"),
    "jy": ("dZ",), "zy": ("dZ",), "kw": ("k", "w"),
    "k": ("k",), "g": ("g",), "s": ("s",), "z": ("z",), "t": ("t",), "d": ("d",), "n": ("n",), "h": ("h",),
    "f": ("f",), "b": ("b",), "p": ("p",), "m": ("m",), "y": ("j",), "r": ("4",), "w": ("w",), "j": ("dZ",),
}  # fmt: skip
# The same spelling is another sound before i or u ("si" is shi, "tu" is tsu, "hi" begins with the ich sound).
BEFORE_I = {("s",): ("S",), ("t",): ("tS",), ("z",): ("dZ",), ("d",): ("dZ",), ("h",): ("C",), ("n",): ("J",)}
BEFORE_U = {("t",): ("ts",), ("d",): ("dz",), ("h",): ("f",)}
SECONDS = {"4": 0.045, "j": 0.055, "w": 0.06, "h": 0.07, "b": 0.075, "d": 0.07, "g": 0.075, "s": 0.1, "S": 0.1}
NASAL_BEFORE = {"p": "m", "b": "m", "m": "m", "k": "N", "g": "N"} | dict.fromkeys(
    "t d n s z S Z ts dz tS dZ 4 J".split(), "n"
)


def _split(word: str) -> list[tuple[str, tuple[str, ...], str]]:
    """A romaji word as units: ("mora", onset, vowel), ("long", (), ""), ("geminate", (), "") or ("nasal", (), "")."""
    units, i = [], 0
    while i < len(word):
        rest = word[i:]
        if rest[0] in VOWELS:
            same = units and units[-1][0] == "mora" and units[-1][2] == rest[0]
            units.append(("long", (), "") if same else ("mora", (), rest[0]))
            i += 1
            continue
        if rest[0] in "-:" and units and units[-1][0] == "mora":
            units.append(("long", (), ""))
            i += 1
            continue
        if rest[0] == "n" and (len(rest) == 1 or rest[1] not in "aiueoy"):
            units.append(("nasal", (), ""))
            i += 2 if rest[1:2] == "'" else 1
            continue
        if rest[:2] == "tc" or (len(rest) > 1 and rest[0] == rest[1]):
            units.append(("geminate", (), ""))
            i += 1
            continue
        size = next((n for n in (2, 1) if rest[:n] in ONSETS and rest[n : n + 1] in VOWELS and rest[n:]), 0)
        if size == 0:
            raise InputError(
                "Cannot read {word!r} as Japanese at {rest!r}: write romaji, as in 'konnichiwa'.", word=word, rest=rest
            )
        onset, vowel = ONSETS[rest[:size]], rest[size]
        onset = {"i": BEFORE_I, "u": BEFORE_U}.get(vowel, {}).get(onset, onset)
        units.append(("mora", onset, vowel))
        i += size + 1
    return units


def word(romaji: str, mora_s: float = 0.15, devoice: bool = False) -> list[Phone]:
    """The phones of one romaji word at `mora_s` seconds a mora. Raises InputError if it cannot be read.

    devoice: i and u between voiceless consonants, or after one at the end, lose their voice.
    """
    units = _split(romaji.lower())
    names: list[list] = []  # [phone, seconds]
    held_s = 0.0
    for k, (kind, onset, vowel) in enumerate(units):
        following = next((o for kind2, o, _ in units[k + 1 :] if kind2 == "mora"), ())
        if kind == "long":
            names[-1][1] += mora_s
        elif kind == "geminate":
            held_s = mora_s
        elif kind == "nasal":
            after = following[0] if following and units[k + 1][0] == "mora" else ""
            names.append([NASAL_BEFORE.get(after, "N"), mora_s * 0.85])
        else:
            seconds = [SECONDS.get(p, 0.08) * mora_s / 0.15 for p in onset]
            if held_s and onset:
                seconds[0] += held_s
                held_s = 0.0
            names += [[p, s] for p, s in zip(onset, seconds, strict=True)]
            voiced = VOWELS[vowel]
            long = k + 1 < len(units) and units[k + 1][0] == "long"
            last = k + 1 == len(units)
            hushed = devoice and vowel in "iu" and not long and onset and onset[-1] in VOICELESS
            hushed = hushed and (last or (following and following[0] in VOICELESS and units[k + 1][0] != "nasal"))
            names.append([f"{voiced}_0" if hushed else voiced, max(0.05, mora_s - min(sum(seconds), 0.1))])
    if held_s:
        raise InputError("Cannot read {romaji!r} as Japanese: it ends in a doubled consonant.", romaji=romaji)
    return [Phone(n, s) for n, s in names]


def phrase(text: str, mora_s: float = 0.15, devoice: bool = False) -> list[Phone]:
    """The phones of a phrase: romaji words divided by spaces, "," for a pause, /p a t a/ for phones in SAMPA.

    A word of a single vowel, as in "a i u e o", is held for two morae. Raises InputError if it cannot be read.
    """
    out: list[Phone] = []
    pieces = text.replace(",", " , ").split("/")
    if len(pieces) % 2 == 0:
        raise InputError("Cannot read the phrase {text!r}: a '/' is missing.", text=text)
    for k, piece in enumerate(pieces):
        for token in piece.split():
            if token == ",":
                out.append(Phone(PAUSE, 0.3))
            elif k % 2:
                out.append(Phone(token, 0.09 * mora_s / 0.15 if token in CONSONANTS else mora_s))
            elif token.lower() in VOWELS:
                out.append(Phone(VOWELS[token.lower()], 2 * mora_s))
            else:
                out += word(token, mora_s, devoice)
    if not any(p.name != PAUSE for p in out):
        raise InputError("The phrase is empty: write romaji words, or /phones/ in SAMPA.")
    return out

"""Hepburn romanisation of kana, for machines without a Japanese font."""

import unicodedata

_ROWS = {
    "": "あいうえお", "k": "かきくけこ", "s": "さしすせそ", "t": "たちつてと", "n": "なにぬねの", "h": "はひふへほ",
    "m": "まみむめも", "r": "らりるれろ", "g": "がぎぐげご", "z": "ざじずぜぞ", "d": "だぢづでど", "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ",
}  # fmt: skip
_KANA = {kana: onset + vowel for onset, row in _ROWS.items() for kana, vowel in zip(row, "aiueo", strict=True)}
_KANA |= {"し": "shi", "ち": "chi", "つ": "tsu", "ふ": "fu", "じ": "ji", "ぢ": "ji", "づ": "zu", "ゔ": "vu"}
_KANA |= {"や": "ya", "ゆ": "yu", "よ": "yo", "わ": "wa", "ゐ": "i", "ゑ": "e", "を": "o", "ん": "n"}
_SMALL = dict(zip("ぁぃぅぇぉゃゅょゎ", ("a", "i", "u", "e", "o", "ya", "yu", "yo", "wa"), strict=True))
_SIGNS = {"、": ", ", "。": ". ", "・": " ", "「": '"', "」": '"', "（": "(", "）": ")", "〜": "-", "\u3000": " "}


def romaji(text: str) -> str:
    """Romanise kana; other letters beyond the European scripts become "?"."""
    said = ""
    for letter in unicodedata.normalize("NFKC", text):
        if "ァ" <= letter <= "ヴ":
            letter = chr(ord(letter) - 0x60)
        if letter in _SMALL:
            glide = _SMALL[letter]
            if len(glide) == 2 and said.endswith(("shi", "chi", "ji")):
                said, glide = said[:-1], glide[1:]
            elif said.endswith(("i", "u", "e", "o")):
                said = said[:-1]
            said += glide
        elif letter == "ー":
            said += said[-1:] if said[-1:] in tuple("aiueo") else "-"
        elif letter == "っ":
            said += "\0"
        else:
            known = letter if letter < "\u2e80" else "?"
            sound = _KANA.get(letter) or _SIGNS.get(letter) or known
            if said.endswith("\0"):
                said = said[:-1] + ("t" if sound.startswith("ch") else sound[:1] if sound[:1].isalpha() else "")
            said += sound
    return said.replace("\0", "t")

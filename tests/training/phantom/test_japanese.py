"""Romaji and SAMPA to phones."""

import pytest

from rtmri2speech.errors import InputError
from training.phantom.japanese import phrase, word
from training.phantom.phones import Phone


def names(phones) -> str:
    return " ".join(p.name for p in phones)


@pytest.mark.parametrize(
    ("romaji", "phones"),
    [
        ("kakikukeko", "k a k i k u k e k o"),
        ("sashisuseso", "s a S i s u s e s o"),
        ("tachitsuteto", "t a tS i ts u t e t o"),
        ("tatituteto", "t a tS i ts u t e t o"),
        ("hahihuheho", "h a C i f u h e h o"),
        ("kyou", "k j o u"),
        ("sanpo", "s a m p o"),
        ("sanka", "s a N k a"),
        ("sannin", "s a n J i N"),
        ("shin'you", "S i N j o u"),
        ("ryokan", "4 j o k a N"),
    ],
)
def test_readings(romaji, phones):
    assert names(word(romaji)) == phones


def test_a_geminate_is_one_mora_longer_and_a_long_vowel_too():
    mora = 0.2
    single, double = word("kite", mora), word("kitte", mora)
    assert names(double) == names(single)
    assert double[2].duration_s - single[2].duration_s == pytest.approx(mora)
    short, long = word("oba", mora), word("obaa", mora)
    assert names(long) == names(short)
    assert long[-1].duration_s - short[-1].duration_s == pytest.approx(mora)
    assert names(word("oba-", mora)) == names(long)


def test_vowels_between_voiceless_consonants_lose_their_voice_only_on_request():
    assert names(word("kishi", devoice=True)) == "k i_0 S i_0"
    assert names(word("kishi")) == "k i S i"
    assert names(word("kiji", devoice=True)) == "k i dZ i"


def test_phrases_mix_words_pauses_and_sampa():
    assert names(phrase("a i u e o")) == "a i u e o"
    assert names(phrase("ka, /p 2: S/ ki")) == "k a _ p 2: S k i"


@pytest.mark.parametrize("bad", ["xyz", "kat", "", " , ", "/p Q a/", "/p a", "日本"])
def test_what_cannot_be_spoken_is_refused(bad):
    with pytest.raises(InputError):
        phrase(bad)


def test_an_unknown_phone_is_refused_by_name():
    with pytest.raises(InputError, match="'q'"):
        Phone("q", 0.1)

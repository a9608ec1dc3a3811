from dataclasses import dataclass

import pytest

from rtmri2speech.errors import InputError
from training.acoustic.split import SplitConfig, split_utterances


@dataclass(frozen=True)
class Said:
    id: str
    speaker: str | None
    text: str | None


def corpus(speakers=5, phrases=20):
    return [Said(f"s{s:02d}_{p:04d}", f"s{s:02d}", f"phrase {p}") for s in range(speakers) for p in range(phrases)]


def texts(said, ids):
    return {u.text for u in said if u.id in ids}


def test_a_held_out_phrase_is_never_trained_on():
    said = corpus()
    parts = split_utterances(said, SplitConfig())
    train, val, test = (texts(said, parts[p]) for p in ("train", "val", "test"))
    assert not train & val and not train & test and not val & test
    assert sorted(parts["train"] + parts["val"] + parts["test"]) == sorted(u.id for u in said)
    assert [len(parts[p]) for p in ("train", "val", "test")] == [80, 10, 10]


def test_by_speaker_no_voice_is_on_two_sides():
    parts = split_utterances(corpus(10), SplitConfig(by="speaker"))
    voices = {part: {id_[:3] for id_ in ids} for part, ids in parts.items()}
    assert [len(voices[p]) for p in ("train", "val", "test")] == [8, 1, 1]
    assert len(set.union(*voices.values())) == 10


def test_named_speakers_are_held_out_whole():
    parts = split_utterances(corpus(), SplitConfig(shares=(0.9, 0.1, 0), val_speakers=("s03",), test_speakers=("s04",)))
    assert {i for i in parts["val"] if i.startswith("s03")} == {f"s03_{p:04d}" for p in range(20)}
    assert parts["test"] == [f"s04_{p:04d}" for p in range(20)]
    assert {i[:3] for i in parts["train"]} == {"s00", "s01", "s02"} == {i[:3] for i in parts["val"]} - {"s03"}


def test_the_split_does_not_depend_on_the_order_of_the_files_but_on_the_seed():
    said = corpus()
    assert split_utterances(said[::-1], SplitConfig()) == split_utterances(said, SplitConfig())
    assert split_utterances(said, SplitConfig(seed=1)) != split_utterances(said, SplitConfig())


def test_a_grown_corpus_keeps_what_was_held_out():
    before = split_utterances(corpus(phrases=10), SplitConfig())
    after = split_utterances(corpus(phrases=40), SplitConfig(), before)
    for part, ids in before.items():
        assert set(ids) <= set(after[part])
    assert [len(after[p]) for p in ("train", "val", "test")] == [160, 20, 20]


@pytest.mark.parametrize(
    ("said", "config", "message"),
    [
        (corpus(), dict(val_speakers=("s9",)), "s9"),
        ([Said("a", None, None), Said("b", None, None)], dict(by="speaker"), "speaker of a"),
        (corpus(1, 1), {}, "part 'val'"),
    ],
)
def test_what_cannot_be_split_is_told(said, config, message):
    with pytest.raises(InputError, match=message):
        split_utterances(said, SplitConfig(**config))


def test_shares_must_add_up():
    with pytest.raises(InputError, match="add up"):
        SplitConfig(shares=(0.8, 0.1, 0.2))

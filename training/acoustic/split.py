"""Which recordings train the model and which judge it: by speaker, or by utterance with equal phrases kept together.

Splitting overlapping windows of the same recordings puts the same frames on both sides. That is the thesis' "window"
split; it is made in training.acoustic.dataset, and only when asked for by name.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rtmri2speech.errors import InputError

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class SplitConfig:
    """by: "utterance", "speaker" or "window". shares: of train, val and test.

    val_speakers, test_speakers: speakers of which every utterance goes to that part, whatever `by` says.
    val_ids: utterances that go to val, whatever the rest says.
    """

    by: str = "utterance"
    shares: tuple[float, ...] = (0.8, 0.1, 0.1)
    val_speakers: tuple[str, ...] = ()
    val_ids: tuple[str, ...] = ()
    test_speakers: tuple[str, ...] = ()
    seed: int = 42

    def __post_init__(self):
        if self.by not in ("utterance", "speaker", "window"):
            raise InputError("data.split.by is utterance, speaker or window, not {by!r}.", by=self.by)
        if len(self.shares) != 3 or min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise InputError(
                "data.split.shares must be three shares that add up to 1, not {shares}.", shares=list(self.shares)
            )
        both = set(self.val_speakers) & set(self.test_speakers)
        if both:
            raise InputError(
                "The speaker {speaker} is named for validation and for test: choose one.", speaker=min(both)
            )
        if self.val_ids and self.by == "window":
            raise InputError("data.split.val_ids are whole recordings: give data.split.by=utterance or speaker.")


def split_utterances(
    utterances: Sequence, config: SplitConfig, previous: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[str]]:
    """Utterances (each with .id, .speaker or None, .text or None) -> {"train": ids, "val": ids, "test": ids}.

    by "utterance": utterances of the same text stay together, so a held-out phrase was never trained on.
    by "speaker": all utterances of a speaker stay together.
    previous: an earlier split, whose utterances (and their groups) keep their part when the corpus has grown.
    The order within the seed is that of a hash, so it does not depend on the order of the files.
    Raises InputError if a part with a share stays empty, or a speaker is unknown where one is needed.
    """
    known_speakers = {u.speaker for u in utterances}
    for speaker in (*config.val_speakers, *config.test_speakers):
        if speaker not in known_speakers:
            raise InputError("The corpus has no speaker {speaker!r} to hold out.", speaker=speaker)
    for id_ in config.val_ids:
        if id_ not in {u.id for u in utterances}:
            raise InputError("The corpus has no recording {id!r} to hold out.", id=id_)
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    groups = defaultdict(list)
    for u in utterances:
        if u.id in config.val_ids or u.speaker in config.val_speakers:
            parts["val"].append(u.id)
        elif u.speaker in config.test_speakers:
            parts["test"].append(u.id)
        else:
            groups[_group(u, config)].append(u.id)

    earlier = {id_: part for part in PARTS for id_ in (previous or {}).get(part, ())}
    target = dict(zip(PARTS, config.shares, strict=True))
    counts = dict.fromkeys(PARTS, 0)
    new = []
    for group in sorted(groups, key=lambda g: hashlib.sha256(f"{config.seed} {g}".encode()).digest()):
        part = next((earlier[id_] for id_ in groups[group] if id_ in earlier), None)
        if part is None:
            new.append(group)
        else:
            parts[part] += groups[group]
            counts[part] += len(groups[group])
    total = sum(len(ids) for ids in groups.values())
    for group in new:
        part = max(PARTS, key=lambda p: target[p] * total - counts[p])
        parts[part] += groups[group]
        counts[part] += len(groups[group])
    for part in PARTS[:2]:
        if not parts[part] and target[part] > 0:
            raise InputError(
                "No utterance is left for the part {part!r}: the corpus has {count} groups to split "
                "by {by}; record more, or change data.split.",
                part=part,
                count=len(groups),
                by=config.by,
            )
    return {part: sorted(ids) for part, ids in parts.items()}


def _group(utterance, config: SplitConfig) -> str:
    if config.by == "speaker":
        if utterance.speaker is None:
            raise InputError(
                "The speaker of {id} is unknown, so the split cannot be by speaker: "
                "give --speakers or --speaker_pattern to training.preprocess, or set data.split.by=utterance.",
                id=utterance.id,
            )
        return utterance.speaker
    return f"text {utterance.text}" if utterance.text else f"id {utterance.id}"

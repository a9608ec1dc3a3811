"""The dataset that training.preprocess wrote, as training reads it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from rtmri2speech.errors import InputError
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import Scaler


@dataclass(frozen=True)
class Utterance:
    """One recording of the dataset."""

    id: str
    folder: Path
    frames: int
    speaker: str | None
    text: str | None


@dataclass(frozen=True)
class Corpus:
    """A dataset made by training.preprocess. restored: ids whose sound is an estimate (its --restore)."""

    folder: Path
    mel: MelSpec
    utterances: tuple[Utterance, ...]
    scaler: Scaler
    restored: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: str | os.PathLike) -> "Corpus":
        """Raises InputError if it is not a finished dataset."""
        folder = Path(folder)
        try:
            meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
            mel = MelSpec.from_json(meta["mel"])
            utterances = tuple(
                Utterance(id_, folder / "samples" / id_, u["frames"], u["speaker"], u["text"])
                for id_, u in sorted(meta["utterances"].items())
            )
            restored = tuple(id_ for id_, u in sorted(meta["utterances"].items()) if u.get("restored"))
        except FileNotFoundError:
            raise InputError(
                "{folder} is not a finished dataset: run training.preprocess first.", folder=folder
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                "{path} cannot be read as a dataset: {reason}.", path=folder / "meta.json", reason=error
            ) from None
        missing = next((u.id for u in utterances if not (u.folder / "mri.npy").is_file()), None)
        if missing:
            raise InputError(
                "{folder} lacks samples/{missing}: run training.preprocess again.",
                folder=folder,
                missing=missing,
            )
        return cls(folder, mel, utterances, Scaler.read(folder / "scaler.json", mel.n_mels), restored)

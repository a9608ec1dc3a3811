"""The interface of vocoders: dB mel -> waveform, of a kind named in bundle.json.

A new kind is a file with a subclass of Vocoder, and a line in VOCODERS.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module

from torch import Tensor, nn

from ..errors import InputError

VOCODERS = {  # kind in bundle.json -> module and class
    "hifigan": f"{__package__}.hifigan:Generator",
    "ddsp": f"{__package__}.ddsp:SourceFilter",
}


class Vocoder(ABC, nn.Module):
    """A vocoder. Its state_dict is the bundle's vocoder.safetensors.

    n_mels, hop_length: of its input mel. takes_f0: whether F0 is an input; otherwise harmonics are added to the mel
    (speech/voice.py). f0_per_frame: F0 values that it can follow in a mel frame.
    """

    f0_per_frame: int = 1

    n_mels: int
    hop_length: int
    takes_f0: bool

    @property
    @abstractmethod
    def context_frames(self) -> int:
        """Receptive field on either side in mel frames; chunks overlap by as many."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping) -> "Vocoder":
        """A vocoder with these hyperparameters, weights not yet loaded. Raises InputError."""

    @abstractmethod
    def to_json(self) -> dict:
        """Hyperparameters for bundle.json, without "kind"."""

    def ready(self) -> "Vocoder":
        """Itself, prepared for inference in place, such as by folding weight norm. Idempotent."""
        return self

    def source(self, f0_hz: Tensor | None, frames: int) -> Tensor | None:
        """The excitation of a whole clip (frames * hop_length, sources), of which each chunk is given its part, so that
        phases go on from chunk to chunk. None: the vocoder has none. f0_hz: as for `speak`."""
        return None

    @abstractmethod
    def speak(self, mel_db: Tensor, f0_hz: Tensor | None = None, source: Tensor | None = None) -> Tensor:
        """dB mel (T, n_mels) -> samples (T * hop_length,) in [-1, 1]. The vocoder's own input convention, such as its
        logarithm, is applied here.

        f0_hz: if takes_f0, (T,) at the frames' midpoints or (T * f0_per_frame,), evenly spaced; 0 where unvoiced. None:
        whispered. source: these frames' part of `source`, where the vocoder has one; None: that of these frames alone.
        """


def kind_of(vocoder: Vocoder) -> str:
    """A vocoder's kind in bundle.json. Raises InputError for a class that is not in VOCODERS."""
    for kind, place in VOCODERS.items():
        if place == f"{type(vocoder).__module__}:{type(vocoder).__qualname__}":
            return kind
    raise InputError("There is no kind of vocoder for {name}: add it to VOCODERS.", name=type(vocoder).__qualname__)


def vocoder_of(data: Mapping) -> Vocoder:
    """The vocoder that bundle.json describes; without a kind, a HiFi-GAN. Raises InputError."""
    data = dict(data)
    kind = data.pop("kind", "hifigan")
    if kind not in VOCODERS:
        raise InputError(
            "There is no vocoder of kind {kind!r}: this version knows {known}.", kind=kind, known=", ".join(VOCODERS)
        )
    module, _, member = VOCODERS[kind].partition(":")
    return getattr(import_module(module), member).from_json(data)

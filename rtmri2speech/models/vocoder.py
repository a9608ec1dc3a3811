"""What a vocoder is to the rest: a network that speaks a dB mel, of a kind that bundle.json names.

A new kind is a file with a class as Vocoder describes it, and its line in VOCODERS.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module

from torch import Tensor, nn

from ..errors import InputError

VOCODERS = {"hifigan": f"{__package__}.hifigan:Generator"}  # kind in bundle.json -> module and class


class Vocoder(ABC, nn.Module):
    """Its state_dict is the bundle's vocoder.safetensors.

    n_mels, hop_length: of the mels it speaks. takes_f0: whether F0 is an input; to others, harmonics are added to the
    mel itself (speech/voice.py).
    """

    n_mels: int
    hop_length: int
    takes_f0: bool

    @property
    @abstractmethod
    def context_frames(self) -> int:
        """On either side of a frame, those that its samples depend on at most: chunks of a mel overlap by as many."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping) -> "Vocoder":
        """One with this shape, and weights to be loaded. Raises InputError."""

    @abstractmethod
    def to_json(self) -> dict:
        """Its shape as bundle.json holds it, without "kind"."""

    def ready(self) -> "Vocoder":
        """Itself, made ready to speak, in place: what only training needs is gone. To be called once or more."""
        return self

    @abstractmethod
    def speak(self, mel_db: Tensor, f0_hz: Tensor | None = None) -> Tensor:
        """dB mel (T, n_mels), and F0 (T,) in Hz where it takes it, 0 where unvoiced -> samples (T * hop_length,) in
        [-1, 1]. Its own input convention, such as which logarithm, is applied here."""


def kind_of(vocoder: Vocoder) -> str:
    """The name under which bundle.json has it. Raises InputError for a class that is not in VOCODERS."""
    for kind, place in VOCODERS.items():
        if place == f"{type(vocoder).__module__}:{type(vocoder).__qualname__}":
            return kind
    raise InputError("There is no kind of vocoder for {name}: add it to VOCODERS.", name=type(vocoder).__qualname__)


def vocoder_of(data: Mapping) -> Vocoder:
    """The vocoder that bundle.json describes; one without a kind is a HiFi-GAN. Raises InputError."""
    data = dict(data)
    kind = data.pop("kind", "hifigan")
    if kind not in VOCODERS:
        raise InputError(
            "There is no vocoder of kind {kind!r}: this version knows {known}.", kind=kind, known=", ".join(VOCODERS)
        )
    module, _, member = VOCODERS[kind].partition(":")
    return getattr(import_module(module), member).from_json(data)

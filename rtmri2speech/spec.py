"""The specifications, with the thesis' numbers as defaults: mel spectrogram, frame preprocessing, and bands.

Each can be read from and written to JSON (`to_json`, `from_json`), as in a bundle.
"""

import math
import re
from dataclasses import asdict, dataclass

from .errors import InputError
from .mapping import from_json


def _require(condition: bool, template: str, **values: object) -> None:
    if not condition:
        raise InputError(template, **values)


@dataclass(frozen=True)
class MelSpec:
    """Specification of a dB mel spectrogram.

    layout "centred": frame t is centred on the midpoint of MRI frame t, (t + 1/2) * hop_length samples.
    layout "thesis": frame t starts at sample t * hop_length, without padding (71 ms later); for the thesis'
    checkpoints. fmax_hz None: Nyquist.
    """

    sample_rate: int = 11413
    n_fft: int = 2048
    win_length: int = 2048
    hop_length: int = 420
    n_mels: int = 64
    fmin_hz: float = 0.0
    fmax_hz: float | None = None
    preemphasis: float = 0.97
    layout: str = "centred"

    def __post_init__(self):
        for name in ("sample_rate", "n_fft", "win_length", "hop_length", "n_mels"):
            value = getattr(self, name)
            _require(
                isinstance(value, int) and value > 0,
                "MelSpec.{name} must be a positive whole number, not {given!r}.",
                name=name,
                given=value,
            )
        _require(self.win_length <= self.n_fft, "MelSpec.win_length must not be longer than n_fft.")
        _require(self.hop_length <= self.n_fft, "MelSpec.hop_length must not be longer than n_fft.")
        _require((self.n_fft - self.hop_length) % 2 == 0, "MelSpec.n_fft minus hop_length must be even.")
        _require(0 <= self.preemphasis < 1, "MelSpec.preemphasis must be at least 0 and below 1.")
        _require(
            0 <= self.fmin_hz < self.top_hz <= self.sample_rate / 2,
            "MelSpec needs 0 <= fmin < fmax <= Nyquist ({nyquist} Hz).",
            nyquist=self.sample_rate / 2,
        )
        _require(
            self.layout in ("centred", "thesis"),
            "MelSpec.layout is 'centred' or 'thesis', not {given!r}.",
            given=self.layout,
        )

    @property
    def top_hz(self) -> float:
        """Upper edge of the filterbank, Hz."""
        return self.sample_rate / 2 if self.fmax_hz is None else self.fmax_hz

    @property
    def fps(self) -> float:
        """Mel frames per second, the model's MRI frame rate (default: 27.1738)."""
        return self.sample_rate / self.hop_length

    to_json = asdict

    @classmethod
    def from_json(cls, data: dict) -> "MelSpec":
        return from_json(cls, data)


VIEWS = ("full", "tract")  # what a model sees of a picture


@dataclass(frozen=True)
class FrameSpec:
    """Specification of the CNN's input: a square gray image, min-max scaled to [0, 1].

    The thesis standardises each frame (mean 0, std 1) before min-max scaling, which undoes it exactly; so only the
    second step is computed.

    view: "full", the whole picture, or "tract", the window of the vocal tract (clips/frame_view.py), which has its own
    scaling.
    """

    size: int = 256
    view: str = "full"

    def __post_init__(self):
        _require(self.view in VIEWS, "FrameSpec.view is one of {known}, not {given!r}.", known=VIEWS, given=self.view)
        _require(
            isinstance(self.size, int) and 32 <= self.size <= 1024 and self.size % 32 == 0,
            "FrameSpec.size must be a multiple of 32 from 32 to 1024, not {given!r}.",
            given=self.size,
        )

    to_json = asdict

    @classmethod
    def from_json(cls, data: dict) -> "FrameSpec":
        return from_json(cls, data)


_NUMBER = r"\d+(?:\.\d+)?"
WHOLE = ("loudness", "tilt")  # targets of the whole spectrum: level and tilt
FORMANTS = ("formant1", "formant2", "formant3")
TRACKS = ("synthesised", "original", "truth")  # sources of a formant-tracking band
FOLLOWING_HZ = 200.0  # default half-width of a formant-tracking band
_BEYOND_HZ = 1e6  # upper limit of a whole spectrum until a mel sets it


@dataclass(frozen=True)
class Band:
    """A named target of attribution: a fixed frequency band in Hz, a time-frequency region, a contrast, the whole
    spectrum, or a formant-tracking band.

    from_s, to_s: an interval, which makes the band a time-frequency region (box). than_from_s, than_to_s: a reference
    interval, which makes it a contrast. of: None: the band's energy or frequency; of WHOLE: level or tilt of the whole
    spectrum; of FORMANTS: the tracked formant, with half-width width_hz, as measured in the speech `track`, of TRACKS.
    """

    name: str
    low_hz: float
    high_hz: float
    from_s: float | None = None
    to_s: float | None = None
    than_from_s: float | None = None
    than_to_s: float | None = None
    of: str | None = None
    width_hz: float | None = None
    track: str | None = None

    def __post_init__(self):
        _require(
            self.of in (None, *WHOLE, *FORMANTS) and (self.formant is None) == (self.track is None),
            "Band {name}: it is of {known}, and follows the formants of speech that is {tracks}.",
            name=self.name,
            known=", ".join((*WHOLE, *FORMANTS)),
            tracks=" or ".join(TRACKS),
        )
        _require(
            self.formant is None or (self.track in TRACKS and 0 < (self.width_hz or 0) < math.inf),
            "The band {name} follows a formant: write {of}+-200 for Hz on either side, and of which speech ({tracks}).",
            name=self.name,
            of=self.of,
            tracks=", ".join(TRACKS),
        )
        _require(
            re.fullmatch(r"[\w.-]{1,40}", self.name) is not None,
            "A band's name is 1 to 40 letters, digits, '.', '_' or '-', not {name!r}.",
            name=self.name,
        )
        _require(
            math.isfinite(self.low_hz) and math.isfinite(self.high_hz) and 0 <= self.low_hz,
            "Band {name}: the limits must be finite and not negative.",
            name=self.name,
        )
        _require(
            self.low_hz < self.high_hz,
            "Band {name} is reversed or empty ({low_hz:g}-{high_hz:g} Hz): "
            "give the lower limit first, as in F1:300-900.",
            name=self.name,
            low_hz=self.low_hz,
            high_hz=self.high_hz,
        )
        for start, end in ((self.from_s, self.to_s), (self.than_from_s, self.than_to_s)):
            _require(
                (start is None) == (end is None) and (start is None or end is None or 0 <= start < end < math.inf),
                "The box {name} is reversed or empty: give its beginning before its end, as in a:900-2500@0.4-0.6.",
                name=self.name,
            )
        _require(
            self.than_from_s is None or (self.from_s is not None and self.stretch != self.than),
            "The contrast {name} needs two different stretches, as in a:900-2500@0.4-0.5~0.8-0.9.",
            name=self.name,
        )

    @property
    def whole(self) -> bool:
        """Whether the target is of the whole spectrum."""
        return self.of in WHOLE

    @property
    def formant(self) -> int | None:
        """Number of the tracked formant, 1 to 3; None: not a formant-tracking band."""
        return FORMANTS.index(self.of) + 1 if self.of in FORMANTS else None

    @property
    def stretch(self) -> tuple[float, float] | None:
        """The interval of a box, s."""
        return None if self.from_s is None or self.to_s is None else (self.from_s, self.to_s)

    @property
    def than(self) -> tuple[float, float] | None:
        """The reference interval of a contrast, s."""
        return None if self.than_from_s is None or self.than_to_s is None else (self.than_from_s, self.than_to_s)

    @classmethod
    def parse(cls, text: str) -> "Band":
        """Read a band "F1:300-900", a box "a:900-2500@0.4-0.6", or a contrast "a:900-2500@0.4-0.5~0.8-0.9" (Hz and s);
        "loudness", "tilt", or a tracked formant, "formant2+-200" or "formant2/truth", optionally with a name:
        "F2:formant2". Raises InputError."""
        known = rf"({'|'.join(WHOLE)})|({'|'.join(FORMANTS)})(?:\+-({_NUMBER}))?(?:/([a-z]+))?"
        asked = re.fullmatch(rf"\s*(?:([^:@]+):\s*)?(?:{known})\s*", text)
        if asked is not None:
            name, whole, formant, width, track = asked.groups()
            limits = (name or whole or formant).strip(), 0.0, _BEYOND_HZ
            if whole:
                return cls(*limits, of=whole)
            return cls(*limits, of=formant, width_hz=float(width or FOLLOWING_HZ), track=track or TRACKS[0])
        span = rf"({_NUMBER})\s*-\s*({_NUMBER})"
        match = re.fullmatch(rf"\s*([^:@]+):\s*{span}\s*(?:@\s*{span}\s*(?:~\s*{span}\s*)?)?", text)
        if match is None:
            raise InputError(
                "Cannot read the band {text!r}: write NAME:LOW-HIGH in Hz, as in F1:300-900, or loudness, tilt, or "
                "formant2.",
                text=text,
            )
        start, end, than_start, than_end = (None if time is None else float(time) for time in match.groups()[3:])
        return cls(match[1].strip(), float(match[2]), float(match[3]), start, end, than_start, than_end)

    def __str__(self) -> str:
        """The text that `parse` reads."""
        if self.of is not None:
            width = "" if self.width_hz in (None, FOLLOWING_HZ) else f"+-{self.width_hz:g}"
            track = "" if self.track in (None, TRACKS[0]) else f"/{self.track}"
            return ("" if self.name == self.of else f"{self.name}:") + f"{self.of}{width}{track}"
        stretch = "" if self.from_s is None else f"@{self.from_s:g}-{self.to_s:g}"
        than = "" if self.than is None else f"~{self.than_from_s:g}-{self.than_to_s:g}"
        return f"{self.name}:{self.low_hz:g}-{self.high_hz:g}{stretch}{than}"

    @property
    def label(self) -> str:
        """The label in legends: "F1 band (300-900 Hz)"."""
        if self.formant is not None:
            return f"{self.name} (formant {self.formant} +- {self.width_hz:g} Hz, {self.track})"
        if self.of == "tilt":
            return f"{self.name} (slope of the spectrum)"
        if self.of is not None:
            return f"{self.name} (whole spectrum)"
        if self.from_s is not None:
            than = "" if self.than is None else f" against {self.than_from_s:g}-{self.than_to_s:g} s"
            return f"{self.name} ({self.low_hz:g}-{self.high_hz:g} Hz, {self.from_s:g}-{self.to_s:g} s{than})"
        return f"{self.name} band ({self.low_hz:g}-{self.high_hz:g} Hz)"

    def to_json(self) -> dict:
        """Fields by name, without those that are unset."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, data: dict) -> "Band":
        return from_json(cls, data)


F1 = Band("F1", 300.0, 900.0)
F2 = Band("F2", 900.0, 2500.0)
DEFAULT_BANDS = (F1, F2)

"""What is found out about a clip's maps, as values and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ...models.bundle import Bundle
from .sentences import SENTENCES

VERDICTS = ("faithful", "weak", "unfaithful", "untested")
SHARES = (0.05, 0.1, 0.2, 0.4)  # of the area, hidden or revealed
TENTH = SHARES.index(0.1)
TIMES = 1.5
SIGNIFICANT = 0.05
ALIKE = 0.9
FEWEST_FRAMES, MOST_FRAMES = 6, 24
# So many frames count as one observation: on embedded clips rightness correlates by .2 to .6 from one frame to the
# next, and by -.3 to .2 over two. Fewer blocks than FEWEST_BLOCKS cannot be SIGNIFICANT.
BLOCK_FRAMES, FEWEST_BLOCKS = 2, 5
RANDOMISED = ("output layer", "BiLSTM", "CNN")


def localisation_weight(bundle: Bundle) -> float | None:
    """The weight of loss.focus in a bundle's training, which kept maps to the tract; None where it is not known."""
    return bundle.training.get("acoustic", {}).get("loss", {}).get("focus")


def localisation_sentence(focus: float | None, language: str = "en") -> str:
    """What training did to the maps, in plain words."""
    key = "focus_unknown" if focus is None else "focused" if focus > 0 else "unfocused"
    return SENTENCES[language][key].format(focus=focus)


@dataclass(frozen=True)
class Curves:
    """Mean change of a band's energy over the frames, dB, for each of SHARES of the area hidden, or revealed."""

    hottest_db: tuple[float, ...]
    random_db: tuple[float, ...]
    coldest_db: tuple[float, ...]


@dataclass(frozen=True)
class RegionFaithfulness:
    """A region's share of the heat, and of the picture; the mean change of the energy when it is hidden, dB, the mean
    size of that change, and this for each hundredth of the picture."""

    heat_share: float
    area_share: float
    change_db: float
    size_db: float
    size_db_per_percent: float


@dataclass(frozen=True)
class BandFaithfulness:
    """What was measured of a band's maps; figures are None where the verdict is "untested".

    frames: those judged. drop_db: how much hiding the hottest tenth lowers the energy. random_size_db: how much hiding
    a tenth at random changes it, up or down. times: the first by the second, with its 95 % interval (bootstrap over
    blocks of BLOCK_FRAMES). right: share of frames in which the hottest tenth lowers the energy more than the mean of
    the random ones; p of a sign test of blocks against one half. hidden, revealed: deletion and insertion. regions:
    name -> RegionFaithfulness, None without regions. rank_of_regions: Spearman's correlation of heat share and size of
    change, over regions; rank_of_frames: of a region's signed attribution and the drop, over regions and frames.
    random_weights: of RANDOMISED -> {"signed", "absolute"}: mean rank correlation of the map, and of its magnitude,
    with those of random weights.
    """

    verdict: str
    frames: tuple[int, ...] = ()
    drop_db: float | None = None
    random_size_db: float | None = None
    times: float | None = None
    times_interval: tuple[float, float] | None = None
    right: float | None = None
    p: float | None = None
    hidden: Curves | None = None
    revealed: Curves | None = None
    regions: Mapping[str, RegionFaithfulness] | None = None
    rank_of_regions: float | None = None
    rank_of_frames: float | None = None
    random_weights: Mapping[str, Mapping[str, float]] | None = None


@dataclass(frozen=True)
class FaithfulnessReport:
    """bands: name -> BandFaithfulness. area: where things were hidden, "tract" or "picture". grid: cells along a side
    of the maps. focus: the weight of loss.focus in training, None where it is not known."""

    bands: Mapping[str, BandFaithfulness]
    area: str
    grid: int | None
    focus: float | None

    def sentence(self, band: str, language: str = "en") -> str:
        """The verdict on a band in plain words, in "en" or "ja"."""
        judged, said = self.bands[band], SENTENCES[language]
        values = asdict(judged) | {"frames": len(judged.frames), "change_db": -(judged.drop_db or 0.0)}
        return said[judged.verdict].format(band=band, area=said[self.area], **values)

    def caution(self, band: str, language: str = "en") -> str | None:
        """In plain words, where the map is hot whatever the weights are; None where it is not."""
        likeness = {name: kinds["absolute"] for name, kinds in (self.bands[band].random_weights or {}).items()}
        for name in reversed(RANDOMISED):  # the more is random, the worse
            if likeness.get(name, 0) > ALIKE:
                return SENTENCES[language]["alike"].format(part=SENTENCES[language][name], likeness=likeness[name])
        return None

    def training_sentence(self, language: str = "en") -> str:
        """What training did to the maps, in plain words."""
        return localisation_sentence(self.focus, language)

    def to_json(self) -> dict:
        """All of it, with the sentences in both languages."""
        bands = {}
        for name, judged in self.bands.items():
            told = {language: [self.sentence(name, language), self.caution(name, language)] for language in SENTENCES}
            said = {language: " ".join(filter(None, sentences)) for language, sentences in told.items()}
            bands[name] = asdict(judged) | {"said": said}
        said = {language: self.training_sentence(language) for language in SENTENCES}
        return {
            "area": self.area,
            "grid": self.grid,
            "shares": SHARES,
            "bands": bands,
            "training": {"focus": self.focus, "said": said},
        }

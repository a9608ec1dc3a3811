"""FaithfulnessReport: the results of the faithfulness tests, as values and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ...models.bundle import Bundle
from .sentences import SENTENCES

VERDICTS = ("faithful", "weak", "unfaithful", "untested")
SHARES = (0.05, 0.1, 0.2, 0.4)  # of the area, deleted or inserted
TENTH = SHARES.index(0.1)
TIMES = 1.5
SIGNIFICANT = 0.05
ALIKE = 0.9
FEWEST_FRAMES, MOST_FRAMES = 6, 24
# BLOCK_FRAMES frames count as one observation: on embedded clips `right` correlates by .2 to .6 at lag 1 and by -.3 to
# .2 at lag 2. Fewer blocks than FEWEST_BLOCKS cannot be SIGNIFICANT.
BLOCK_FRAMES, FEWEST_BLOCKS = 2, 5
RANDOMISED = ("output layer", "BiLSTM", "CNN")


def localisation_weight(bundle: Bundle) -> float | None:
    """The weight of the localisation loss (loss.focus) in a bundle's training; None where unknown."""
    return bundle.training.get("acoustic", {}).get("loss", {}).get("focus")


def localisation_sentence(focus: float | None, language: str = "en") -> str:
    """A sentence on the localisation loss of training."""
    key = "focus_unknown" if focus is None else "focused" if focus > 0 else "unfocused"
    return SENTENCES[language][key].format(focus=focus)


@dataclass(frozen=True)
class Curves:
    """Mean change of a band's energy over the frames, dB, for each of SHARES deleted, or inserted: most salient first
    (hottest_db), at random, and least salient first (coldest_db)."""

    hottest_db: tuple[float, ...]
    random_db: tuple[float, ...]
    coldest_db: tuple[float, ...]


@dataclass(frozen=True)
class RegionFaithfulness:
    """heat_share, area_share: a region's share of the attribution and of the picture. change_db, size_db: mean and mean
    absolute change of the energy on its occlusion. size_db_per_percent: size_db per hundredth of the picture."""

    heat_share: float
    area_share: float
    change_db: float
    size_db: float
    size_db_per_percent: float


@dataclass(frozen=True)
class BandFaithfulness:
    """Test results of a band's maps; None where the verdict is "untested".

    frames: those tested. drop_db: mean drop of the energy on deletion of the most salient tenth. random_size_db: mean
    absolute change on deletion of a random tenth. times: their quotient, with its 95 % interval (bootstrap over blocks
    of BLOCK_FRAMES). right: share of frames in which the most salient tenth lowers the energy more than the mean of the
    random ones. p: of a sign test of blocks against one half. hidden, revealed: deletion and insertion curves. regions:
    name -> RegionFaithfulness, None without regions. rank_of_regions: Spearman's correlation of heat_share and size_db
    over regions; rank_of_frames: of a region's signed attribution and the drop, over regions and frames.
    random_weights: part of RANDOMISED -> {"signed", "absolute"}: mean rank correlation of the map, and of its
    magnitude, with those of randomised weights.
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
    """bands: name -> BandFaithfulness. area: where parts were occluded, "tract" or "picture". grid: resolution of the
    maps. focus: weight of the localisation loss in training, None where unknown."""

    bands: Mapping[str, BandFaithfulness]
    area: str
    grid: int | None
    focus: float | None

    def sentence(self, band: str, language: str = "en") -> str:
        """The verdict on a band as a sentence, in "en" or "ja"."""
        judged, said = self.bands[band], SENTENCES[language]
        values = asdict(judged) | {"frames": len(judged.frames), "change_db": -(judged.drop_db or 0.0)}
        return said[judged.verdict].format(band=band, area=said[self.area], **values)

    def caution(self, band: str, language: str = "en") -> str | None:
        """A sentence where the map hardly depends on the weights; None where it does."""
        likeness = {name: kinds["absolute"] for name, kinds in (self.bands[band].random_weights or {}).items()}
        for name in reversed(RANDOMISED):  # most randomised first
            if likeness.get(name, 0) > ALIKE:
                return SENTENCES[language]["alike"].format(part=SENTENCES[language][name], likeness=likeness[name])
        return None

    def training_sentence(self, language: str = "en") -> str:
        """A sentence on the localisation loss of training."""
        return localisation_sentence(self.focus, language)

    def to_json(self) -> dict:
        """The report as JSON, with its sentences in both languages."""
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

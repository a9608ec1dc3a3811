"""FaithfulnessReport: the results of the faithfulness tests, as values and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from ...models.bundle import Bundle
from .sentences import SENTENCES, deletion_sentences, note_sentence, outside_sentences, raising_sentence

VERDICTS = ("faithful", "weak", "unfaithful", "untested")
AREAS = ("whole_picture", "inside_tract")  # where the deletion test is asked
SHARES = (0.05, 0.1, 0.2)  # of the picture, deleted or inserted
TENTH = SHARES.index(0.1)
ORDERS = ("most_salient", "random", "least_salient")
ALIKE = 0.9
FEWEST_FRAMES, MOST_FRAMES = 6, 24
# One block of BLOCK_FRAMES frames is one observation. Autocorrelation of the drop over the frames of the five embedded
# clips and a real one (layer-ig): .35 to .74 at a lag of 1 (once .04), 0 to .49 at 2, below .36 at 3 and .33 at 4.
BLOCK_FRAMES, FEWEST_BLOCKS = 4, 5
AUDIBLE_DB = 1.0  # about the smallest change of a level that is heard
LISTENS_DB = 0.5  # from outside the tract; a model that sees the tract alone has 0
RANDOMISED = ("output layer", "BiLSTM", "CNN")


def localisation_weight(bundle: Bundle) -> float | None:
    """The weight of the localisation loss (loss.focus) in a bundle's training; None where unknown."""
    return bundle.training.get("acoustic", {}).get("loss", {}).get("focus")


def localisation_sentence(
    focus: float | None, language: str = "en", method: str = "grad-cam", view: str = "full"
) -> str:
    """A sentence on what kept maps to a place: the model's view, or the localisation loss of training, which acted on
    Grad-CAM maps alone. method: of the maps."""
    if view == "tract":
        return SENTENCES[language]["tract_only"]
    key = "focus_unknown" if focus is None else "focused" if focus > 0 else "unfocused"
    key += "_others" if key == "focused" and method != "grad-cam" else ""
    return SENTENCES[language][key].format(focus=focus)


@dataclass(frozen=True)
class Curves:
    """Mean change of a band's energy over the frames, dB, for each of SHARES of the picture deleted, or inserted: most
    salient first, at random, and least salient first."""

    most_salient_db: tuple[float, ...]
    random_db: tuple[float, ...]
    least_salient_db: tuple[float, ...]


@dataclass(frozen=True)
class DeletionTest:
    """Deletion of the most salient tenth of an area, against as much of the area chosen otherwise.

    verdict: of VERDICTS. drop_db: mean drop of the band's energy, dB. random_size_db: mean absolute change by a random
    tenth. ratio_to_random: their quotient; interval: its 95 % interval (bootstrap over blocks of BLOCK_FRAMES).
    advantage_db: 95 % interval of the mean by which the drop exceeds that of a random tenth. edges_drop_db,
    centre_drop_db: mean drop by the tenth with the steepest edges, and by a disc of that area at the area's centre.
    right: share of frames in which the drop exceeds that of a random tenth.
    """

    verdict: str
    drop_db: float
    random_size_db: float
    ratio_to_random: float
    interval: tuple[float, float]
    advantage_db: tuple[float, float]
    edges_drop_db: float
    centre_drop_db: float
    right: float

    @property
    def in_the_balance(self) -> bool:
        """Whether the interval holds 1, so that other frames, or other regions, may turn the verdict."""
        low, high = self.interval
        return low <= 1 <= high


@dataclass(frozen=True)
class OutsideTract:
    """What a band's energy takes from outside the tract: a statement on the model.

    Outside is what is farther than evaluate.OUTSIDE_SHARE of the picture's width from every region of the tract.
    share_of_attribution: share of the map's positive part there. everything_db, tract_db: mean absolute change of the
    energy when everything outside is occluded, and when everything else is. share_of_effect: everything_db's share of
    their sum. effect_db: mean drop by the most salient tenth of the outside; ratio_to_random: over the mean absolute
    change by a random tenth of it; interval: as DeletionTest.interval.
    """

    share_of_attribution: float
    share_of_effect: float
    everything_db: float
    tract_db: float
    effect_db: float
    ratio_to_random: float
    interval: tuple[float, float]

    @property
    def listens(self) -> bool:
        """Whether the model takes part of the energy from outside the tract: all of the outside changes the energy by
        LISTENS_DB, or its most salient tenth lowers it by that much and by more than a random tenth."""
        return self.everything_db >= LISTENS_DB or (self.effect_db >= LISTENS_DB and self.interval[0] > 1)


@dataclass(frozen=True)
class RegionFaithfulness:
    """attribution_share, area_share: a region's share of the attribution and of the picture. change_db, size_db: mean
    and mean absolute change of the energy on its occlusion. size_db_per_percent: size_db per hundredth of the picture.
    """

    attribution_share: float
    area_share: float
    change_db: float
    size_db: float
    size_db_per_percent: float


@dataclass(frozen=True)
class BandFaithfulness:
    """Test results of a band's maps; None where the verdict is "untested", or where regions are needed and unknown.

    verdict: that of whole_picture. frames: those tested. deletion, insertion: curves over the whole picture. regions:
    name -> RegionFaithfulness. rank_of_regions: Spearman's correlation of attribution_share and mean drop over regions;
    rank_of_frames: of a region's signed attribution and the drop, over regions and frames. random_weights: part of
    RANDOMISED -> {"signed", "absolute"}: mean rank correlation of the map, and of its magnitude, with those of
    randomised weights.
    """

    verdict: str
    frames: tuple[int, ...] = ()
    whole_picture: DeletionTest | None = None
    inside_tract: DeletionTest | None = None
    outside_tract: OutsideTract | None = None
    deletion: Curves | None = None
    insertion: Curves | None = None
    regions: Mapping[str, RegionFaithfulness] | None = None
    rank_of_regions: float | None = None
    rank_of_frames: float | None = None
    random_weights: Mapping[str, Mapping[str, float]] | None = None

    @property
    def raising(self) -> list[str]:
        """Regions whose occlusion raises the energy audibly."""
        return [name for name, one in (self.regions or {}).items() if one.change_db >= AUDIBLE_DB]


@dataclass(frozen=True)
class FaithfulnessReport:
    """bands: name -> BandFaithfulness. method, resolution: of the maps. focus: weight of the localisation loss in
    training, None where unknown. regions: their source (anatomy.regions.SOURCES), None without any. view: of the model,
    spec.VIEWS."""

    bands: Mapping[str, BandFaithfulness]
    method: str
    resolution: int | None
    focus: float | None
    regions: str | None = None
    view: str = "full"

    def sentence(self, band: str, language: str = "en", area: str = "whole_picture") -> str | None:
        """The verdict on a band in this area, of AREAS, as sentences in "en" or "ja"; None where it is not tested."""
        result = self.bands[band]
        test = getattr(result, area)
        if test is None:
            untested = SENTENCES[language]["untested"].format(band=band, frames=len(result.frames))
            return untested if area == "whole_picture" else None
        return deletion_sentences(band, area, test, len(result.frames), language)

    def outside_sentence(self, band: str, language: str = "en") -> str | None:
        """What the model takes from outside the tract, as sentences; None where it is not tested."""
        outside = self.bands[band].outside_tract
        return None if outside is None else outside_sentences(band, outside, language)

    def raising_sentence(self, band: str, language: str = "en") -> str | None:
        """A sentence on regions whose occlusion raises the energy; None without any."""
        regions = self.bands[band].regions or {}
        return raising_sentence(band, {name: regions[name].change_db for name in self.bands[band].raising}, language)

    def caution(self, band: str, language: str = "en") -> str | None:
        """A sentence where the map hardly depends on the weights; None where it does."""
        likeness = {name: kinds["absolute"] for name, kinds in (self.bands[band].random_weights or {}).items()}
        for name in reversed(RANDOMISED):  # most randomised first
            if likeness.get(name, 0) > ALIKE:
                return SENTENCES[language]["alike"].format(part=SENTENCES[language][name], likeness=likeness[name])
        return None

    def training_sentence(self, language: str = "en") -> str:
        """A sentence on the localisation loss of training."""
        return localisation_sentence(self.focus, language, self.method, self.view)

    def note(self, bands: Sequence[str], language: str = "en") -> str:
        """The verdicts on these bands over the whole picture, in one sentence for a caption."""
        known = {name: self.bands.get(name, BandFaithfulness("untested")) for name in bands}
        return note_sentence({name: (one.whole_picture, len(one.frames)) for name, one in known.items()}, language)

    def sentences(self, band: str, language: str = "en") -> list[str]:
        """All that is said of a band, in order."""
        areas = [self.sentence(band, language, area) for area in AREAS]
        rest = self.outside_sentence(band, language), self.raising_sentence(band, language)
        return [one for one in (*areas, *rest, self.caution(band, language)) if one]

    def to_json(self) -> dict:
        """The report as JSON, with its sentences in both languages."""
        bands = {}
        for name, result in self.bands.items():
            sentences = {language: " ".join(self.sentences(name, language)) for language in SENTENCES}
            bands[name] = asdict(result) | {"sentences": sentences}
            for area in AREAS:
                if (test := getattr(result, area)) is not None:
                    bands[name][area]["in_the_balance"] = test.in_the_balance
            if result.outside_tract is not None:
                bands[name]["outside_tract"]["listens"] = result.outside_tract.listens
        training = {language: self.training_sentence(language) for language in SENTENCES}
        return {
            "method": self.method,
            "resolution": self.resolution,
            "regions_source": self.regions,
            "shares": SHARES,
            "bands": bands,
            "training": {"view": self.view, "focus": self.focus, "sentences": training},
        }

"""Whether a clip's maps can be believed: a verdict, measured by hiding what they point at.

    card = evaluate_faithfulness(bundle, analyse(bundle, clip), masks)
    card.bands["F2"].verdict              # of VERDICTS
    card.sentence("F2", "en")             # "Hiding what is hot changes F2 3.1 times as much as ..."

Of each band, in up to `most_frames` frames of speech in which its heatmap shows something, spread over the clip and
where possible the same for all bands:

(a) Deletion and insertion (V. Petsiuk et al., "RISE", BMVC 2018). A share of the vocal tract (of the whole picture
    where no regions are known) is blurred beyond recognition, hottest first, coldest first, and at random in patches as
    large as the map's own cells (a tenth three times, other shares once); and the other way round, revealed in a
    blurred tract. Measured is the change of the band's energy in the frame itself, in dB, other frames held fixed: this
    is what the map claims to explain. The sign counts: hiding what is hot must lower the energy.
(b) Region by region: the share of the heat beside the change when that region is hidden.
(c) Random weights (J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018): the rank correlation of the map
    with maps of the same model whose weights were shuffled, from the output backwards. A map that stays the same shows
    the picture, not what was learnt.
(d) What training did to the maps (loss.focus): where it kept them to the tract, that they lie there is no finding.

The verdict on a band rests on hiding a tenth:
    faithful     it lowers the energy, in more blocks of frames than chance gives more than hiding a tenth at random
                 does (sign test, p < SIGNIFICANT), and at least TIMES as much as a tenth at random changes it
    weak         the first of these only
    unfaithful   not even that
    untested     too few frames with heat
Frames next to each other are alike, so those in a stretch of BLOCK_FRAMES count as one, in the test and in the
interval; what lasts longer p does not know: it is a screen, not a proof. Where the magnitude of a map is nearly the
same with random weights (rank correlation above ALIKE), the card says so beside the verdict.
"""

from .evaluate import evaluate_faithfulness, testable_bands
from .report import (
    ALIKE,
    FEWEST_FRAMES,
    MOST_FRAMES,
    SHARES,
    SIGNIFICANT,
    TIMES,
    VERDICTS,
    BandFaithfulness,
    FaithfulnessReport,
    localisation_sentence,
    localisation_weight,
)

__all__ = [
    "ALIKE",
    "FEWEST_FRAMES",
    "MOST_FRAMES",
    "SHARES",
    "SIGNIFICANT",
    "TIMES",
    "VERDICTS",
    "BandFaithfulness",
    "FaithfulnessReport",
    "localisation_weight",
    "localisation_sentence",
    "evaluate_faithfulness",
    "testable_bands",
]

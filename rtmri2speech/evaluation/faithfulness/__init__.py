"""Faithfulness of a clip's maps to the model: deletion, insertion, region occlusion and model randomisation tests.

    report = evaluate_faithfulness(bundle, analyse(bundle, clip), masks)
    report.bands["F2"].verdict              # of VERDICTS
    report.sentence("F2", "en")             # the verdict as a sentence

Each band is tested in up to `most_frames` speech frames with attribution, spread over the clip and shared by the bands
where possible:
(a) Deletion and insertion (V. Petsiuk et al., "RISE", BMVC 2018). Deletion heavily blurs a share of the vocal tract (of
    the whole picture where no regions are known): most salient first, least salient first, or at random in patches of
    the size of the map's cells (a tenth three times, other shares once). Insertion reveals shares in a blurred tract.
    The measure is the change of the band's energy in the frame itself, dB, with other frames held fixed, which is what
    the map claims to explain. The sign counts: deleting the most salient share must lower the energy.
(b) Region occlusion: each region's share of the attribution beside the change of energy when it is occluded.
(c) Model randomisation (J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018): the rank correlation of
    the map with maps of the same model with shuffled weights, from the output backwards. A map that does not change
    shows the picture, not what was learnt.
(d) The localisation loss of training (loss.focus): where it kept the maps to the tract, their place is not a finding.

The verdict on a band rests on the deletion of a tenth:
    faithful     it lowers the energy by more than a random tenth in significantly many blocks of frames (sign test,
                 p < SIGNIFICANT), and by at least TIMES the mean size of a random tenth's change
    weak         the first of these only
    unfaithful   neither
    untested     too few frames with attribution

Neighbouring frames are correlated, so BLOCK_FRAMES of them count as one observation, in the test and in the interval.
Longer correlations are not modelled: the test is a screen, not a proof. Where a map's magnitude is nearly the same with
random weights (rank correlation above ALIKE), the report says so beside the verdict.
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

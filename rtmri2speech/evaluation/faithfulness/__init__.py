"""Faithfulness of a clip's maps to the model: deletion, insertion, region occlusion and model randomisation tests.

    report = evaluate_faithfulness(bundle, analyse(bundle, clip), masks)
    report.bands["F2"].verdict              # of VERDICTS
    report.sentence("F2", "en")             # the verdict as sentences

Each band is tested in up to `most_frames` speech frames with attribution, spread over the clip and shared by the bands
where possible:
(a) Deletion (V. Petsiuk et al., "RISE", BMVC 2018): the most salient tenth of an area is heavily blurred. The measure
    is the change of the band's energy in the frame itself, dB, with other frames held fixed, which is what the map
    claims to explain. The sign counts: deletion must lower the energy. It is compared with as much of the same area at
    random (patches of the size of the map's cells, three draws), with the tenth of the steepest edges, and with a disc
    at its centre, which know nothing of the model. Areas: the whole picture, whose result does not depend on regions,
    and the tract alone. Deletion and insertion curves of other shares are of the whole picture.
(b) Outside the tract, a statement on the model: how much the energy changes when everything outside is occluded, beside
    that of the rest; and when the most salient tenth of the outside is, beside a random tenth of it.
(c) Region occlusion: each region's share of the attribution beside the change of energy when it is occluded.
(d) Model randomisation (J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018): the rank correlation of
    the map with maps of the same model with shuffled weights, from the output backwards. A map that does not change
    shows the picture, not what was learnt.
(e) The localisation loss of training (loss.focus): where it kept Grad-CAM maps to the tract, their place is not a
    finding; on maps by other methods it did not act.

The verdict on a band is that of the whole picture; the tract has its own:
    faithful     the 95 % interval of the ratio of the drop to the mean size of a random tenth's change lies above 1,
                 and the drop exceeds those of the edges and of the centre
    weak         better than chance: the ratio is above 1, and the 95 % interval of the mean by which the drop exceeds
                 that of a random tenth lies above 0
    unfaithful   neither
    untested     too few frames with attribution

Both intervals are a bootstrap over blocks of BLOCK_FRAMES, as neighbouring frames are correlated (H. Kuensch, Annals of
Statistics 17, 1989). Longer correlations are not modelled: the test is a screen, not a proof. Where a map's magnitude
is nearly the same with random weights (rank correlation above ALIKE), the report says so beside the verdict.
"""

from .evaluate import evaluate_faithfulness, testable_bands
from .report import (
    ALIKE,
    AREAS,
    FEWEST_FRAMES,
    LISTENS_DB,
    MOST_FRAMES,
    SHARES,
    VERDICTS,
    BandFaithfulness,
    DeletionTest,
    FaithfulnessReport,
    OutsideTract,
    localisation_sentence,
    localisation_weight,
)

__all__ = [
    "ALIKE",
    "AREAS",
    "FEWEST_FRAMES",
    "LISTENS_DB",
    "MOST_FRAMES",
    "SHARES",
    "VERDICTS",
    "BandFaithfulness",
    "DeletionTest",
    "FaithfulnessReport",
    "OutsideTract",
    "localisation_weight",
    "localisation_sentence",
    "evaluate_faithfulness",
    "testable_bands",
]

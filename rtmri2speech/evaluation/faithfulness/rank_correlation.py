"""Spearman's rank correlation."""

from collections.abc import Sequence

import numpy as np


def rank_correlation(a: np.ndarray | Sequence[float], b: np.ndarray | Sequence[float]) -> float | None:
    """Rank correlation of two arrays of one shape; None for fewer than three values, or a constant array."""
    from scipy.stats import rankdata

    ranks = [rankdata(np.ravel(x)) for x in (a, b)]
    if len(ranks[0]) < 3 or any(np.ptp(rank) == 0 for rank in ranks):
        return None
    return float(np.corrcoef(ranks)[0, 1])

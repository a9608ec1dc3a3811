"""A figure of how far in time a band's energy came from."""

from os import PathLike

import numpy as np

from ..reach import Reach
from .paper import save

_MOST_LAG = 15
_DPI = 300


def reach_figure(path: str | PathLike, made: Reach) -> None:
    """Left the shares of all pairs of frames, right their mean in speech by distance in time. PNG, SVG or PDF."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    pairs, lags = figure.subplots(1, 2, width_ratios=(1.2, 1))
    end_s = len(made.silent) / made.fps
    shown = np.where(made.silent[:, None], np.nan, 100 * made.shares)
    image = pairs.imshow(shown, extent=(0, end_s, end_s, 0), cmap="viridis", vmin=0, rasterized=True)
    pairs.set(title=made.band.label, xlabel="Seen at (s)", ylabel="Sounds at (s); silence is left white")
    figure.colorbar(image, ax=pairs, label="Share (%)")
    distances = 1000 * np.arange(-_MOST_LAG, _MOST_LAG + 1) / made.fps
    if not made.silent.all():
        lags.bar(distances, 100 * made.by_lag(_MOST_LAG), width=800 / made.fps, color="#1273ad")
    lags.set(xlabel="Before (−) and after (+) the frame (ms)", ylabel="Mean share in speech (%)")
    save(figure, path, _DPI)

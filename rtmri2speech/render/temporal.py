"""Figure of temporal attribution."""

from os import PathLike

import numpy as np

from ..attribution.temporal import TemporalAttribution
from .figure_size import save
from .figure_texts import band_label, words
from .fonts import drawable, font_file

_MOST_LAG = 15


def temporal_figure(path: str | PathLike, made: TemporalAttribution, language: str = "en", dpi: int = 300) -> None:
    """Left the shares of all pairs of frames, right their mean over speech frames by lag. PNG, SVG or PDF."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    def say(setter, text: str) -> None:
        setter(drawable(text), font=font_file(text), fontsize=9)

    said = words(language)
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    pairs, lags = figure.subplots(1, 2, width_ratios=(1.2, 1))
    end_s = len(made.silent) / made.fps
    shown = np.where(made.silent[:, None], np.nan, 100 * made.shares)
    image = pairs.imshow(shown, extent=(0, end_s, end_s, 0), cmap="viridis", vmin=0, rasterized=True)
    bar = figure.colorbar(image, ax=pairs)
    distances = 1000 * np.arange(-_MOST_LAG, _MOST_LAG + 1) / made.fps
    if not made.silent.all():
        lags.bar(distances, 100 * made.by_lag(_MOST_LAG), width=800 / made.fps, color="#1273ad")
    for setter, text in (
        (pairs.set_title, band_label(made.band, language)),
        (pairs.set_xlabel, said["reach_seen"]),
        (pairs.set_ylabel, said["reach_sounds"]),
        (bar.set_label, said["reach_share"]),
        (lags.set_xlabel, said["reach_lag"]),
        (lags.set_ylabel, said["reach_mean"]),
    ):
        say(setter, text)
    save(figure, path, dpi)

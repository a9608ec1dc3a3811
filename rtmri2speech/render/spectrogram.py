"""Spectrogram figure for a paper: labels, spectrograms with the bands, and band energies, over one time axis."""

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np

from ..errors import InputError
from ..spec import Band
from .colour import LINE_COLOURS
from .figure_size import CM_PER_INCH, save
from .figure_texts import band_label, words
from .fonts import drawable, font_file

RANGE_DB = 60.0  # dynamic range below the peak of each spectrogram
_WIDTH_INCHES = 6.9  # a page's text width, 175 mm
_LABELS_INCHES, _SPECTROGRAM_INCHES, _ENERGY_INCHES = 0.22, 1.5, 1.1
_TICKS_HZ = (250, 500, 1000, 2000, 3000, 4000, 5000)
_INK = "#222222"
_POINTS = 8
_LINES = ("-", "--", "-.", ":")

_AXES_SHARE = 0.7  # approximate share of the axes in the figure's width, beside numbers and colour bar

Interval = tuple[float, float, str]


def spectrogram_figure(
    path: str | PathLike,
    mels: Mapping[str, np.ndarray],
    mel_hz: np.ndarray,
    fps: float,
    bands: Sequence[Band],
    band_db: Mapping[str, np.ndarray],
    *,
    colours: Sequence[str] = LINE_COLOURS["light"],
    tracked_hz: Mapping[str, np.ndarray] | None = None,
    start_frame: int = 0,
    intervals: Sequence[Interval] = (),
    language: str = "en",
    dpi: int = 300,
    width_cm: float | None = None,
) -> None:
    """Figure of mels (title -> (T, n_mels) dB, one above the other), bins at mel_hz, and band_db (name -> (T,)).

    start_frame: index in the clip of row 0; the axis shows time in the clip. intervals: (from_s, to_s, label) in the
    clip's time, drawn on top. Each spectrogram shows 60 dB below its own peak. colours: of each band. tracked_hz:
    formant-tracking band -> (T,) Hz, drawn in place of fixed limits. width_cm: of the figure. The path's ending is the
    format: png, svg or pdf.
    Raises InputError if there is nothing to show or the sequences differ in length.
    """
    said = words(language)
    counts = {len(values) for values in (*mels.values(), *(band_db[band.name] for band in bands))}
    if not mels or len(counts) != 1 or 0 in counts:
        raise InputError("A spectrogram figure needs spectrograms and energies of the same frames.")
    from_s, to_s = start_frame / fps, (start_frame + counts.pop()) / fps
    inside = [(max(a, from_s), min(b, to_s), text) for a, b, text in intervals if a < to_s and b > from_s]
    width = _WIDTH_INCHES if width_cm is None else width_cm / CM_PER_INCH
    figure, rows = _rows(width, bool(inside), len(mels), bool(bands))
    if inside:
        _draw_labels(rows.pop(0), inside)
    for title, mel_db in mels.items():
        image = _draw_spectrogram(rows[0], mel_db, mel_hz, (from_s, to_s), title, said)
        _draw_bands(rows.pop(0), bands, colours, (from_s, to_s), tracked_hz or {})
    if bands:
        times = from_s + (np.arange(len(mel_db)) + 0.5) / fps
        _draw_energies(rows[0], times, bands, colours, band_db, language)
    spectrograms = [axes for axes in figure.axes if axes.collections]
    bar = figure.colorbar(image, ax=spectrograms, pad=0.015, fraction=0.04, aspect=12 * len(spectrograms))
    bar.set_label(said["level"], font=font_file(said["level"]), fontsize=_POINTS)
    bar.ax.tick_params(labelsize=_POINTS - 1)
    lowest = figure.axes[-2]  # the last axes are the colour bar's
    lowest.set_xlabel(said["time"], font=font_file(said["time"]), fontsize=_POINTS)
    lowest.set_xlim(from_s, to_s)
    save(figure, path, dpi)


def _rows(width: float, labels: bool, spectrograms: int, energies: bool):
    """A matplotlib Figure by the object interface (pyplot is not thread-safe), and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = [_LABELS_INCHES] * labels + [_SPECTROGRAM_INCHES] * spectrograms + [_ENERGY_INCHES] * energies
    figure = Figure(figsize=(width, sum(heights) + 0.55), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})
    rows = list(grid[:, 0])
    for axes in rows:
        axes.tick_params(labelsize=_POINTS - 1, length=2.5, width=0.6, colors=_INK)
        for side in axes.spines.values():
            side.set_linewidth(0.6)
    return figure, rows


def _draw_labels(axes, intervals: Sequence[Interval]) -> None:
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    axes.tick_params(bottom=False)
    for from_s, to_s, text in intervals:
        axes.axvline(from_s, color=_INK, linewidth=0.5)
        axes.text(
            (from_s + to_s) / 2, 0.46, drawable(text), ha="center", va="center", font=font_file(text), size=_POINTS
        )


def _draw_spectrogram(axes, mel_db, mel_hz, times_s, title, said):
    import librosa.display  # fast, as it loads its parts lazily

    count, n_mels = mel_db.shape
    borders_hz = np.interp(np.arange(n_mels + 1) - 0.5, np.arange(n_mels), mel_hz)
    image = librosa.display.specshow(
        (mel_db - mel_db.max()).T,
        x_coords=np.linspace(*times_s, count + 1),
        y_coords=borders_hz,
        x_axis="s",
        y_axis="mel",
        ax=axes,
        auto_aspect=False,
        rasterized=True,  # thousands of cells would be as many shapes in an SVG or PDF
        cmap="gray_r",
        vmin=-RANGE_DB,
        vmax=0,
    )
    ticks = [hz for hz in _TICKS_HZ if mel_hz[0] <= hz <= mel_hz[-1]]
    axes.set_yticks(ticks, [f"{hz:g}" for hz in ticks])
    axes.set_xlabel("")  # only below the lowest row
    axes.set_ylabel(said["frequency"], font=font_file(said["frequency"]), fontsize=_POINTS)
    axes.text(
        0.006,
        0.95,
        drawable(title),
        transform=axes.transAxes,
        ha="left",
        va="top",
        font=font_file(title),
        size=_POINTS,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )
    return image


def _draw_bands(axes, bands, colours, times_s, tracked_hz) -> None:
    for number, band in enumerate(bands):
        colour = colours[number % len(colours)]
        if band.whole:
            continue
        if band.name in tracked_hz:
            track = tracked_hz[band.name]
            from_s, to_s = times_s
            middles = from_s + (np.arange(len(track)) + 0.5) * (to_s - from_s) / len(track)
            for edge in (track - band.width_hz, track + band.width_hz):
                axes.plot(middles, edge, color=colour, linewidth=1)
            continue
        for edge in (band.low_hz, band.high_hz):
            # A limit that two bands share alternates between both colours.
            line = axes.axhline(edge, color=colour, linewidth=1, dashes=(4, 4), dash_capstyle="butt")
            line.set_linestyle((4 * number, (4, 4)))


def _draw_energies(axes, times, bands, colours, band_db, language) -> None:
    for number, band in enumerate(bands):
        label = band_label(band, language)
        axes.plot(
            times,
            band_db[band.name],
            _LINES[number % 4],
            color=colours[number % len(colours)],
            linewidth=1.2,
            label=label,
        )
    axes.set_ylabel(words(language)["energy"], font=font_file(words(language)["energy"]), fontsize=_POINTS)
    axes.grid(axis="y", linewidth=0.3, color="#cccccc")
    for columns in (4, 2, 1):
        legend = axes.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=columns,
            frameon=False,
            fontsize=_POINTS - 1,
            borderpad=0.1,
        )
        for text in legend.get_texts():
            text.set(text=drawable(text.get_text()), font=font_file(text.get_text()), fontsize=_POINTS - 1)
        if legend.get_window_extent().width <= _AXES_SHARE * axes.figure.bbox.width:
            break  # a legend wider than its axes would be clipped

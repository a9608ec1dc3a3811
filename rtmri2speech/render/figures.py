"""Figures for a paper: a frame, or the average over time, under the heatmaps of its bands, as PNG, SVG or PDF."""

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np

from ..errors import InputError
from .colour import COMBINE, SIGNED, Layer, blend, default_maps, layer, levels
from .figure_size import CM_PER_INCH, fitted, save
from .figure_texts import caption
from .fonts import drawable, font_file
from .heatmaps import Heatmaps, aspect, check_bands, check_clip, checked_heat
from .picture import Line, apart, padded_to

_SIDE_INCHES = 4.0  # default side of the image inside the figure, drawn pixel for pixel
_LINE_INCHES = 0.2  # of the title beyond the first
_BAR_INCHES = 0.9  # width of each band's colour scale
_LEAST_INCHES = 1.4  # of the image
_BACKGROUND = 24  # gray under the colour scale: dark tissue


def narrowest_cm(signed: Sequence[bool]) -> float:
    """The least width of a figure of bands, cm. signed: for each band, whether it is two-sided."""
    images = len(signed) if apart(signed) else 1
    return CM_PER_INCH * (_LEAST_INCHES * images + _BAR_INCHES * len(signed))


def frame_figure(
    path: str | PathLike,
    frames: np.ndarray,
    heatmaps: Mapping[str, Heatmaps],
    frame: int,
    fps: float,
    **options,
) -> None:
    """Figure of frame `frame` of a clip (T, H, W) uint8 with its heatmaps: label -> (T, H', W') in [0, 1].

    options as in `average_figure`. Raises InputError if the frame is outside the clip.
    """
    check_clip(frames)
    check_bands(heatmaps, len(frames))
    if not 0 <= frame < len(frames):
        raise InputError(
            "There is no frame {frame}: the clip has frames 0 to {last}.", frame=frame, last=len(frames) - 1
        )
    heats = {label: checked_heat(heatmap, frame, label) for label, heatmap in heatmaps.items()}
    _save(path, frames[frame], heats, caption(frame, float(fps)), **options)


def average_figure(
    path: str | PathLike,
    frames: np.ndarray,
    heatmaps: Mapping[str, Heatmaps],
    counted: Mapping[str, np.ndarray] | None = None,
    **options,
) -> None:
    """Figure of the mean frame under the mean heatmaps over the clip; arguments as in `frame_figure`.

    counted: label -> (T,) bool, frames in the mean of a heatmap; None: all. Means are smaller than single frames: the
    largest value of all bands gets the full colour, and the scales show the true numbers.
    options: title (str; default: frame and time, or the count of frames), alpha (0.7), colour_maps (one per band),
    combine ("max" or "mean"), dpi (150; 300 for print), width_cm (of the whole figure), lines (outlines, as for
    Picture). The path's ending is the format: png, svg or pdf.
    """
    check_clip(frames)
    check_bands(heatmaps, len(frames))
    every = np.ones(len(frames), bool)
    heats = {label: _mean(heatmap, label, (counted or {}).get(label, every)) for label, heatmap in heatmaps.items()}
    names = options.get("colour_maps") or default_maps(len(heats))
    middles = {label: 0.5 * (name == SIGNED) for label, name in zip(heats, names, strict=False)}
    signed = {label: (heat - middles[label]) / (1 - middles[label]) for label, heat in heats.items()}
    hottest = max(float(np.abs(heat).max()) for heat in signed.values()) or 1.0
    heats = {label: middles[label] + (1 - middles[label]) * heat / hottest for label, heat in signed.items()}
    gray = np.round(frames.mean(axis=0)).astype(np.uint8)
    _save(path, gray, heats, f"average of {len(frames)} frames", hottest=hottest, **options)


def _mean(heatmap: Heatmaps, label: str, counted: np.ndarray) -> np.ndarray:
    """Mean (H, W), computed frame by frame; zeros without any frame."""
    total = np.zeros(heatmap.shape[1:], np.float32)
    for t in np.flatnonzero(counted):
        total += checked_heat(heatmap, int(t), label)
    return total / max(1, int(counted.sum()))


def _save(
    path: str | PathLike,
    gray: np.ndarray,
    heats: dict[str, np.ndarray],
    default_title: str,
    *,
    title: str | None = None,
    alpha: float = 0.7,
    colour_maps: Sequence[str] | None = None,
    combine: str = "max",
    dpi: int = 150,
    width_cm: float | None = None,
    lines: Sequence[Line] = (),
    hottest: float = 1.0,
) -> None:
    """hottest: the value of the full colour."""
    if combine not in COMBINE:
        raise InputError("Two bands are combined by {known}, not {given!r}.", known=" or ".join(COMBINE), given=combine)
    if not 30 <= dpi <= 1200:
        raise InputError("The resolution of a figure must be 30 to 1200 dpi, not {dpi}.", dpi=dpi)
    names = default_maps(len(heats)) if colour_maps is None else colour_maps
    if len(names) != len(heats):
        raise InputError(
            "Give one colour map for each band: {wanted}, not {given}.", wanted=len(heats), given=len(names)
        )
    layers = {label: layer(name, alpha) for label, name in zip(heats, names, strict=True)}
    groups = [[label] for label in heats] if apart([one.signed for one in layers.values()]) else [list(heats)]
    inches = _SIDE_INCHES
    if width_cm is not None:
        inches = (width_cm / CM_PER_INCH - _BAR_INCHES * len(layers)) / len(groups)
    images = [
        _blended(gray, {k: heats[k] for k in some}, {k: layers[k] for k in some}, combine, round(inches * dpi))
        for some in groups
    ]
    figure = _figure(images, inches, layers, default_title if title is None else title, hottest, lines)
    save(figure, path, dpi)


def _blended(
    gray: np.ndarray, heats: dict[str, np.ndarray], layers: dict[str, Layer], combine: str, side: int
) -> np.ndarray:
    """(H, W, 3) uint8 RGB, `side` px on the longer side."""
    import cv2

    shape = aspect(next(iter(heats.values())))
    size = (side, max(1, round(side / shape))) if shape >= 1 else (max(1, round(side * shape)), side)
    background = cv2.resize(padded_to(gray, shape), size, interpolation=cv2.INTER_LINEAR)
    enlarged = [levels(cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR)) for heat in heats.values()]
    return blend(background, enlarged, list(layers.values()), combine)


def _figure(images: Sequence[np.ndarray], inches: float, layers: dict[str, Layer], title: str, hottest: float, lines):
    """A matplotlib Figure. images: one under all heatmaps, or one for each band side by side.

    It uses the object interface, as pyplot's global state is not thread-safe.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.figure import Figure

    height, width = images[0].shape[:2]
    size = (
        inches * len(images) + _BAR_INCHES * len(layers),
        inches * height / width + 0.4 + _LINE_INCHES * title.count("\n"),
    )
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    places = list(figure.subplots(1, len(images), squeeze=False)[0])
    for axes, image in zip(places, images, strict=True):
        axes.imshow(image, interpolation="nearest")
        for corners, colour in lines:
            closed = np.concatenate([corners, corners[:1]]) * (width, height) - 0.5
            axes.plot(*closed.T, color=np.array(colour) / 255, linewidth=0.7)
        axes.set_axis_off()
    # At column width text has a paper's smallest size; wider figures have larger text.
    points = min(11.0, max(7.0, 11 * size[0] / (_SIDE_INCHES * len(images) + _BAR_INCHES * len(layers))))
    named = places[0].set_title if len(places) == 1 else figure.suptitle
    heading = named(drawable(title), font=font_file(title), fontsize=points)
    under = places if len(places) > 1 else places * len(layers)
    for (label, one), axes in reversed(list(zip(layers.items(), under, strict=True))):  # the last bar is the nearest
        scale = ListedColormap(one.over(_BACKGROUND) / 255.0)
        shown = ScalarMappable(Normalize(-hottest if one.signed else 0, hottest), scale)
        ticks = [-hottest, 0, hottest] if one.signed else [0, hottest / 2, hottest]
        bar = figure.colorbar(shown, ax=axes, fraction=0.06, pad=0.02, ticks=ticks)
        bar.set_ticklabels([f"{tick:.2g}" for tick in ticks])
        bar.ax.tick_params(labelsize=points - 1)
        bar.set_label(drawable(label), font=font_file(label), fontsize=points - 1)
    fitted(figure, [heading])
    return figure

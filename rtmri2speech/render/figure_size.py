"""Size and saving of matplotlib figures for print: PNG, SVG or PDF by the path's ending, with reproducible bytes."""

from os import PathLike
from pathlib import Path

from ..errors import InputError
from ..files import atomic_write

CM_PER_INCH = 2.54
FORMATS = ("png", "svg", "pdf")
# Dates would make files differ.
_WITHOUT_DATE = {"png": None, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def fitted(figure, texts) -> None:
    """Shrink each of the matplotlib Texts until it fits the figure, down to 4 points."""
    figure.draw_without_rendering()
    for text in texts:
        while not inside(figure, text) and text.get_fontsize() > 4:
            text.set_fontsize(text.get_fontsize() - 0.5)


def inside(figure, artist) -> bool:
    """Whether the artist, as last drawn, lies within the figure's width."""
    extent = artist.get_window_extent()
    return extent.x0 >= 0 and extent.x1 <= figure.bbox.x1


def save(figure, path: str | PathLike, dpi: int) -> None:
    """Write a matplotlib Figure with rasters at `dpi`; an SVG's text becomes shapes, a PDF embeds its fonts.

    Raises InputError unless the ending is one of FORMATS.
    """
    import matplotlib

    ending = Path(path).suffix[1:].lower()
    if ending not in FORMATS:
        raise InputError("A figure is a file of {known}, not {path}.", known=", ".join(FORMATS), path=path)
    # level 3 takes a third of the default's time for a few per cent more bytes, as MRI noise does not compress
    options = {"pil_kwargs": {"compress_level": 3}} if ending == "png" else {}
    matplotlib.rcParams["svg.hashsalt"] = "rtmri2speech"  # ids of elements, otherwise random
    if ending == "svg":
        # Nothing exceeds its axes, and ids of clipping paths follow memory addresses, so no two files would be equal.
        for artist in figure.findobj():
            artist.set_clip_on(False)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format=ending, dpi=dpi, metadata=_WITHOUT_DATE[ending], **options)

"""Saving a matplotlib figure for print: PNG, SVG or PDF by the path's ending, the same bytes every time."""

from os import PathLike
from pathlib import Path

from ..errors import InputError
from ..files import atomic_write

CM_PER_INCH = 2.54
FORMATS = ("png", "svg", "pdf")
# Dates would make every file differ from the last.
_WITHOUT_DATE = {"png": None, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def fitted(figure, texts) -> None:
    """Makes each of the matplotlib Texts smaller until it lies within the figure, down to 4 points."""
    figure.draw_without_rendering()
    for text in texts:
        while not inside(figure, text) and text.get_fontsize() > 4:
            text.set_fontsize(text.get_fontsize() - 0.5)


def inside(figure, artist) -> bool:
    """Whether the artist, as drawn last, is cut off at neither side of the figure."""
    extent = artist.get_window_extent()
    return extent.x0 >= 0 and extent.x1 <= figure.bbox.x1


def save(figure, path: str | PathLike, dpi: int) -> None:
    """Write a matplotlib Figure; pixels in it at `dpi`, text of an SVG as shapes, of a PDF with its fonts.

    InputError if the ending is none of FORMATS.
    """
    import matplotlib

    ending = Path(path).suffix[1:].lower()
    if ending not in FORMATS:
        raise InputError("A figure is a file of {known}, not {path}.", known=", ".join(FORMATS), path=path)
    # level 3 takes a third of the time of the default, for a few per cent more bytes: MRI's noise does not compress
    options = {"pil_kwargs": {"compress_level": 3}} if ending == "png" else {}
    matplotlib.rcParams["svg.hashsalt"] = "rtmri2speech"  # names of parts, random without it
    if ending == "svg":
        # Nothing reaches over its axes, and names of clipping paths follow addresses in memory: no two files alike.
        for artist in figure.findobj():
            artist.set_clip_on(False)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format=ending, dpi=dpi, metadata=_WITHOUT_DATE[ending], **options)

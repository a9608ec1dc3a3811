"""Attribution methods by name.

    method_of("layer-ig").maps(inputs, progress)    # target name -> signed (T, cells, cells)

A new method is a file with a Method (method.py) and a line in METHODS; commands, page, captions and provenance read its
name and label there. CONTRIBUTING.md shows an example.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:  # the names alone are known without the networks' packages
    from ..models.acoustic import AcousticModel
    from .method import Method

METHODS = {  # name -> module and Method in it
    "grad-cam": f"{__package__}.grad_cam:GRAD_CAM",
    "hirescam": f"{__package__}.layer_attribution:HIRESCAM",
    "layer-ig": f"{__package__}.layer_attribution:LAYER_IG",
}
DEFAULT_METHOD = "grad-cam"


def check_method(name: str) -> None:
    """Raises InputError where there is no method of this name."""
    if name not in METHODS:
        raise InputError(
            "There is no attribution method {name!r}: choose of {known}.", name=name, known=", ".join(METHODS)
        )


def method_of(name: str) -> "Method":
    """The method of that name. Raises InputError where there is none."""
    check_method(name)
    module, _, member = METHODS[name].partition(":")
    return getattr(import_module(module), member)


def parse_method(text: str) -> tuple[str, int | None]:
    """ "layer-ig:16" -> ("layer-ig", 16 cells along a side); "grad-cam" -> ("grad-cam", None), its own resolution.

    Raises InputError for anything else."""
    name, colon, cells = text.partition(":")
    check_method(name)
    if colon and not cells.isdecimal():
        raise InputError("Maps are asked for as METHOD or METHOD:CELLS, as layer-ig:16, not {text!r}.", text=text)
    return name, int(cells) if colon else None


def resolution_of(name: str, asked: int | None, model: "AcousticModel", size: int) -> int:
    """Resolution of the method's maps for frames of size x size: `asked`, or the available one nearest to its default.

    Raises InputError where the model cannot give the resolution asked for.
    """
    method = method_of(name)
    known = sorted(method.resolutions(model, size))
    if asked is None:
        wanted = method.resolution or known[0]
        return min(known, key=lambda cells: (max(cells / wanted, wanted / cells), cells))
    if asked not in known:
        raise InputError(
            "This bundle's maps have {known} cells along a side, not {given}.",
            known=", ".join(map(str, known)),
            given=asked,
        )
    return asked


def method_of_grid(grid: int | None, against: str, model: "AcousticModel", size: int) -> tuple[str, int | None]:
    """Method and resolution of the deprecated options --grid and --against."""
    if against not in ("blur", "nothing"):
        raise InputError("{given!r} is not one of {known}.", given=against, known="blur, nothing")
    last = resolution_of("grad-cam", None, model, size)
    if against == "blur":
        return "layer-ig", grid or last
    return ("grad-cam", None) if grid in (None, last) else ("hirescam", grid)

"""The page in the browser: the command app, and app.py."""

import math
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import InputError
from .options import DeviceOption
from .terminal import new_app, run


def _above_zero(value: float) -> float:
    if not 0 < value < math.inf:
        raise typer.BadParameter(f"{value:g} is not a number above 0.")
    return value


def app(
    host: Annotated[str, typer.Option(help="Address to listen on (0.0.0.0: the whole network).")] = "127.0.0.1",
    server_name: Annotated[
        list[str] | None, typer.Option(help="Further host name to accept, as behind a proxy; repeatable.")
    ] = None,
    root_path: Annotated[
        str | None, typer.Option(help="Path of the page behind a proxy, such as /rtmri2speech.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 7860,
    bundle: Annotated[Path | None, typer.Option(help="Default bundle's folder; default: the embedded one.")] = None,
    bundles: Annotated[Path | None, typer.Option(help="Folder of further bundle folders to offer.")] = None,
    clips: Annotated[Path | None, typer.Option(help="Folder of example clips; default: the embedded ones.")] = None,
    language: Annotated[
        Literal["en", "ja"] | None, typer.Option(help="Initial language; default: the browser's.")
    ] = None,
    regions: Annotated[
        Literal["segmenter", "template"], typer.Option(help="Initial source of the regions.")
    ] = "segmenter",
    max_minutes: Annotated[float, typer.Option(callback=_above_zero, help="Longest clip, minutes.")] = 5.0,
    max_upload_mb: Annotated[float, typer.Option(callback=_above_zero, help="Largest upload, MB.")] = 200.0,
    device: DeviceOption = "auto",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser window.")] = False,
    share: Annotated[bool, typer.Option("--share", help="Also publish through Gradio's relay; needs network.")] = False,
    mcp: Annotated[bool, typer.Option("--mcp", help="Also offer the API as MCP tools; needs gradio[mcp].")] = False,
):
    """Serve the page and open it in the browser."""
    if mcp and find_spec("mcp") is None:
        raise InputError('--mcp needs one more package: pip install "gradio[mcp]"')
    from ..ui import Settings, build, launch

    settings = Settings(bundle=bundle, bundles=bundles, language=language, regions=regions)
    settings = replace(
        settings,
        clips=clips or settings.clips,
        limits=replace(settings.limits, longest_s=60 * max_minutes),
        largest_upload=int(max_upload_mb * 2**20),
    )
    try:
        page = build(settings)
        launch(
            page,
            host=host,
            port=port,
            names=server_name or (),
            root_path=root_path,
            share=share,
            open_browser=not no_browser,
            mcp=mcp,
        )
    except OSError as error:  # Gradio finds the port taken, or the address not this machine's
        raise InputError(
            "Cannot listen on {host}, port {port}: give another one with --port ({reason}).",
            host=host,
            port=port,
            reason=error.strerror or "the port is taken, or the address is not this machine's",
        ) from error


def main() -> int:
    """Run the command alone, as app.py does; the exit code."""
    alone = new_app()
    alone.command()(app)
    return run(alone, sys.argv[1:], "app.py")

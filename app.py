"""Opens the page: python app.py [--help]"""

import argparse
import sys
from pathlib import Path


class OneLineParser(argparse.ArgumentParser):
    def error(self, message: str):
        self.exit(2, f"app.py: {message} (see app.py --help)\n")


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


positive.__name__ = "number above 0"


def port(text: str) -> int:
    value = int(text)
    if not 0 < value < 65536:
        raise ValueError
    return value


port.__name__ = "port (1 to 65535)"


def arguments() -> argparse.Namespace:
    parser = OneLineParser(prog="app.py", description="The rtmri2speech page, in the browser.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (0.0.0.0: the whole network)")
    parser.add_argument("--port", type=port, default=7860)
    parser.add_argument("--bundle", type=Path, help="bundle folder to begin with; default: the embedded one")
    parser.add_argument("--bundles", type=Path, help="folder of bundle folders, to choose from on the page")
    parser.add_argument("--clips", type=Path, help="folder of example clips; default: the embedded ones")
    parser.add_argument("--language", choices=["en", "ja"], help="to begin with; default: the browser's")
    parser.add_argument("--max-minutes", type=positive, default=5.0, help="longest clip, minutes (default 5)")
    parser.add_argument("--max-upload-mb", type=positive, default=200.0, help="largest upload, MB (default 200)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser window")
    parser.add_argument("--share", action="store_true", help="also publish through Gradio's relay; needs network")
    parser.add_argument("--mcp", action="store_true", help="also offer the API as MCP tools; needs gradio[mcp]")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    if args.mcp:
        try:
            import mcp  # noqa: F401 (Gradio needs it)
        except ImportError:
            print('app.py: --mcp needs one more package: pip install "gradio[mcp]"', file=sys.stderr)
            return 2
    from dataclasses import replace

    from rtmri2speech.errors import InputError
    from rtmri2speech.ui import Settings, build, launch

    settings = Settings(bundle=args.bundle, bundles=args.bundles, language=args.language)
    settings = replace(
        settings,
        clips=args.clips or settings.clips,
        limits=replace(settings.limits, longest_s=60 * args.max_minutes),
        largest_upload=int(args.max_upload_mb * 2**20),
    )
    try:
        launch(
            build(settings),
            host=args.host,
            port=args.port,
            share=args.share,
            open_browser=not args.no_browser,
            mcp=args.mcp,
        )
    except (InputError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Opens the page: python app.py [--help]"""

import argparse
import sys
from pathlib import Path


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The rtmri2speech page, in the browser.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (0.0.0.0: the whole network)")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--bundle", type=Path, help="bundle folder; default: the embedded one")
    parser.add_argument("--clips", type=Path, help="folder of example clips; default: the embedded ones")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser window")
    parser.add_argument("--share", action="store_true", help="also publish through Gradio's relay; needs network")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    from rtmri2speech.errors import InputError
    from rtmri2speech.ui import build, launch

    try:
        page = build(args.bundle, args.clips)
        launch(page, host=args.host, port=args.port, share=args.share, open_browser=not args.no_browser)
    except (InputError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

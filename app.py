"""Opens the page: python app.py [--help]"""

import sys

from rtmri2speech.cli.page import main

if __name__ == "__main__":
    sys.exit(main())

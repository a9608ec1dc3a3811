"""python -m rtmri2speech ..."""

import sys

from .cli import main

sys.exit(main())

"""Labels: TextGrids, and their editing on the page."""

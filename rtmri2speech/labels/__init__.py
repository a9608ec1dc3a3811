"""What is said when: TextGrids and labels edited on the page."""

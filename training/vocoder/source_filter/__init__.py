"""Training of the source-filter vocoder (`kind: ddsp`): segments with F0, losses, and the run itself."""

"""What every training shares: configuration, console, run folder, the training loop, schedules, weight averaging."""

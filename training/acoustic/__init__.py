"""Training of the acoustic model, frames -> mel: data, losses, augmentation, and the run itself."""

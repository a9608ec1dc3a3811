"""Training of HiFi-GAN, mel -> waveform: segments, discriminators, losses, and the run itself."""

"""The acoustic model, the vocoder, and the bundle that carries both."""

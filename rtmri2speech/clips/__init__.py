"""A clip: its frames, sound and times, read from any file, and prepared for a model."""

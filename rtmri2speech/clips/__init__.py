"""Clips: read from files, resampled in time, and prepared for a model."""

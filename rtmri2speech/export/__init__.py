"""Exports: videos, figures, tables, heatmaps, and their provenance."""

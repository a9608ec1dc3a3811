"""What is taken away: videos, figures, tables, heatmaps, and the provenance of each."""

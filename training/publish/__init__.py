"""A run becomes a bundle with its model card: python -m training.publish; segmenter and restoration likewise."""

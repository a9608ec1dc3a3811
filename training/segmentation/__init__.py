"""Training of the region segmenter: label maps of phantom heads, coloured anew for every picture that is learned."""

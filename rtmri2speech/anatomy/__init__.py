"""Anatomy: regions that move with the speaker, their outlines, and articulatory measures.

regions = segment_regions(frames, fps)             # anatomy.segmenter: by the network, any scanner
regions = regions_from_truth(path, count, fps, s)  # anatomy.sources: a phantom's ground truth
regions = regions_from_template(count, fps, s)     # anatomy.sources: static polygons
regions.mask("tongue")                             # (T, 256, 256) bool; see anatomy.regions
shifted(regions, 0.01, 0.0)                        # anatomy.corrections: new Regions with a record of the change
"""

"""What in the picture is what: regions that move with the speaker, their outlines, and articulation in numbers.

regions = segment_regions(frames, fps)             # anatomy.segmenter: found by the network, any scanner
regions = regions_from_truth(path, count, fps, s)  # anatomy.sources: a phantom's own labels
regions = regions_from_template(count, fps, s)     # anatomy.sources: polygons that do not move
regions.mask("tongue")                             # (T, 256, 256) bool; anatomy.regions says what else there is
shifted(regions, 0.01, 0.0)                        # anatomy.corrections: a new value that knows what was changed
"""

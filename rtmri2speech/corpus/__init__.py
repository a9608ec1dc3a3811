"""Ask a corpus: over many labelled clips, where the attribution for each band lies in each phone.

tally.py: one clip, phone by phone. heads.py: the clips' heads laid onto one. summary.py: means over clips, with
intervals of confidence. run.py: all of it over a folder, gone on with where it stopped, and the files it writes.
"""

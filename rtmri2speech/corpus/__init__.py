"""Corpus statistics: mean attribution of each band by phone and region, over many labelled clips.

accumulation.py: sums of one clip, phone by phone. registration.py: alignment of heads. statistics.py: means over clips
with confidence intervals. survey.py: all of it over a folder, resumable, and its files. report.py: its page. batch.py:
speech, heatmaps and exports of a folder.
"""

"""Readers of recordings, one module a format: frames, times and pixel size.

clips/clip.py calls reading.py. Libraries of the extra [formats] are imported when such a file is read. No reader
returns personal data.
"""

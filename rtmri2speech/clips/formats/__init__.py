"""Files of recordings, a module each: what holds pictures, how it is read, and what it tells about time and size.

clips/clip.py calls reading.py. Libraries of the extra [formats] are imported when such a file is read.
Nothing that names a person is taken out of a file.
"""

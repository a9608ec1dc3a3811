"""Files of recordings, a module each: what holds pictures, how it is read, and what it tells about time and size.

clips/clip.py asks reading.py. Libraries that not everybody needs are the extra [formats], imported when such a file is read.
Nothing that names a person is taken out of a file.
"""

"""rtmri2speech: from real-time MRI of a speaking vocal tract to speech, with attribution maps of formant bands.

    from rtmri2speech import read_clip, load_bundle, analyse
    analysis = analyse(load_bundle(), read_clip("clip.mp4"))

Names are imported lazily, so that `import rtmri2speech` is fast; __init__.pyi lists them.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

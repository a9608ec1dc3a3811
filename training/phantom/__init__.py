"""A generator of synthetic articulatory speech: VocalTractLab's vocal tract as a real-time MRI scanner would see it.

    python -m training.phantom --out DIR --minutes 60 --speakers 10 --seed 0 --workers 2

phones and japanese say what can be spoken, phrases what is spoken, score how (gestures), voice turns that into motion
and sound, speaker into many voices, head draws the anatomy, scanner photographs it, clip puts one utterance together,
files writes it and corpus makes many. The GPL-3 library vocaltractlab-cython is imported in voice.py only.
"""

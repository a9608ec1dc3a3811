"""Sound on arrays: mel spectrogram, waveform files, formants and F0, voice, alignment in time, metrics of speech quality."""

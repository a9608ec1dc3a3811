"""Speech as arrays: mel spectrogram, waveform files, formants and F0, voice, alignment in time, quality metrics."""

"""Speech as arrays: mel spectrogram, audio files, formants and F0, voice, alignment, quality metrics."""

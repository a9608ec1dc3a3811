"""Evaluation where the ground truth is known: localisation, vowels, domain shift, articulation, intonation."""

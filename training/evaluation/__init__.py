"""What a bundle has learnt, judged where the truth is known: attention, vowels, other scanners, the mouth."""

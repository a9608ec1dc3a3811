"""Miipher-2 training: degraded speech made from clean speech, staged training, evaluation, publishing."""

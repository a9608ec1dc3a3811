"""The learning rates' corners, from their definitions."""

import pytest

from training.engine.schedules import cosine, linear


def test_the_cosine_warms_up_and_ends_at_min_lr():
    rates = [cosine(s, lr=1.0, min_lr=0.1, warmup_steps=10, total_steps=110) for s in (0, 9, 10, 60, 110, 500)]
    assert rates == pytest.approx([0.1, 1.0, 1.0, 0.55, 0.1, 0.1])


def test_the_line_rises_and_falls_to_a_tenth():
    rates = [linear(s, lr=1.0, warmup_steps=10, total_steps=100) for s in (0, 9, 10, 55, 100)]
    assert rates == pytest.approx([0.1, 1.0, 1.0, 0.55, 0.1])
    assert linear(0, lr=1.0, warmup_steps=0, total_steps=10) == 1.0

"""Progress: parts take their share of the whole, and an exception of the one who is told ends the work."""

import pickle

import pytest

from rtmri2speech.errors import InputError
from rtmri2speech.progress import UNSEEN, Progress


def test_parts_of_parts_take_their_share_of_the_whole():
    told = []
    whole = Progress(lambda *step: told.append(step))
    second = whole.part(None, 0.2, 1)
    second.part("video", 0.5, 1)("frames", 25, 100)
    second("speech", 3, 3)
    second("nothing to do", 0, 0)
    assert [step[0] for step in told] == ["video", "speech", "nothing to do"]
    assert [step[1] / step[2] for step in told] == pytest.approx([0.2 + 0.8 * (0.5 + 0.5 * 0.25), 1, 1])
    UNSEEN("any", 1, 2)


def test_what_is_told_may_end_the_work():
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Progress(stop).part("inner", 0, 0.5)("step", 1, 2)


def test_an_error_keeps_its_template_and_values_also_between_processes():
    error = InputError("{path} lasts {seconds:.1f} s.", path="x.mp4", seconds=3)
    assert str(error) == "x.mp4 lasts 3.0 s."
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.template, again.values) == (str(error), error.template, error.values)
    assert str(InputError("Write {name} in braces.")) == "Write {name} in braces."

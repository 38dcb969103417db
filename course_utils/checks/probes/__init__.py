"""Probes drive a student's answer on inputs made from the seed and return plain values.

They run beside the student's code, in a sandbox where there is one, and hold nothing that tells
right from wrong. What is made of the values is said in ``checks.judges``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from course_utils.checks.probes import guard

if TYPE_CHECKING:
    from course_utils.checks.bank import Case, Exercise


def observe(exercise: Exercise, case: Case, answer: object, seed: int, time_limit: float) -> dict:
    """What the answer does in one case: ``{"calls": [outcome, ...], "printed", "seconds_left"}``.

    An outcome is a dict of plain values, see ``guard.attempt``. Nothing that the answer does is
    raised here, but for a Ctrl-C of the user. torch's, numpy's and Python's random states, the
    default dtype and the gradient mode are put back.
    """
    with guard.restored_state(seed), guard.captured_output() as printed:
        with guard.limited(time_limit) as watch:
            calls = _calls(exercise, case, answer, seed)
    return {"calls": calls, "printed": printed.text, "seconds_left": watch.left}


def _calls(exercise: Exercise, case: Case, answer: object, seed: int) -> list[dict]:
    wrong_kind = guard.wrong_kind(exercise.kind, answer)
    if wrong_kind:
        return [wrong_kind]
    module, name = case.probe.split(".")
    probe = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    return probe(answer, seed)

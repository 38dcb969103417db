"""Judges say what is right, from the seed alone, and name the misconception in what was seen.

They receive plain values and never call the student's code. Each judge is a function
``judge(calls, seed) -> Refusal | None``; the sentences for its slugs stand beside it.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from course_utils.checks.bank import Case, Exercise
from course_utils.checks.judges import common
from course_utils.checks.report import CaseResult


def judge(exercise: Exercise, case: Case, observation: dict, seed: int) -> CaseResult:
    """The result of one case, from what its probe saw."""
    calls = observation["calls"]
    function = getattr(_module(case), case.judge.split(".")[1])
    refusal = common.unanswered(calls, exercise) or function(calls, seed)
    if refusal is None:
        return CaseResult(case.name, True, case.points, case.points)
    explanation, hint = sentences(exercise)[refusal.slug]
    return CaseResult(
        name=case.name,
        passed=False,
        points=0,
        max_points=case.points,
        misconception=refusal.slug,
        expected=refusal.expected,
        seen=refusal.seen,
        explanation=explanation,
        hint=hint,
    )


def sentences(exercise: Exercise) -> dict[str, tuple[str, str]]:
    """For each slug of the exercise: what it looks like, and one hint."""
    own = {}
    for case in exercise.cases:
        own |= _module(case).SENTENCES[exercise.id]
    return own | common.SENTENCES


def _module(case: Case) -> ModuleType:
    return importlib.import_module(f"{__name__}.{case.judge.split('.')[0]}")

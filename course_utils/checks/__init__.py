"""Checks tell a student right from wrong, and name the misconception.

In a notebook: ``check(id, answer)``, then ``answer = mine_or_reference(id, answer)``. Graders and
tests use ``run``. torch is loaded when the first answer is checked.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
from collections import Counter
from html import escape
from pathlib import Path

from course_utils.checks import bank
from course_utils.checks.bank import Exercise
from course_utils.checks.report import NOT_ATTEMPTED, CaseResult, Report

__all__ = [
    "CaseResult",
    "Exercise",
    "Report",
    "check",
    "exercises",
    "mine_or_reference",
    "misconceptions",
    "reference",
    "run",
]

REFUSALS_BEFORE_SOLUTION = 3
SOLUTIONS = Path(__file__).parents[2] / "solutions"  # in a checkout
LEAST_SECONDS = 1.0  # for a case after the time is used up, so that one loop does not cost all

_accepted: dict[str, object] = {}  # exercise id -> the answer that last passed in this kernel
_refusals: Counter[str] = Counter()


def run(id: str, answer: object, seed: int = 0, time_limit: float = 20) -> Report:
    """Check an answer: every case of the exercise, on inputs made from the seed.

    Never raises because of the answer. ``time_limit`` is in seconds of the answer's own time, for
    all cases together.
    Raises ValueError for an unknown id, KeyboardInterrupt if the user interrupts.
    """
    exercise = bank.find(id)
    from course_utils.checks import judges, probes

    left, results, printed = time_limit, [], ""
    for case in exercise.cases:
        limit = max(left, min(LEAST_SECONDS, time_limit))
        observation = probes.observe(exercise, case, answer, seed, limit)
        left = observation["seconds_left"]
        results.append(judges.judge(exercise, case, observation, seed))
        printed = printed or observation["printed"]
    return Report(id, tuple(results), printed)


def check(id: str, answer: object) -> Report:
    """Check an answer, show the report as a small table and return it.

    After three refusals in this kernel the course's solution is offered, folded; not when
    COURSE_GRADED is 1 in the environment. Raises ValueError for an unknown id.
    """
    report = run(id, answer)
    if report.passed:
        _accepted[id] = answer
    elif report.misconception != NOT_ATTEMPTED:
        _refusals[id] += 1
    _show(report)
    return report


def mine_or_reference(id: str, answer: object) -> object:
    """The answer if this very object passed its check in this kernel, else the course's version.

    Prints one line saying which. Raises ValueError for an unknown id.
    """
    exercise = bank.find(id)
    if id in _accepted and _accepted[id] is answer:
        print(f"{exercise.answer}: from here on, your own version.")
        return answer
    print(f"{exercise.answer}: from here on, the course's version; yours has not passed its check.")
    return reference(id)


def misconceptions(id: str) -> dict[str, str]:
    """For each slug that the check of this exercise can give: the sentence that explains it."""
    from course_utils.checks import judges

    return {slug: text for slug, (text, _) in judges.sentences(bank.find(id)).items()}


def exercises() -> list[Exercise]:
    """All exercises: id, notebook, cell, kind of answer, signature, points."""
    return list(bank.EXERCISES.values())


def reference(id: str) -> object:
    """The course's own solution of an exercise. Raises ValueError for an unknown id."""
    module, name = bank.find(id).reference.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def _show(report: Report) -> None:
    text, html = str(report), report.html
    offered = _refusals[report.exercise] >= REFUSALS_BEFORE_SOLUTION and not report.passed
    if offered and os.environ.get("COURSE_GRADED") != "1":
        exercise = bank.find(report.exercise)
        text += f"\n  the course's solution: {exercise.cell} in solutions/{exercise.notebook}.ipynb"
        html += _folded(_solution(exercise))
    if _in_notebook():
        from IPython.display import display

        display({"text/plain": text, "text/html": html}, raw=True)
    else:
        print(text)


def _solution(exercise: Exercise) -> str:
    """The exercise's cell as the course solves it; outside a checkout, the reference."""
    notebook = SOLUTIONS / f"{exercise.notebook}.ipynb"
    if not notebook.exists():
        return inspect.getsource(reference(exercise.id))
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    source = next("".join(cell["source"]) for cell in cells if cell["id"] == exercise.cell)
    marks = ("### BEGIN SOLUTION", "### END SOLUTION")
    return "\n".join(line for line in source.splitlines() if line.strip() not in marks)


def _folded(source: str) -> str:
    return (
        "<details><summary>Show the course's solution</summary>"
        f"<pre>{escape(source)}</pre></details>"
    )


def _in_notebook() -> bool:
    try:
        return get_ipython() is not None
    except NameError:
        return False

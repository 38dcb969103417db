"""Honest submissions in the sandbox: right answers of any style, stubs, cells that need others."""

import re
from pathlib import Path

import pytest

from course_utils.checks import bank
from course_utils.grading import referee

REFERENCE = re.compile(r"^from course_utils.sampling import .*$", re.MULTILINE)
RIGHT = sorted(Path(__file__).parents[1].glob("misconceptions/sampling.*/right_*.py"))


def grade(sandbox, graded, cells) -> dict[str, dict]:
    exercises, flags = referee.grade(sandbox, graded, cells, {e.id: 77 for e in graded.exercises})
    return {exercise["id"]: exercise for exercise in exercises} | {"flags": flags}


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_right_answers_in_any_style_earn_full_points(path, sandbox, sampling, solutions):
    exercise = bank.find(path.parent.name)
    source = REFERENCE.sub("", path.read_text())  # in the notebook the cells above define these
    found = grade(sandbox, sampling, solutions | {exercise.cell: source})[exercise.id]
    assert found["points"] == exercise.points, found


def test_an_untouched_notebook_earns_nothing_and_is_not_attempted(sandbox, sampling, untouched):
    found = grade(sandbox, sampling, untouched)
    assert found.pop("flags") == []
    assert {e["misconception"] for e in found.values()} == {"not-attempted"}
    assert sum(e["points"] for e in found.values()) == 0


def test_a_later_exercise_has_the_courses_version_of_an_earlier_one(sandbox, sampling, solutions):
    cells = solutions | {"softmax": "def softmax(logits, temperature):\n    return logits"}
    found = grade(sandbox, sampling, cells)
    assert found["sampling.softmax"]["points"] < 3
    assert found["sampling.generate"]["points"] == 5


def test_a_cell_that_raises_at_its_end_keeps_what_it_defined(sandbox, sampling, solutions):
    cells = {"top-k": solutions["top-k"] + "\n1 / 0"}
    found = grade(sandbox, sampling, cells)
    assert found["sampling.top_k"]["points"] == 3
    assert found["sampling.top_k"]["raised"].startswith("ZeroDivisionError")
    assert any("ZeroDivisionError" in flag for flag in found["flags"])


def test_missing_cells_are_flagged(sandbox, sampling, solutions):
    found = grade(sandbox, sampling, {"softmax": solutions["softmax"]})
    assert found["sampling.softmax"]["points"] == 3
    assert found["sampling.top_k"]["misconception"] == "sandbox/missing"
    assert "sampling.top_k: The cell of this exercise is missing." in found["flags"]


def test_magics_and_figures_do_no_harm(sandbox, sampling, solutions):
    cell = (
        "%matplotlib inline\n!ls\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\n"
    )
    found = grade(sandbox, sampling, {"softmax": cell + solutions["softmax"]})
    assert found["sampling.softmax"]["points"] == 3, found


def test_the_same_seeds_give_the_same_result(sandbox, sampling, solutions):
    wrong = {"softmax": "def softmax(logits, temperature):\n    return logits.exp()"}
    assert grade(sandbox, sampling, wrong) == grade(sandbox, sampling, wrong)

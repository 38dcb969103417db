"""Honest submissions in the sandbox: right answers of any style, stubs, cells that need others."""

import re
from pathlib import Path

import pytest

from course_utils.checks import bank
from course_utils.grading import referee

MISCONCEPTIONS = Path(__file__).parents[1] / "misconceptions"

IMPORT = re.compile(r"^from course_utils\.\w+ import (.*)$", re.MULTILINE)
WITHHELD = {
    "anatomy.flops/right_reference_parts.py",
    "causal_tracing.effects/right_growing_batch.py",
    "reproducibility.trainer_tests/right_extended.py",
    "reproducibility.trainer_tests/right_states.py",
}


def grade(sandbox, graded, cells) -> dict[str, dict]:
    exercises, flags = referee.grade(sandbox, graded, cells, {e.id: 77 for e in graded.exercises})
    return {exercise["id"]: exercise for exercise in exercises} | {"flags": flags}


def right_answers(notebook: str) -> list[dict[str, str]]:
    """Notebooks solved in other styles: together they hold each right answer of the bank, but for
    those that stand on what the sandbox withholds."""
    exercises = [e for e in bank.EXERCISES.values() if e.notebook == notebook]
    answers = {exercise.answer for exercise in exercises}

    def source(path: Path) -> str:
        """Without imports of answers: in the notebook, cells above define these."""

        def rest(found: re.Match) -> str:
            names = [name for name in found[1].split(", ") if name not in answers]
            return found[0].replace(found[1], ", ".join(names)) if names else ""

        return IMPORT.sub(rest, path.read_text(encoding="utf-8"))

    styles = {}
    for exercise in exercises:
        paths = sorted(MISCONCEPTIONS.glob(f"{exercise.id}/right_*.py"))
        own = [path for path in paths if f"{exercise.id}/{path.name}" not in WITHHELD]
        styles[exercise.cell] = [source(path) for path in own]
    most = max(map(len, styles.values()))
    return [{cell: found[i % len(found)] for cell, found in styles.items()} for i in range(most)]


@pytest.mark.parametrize("notebook", sorted({e.notebook for e in bank.EXERCISES.values()}))
def test_right_answers_in_any_style_earn_full_points(notebook, room_for_one_test):
    room = room_for_one_test(notebook)
    for cells in right_answers(notebook):
        found = grade(room.sandbox, room.release, cells)
        found.pop("flags")
        lost = [(id, c) for id, e in found.items() for c in e["cases"] if not c["passed"]]
        assert not lost, lost[0]


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

import datetime

import pytest

from course_utils.grading import assignment
from course_utils.grading.assignment import AssignmentError

RULES = """
[00_sampling]
due = 2026-12-01T12:00:00+01:00
late_per_day = 0.1
latest_days = 3
grace_minutes = 15
weight = 2
weights = { "sampling.top_k" = 0.5 }
extensions = { anna = 2026-12-03T12:00:00+01:00 }
"""
DUE = datetime.datetime(2026, 12, 1, 11, tzinfo=datetime.UTC).timestamp()
HOUR = 3600


@pytest.fixture
def rules(tmp_path):
    file = tmp_path / "assignment.toml"
    file.write_text(RULES)
    return assignment.load(file)["00_sampling"]


def result(hours_late: float, marked_late: bool = False) -> dict:
    return {
        "exercises": [
            {"id": "sampling.softmax", "points": 3, "max_points": 3},
            {"id": "sampling.top_k", "points": 2, "max_points": 4},
        ],
        "submission": {"received": DUE + HOUR * hours_late, "marked_late": marked_late},
    }


def test_weights_of_exercises(rules):
    assert rules.raw(result(0)) == (4.0, 5.0)


@pytest.mark.parametrize(
    "student, hours, penalty",
    [
        ("ben", -1, 0.0),
        ("ben", 0.2, 0.0),
        ("ben", 1, 0.5),
        ("ben", 25, 1.0),
        ("ben", 71, 1.5),
        ("ben", 73, 4.0),
        ("anna", 47, 0.0),
        ("anna", 49, 0.5),
    ],
)
def test_each_day_that_has_begun_costs(rules, student, hours, penalty):
    assert rules.penalty(student, result(hours)) == pytest.approx(penalty)


def test_without_a_due_date_only_the_platform_says_late():
    rules = assignment.Assignment(late_per_day=0.2)
    assert rules.penalty("ben", result(99)) == 0
    assert rules.penalty("ben", result(99, marked_late=True)) == pytest.approx(1.4)


@pytest.mark.parametrize(
    "text, what",
    [
        ("[a]\nduedate = 3", "there is no duedate"),
        ("[a]\ndue = 2026-12-01", "no time with an offset"),
        ("[a]\ndue = 2026-12-01T10:00:00", "no time with an offset"),
        ("[a]\nweight = -1", "no number from 0 on"),
        ("[a]\nweight = inf", "no number from 0 on"),
        ("[a]\nlate_per_day = 10", "late_per_day is 10, a share"),
        ("[a]\nextensions = 3", "extensions is no table"),
        ("[a]\nweights = 3", "weights is no table"),
        ("a = 3", "outside a table"),
        ("[a", "cannot be read"),
    ],
)
def test_mistakes_are_told(text, what, tmp_path):
    file = tmp_path / "assignment.toml"
    file.write_text(text)
    with pytest.raises(AssignmentError, match=what):
        assignment.load(file)

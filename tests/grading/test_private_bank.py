"""An instructor's own exercises, from a folder that is no part of the course."""

import pytest

from course_utils import checks
from course_utils.checks import bank, judges, probes
from course_utils.grading import release, room

BANK = """
from course_utils.checks.bank import Case, Exercise

EXERCISES = (
    Exercise(
        id="private.double",
        notebook="90_private",
        cell="double",
        kind="function",
        answer="double",
        signature="double(x)",
        reference="",
        cases=(Case("doubles", 2, "private_double.values", "private_double.values"),),
    ),
)
"""
PROBE = """
from course_utils.checks.probes.guard import attempt

def values(answer, seed):
    return [attempt(answer, seed + 1)]
"""
JUDGE = """
from course_utils.checks.judges.common import Refusal

SENTENCES = {"private.double": {}}

def values(calls, seed):
    right = 2 * (seed + 1)
    return None if calls[0].get("value") == right else Refusal("value/wrong", str(right))
"""


@pytest.fixture
def private(tmp_path, notebook):
    for name, text in (
        ("bank.py", BANK),
        ("probes/private_double.py", PROBE),
        ("judges/private_double.py", JUDGE),
        ("notebooks/90_private.ipynb", notebook({"double": "def double(x):\n    ..."})),
    ):
        path = tmp_path / "bank" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    known, paths = dict(bank.EXERCISES), (list(probes.__path__), list(judges.__path__))
    yield tmp_path / "bank"
    bank.EXERCISES.clear()
    bank.EXERCISES.update(known)
    probes.__path__[:], judges.__path__[:] = paths


def test_its_exercises_are_checked_and_graded_like_the_courses(private, tmp_path):
    release.use_bank(private)
    assert checks.run("private.double", lambda x: 2 * x).points == 2
    assert checks.run("private.double", lambda x: x).misconception == "value/wrong"
    (one,) = release.load(private / "notebooks")
    assert [exercise.id for exercise in one.exercises] == ["private.double"]
    room.build(tmp_path / "room", one.exercises, one.setup, private / "probes")
    found = [path.parent.name for path in (tmp_path / "room").rglob("private_double.py")]
    assert found == ["probes"]


def test_a_dict_of_exercises_will_do_and_a_broken_bank_is_told(private):
    text = BANK + "\nEXERCISES = {exercise.id: exercise for exercise in EXERCISES}\n"
    (private / "bank.py").write_text(text)
    release.use_bank(private)
    assert "private.double" in bank.EXERCISES
    (private / "bank.py").write_text("EXERCISES = [3]")
    with pytest.raises(release.ReleaseError, match="is no bank: AttributeError"):
        release.use_bank(private)


@pytest.mark.parametrize("name", ["judges/softmax.py", "probes/guard.py"])
def test_a_module_named_as_one_of_the_courses_is_refused(name, private):
    (private / name).write_text("")
    with pytest.raises(release.ReleaseError, match="rename it"):
        release.use_bank(private)
    assert "private.double" not in bank.EXERCISES

"""What the sandbox sees of the course."""

import ast

import pytest

from course_utils.grading import release, room
from course_utils.grading.room import excerpt, imported, stands_on

SOURCE = '''
"""A module."""
import math

LIMIT = 3
def helper(x): return math.sqrt(x) + LIMIT
def answer(x): return helper(x)
class Base: pass
class Answer(Base): pass
def other(x): return Base, answer(x)
'''


def test_an_excerpt_holds_what_a_name_stands_on_and_nothing_else():
    text = excerpt(SOURCE, {"helper"}, {"answer", "Answer"})
    names = {}
    exec(text, names)
    assert names["helper"](4) == 5
    assert "answer" not in names and "Base" not in names


def test_a_withheld_name_that_is_needed_raises():
    names = {}
    exec(excerpt(SOURCE, {"other"}, {"answer"}), names)
    assert "helper" not in names
    with pytest.raises(NotImplementedError, match="answer is withheld"):
        names["other"](1)


def test_nothing_wanted_is_no_module():
    assert excerpt(SOURCE, set(), {"answer"}) == ""


def test_stands_on():
    assert stands_on(SOURCE, "other", {"answer"})
    assert not stands_on(SOURCE, "answer", {"Answer", "other"})


@pytest.mark.parametrize(
    "source, own, names",
    [
        ("from course_utils.lens import a, b", "", {"a", "b"}),
        ("%matplotlib inline\nfrom course_utils.lens import a", "", {"a"}),
        ("from .lens import a", "course_utils.tracing", {"a"}),
        ("from course_utils import lens\nlens.a(lens.b)", "", {"a", "b"}),
        ("from course_utils.hooks import a", "", set()),
        ("import course_utils.lens", "", set()),
    ],
)
def test_imported(source, own, names):
    assert imported(source, own, "course_utils.lens") == names


@pytest.mark.parametrize("number", ["00", "01", "02", "03", "04", "05", "06", "06b", "08"])
def test_the_room_holds_no_judge_no_bank_and_no_reference(number, tmp_path):
    (one,) = release.load(names=[number])
    room.build(tmp_path, one.exercises, one.setup)
    names = {path.name for path in tmp_path.rglob("*")}
    assert not names & {"judges", "bank.py", "authoring", "cli.py", "referee.py"}
    for exercise in one.exercises:
        module, _, name = exercise.reference.rpartition(".")
        file = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
        bodies = ast.parse(file.read_text() if file.exists() else "").body
        for node in bodies:
            if getattr(node, "name", None) in {name, *exercise.withheld}:
                assert ast.unparse(node.body).startswith("raise NotImplementedError("), node.name


def test_every_import_of_the_room_is_in_the_room(tmp_path):
    (one,) = release.load(names=["02"])
    room.build(tmp_path, one.exercises, one.setup)
    for path in tmp_path.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", None) or ""
            if module.startswith("course_utils") and module != "course_utils.checks.bank":
                place = tmp_path.joinpath(*module.split("."))
                assert place.is_dir() or place.with_suffix(".py").is_file(), (path, module)

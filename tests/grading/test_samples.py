"""The way that docs/instructors.md tells, on the samples, in the sandbox, by the commands."""

import csv
import json
from pathlib import Path

import pytest

from course_utils import cli
from course_utils.grading.sandbox import SandboxUnavailable, require

SAMPLES = Path(__file__).parent / "samples"
POINTS = {"anna": 15, "ben": 13, "cara": 0, "dan": 11, "eve": 12, "finn": 0, "gina": 11}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    try:
        require()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    out = tmp_path_factory.mktemp("samples") / "results"
    submissions = str(SAMPLES / "submissions")
    assert cli.main(["grade", submissions, "--assignment", "00", "--out", str(out)]) == 0
    return out


def test_marks_are_as_the_documentation_says(results, tmp_path):
    rules = ["--roster", str(SAMPLES / "roster.csv"), "--rules", str(SAMPLES / "assignment.toml")]
    for to in ("csv", "canvas", "moodle", "moodle-gradebook", "nbgrader"):
        marks = tmp_path / f"{to}.csv"
        assert cli.main(["export", str(results), "--to", to, *rules, "--out", str(marks)]) == 0
    with (tmp_path / "csv.csv").open(newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert {student: int(row["score"]) for student, row in rows.items()} == POINTS
    assert rows["dan"]["name"] == "Diaz, Dan" and rows["dan"]["max"] == "15"


def test_what_needs_a_human_and_feedback(results):
    assert cli.main(["report", str(results)]) == 0
    overview = (results / "report" / "report.html").read_text(encoding="utf-8")
    for told in ("The cell of this exercise is missing", "imports os", "no-notebook"):
        assert told in overview
    pages = list((results / "report" / "feedback").glob("*.html"))
    texts = [page.read_text(encoding="utf-8") for page in pages]
    assert len(texts) == 6
    assert any("The logits are multiplied by the temperature." in text for text in texts)
    assert any("Not attempted." in text for text in texts)


def test_a_result_is_replayed(results, capsys):
    path = next(p for p in results.glob("00_sampling/*.json") if _points(p) == POINTS["ben"])
    assert cli.main(["grade", "--replay", str(path)]) == 0
    assert "13 of 15 points, the same cases" in capsys.readouterr().out


def _points(path: Path) -> int:
    result = json.loads(path.read_text(encoding="utf-8"))
    return sum(exercise["points"] for exercise in result["exercises"])


def test_grading_again_grades_nothing(results, capsys):
    submissions = str(SAMPLES / "submissions")
    assert cli.main(["grade", submissions, "--assignment", "00", "--out", str(results)]) == 0
    assert "6 were graded before and stay" in capsys.readouterr().out

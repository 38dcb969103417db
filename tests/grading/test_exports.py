"""Each export, read back field by field."""

import csv
import io
import json

import pytest

from course_utils.grading import exports
from course_utils.grading.exports import ExportError, Mark

EVIL = '=HYPERLINK("http://x","y")'
PEOPLE = {
    "4711": {"name": "Doe, Jane", "email": "jane@x.org", "sis_id": "s1", "sis_login": "jd"},
    "4712": {"name": EVIL, "email": "+1@x.org", "sis_id": "s2", "section": 'A "1"'},
}
MARKS = [
    Mark("4711", "00_sampling", 12.5, 13.0, 15.0, 0.5, "2026-12-01", "2026-12-02", PEOPLE["4711"]),
    Mark("4712", "00_sampling", 0.0, 0.0, 15.0, person=PEOPLE["4712"]),
    Mark("4711", "02_kv_cache", 1 / 3, 1 / 3, 28.0, person=PEOPLE["4711"]),
]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv():
    back = rows(exports.as_csv(MARKS))
    assert [(r["student"], r["notebook"], float(r["score"])) for r in back] == [
        ("4711", "00_sampling", 12.5),
        ("4712", "00_sampling", 0.0),
        ("4711", "02_kv_cache", 0.3333),
    ]
    assert back[0]["name"] == "Doe, Jane"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u00a0=", "＝"])
def test_formulas_are_neutralised_and_numbers_stay(start):
    (row,) = rows(exports.table(["a", "b"], [[f"{start}1+1", -2.5]]))
    assert row == {"a": f"'{start}1+1", "b": "-2.5"}


@pytest.mark.parametrize("text", ["=1+1", "- good", "plain", "'quoted'", "", "'"])
def test_a_neutralised_cell_is_read_back_as_it_was(text):
    assert exports.plain(exports.safe(text)) == text


def test_nbgrader_has_the_columns_of_its_export():
    back = rows(exports.as_nbgrader(MARKS))
    assert list(back[0]) == [
        "assignment",
        "duedate",
        "timestamp",
        "student_id",
        "last_name",
        "first_name",
        "email",
        "raw_score",
        "late_submission_penalty",
        "score",
        "max_score",
    ]
    assert back[0]["first_name"] == "Jane" and back[0]["last_name"] == "Doe"
    assert float(back[0]["raw_score"]) - float(back[0]["late_submission_penalty"]) == 12.5
    assert back[1]["email"] == "'+1@x.org"


def test_canvas_has_its_columns_and_the_points_possible():
    back = rows(exports.as_canvas(MARKS))
    assert list(back[0])[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert back[0]["Student"].strip() == "Points Possible"
    assert (back[0]["00_sampling"], back[0]["02_kv_cache"]) == ("15", "28")
    assert (back[1]["ID"], back[1]["00_sampling"], back[1]["02_kv_cache"]) == (
        "4711",
        "12.5",
        "0.3333",
    )
    assert (back[2]["Student"], back[2]["02_kv_cache"]) == (f"'{EVIL}", "")


def test_canvas_merges_into_the_instructors_own_export():
    template = (
        "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Essay (9),00_sampling (17)\r\n"
        "    Points Possible,,,,,10,15\r\n"
        '"Doe, Jane",4711,s1,jd,A,7,\r\n'
        '"Other, One",9999,s9,oo,A,8,3\r\n'
    )
    back = rows(exports.as_canvas(MARKS[:2], template))
    assert back[1]["00_sampling (17)"] == "12.5"
    assert back[1]["Essay (9)"] == "7" and back[1]["Student"] == "Doe, Jane"
    assert back[2]["00_sampling (17)"] == "3"
    with pytest.raises(ExportError, match="no column ID"):
        exports.as_canvas(MARKS, "a,b\n1,2\n")


def test_moodle_worksheet_is_identified_by_participant():
    marks = [Mark("Participant 123", "00_sampling", 12.5, 12.5, 15.0)]
    (row,) = rows(exports.as_moodle(marks))
    assert (row["Identifier"], row["Grade"], row["Maximum Grade"]) == (
        "Participant 123",
        "12.5",
        "15",
    )


def test_moodle_gradebook_is_matched_by_address_or_id():
    back = rows(exports.as_moodle_gradebook(MARKS))
    assert (back[0]["Email address"], back[0]["ID number"]) == ("jane@x.org", "s1")
    assert (back[0]["00_sampling"], back[0]["02_kv_cache"]) == ("12.5", "0.3333")


def test_gradescope_has_a_test_for_each_case_and_no_hidden_input():
    case = {
        "name": "large logits",
        "points": 0,
        "max_points": 1,
        "passed": False,
        "expected": "[0.123]",
        "seen": "[0.456]",
        "explanation": "It overflows.",
        "hint": "Subtract the maximum.",
    }
    exercise = {"id": "sampling.softmax", "points": 0, "max_points": 1, "cases": [case]}
    result = {"exercises": [exercise], "flags": ["The cell imports os."], "verdict": ""}
    text = exports.as_gradescope(Mark("4711", "00_sampling", 1.0, 1.0, 4.0, result=result))
    back = json.loads(text)
    assert (back["score"], back["max_score"], back["output"]) == (1.0, 4.0, "")
    assert back["tests"] == [
        {
            "name": "sampling.softmax: large logits",
            "score": 0,
            "max_score": 1,
            "status": "failed",
            "output": "It overflows. Subtract the maximum.",
            "visibility": "visible",
        }
    ]
    assert "0.123" not in text and "0.456" not in text


def test_a_roster_without_students_is_refused(tmp_path):
    file = tmp_path / "roster.csv"
    file.write_text("name,email\nJane,j@x.org\n")
    with pytest.raises(ExportError, match="no column student"):
        exports.roster(file)
    file.write_text("\ufeffstudent,name\n4711,Jane\n", encoding="utf-8")
    assert exports.roster(file) == {"4711": {"student": "4711", "name": "Jane"}}

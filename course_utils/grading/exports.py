"""Marks as learning platforms take them: CSV, Canvas, Moodle, nbgrader, Gradescope.

Every cell that a spreadsheet would take for a formula is neutralised.

Sources: Canvas, "How do I import grades in the Gradebook?"; Moodle, "Grade import" and "Offline
grading worksheet"; nbgrader, ``nbgrader export``; Gradescope, "Autograder specifications".
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.grading.submissions import why

DANGEROUS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE_WORKSHEET = ("Identifier", "Full name", "Email address", "Grade", "Maximum Grade")
MOODLE_GRADEBOOK = ("Email address", "ID number")
NBGRADER = (
    "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,"
    "late_submission_penalty,score,max_score"
).split(",")
ROSTER = ("student", "name", "email", "sis_id", "sis_login", "section", "identifier", "group")


class ExportError(ValueError):
    """The marks cannot be exported; the message is one sentence."""


@dataclass(frozen=True)
class Mark:
    """A student's mark for a notebook. ``score`` is after the penalty for lateness."""

    student: str
    notebook: str
    score: float
    raw: float
    maximum: float
    penalty: float = 0.0
    due: str = ""
    received: str = ""
    person: dict[str, str] = field(default_factory=dict)
    result: dict = field(default_factory=dict)

    def of(self, key: str) -> str:
        return self.person.get(key) or ""


def safe(value: object) -> str:
    """A cell that no spreadsheet runs: a formula gets a leading apostrophe."""
    text = number(value) if isinstance(value, float | int) else str(value)
    is_text = not isinstance(value, float | int)
    starts = text.startswith(DANGEROUS) or text.lstrip().startswith(DANGEROUS)
    return f"'{text}" if is_text and starts else text


def plain(text: str) -> str:
    """A cell as it was before ``safe``."""
    return text[1:] if text[:1] == "'" and safe(text[1:]) == text else text


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV, with commas or semicolons between the cells. Raises ExportError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        head = text.partition("\n")[0]
        delimiter = ";" if head.count(";") > head.count(",") else ","
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    except UnicodeDecodeError as error:
        raise ExportError(f"{path} is not in UTF-8: save it as “CSV UTF-8”.") from error
    except (OSError, csv.Error) as error:
        raise ExportError(f"{path} cannot be read as CSV: {error}.") from error
    return [{k: v or "" for k, v in row.items() if k} for row in rows]


def number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([safe(value) for value in row] for row in rows)
    return text.getvalue()


def roster(path: Path) -> dict[str, dict[str, str]]:
    """People by the id under which they hand in: the column ``student``. Raises ExportError.

    Other columns that are used: name, email, sis_id, sis_login, section, identifier, group.
    """
    rows = read_table(path)
    if not rows or "student" not in rows[0]:
        raise ExportError(f"{path} has no column student; the columns are {', '.join(ROSTER)}.")
    return {row["student"]: row for row in rows}


def by_student(
    results: list[dict], students: dict[str, str], people: dict[str, dict[str, str]]
) -> list[tuple[str, dict]]:
    """(student, result). Who handed in nothing has the newest result of the own group, if any.

    ``students`` are those of the pseudonyms, ``people`` the roster's; without a roster a
    pseudonym that nobody knows stands for its student.
    """
    own: dict[tuple[str, str], dict] = {}
    of_group: dict[tuple[str, str], dict] = {}
    for result in results:
        student, notebook = (
            students.get(result["pseudonym"], result["pseudonym"]),
            result["notebook"],
        )
        own[student, notebook] = result
        group = people.get(student, {}).get("group")
        if group and result["verdict"] != "no-notebook":
            best = of_group.setdefault((group, notebook), result)
            if result["submission"]["received"] > best["submission"]["received"]:
                of_group[group, notebook] = result
    for (group, notebook), result in of_group.items():
        for student in (s for s, person in people.items() if person.get("group") == group):
            if own.get((student, notebook), {"verdict": "no-notebook"})["verdict"] == "no-notebook":
                own[student, notebook] = result
    return [(student, result) for (student, _), result in own.items()]


def as_csv(marks: list[Mark]) -> str:
    """One row a student and notebook."""
    head = ("student", "name", "notebook", "score", "raw", "max", "late_penalty")
    rows = [
        (m.student, m.of("name"), m.notebook, m.score, m.raw, m.maximum, m.penalty) for m in marks
    ]
    return table(head, rows)


def as_nbgrader(marks: list[Mark]) -> str:
    """The columns of ``nbgrader export``."""
    rows = []
    for m in marks:
        last, first = _names(m.of("name"))
        facts = (m.notebook, m.due, m.received, m.student, last, first, m.of("email"))
        rows.append((*facts, m.raw, m.penalty, m.score, m.maximum))
    return table(NBGRADER, rows)


def _names(name: str) -> tuple[str, str]:
    """Last and first name, from "Doe, Jane" or "Jane Doe"."""
    if "," in name:
        last, _, first = name.partition(",")
    else:
        first, _, last = name.rpartition(" ")
    return last.strip(), first.strip()


def as_canvas(marks: list[Mark], template: str = "") -> str:
    """A gradebook to import. With Canvas' own export as the template, the marks go into it.

    Raises ExportError if the template lacks the column ID.
    """
    notebooks = sorted({m.notebook for m in marks})
    scores = {(m.student, m.notebook): m.score for m in marks}
    if template:
        return _merged(template, scores, notebooks)
    maximum = {m.notebook: m.maximum for m in marks}
    people = {m.student: m for m in marks}
    rows: list[list[object]] = [
        ["    Points Possible", "", "", "", "", *(maximum[name] for name in notebooks)]
    ]
    for student, m in sorted(people.items()):
        who = (m.of("name"), student, m.of("sis_id"), m.of("sis_login"), m.of("section"))
        rows.append([*who, *(scores.get((student, name), "") for name in notebooks)])
    return table([*CANVAS, *notebooks], rows)


def _merged(template: str, scores: dict[tuple[str, str], float], notebooks: list[str]) -> str:
    rows = list(csv.reader(io.StringIO(template.removeprefix("\ufeff"))))
    if not rows or "ID" not in rows[0]:
        raise ExportError("The template is no export of Canvas' gradebook: it has no column ID.")
    head = rows[0]
    place = head.index("ID")
    columns = {}
    for name in notebooks:
        found = [i for i, title in enumerate(head) if title.split(" (")[0] == name]
        columns[name] = found[0] if found else len(head)
        if not found:
            head.append(name)
    for row in rows[1:]:
        row += [""] * (len(head) - len(row))
        for name, column in columns.items():
            if (score := scores.get((row[place], name))) is not None:
                row[column] = number(score)
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def as_moodle(marks: list[Mark]) -> str:
    """Moodle's offline grading worksheet, for one notebook."""
    rows = [
        (m.of("identifier") or m.student, m.of("name"), m.of("email"), m.score, m.maximum)
        for m in marks
    ]
    return table(MOODLE_WORKSHEET, rows)


def as_moodle_gradebook(marks: list[Mark]) -> str:
    """A file for Moodle's grade import: one row a student, matched by e-mail or id number."""
    notebooks = sorted({m.notebook for m in marks})
    scores = {(m.student, m.notebook): m.score for m in marks}
    people = {m.student: m for m in marks}
    rows = [
        (m.of("email"), m.of("sis_id"), *(scores.get((student, n), "") for n in notebooks))
        for student, m in sorted(people.items())
    ]
    return table([*MOODLE_GRADEBOOK, *notebooks], rows)


def as_gradescope(mark: Mark) -> str:
    """``results.json`` of Gradescope's autograder, for one student and notebook."""
    result = mark.result
    tests = [
        {
            "name": f"{exercise['id']}: {case['name']}",
            "score": case["points"],
            "max_score": case["max_points"],
            "status": "passed" if case["passed"] else "failed",
            "output": "" if case["passed"] else f"{case['explanation']} {case['hint']}".strip(),
            "visibility": "visible",
        }
        for exercise in result["exercises"]
        for case in exercise["cases"]
    ]
    return json.dumps(
        {
            "score": mark.score,
            "max_score": mark.maximum,
            "output": why(result["verdict"]) if result["verdict"] else "",
            "visibility": "visible",
            "tests": tests,
        },
        indent=1,
    )

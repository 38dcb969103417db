"""The mark file: questions that a human marks, one row for each answer.

``grade`` adds the rows, a human fills in points and comment; rows of one's own count as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from course_utils.grading import exports
from course_utils.grading.exports import ExportError

FILE = "manual.csv"
COLUMNS = ("pseudonym", "notebook", "question", "points", "max_points", "comment", "answer")
LONGEST = 5000  # characters of an answer
Key = tuple[str, str]  # pseudonym, notebook


def read(folder: Path) -> list[dict[str, str]]:
    """The rows of the mark file in a folder of results; none without a file. Raises ExportError."""
    path = folder / FILE
    if not path.is_file():
        return []
    rows = exports.read_table(path)
    needed = COLUMNS[:5]
    if rows and (lacking := [name for name in needed if name not in rows[0]]):
        raise ExportError(f"{path} has no column {lacking[0]}; it needs {', '.join(needed)}.")
    for number, row in enumerate(rows, start=2):
        row |= {name: exports.plain(text) for name, text in row.items()}
        row |= {name: row[name].replace(",", ".") for name in ("points", "max_points")}
        try:
            points, most = float(row["points"] or 0), float(row["max_points"])
        except ValueError as error:
            raise ExportError(f"{path}, row {number} cannot be read: {error}.") from error
        key = row["pseudonym"], row["notebook"], row["question"]
        if not (all(key) and 0 <= points <= most):
            raise ExportError(f"{path}, row {number}: {points:g} is not from 0 to {most:g} points.")
    return rows


def write(folder: Path, results: Iterable[dict]) -> int:
    """Add what is to be marked to the file; what stands in it stays. How many rows are open."""
    rows = read(folder)
    known = {(row["pseudonym"], row["notebook"], row["question"]) for row in rows}
    for result in results:
        for question in result["questions"]:
            who = result["pseudonym"], result["notebook"], question["id"]
            if who not in known and question["answer"]:
                marks = ("", question["max_points"], "", question["answer"][:LONGEST])
                rows.append(dict(zip(COLUMNS, (*who, *marks), strict=True)))
    if rows:
        lines = [[row.get(column, "") for column in COLUMNS] for row in rows]
        text = exports.table(COLUMNS, lines)
        (folder / FILE).write_text("\ufeff" + text, encoding="utf-8", newline="")
    return sum(not row["points"] for row in rows)


def marks(folder: Path, results: Iterable[dict]) -> dict[Key, list[dict[str, str]]]:
    """The rows of each student and notebook. Raises ExportError for a row that fits no result."""
    found: dict[Key, list[dict[str, str]]] = {}
    for row in read(folder):
        found.setdefault((row["pseudonym"], row["notebook"]), []).append(row)
    known = {(result["pseudonym"], result["notebook"]) for result in results}
    if unknown := sorted(found.keys() - known):
        raise ExportError(
            f"{folder / FILE} marks {' in '.join(unknown[0])}, but there is no such result: "
            "did a spreadsheet change the pseudonym?"
        )
    return found


def total(rows: Iterable[dict[str, str]], column: str = "points") -> float:
    return sum(float(row[column] or 0) for row in rows)

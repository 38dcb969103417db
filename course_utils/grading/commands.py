"""What the commands do: release, grade, export, report, regrade. Each returns an exit status."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path

from course_utils.grading import assignment, batch, exports, release, report, similarity
from course_utils.grading.exports import ExportError, Mark
from course_utils.grading.release import ReleaseError
from course_utils.grading.results import Results, ResultsError, max_points, points, read
from course_utils.grading.sandbox import SandboxUnavailable, require
from course_utils.grading.submissions import SubmissionsError, collect

MISTAKES = (
    ExportError,
    ReleaseError,
    ResultsError,
    SandboxUnavailable,
    SubmissionsError,
    assignment.AssignmentError,
    OSError,
)
MANUAL = "manual.csv"


def make_release(names: list[str], out: Path, points: bool) -> int:
    for path in release.write(names, out, points=points):
        print(path)
    return 0


def grade(
    folder: Path,
    out: Path,
    names: list[str],
    workers: int,
    bank: Path | None = None,
    afresh: bool = False,
    unsafe: bool = False,
) -> int:
    """Grade what is not graded yet, and say how it went."""
    releases, engine = _releases(names, bank, unsafe)
    found = collect(folder, releases)
    require(unsafe)
    results = Results(out, create=True)
    todo = batch.jobs(found, releases, results, afresh)
    results.write_roster()
    batch.run(todo, releases, engine, results, workers)
    _say_summary(list(results), len(found) - len(todo))
    return 0


def _releases(names: list[str], bank: Path | None, unsafe: bool):
    folder = release.NOTEBOOKS
    if bank is not None:
        release.use_bank(bank)
        folder = bank / "notebooks" if (bank / "notebooks").is_dir() else folder
    probes = bank / "probes" if bank is not None and (bank / "probes").is_dir() else None
    return release.load(folder, names), batch.Engine(unsafe=unsafe, probes=probes)


def _say_summary(results: list[dict], kept: int) -> None:
    for notebook in sorted({result["notebook"] for result in results}):
        mine = [result for result in results if result["notebook"] == notebook]
        flagged = sum(bool(result["flags"]) for result in mine)
        mean = sum(map(points, mine)) / len(mine)
        most = max(map(max_points, mine))
        print(f"{notebook}: {len(mine)} students, {mean:.1f} of {most} points on average, ", end="")
        print(f"{flagged} for a human to look at")
    if kept:
        print(f"{kept} were graded before and stay; --afresh grades them again")


def replay(path: Path, bank: Path | None, unsafe: bool) -> int:
    """Grade a result once more with its seeds; 1 if the points of any case differ."""
    old = read(path)
    (one,), engine = _releases([old["notebook"]], bank, unsafe)
    new = _once_more(old, one, engine)
    changes = list(_changes(old, new))
    for line in changes:
        print(line)
    print(f"{points(new)} of {max_points(new)} points, {'other' if changes else 'the same'} cases")
    return int(bool(changes))


def _once_more(old: dict, one: release.Release, engine: batch.Engine) -> dict:
    job = batch.again(old)
    if old["verdict"]:
        return batch.ungraded(job, one, old["verdict"])
    with engine.sandbox(one) as sandbox:
        return batch.graded(sandbox, one, job)


def _changes(old: dict, new: dict):
    before = {(e["id"], c["name"]): c["points"] for e in old["exercises"] for c in e["cases"]}
    after = {(e["id"], c["name"]): c["points"] for e in new["exercises"] for c in e["cases"]}
    for id, case in before | after:
        one, other = before.get((id, case)), after.get((id, case))
        if one != other:
            yield f"{id}, {case}: {one} -> {other} points"


def regrade(folder: Path, names: list[str], bank: Path | None, unsafe: bool) -> int:
    """Grade all results once more, with their seeds, and say every mark that changes."""
    results = Results(folder)
    old = list(results)
    names = names or sorted({result["notebook"] for result in old})
    releases, engine = _releases(names, bank, unsafe)
    changed = 0
    for one in releases:
        mine = [r for r in old if r["notebook"] == one.notebook and not r["verdict"]]
        if not mine:
            continue
        with engine.sandbox(one) as sandbox:
            for before in mine:
                after = batch.graded(sandbox, one, batch.again(before))
                lines = list(_changes(before, after))
                if lines:
                    changed += 1
                    results.write(after)
                    total = f"{points(before)} -> {points(after)} points"
                    print(f"{before['pseudonym']}, {one.notebook}: {total}")
                    print(*(f"  {line}" for line in lines), sep="\n")
    print(f"{changed} of {len(old)} marks changed")
    return 0


def export(
    folder: Path,
    to: str,
    out: Path | None,
    roster: Path | None,
    rules: Path | None,
    template: Path | None,
) -> int:
    """Write marks for a learning platform, to a file or to standard output."""
    marks = _marks(folder, roster, rules)
    if to == "gradescope":
        return _gradescope(folder, marks, out)
    if to == "moodle" and len({mark.notebook for mark in marks}) > 1:
        raise ExportError(
            "Moodle's worksheet holds one assignment: grade with --assignment NN into a folder of "
            "its own, or export --to moodle-gradebook."
        )
    writers = {
        "canvas": lambda: exports.as_canvas(
            marks, template.read_text(encoding="utf-8-sig") if template else ""
        ),
        "csv": lambda: exports.as_csv(marks),
        "moodle": lambda: exports.as_moodle(marks),
        "moodle-gradebook": lambda: exports.as_moodle_gradebook(marks),
        "nbgrader": lambda: exports.as_nbgrader(marks),
    }
    text = writers[to]()
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8", newline="")
    return 0


def _marks(folder: Path, roster: Path | None, rules: Path | None) -> list[Mark]:
    results = Results(folder)
    people = exports.roster(roster) if roster else {}
    by_notebook = assignment.load(rules) if rules else {}
    manual = _manual(folder / MANUAL)
    marks = []
    for result in results:
        student = results.students.get(result["pseudonym"], result["pseudonym"])
        rule = by_notebook.get(result["notebook"], assignment.Assignment())
        extra, most = manual.get((result["pseudonym"], result["notebook"]), (0.0, 0.0))
        raw, maximum = rule.raw(result)
        penalty = rule.penalty(student, result)
        received = result["submission"]["received"]
        due = rule.due_for(student)
        marks.append(
            Mark(
                student,
                result["notebook"],
                score=rule.weight * (raw - penalty + extra),
                raw=rule.weight * (raw + extra),
                maximum=rule.weight * (maximum + most),
                penalty=rule.weight * penalty,
                due=due.isoformat() if due else "",
                received=_moment(received) if received else "",
                person=people.get(student, {}),
            )
        )
    if not marks:
        raise ResultsError(f"{folder} holds no results: grade something first.")
    return marks


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def _manual(path: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Points given by hand, and the most of them, by pseudonym and notebook.

    The file has the columns pseudonym, notebook, question, points, max_points; empty points are
    still to come.
    """
    import csv

    given: dict[tuple[str, str], tuple[float, float]] = {}
    if not path.is_file():
        return given
    with path.open(newline="", encoding="utf-8-sig") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                key = row["pseudonym"], row["notebook"]
                old = given.get(key, (0.0, 0.0))
                earned, most = float(row["points"] or 0), float(row["max_points"])
                given[key] = old[0] + earned, old[1] + most
            except (KeyError, TypeError, ValueError) as error:
                raise ExportError(f"{path}, line {number} cannot be read: {error}.") from error
    return given


def _gradescope(folder: Path, marks: list[Mark], out: Path | None) -> int:
    if out is None:
        raise ExportError("Gradescope takes a file for each student: give a folder with --out.")
    results = Results(folder)
    scores = {(mark.student, mark.notebook): mark.score for mark in marks}
    for result in results:
        student = results.students.get(result["pseudonym"], result["pseudonym"])
        path = out / result["pseudonym"] / result["notebook"] / "results.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        score = scores[student, result["notebook"]]
        path.write_text(exports.as_gradescope(result, score) + "\n", encoding="utf-8")
    return 0


def make_report(folder: Path, out: Path | None) -> int:
    """Write report.html, similarity.csv and a page of feedback for each student."""
    results = list(Results(folder))
    if not results:
        raise ResultsError(f"{folder} holds no results: grade something first.")
    out = out or folder / "report"
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.html").write_text(report.overview(results), encoding="utf-8")
    for result in results:
        path = out / "feedback" / f"{result['pseudonym']}-{result['notebook']}.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(report.feedback(result), encoding="utf-8")
    alike = similarity.pairs(results, _given())
    rows = [(f"{share:.0%}", *names) for share, *names in alike]
    text = exports.table(("alike", "notebook", "student", "student"), rows)
    (out / "similarity.csv").write_text(text, encoding="utf-8", newline="")
    print(out / "report.html")
    return 0


def _given() -> dict[str, str]:
    """The exercise cells as they were handed out."""
    cells = {}
    for path in release.NOTEBOOKS.glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            cells[release.cell_id(cell)] = release.text(cell)
    return cells

"""What the commands do: release, grade, export, report, regrade. Each returns an exit status."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from course_utils.grading import (
    assignment,
    batch,
    exports,
    manual,
    release,
    report,
    similarity,
)
from course_utils.grading.exports import ExportError, Mark
from course_utils.grading.release import ReleaseError
from course_utils.grading.results import Results, ResultsError, max_points, points, read
from course_utils.grading.sandbox import Limits, SandboxUnavailable, require
from course_utils.grading.submissions import VERDICTS, Submission, SubmissionsError, collect

MISTAKES = (
    ExportError,
    ReleaseError,
    ResultsError,
    SandboxUnavailable,
    SubmissionsError,
    assignment.AssignmentError,
    OSError,
)


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
    scheduler: str = "",
) -> int:
    """Grade what is not graded yet, and say how it went."""
    releases, engine = _releases(names, bank, unsafe)
    found = collect(folder, releases)
    if not names:
        found = _handed_in(found)
    if not scheduler:
        require(unsafe)
    results = Results(out, create=True)
    todo = batch.jobs(found, releases, results, afresh)
    results.write_roster()
    if scheduler:
        from course_utils.grading import cluster

        cluster.run(todo, releases, engine, results, scheduler)
    else:
        batch.run(todo, releases, engine, results, workers)
    graded = list(results)
    _say_summary(graded, len(found) - len(todo))
    if still_open := manual.write(out, graded):
        print(f"{still_open} answers wait for a human: fill in the points in {out / manual.FILE}")
    return 0


def _handed_in(found: list[Submission]) -> list[Submission]:
    """Without the notebooks that nobody handed in, if somebody handed in any."""
    notebooks = {one.notebook for one in found if not one.verdict}
    return [one for one in found if one.notebook in notebooks] or found


def _releases(names: list[str], bank: Path | None, unsafe: bool):
    folder = release.NOTEBOOKS
    if bank is not None:
        release.use_bank(bank)
        folder = bank / "notebooks" if (bank / "notebooks").is_dir() else folder
    bank = bank.resolve() if bank is not None else None
    return release.load(folder, names), batch.Engine(unsafe=unsafe, bank=bank)


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
    engine = replace(engine, limits=Limits(**old["limits"])) if "limits" in old else engine
    new = _once_more(old, one, engine)
    for line in _other_conditions(old, new):
        print(line)
    changes = list(_changes(old, new))
    for line in changes:
        print(line)
    print(f"{points(new)} of {max_points(new)} points, {'other' if changes else 'the same'} cases")
    return int(bool(changes))


def _other_conditions(old: dict, new: dict) -> Iterator[str]:
    """What a difference could come from."""
    before, after = old.get("versions", {}), new.get("versions", {})
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            yield f"graded with {name} {before[name]}, now {after[name]}"
    if old.get("checks") != new.get("checks"):
        yield "the checks have changed since"


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
        mine = [r for r in old if r["notebook"] == one.notebook and r["verdict"] not in VERDICTS]
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
    found = list(results)
    if not found:
        raise ResultsError(f"{folder} holds no results: grade something first.")
    assignment.refuse_unknown(by_notebook, found, set(results.students.values()) | set(people))
    by_hand = manual.marks(folder, found)
    most = _most_by_hand(found, by_hand)
    marks = []
    for student, result in exports.by_student(found, results.students, people):
        rule = by_notebook.get(result["notebook"], assignment.Assignment())
        extra = manual.total(by_hand.get((result["pseudonym"], result["notebook"]), ()))
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
                maximum=rule.weight * (maximum + most[result["notebook"]]),
                penalty=rule.weight * penalty,
                due=due.isoformat() if due else "",
                received=_moment(received) if received else "",
                person=people.get(student, {}),
                result=result,
            )
        )
    return marks


def _most_by_hand(results: list[dict], by_hand: dict) -> dict[str, float]:
    """The most points by hand in each notebook: the same for all, handed in or not."""
    questions: dict[str, dict[str, float]] = {result["notebook"]: {} for result in results}
    for (_, notebook), rows in by_hand.items():
        for row in rows:
            questions.setdefault(notebook, {})[row["question"]] = float(row["max_points"])
    for result in results:
        for question in result["questions"]:
            questions[result["notebook"]][question["id"]] = question["max_points"]
    return {notebook: sum(points.values()) for notebook, points in questions.items()}


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def _gradescope(folder: Path, marks: list[Mark], out: Path | None) -> int:
    if out is None:
        raise ExportError("Gradescope takes a file for each student: give a folder with --out.")
    results = Results(folder)
    for mark in marks:
        path = out / results.pseudonym(mark.student) / mark.notebook / "results.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(exports.as_gradescope(mark) + "\n", encoding="utf-8")
    return 0


def make_report(folder: Path, out: Path | None) -> int:
    """Write report.html, similarity.csv and a page of feedback for each student."""
    results = list(Results(folder))
    if not results:
        raise ResultsError(f"{folder} holds no results: grade something first.")
    by_hand = manual.marks(folder, results)
    out = out or folder / "report"
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.html").write_text(report.overview(results), encoding="utf-8")
    for result in results:
        path = out / "feedback" / f"{result['pseudonym']}-{result['notebook']}.html"
        path.parent.mkdir(exist_ok=True)
        rows = by_hand.get((result["pseudonym"], result["notebook"]), [])
        path.write_text(report.feedback(result, rows), encoding="utf-8")
    alike = similarity.pairs(results, _given())
    rows = [(f"{share:.0%}", *names) for share, *names in alike]
    text = exports.table(("alike", "notebook", "student", "student"), rows)
    (out / "similarity.csv").write_text(text, encoding="utf-8", newline="")
    print(out / "report.html")
    return 0


def _given() -> dict[tuple[str, str], str]:
    """The cells as they were handed out, by notebook and id."""
    cells = {}
    for path in release.NOTEBOOKS.glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            cells[path.stem, release.cell_id(cell)] = release.text(cell)
    return cells

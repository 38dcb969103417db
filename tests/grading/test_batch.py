"""From a folder of submissions to results and pages; what happens in the sandbox is canned."""

import json
import os
import signal

import pytest

from course_utils.grading import batch, commands, manual, referee, release
from course_utils.grading.assignment import AssignmentError
from course_utils.grading.exports import ExportError
from course_utils.grading.results import Results, ResultsError
from course_utils.grading.sandbox import Limits, SandboxLost, SandboxUnavailable

SECRET = "hidden 0.1234"


class FakeSandbox:
    versions = {"course": "0"}
    unsafe = False
    limits = Limits()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class FakeEngine(batch.Engine):
    def sandbox(self, release):
        return FakeSandbox()


@pytest.fixture
def canned(monkeypatch):
    """Grading by what stands in the cell: points, "lost" or "kill". A list of what was graded."""
    calls = []

    def grade(sandbox, one, cells, seeds, duplicates):
        calls.append((cells, seeds))
        word = cells["softmax"]
        if word == "break":
            raise RecursionError("too deep")
        if word == "lost":
            raise SandboxLost
        if word == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return [_exercise(e, int(word), seeds) for e in one.exercises], ["The cell imports os."]

    monkeypatch.setattr(referee, "grade", grade)
    monkeypatch.setattr(batch, "Engine", FakeEngine)
    monkeypatch.setattr(commands, "require", lambda unsafe: None)
    return calls


def _exercise(exercise, earned, seeds):
    cases = [
        {
            "name": case.name,
            "passed": earned > i,
            "points": int(earned > i),
            "max_points": case.points,
            "misconception": "" if earned > i else "value/wrong",
            "expected": SECRET,
            "seen": SECRET,
            "explanation": "The values differ.",
            "hint": "Look <again>.",
        }
        for i, case in enumerate(exercise.cases)
    ]
    return {
        "id": exercise.id,
        "seed": seeds[exercise.id],
        "points": sum(case["points"] for case in cases),
        "max_points": exercise.points,
        "misconception": next((c["misconception"] for c in cases if not c["passed"]), ""),
        "raised": "",
        "printed": SECRET,
        "cases": cases,
    }


@pytest.fixture
def submissions(tmp_path, notebook):
    folder = tmp_path / "submissions"
    for student, word in (("anna", "2"), ("ben", "3"), ("cara", "0")):
        (folder / student).mkdir(parents=True)
        (folder / student / "00_sampling.ipynb").write_text(notebook({"softmax": word}))
    (folder / "empty").mkdir()
    return folder


def grade(submissions, out, **options) -> dict[str, dict]:
    options = {"names": ["00"], "workers": 1} | options
    assert commands.grade(submissions, out, **options) == 0
    results = Results(out)
    return {results.students[result["pseudonym"]]: result for result in results}


def test_every_student_gets_a_result_and_no_result_a_name(canned, submissions, tmp_path):
    out = tmp_path / "out"
    results = grade(submissions, out)
    assert {s: r["exercises"][0]["points"] for s, r in results.items()} == {
        "anna": 2,
        "ben": 3,
        "cara": 0,
        "empty": 0,
    }
    assert results["empty"]["verdict"] == "no-notebook"
    for path in out.glob("00_sampling/*"):
        assert "anna" not in path.name and "anna" not in path.read_text()


def test_it_goes_on_where_it_stopped_and_afresh_has_other_seeds(canned, submissions, tmp_path):
    first = grade(submissions, tmp_path / "out")
    results = Results(tmp_path / "out")
    results.path("00_sampling", first["ben"]["pseudonym"]).unlink()
    second = grade(submissions, tmp_path / "out")
    assert len(canned) == 4
    assert second["ben"]["exercises"] == first["ben"]["exercises"]
    third = grade(submissions, tmp_path / "out", afresh=True)
    assert len(canned) == 7
    assert third["ben"]["exercises"][0]["seed"] != first["ben"]["exercises"][0]["seed"]


def test_another_submission_is_graded_again(canned, submissions, tmp_path, notebook):
    grade(submissions, tmp_path / "out")
    (submissions / "anna" / "00_sampling.ipynb").write_text(notebook({"softmax": "3"}))
    results = grade(submissions, tmp_path / "out")
    assert (results["anna"]["exercises"][0]["points"], len(canned)) == (3, 4)


def test_a_notebook_that_is_not_in_another_folder_keeps_its_result(
    canned, submissions, tmp_path, notebook
):
    grade(submissions, tmp_path / "out")
    (submissions / "anna" / "00_sampling.ipynb").unlink()
    (submissions / "cara" / "00_sampling.ipynb").write_text(notebook({"softmax": "1"}))
    results = grade(submissions, tmp_path / "out", afresh=True)
    points = {student: result["exercises"][0]["points"] for student, result in results.items()}
    assert points == {"anna": 2, "ben": 3, "cara": 1, "empty": 0}


def test_notebooks_that_nobody_handed_in_are_not_graded(canned, submissions, tmp_path):
    (submissions / "anna" / "odd.ipynb").write_text("odd")
    grade(submissions, tmp_path / "out", names=[])
    assert {result["notebook"] for result in Results(tmp_path / "out")} == {"00_sampling"}


def test_what_a_cell_says_ends_up_in_no_file_that_cannot_be_written(
    canned, submissions, tmp_path, notebook, monkeypatch
):
    monkeypatch.setattr(referee, "grade", lambda *given: (_none(given[1]), ["names /proc/\ud800"]))
    results = grade(submissions, tmp_path / "out")
    assert results["anna"]["flags"] == ["names /proc/?"]


def _none(one) -> list[dict]:
    return [_exercise(e, 0, {e.id: 1}) for e in one.exercises]


def test_a_submission_that_brings_the_sandbox_down_three_times_is_a_verdict(
    canned, submissions, tmp_path, notebook
):
    (submissions / "anna" / "00_sampling.ipynb").write_text(notebook({"softmax": "lost"}))
    results = grade(submissions, tmp_path / "out")
    assert results["anna"]["verdict"] == batch.KILLER
    assert results["ben"]["exercises"][0]["points"] == 3
    assert [cells["softmax"] for cells, _ in canned].count("lost") == 3


def test_whatever_goes_wrong_in_the_grader_is_a_verdict(canned, submissions, tmp_path, notebook):
    (submissions / "anna" / "00_sampling.ipynb").write_text(notebook({"softmax": "break"}))
    results = grade(submissions, tmp_path / "out")
    assert results["anna"]["verdict"] == batch.BREAKER
    assert "RecursionError: too deep" in results["anna"]["flags"][0]
    assert results["ben"]["exercises"][0]["points"] == 3


def test_a_worker_that_is_killed_loses_nobody_elses_result(canned, submissions, tmp_path, notebook):
    (submissions / "anna" / "00_sampling.ipynb").write_text(notebook({"softmax": "kill"}))
    results = grade(submissions, tmp_path / "out", workers=2)
    assert results["anna"]["verdict"] == batch.KILLER
    assert results["ben"]["exercises"][0]["points"] == 3
    assert results["cara"]["verdict"] == ""


def test_feedback_and_report_show_no_hidden_input_and_no_name(canned, submissions, tmp_path):
    grade(submissions, tmp_path / "out")
    assert commands.make_report(tmp_path / "out", None) == 0
    pages = list((tmp_path / "out" / "report").rglob("*.html"))
    assert len(pages) == 5
    for page in pages:
        text = page.read_text()
        assert SECRET not in text and "anna" not in text
        assert "<again>" not in text
    overview = (tmp_path / "out" / "report" / "report.html").read_text()
    assert "value/wrong" in overview and "The cell imports os." in overview


def test_regrade_lists_every_changed_mark(canned, submissions, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    before = grade(submissions, out)
    capsys.readouterr()
    assert commands.regrade(out, [], None, False) == 0
    assert capsys.readouterr().out == "0 of 4 marks changed\n"

    def corrected(sandbox, one, cells, seeds, duplicates):
        return [_exercise(e, max(1, int(cells["softmax"])), seeds) for e in one.exercises], []

    monkeypatch.setattr(referee, "grade", corrected)
    assert commands.regrade(out, [], None, False) == 0
    text = capsys.readouterr().out
    assert f"{before['cara']['pseudonym']}, 00_sampling: 0 -> 4 points" in text
    assert "1 of 4 marks changed" in text
    again = {r["pseudonym"]: r for r in Results(out)}
    assert again[before["cara"]["pseudonym"]]["exercises"][0]["points"] == 1


def test_a_result_is_replayed_from_its_file_alone(canned, submissions, tmp_path, capsys):
    results = grade(submissions, tmp_path / "out")
    path = Results(tmp_path / "out").path("00_sampling", results["anna"]["pseudonym"])
    assert commands.replay(path, None, False) == 0
    assert canned[-1][1] == {e["id"]: e["seed"] for e in results["anna"]["exercises"]}
    assert "the same cases" in capsys.readouterr().out


def test_marks_have_penalties_weights_and_points_by_hand(canned, submissions, tmp_path, capsys):
    out = tmp_path / "out"
    for path in submissions.rglob("*.ipynb"):
        os.utime(path, (1e9, 1e9))
    results = grade(submissions, out)
    rules = tmp_path / "assignment.toml"
    rules.write_text(
        "[00_sampling]\ndue = 2000-01-01T00:00:00+00:00\nweight = 2\n"
        "extensions = { ben = 2999-01-01T00:00:00+00:00 }\nlate_per_day = 1.0\n"
    )
    ben = results["ben"]["pseudonym"]
    (out / "manual.csv").write_text(
        "pseudonym,notebook,question,points,max_points\n"
        f"{ben},00_sampling,why,1.5,2\n{ben},00_sampling,how,,2\n"
    )
    assert commands.make_report(out, None) == 0
    feedback = (out / "report" / "feedback" / f"{ben}-00_sampling.html").read_text()
    assert "1.5/2" in feedback and "<p>13.5 of 19 points.</p>" in feedback
    capsys.readouterr()
    assert commands.export(out, "csv", tmp_path / "marks.csv", None, rules, None) == 0
    lines = (tmp_path / "marks.csv").read_text().splitlines()
    marks = {line.split(",")[0]: line.split(",")[3:] for line in lines[1:]}
    assert marks["ben"] == ["27", "27", "38", "0"]
    assert marks["anna"][0] == "0"


def test_without_walls_nothing_is_begun(canned, submissions, tmp_path, monkeypatch):
    def refuse(unsafe):
        raise SandboxUnavailable("No sandbox here.")

    monkeypatch.setattr(commands, "require", refuse)
    with pytest.raises(SandboxUnavailable):
        grade(submissions, tmp_path / "out")
    assert canned == [] and not (tmp_path / "out").exists()


def test_a_folder_without_results_and_a_broken_result_are_told(canned, submissions, tmp_path):
    with pytest.raises(ResultsError, match="holds no results"):
        commands.make_report(tmp_path, None)
    out = tmp_path / "out"
    results = grade(submissions, out)
    path = Results(out).path("00_sampling", results["anna"]["pseudonym"])
    path.write_text(path.read_text()[:100])
    with pytest.raises(ResultsError, match="is no result"):
        list(Results(out))


def test_release_writes_notebooks_with_or_without_points(tmp_path):
    release.write(["00"], tmp_path / "with")
    release.write(["00"], tmp_path / "without", points=False)
    texts = {}
    for name in ("with", "without"):
        cells = json.loads((tmp_path / name / "00_sampling.ipynb").read_text())["cells"]
        texts[name] = " ".join(release.text(c) for c in cells if c["cell_type"] == "markdown")
    assert release.POINTS.search(texts["with"]) and not release.POINTS.search(texts["without"])
    with pytest.raises(release.ReleaseError, match="differs"):
        release.write(["00"], tmp_path / "with", points=False)
    with pytest.raises(release.ReleaseError, match="no graded notebook 99"):
        release.write(["99"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_regrading_keeps_what_was_noted_of_the_files(canned, submissions, tmp_path, monkeypatch):
    cell = json.loads((submissions / "anna" / "00_sampling.ipynb").read_text())
    (submissions / "anna" / "old.ipynb").write_text(json.dumps(cell))
    before = grade(submissions, tmp_path / "out")["anna"]
    assert "2 notebooks" in before["flags"][0]

    def corrected(sandbox, one, cells, seeds, duplicates):
        return [_exercise(e, 1, seeds) for e in one.exercises], []

    monkeypatch.setattr(referee, "grade", corrected)
    assert commands.regrade(tmp_path / "out", [], None, False) == 0
    results = Results(tmp_path / "out")
    after = {results.students[result["pseudonym"]]: result for result in results}["anna"]
    assert after["exercises"][0]["points"] == 1
    assert after["flags"] == [before["flags"][0]]


def test_a_group_shares_the_newest_result_of_its_members(canned, submissions, tmp_path):
    for student, moment in (("anna", 1e9), ("ben", 2e9)):
        os.utime(submissions / student / "00_sampling.ipynb", (moment, moment))
    out = tmp_path / "out"
    grade(submissions, out)
    roster, rules = tmp_path / "roster.csv", tmp_path / "assignment.toml"
    roster.write_text("student,group\nanna,g\nben,g\nempty,g\nelsewhere,g\ncara,\n")
    rules.write_text("[00_sampling]\ndue = 2999-01-01T00:00:00+00:00\n")
    assert commands.export(out, "csv", tmp_path / "marks.csv", roster, rules, None) == 0
    lines = (tmp_path / "marks.csv").read_text().splitlines()[1:]
    marks = {line.split(",")[0]: float(line.split(",")[3]) for line in lines}
    assert marks == {"anna": 8, "ben": 12, "cara": 0, "empty": 12, "elsewhere": 12}


@pytest.mark.parametrize(
    "text, what",
    [
        ("[00_samplin]\nweight = 2", "a notebook 00_samplin"),
        ('[00_sampling]\nweights = { "sampling.top" = 1 }', "weigh sampling.top"),
        ("[00_sampling]\nextensions = { bob = 2026-01-01T00:00:00Z }", "give bob more time"),
    ],
)
def test_rules_that_fit_nothing_are_told(text, what, canned, submissions, tmp_path):
    grade(submissions, tmp_path / "out")
    rules = tmp_path / "assignment.toml"
    rules.write_text(text)
    with pytest.raises(AssignmentError, match=what):
        commands.export(tmp_path / "out", "csv", tmp_path / "marks.csv", None, rules, None)


def test_questions_for_a_human_come_into_a_file_to_fill_in(
    canned, submissions, tmp_path, monkeypatch, notebook
):
    folder, out = tmp_path / "notebooks", tmp_path / "out"
    given = json.loads((release.NOTEBOOKS / "00_sampling.ipynb").read_text())
    given["cells"].append(_question("Why?"))
    folder.mkdir()
    (folder / "00_sampling.ipynb").write_text(json.dumps(given))
    monkeypatch.setattr(release, "NOTEBOOKS", folder)
    answered = json.loads(notebook({"softmax": "2"}))
    untouched = json.loads(notebook({"softmax": "3"}))
    untouched["cells"].append(_question("Why?\n"))
    (submissions / "ben" / "00_sampling.ipynb").write_text(json.dumps(untouched))
    answered["cells"].append(_question("=because"))
    (submissions / "anna" / "00_sampling.ipynb").write_text(json.dumps(answered))
    anna = grade(submissions, out)["anna"]["pseudonym"]
    text = (out / manual.FILE).read_text(encoding="utf-8-sig")
    assert text.splitlines()[1] == f"{anna},00_sampling,why,,3,,'=because"
    assert len(text.splitlines()) == 2
    filled = text.replace(",why,,3,,", ",why,2.5,3,Say more.,")
    (out / manual.FILE).write_text(filled)
    grade(submissions, out, afresh=True)
    assert (out / manual.FILE).read_text(encoding="utf-8-sig") == filled
    assert commands.export(out, "csv", tmp_path / "marks.csv", None, None, None) == 0
    lines = (tmp_path / "marks.csv").read_text().splitlines()
    marks = {line.split(",")[0]: line.split(",")[3:6] for line in lines[1:]}
    assert marks["anna"] == ["10.5", "10.5", "18"]
    assert marks["ben"] == ["12", "12", "18"]
    for wrong, what in (
        (filled.replace("2.5", "4"), "4 is not from 0 to 3 points"),
        (filled.replace(anna, "12"), "marks 12 in 00_sampling, but there is no such result"),
        (filled.replace("points", "Points"), "has no column points"),
        (filled.replace("Say", "Sägen").encode("cp1252"), "is not in UTF-8"),
    ):
        data = wrong if isinstance(wrong, bytes) else wrong.encode()
        (out / manual.FILE).write_bytes(data)
        with pytest.raises(ExportError, match=what):
            commands.export(out, "csv", None, None, None, None)


def test_a_spreadsheets_semicolons_and_commas_and_a_dash_are_read(tmp_path):
    head = "pseudonym;notebook;question;points;max_points;comment\n"
    (tmp_path / manual.FILE).write_text(head + "abc;00_sampling;why;2,5;3;- good\n")
    manual.write(tmp_path, [])
    manual.write(tmp_path, [])
    (row,) = manual.read(tmp_path)
    assert (row["points"], row["comment"]) == ("2.5", "- good")
    assert ",'- good," in (tmp_path / manual.FILE).read_text()


def _question(text: str) -> dict:
    facts = {"grade_id": "why", "grade": True, "solution": True, "points": 3}
    return {"cell_type": "markdown", "id": "why", "metadata": {"nbgrader": facts}, "source": text}


def test_a_replay_says_what_has_changed_since(canned, submissions, tmp_path, capsys):
    result = grade(submissions, tmp_path / "out")["anna"]
    result["versions"]["course"], result["checks"] = "older", "others"
    path = tmp_path / "appeal.json"
    path.write_text(json.dumps(result))
    capsys.readouterr()
    assert commands.replay(path, None, False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["graded with course older, now 0", "the checks have changed since"]

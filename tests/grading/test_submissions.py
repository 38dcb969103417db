"""Submissions as platforms deliver them, and files that are none."""

import datetime
import io
import json
import os
import zipfile

import pytest

from course_utils.grading import release, submissions
from course_utils.grading.submissions import LARGEST, MOST_IN_ZIP, SubmissionsError, collect

MOMENT = datetime.datetime(2026, 11, 22, 9, 0, 0, 500_000, datetime.UTC).timestamp()
CELLS = {"softmax": "softmax = 1", "top-k": "top_k_filter = 2"}


@pytest.fixture
def releases(sampling):
    return [sampling]


def put(folder, path: str, content: str | bytes):
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def zipped(how: int = zipfile.ZIP_STORED, **files: str | bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize(
    "path, student, late",
    [
        ("anna/00_sampling.ipynb", "anna", False),
        ("anna/00_sampling/work.ipynb", "anna", False),
        ("anna_00_sampling.ipynb", "anna", False),
        ("doejane_4711_90210_00_sampling-2.ipynb", "4711", False),
        ("doejane_LATE_4711_90210_00_sampling.ipynb", "4711", True),
        ("Jane Doe_123_assignsubmission_file_/00_sampling.ipynb", "Participant 123", False),
        ("Jane Doe_123_assignsubmission_file_00_sampling.ipynb", "Participant 123", False),
        ("anna+00_sampling+2026-11-22 10:00:00.5 UTC+ab/00_sampling.ipynb", "anna", False),
        ("anna/00_sampling.IPYNB", "anna", False),
    ],
)
def test_the_student_is_known_from_the_place(path, student, late, tmp_path, releases, notebook):
    put(tmp_path, path, notebook(CELLS))
    (found,) = collect(tmp_path, releases)
    assert (found.student, found.cells, found.verdict) == (student, CELLS, "")
    assert found.marked_late is late


def test_gradescope_names_students_in_its_metadata_a_group_too(tmp_path, releases, notebook):
    put(tmp_path, "submission_7/00_sampling.ipynb", notebook(CELLS))
    people = "  - :sid: s77\n  - :email: t@x.org\n"
    put(tmp_path, "submission_metadata.yml", f"submission_7:\n  :submitters:\n{people}")
    found = collect(tmp_path, releases)
    assert [(s.student, s.cells, s.verdict) for s in found] == [
        ("s77", CELLS, ""),
        ("t@x.org", CELLS, ""),
    ]


def test_gradescope_says_when_not_the_student(tmp_path, releases, notebook):
    put(tmp_path, "assignment_1_export/submission_7/work/00_sampling.ipynb", notebook(CELLS))
    put(tmp_path, "assignment_1_export/submission_7/work/timestamp.txt", "2000-01-01 00:00 UTC")
    facts = "  :created_at: 2026-11-22 09:00:00.5 Z\n  :submitters:\n  - :sid: s77\n"
    put(tmp_path, "assignment_1_export/submission_metadata.yml", f"submission_7:\n{facts}")
    (found,) = collect(tmp_path, releases)
    assert (found.student, found.received) == ("s77", MOMENT)
    put(tmp_path, "assignment_1_export/submission_metadata.yml", "submission_7: [")
    with pytest.raises(SubmissionsError, match="submission_metadata.yml cannot be read"):
        collect(tmp_path, releases)


@pytest.mark.parametrize(
    "top, students",
    [("all", ["anna", "ben"]), ("assignment_1_export", ["anna", "ben"]), ("eve", ["eve"])],
)
def test_an_archives_own_folder_is_no_student(top, students, tmp_path, releases, notebook):
    """A student's own folder stays one, whatever lies in it."""
    people = {f"{top}/{name}/00_sampling.ipynb": notebook(CELLS) for name in ("anna", "ben")}
    whole = put(tmp_path, "all.zip", zipped(**people, **{f"{top}/submission_metadata.yml": ""}))
    assert [s.student for s in collect(whole, releases)] == students


def test_names_in_another_encoding_are_kept_apart(tmp_path, releases, notebook):
    for name in (b"J\xfcrgen", b"J\xe4rgen"):
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    archive = put(tmp_path, "zip", zipped(**{"00_sampling.ipynb": notebook(CELLS)}))
    os.rename(archive, os.fsencode(tmp_path) + b"/J\xf6rgen.zip")
    found = collect(tmp_path, releases)
    assert [s.student for s in found] == ["J\\udce4rgen", "J\\udcf6rgen", "J\\udcfcrgen"]
    assert [s.cells for s in found] == [{}, CELLS, {}]


def test_nbgrader_says_when(tmp_path, releases, notebook):
    put(tmp_path, "anna/00_sampling/00_sampling.ipynb", notebook(CELLS))
    put(tmp_path, "anna/00_sampling/timestamp.txt", "2026-11-22 10:00:00.5 Europe/Berlin")
    put(tmp_path, "ben+00_sampling+2026-11-22 09:00:00.5 UTC/00_sampling.ipynb", notebook(CELLS))
    assert [s.received for s in collect(tmp_path, releases)] == [MOMENT, MOMENT]


def test_the_date_in_a_students_zip_is_the_students(tmp_path, releases, notebook):
    inner = zipped(
        **{"00_sampling.ipynb": notebook(CELLS), "timestamp.txt": "2000-01-01 00:00 UTC"}
    )
    file = put(tmp_path, "anna.zip", inner)
    os.utime(file, (MOMENT, MOMENT))
    assert [s.received for s in collect(tmp_path, releases)] == [MOMENT]
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(zipfile.ZipInfo("anna.zip", (2026, 11, 22, 10, 0, 0)), inner)
    all_of_them = put(tmp_path.parent, f"{tmp_path.name}-platform.zip", whole.getvalue())
    (found,) = collect(all_of_them, releases)
    assert found.received == datetime.datetime(2026, 11, 22, 10).timestamp()


def test_zips_that_are_corrupt_or_full_get_verdicts(tmp_path, releases, notebook):
    corrupt = bytearray(zipped(**{"00_sampling.ipynb": notebook(CELLS)}, how=zipfile.ZIP_DEFLATED))
    corrupt[60:90] = bytes(30)
    put(tmp_path, "anna.zip", bytes(corrupt))
    put(tmp_path, "ben.ZIP", zipped(**{f"{i}.txt": "" for i in range(MOST_IN_ZIP + 1)}))
    put(tmp_path, "cara.ZIP", zipped(**{"00_sampling.ipynb": notebook(CELLS)}))
    verdicts = {s.student: s.verdict for s in collect(tmp_path, releases)}
    assert verdicts == {"anna": "not-a-file", "ben": "too-large", "cara": ""}


def test_a_zip_of_too_much_is_the_students_own_trouble(tmp_path, releases, notebook, monkeypatch):
    monkeypatch.setattr(submissions, "MOST_IN_ZIP", 5)
    monkeypatch.setattr(submissions, "MOST_FILES", 10)
    monkeypatch.setattr(submissions, "MOST_UNZIPPED", 10_000)
    many = zipped(**{f"{i}.txt": "" for i in range(20)})
    long = zipped(**{f"{i}.ipynb": " " * 3000 for i in range(4)}, how=zipfile.ZIP_DEFLATED)
    deep = zipped(**{"a.zip": zipped(**{f"{i}.ipynb": " " * 4000 for i in range(3)})})
    good = zipped(**{"00_sampling.ipynb": notebook(CELLS)})
    files = {"a.zip": many, "b.zip": long, "c.zip": deep, "d.zip": good}
    whole = put(tmp_path, "all.zip", zipped(**files))
    for name, content in files.items():
        put(tmp_path, f"folder/{name}", content)
    for place in (whole, tmp_path / "folder"):
        verdicts = {s.student: s.verdict for s in collect(place, releases)}
        assert verdicts == {"a": "too-large", "b": "not-json", "c": "too-large", "d": ""}


@pytest.mark.parametrize("inside", ["anna/00_sampling.ipynb", "deep/er/00_sampling.ipynb"])
def test_zips_are_folders(inside, tmp_path, releases, notebook):
    data = zipped(**{inside: notebook(CELLS)})
    put(tmp_path, "anna.zip", data)
    whole = put(tmp_path.parent, f"{tmp_path.name}-all.zip", zipped(**{"anna.zip": data}))
    for place in (tmp_path, whole):
        (found,) = collect(place, releases)
        assert (found.student, found.cells) == ("anna", CELLS)


def test_the_newest_of_two_notebooks_is_graded_and_a_human_told(tmp_path, releases, notebook):
    new = put(tmp_path, "anna/a.ipynb", notebook(CELLS))
    old = put(tmp_path, "anna/b.ipynb", notebook({"softmax": "old"}))
    os.utime(old, (1e9, 1e9))
    os.utime(new, (2e9, 2e9))
    (found,) = collect(tmp_path, releases)
    assert found.cells == CELLS
    assert found.received == 2e9
    assert "2 notebooks" in found.notes[0]


@pytest.mark.parametrize(
    "content, verdict",
    [
        (b"\x89PNG", "not-json"),
        (b"[" * 100_000, "not-json"),
        (b"[]", "not-a-notebook"),
        (b'{"cells": 3}', "not-a-notebook"),
        (b'{"worksheets": [], "nbformat": 3}', "old-format"),
        (b'{"cells": [null, 3, {"cell_type": []}]}', "no-exercise-cell"),
        (b'{"cells": [], "metadata": {"language_info": {"name": "R"}}}', "other-language"),
        (b'{"cells": [{"id": ["softmax"], "metadata": {"nbgrader": 3}}]}', "no-exercise-cell"),
        (b" " * (LARGEST + 1), "too-large"),
    ],
)
def test_an_odd_file_gets_a_verdict(content, verdict, tmp_path, releases):
    put(tmp_path, "anna/00_sampling.ipynb", content)
    (found,) = collect(tmp_path, releases)
    assert (found.verdict, found.cells) == (verdict, {})


def test_links_pipes_empty_folders_and_broken_zips_get_verdicts(tmp_path, releases, notebook):
    secret = put(tmp_path.parent, "secret.ipynb", notebook(CELLS))
    for student in ("linked", "folder", "piped", "empty"):
        (tmp_path / student).mkdir()
    (tmp_path / "linked/00_sampling.ipynb").symlink_to(secret)
    (tmp_path / "folder/link").symlink_to(secret.parent, target_is_directory=True)
    os.mkfifo(tmp_path / "piped/00_sampling.ipynb")
    put(tmp_path, "broken.zip", b"PK\x03\x04 no zip")
    verdicts = {s.student: s.verdict for s in collect(tmp_path, releases)}
    assert verdicts == {
        "linked": "link",
        "folder": "link",
        "piped": "not-a-file",
        "empty": "no-notebook",
        "broken": "bad-zip",
    }


def test_a_zip_does_not_reach_out_of_its_place(tmp_path, releases, notebook):
    archive = zipped(**{"../../bob/00_sampling.ipynb": notebook(CELLS)})
    put(tmp_path, "anna.zip", archive)
    (found,) = collect(tmp_path, releases)
    assert found.student == "anna"


def test_a_zip_with_a_link_in_it(tmp_path, releases):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        entry = zipfile.ZipInfo("00_sampling.ipynb")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    put(tmp_path, "anna.zip", data.getvalue())
    (found,) = collect(tmp_path, releases)
    assert found.verdict == "link"


def test_cells_that_are_there_twice_are_not_graded_others_are(tmp_path, releases, notebook):
    twice = json.loads(notebook(CELLS))
    twice["cells"].append({**twice["cells"][0], "source": "softmax = 3"})
    put(tmp_path, "anna/n.ipynb", json.dumps(twice))
    (found,) = collect(tmp_path, releases)
    assert (found.cells, found.duplicates) == ({"top-k": CELLS["top-k"]}, ("softmax",))
    assert "2 times" in found.notes[0]


def test_points_and_tags_in_the_metadata_do_not_matter(tmp_path, releases, notebook):
    edited = json.loads(notebook(CELLS))
    for cell in edited["cells"]:
        cell["metadata"]["nbgrader"] |= {"points": 1000, "grade": True, "locked": True}
        cell["metadata"]["tags"] = ["setup"]
    edited["cells"].insert(0, {"cell_type": "code", "id": "new", "metadata": {}, "source": "x"})
    put(tmp_path, "anna/n.ipynb", json.dumps(edited))
    (found,) = collect(tmp_path, releases)
    assert found.cells == CELLS


def test_an_exercise_turned_into_text_is_missing(tmp_path, releases, notebook):
    edited = json.loads(notebook(CELLS))
    edited["cells"][0]["cell_type"] = "markdown"
    put(tmp_path, "anna/n.ipynb", json.dumps(edited))
    (found,) = collect(tmp_path, releases)
    assert list(found.cells) == ["top-k"]
    assert found.notes == ("cell softmax is no code cell",)


def test_notebooks_are_told_apart_by_their_cells(tmp_path, notebook):
    both = release.load(names=["00", "02"])
    put(tmp_path, "anna/first.ipynb", notebook(CELLS))
    put(tmp_path, "anna/second.ipynb", notebook({"attention": "a", "causal-mask": "b"}))
    found = {s.notebook: s.cells for s in collect(tmp_path, both)}
    assert found == {"00_sampling": CELLS, "02_kv_cache": {"attention": "a", "causal-mask": "b"}}


def test_a_notebook_of_another_assignment_is_none_of_this_one(tmp_path, notebook):
    put(tmp_path, "anna/first.ipynb", notebook(CELLS))
    found = {s.notebook: s.verdict for s in collect(tmp_path, release.load(names=["00", "02"]))}
    assert found == {"00_sampling": "", "02_kv_cache": "no-notebook"}


def test_nothing_to_read_is_told(tmp_path, releases):
    with pytest.raises(SubmissionsError, match="holds no submissions"):
        collect(tmp_path, releases)
    with pytest.raises(SubmissionsError, match="There is no folder"):
        collect(tmp_path / "not-there", releases)

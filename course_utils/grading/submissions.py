"""Submissions as learning platforms deliver them, read without running or trusting anything.

Known: folders of students; flat files named after students; Canvas' and Moodle's downloads;
Gradescope's export; nbgrader's exchange; zips of any of these. Of a notebook nothing is taken but
the sources of the exercise cells.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from course_utils.grading.release import Release, cell_id, text

LARGEST = 20 * 2**20  # bytes of one notebook
MOST_FILES = 200_000
ZIP_DEPTH = 3

VERDICTS = {
    "no-notebook": "nothing was handed in for this notebook",
    "link": "the file is a symbolic link",
    "not-a-file": "it is no regular file",
    "too-large": f"the file is larger than {LARGEST // 2**20} MiB",
    "not-json": "the file is not JSON",
    "not-a-notebook": "the file is JSON, but no notebook",
    "old-format": "a notebook of format 3 or older; open it in JupyterLab and save it",
    "other-language": "the notebook's language is not Python",
    "no-exercise-cell": "the notebook has none of the exercise cells of this assignment",
    "bad-zip": "the zip file cannot be read",
}

_CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<file>\d+)_(?P<rest>.*)")
_MOODLE = re.compile(r"(?P<name>[^_]+)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)")
_EXCHANGE = re.compile(r"(?P<id>[^+]+)\+(?P<work>[^+]+)\+(?P<time>[^+]+?)(\+[^+]+)?")
_GRADESCOPE = re.compile(r"submission_(?P<id>\d+)")


class SubmissionsError(ValueError):
    """The folder of submissions cannot be read; the message is one sentence."""


@dataclass(frozen=True)
class File:
    """One file that somebody handed in; ``read`` gives its bytes or raises OSError."""

    parts: tuple[str, ...]
    received: float
    verdict: str
    read: Callable[[], bytes] = field(repr=False)

    @property
    def name(self) -> str:
        return self.parts[-1]


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one notebook.

    ``cells`` maps cell ids to sources. ``verdict`` is a key of VERDICTS where there is nothing to
    grade, else "". ``notes`` are sentences for a human.
    """

    student: str
    notebook: str
    cells: dict[str, str] = field(default_factory=dict)
    verdict: str = ""
    notes: tuple[str, ...] = ()
    received: float = 0.0
    marked_late: bool = False

    @property
    def sha256(self) -> str:
        content = json.dumps([self.notebook, self.cells, self.verdict], sort_keys=True)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class _Delivery:
    """A file and what its place says: whose it is, when it came, whether it came late."""

    file: File
    student: str
    received: float
    late: bool


def collect(folder: Path, releases: list[Release]) -> list[Submission]:
    """The submissions in a folder or a zip: one for each student and notebook, in order.

    Raises SubmissionsError if the folder is not there or holds nothing.
    """
    if not folder.exists():
        raise SubmissionsError(f"There is no folder {folder}: give the folder of submissions.")
    files = list(_files(folder))
    students = _gradescope_students(folder)
    deliveries = [d for file in files if (d := _delivery(file, students, releases))]
    whose = sorted({d.student for d in deliveries} | set(_empty_folders(folder)))
    if not whose:
        raise SubmissionsError(f"{folder} holds no submissions: no folder, notebook or zip in it.")
    return [
        _submission(student, release, [d for d in deliveries if d.student == student], releases)
        for release in releases
        for student in whose
    ]


def _files(root: Path) -> Iterator[File]:
    if root.is_file():
        yield from _members(root.name, root.stat().st_mtime, root.read_bytes, (), ZIP_DEPTH)
        return
    count = 0
    for folder, names, files in os.walk(root, followlinks=False):
        names[:] = sorted(n for n in names if not _hidden(n))
        links = [n for n in names if os.path.islink(os.path.join(folder, n))]
        for name in sorted(files) + links:
            count += 1
            if count > MOST_FILES:
                raise SubmissionsError(f"{root} holds more than {MOST_FILES:,} files.")
            if not _hidden(name):
                path = Path(folder, name)
                parts = path.relative_to(root).parts
                yield from _file(
                    path, tuple(part.encode("utf-8", "replace").decode() for part in parts)
                )


def _hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _file(path: Path, parts: tuple[str, ...]) -> Iterator[File]:
    status = path.lstat()
    verdict = ""
    if stat.S_ISLNK(status.st_mode):
        verdict = "link"
    elif not stat.S_ISREG(status.st_mode):
        verdict = "not-a-file"
    elif path.suffix == ".zip":
        here = (*parts[:-1], path.stem)
        yield from _members(path.name, status.st_mtime, path.read_bytes, here, ZIP_DEPTH)
        return
    elif status.st_size > LARGEST:
        verdict = "too-large"
    yield File(parts, status.st_mtime, verdict, lambda: _bytes(path))


def _bytes(path: Path) -> bytes:
    """A file's content, unless it became a link or a pipe meanwhile."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(LARGEST + 1)


def _members(
    name: str, received: float, read: Callable[[], bytes], here: tuple[str, ...], depth: int
) -> Iterator[File]:
    """The files in a zip, as if they were in the folder ``here``; those of zips in it too."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(read()))
        entries = archive.infolist()[:MOST_FILES]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        yield File((*here, name), received, "bad-zip", bytes)
        return
    for entry in entries:
        parts = [p for p in PurePosixPath(entry.filename).parts if p not in ("/", "..", ".")]
        if entry.is_dir() or not parts or any(map(_hidden, parts)):
            continue
        moment = _zip_moment(entry) or received
        verdict = "too-large" if entry.file_size > LARGEST else ""
        if stat.S_ISLNK(entry.external_attr >> 16):
            verdict = "link"
        content = _unzipper(archive, entry)
        if parts[-1].endswith(".zip") and depth and not verdict:
            inner = (*here, *parts[:-1], parts[-1].removesuffix(".zip"))
            yield from _members(parts[-1], moment, content, inner, depth - 1)
        else:
            yield File((*here, *parts), moment, verdict, content)


def _zip_moment(entry: zipfile.ZipInfo) -> float:
    """When a file in a zip was written, in this machine's time zone; 0 if the zip does not say."""
    try:
        return datetime.datetime(*entry.date_time).timestamp() if entry.date_time[0] > 1980 else 0.0
    except ValueError:
        return 0.0


def _unzipper(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with archive.open(entry) as file:
                return file.read(LARGEST + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
            raise OSError(str(error)) from error

    return read


def _empty_folders(root: Path) -> Iterator[str]:
    """Students whose folder holds nothing that could be a submission."""
    if root.is_dir():
        for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False) and not _hidden(entry.name):
                if not any(files for _, _, files in os.walk(entry.path)):
                    yield entry.name


def _gradescope_students(root: Path) -> dict[str, str]:
    """For each folder of Gradescope's export, its student: the id, else the address or name."""
    file = root / "submission_metadata.yml"
    if not file.is_file():
        return {}
    import yaml

    students = {}
    for folder, facts in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).items():
        people = (facts or {}).get(":submitters") or [{}]
        first = people[0]
        student = first.get(":sid") or first.get(":email") or first.get(":name")
        students[str(folder)] = str(student or folder)
    return students


def _delivery(file: File, gradescope: dict[str, str], releases: list[Release]) -> _Delivery | None:
    """Whose file it is, from its place; None for a file that belongs to nobody."""
    first, *rest = file.parts
    if first in gradescope:
        return _Delivery(file, gradescope[first], file.received, False)
    if not rest and not first.endswith(".ipynb") and not file.verdict:
        return None
    if match := _MOODLE.fullmatch(first):
        return _Delivery(file, f"Participant {match['id']}", file.received, False)
    if match := _CANVAS.fullmatch(first):
        return _Delivery(file, match["id"], file.received, bool(match["late"]))
    if rest and (match := _EXCHANGE.fullmatch(first)):
        return _Delivery(file, match["id"], _moment(match["time"]) or file.received, False)
    if rest:
        return _Delivery(file, first, file.received, False)
    return _Delivery(file, _without_notebook(Path(first).stem, releases), file.received, False)


def _moment(text: str) -> float:
    """nbgrader's timestamp, "2026-11-22 10:00:00.000000 UTC"; 0 if it is none."""
    try:
        moment = datetime.datetime.fromisoformat(text.removesuffix(" UTC").strip())
    except ValueError:
        return 0.0
    return moment.replace(tzinfo=datetime.UTC).timestamp()


def _without_notebook(stem: str, releases: list[Release]) -> str:
    """A flat file's student: its name without the notebook's."""
    for release in releases:
        if release.notebook in stem:
            return stem.replace(release.notebook, "").strip("_- ") or stem
    return stem


def _submission(
    student: str, release: Release, deliveries: list[_Delivery], releases: list[Release]
) -> Submission:
    """The newest file that is a notebook of the release; else why there is none."""
    good: list[tuple[_Delivery, Submission]] = []
    verdicts: list[str] = []
    for delivery in deliveries:
        if delivery.file.name.endswith(".ipynb") or delivery.file.verdict:
            cells, verdict, notes = _read(delivery.file, release, releases)
            if verdict:
                verdicts.append(verdict)
            elif cells is not None:
                found = Submission(
                    student,
                    release.notebook,
                    cells,
                    notes=notes,
                    received=delivery.received,
                    marked_late=delivery.late,
                )
                good.append((delivery, found))
    if not good:
        known = [v for v in verdicts if v != "no-exercise-cell"] or verdicts or ["no-notebook"]
        return Submission(student, release.notebook, verdict=known[0])
    good.sort(key=lambda pair: (pair[0].received, pair[0].file.parts))
    newest = good[-1][1]
    if len(good) == 1:
        return newest
    note = f"{len(good)} notebooks were handed in; the newest is graded"
    return Submission(**{**vars(newest), "notes": (note, *newest.notes)})


def _read(
    file: File, release: Release, releases: list[Release]
) -> tuple[dict[str, str] | None, str, tuple[str, ...]]:
    """Exercise cells, a verdict, notes. Neither cells nor verdict: the notebook of another."""
    if file.verdict:
        return None, file.verdict, ()
    try:
        data = file.read()
    except OSError:
        return None, "not-a-file", ()
    if len(data) > LARGEST:
        return None, "too-large", ()
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError):
        return None, "not-json", ()
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if isinstance(notebook, dict) and "worksheets" in notebook:
        return None, "old-format", ()
    if not isinstance(cells, list):
        return None, "not-a-notebook", ()
    if _language(notebook) != "python":
        return None, "other-language", ()
    cells = [cell for cell in cells if isinstance(cell, dict)]
    ids = {cell_id(cell) for cell in cells}
    best = max(releases, key=lambda r: (len(r.cells & ids), r.notebook in file.name))
    if not best.cells & ids:
        return None, "no-exercise-cell", ()
    if best is not release:
        return None, "", ()
    return (*_exercise_cells(cells, release),)


def _exercise_cells(
    cells: list[dict], release: Release
) -> tuple[dict[str, str], str, tuple[str, ...]]:
    sources: dict[str, list[str]] = {}
    notes = []
    for cell in cells:
        id = cell_id(cell)
        if id in release.cells:
            if cell.get("cell_type") == "code":
                sources.setdefault(id, []).append(text(cell))
            else:
                notes.append(f"cell {id} is no code cell")
    for id, versions in sources.items():
        if len(set(versions)) > 1:
            notes.append(f"cell {id} is there {len(versions)} times, with different content")
    once = {id: versions[0] for id, versions in sources.items() if len(set(versions)) == 1}
    return {id: _clean(source) for id, source in once.items()}, "", tuple(notes)


def _clean(source: str) -> str:
    return source.encode("utf-8", "replace").decode()


def _language(notebook: dict) -> str:
    metadata = notebook.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    for name, key in (("language_info", "name"), ("kernelspec", "language")):
        facts = metadata.get(name)
        if isinstance(facts, dict) and isinstance(facts.get(key), str):
            return facts[key].lower()
    return "python"

"""Submissions as learning platforms deliver them, read without running or trusting anything.

Known: folders of students; flat files named after students; Canvas' and Moodle's downloads;
Gradescope's export; nbgrader's exchange; zips of any of these. Of a notebook nothing is taken but
the sources of the exercise cells. When something was handed in is said by the file system, by
nbgrader, or by the zip that is graded as a whole: a zip inside is the student's, its dates too.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import math
import os
import re
import stat
import zipfile
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

from course_utils.grading.release import Release, cell_id, text

LARGEST = 20 * 2**20  # bytes of one notebook, or of a zip in a zip
LARGEST_ZIP = 50 * 2**20  # bytes of one student's zip
MOST_UNZIPPED = 100 * 2**20  # bytes of the notebooks and zips in one student's zip
MOST_FILES = 200_000
METADATA = "submission_metadata.yml"  # Gradescope's
MOST_IN_ZIP = 5_000  # files of one student's zip, those of zips in it too
ZIP_DEPTH = 3

VERDICTS = {
    "no-notebook": "no notebook of this assignment was handed in",
    "link": "the file is a symbolic link",
    "not-a-file": "it is no regular file",
    "too-large": f"the file is larger than {LARGEST // 2**20} MiB, or a zip of too much",
    "not-json": "the file is not JSON",
    "not-a-notebook": "the file is JSON, but no notebook",
    "old-format": "a notebook of format 3 or older; open it in JupyterLab and save it",
    "other-language": "the notebook's language is not Python",
    "no-exercise-cell": "the notebook has none of the exercise cells of this assignment",
    "bad-zip": "the zip file cannot be read",
}

UNKNOWN = "it could not be graded; talk to your instructor"

_CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<file>\d+)_(?P<rest>.*)")
_MOODLE = re.compile(r"(?P<name>[^_]+)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)")
_EXPORT = re.compile(r"assignment_\d+_export")
_EXCHANGE = re.compile(r"(?P<id>[^+]+)\+(?P<work>[^+]+)\+(?P<time>[^+]+?)(\+[^+]+)?")


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

    ``cells`` maps cell ids to sources; cells that are there twice, with different content, are
    ``duplicates``. ``answers`` are texts that a human marks, by cell id. ``verdict`` is a key of
    VERDICTS where there is nothing to grade, else "". ``notes`` are sentences for a human.
    """

    student: str
    notebook: str
    cells: dict[str, str] = field(default_factory=dict)
    duplicates: tuple[str, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)
    verdict: str = ""
    notes: tuple[str, ...] = ()
    received: float = 0.0
    marked_late: bool = False

    @property
    def sha256(self) -> str:
        facts = [self.notebook, self.cells, self.duplicates, self.answers, self.verdict]
        content = json.dumps(facts, sort_keys=True)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class _Delivery:
    """A file and what its place says: whose it is, when it came, whether it came late."""

    file: File
    student: str
    received: float
    late: bool


def why(verdict: str) -> str:
    """A sentence for the student."""
    text = VERDICTS.get(verdict, UNKNOWN)
    return f"{text[0].upper()}{text[1:]}."


_Found = tuple[_Delivery, Submission | str]  # a file, and what it holds or why nothing


def collect(folder: Path, releases: list[Release]) -> list[Submission]:
    """The submissions in a folder or a zip: one for each student and notebook, in order.

    Raises SubmissionsError if the folder is not there or holds nothing.
    """
    if not folder.exists():
        raise SubmissionsError(f"There is no folder {folder}: give the folder of submissions.")
    files = _without_top(folder, list(_files(folder)))
    groups, times = _gradescope(files), _nbgrader_times(folder)
    deliveries = [
        replace(delivery, student=student, received=created or delivery.received)
        for file in files
        if (delivery := _delivery(file, times, releases))
        for students, created in [groups.get(delivery.student, ([delivery.student], 0.0))]
        for student in students
    ]
    found: dict[str, list[_Found]] = {name: [] for name in _empty_folders(folder)}
    for delivery in deliveries:
        found.setdefault(delivery.student, [])
        if (content := _read(delivery, releases)) is not None:
            found[delivery.student].append((delivery, content))
    if not found:
        raise SubmissionsError(f"{folder} holds no submissions: no folder, notebook or zip in it.")
    return [
        _submission(student, release, found[student])
        for release in releases
        for student in sorted(found)
    ]


def _without_top(root: Path, files: list[File]) -> list[File]:
    """The files without the folder that all are in, where it is an archive's own: it bears the
    zip's name, or the one that Gradescope gives."""
    tops = {file.parts[0] if len(file.parts) > 1 else "" for file in files}
    top = tops.pop() if len(tops) == 1 else ""
    if _EXPORT.fullmatch(top) or (root.is_file() and top == root.stem):
        return [replace(file, parts=file.parts[1:]) for file in files]
    return files


def _files(root: Path) -> Iterator[File]:
    if root.is_file():
        yield from _Unzipping(MOST_FILES, math.inf, whole=True).files(
            root, root.stat().st_mtime, ()
        )
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
                yield from _file(path, tuple(map(_printable, path.relative_to(root).parts)))


def _hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _printable(name: str) -> str:
    """A file's name, with \\udcfc for a byte that is no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def _file(path: Path, parts: tuple[str, ...]) -> Iterator[File]:
    status = path.lstat()
    verdict = ""
    if stat.S_ISLNK(status.st_mode):
        verdict = "link"
    elif not stat.S_ISREG(status.st_mode):
        verdict = "not-a-file"
    elif path.suffix.lower() == ".zip" and status.st_size <= LARGEST_ZIP:
        here = (*parts[:-1], PurePosixPath(parts[-1]).stem)
        yield from _Unzipping(MOST_IN_ZIP, MOST_UNZIPPED).files(path, status.st_mtime, here)
        return
    elif status.st_size > LARGEST:
        verdict = "too-large"
    yield File(parts, status.st_mtime, verdict, lambda: _bytes(path))


def _bytes(path: Path) -> bytes:
    """A file's content, unless it became a link or a pipe meanwhile."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(LARGEST + 1)


class _Unzipping:
    """Reads a zip and the zips in it: so many files, so many bytes of notebooks and zips.

    Of a ``whole`` platform's zip the dates are believed, and each zip in it is a student's own.
    """

    def __init__(self, most_files: float, most_bytes: float, whole: bool = False):
        self.files_left, self.bytes_left, self.whole = most_files, most_bytes, whole

    def files(
        self, of: Path | bytes, received: float, here: tuple[str, ...], depth: int = 0
    ) -> Iterator[File]:
        """The files in a zip, as if they were in the folder ``here``."""

        def open_zip() -> zipfile.ZipFile:
            return zipfile.ZipFile(io.BytesIO(of) if isinstance(of, bytes) else of)

        try:
            with open_zip() as archive:
                entries = archive.infolist()
        except Exception:  # a broken zip makes zipfile raise nearly anything
            yield File((*here, "a.zip"), received, "bad-zip", bytes)
            return
        for entry in entries:
            parts = [p for p in PurePosixPath(entry.filename).parts if p not in ("/", "..", ".")]
            if entry.is_dir() or not parts or any(map(_hidden, parts)):
                continue
            is_zip = parts[-1].lower().endswith(".zip")
            self.files_left -= 1
            self.bytes_left -= entry.file_size if is_zip or _is_notebook(parts[-1]) else 0
            if self.files_left < 0 or self.bytes_left < 0:
                yield File((*here, "a.zip"), received, "too-large", bytes)
                return
            moment = (_zip_moment(entry) if self.whole else 0.0) or received
            verdict = "too-large" if entry.file_size > LARGEST else ""
            if stat.S_ISLNK(entry.external_attr >> 16):
                verdict = "link"
            content = partial(_unzipped, open_zip, entry)
            if is_zip and depth < ZIP_DEPTH and not verdict:
                inside = (*here, *parts[:-1], parts[-1][:-4])
                yield from self._nested(content, moment, inside, depth + 1)
            else:
                yield File((*here, *parts), moment, verdict, content)

    def _nested(
        self, content: Callable[[], bytes], received: float, here: tuple[str, ...], depth: int
    ) -> Iterator[File]:
        reader = _Unzipping(MOST_IN_ZIP, MOST_UNZIPPED) if self.whole else self
        try:
            data = content()
        except OSError:
            data = b""
        yield from reader.files(data, received, here, depth)


def _zip_moment(entry: zipfile.ZipInfo) -> float:
    """When a file in a zip was written, in this machine's time zone; 0 if the zip does not say."""
    try:
        return datetime.datetime(*entry.date_time).timestamp() if entry.date_time[0] > 1980 else 0.0
    except ValueError:
        return 0.0


def _unzipped(open_zip: Callable[[], zipfile.ZipFile], entry: zipfile.ZipInfo) -> bytes:
    try:
        with open_zip() as archive, archive.open(entry) as file:
            return file.read(LARGEST + 1)
    except Exception as error:  # as above
        raise OSError(str(error)) from error


def _empty_folders(root: Path) -> Iterator[str]:
    """Students whose folder holds nothing that could be a submission."""
    if root.is_dir():
        for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False) and not _hidden(entry.name):
                if not any(files for _, _, files in os.walk(entry.path)):
                    yield _printable(entry.name)


def _gradescope(files: list[File]) -> dict[str, tuple[list[str], float]]:
    """For each folder of Gradescope's export, its students, by id, else by address or name, and
    when it came. Raises SubmissionsError."""
    file = next((file for file in files if file.parts == (METADATA,)), None)
    if file is None:
        return {}
    import yaml

    groups = {}
    try:
        for folder, facts in (yaml.safe_load(file.read()) or {}).items():
            facts = facts or {}
            people = facts.get(":submitters") or [{}]
            names = [p.get(":sid") or p.get(":email") or p.get(":name") or folder for p in people]
            created = facts.get(":created_at")
            if isinstance(created, datetime.datetime) and created.tzinfo is None:
                created = created.replace(tzinfo=datetime.UTC)
            moment = created.timestamp() if isinstance(created, datetime.datetime) else 0.0
            groups[str(folder)] = [str(name) for name in names], moment
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        text = " ".join(str(error).split())
        raise SubmissionsError(f"Gradescope's {METADATA} cannot be read: {text}.") from error
    return groups


def _is_notebook(name: str) -> bool:
    return name.lower().endswith(".ipynb")


def _delivery(
    file: File, times: dict[tuple[str, ...], float], releases: list[Release]
) -> _Delivery | None:
    """Whose file it is, from its place; None for a file that belongs to nobody."""
    first, *rest = file.parts
    if not rest and not _is_notebook(first) and not file.verdict:
        return None
    if match := _MOODLE.fullmatch(first):
        return _Delivery(file, f"Participant {match['id']}", file.received, False)
    if match := _CANVAS.fullmatch(first):
        return _Delivery(file, match["id"], file.received, bool(match["late"]))
    if rest and (match := _EXCHANGE.fullmatch(first)):
        return _Delivery(file, match["id"], _moment(match["time"]) or file.received, False)
    if rest:
        return _Delivery(file, first, times.get(file.parts[:2]) or file.received, False)
    return _Delivery(file, _without_notebook(Path(first).stem, releases), file.received, False)


def _nbgrader_times(root: Path) -> dict[tuple[str, ...], float]:
    """When each folder student/assignment of nbgrader's was handed in: its timestamp.txt."""
    times = {}
    for path in root.glob("*/*/timestamp.txt"):
        try:
            text = _bytes(path)[:100].decode()
        except (OSError, ValueError):
            continue
        times[path.relative_to(root).parts[:2]] = _moment(text)
    return times


def _moment(text: str) -> float:
    """nbgrader's timestamp, "2026-11-22 10:00:00.000000 UTC"; 0 if it is none."""
    date, _, zone = text.strip().rpartition(" ")
    try:
        moment = datetime.datetime.fromisoformat(date)
        return moment.replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp()
    except (ValueError, OSError, OverflowError, zoneinfo.ZoneInfoNotFoundError):
        return 0.0


def _without_notebook(stem: str, releases: list[Release]) -> str:
    """A flat file's student: its name without the notebook's."""
    for release in releases:
        if release.notebook in stem:
            return stem.replace(release.notebook, "").strip("_- ") or stem
    return stem


def _submission(student: str, release: Release, found: list[_Found]) -> Submission:
    """The newest file that is a notebook of the release; else why there is none."""
    contents = [content for _, content in found]
    mine = [
        pair
        for pair in found
        if isinstance(pair[1], Submission) and pair[1].notebook == release.notebook
    ]
    if not mine:
        verdicts = [content for content in contents if isinstance(content, str)]
        known = [v for v in verdicts if v != "no-exercise-cell"] or verdicts or ["no-notebook"]
        return Submission(student, release.notebook, verdict=known[0])
    mine.sort(key=lambda pair: (pair[0].received, pair[0].file.parts))
    newest = mine[-1][1]
    if len(mine) == 1:
        return newest
    note = f"{len(mine)} notebooks were handed in; the newest is graded"
    return replace(newest, notes=(note, *newest.notes))


def _read(delivery: _Delivery, releases: list[Release]) -> Submission | str | None:
    """What a file holds, or a verdict; None for a file that is no notebook."""
    file = delivery.file
    if file.verdict:
        return file.verdict
    if not _is_notebook(file.name):
        return None
    try:
        data = file.read()
    except OSError:
        return "not-a-file"
    if len(data) > LARGEST:
        return "too-large"
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError):
        return "not-json"
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if isinstance(notebook, dict) and "worksheets" in notebook:
        return "old-format"
    if not isinstance(cells, list):
        return "not-a-notebook"
    if _language(notebook) != "python":
        return "other-language"
    cells = [cell for cell in cells if isinstance(cell, dict)]
    ids = {cell_id(cell) for cell in cells}
    best = max(releases, key=lambda r: (len(r.cells & ids), r.notebook in file.name))
    if not best.cells & ids:
        return "no-exercise-cell"
    empty = Submission(
        delivery.student,
        best.notebook,
        received=delivery.received,
        marked_late=delivery.late,
    )
    return _exercise_cells(cells, empty, best)


def _exercise_cells(cells: list[dict], empty: Submission, release: Release) -> Submission:
    sources: dict[str, list[str]] = {}
    notes, answers, asked = [], {}, {id: given for id, _, given in release.questions}
    for cell in cells:
        id = cell_id(cell)
        if id in asked:
            if text(cell).strip() != asked[id].strip():
                answers[id] = _clean(text(cell))
        elif id in release.cells:
            if cell.get("cell_type") == "code":
                sources.setdefault(id, []).append(text(cell))
            else:
                notes.append(f"cell {id} is no code cell")
    several = [id for id, versions in sources.items() if len(set(versions)) > 1]
    for id in several:
        notes.append(f"cell {id} is there {len(sources[id])} times, with different content")
    once = {id: _clean(versions[0]) for id, versions in sources.items() if id not in several}
    return replace(
        empty, cells=once, duplicates=tuple(several), answers=answers, notes=tuple(notes)
    )


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

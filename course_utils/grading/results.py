"""A folder of results: one JSON per student and notebook, each written whole or not at all.

Results are keyed by pseudonym. Names stand in ``roster.csv`` alone, the key that makes pseudonyms
and seeds in ``secret``; both are for the instructor.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from course_utils.grading.exports import plain, table

SCHEMA = 1
SECRET, ROSTER = "secret", "roster.csv"
LETTERS = str.maketrans("0123456789", "ghijklmnop")  # a spreadsheet takes 120e45 for a number


class ResultsError(ValueError):
    """The folder holds no results, or one that cannot be read; the message is one sentence."""


class Results:
    """The results in a folder. ``create`` makes a new folder usable."""

    def __init__(self, folder: Path, create: bool = False):
        self.folder = folder
        if create:
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / SECRET).exists():
                _write(folder / SECRET, secrets.token_hex(32).encode(), mode=0o600)
        if not (folder / SECRET).is_file():
            raise ResultsError(f"{folder} holds no results: give the folder that `grade` wrote.")
        self.secret = (folder / SECRET).read_bytes()
        self.students = self._roster()

    def _roster(self) -> dict[str, str]:
        path = self.folder / ROSTER
        if not path.is_file():
            return {}
        with path.open(newline="", encoding="utf-8") as file:
            return {row["pseudonym"]: plain(row["student"]) for row in csv.DictReader(file)}

    def pseudonym(self, student: str) -> str:
        """The student's pseudonym; both are remembered in the roster."""
        digest = hmac.new(self.secret, student.encode("utf-8", "replace"), hashlib.sha256)
        name = digest.hexdigest()[:12].translate(LETTERS)
        self.students.setdefault(name, student)
        return name

    def write_roster(self) -> None:
        text = table(("pseudonym", "student"), sorted(self.students.items()))
        _write(self.folder / ROSTER, text.encode("utf-8", "replace"), mode=0o600)

    def path(self, notebook: str, pseudonym: str) -> Path:
        return self.folder / notebook / f"{pseudonym}.json"

    def read(self, notebook: str, pseudonym: str) -> dict | None:
        """A result; None if there is none. Raises ResultsError."""
        path = self.path(notebook, pseudonym)
        return read(path) if path.exists() else None

    def write(self, result: dict) -> None:
        path = self.path(result["notebook"], result["pseudonym"])
        path.parent.mkdir(exist_ok=True)
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        _write(path, text.encode("utf-8", "replace"))

    def __iter__(self) -> Iterator[dict]:
        """All results, by notebook and pseudonym. Raises ResultsError."""
        for path in sorted(self.folder.glob("[0-9][0-9]*_*/*.json")):
            yield read(path)


def read(path: Path) -> dict:
    """One result. Raises ResultsError."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["schema"] != SCHEMA:
            raise ResultsError(f"{path} was written by another version of the course.")
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, ResultsError):
            raise
        raise ResultsError(f"{path} is no result: grade that submission again.") from error
    return result


def points(result: dict) -> int:
    return sum(exercise["points"] for exercise in result["exercises"])


def max_points(result: dict) -> int:
    return sum(exercise["max_points"] for exercise in result["exercises"])


def _write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """The file is whole or as it was, even if the machine stops."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)

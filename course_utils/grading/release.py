"""What is graded: the notebooks of a release, their setup cells and exercises.

``course release`` copies notebooks for students; ``load`` reads them back for the referee.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import course_utils
from course_utils.checks import bank
from course_utils.checks.bank import Exercise

NOTEBOOKS = Path(course_utils.__file__).parents[1] / "notebooks"
POINTS = re.compile(r" · \d+ points?\b")


class ReleaseError(ValueError):
    """There is no such notebook or bank; the message is one sentence."""


@dataclass(frozen=True)
class Release:
    """One notebook as it was given out: its name, setup cells and exercises in their order.

    ``questions`` are the cells that a human marks, (id, points, text as given out): nbgrader's
    manually graded ones.
    """

    notebook: str
    setup: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    questions: tuple[tuple[str, float, str], ...] = ()

    @property
    def number(self) -> str:
        return self.notebook.partition("_")[0]

    @property
    def cells(self) -> frozenset[str]:
        return frozenset(exercise.cell for exercise in self.exercises)

    @property
    def points(self) -> int:
        return sum(exercise.points for exercise in self.exercises)


def load(folder: Path = NOTEBOOKS, names: Iterable[str] = ()) -> list[Release]:
    """The releases in a folder of notebooks; with names ("02" or "02_kv_cache"), only those.

    Raises ReleaseError for a name that is not there.
    """
    found = [_load(path) for path in sorted(folder.glob("[0-9][0-9]*_*.ipynb"))]
    releases = {release.notebook: release for release in found if release.exercises}
    chosen = []
    for name in names:
        matches = [n for n in releases if name in (n, n.partition("_")[0])]
        if not matches:
            known = ", ".join(releases) or "none"
            raise ReleaseError(f"{folder} has no graded notebook {name}; it has {known}.")
        chosen += matches
    return [releases[name] for name in dict.fromkeys(chosen)] or list(releases.values())


def _load(path: Path) -> Release:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    known = {e.cell: e for e in bank.EXERCISES.values() if e.notebook == path.stem}
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    setup = [c for c in code if "setup" in c["metadata"].get("tags", [])]
    exercises = [known[id] for cell in code if (id := cell_id(cell)) in known]
    questions = [
        (id, float(cell["metadata"]["nbgrader"].get("points", 0)), text(cell))
        for cell in cells
        if (id := cell_id(cell)) not in known and _is_marked_by_hand(cell)
    ]
    setup_sources = tuple(text(cell) for cell in setup)
    return Release(path.stem, setup_sources, tuple(exercises), tuple(questions))


def _is_marked_by_hand(cell: dict) -> bool:
    facts = cell["metadata"].get("nbgrader", {})
    return bool(facts.get("grade") and facts.get("solution"))


def cell_id(cell: dict) -> str:
    """A cell's ``grade_id``, else its id; "" if it has neither."""
    metadata = cell.get("metadata")
    graded = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    id = graded.get("grade_id") if isinstance(graded, dict) else None
    id = id or cell.get("id")
    return id if isinstance(id, str) else ""


def text(cell: dict) -> str:
    """A cell's source, which may be a list of lines."""
    source = cell.get("source", "")
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def use_bank(folder: Path) -> None:
    """Add an instructor's own exercises: ``bank.py``, ``probes/`` and ``judges/`` in a folder.

    An exercise with a known id takes its place. Raises ReleaseError.
    """
    file = folder / "bank.py"
    if not file.is_file():
        raise ReleaseError(f"{folder} is no bank: it has no bank.py with EXERCISES.")
    from course_utils.checks import judges, probes

    for package in (probes, judges):
        for path in (folder / package.__name__.rpartition(".")[2]).glob("*.py"):
            if Path(package.__path__[0], path.name).is_file():
                raise ReleaseError(f"{path} has the name of one of the course's: rename it.")
    spec = importlib.util.spec_from_file_location("course_private_bank", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        listed = module.EXERCISES
        listed = listed.values() if isinstance(listed, dict) else listed
        bank.EXERCISES.update({exercise.id: exercise for exercise in listed})
    except Exception as error:
        raise ReleaseError(f"{file} is no bank: {type(error).__name__}: {error}.") from error
    for package in (probes, judges):
        own = folder / package.__name__.rpartition(".")[2]
        if own.is_dir() and str(own) not in package.__path__:
            package.__path__.append(str(own))


def write(names: list[str], out: Path, folder: Path = NOTEBOOKS, points: bool = True) -> list[Path]:
    """Copy student notebooks into a folder, all or none; return the new files.

    Without ``points`` the numbers are left out of the headers of exercises. Raises ReleaseError for
    a notebook that is not there, or a file that exists already with other content.
    """
    files = {}
    for release in load(folder, names):
        notebook = json.loads((folder / f"{release.notebook}.ipynb").read_text(encoding="utf-8"))
        if not points:
            _hide_points(notebook)
        content = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        files[out / f"{release.notebook}.ipynb"] = content
    for path, content in files.items():
        if path.exists() and path.read_text(encoding="utf-8") != content:
            raise ReleaseError(f"{path} exists and differs: give another folder, or remove it.")
    out.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        path.write_text(content, encoding="utf-8")
    return list(files)


def _hide_points(notebook: dict) -> None:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = POINTS.sub("", text(cell)).splitlines(keepends=True)

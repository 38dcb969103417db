"""`course build`: reads sources, runs them and writes the notebooks, or compares what is there."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from tqdm.auto import tqdm

from course_utils import course_lm
from course_utils.authoring import bootstrap, execution, notebooks, overview, rules
from course_utils.authoring.source import Problem, Source, SourceError, read


@dataclass(frozen=True)
class Plan:
    """What a source gives before anything is run, and where it goes."""

    root: Path
    source: Source
    solution: NotebookNode
    student: str

    @property
    def executed_file(self) -> Path:
        return self.root / "solutions" / f"{self.source.stem}.ipynb"

    @property
    def student_file(self) -> Path:
        return self.root / "notebooks" / f"{self.source.stem}.ipynb"


def build(root: Path, names: list[str], check_only: bool) -> int:
    """`course_utils.authoring.build` in the checkout `root`."""
    status = 0
    for line in _build(root, names, check_only):
        print(line, file=sys.stderr)
        status = 1
    return status


def _build(root: Path, names: list[str], check_only: bool) -> Iterator[str]:
    """Builds or checks, and yields what is wrong, one line each."""
    paths = sorted((root / "solutions").glob("[0-9][0-9]*_*.py"))
    keys = {key: path for path in paths for key in (path.stem, path.stem.split("_")[0])}
    for name in names:
        if name not in keys:
            known = ", ".join(path.stem for path in paths)
            yield f"no source of a notebook {name}: solutions/ has {known or 'none'}"
            return
    for path in sorted({keys[name] for name in names}) or paths:
        try:
            plan = _plan(root, path)
            yield from _compare(plan) if check_only else _make(plan)
        except SourceError as error:
            yield str(error)
    for path, text in _shared(root, paths):
        if not check_only:
            _write(path, text)
        elif _text(path) != text:
            yield f"{path.relative_to(root).as_posix()}: out of step; run `course build`"
    for path in sorted([*root.glob("solutions/*.ipynb"), *root.glob("notebooks/*.ipynb")]):
        if path.stem not in keys:
            yield f"{path.parent.name}/{path.name}: solutions/ has no source of it"


def _plan(root: Path, path: Path) -> Plan:
    """Raises SourceError."""
    known = rules.bank()
    source = read(path)
    if problems := rules.problems(source, known):
        raise SourceError(*problems)
    solution = notebooks.solution(source, known, bootstrap.address(root))
    student = notebooks.dumps(notebooks.student(source, solution))
    if (size := len(student.encode())) >= rules.MAX_STUDENT_BYTES:
        message = f"a student notebook of {size:,} bytes: fewer than {rules.MAX_STUDENT_BYTES:,}"
        raise SourceError(Problem(source.path, 1, message))
    return Plan(root, source, solution, student)


def _make(plan: Plan) -> Iterator[str]:
    """Runs the solution; writes both notebooks if all its cells run and all its checks pass."""
    source, solution = plan.source, plan.solution
    lines = {cell.id: f"{source.path}:{cell.line}" for cell in source.cells}
    try:
        weights = course_lm.weights_sha256()
        with tqdm(total=len(solution.cells), desc=source.stem, unit="cell") as bar:
            execution.execute(solution, plan.executed_file.parent, progress=bar.update)
    except FileNotFoundError as error:
        yield f"{error.filename} is missing: the notebooks run on the bundled model"
        return
    except execution.ExecutionError as error:
        print(error.traceback, file=sys.stderr)
        yield f"{lines[error.cell_id]}: {error}; nothing was written"
        return
    if refused := _refused(source, solution):
        yield f"{lines[refused]}: the solution does not pass its own check; nothing was written"
        return
    solution.metadata["course"]["weights_sha256"] = weights
    _write(plan.executed_file, notebooks.dumps(solution))
    _write(plan.student_file, plan.student)


def _refused(source: Source, executed: NotebookNode) -> str:
    """The id of the first check cell that does not show its exercise as passed; empty if none."""
    for cell, run in zip(source.cells, executed.cells, strict=True):
        if "check" in cell.tags and f"{source.exercise_id(cell)}: passed" not in str(run.outputs):
            return cell.id
    return ""


def _compare(plan: Plan) -> Iterator[str]:
    stem = plan.source.stem
    if not plan.executed_file.exists():
        yield f"solutions/{stem}.ipynb: missing; run `course build {stem}`"
    elif difference := _difference(nbformat.read(plan.executed_file, 4), plan.solution):
        yield f"solutions/{stem}.ipynb: {difference}; run `course build {stem}`"
    if not plan.student_file.exists():
        yield f"notebooks/{stem}.ipynb: missing; run `course build {stem}`"
    elif _text(plan.student_file) != plan.student:
        yield f"notebooks/{stem}.ipynb: out of step with its source; run `course build {stem}`"


def _difference(executed: NotebookNode, expected: NotebookNode) -> str:
    """Where an executed notebook leaves what its source gives; empty if nowhere."""
    found = notebooks.without_results(executed)
    if [cell.id for cell in found.cells] != [cell.id for cell in expected.cells]:
        return "other cells"
    for cell, other, run in zip(found.cells, expected.cells, executed.cells, strict=True):
        if cell != other:
            return f'cell "{cell.id}" differs'
        if cell.cell_type == "code" and cell.source and run.execution_count is None:
            return f'cell "{cell.id}" was not run'
    return "" if found == expected else "other metadata"


def _shared(root: Path, paths: list[Path]) -> Iterator[tuple[Path, str]]:
    """The generated files that are about the whole course, and what they should hold."""
    sources = []
    for path in paths:
        with contextlib.suppress(SourceError):
            sources.append(read(path))
    yield root / "notebooks" / "README.md", overview.course_map(sources)
    readme = root / "README.md"
    badge = bootstrap.badge(bootstrap.address(root), paths[0].stem) if paths else ""
    yield readme, bootstrap.with_badge(_text(readme), badge)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _write(path: Path, text: str) -> None:
    """Writes the file whole or leaves it as it was."""
    if _text(path) == text:
        return
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(text.encode())
    os.replace(part, path)

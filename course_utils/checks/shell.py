"""What ``course check`` does: list the exercises, or check a notebook as a grader would."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.checks import bank
from course_utils.checks.bank import Exercise

CELL_SECONDS = 300
MARK = "course-check-report:"


class NotebookError(Exception):
    """The notebook cannot be checked; the message is one sentence."""


@dataclass(frozen=True)
class Outcome:
    """What became of one exercise: ``text`` to print, and whether it passed."""

    passed: bool
    text: str


def list_exercises() -> int:
    """Print a line for each exercise; the exit status is 0."""
    ids = max(map(len, bank.EXERCISES))
    for exercise in bank.EXERCISES.values():
        place = f"notebook {exercise.notebook}, cell {exercise.cell}"
        print(f"{exercise.id:{ids}} {exercise.points:2} points  {place:46} {exercise.signature}")
    return 0


def check_notebook(path: str | Path) -> int:
    """Run the setup and exercise cells in a clean kernel, check each exercise, print a table.

    The file is only read. The exit status is 0 if every exercise passed, 1 if one did not, 2 if
    the notebook cannot be checked.
    """
    try:
        notebook = _read(Path(path))
        exercises = _exercises(notebook, Path(path))
        executed = _execute(_graded_copy(notebook, exercises), Path(path).resolve().parent)
    except NotebookError as error:
        print(f"course check: {error}", file=sys.stderr)
        return 2
    outcomes = [_outcome(executed, exercise, notebook) for exercise in exercises]
    for outcome in outcomes:
        print(outcome.text)
    solved = sum(outcome.passed for outcome in outcomes)
    print(f"{solved} of {len(outcomes)} exercises passed")
    return 0 if solved == len(outcomes) else 1


def _read(path: Path) -> NotebookNode:
    if not path.is_file():
        raise NotebookError(f"there is no file {path}; give the path of a notebook.")
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
    except Exception as error:
        raise NotebookError(
            f"{path} is no notebook that can be read ({type(error).__name__}); open it in "
            "JupyterLab and save it, or begin with a fresh copy."
        ) from error
    return notebook


def _exercises(notebook: NotebookNode, path: Path) -> list[Exercise]:
    """The exercises whose cells are in the notebook, in the order of its cells."""
    cells = [_id(cell) for cell in _tagged(notebook, "exercise")]
    known = {e.cell: e for e in bank.EXERCISES.values() if e.notebook == _topic(cells, path)}
    found = [known[cell] for cell in cells if cell in known]
    if not found:
        raise NotebookError(f"{path} has none of the course's exercise cells.")
    return found


def _topic(cells: list[str], path: Path) -> str:
    """The course's name of the notebook: its file's, else that of the most exercises in it."""
    names = {exercise.notebook for exercise in bank.EXERCISES.values()}
    if path.stem in names:
        return path.stem
    return max(
        sorted(names),
        key=lambda name: sum(
            e.cell in cells for e in bank.EXERCISES.values() if e.notebook == name
        ),
    )


def _tagged(notebook: NotebookNode, *tags: str) -> list[NotebookNode]:
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and set(tags) & set(cell.metadata.get("tags", []))
    ]


def _id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id", "")


def _graded_copy(notebook: NotebookNode, exercises: list[Exercise]) -> NotebookNode:
    """Setup and exercise cells alone, each exercise followed by a cell that checks it."""
    by_cell = {exercise.cell: exercise for exercise in exercises}
    cells = []
    for cell in _tagged(notebook, "setup", "exercise"):
        cells.append(nbformat.v4.new_code_cell(cell.source, id=cell.get("id") or "cell"))
        if _id(cell) in by_cell:
            cells.append(_checking_cell(by_cell[_id(cell)]))
    return nbformat.v4.new_notebook(cells=cells)


def _checking_cell(exercise: Exercise) -> NotebookNode:
    source = (
        "import course_utils.checks.shell as _course_shell\n"
        f"{exercise.answer} = _course_shell.report_in_kernel({exercise.id!r}, globals())"
    )
    return nbformat.v4.new_code_cell(source, id=f"check-{exercise.cell}"[:64])


def report_in_kernel(id: str, names: dict) -> object:
    """Check the answer among the names, print its report as one marked line of JSON, and give
    back the answer if it passed, else the course's version. For ``check_notebook`` alone."""
    from course_utils import checks

    exercise = bank.find(id)
    if exercise.answer not in names:
        found = {"passed": False, "text": f"{id}: the cell defines no {exercise.answer}"}
        print(MARK + json.dumps(found))
        return checks.reference(id)
    report = checks.run(id, names[exercise.answer])
    print(MARK + json.dumps({"passed": report.passed, "text": str(report)}))
    return names[exercise.answer] if report.passed else checks.reference(id)


def _execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        allow_errors=True,
        extra_arguments=["--IPKernelApp.log_level=40"],  # no warnings of the kernel's own
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        return client.execute()
    except CellTimeoutError as error:
        raise NotebookError(
            f"a setup or exercise cell runs for more than {CELL_SECONDS} seconds before anything "
            "is checked; look for a loop outside the functions."
        ) from error
    except DeadKernelError as error:
        raise NotebookError(
            "the kernel died while the cells ran; look for exit() or too much memory."
        ) from error


def _outcome(executed: NotebookNode, exercise: Exercise, notebook: NotebookNode) -> Outcome:
    cells = {cell.id: cell for cell in executed.cells}
    own = next(cell for cell in _tagged(notebook, "exercise") if _id(cell) == exercise.cell)
    raised = _error(cells.get(own.get("id") or "cell"))
    report = _report(cells[f"check-{exercise.cell}"[:64]])
    text = report["text"]
    if raised:
        text = f"{exercise.id}: the exercise cell raises {raised}"
    hints = "".join(f"\n  {hint}" for hint in _helpers(f"{raised} {text}", exercise, notebook))
    return Outcome(report["passed"] and not raised, text + hints)


def _error(cell: NotebookNode | None) -> str:
    for output in cell.outputs if cell else []:
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}"
    return ""


def _report(cell: NotebookNode) -> dict:
    for output in cell.outputs:
        for line in output.get("text", "").splitlines():
            if line.startswith(MARK):
                return json.loads(line.removeprefix(MARK))
    return {"passed": False, "text": f"the check itself failed: {_error(cell) or 'no report'}"}


def _helpers(text: str, exercise: Exercise, notebook: NotebookNode) -> Iterator[str]:
    """A sentence for each undefined name that another cell of the notebook defines."""
    ran = {_id(cell) for cell in _tagged(notebook, "setup", "exercise")}
    for name in sorted(set(re.findall(r"name '(\w+)' is not defined", text))):
        for number, cell in enumerate(notebook.cells, start=1):
            if cell.cell_type == "code" and _id(cell) not in ran and name in _defined(cell.source):
                yield (
                    f"{name} is defined in cell {number} ({_id(cell)}), outside the exercise "
                    f"cells; a grader does not run that cell: move it into cell {exercise.cell}."
                )
                break


def _defined(source: str) -> set[str]:
    """The names that a cell binds at its top level or deeper."""
    try:
        nodes = list(ast.walk(ast.parse(_without_magics(source))))
    except SyntaxError:
        return set()
    names = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    names |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return names


def _without_magics(source: str) -> str:
    return "\n".join("" if line.startswith(("%", "!")) else line for line in source.splitlines())

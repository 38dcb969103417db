"""The two notebooks of a source: the solution notebook, and the student notebook made from it.

Cells carry nbgrader's metadata (schema 3), so that both open in its Create Assignment view; the
student notebook is made by nbgrader's own preprocessors.
"""

import copy

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)

from course_utils.authoring import bootstrap, rules
from course_utils.authoring.source import Cell, Source

_KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def solution(source: Source, known: dict[str, rules.Exercise], address: str | None) -> NotebookNode:
    """The solution notebook, not yet executed."""
    cells = [_cell(source, cell, known) for cell in source.cells]
    next(cell for cell in cells if cell.cell_type == "code").source = bootstrap.cell_source(address)
    if badge := bootstrap.badge(address, source.stem):
        heading, _, text = cells[0].source.partition("\n")
        cells[0].source = f"{heading}\n\n{badge}\n{text}"
    metadata = {**_KERNEL, "course": {"source_sha256": source.sha256}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _cell(source: Source, cell: Cell, known: dict[str, rules.Exercise]) -> NotebookNode:
    metadata: dict = {"tags": cell.tags} if cell.tags else {}
    if "exercise" in cell.tags:
        metadata["nbgrader"] = _grading(cell.id, solution=True)
    if "check" in cell.tags:
        points = known[source.exercise_id(cell)].points
        metadata["nbgrader"] = _grading(cell.id, grade=True, locked=True, points=points)
    new = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    return new[cell.kind](cell.source, id=cell.id, metadata=metadata)


def _grading(id: str, **marks) -> dict:
    unmarked = {"grade": False, "locked": False, "solution": False, "task": False}
    return {"schema_version": 3, "grade_id": id, **unmarked, **marks}


def student(source: Source, solution: NotebookNode) -> NotebookNode:
    """The student notebook: stubs in place of solutions, check cells locked, no outputs."""
    notebook = copy.deepcopy(solution)
    del notebook.metadata["course"]
    for index, (cell, origin) in enumerate(zip(notebook.cells, source.cells, strict=True)):
        if "exercise" in origin.tags:
            stub = f'raise NotImplementedError("exercise {source.exercise_id(origin)}: your code")'
            clear = ClearSolutions(code_stub={"python": stub})
            clear.preprocess_cell(cell, {"language": "python"}, index)
            kept = [line for line in cell.source.splitlines() if line.strip() != stub]
            assert kept == _outside_marks(origin.source), f"{source.path}: stub of {origin.id}"
    for step in (LockCells, ClearHiddenTests, ComputeChecksums, CheckCellMetadata):
        notebook, _ = step().preprocess(notebook, {})
    return notebook


def _outside_marks(code: str) -> list[str]:
    kept, inside = [], False
    for line in code.splitlines():
        inside = inside or line.strip() == rules.BEGIN
        if not inside:
            kept.append(line)
        inside = inside and line.strip() != rules.END
    return kept


def without_results(executed: NotebookNode) -> NotebookNode:
    """The notebook as it was before its execution."""
    notebook = copy.deepcopy(executed)
    notebook.metadata.get("course", {}).pop("weights_sha256", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def dumps(notebook: NotebookNode) -> str:
    """The notebook as the text of a file; the same notebook gives the same text."""
    return nbformat.writes(notebook) + "\n"

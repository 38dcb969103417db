"""The student notebooks as they are handed out: run unsolved, and small."""

from pathlib import Path

import nbformat
import pytest

from course_utils.authoring import execution

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.mark.notebook
@every_notebook
def test_an_unsolved_notebook_runs_to_its_end(path):
    notebook = nbformat.read(path, as_version=4)
    execution.execute(notebook, path.parent)
    checks = [cell for cell in notebook.cells if "check" in cell.metadata.get("tags", [])]
    assert all("not attempted" in str(cell.outputs) for cell in checks)


@every_notebook
def test_a_student_notebook_has_no_outputs_and_under_200_kB(path):
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert path.stat().st_size < 200_000

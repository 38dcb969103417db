"""What nbval compares in the executed solutions, and that a changed output fails there.

Instead of running the models again, a notebook is made whose cells repeat the stored outputs:
nbval, with the course's options, must accept them as they stand and refuse them once changed.
"""

import copy
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

REPO = Path(__file__).parents[1]
SANITIZE = REPO / "tests" / "nbval_sanitize.cfg"
PICTURE = '<img alt="a peak of 0.7" data-state="t=1" src="data:image/png;base64,iVBORw0K">'


def shown(**data: str) -> NotebookNode:
    return new_output("display_data", {key.replace("_", "/"): text for key, text in data.items()})


TEXT = new_output("stream", name="stdout", text="the answer is 42\n")
EXAMPLE = new_notebook(
    cells=[
        new_code_cell("", execution_count=1, outputs=[TEXT]),
        new_code_cell("", execution_count=2, outputs=[shown(text_plain="{'shape': (2, 3)}")]),
        new_code_cell("", execution_count=3, outputs=[shown(text_html=PICTURE), TEXT]),
        new_code_cell(
            "", execution_count=4, outputs=[shown(text_html="<b>passed</b>", text_plain="passed")]
        ),
    ]
)
SOLUTIONS = [
    pytest.param(nbformat.read(path, as_version=4), id=path.stem)
    for path in sorted(REPO.glob("solutions/*.ipynb"))
]
every_notebook = pytest.mark.parametrize(
    "notebook", [pytest.param(EXAMPLE, id="example"), *SOLUTIONS]
)


def compared(output: NotebookNode) -> str:
    """The text of an output that nbval compares; a picture has none, its alt text aside."""
    if output.output_type == "stream":
        return output.text.strip()
    data = output.get("data", {})
    if "text/html" in data:
        return re.sub(r"<[^>]*>", "", data["text/html"]).strip()
    if any(kind.startswith("image/") for kind in data):
        return ""
    plain = data.get("text/plain", "")
    return "" if plain.startswith("<") else plain.strip()


def producing(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.get("outputs")]


def is_compared(cell: NotebookNode) -> bool:
    return any(compared(output) for output in cell.outputs)


@pytest.mark.parametrize(
    "output, text",
    [
        (TEXT, "the answer is 42"),
        (shown(text_html=PICTURE, text_plain="a peak of 0.7"), ""),
        (shown(image_png="iVBORw0K", text_plain="<Figure size 640x480 with 1 Axes>"), ""),
        (shown(text_plain="<function f at 0x7f>"), ""),
        (shown(text_html=f"<p>a peak of 0.7</p>{PICTURE}"), "a peak of 0.7"),
        (shown(text_plain="tensor([1, 2])"), "tensor([1, 2])"),
    ],
)
def test_a_picture_alone_does_not_count_as_compared(output, text):
    assert compared(output) == text


@every_notebook
def test_nine_in_ten_of_the_cells_that_show_something_are_compared(notebook):
    cells = producing(notebook)
    pictures_alone = [cell.id for cell in cells if not is_compared(cell)]
    assert len(pictures_alone) <= 0.1 * len(cells), pictures_alone


@every_notebook
def test_every_code_cell_was_run(notebook):
    """nbval compares nothing in a cell without an execution count."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.execution_count is None] == []


# nbval itself


def repeating(cell: NotebookNode) -> NotebookNode:
    """A cell whose code gives the outputs that are stored with `cell`."""
    lines = ["import sys", "from IPython.display import publish_display_data"]
    for output in cell.outputs:
        if output.output_type == "stream":
            lines.append(f"_ = sys.{output.name}.write({output.text!r})")
        else:
            lines.append(f"publish_display_data({dict(output.data)!r})")
    return new_code_cell("\n".join(lines), execution_count=1, outputs=copy.deepcopy(cell.outputs))


def texts(output: NotebookNode) -> dict[str, str]:
    """The texts of an output by their place in it."""
    if output.output_type == "stream":
        return {"text": output.text}
    return {kind: text for kind, text in output.data.items() if kind.startswith("text/")}


def changed(text: str) -> str:
    """`text` with one digit changed or, where it has none, one word; tags and pictures stay."""
    spans = [m.span() for m in re.finditer(r"\d|[^\W\d_]+", text)]
    outside = [(a, b) for a, b in spans if not re.search(r"<[^>]*$", text[:a])]
    digits = [(a, b) for a, b in outside if text[a].isdigit()]
    if not outside:
        return text
    start, end = (digits or outside)[len(digits or outside) // 2]
    other = str((int(text[start]) + 1) % 10) if digits else "other"
    return text[:start] + other + text[end:]


def with_changes(cell: NotebookNode) -> list[NotebookNode]:
    """Copies of a repeating cell, each with one stored text changed."""
    copies = []
    for index, output in enumerate(cell.outputs):
        for place, text in texts(output).items():
            if (other := changed(text)) != text:
                copies.append(copy.deepcopy(cell))
                stored = copies[-1].outputs[index]
                (stored if place == "text" else stored.data)[place] = other
    return copies


def nbval(cells: list[NotebookNode], folder: Path) -> list[bool]:
    """For each cell, whether nbval accepts it."""
    path, report = folder / "repeated.ipynb", folder / "report.xml"
    for index, cell in enumerate(cells):
        cell.id = f"cell-{index}"
    nbformat.write(new_notebook(cells=cells), path)
    options = ["--nbval", "--nbval-sanitize-with", SANITIZE, "--nbval-cell-timeout", "120"]
    command = [sys.executable, "-m", "pytest", "-q", *options, f"--junitxml={report}", path]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert report.exists(), done.stdout + done.stderr
    cases = ElementTree.parse(report).iter("testcase")
    return [not list(case) for case in cases]


@every_notebook
def test_a_changed_or_missing_output_fails(notebook, tmp_path):
    cells, accepted = [], []
    for cell in map(repeating, producing(notebook)):
        silent = new_code_cell(cell.source, execution_count=1)
        changes = with_changes(cell)
        cells += [cell, silent, *changes]
        accepted += [True, False, *(False for _ in changes)]
        assert changes or not is_compared(cell)
    assert nbval(cells, tmp_path) == accepted


def test_the_bytes_of_a_picture_are_not_compared(tmp_path):
    cell = repeating(EXAMPLE.cells[2])
    cell.outputs[0].data["text/html"] = PICTURE.replace("iVBORw0K", "R0lGODlh")
    other_alt = copy.deepcopy(cell)
    other_alt.outputs[0].data["text/html"] = PICTURE.replace("0.7", "0.8")
    assert nbval([cell, other_alt], tmp_path) == [True, False]

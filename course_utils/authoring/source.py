"""A notebook's source: a jupytext py:percent file, read into cells that know their lines."""

import ast
import hashlib
import re
from dataclasses import dataclass
from itertools import chain, count, pairwise
from pathlib import Path

import jupytext
from nbformat import NotebookNode

MARKER = re.compile(r"# %%( |$)")
_LAYOUT = {"lines_to_next_cell", "cell_marker"}  # jupytext's notes on the file's layout


@dataclass(frozen=True)
class Problem:
    """What is wrong with a source, and where."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class SourceError(ValueError):
    """A source that no notebook can be made from; `problems` says why, one line each."""

    def __init__(self, *problems: Problem):
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Cell:
    """A cell of a source. `line` is the number of its marker; `lines` are those below it."""

    id: str
    kind: str
    metadata: dict
    source: str
    line: int
    lines: tuple[str, ...]

    @property
    def tags(self) -> list[str]:
        return self.metadata.get("tags", [])

    @property
    def tree(self) -> ast.Module:
        """The code; its nodes' `lineno` are the file's. Raises SyntaxError."""
        return ast.increment_lineno(ast.parse("\n".join(self.lines)), self.line)

    def find(self, pattern: str) -> int:
        """The file's line of the first match of `pattern`, or that of the cell's marker."""
        matches = (i for i, line in enumerate(self.lines, 1) if re.search(pattern, line))
        return self.line + next(matches, 0)


@dataclass(frozen=True)
class Source:
    """A source file: ``solutions/02_kv_cache.py`` has stem "02_kv_cache" and topic "kv_cache"."""

    path: str
    sha256: str
    cells: tuple[Cell, ...]

    @property
    def stem(self) -> str:
        return Path(self.path).stem

    @property
    def topic(self) -> str:
        return self.stem.partition("_")[2]

    def exercise_id(self, cell: Cell) -> str:
        """The id by which the checks know the exercise of an exercise or check cell."""
        return f"{self.topic}.{cell.id.removesuffix('-check').replace('-', '_')}"


def read(path: Path) -> Source:
    """Read a source. Raises SourceError if it is not a sequence of cells."""
    name = f"{path.parent.name}/{path.name}"
    data = path.read_bytes()
    text = data.decode()
    if not MARKER.match(text):
        raise SourceError(Problem(name, 1, "a source begins with a cell, `# %% [markdown]`"))
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if MARKER.match(line)]
    cells = jupytext.reads(text, fmt="py:percent").cells
    if len(cells) != len(starts):
        raise SourceError(Problem(name, 1, "a line `# %%` stands inside a string: take it out"))
    return Source(
        name,
        hashlib.sha256(data).hexdigest(),
        tuple(
            Cell(
                id,
                cell.cell_type,
                {k: v for k, v in cell.metadata.items() if k not in _LAYOUT},
                cell.source,
                start + 1,
                tuple(lines[start + 1 : end]),
            )
            for cell, id, (start, end) in zip(
                cells, _ids(cells), pairwise([*starts, len(lines)]), strict=True
            )
        ),
    )


def _ids(cells: list[NotebookNode]) -> list[str]:
    """Ids in the order of the cells. A text without one is named after the code below it."""
    ids: list[str] = []
    for i, cell in enumerate(cells):
        id = cell.metadata.get("id", "")
        if cell.cell_type == "markdown" and not id:
            below = (c.metadata.get("id", "") for c in cells[i:] if c.cell_type == "code")
            name = f"{next(below, '') or 'end'}-text"
            id = next(n for n in chain([name], (f"{name}-{k}" for k in count(2))) if n not in ids)
        ids.append(id)
    return ids

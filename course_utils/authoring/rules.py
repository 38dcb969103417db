"""What a source must keep to, so that both notebooks can be made from it."""

import ast
import io
import math
import re
import tokenize
from collections.abc import Iterator
from typing import Protocol

from course_utils.authoring import headers
from course_utils.authoring.source import Cell, Problem, Source

TAGS = ("setup", "exercise", "check")
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
MAX_CELLS = 60
MAX_EXERCISES = 8
MAX_CODE_LINES = 25  # 90th percentile
MAX_LINE = 100  # in code, as the linter has it for the notebooks
MAX_WORDS = 4000  # outside <details>
MAX_STUDENT_BYTES = 200_000

Found = Iterator[tuple[int, str]]


class Exercise(Protocol):
    """What the build asks of an exercise: where it stands, the name it binds, its points."""

    notebook: str
    cell: str
    answer: str
    points: int


def bank() -> dict[str, Exercise]:
    """The exercises that the checks know, by id."""
    from course_utils import checks

    return {exercise.id: exercise for exercise in checks.exercises()}


def problems(source: Source, known: dict[str, Exercise]) -> list[Problem]:
    """What is wrong with `source`, by line. Exercises are looked at once their cells are sound."""
    found = [*_cells(source), *_limits(source), *_long_lines(source), *_codes(source)]
    found = found or _exercises(source, known)
    return [Problem(source.path, line, message) for line, message in sorted(found)]


def _cells(source: Source) -> Found:
    seen: dict[str, int] = {}
    for cell in source.cells:
        if cell.kind not in ("code", "markdown"):
            yield cell.line, f"a {cell.kind} cell: only code and markdown are known"
        if unknown := cell.metadata.keys() - {"id", "tags"}:
            yield cell.line, f"unknown metadata {', '.join(sorted(unknown))}: only id and tags are"
        if cell.kind == "code" and not cell.id:
            yield cell.line, 'a code cell without an id: write `# %% id="…"`'
        given = cell.metadata.get("id", "a")
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", given) or len(given) > 50:
            yield cell.line, f'id "{given}": expected lower-case words, hyphens, 50 characters'
        if cell.id in seen:
            yield cell.line, f'duplicate id "{cell.id}": line {seen[cell.id]} has it already'
        if cell.id:
            seen.setdefault(cell.id, cell.line)
        for tag in cell.tags:
            if tag not in TAGS:
                yield cell.line, f'unknown tag "{tag}": the tags are {", ".join(TAGS)}'
        if len(cell.tags) > 1:
            yield cell.line, f"{len(cell.tags)} tags: a cell has at most one"
    if headers.title(source) is None:
        yield 1, 'the title cell needs "# Title", "N minutes" and a list "you will be able to"'
    first = next((cell for cell in source.cells if cell.kind == "code"), source.cells[0])
    if (first.id, first.tags) != ("bootstrap", ["setup"]):
        yield first.line, 'the first code cell must be `# %% id="bootstrap" tags=["setup"]`'
    elif first.source:
        yield first.line, "the build writes the text of this cell: leave it empty"


def _limits(source: Source) -> Found:
    exercises = [cell for cell in source.cells if "exercise" in cell.tags]
    code = sorted((len(c.source.splitlines()), c.line) for c in source.cells if c.kind == "code")
    text = [(_words(cell.source), cell.line) for cell in source.cells if cell.kind == "markdown"]
    if len(source.cells) > MAX_CELLS:
        yield source.cells[MAX_CELLS].line, f"{len(source.cells)} cells: at most {MAX_CELLS}"
    if len(exercises) > MAX_EXERCISES:
        yield exercises[MAX_EXERCISES].line, f"{len(exercises)} exercises: at most {MAX_EXERCISES}"
    length, line = code[math.ceil(0.9 * len(code)) - 1] if code else (0, 1)
    if length > MAX_CODE_LINES:
        yield line, f"code cells of {length} lines (90th percentile): at most {MAX_CODE_LINES}"
    if (words := sum(count for count, _ in text)) > MAX_WORDS:
        yield max(text)[1], f"{words} words outside <details>: at most {MAX_WORDS}"


def _long_lines(source: Source) -> Found:
    for cell in source.cells:
        for number, line in enumerate(cell.lines, start=1):
            if cell.kind == "code" and len(line) > MAX_LINE:
                yield cell.line + number, f"a line of {len(line)} characters: at most {MAX_LINE}"


def _words(markdown: str) -> int:
    """Words outside <details>, which may be nested."""
    innermost = re.compile(r"<details\b(?:(?!<details\b).)*?</details>", re.DOTALL)
    while innermost.search(markdown):
        markdown = innermost.sub("", markdown)
    return len(markdown.split())


def _codes(source: Source) -> Found:
    for cell in source.cells:
        if cell.kind == "code":
            try:
                tree = cell.tree
            except SyntaxError as error:
                yield cell.line + (error.lineno or 0), f"not Python: {error.msg}"
            else:
                yield from _tokens(cell)
                yield from _marks(cell, tree)


def _tokens(cell: Cell) -> Found:
    text = io.StringIO("\n".join(cell.lines) + "\n")
    tokens = list(tokenize.generate_tokens(text.readline))
    for token, after in zip(tokens, tokens[1:], strict=False):
        line = cell.line + token.start[0]
        if token.string == ";" and after.type in (tokenize.NEWLINE, tokenize.COMMENT):
            yield line, "a trailing `;` fails under nbval: bind the value to a name instead"
        if token.type == tokenize.COMMENT and "NBVAL_" in token.string:
            yield line, "a comment to nbval: every output is compared"


def _marks(cell: Cell, tree: ast.Module) -> Found:
    opened = 0
    for number, line in enumerate(cell.lines, cell.line + 1):
        mark = line.strip()
        if "BEGIN SOLUTION" not in mark and "END SOLUTION" not in mark:
            continue
        if mark not in (BEGIN, END):
            yield number, f"unknown mark: expected `{BEGIN}` or `{END}`"
        elif "exercise" not in cell.tags:
            yield number, 'a solution outside an exercise: tag the cell "exercise"'
            return
        elif mark == END and not opened:
            yield number, f"`{END}` without `{BEGIN}`"
        elif mark == END:
            opened = 0
        elif opened:
            yield number, f"nested marks: the solution of line {opened} has not ended"
        else:
            opened = number
            if not _in_function(number, tree):
                yield number, "marks outside a function: their stub would stop the notebook"
    if opened:
        yield opened, f"unclosed marks: `{END}` is missing"


def _in_function(line: int, tree: ast.Module) -> bool:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return any(node.lineno < line <= node.end_lineno for node in functions)


def _exercises(source: Source, known: dict[str, Exercise]) -> Found:
    checks = {cell.id: cell for cell in source.cells if "check" in cell.tags}
    for cell in source.cells:
        if "exercise" in cell.tags:
            id, check = source.exercise_id(cell), checks.pop(f"{cell.id}-check", None)
            if id not in known:
                yield cell.line, f"course_utils.checks knows no exercise {id}"
                continue
            yield from _exercise(source, cell, known[id])
            if check is None or check.line < cell.line:
                yield cell.line, f'an exercise without a check: no "{cell.id}-check" below it'
            else:
                yield from _check(check, id, known[id].answer)
    for check in checks.values():
        yield check.line, 'a check without an exercise: its id is that of one, then "-check"'


def _exercise(source: Source, cell: Cell, known: Exercise) -> Found:
    """It is where the checks expect it, its header adds up, and its answer holds the marks."""
    if (known.notebook, known.cell) != (source.stem, cell.id):
        yield cell.line, f"course_utils.checks expects it in {known.notebook}, cell {known.cell}"
    header = headers.header(source, cell)
    if header is None:
        yield cell.line, 'no header "●●○○○ · 20 minutes · 4 points" above the exercise'
    elif header.points != known.points:
        yield header.line, f"{header.points} points, but its cases add up to {known.points}"
    marks = [n for n, line in enumerate(cell.lines, cell.line + 1) if line.strip() == BEGIN]
    node = _binding(cell, known.answer)
    if node is None:
        yield cell.line, f"the exercise does not bind {known.answer}"
    elif not any(node.lineno <= mark <= node.end_lineno for mark in marks):
        yield node.lineno, f"a solution outside marks: {known.answer} holds no `{BEGIN}`"


def _binding(cell: Cell, name: str) -> ast.stmt | None:
    """The last statement at the top level of a cell that defines `name`."""
    kinds = ast.FunctionDef | ast.ClassDef
    nodes = [node for node in cell.tree.body if isinstance(node, kinds) and node.name == name]
    return nodes[-1] if nodes else None


def _check(cell: Cell, id: str, answer: str) -> Found:
    expected = [f"check({id!r}, {answer})", f"{answer} = mine_or_reference({id!r}, {answer})"]
    if [ast.unparse(statement) for statement in cell.tree.body] != expected:
        lines = " and ".join(f"`{line}`" for line in expected).replace("'", '"')
        yield cell.line, f"a check cell is {lines}"

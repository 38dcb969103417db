"""The folder that the sandbox sees as the course: no judge, no bank, no reference of an exercise.

A module that holds references is withheld. Where setup cells, probes or other modules import names
from it, it holds those and what they stand on, and nothing else.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterable
from pathlib import Path

import course_utils
from course_utils.checks.bank import Exercise

PACKAGE = Path(course_utils.__file__).parent
OUTSIDE = {"authoring", "checks", "cli.py", "doctor.py", "grading", "lab.py", "lab_config"}


def build(
    folder: Path, exercises: Iterable[Exercise], setup: Iterable[str], probes: Path | None = None
) -> None:
    """Fill an empty folder with the package as a submission may see it.

    ``setup`` are the sources of the release's setup cells; ``probes`` is a folder with the probes
    of an instructor's own bank.
    """
    inside = folder / "course_utils"
    inside.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for entry in PACKAGE.iterdir():
        if entry.name in OUTSIDE or entry.name == "__pycache__":
            continue
        if entry.is_dir():
            shutil.copytree(entry, inside / entry.name, ignore=ignored)
        elif entry.suffix == ".py":
            shutil.copy(entry, inside / entry.name)
    shutil.copytree(PACKAGE / "checks" / "probes", inside / "checks" / "probes", ignore=ignored)
    if probes:
        shutil.copytree(probes, inside / "checks" / "probes", ignore=ignored, dirs_exist_ok=True)
    shutil.copytree(PACKAGE / "grading" / "inside", inside / "grading" / "inside", ignore=ignored)
    (inside / "grading" / "__init__.py").touch()
    (inside / "grading" / "inside" / "checks.py").rename(inside / "checks" / "__init__.py")
    _withhold(folder, list(exercises), list(setup))
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def _withhold(folder: Path, exercises: list[Exercise], setup: list[str]) -> None:
    withheld: dict[str, set[str]] = {}
    for exercise in exercises:
        module, _, name = exercise.reference.rpartition(".")
        withheld.setdefault(module, set()).update((name, *exercise.withheld))
    files = {_module(path, folder): path for path in folder.rglob("*.py")}
    for module, names in withheld.items():
        if module not in files:
            continue
        others = [(name, path.read_text()) for name, path in files.items() if name != module]
        wanted = set().union(*(imported(text, name, module) for name, text in others))
        wanted |= set().union(*(imported(text, "", module) for text in setup))
        path = files[module]
        text = excerpt(path.read_text(), wanted, names)
        if text:
            path.write_text(text)
        else:
            path.unlink()


def _module(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def imported(source: str, own: str, module: str) -> set[str]:
    """The names that a source, itself the module ``own``, imports from a module."""
    package, _, stem = module.rpartition(".")
    names: set[str] = set()
    nodes = [node for node in _nodes(source) if isinstance(node, ast.ImportFrom)]
    for node in nodes:
        above = own.split(".")[: -node.level] if node.level else []
        origin = ".".join([*above, *([node.module] if node.module else [])])
        if origin == module:
            names |= {alias.name for alias in node.names}
        elif origin == package and stem in {alias.name for alias in node.names}:
            names |= {n.attr for n in _nodes(source) if _is_attribute_of(n, stem)}
    return names


def _nodes(source: str) -> list[ast.AST]:
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    try:
        return list(ast.walk(ast.parse("\n".join(lines))))
    except SyntaxError:
        return list(ast.walk(ast.parse("")))


def _is_attribute_of(node: ast.AST, name: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    )


def excerpt(source: str, wanted: set[str], withheld: set[str]) -> str:
    """The part of a module that binds the wanted names and what they stand on; "" if none.

    A withheld name that they stand on is there and raises NotImplementedError.
    """
    tree = ast.parse(source)
    bindings = {name: node for node in tree.body for name in _bound(node)}
    kept: set[str] = set()
    todo = wanted & bindings.keys()
    while todo:
        kept |= todo
        todo = set().union(*(_used(bindings[name]) for name in todo - withheld))
        todo = (todo & bindings.keys()) - kept
    if not kept:
        return ""
    lines = []
    for node in tree.body:
        names = set(_bound(node))
        if names & kept & withheld:
            lines += [_closed(name) for name in sorted(names & kept & withheld)]
        elif not names or names & kept:
            lines.append(ast.unparse(node))
    return "\n\n".join(lines) + "\n"


def stands_on(source: str, name: str, others: set[str]) -> bool:
    """Whether the excerpt for a name would hold one of the other names."""
    text = excerpt(source, {name}, set())
    return any(others & set(_bound(node)) for node in ast.parse(text).body)


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement at the top level binds, but for imports."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    return []


def _used(node: ast.stmt) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _closed(name: str) -> str:
    return f'def {name}(*args, **kwargs):\n    raise NotImplementedError("{name} is withheld")'

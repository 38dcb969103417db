"""What in a cell a human should look at: it changes no mark."""

from __future__ import annotations

import ast

MODULES = {
    "_thread",
    "builtins",
    "ctypes",
    "gc",
    "importlib",
    "inspect",
    "mmap",
    "multiprocessing",
    "os",
    "pickle",
    "resource",
    "signal",
    "socket",
    "subprocess",
    "sys",
    "threading",
}
COURSE = ("course_utils.checks", "course_utils.grading")
CALLS = {"__import__", "compile", "eval", "exec", "globals", "setattr", "vars"}
ATTRIBUTES = {"__builtins__", "__class__", "__code__", "__globals__", "__subclasses__", "f_back"}


def find(source: str) -> list[str]:
    """Sentences on imports and names that no exercise needs; none for code that does not parse."""
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    try:
        nodes = list(ast.walk(ast.parse("\n".join(lines))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    imports = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imports.add(node.module)
    calls = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    attributes = {n.attr for n in nodes if isinstance(n, ast.Attribute)}
    odd = {name for name in imports if name.split(".")[0] in MODULES or name.startswith(COURSE)}
    found = [
        ("imports", odd),
        ("calls", calls & CALLS),
        ("uses", attributes & ATTRIBUTES),
        ("assigns to", _patched(nodes)),
    ]
    return [f"The cell {verb} {', '.join(sorted(names))}." for verb, names in found if names]


def _patched(nodes: list[ast.AST]) -> set[str]:
    """Attributes of imported modules that are assigned to."""
    modules = {
        (alias.asname or alias.name).split(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    } | {"torch", "nn"}
    targets = [t for n in nodes if isinstance(n, ast.Assign) for t in n.targets]
    return {
        ast.unparse(target)
        for target in targets
        if isinstance(target, ast.Attribute) and ast.unparse(target).split(".")[0] in modules
    }

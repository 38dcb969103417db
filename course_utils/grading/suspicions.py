"""What in a cell a human should look at: it changes no mark."""

from __future__ import annotations

import ast
from collections.abc import Iterator

LONGEST = 100_000  # characters; the sandbox takes no cell so long
MODULES = set(
    "_thread atexit builtins ctypes faulthandler gc importlib inspect marshal mmap multiprocessing "
    "os pickle pty resource select signal socket subprocess sys threading".split()
)
COURSE = ("course_utils.checks", "course_utils.grading")
CALLS = set("__import__ breakpoint compile delattr eval exec globals locals open vars".split())
HARMLESS = set(
    "__add__ __call__ __doc__ __enter__ __exit__ __file__ __getattr__ __getitem__ __init__ "
    "__iter__ __len__ __mul__ __name__ __new__ __next__ __post_init__ __repr__ __setitem__ "
    "__sub__ __version__".split()
)
ATTRIBUTES = {"_C", "as_strided", "f_back", "f_globals", "f_locals", "modules", "user_ns"} | MODULES
FOLDERS = ("/proc", "/dev", "/course", *COURSE)
ALWAYS_THERE = {"F", "math", "nn", "np", "numpy", "torch", "transformers"}


def find(source: str) -> list[str]:
    """Sentences on imports and names that no exercise needs; none for code that does not parse."""
    if len(source) > LONGEST:
        return []
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    try:
        return _found(list(ast.walk(ast.parse("\n".join(lines)))))
    except (SyntaxError, ValueError):
        return []
    except (RecursionError, MemoryError):
        return ["The cell is nested too deep to be read."]


def _found(nodes: list[ast.AST]) -> list[str]:
    imports = set(_imports(nodes))
    modules = {name.split(".")[0] for name, _ in imports} | ALWAYS_THERE
    modules |= {alias for _, alias in imports}
    named = {name for name, _ in imports}
    calls = [n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    attributes = {n.attr for n in nodes if isinstance(n, ast.Attribute)} - HARMLESS
    texts = {n.value for n in nodes if isinstance(n, ast.Constant) and type(n.value) is str}
    found = [
        ("imports", {n for n in named if n.split(".")[0] in MODULES or n.startswith(COURSE)}),
        ("calls", {n.func.id for n in calls} & CALLS),
        ("calls", {f"{n.func.id} on a module" for n in calls if _by_name(n, modules)}),
        ("uses", {n for n in attributes if n in ATTRIBUTES or n.startswith("__")}),
        ("names", {text for text in texts if text.startswith(FOLDERS) and len(text) < 100}),
        ("assigns to", _patched(nodes, modules)),
    ]
    return [f"The cell {verb} {', '.join(sorted(names))}." for verb, names in found if names]


def _imports(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """(module, the name that is bound)"""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((a.name, (a.asname or a.name).split(".")[0]) for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.asname or alias.name) for alias in node.names)
            yield from ((f"{node.module}.{a.name}", a.asname or a.name) for a in node.names)


def _by_name(call: ast.Call, modules: set[str]) -> bool:
    """getattr and setattr of a module, whatever the name."""
    first = call.args[0] if call.args else None
    return call.func.id in ("getattr", "setattr") and _root(first) in modules


def _root(node: ast.AST | None) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _patched(nodes: list[ast.AST], modules: set[str]) -> set[str]:
    """Attributes of imported modules and classes that are assigned to."""
    targets = [t for n in nodes if isinstance(n, ast.Assign) for t in n.targets]
    targets += [n.target for n in nodes if isinstance(n, ast.AugAssign | ast.AnnAssign)]
    return {
        ast.unparse(target)
        for target in targets
        if isinstance(target, ast.Attribute) and _root(target) in modules
    }

"""What in a cell a human should look at: it changes no mark."""

from __future__ import annotations

import ast
from collections.abc import Iterator

LONGEST = 100_000  # characters; the sandbox takes no cell so long
USUAL = set(
    "__future__ abc bisect bm25s collections contextlib copy course_utils dataclasses decimal "
    "einops enum faiss fractions functools hashlib heapq itertools jaxtyping json math matplotlib "
    "numbers numpy packaging pathlib platform random re scipy sentence_transformers sklearn "
    "statistics string tempfile time torch transformers typing warnings".split()
)
MODULES = set(
    "_thread atexit builtins ctypes faulthandler gc importlib inspect marshal mmap multiprocessing "
    "os pickle pty resource select signal socket subprocess sys threading".split()
)
COURSE = ("course_utils.checks", "course_utils.grading")
BUILTINS = set(
    "__builtins__ __import__ __loader__ __spec__ breakpoint compile delattr eval exec get_ipython "
    "globals importlib locals open sys vars".split()  # the first setup cell binds importlib, sys
)
HARMLESS = set(
    "__add__ __call__ __doc__ __enter__ __exit__ __file__ __getattr__ __getitem__ __init__ "
    "__iter__ __len__ __mul__ __name__ __new__ __next__ __post_init__ __repr__ __setitem__ "
    "__sub__ __version__".split()
)
ATTRIBUTES = {"_C", "as_strided", "f_back", "f_globals", "f_locals", "user_ns"} | MODULES
FOLDERS = ("/proc", "/dev", "/course", *COURSE)
ALWAYS_THERE = {"F", "math", "nn", "np", "numpy", "torch", "transformers"}
MAGICS = {"%matplotlib", "%%time"}


def find(source: str) -> list[str]:
    """Sentences on imports and names that no exercise needs, and on code that cannot be read."""
    if len(source) > LONGEST:
        return []
    lines = source.split("\n")
    magics = [line for line in lines if line.lstrip().startswith(("%", "!"))]
    for text in (source, "\n".join(line for line in lines if line not in magics)):
        try:
            found = _found(list(ast.walk(ast.parse(text))))
        except (SyntaxError, ValueError):
            continue
        except (RecursionError, MemoryError):
            return ["The cell is nested too deep to be read."]
        names = {line.split()[0] for line in magics} - MAGICS if text != source else set()
        return found + [f"The cell runs {', '.join(sorted(names))}."] * bool(names)
    return ["The cell is no plain Python."]


def _found(nodes: list[ast.AST]) -> list[str]:
    imports = set(_imports(nodes))
    named, bound = {name for name, _ in imports}, {alias for _, alias in imports}
    modules = {alias for node in nodes if isinstance(node, ast.Import) for alias in _bound(node)}
    modules |= ALWAYS_THERE
    theirs = modules | bound | set(_aliases(nodes, modules | bound))
    attributes = [n for n in nodes if isinstance(n, ast.Attribute)]
    of_attribute = {id(n.value) for n in attributes}
    calls = [n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    loaded = [n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    names = {n.attr for n in attributes} - HARMLESS
    hidden = {n.attr for n in attributes if n.attr.startswith("_") and _root(n) in theirs}
    texts = {n.value for n in nodes if isinstance(n, ast.Constant) and type(n.value) is str}
    found = [
        ("imports", {name for name in named if _is_unusual(name)}),
        ("uses", {n.id for n in loaded} & BUILTINS),
        ("calls", {f"{n.func.id} on a module" for n in calls if _by_name(n, theirs)}),
        ("uses", {n for n in names if n in ATTRIBUTES or n.startswith("__") or n in hidden}),
        ("hands on", {n.id for n in loaded if n.id in modules and id(n) not in of_attribute}),
        ("names", {text for text in texts if text.startswith(FOLDERS) and len(text) < 100}),
        ("assigns to", _patched(attributes, theirs)),
    ]
    return [f"The cell {verb} {', '.join(sorted(names))}." for verb, names in found if names]


def _imports(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """(module, the name that is bound)"""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from zip((alias.name for alias in node.names), _bound(node), strict=True)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.asname or alias.name) for alias in node.names)
            yield from ((f"{node.module}.{a.name}", a.asname or a.name) for a in node.names)


def _bound(node: ast.Import) -> list[str]:
    return [(alias.asname or alias.name).split(".")[0] for alias in node.names]


def _is_unusual(name: str) -> bool:
    first, *rest = name.split(".")
    inner = any(part in MODULES or part.startswith("_") for part in rest)
    return first not in USUAL or inner or name.startswith(COURSE)


def _root(node: ast.AST | None) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _aliases(nodes: list[ast.AST], modules: set[str]) -> Iterator[str]:
    """Other names that are given to modules or what is in them."""
    for node in nodes:
        if isinstance(node, ast.Assign) and _root(node.value) in modules:
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _by_name(call: ast.Call, modules: set[str]) -> bool:
    """getattr and setattr of a module, whatever the name."""
    return call.func.id in ("getattr", "setattr") and any(_root(a) in modules for a in call.args)


def _patched(attributes: list[ast.Attribute], modules: set[str]) -> set[str]:
    """Attributes of modules, of imported classes and of ``type(…)`` that are bound or deleted."""
    return {
        ast.unparse(node)
        for node in attributes
        if not isinstance(node.ctx, ast.Load) and (_root(node) in modules or _is_type(node.value))
    }


def _is_type(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _root(node.func) == "type"

"""Notices when a submission has replaced what the probes stand on.

It runs beside the submission, so it catches a patch, not a determined forger: what a forged
observation would have to hold, the judge outside computes for itself.
"""

from __future__ import annotations

import builtins
import pkgutil
import sys
from collections.abc import Callable
from types import FunctionType

SEALED = (
    "base64 contextlib functools inspect json json.decoder json.encoder linecache os random select "
    "signal struct time traceback numpy.random torch torch.nn.functional torch.nn.modules.module "
    "torch.random torch.utils._python_dispatch course_utils.anatomy course_utils.hooks "
    "course_utils.grading.inside.alarm course_utils.grading.inside.keeper "
    "course_utils.grading.inside.wire"
).split()
PYTHONS_OWN = {"__warningregistry__", "__signature__"}


def seal() -> Callable[[], str]:
    """Note the functions and classes of the probes, of torch and of Python as they are now.

    What is returned gives the first name that stands for something else by then; "" if none does.
    """
    import torch
    import transformers

    from course_utils.checks import probes

    names = [f"{probes.__name__}.{m.name}" for m in pkgutil.iter_modules(probes.__path__)]
    modules = [probes, *(sys.modules[name] for name in names)]
    others = [sys.modules[name] for name in SEALED if name in sys.modules]
    values = [value for module in modules for value in vars(module).values()]
    classes = [v for v in values if isinstance(v, type) and _defined_in(v, modules)]
    classes += [torch.nn.Module, transformers.DynamicCache]
    spaces = [(m.__name__, vars(m)) for m in (*modules, *others, builtins)]
    spaces += [(one.__name__, vars(one)) for one in (*classes, torch.Tensor)]
    noted = [(owner, space, _callables(space)) for owner, space in spaces]
    closed = [(m.__name__, vars(m), set(vars(m)) | PYTHONS_OWN) for m in modules]
    closed += [(c.__name__, vars(c), set(vars(c)) | PYTHONS_OWN) for c in classes]

    def broken() -> str:
        """Without any name that could be replaced."""
        for owner, space, before in noted:
            for name, value, code in before:
                now = space.get(name)
                if now is not value or (code is not None and now.__code__ is not code):
                    return f"{owner}.{name}"
        for owner, space, names in closed:  # a new name could hide a builtin or a field
            for name in space:
                if name not in names:
                    return f"{owner}.{name}"
        return ""

    return broken


def _defined_in(value: object, modules: list) -> bool:
    return getattr(value, "__module__", None) in {module.__name__ for module in modules}


def _callables(space) -> list[tuple[str, object, object]]:
    kinds = (FunctionType, type, classmethod, staticmethod, property)
    return [
        (name, value, getattr(value, "__code__", None))
        for name, value in list(space.items())
        if isinstance(value, kinds) or callable(value)
    ]

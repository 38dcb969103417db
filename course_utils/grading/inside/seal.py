"""Notices when a submission has replaced what the probes stand on.

It runs beside the submission, so it catches a patch, not a determined forger: what a forged
observation would have to hold, the judge outside computes for itself.
"""

from __future__ import annotations

import builtins
import pkgutil
import sys
import time
from types import FunctionType


class Seal:
    """The functions and classes of the probes, of torch and of Python, as they are now."""

    def __init__(self):
        import torch
        from torch.nn import functional

        from course_utils.checks import probes

        names = [f"{probes.__name__}.{m.name}" for m in pkgutil.iter_modules(probes.__path__)]
        modules = [probes, *(sys.modules[name] for name in names)]
        own = [v for m in modules for v in vars(m).values() if _defined_in(v, modules)]
        self._spaces = [
            *((module.__name__, vars(module)) for module in modules),
            *((cls.__name__, vars(cls)) for cls in own if isinstance(cls, type)),
            ("torch", vars(torch)),
            ("torch.nn.functional", vars(functional)),
            ("torch.Tensor", vars(torch.Tensor)),
            ("torch.nn.Module", vars(torch.nn.Module)),
            ("builtins", vars(builtins)),
            ("time", vars(time)),
        ]
        self._before = [
            {name: (value, getattr(value, "__code__", None)) for name, value in _callables(space)}
            for _, space in self._spaces
        ]

    def broken(self) -> str:
        """The first name that stands for something else now; "" if none does."""
        for (owner, space), before in zip(self._spaces, self._before, strict=True):
            for name, (value, code) in before.items():
                now = space.get(name)
                if now is not value or code is not None and now.__code__ is not code:
                    return f"{owner}.{name}"
        return ""


def _defined_in(value: object, modules: list) -> bool:
    return getattr(value, "__module__", None) in {module.__name__ for module in modules}


def _callables(space) -> list[tuple[str, object]]:
    kinds = (FunctionType, type, classmethod, staticmethod, property)
    return [
        (name, value)
        for name, value in list(space.items())
        if isinstance(value, kinds) or callable(value)
    ]

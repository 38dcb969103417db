"""What a human is told about a cell; the marks do not depend on it."""

import pytest

from course_utils.grading import suspicions


@pytest.mark.parametrize(
    "source, seen",
    [
        ("import os", "imports os"),
        ("from sys import modules", "imports sys"),
        ("import torch\ntorch.os._exit(0)", "uses os"),
        ("torch.sys.modules['x'].__dict__.update(a=1)", "uses __dict__, modules, sys"),
        ("getattr(torch, 'o' + 's')", "calls getattr on a module"),
        ("setattr(torch.nn.functional, 'softmax', f)", "calls setattr on a module"),
        ("from course_utils.checks.probes import guard", "imports course_utils.checks.probes"),
        ("from course_utils import checks as c", "imports course_utils.checks"),
        ("open('/proc/self/mem')", "names /proc/self/mem"),
        ("torch.allclose = f", "assigns to torch.allclose"),
        ("import numpy as np\nnp.lib.x: int = f", "assigns to np.lib.x"),
        ("A.__array_interface__", "uses __array_interface__"),
        ("f.__globals__", "uses __globals__"),
        ("x" + ".a" * 5000, "nested too deep"),
        ("f." + "a." * 700 + "b = 1", ""),
    ],
)
def test_it_is_told(source, seen):
    assert seen in " ".join(suspicions.find(source)) or not seen


@pytest.mark.parametrize(
    "source",
    [
        "import math, torch\nfrom torch import nn\nimport torch.nn.functional as F",
        "%matplotlib inline\nimport matplotlib.pyplot as plt",
        "class A(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.x = 1\n        setattr(self, 'y', getattr(self, 'x'))",
        "for name in ('W_q', 'W_k'):\n    getattr(self, name)(x)",
        "block._forward_hooks\nmodel.config.use_cache = False",
        "def broken(:",
        "a\0b",
        "x" * 200_000,
    ],
)
def test_what_exercises_need_is_not(source):
    assert suspicions.find(source) == []

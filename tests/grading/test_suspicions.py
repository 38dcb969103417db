"""What a human is told about a cell; the marks do not depend on it."""

import pytest

from course_utils.grading import suspicions


@pytest.mark.parametrize(
    "source, seen",
    [
        ("import os", "imports os"),
        ("from sys import modules", "imports sys"),
        ("import torch\ntorch.os._exit(0)", "uses _exit, os"),
        ("torch.sys.modules['x'].__dict__.update(a=1)", "uses __dict__, sys"),
        ("getattr(torch, 'o' + 's')", "calls getattr on a module"),
        ("setattr(torch.nn.functional, 'softmax', f)", "calls setattr on a module"),
        ("from course_utils.checks.probes import guard", "imports course_utils.checks.probes"),
        ("from course_utils import checks as c", "imports course_utils.checks"),
        ("open('/proc/self/mem')", "names /proc/self/mem"),
        ("torch.allclose = f", "assigns to torch.allclose"),
        ("import numpy as np\nnp.lib.x: int = f", "assigns to np.lib.x"),
        ("A.__array_interface__", "uses __array_interface__"),
        ("f.__globals__", "uses __globals__"),
        ("torch.equal, x = f, 1", "assigns to torch.equal"),
        ("for torch.equal in [f]: pass", "assigns to torch.equal"),
        ("F = torch.nn.functional\nF.softmax = f", "assigns to F.softmax"),
        ("type(logits).clone = f", "assigns to type(logits).clone"),
        ("t = torch", "hands on torch"),
        ("i = __import__\ni('os')", "uses __import__"),
        ("sys._getframe()", "uses sys"),
        ("import random\nrandom._os._exit(0)", "uses _exit, _os"),
        ("from random import _os", "imports random._os"),
        ("import code, runpy", "imports code, runpy"),
        ("x = !ls\nimport os", "no plain Python"),
        ("%timeit -n1 f()", "runs %timeit"),
        ("import os\ns = '\u2028'", "imports os"),
        ("    import os", "no plain Python"),
        ("def broken(:", "no plain Python"),
        ("a\0b", "no plain Python"),
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
        "for module in model.modules():\n    module.eval()",
        "%%time\nx = torch.ones(3)\nrelu = torch.relu\nrelu(x).data = x",
        "x" * 200_000,
    ],
)
def test_what_exercises_need_is_not(source):
    assert suspicions.find(source) == []

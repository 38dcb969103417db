"""A small source, built in a checkout of its own: what is written, compared and refused."""

import hashlib
import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
from nbgrader.nbgraderformat.v3 import MetadataValidatorV3

from course_utils import authoring, course_lm
from course_utils.authoring import bootstrap, execution, rules, stale, workshop

REPO = Path(__file__).parents[1]
SOURCE = '''\
# %% [markdown] id="title"
# # 00 · Doubling
#
# 10 minutes. At the end you will be able to
# - double a number,
#   whatever its sign;
# - say what doubling is.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import os

from fake_checks import check, mine_or_reference

# %% [markdown]
# ## 1 · Twice
#
# ### Exercise 0.1 · Double
# difficulty ●○○○○ · 5 minutes · 3 points
#
# <details><summary>idea</summary>Add it to itself.</details>

# %% id="double-it" tags=["exercise"]
UNIT = 1


def double(x: float) -> float:
    """Twice x."""
    ### BEGIN SOLUTION
    result = x + x
    ### END SOLUTION
    return UNIT * result


# %% id="double-it-check" tags=["check"]
check("doubling.double_it", double)
double = mine_or_reference("doubling.double_it", double)

# %% [markdown]
# Twice 21:

# %% [markdown]
# (predict it first)

# %% id="use"
print("twice 21 is", double(21), os.environ["COURSE_DEVICE"], os.environ["HF_HUB_OFFLINE"])

# %% [markdown]
# The end.
'''
FAKE_CHECKS = """\
def passes(answer):
    try:
        return answer(2) == 4
    except NotImplementedError:
        return False


def check(id, answer):
    print(f"{id}: passed" if passes(answer) else f"{id}: not attempted")


def mine_or_reference(id, answer):
    return answer if passes(answer) else lambda x: 2 * x
"""
FAKE_TORCH = "def manual_seed(seed):\n    return seed\n"  # the real one takes seconds to import
PYPROJECT = '[project]\nname = "doubling"\n'
ADDRESS = "https://github.com/example/doubling"
WEIGHTS = "0" * 64


def exercise(**changed):
    entry = {"notebook": "00_doubling", "cell": "double-it", "answer": "double", "points": 3}
    return types.SimpleNamespace(**(entry | changed))


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    monkeypatch.setattr(rules, "bank", lambda: {"doubling.double_it": exercise()})
    monkeypatch.setattr(course_lm, "weights_sha256", lambda: WEIGHTS)


def checkout(root: Path, source: str = SOURCE) -> Path:
    (root / "solutions").mkdir(parents=True)
    (root / "solutions" / "00_doubling.py").write_text(source)
    (root / "solutions" / "fake_checks.py").write_text(FAKE_CHECKS)
    (root / "solutions" / "torch.py").write_text(FAKE_TORCH)
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "README.md").write_text("# Doubling\n<!-- badge --><!-- /badge -->\n")
    return root


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A checkout, built once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "bank", lambda: {"doubling.double_it": exercise()})
        patch.setattr(course_lm, "weights_sha256", lambda: WEIGHTS)
        root = checkout(tmp_path_factory.mktemp("original"))
        assert workshop.build(root, ["00"], check_only=False) == 0
    return root


@pytest.fixture
def built(original, tmp_path):
    """A copy of the built checkout, to be changed."""
    for path in original.rglob("*.*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(original)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return tmp_path


def notebook(root: Path, folder: str) -> nbformat.NotebookNode:
    return nbformat.read(root / folder / "00_doubling.ipynb", as_version=4)


def cell(root: Path, folder: str, id: str) -> nbformat.NotebookNode:
    return next(cell for cell in notebook(root, folder).cells if cell.id == id)


IDS = [
    "title",
    "bootstrap",
    "imports",
    "double-it-text",
    "double-it",
    "double-it-check",
    "use-text",
    "use-text-2",
    "use",
    "end-text",
]


@pytest.mark.parametrize("folder", ["solutions", "notebooks"])
def test_the_notebooks_are_valid_and_carry_nothing_random(original, folder):
    found = notebook(original, folder)
    nbformat.validate(found)
    MetadataValidatorV3().validate_nb(found)
    assert [cell.id for cell in found.cells] == IDS
    assert found.metadata.kernelspec.name == "python3"
    assert "widgets" not in found.metadata
    assert not any("execution" in cell.metadata for cell in found.cells)


def test_the_solution_notebook_is_executed_on_the_cpu_and_offline(original):
    found = notebook(original, "solutions")
    source = original / "solutions" / "00_doubling.py"
    assert found.metadata.course == {
        "weights_sha256": WEIGHTS,
        "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
    }
    assert cell(original, "solutions", "use").outputs[0].text == "twice 21 is 42 cpu 1\n"
    assert "result = x + x" in cell(original, "solutions", "double-it").source


def test_the_student_notebook_keeps_all_but_the_solution(original):
    text = (original / "notebooks" / "00_doubling.ipynb").read_text()
    assert "x + x" not in text
    assert "SOLUTION" not in text
    assert not any(cell.get("outputs") for cell in notebook(original, "notebooks").cells)
    assert cell(original, "notebooks", "double-it").source == (
        "UNIT = 1\n\n\n"
        "def double(x: float) -> float:\n"
        '    """Twice x."""\n'
        '    raise NotImplementedError("exercise doubling.double_it: your code")\n'
        "    return UNIT * result"
    )


def test_the_student_notebook_is_an_nbgrader_assignment(original):
    written, check = (cell(original, "notebooks", id) for id in ("double-it", "double-it-check"))
    assert written.metadata.nbgrader.solution and not written.metadata.nbgrader.grade
    assert check.metadata.nbgrader.grade and check.metadata.nbgrader.locked
    assert check.metadata.nbgrader.points == 3
    assert check.metadata.nbgrader.grade_id == "double-it-check"
    assert len(check.metadata.nbgrader.checksum) == 32
    assert check.metadata.editable is False
    assert "editable" not in written.metadata


def test_the_student_notebook_runs_unsolved(original):
    unsolved = notebook(original, "notebooks")
    execution.execute(unsolved, original / "solutions")
    shown = [output.text for cell in unsolved.cells for output in cell.get("outputs", [])]
    assert shown == ["doubling.double_it: not attempted\n", "twice 21 is 42 cpu 1\n"]


def test_the_same_source_gives_the_same_bytes(original, tmp_path):
    again = checkout(tmp_path / "again")
    assert workshop.build(again, [], check_only=False) == 0
    for file in ("solutions/00_doubling.ipynb", "notebooks/00_doubling.ipynb"):
        assert (again / file).read_bytes() == (original / file).read_bytes()


def test_ruff_accepts_the_notebooks(original):
    for verb in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *verb, "--config", REPO / "pyproject.toml"]
        done = subprocess.run([*ruff, original], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_map_lists_notebook_goals_and_exercises(original):
    text = (original / "notebooks" / "README.md").read_text()
    assert "[00 · Doubling](00_doubling.ipynb)" in text
    assert "10 minutes" in text
    assert "- double a number, whatever its sign;\n- say what doubling is.\n" in text
    assert "| Exercise 0.1 · Double | ●○○○○ | 5 | 3 |" in text


# What `--check` sees


def test_a_built_checkout_is_in_step_and_nothing_is_run(built, monkeypatch, capsys):
    monkeypatch.setattr(execution, "execute", None)
    assert workshop.build(built, [], check_only=True) == 0
    assert capsys.readouterr().err == ""


def edit(file: str, old: str, new: str):
    def change(root: Path) -> None:
        text = (root / file).read_text()
        assert old in text
        (root / file).write_text(text.replace(old, new))

    return change


SOLUTION, STUDENT = "solutions/00_doubling.ipynb", "notebooks/00_doubling.ipynb"
OUT_OF_STEP = {
    "source of a text": (
        edit("solutions/00_doubling.py", "The end", "An end"),
        [SOLUTION, STUDENT],
    ),
    "solution": (edit("solutions/00_doubling.py", "x + x", "2 * x"), [SOLUTION]),
    "id": (edit("solutions/00_doubling.py", 'id="use"', 'id="uses"'), [SOLUTION, STUDENT]),
    "goal": (
        edit("solutions/00_doubling.py", "say what", "explain what"),
        [SOLUTION, STUDENT, "notebooks/README.md"],
    ),
    "executed source": (edit(SOLUTION, "x + x", "2 * x"), [SOLUTION]),
    "executed id": (edit(SOLUTION, '"id": "use"', '"id": "uses"'), [SOLUTION]),
    "executed metadata": (edit(SOLUTION, '"points": 3', '"points": 4'), [SOLUTION]),
    "kernel": (edit(SOLUTION, '"name": "python3"', '"name": "mine"'), [SOLUTION]),
    "a cell that was not run": (
        edit(SOLUTION, '"execution_count": 5', '"execution_count": null'),
        [SOLUTION],
    ),
    "student": (edit(STUDENT, "your code", "my code"), [STUDENT]),
    "map": (edit("notebooks/README.md", "10 minutes", "11 minutes"), ["notebooks/README.md"]),
    "no solution": (lambda root: (root / SOLUTION).unlink(), [SOLUTION]),
    "no student": (lambda root: (root / STUDENT).unlink(), [STUDENT]),
    "no source": (
        lambda root: (root / STUDENT).rename(root / "notebooks/01_old.ipynb"),
        [STUDENT, "notebooks/01_old.ipynb"],
    ),
    "address": (
        lambda root: (root / "pyproject.toml").write_text(
            f'{PYPROJECT}[project.urls]\nRepository = "{ADDRESS}"\n'
        ),
        [SOLUTION, STUDENT, "README.md"],
    ),
}


@pytest.mark.parametrize("case", OUT_OF_STEP)
def test_what_is_out_of_step_is_named_a_line_each(case, built, capsys):
    change, files = OUT_OF_STEP[case]
    change(built)
    assert workshop.build(built, [], check_only=True) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == files


# What is refused: what is changed in the source, the line named, words of the message

HEADER = "# difficulty ●○○○○ · 5 minutes · 3 points\n"
FILLER = '# %% id="filler-{}"\nx = 1\n\n'
BAD = {
    "unclosed marks": ("    ### END SOLUTION\n", "", "    ### BEGIN SOLUTION", "unclosed"),
    "nested marks": (
        "    result = x + x\n",
        "    result = x + x\n    ### BEGIN SOLUTION\n    x = 1\n",
        "    ### BEGIN SOLUTION\n    x = 1",
        "nested",
    ),
    "end alone": ("    ### BEGIN SOLUTION\n", "", "    ### END SOLUTION", "without"),
    "unknown mark": ("UNIT = 1\n", "UNIT = 1  # BEGIN SOLUTION\n", "UNIT = 1", "unknown mark"),
    "marks outside a function": (
        "UNIT = 1\n",
        "### BEGIN SOLUTION\nUNIT = 1\n### END SOLUTION\n",
        "### BEGIN SOLUTION\nUNIT",
        "outside a function",
    ),
    "solution outside marks": (
        "    ### BEGIN SOLUTION\n    result = x + x\n    ### END SOLUTION\n",
        "    result = x + x\n",
        "def double",
        "outside marks",
    ),
    "solution outside an exercise": (
        'id="double-it" tags=["exercise"]',
        'id="double-it"',
        "    ### BEGIN SOLUTION",
        "outside an exercise",
    ),
    "duplicate id": ('id="use"', 'id="imports"', '# %% id="imports"\nprint', "duplicate id"),
    "missing id": ('# %% id="use"', "# %%", "# %%\nprint", "without an id"),
    "unlawful id": ('id="use"', 'id="Use it"', '# %% id="Use it"', "lower-case"),
    "unknown tag": ('id="use"', 'id="use" tags=["test"]', '# %% id="use"', 'unknown tag "test"'),
    "two tags": (
        'tags=["check"]',
        'tags=["check", "setup"]',
        '# %% id="double-it-check"',
        "at most one",
    ),
    "unknown metadata": ('id="use"', 'id="use" hidden=true', '# %% id="use"', "hidden"),
    "raw cell": ("# %% [markdown]\n# The end", "# %% [raw]\n# The end", "# %% [raw]", "raw"),
    "text before the first cell": (
        "# %% [markdown] id",
        "# A\n\n# %% [markdown] id",
        "# A",
        "begin",
    ),
    "marker inside a string": (
        "UNIT = 1\n",
        'UNIT = """\n# %% no cell\n"""\n',
        "# %% [markdown] id",
        "inside a string",
    ),
    "no minutes": ("# 10 minutes. At", "# At", "# %% [markdown] id", "minutes"),
    "first code cell": (
        '# %% id="bootstrap" tags=["setup"]\n',
        "",
        '# %% id="imports"',
        "bootstrap",
    ),
    "text in the first code cell": (
        'tags=["setup"]\n\n# %% id="imports"',
        'tags=["setup"]\nimport os\n\n# %% id="imports"',
        '# %% id="bootstrap"',
        "leave it empty",
    ),
    "check without an exercise": (
        '# %% id="use"',
        '# %% id="other-check" tags=["check"]\ncheck("doubling.other", double)\n\n# %% id="use"',
        '# %% id="other-check"',
        "without an exercise",
    ),
    "exercise without a check": (
        'id="double-it-check" tags=["check"]',
        'id="double-it-check"',
        '# %% id="double-it" ',
        "without a check",
    ),
    "check of no bare name": (
        'it", double)\ndouble',
        'it", lambda x: double(x))\ndouble',
        '# %% id="double-it-check"',
        "a check cell is",
    ),
    "check of another name": (
        'it", double)\ndouble',
        'it", UNIT)\ndouble',
        '# %% id="double-it-check"',
        "a check cell is",
    ),
    "check of another exercise": (
        'check("doubling.double_it"',
        'check("doubling.double"',
        '# %% id="double-it-check"',
        "a check cell is",
    ),
    "no mine_or_reference": (
        'double = mine_or_reference("doubling.double_it", double)\n',
        "",
        '# %% id="double-it-check"',
        "mine_or_reference",
    ),
    "answer of another name": ("def double(", "def twice(", '# %% id="double-it" ', "bind double"),
    "unknown exercise": (
        'id="double-it',
        'id="triple-it',
        '# %% id="triple-it" ',
        "no exercise doubling.triple_it",
    ),
    "no header": (HEADER, "", '# %% id="double-it" ', "no header"),
    "points that do not add up": ("3 points", "4 points", HEADER.replace("3", "4"), "add up to 3"),
    "trailing semicolon": ("UNIT = 1\n", "UNIT = 1;\n", "UNIT = 1;", "trailing `;`"),
    "comment to nbval": (
        "UNIT = 1\n",
        "# NBVAL_IGNORE_OUTPUT\nUNIT = 1\n",
        "# NBVAL_",
        "nbval",
    ),
    "long line": ("UNIT = 1\n", f"UNIT = {'1' * 94}\n", "UNIT = 111", "a line of 101 characters"),
    "not Python": ("UNIT = 1\n", "UNIT = = 1\n", "UNIT = =", "not Python"),
    "too many cells": (
        '# %% id="use"',
        "".join(FILLER.format(i) for i in range(51)) + '# %% id="use"',
        "# %% [markdown]\n# The end",
        "61 cells: at most 60",
    ),
    "too many exercises": (
        '# %% id="use"',
        "".join(FILLER.format(i).replace('"\n', '" tags=["exercise"]\n') for i in range(8))
        + '# %% id="use"',
        '# %% id="filler-7"',
        "9 exercises: at most 8",
    ),
    "long code": ("UNIT = 1\n", "UNIT = 1\n" * 30, '# %% id="double-it" ', "at most 25"),
    "long text": ("# The end.", "# " + "word " * 4001, "# %% [markdown]\n# word", "at most 4000"),
    "oversized": ("    ### END", "    ### END", "# %% [markdown] id", "fewer than"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_source_is_refused_in_one_line(case, tmp_path, capsys, monkeypatch):
    old, new, at, words = BAD[case]
    assert old in SOURCE
    if case == "oversized":
        monkeypatch.setattr(rules, "MAX_STUDENT_BYTES", 1000)
    source = SOURCE.replace(old, new)
    line = source[: source.index(at)].count("\n") + 1
    root = checkout(tmp_path / "bad", source)
    before = sorted(root.rglob("*"))
    assert workshop.build(root, ["00"], check_only=True) == 1
    report = capsys.readouterr().err.splitlines()
    mine = [found for found in report if found.startswith("solutions/00_doubling.py")]
    assert len(mine) == 1, report
    assert mine[0].startswith(f"solutions/00_doubling.py:{line}: ")
    assert words in mine[0]
    assert sorted(root.rglob("*")) == before


def test_words_inside_nested_details_do_not_count(tmp_path):
    long = "# <details>a<details>" + "word " * 4001 + "</details>" + "word " * 9 + "</details>"
    root = checkout(tmp_path / "long", SOURCE.replace("# The end.", long))
    assert workshop.build(root, ["00"], check_only=True) == 1  # only because nothing is built
    assert workshop._plan(root, root / "solutions" / "00_doubling.py")


@pytest.mark.parametrize("changed", [{"notebook": "01_other"}, {"cell": "double"}])
def test_an_exercise_that_the_checks_have_elsewhere_is_refused(
    changed, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(rules, "bank", lambda: {"doubling.double_it": exercise(**changed)})
    assert workshop.build(checkout(tmp_path / "bad"), ["00"], check_only=True) == 1
    assert "course_utils.checks expects it in" in capsys.readouterr().err


def test_an_unknown_name_is_refused(built, capsys):
    assert workshop.build(built, ["07"], check_only=True) == 1
    assert capsys.readouterr().err == "no source of a notebook 07: solutions/ has 00_doubling\n"


def test_without_nbgrader_the_command_says_what_to_install(tmp_path):
    code = "sys.modules['nbgrader'] = None; from course_utils.cli import main"
    code = f"import sys; {code}; sys.exit(main(['build', '--check']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "nbgrader" in done.stderr and "[author]" in done.stderr


# What goes wrong while running


@pytest.mark.parametrize(
    "old, new, at, words",
    [
        ('print("twice', 'raise KeyError("here")\nprint("twice', 'id="use"', "KeyError: 'here'"),
        ("import os\n", "import os\nos._exit(1)\n", 'id="imports"', "the kernel died"),
        ("x + x", "x", 'id="double-it-check"', "does not pass its own check"),
    ],
)
def test_a_cell_that_fails_is_named_and_nothing_is_written(old, new, at, words, tmp_path, capsys):
    source = SOURCE.replace(old, new)
    root = checkout(tmp_path / "bad", source)
    assert workshop.build(root, ["00"], check_only=False) == 1
    line = source[: source.index(at)].count("\n") + 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"solutions/00_doubling.py:{line}: ")
    assert words in last
    assert not list(root.rglob("*.ipynb"))


def test_a_cell_that_takes_too_long_is_stopped(tmp_path):
    cells = [nbformat.v4.new_code_cell("while True:\n    pass", id="loop")]
    with pytest.raises(execution.ExecutionError, match='cell "loop": took longer than 1 s'):
        execution.execute(nbformat.v4.new_notebook(cells=cells), tmp_path, timeout=1)


def test_missing_weights_are_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.undo()
    monkeypatch.setattr(rules, "bank", lambda: {"doubling.double_it": exercise()})
    monkeypatch.setattr(course_lm, "FOLDER", tmp_path / "none")
    assert workshop.build(checkout(tmp_path / "c"), ["00"], check_only=False) == 1
    assert "model.safetensors is missing" in capsys.readouterr().err.splitlines()[-1]


# The public address


def test_without_an_address_nothing_points_anywhere(original):
    for path in ("README.md", "notebooks/00_doubling.ipynb", "solutions/00_doubling.ipynb"):
        assert "http" not in (original / path).read_text()


def test_the_address_gives_badges_and_the_install_lines(tmp_path):
    root = checkout(tmp_path / "published")
    (root / "pyproject.toml").write_text(f'{PYPROJECT}[project.urls]\nRepository = "{ADDRESS}"\n')
    assert workshop.build(root, ["00"], check_only=False) == 0
    colab = (
        "colab.research.google.com/github/example/doubling/blob/main/notebooks/00_doubling.ipynb"
    )
    assert colab in cell(root, "notebooks", "title").source
    assert re.search(
        rf"<!-- badge -->.*{re.escape(colab)}.*<!-- /badge -->", (root / "README.md").read_text()
    )
    code = cell(root, "notebooks", "bootstrap").source
    assert f"git+{ADDRESS}" in code
    for folder in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *folder, "--config", REPO / "pyproject.toml"]
        done = subprocess.run([*ruff, root], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert workshop.build(root, [], check_only=True) == 0


@pytest.mark.parametrize("address", [None, "https://gitlab.com/example/doubling", ADDRESS + "/"])
def test_a_badge_is_written_only_for_github(address):
    assert bool(bootstrap.badge(address, "00_doubling")) == (address == ADDRESS + "/")


def test_the_bootstrap_cell_never_installs_torch_or_what_needs_it():
    installs = [
        line.split() for line in bootstrap.cell_source(ADDRESS).splitlines() if "%pip" in line
    ]
    assert [[word for word in line if not word.startswith("--q")][2:] for line in installs] == [
        ["--no-deps", f"git+{ADDRESS}"],
        ["jaxtyping"],
    ]


def run_bootstrap(folder: Path) -> subprocess.CompletedProcess:
    """The first code cell, in a Python that has no course_utils."""
    code = bootstrap.cell_source(None).replace("import torch\n\n_ = torch.manual_seed(0)", "")
    code += "\nimport course_utils; print(course_utils.__file__)"
    python = [sys.executable, "-S", "-c", code]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(python, cwd=folder, env=env, capture_output=True, text=True)


def test_the_bootstrap_cell_finds_the_package_in_a_checkout(tmp_path):
    (tmp_path / "course_utils").mkdir()
    (tmp_path / "course_utils" / "__init__.py").write_text("")
    (tmp_path / "my_work").mkdir()
    found = run_bootstrap(tmp_path / "my_work")
    assert found.stdout.strip() == str(tmp_path / "course_utils" / "__init__.py"), found.stderr


def test_the_bootstrap_cell_says_what_to_do_elsewhere(tmp_path):
    message = run_bootstrap(tmp_path).stderr.splitlines()[-1]
    assert message.startswith("ModuleNotFoundError: This Python has no course_utils: open")


# What is stale by hash


@pytest.fixture
def card(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("course_lm")
    monkeypatch.setattr(course_lm, "FOLDER", folder / "weights")
    (folder / "MODEL_CARD.md").write_text(f"measured on {WEIGHTS}")
    return folder / "MODEL_CARD.md"


def rebuild(root: Path, monkeypatch, capsys, what: bool = True) -> tuple[int, list[str]]:
    monkeypatch.setattr(authoring, "ROOT", root)
    status = authoring.rebuild(what)
    return status, [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]


def test_nothing_is_stale_after_a_build(built, card, monkeypatch, capsys):
    assert rebuild(built, monkeypatch, capsys) == (0, ["Nothing is stale."])


def test_other_weights_make_the_notebook_and_the_card_stale(built, card, monkeypatch, capsys):
    monkeypatch.setattr(course_lm, "weights_sha256", lambda: "1" * 64)
    assert rebuild(built, monkeypatch, capsys) == (1, [stale.CARD, SOLUTION])


def test_another_source_makes_the_notebook_stale(built, card, monkeypatch, capsys):
    edit("solutions/00_doubling.py", "The end", "An end")(built)
    assert rebuild(built, monkeypatch, capsys) == (1, [SOLUTION])


def test_a_missing_card_and_notebook_are_stale(built, card, monkeypatch, capsys):
    card.unlink()
    (built / SOLUTION).unlink()
    assert rebuild(built, monkeypatch, capsys) == (1, [stale.CARD, SOLUTION])


def test_rebuild_builds_the_stale_notebook_but_measures_no_card(built, card, monkeypatch, capsys):
    monkeypatch.setattr(course_lm, "weights_sha256", lambda: "1" * 64)
    assert rebuild(built, monkeypatch, capsys, what=False) == (1, [stale.CARD, SOLUTION])
    assert rebuild(built, monkeypatch, capsys) == (1, [stale.CARD])
    monkeypatch.setattr(execution, "execute", None)
    assert rebuild(built, monkeypatch, capsys, what=False) == (1, [stale.CARD])


# The course's own files


def test_the_readme_has_a_place_for_the_badge():
    assert bootstrap.with_badge((REPO / "README.md").read_text(), "BADGE").count("BADGE") == 1


def test_the_first_code_cell_is_the_same_in_every_notebook():
    expected = bootstrap.cell_source(bootstrap.address(REPO))
    for path in [*REPO.glob("solutions/*.ipynb"), *REPO.glob("notebooks/*.ipynb")]:
        cells = json.loads(path.read_text())["cells"]
        first = next(cell for cell in cells if cell["cell_type"] == "code")
        assert "".join(first["source"]) == expected, path

"""``course check``: what a grader runs, in a clean kernel, on a file that stays as it is."""

import nbformat
import pytest

from course_utils.checks import shell

SETUP = "import torch\n\nfrom course_utils import checks"
SOFTMAX = """
def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature")
    return torch.softmax(logits / temperature, dim=-1)
"""
TOP_K_STUB = """
def top_k_filter(logits, k):
    raise NotImplementedError("exercise sampling.top_k")
"""


def code(id, source, *tags):
    return nbformat.v4.new_code_cell(source, id=id, metadata={"tags": list(tags)})


@pytest.fixture
def write(tmp_path):
    def write(*cells, name="00_sampling.ipynb"):
        notebook = nbformat.v4.new_notebook(cells=[code("setup", SETUP, "setup"), *cells])
        path = tmp_path / name
        nbformat.write(notebook, path)
        return path

    return write


def test_a_solved_notebook_passes_and_stays_as_it_is(write, capsys):
    path = write(
        code("look", "raise RuntimeError('a cell that a grader does not run')"),
        code("softmax", SOFTMAX, "exercise"),
        code("softmax-check", "checks.check('sampling.softmax', softmax)", "check"),
    )
    before = path.read_bytes()
    assert shell.check_notebook(str(path)) == 0
    assert path.read_bytes() == before
    output = capsys.readouterr().out
    assert "sampling.softmax: passed, 3 of 3 points" in output
    assert "1 of 1 exercises passed" in output


def test_what_is_missing_or_wrong_is_said_exercise_by_exercise(write, capsys):
    path = write(
        code("help", "import math as m\n\ndef scaled(logits, t):\n    return logits / t"),
        code(
            "softmax",
            "def softmax(logits, temperature):\n"
            "    return torch.softmax(scaled(logits, temperature), dim=-1)",
            "exercise",
        ),
        code("top-k", TOP_K_STUB, "exercise"),
        code("top-p", "def top_p_filter(logits, p)\n    return logits", "exercise"),
        code("generate", "x = 1", "exercise"),
        name="my_copy.ipynb",
    )
    assert shell.check_notebook(str(path)) == 1
    output = capsys.readouterr().out
    assert "raises/undefined-name" in output
    assert "scaled is defined in cell 2 (help), outside the exercise cells" in output
    assert "sampling.top_k: not attempted yet" in output
    assert "sampling.top_p: the exercise cell raises SyntaxError" in output
    assert "sampling.generate: the cell defines no generate" in output
    assert "0 of 4 exercises passed" in output


def test_an_unsolved_exercise_gives_later_ones_the_courses_version(write, capsys):
    uses = "assert top_k_filter(torch.ones(3), 1).shape == (3,)\n"
    path = write(code("top-k", TOP_K_STUB, "exercise"), code("softmax", uses + SOFTMAX, "exercise"))
    assert shell.check_notebook(path) == 1
    assert "sampling.softmax: passed" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}', ""])
def test_a_broken_file_is_one_sentence(tmp_path, capsys, text):
    path = tmp_path / "00_sampling.ipynb"
    path.write_text(text)
    assert shell.check_notebook(str(path)) == 2
    assert_one_sentence(capsys, "no notebook that can be read")


def test_a_missing_file_and_a_strange_notebook_are_one_sentence(tmp_path, write, capsys):
    assert shell.check_notebook(str(tmp_path / "none.ipynb")) == 2
    assert_one_sentence(capsys, "no file")
    assert shell.check_notebook(str(write(code("a", "1", "exercise")))) == 2
    assert_one_sentence(capsys, "none of the course's exercise cells")


def assert_one_sentence(capsys, part):
    out, err = capsys.readouterr()
    assert out == ""
    assert part in err
    assert len(err.splitlines()) == 1


def test_the_list_has_a_line_for_each_exercise(capsys):
    assert shell.list_exercises() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(shell.bank.EXERCISES)
    assert lines[0].split()[:2] == ["sampling.softmax", "3"]

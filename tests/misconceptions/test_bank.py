"""Every wrong answer of the bank is refused as its own misconception, every right one accepted."""

import importlib.util
from functools import cache
from pathlib import Path

import pytest
import torch

from course_utils import checks

BANK = Path(__file__).parent
FILES = sorted(BANK.glob("*/*.py"))
EXERCISES = {exercise.id: exercise for exercise in checks.exercises()}
SEEDS = range(20)
LOOP_SECONDS = 2

torch.set_num_threads(1)  # two processes share the cores


@cache
def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_right(path):
    return path.stem.startswith("right_")


def answer(path):
    return getattr(load(path), EXERCISES[path.parent.name].answer)


@cache
def report(path, seed=0):
    loops = getattr(load(path), "MISCONCEPTION", "") == "time/loops"
    return checks.run(path.parent.name, answer(path), seed, LOOP_SECONDS if loops else 20)


def files(id, right):
    return [path for path in FILES if path.parent.name == id and is_right(path) == right]


def each_file(right):
    paths = [path for path in FILES if is_right(path) == right]
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in paths]


each_exercise = pytest.mark.parametrize("id", EXERCISES)


@pytest.mark.parametrize("path", each_file(right=False))
def test_a_wrong_answer_is_refused_as_its_own_misconception(path):
    assert load(path).__doc__, "say what the student thought"
    found = report(path)
    assert not found.passed
    assert found.misconception == load(path).MISCONCEPTION, str(found)
    assert found.misconception in checks.misconceptions(path.parent.name)


@pytest.mark.parametrize("path", each_file(right=True))
def test_a_right_answer_is_accepted(path):
    assert load(path).RIGHT
    assert report(path).passed, str(report(path))


@each_exercise
def test_right_answers_are_accepted_with_any_seed(id):
    paths = files(id, right=True)
    for seed in SEEDS:  # each seed with another answer, and each answer with several seeds
        found = report(paths[seed % len(paths)], seed + 1)
        assert found.passed, f"seed {seed + 1}\n{found}"


@each_exercise
def test_the_bank_is_large_enough(id):
    wrong = {load(path).MISCONCEPTION for path in files(id, right=False)}
    assert len(files(id, right=False)) >= 10
    assert len(wrong) >= 6
    assert len(files(id, right=True)) >= 3


@each_exercise
def test_no_case_can_be_left_out(id):
    """Each case refuses a wrong answer that every other case accepts."""
    refused = [
        [case.name for case in report(path).cases if not case.passed]
        for path in files(id, right=False)
    ]
    for case in EXERCISES[id].cases:
        assert [case.name] in refused, f"without {case.name!r} every wrong answer is refused still"

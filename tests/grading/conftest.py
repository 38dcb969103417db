"""What the tests of grading share: submissions made of cells, and one warm sandbox a module."""

import json
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import pytest

from course_utils.grading import release
from course_utils.grading.batch import Engine
from course_utils.grading.release import Release
from course_utils.grading.sandbox import Limits, Sandbox, SandboxUnavailable

ROOT = Path(__file__).parents[2]
NOTEBOOK = "00_sampling"
LIMITS = Limits(
    cell_seconds=3,
    exercise_seconds=2,
    slack_seconds=2,
    submission_seconds=120,
    memory_bytes=2**30,
    processes=48,
)


class Room(NamedTuple):
    """A notebook's release, the exercise cells of its solution, and a warm sandbox for it."""

    release: Release
    solutions: dict[str, str]
    sandbox: Sandbox


@pytest.fixture(scope="session")
def sampling() -> Release:
    (found,) = release.load(names=["00"])
    return found


@pytest.fixture(scope="session")
def solutions() -> dict[str, str]:
    return _cells(f"solutions/{NOTEBOOK}.ipynb")


@pytest.fixture(scope="session")
def untouched() -> dict[str, str]:
    """The exercise cells as they are given out."""
    return _cells(f"notebooks/{NOTEBOOK}.ipynb")


def _cells(path: str) -> dict[str, str]:
    """The exercise cells of a notebook."""
    cells = json.loads((ROOT / path).read_text(encoding="utf-8"))["cells"]
    exercises = [c for c in cells if "exercise" in c["metadata"].get("tags", [])]
    return {release.cell_id(cell): release.text(cell) for cell in exercises}


@pytest.fixture(scope="session")
def rooms():
    """The room of a notebook, opened when it is first asked for."""
    with ExitStack() as stack:
        yield cache(partial(_room, stack))


@pytest.fixture
def room_for_one_test():
    """The same with as much time as in earnest, for right answers; closed after the test, for an
    open room holds half a gigabyte."""
    with ExitStack() as stack:
        yield partial(_room, stack, limits=Limits())


def _room(stack: ExitStack, notebook: str, limits: Limits = LIMITS) -> Room:
    (one,) = release.load(names=[notebook])
    try:
        sandbox = stack.enter_context(Engine(limits).sandbox(one))
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    return Room(one, _cells(f"solutions/{notebook}.ipynb"), sandbox)


@pytest.fixture(scope="session")
def sandbox(rooms) -> Sandbox:
    return rooms(NOTEBOOK).sandbox


@pytest.fixture
def notebook():
    """Makes a notebook, as its JSON, from cells by id."""

    def make(cells: dict[str, str], **metadata) -> str:
        made = [
            {
                "cell_type": "code",
                "id": id,
                "metadata": {"nbgrader": {"grade_id": id, "solution": True}},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for id, source in cells.items()
        ]
        return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})

    return make

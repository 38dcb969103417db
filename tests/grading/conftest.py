"""What the tests of grading share: submissions made of cells, and one warm sandbox a module."""

import json
from functools import partial

import pytest

from course_utils.grading import release, room
from course_utils.grading.sandbox import Limits, Sandbox, SandboxUnavailable

NOTEBOOK = "00_sampling"
LIMITS = Limits(
    cell_seconds=5,
    exercise_seconds=2,
    slack_seconds=4,
    submission_seconds=120,
    memory_bytes=2**30,
    processes=48,
)


@pytest.fixture(scope="session")
def sampling() -> release.Release:
    (found,) = release.load(names=["00"])
    return found


@pytest.fixture(scope="session")
def solutions() -> dict[str, str]:
    """The exercise cells of the solved notebook."""
    return _cells(release.NOTEBOOKS.parent / "solutions" / f"{NOTEBOOK}.ipynb")


@pytest.fixture(scope="session")
def untouched() -> dict[str, str]:
    """The exercise cells as they are given out."""
    return _cells(release.NOTEBOOKS / f"{NOTEBOOK}.ipynb")


def _cells(path) -> dict[str, str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    exercises = [c for c in cells if "exercise" in c["metadata"].get("tags", [])]
    return {release.cell_id(cell): release.text(cell) for cell in exercises}


@pytest.fixture(scope="session")
def sandbox(sampling):
    build = partial(room.build, exercises=sampling.exercises, setup=sampling.setup)
    try:
        cases = [(e.kind, case.probe) for e in sampling.exercises for case in e.cases]
        with Sandbox(build, LIMITS, cases=cases, setup=sampling.setup) as opened:
            yield opened
    except SandboxUnavailable as error:
        pytest.skip(str(error))


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

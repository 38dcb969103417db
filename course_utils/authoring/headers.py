"""What the text of a source says of the notebook and of each exercise."""

import re
from dataclasses import dataclass

from course_utils.authoring.source import Cell, Source

_EXERCISE = re.compile(r"([●○]{5}) · (\d+) minutes · (\d+) points?")


@dataclass(frozen=True)
class Title:
    """The first cell: heading, minutes, and what the reader will be able to do."""

    heading: str
    minutes: int
    goals: list[str]


@dataclass(frozen=True)
class Header:
    """The text above an exercise: its heading and its line of facts."""

    heading: str
    difficulty: str
    minutes: int
    points: int
    line: int


def title(source: Source) -> Title | None:
    """What the title cell says; None if it lacks any of it."""
    text = source.cells[0].source
    heading = re.match(r"# (.+)", text)
    minutes = re.search(r"(\d+) minutes", text)
    goals = re.search(r"[Yy]ou will be able to.*\n+((?:[-*] .*\n?(?:  .*\n?)*)+)", text)
    if not (heading and minutes and goals):
        return None
    items = re.split(r"^[-*] ", goals[1], flags=re.MULTILINE)[1:]
    return Title(heading[1], int(minutes[1]), [" ".join(item.split()) for item in items])


def header(source: Source, exercise: Cell) -> Header | None:
    """The header of an exercise: the nearest text above it that gives difficulty and points."""
    for cell in reversed(source.cells[: source.cells.index(exercise)]):
        if {"exercise", "check"} & set(cell.tags):
            return None
        if cell.kind == "markdown" and (facts := _EXERCISE.search(cell.source)):
            headings = re.findall(r"^#+ (.+)", cell.source[: facts.start()], re.MULTILINE)
            difficulty, minutes, points = facts.groups()
            return Header(
                headings[-1] if headings else "",
                difficulty,
                int(minutes),
                int(points),
                cell.find(_EXERCISE.pattern),
            )
    return None

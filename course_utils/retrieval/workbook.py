"""The workbook's own text, as it stood when ``course snapshot`` was last run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

SNAPSHOT = Path(__file__).with_name("workbook.jsonl")


class Section(NamedTuple):
    """A section of a notebook: the notebook's file and title, the heading, and the text with it."""

    notebook: str
    title: str
    heading: str
    text: str

    @property
    def file(self) -> str:
        """The name under which the section is stored: no two have the same."""
        return f"{self.notebook}: {self.heading}"


def sections() -> list[Section]:
    """The sections of the snapshot, in the order of the workbook."""
    with SNAPSHOT.open(encoding="utf-8") as lines:
        return [Section(**json.loads(line)) for line in lines]

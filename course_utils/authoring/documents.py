"""The workbook's text as documents to search: ``retrieval/workbook.jsonl``, a line a section.

Only ``course snapshot`` writes it, so that what a notebook searches stays while others are edited.
"""

import json
import re
from pathlib import Path

from course_utils.authoring import headers
from course_utils.authoring.source import Source, read
from course_utils.retrieval.workbook import SNAPSHOT, Section

READER = "09_rag"  # the notebook that searches the snapshot stays out of it
OVERVIEWS = ("What to remember", "Papers")  # as the title cells, they repeat what sections say
_WRAP = re.compile(r"(?<=\S)\n *+(?![\n#|>]|\$\$|[-*+] |\d+\. )")  # within a paragraph
_DETAILS = re.compile(r"<details\b(?:(?!<details\b).)*?</details>\s*", re.DOTALL)


def write(root: Path) -> int:
    """Write the snapshot from the sources under ``root``; returns the number of sections."""
    paths = sorted((root / "solutions").glob("[0-9][0-9]*_*.py"))
    sources = [read(path) for path in paths if path.stem != READER]
    found = [section for source in sources for section in sections(source)]
    lines = [json.dumps(section._asdict(), ensure_ascii=False) + "\n" for section in found]
    SNAPSHOT.write_text("".join(lines), encoding="utf-8")
    return len(found)


def sections(source: Source) -> list[Section]:
    """The text cells of a notebook, cut before every heading; hints, code cells, overviews and
    line breaks within paragraphs out."""
    text = "\n\n".join(_prose(cell.source) for cell in source.cells if cell.kind == "markdown")
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    pairs = [(part.split("\n")[0].strip(), f"## {part.strip()}") for part in parts]
    title = headers.title(source).heading
    return [
        Section(source.stem, title, heading, text)
        for heading, text in pairs
        if not heading.startswith(OVERVIEWS)
    ]


def _prose(markdown: str) -> str:
    while _DETAILS.search(markdown):
        markdown = _DETAILS.sub("", markdown)
    parts = markdown.strip().split("```")  # every second one is code
    return "```".join(part if i % 2 else _WRAP.sub(" ", part) for i, part in enumerate(parts))

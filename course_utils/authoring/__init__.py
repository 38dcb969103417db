"""From one source per notebook, ``solutions/NN_topic.py``, to the two notebooks of each.

The solution notebook is the source, executed; the student notebook is the source without its
solutions. The map of the course and the README's badge are written along with them.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build(names: list[str], check_only: bool = False) -> int:
    """Write the notebooks of `names` ("00" or "00_sampling"; empty: all), or only check them.

    `check_only` executes and writes nothing: it compares what the sources give with the files.
    Prints what it does and returns the exit status: 1 if a name is unknown, a source is refused,
    a cell fails or, with `check_only`, a file is out of step.
    """
    from course_utils.authoring import workshop

    return workshop.build(ROOT, names, check_only)


def rebuild(what: bool) -> int:
    """Say which files are stale, by hash; unless `what`, build the notebooks among them.

    Returns the exit status: 1 if something stays stale.
    """
    from course_utils.authoring import stale

    found = stale.stale(ROOT)
    for line in found.values():
        print(line)
    if not found:
        print("Nothing is stale.")
    notebooks = sorted(found.keys() - {stale.CARD})
    if what or not notebooks:
        return int(bool(found))
    return build(notebooks) or int(stale.CARD in found)


def snapshot() -> int:
    """Write the workbook's text as the documents that notebook 09 searches.

    Prints how many sections there are and returns the exit status: 1 if a source is refused.
    """
    from course_utils.authoring import documents
    from course_utils.authoring.source import SourceError

    try:
        written = documents.write(ROOT)
    except SourceError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{written} sections in {documents.SNAPSHOT.relative_to(ROOT)}")
    return 0

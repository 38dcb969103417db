"""The map of the course, notebooks/README.md: its notebooks, their exercises, a glossary."""

import tomllib
from pathlib import Path

from course_utils.authoring import headers
from course_utils.authoring.source import Source

_GLOSSARY = Path(__file__).with_name("glossary.toml")


def course_map(sources: list[Source]) -> str:
    """The map in markdown, of the sources whose title cells are whole."""
    whole = [source for source in sources if headers.title(source)]
    return (
        "\n\n".join(
            [
                "# The notebooks",
                "Made by `course build` from [solutions/](../solutions); changes go there. "
                "`make lab` copies the notebooks to `my_work/` and opens them.",
                *map(_notebook, whole),
                "## Glossary",
                _glossary([source.stem for source in whole]),
            ]
        )
        + "\n"
    )


def _notebook(source: Source) -> str:
    title = headers.title(source)
    exercises = [headers.header(source, c) for c in source.cells if "exercise" in c.tags]
    parts = [
        f"## [{title.heading}]({source.stem}.ipynb)",
        f"{title.minutes} minutes. You will be able to:",
        "\n".join(f"- {goal}" for goal in title.goals),
    ]
    if rows := [
        f"| {header.heading} | {header.difficulty} | {header.minutes} | {header.points} |"
        for header in exercises
        if header
    ]:
        head = ["| exercise | difficulty | minutes | points |", "|---|---|---|---|"]
        parts.append("\n".join(head + rows))
    return "\n\n".join(parts)


def _glossary(stems: list[str]) -> str:
    terms = {
        term: (meaning, stem)
        for stem, meanings in tomllib.loads(_GLOSSARY.read_text(encoding="utf-8")).items()
        if stem in stems
        for term, meaning in meanings.items()
    }
    return "\n".join(
        f"- **{term}**: {meaning} ([{stem.split('_')[0]}]({stem}.ipynb))"
        for term, (meaning, stem) in sorted(terms.items(), key=lambda item: item[0].lower())
    )

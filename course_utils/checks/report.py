"""What a check found: frozen results that show themselves as text and as a small HTML table."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

NOT_ATTEMPTED = "not-attempted"


@dataclass(frozen=True)
class CaseResult:
    """One case: ``points`` are earned, of ``max_points``; ``misconception`` is "" when passed."""

    name: str
    passed: bool
    points: int
    max_points: int
    misconception: str = ""
    expected: str = ""
    seen: str = ""
    explanation: str = ""
    hint: str = ""

    @property
    def message(self) -> str:
        """What was expected, what was seen, what it looks like and one hint; a line each."""
        return "\n".join(f"{label}: {text}" if label else text for label, text in self.lines)

    @property
    def lines(self) -> list[tuple[str, str]]:
        labelled = [("expected", self.expected), ("seen", self.seen), ("", self.explanation)]
        return [line for line in [*labelled, ("hint", self.hint)] if line[1]]


@dataclass(frozen=True)
class Report:
    """What the check of one exercise found. ``printed`` is the answer's own output, cut."""

    exercise: str
    cases: tuple[CaseResult, ...]
    printed: str = ""

    @property
    def passed(self) -> bool:
        return all(case.passed for case in self.cases)

    @property
    def points(self) -> int:
        return sum(case.points for case in self.cases)

    @property
    def max_points(self) -> int:
        return sum(case.max_points for case in self.cases)

    @property
    def misconception(self) -> str:
        """The slug that says most: the first specific one, else the first; "" when passed."""
        slugs = [case.misconception for case in self.cases if not case.passed]
        specific = [slug for slug in slugs if slug not in UNSPECIFIC]
        return next(iter(specific + slugs), "")

    @property
    def verdict(self) -> str:
        if self.passed:
            return "passed"
        return "not attempted yet" if self.misconception == NOT_ATTEMPTED else "not yet right"

    def __repr__(self) -> str:
        line = f"{self.exercise}: {self.verdict}, {self.points} of {self.max_points} points"
        named = self.misconception not in ("", NOT_ATTEMPTED)
        return f"{line}, it looks like {self.misconception}" if named else line

    def __str__(self) -> str:
        """The table in plain text; one line where nothing was attempted."""
        lines = [repr(self)]
        for case in self._shown:
            mark = "passed" if case.passed else "refused"
            slug = "" if case.passed else f"  [{case.misconception}]"
            lines.append(f"  {mark:7}  {case.points}/{case.max_points}  {case.name}{slug}")
            lines += [f"      {line}" for line in case.message.splitlines()]
        if self.printed:
            lines += ["  your code printed:", *(f"      {x}" for x in self.printed.splitlines())]
        return "\n".join(lines)

    @property
    def html(self) -> str:
        """The table in HTML. No ``_repr_html_``: ``check`` has shown it when it returns it."""
        rows = "".join(_row(case) for case in self._shown)
        table = f"<table>{_HEAD}{rows}</table>" if rows else ""
        printed = f"<p>your code printed:</p><pre>{escape(self.printed)}</pre>"
        return (
            f'<div class="course-check" data-verdict="{self.verdict}">'
            f"<p><b>{escape(repr(self))}</b></p>{table}{printed if self.printed else ''}</div>"
        )

    @property
    def _shown(self) -> tuple[CaseResult, ...]:
        return () if self.misconception == NOT_ATTEMPTED else self.cases


UNSPECIFIC = (
    "value/wrong",
    "raises/error",
    "time/loops",
    "seed/some-seeds-alike",
    "ties/some-of-the-tied",
    "ties/wrong-set",
)
_LEFT = 'style="text-align:left;vertical-align:top"'
_HEAD = f"<tr><th {_LEFT}>case</th><th {_LEFT}>points</th><th {_LEFT}>result</th></tr>"


def _row(case: CaseResult) -> str:
    result = "passed"
    if not case.passed:
        lines = "".join(
            f"<br>{f'<i>{label}</i>: ' if label else ''}{_breaks(text)}"
            for label, text in case.lines
        )
        result = f"<b>refused</b> <code>{escape(case.misconception)}</code>{lines}"
    return (
        f"<tr><td {_LEFT}>{escape(case.name)}</td>"
        f"<td {_LEFT}>{case.points}/{case.max_points}</td><td {_LEFT}>{result}</td></tr>"
    )


def _breaks(text: str) -> str:
    return escape(text).replace("\n", "<br>")

"""HTML: what an instructor wants to see of all results, and feedback for one student.

The feedback holds cases, points, diagnoses and hints. What was expected, seen or printed is left
out: hidden inputs could be in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape

from course_utils.checks.report import NOT_ATTEMPTED
from course_utils.grading import manual
from course_utils.grading.results import max_points, points
from course_utils.grading.submissions import why

COMMONEST = 5
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse; margin: 1em 0 }}
th, td {{ text-align: left; vertical-align: top; padding: .2em .8em .2em 0 }}
.bar {{ background: #31688e; height: .8em; display: inline-block }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def page(title: str, body: str) -> str:
    return _PAGE.format(title=escape(title), body=body)


def feedback(result: dict, by_hand: Iterable[dict[str, str]] = ()) -> str:
    """The page for one student and notebook: no name, no hidden input.

    ``by_hand`` are the student's rows of the mark file.
    """
    by_hand = list(by_hand)
    earned = points(result) + manual.total(by_hand)
    most = max_points(result) + manual.total(by_hand, "max_points")
    parts = [f"<p>{earned:g} of {most:g} points.</p>"]
    if result["verdict"]:
        parts.append(f"<p>{escape(why(result['verdict']))}</p>")
    for exercise in result["exercises"]:
        head = f"{exercise['id']}: {exercise['points']} of {exercise['max_points']} points"
        parts.append(f"<h2>{escape(head)}</h2>")
        if exercise["misconception"] == NOT_ATTEMPTED:
            parts.append("<p>Not attempted.</p>")
        elif exercise["cases"]:
            rows = [
                (case["name"], f"{case['points']}/{case['max_points']}", _diagnosis(case))
                for case in exercise["cases"]
            ]
            parts.append(_table(("case", "points", "result"), rows))
    if rows := [
        (row["question"], f"{row['points'] or '…'}/{row['max_points']}", row.get("comment", ""))
        for row in by_hand
    ]:
        parts.append("<h2>Marked by hand</h2>")
        parts.append(_table(("question", "points", "comment"), rows))
    return page(f"Feedback on {result['notebook']}", "\n".join(parts))


def _diagnosis(case: dict) -> str:
    if case["passed"]:
        return "passed"
    return " ".join(text for text in ("refused:", case["explanation"], case["hint"]) if text)


def overview(results: Iterable[dict]) -> str:
    """Distribution per exercise, commonest misconceptions, and what needs a human."""
    results = list(results)
    notebooks = sorted({result["notebook"] for result in results})
    parts = []
    for notebook in notebooks:
        mine = [result for result in results if result["notebook"] == notebook]
        handed_in = [result for result in mine if result["verdict"] != "no-notebook"]
        parts.append(f"<h2>{escape(notebook)}</h2>")
        parts.append(f"<p>{len(handed_in)} of {len(mine)} students handed in a notebook.</p>")
        parts.append(_distributions(handed_in))
        parts.append(_attention(mine))
    return page("Results", "\n".join(parts))


def _distributions(results: list[dict]) -> str:
    parts = []
    ids = list(dict.fromkeys(e["id"] for result in results for e in result["exercises"]))
    for id in ids:
        mine = [e for result in results for e in result["exercises"] if e["id"] == id]
        most = mine[0]["max_points"]
        counts = Counter(exercise["points"] for exercise in mine)
        bars = [(f"{n} of {most}", counts[n], _Bar(counts[n] / len(mine))) for n in range(most + 1)]
        slugs = Counter(e["misconception"] for e in mine if e["misconception"])
        meant = {case["misconception"]: case["explanation"] for e in mine for case in e["cases"]}
        named = [(slug, n, meant.get(slug, "")) for slug, n in slugs.most_common(COMMONEST)]
        parts.append(f"<h3>{escape(id)}</h3>")
        parts.append(_table(("points", "students", ""), bars))
        parts.append(_table(("misconception", "students", ""), named) if named else "")
    return "\n".join(parts)


def _attention(results: list[dict]) -> str:
    rows = [(r["pseudonym"], flag) for r in results for flag in r["flags"]]
    if not rows:
        return "<p>Nothing needs a human.</p>"
    return "<h3>For a human</h3>" + _table(("student", "why"), rows)


class _Bar:
    def __init__(self, share: float):
        self.share = share

    def __str__(self) -> str:
        width = 20 * self.share
        return f'<span class="bar" style="width:{width:.2f}em" title="{self.share:.0%}"></span>'


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f"<table><tr>{titles}</tr>{lines}</table>"


def _cell(value: object) -> str:
    return f"<td>{value if isinstance(value, _Bar) else escape(str(value))}</td>"
